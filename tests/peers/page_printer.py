"""Printers of others that speak IPP: CUPS's own ippeveprinter, and a print queue of a cupsd on the loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

from tests.keep import log_of
from tests.peers import need

START_S = 60

# ippeveprinter wants a system bus, and with -r off nothing of it: this one is nobody's.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""

# What is done with each page. Lines on standard error are the printer's state; the last argument is the document.
_COMMAND = """#!/bin/sh
for document; do :; done
if [ -e {folder}/empty ]; then
    echo "STATE: +media-empty-error" >&2
    while [ -e {folder}/empty ]; do sleep 0.05; done
    echo "STATE: -media-empty-error" >&2
fi
while [ -e {folder}/slow ]; do sleep 0.05; done
cp "$document" {folder}/pages/
"""

# As Debian's cupsd.conf has it for jobs; only who makes queues is not asked for a password.
_CUPSD = """Listen 127.0.0.1:{port}
Browsing Off
WebInterface No
DefaultAuthType None
LogLevel debug
PreserveJobHistory Yes
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  JobPrivateAccess default
  JobPrivateValues default
  <Limit Create-Job Print-Job Print-URI Validate-Job>
    Order deny,allow
  </Limit>
  <Limit Send-Document Send-URI Hold-Job Release-Job Restart-Job Set-Job-Attributes Cancel-Job Cancel-My-Jobs>
    Require user @OWNER @SYSTEM
    Order deny,allow
  </Limit>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
"""

_CUPS_FILES = """ServerRoot {folder}/root
RequestRoot {folder}/spool
TempDir {folder}/spool/tmp
StateDir {folder}/state
CacheDir {folder}/cache
AccessLog {folder}/access.log
ErrorLog {folder}/error.log
PageLog {folder}/page.log
Printcap
"""


class _Server:
    """A program with a folder and a port of its own; a context manager."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._resources = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        # Not pytest's own folder: cupsd has its filters run as another user, who must get there.
        self.folder = Path(self._resources.enter_context(TemporaryDirectory(prefix="kiosk-printer-")))
        self.folder.chmod(0o755)
        self._output = self._resources.enter_context((self.folder / "output.log").open("ab"))
        log_of(type(self).__name__, self.read_log)
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        self._resources.close()

    def read_log(self) -> str:
        """What the program wrote so far."""
        return (self.folder / "output.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start the program and wait until it takes connections."""
        raise NotImplementedError

    def stop(self) -> None:
        """Switch off, and whatever it has started."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(START_S)
        self._processes.clear()

    def _run(self, *command: str, **environment: str) -> None:
        self._processes.append(
            subprocess.Popen(
                command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=self._output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        )  # fmt: skip

    def _wait_for_port(self) -> None:
        end = time.monotonic() + START_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            assert all(process.poll() is None for process in self._processes), self.read_log()
            assert time.monotonic() < end, self.read_log()
            time.sleep(0.02)


class IppEverywherePrinter(_Server):
    """ippeveprinter at `url`. Knobs: `empty`, `slow`; `pages` are the documents that came out, in order of time."""

    def __init__(self, *formats: str) -> None:
        super().__init__()
        self.url = f"ipp://127.0.0.1:{self.port}/ipp/print"
        self._formats = formats or ("application/pdf", "image/jpeg")

    def start(self) -> None:
        (self.folder / "pages").mkdir(exist_ok=True)
        (self.folder / "jobs").mkdir(exist_ok=True)
        # As the command of a queue's printer it is run by who runs the printer: nobody else needs to write there.
        command = self.folder / "print"
        command.write_text(_COMMAND.format(folder=self.folder), encoding="ascii")
        command.chmod(0o755)
        bus = self.folder / "bus"
        (self.folder / "bus.conf").write_text(_BUS.format(folder=self.folder), encoding="ascii")
        self._run(need("dbus-daemon"), f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile")
        end = time.monotonic() + START_S
        while not bus.exists():
            assert time.monotonic() < end, self.read_log()
            time.sleep(0.01)
        self._run(
            need("ippeveprinter"), "-p", str(self.port), "-n", "localhost", "-d", str(self.folder / "jobs"),
            "-c", str(command), "-r", "off", "-f", ",".join(self._formats), "-vv", "printer",
            DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}",
        )  # fmt: skip
        self._wait_for_port()

    def stop(self) -> None:
        super().stop()
        (self.folder / "bus").unlink(missing_ok=True)

    def knob(self, name: str, on: bool) -> None:
        """`empty`: no paper; `slow`: pages do not come out, without a reason."""
        if on:
            (self.folder / name).touch()
        else:
            (self.folder / name).unlink(missing_ok=True)

    @property
    def pages(self) -> list[Path]:
        """The documents that came out."""
        return sorted((self.folder / "pages").iterdir(), key=lambda page: page.stat().st_mtime_ns)


class PrintQueues(_Server):
    """A cupsd; `add` makes queues."""

    def start(self) -> None:
        for name in ("root", "spool/tmp", "state", "cache"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "cupsd.conf").write_text(_CUPSD.format(port=self.port), encoding="ascii")
        (self.folder / "cups-files.conf").write_text(_CUPS_FILES.format(folder=self.folder), encoding="ascii")
        self._run(need("cupsd"), "-f", "-c", f"{self.folder}/cupsd.conf", "-s", f"{self.folder}/cups-files.conf")
        self._wait_for_port()

    def add(self, name: str, printer: IppEverywherePrinter) -> str:
        """The URL of a new queue in front of `printer`."""
        self.command("lpadmin", "-p", name, "-E", "-v", printer.url, "-m", "everywhere")
        return f"ipp://127.0.0.1:{self.port}/printers/{name}"

    def command(self, program: str, *arguments: str) -> str:
        """Run one of CUPS's programs on this server; what it printed."""
        done = subprocess.run(
            [need(program), "-h", f"127.0.0.1:{self.port}", *arguments],
            capture_output=True, text=True, timeout=START_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.read_log()
        return done.stdout

    def read_log(self) -> str:
        """What the program wrote so far, into its log too."""
        log = self.folder / "error.log"
        return super().read_log() + (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
