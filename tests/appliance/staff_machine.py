"""A whole appliance in a folder, for tests of root's helpers: its paths, and the system's programs as small scripts
that note how they were called. `systemd-creds` is the real one; `systemctl start kiosk-check.service` runs the real
check.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk.appliance.machine.places import Places
from kiosk.appliance.site import apply
from tests import ROOT
from tests.peers import need

PIN = "804263"

_NOTE = 'printf "%s\\n" "{name} $*" >>"{calls}"\n'
_SYSTEMCTL = """
case "$*" in
"start kiosk-check.service")
    exec "{root}/opt/kiosk/current/.venv/bin/python" -m kiosk.appliance check --root "{root}" \
        >"{root}/run/kiosk-appliance/check-answer" ;;
esac
"""
# A stick is a folder; mounted, it is a link to that folder.
_MOUNT = """
while [ $# -gt 2 ]; do shift; done
device="$(readlink -f "$1")"
[ -d "$device" ] || exit 32
rmdir "$2" && ln -s "$device" "$2"
"""
_UMOUNT = """
while [ $# -gt 1 ]; do shift; done
[ -L "$1" ] && rm "$1" && mkdir "$1"
"""
_SETPRIV = """
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""


@dataclass(frozen=True)
class Machine:
    """The machine below `places.root`."""

    places: Places

    @property
    def calls(self) -> list[str]:
        """Every call of a program of root's, in order."""
        file = self.places.root / "calls"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def stick(self, files: dict[str, str | bytes], device: str = "sdx1") -> Path:
        """Plug in a stick with these files; its folder."""
        top = self.places.root / "dev" / device
        shutil.rmtree(top, ignore_errors=True)
        top.mkdir()
        for name, content in files.items():
            file = top / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return top

    def use(self, folder: Path | None) -> apply.Applied:
        """`apply`, without giving the test's machine a name."""
        return apply.apply(self.places, folder, lambda name: None)


def machine(root: Path) -> Machine:
    """A machine without a site."""
    need("systemd-creds")
    if os.geteuid() != 0:
        pytest.skip("root's helpers seal secrets as root")
    places = Places(root)
    for folder in ("usr/bin", "usr/sbin", "dev", "proc", "etc", "opt/kiosk/current/.venv/bin", "efi/EFI/debian"):
        (root / folder).mkdir(parents=True)
    for made in (places.run, places.appliance, places.data, places.courier):
        made.mkdir(parents=True)
    places.cmdline.write_text("quiet rauc.slot=A\n")
    places.release_file.write_text("VERSION=1.2\nBUILD=x\nKEYRING=development\n")
    calls = root / "calls"
    scripts = {
        "usr/bin/systemctl": _SYSTEMCTL.format(root=root), "usr/bin/mount": _MOUNT, "usr/bin/umount": _UMOUNT,
        "usr/bin/setpriv": _SETPRIV, "usr/sbin/nft": "", "usr/bin/networkctl": "", "usr/bin/udevadm": "",
        "usr/bin/grub-editenv": "", "usr/bin/ip": "echo '[]'\n",
    }  # fmt: skip
    for name, text in scripts.items():
        script(root / name, _NOTE.format(name=Path(name).name, calls=calls) + text)
    python = f'cd "{ROOT}" && export PYTHONPATH="{ROOT}"\n[ "$1" = -P ] && shift\nexec "{sys.executable}" "$@"\n'
    script(root / "opt/kiosk/current/.venv/bin/python", python)
    for name in ("systemd-creds", "env"):
        (root / "usr/bin" / name).symlink_to(str(shutil.which(name)))
    return Machine(places)


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    file.chmod(0o755)
