"""A root shell on the PC's second serial port, for the proof only.

The image has none. A second initrd, which only the copy of the image under test is given, puts a unit into /run while
it starts; the root file system stays as it was built.
"""

from __future__ import annotations

import itertools
import re
import shlex
import socket
import subprocess
import time
from pathlib import Path

_UNIT = """[Unit]
Description=Shell of the proof, no part of the kiosk
DefaultDependencies=no
After=local-fs.target
Conflicts=shutdown.target
Before=shutdown.target
[Service]
ExecStart=/bin/bash --norc --noprofile
Environment=PATH=/usr/sbin:/usr/bin TERM=dumb SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Restart=always
RestartSec=1
"""
# initramfs-tools reads conf.d before anything else; /run is mounted later, hence the script at the end.
_CONF = "echo '/scripts/init-bottom/zz-kiosk-test' >> /scripts/init-bottom/ORDER\n"
_SCRIPT = """#!/bin/sh
[ "$1" = prereqs ] && exit 0
mkdir -p /run/systemd/system/sysinit.target.wants
# The health check waits ten minutes; the proof does not.
mkdir -p /run/systemd/system/kiosk-good.service.d
printf '[Service]\nEnvironment=KIOSK_HEALTH_S=300\n' > /run/systemd/system/kiosk-good.service.d/proof.conf
# There is no cp in a small initrd.
cat /kiosk-test-shell.service > /run/systemd/system/kiosk-test-shell.service
ln -s ../kiosk-test-shell.service /run/systemd/system/sysinit.target.wants/
exit 0
"""
_MARKS = itertools.count(1)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def make_initrd(path: Path, folder: Path) -> None:
    """Write the second initrd to `path`; `folder` is for its parts."""
    for name, text, mode in (
        ("kiosk-test-shell.service", _UNIT, 0o644),
        ("conf/conf.d/zz-kiosk-test", _CONF, 0o644),
        ("scripts/init-bottom/zz-kiosk-test", _SCRIPT, 0o755),
    ):
        part = folder / name
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text)
        part.chmod(mode)
    names = "\n".join(sorted(str(part.relative_to(folder)) for part in folder.rglob("*")))
    pack = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"]
    packed = subprocess.run(pack, input=names.encode(), cwd=folder, capture_output=True, check=True)
    path.write_bytes(packed.stdout)


class NoAnswer(AssertionError):
    """The shell did not answer in time."""


class Shell:
    """`run("systemctl --failed")` returns what was said; `value` demands success."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._link: socket.socket | None = None

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def run(self, command: str, deadline_s: float = 60.0) -> tuple[int, str]:
        """(exit code, what was written to both outputs). Raises NoAnswer."""
        mark = f"MARK{next(_MARKS)}X{time.monotonic_ns()}"
        # The mark is put together by the shell, so that an echo of the line is not taken for it.
        say = f"echo {mark[:4]}''{mark[4:]}"
        whole = f"stty -echo 2>/dev/null; {say} B; ( {command}\n) 2>&1 </dev/null; {say} $?\n"
        try:
            output = self._exchange(whole, mark, deadline_s)
        except OSError as error:
            self.close()
            raise NoAnswer(f"{command}: {error}") from None
        text = _ESCAPES.sub("", output.replace("\r", ""))
        begun = re.search(rf"{mark} B\n", text)
        ended = re.search(rf"{mark} (\d+)\n", text)
        assert begun and ended, text[-2000:]
        return int(ended[1]), text[begun.end() : ended.start()]

    def value(self, command: str, deadline_s: float = 60.0) -> str:
        """What a command that must succeed said, without blanks at its ends."""
        code, output = self.run(command, deadline_s)
        assert code == 0, f"{command} → {code}: {output[-1500:]}"
        return output.strip()

    def wait(self, deadline_s: float) -> None:
        """Until the shell is there. Raises NoAnswer."""
        due = time.monotonic() + deadline_s
        while True:
            try:
                self.run("true", min(5.0, deadline_s))
                return
            except NoAnswer:
                if time.monotonic() > due:
                    raise

    def write(self, path: str, text: str) -> None:
        """Make a small text file on the PC."""
        self.value(f"mkdir -p $(dirname {shlex.quote(path)}) && printf %s {shlex.quote(text)} > {shlex.quote(path)}")

    def _exchange(self, line: str, mark: str, deadline_s: float) -> str:
        if self._link is None:
            self._link = socket.socket(socket.AF_UNIX)
            self._link.connect(str(self._path))
        self._link.settimeout(0.5)
        self._link.sendall(line.encode())
        due, output = time.monotonic() + deadline_s, b""
        while time.monotonic() < due:
            try:
                more = self._link.recv(65536)
            except TimeoutError:
                continue
            if not more:
                break
            output += more
            if re.search(rb"%s \d+\r?\n" % mark.encode(), output):
                return output.decode(errors="replace")
        self.close()
        raise NoAnswer(f"{line.strip()[:200]}: {output[-300:].decode(errors='replace')!r}")
