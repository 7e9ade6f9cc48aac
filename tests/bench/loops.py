"""What people would use: a loop that lists the folder, sleeps, and reads what is new. In a process of its own.

    python -m tests.bench.loops smbclient|listdir|impacket URL INTERVAL_S     (the password in KIOSK_BENCH_PASSWORD)

For each line on its standard input it looks until it has the content of one new file, and prints "looking" after its
first listing and the moment (seconds of CLOCK_MONOTONIC) at which the content was in hand. pysmb is not among them: it
cannot encrypt, so a server that requires it sends it away.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests import ROOT

PATTERN = "OQSsiquc01res_face_*.xml"
PASSWORD = "KIOSK_BENCH_PASSWORD"


class Client(Protocol):
    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes | None:
        """None: not now."""


class CommandLine:
    """Debian's smbclient, a process for each question, as in a shell script."""

    def __init__(self, host: str, port: int, share: str, user: str, password: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        account = Path(self._folder.name, "account")
        account.write_text(f"username = {user}\npassword = {password}\n", encoding="utf-8")
        self._command = [
            "smbclient", f"//{host}/{share}", "-p", str(port), "-A", str(account), "-m", "SMB3",
            "--client-protection=encrypt", "-c",
        ]  # fmt: skip

    def names(self) -> list[str]:
        listing = self._run(f"ls {PATTERN}").stdout
        return [name for name in re.findall(r"^  (\S+)", listing, re.MULTILINE) if fnmatchcase(name, PATTERN)]

    def read(self, name: str) -> bytes | None:
        copy = Path(self._folder.name, name)
        if self._run(f"get {name} {copy}").returncode:
            return None
        return copy.read_bytes()

    def _run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, command], capture_output=True, text=True, check=False, timeout=60)


class SmbprotocolApi:
    """smbprotocol's own smbclient, one session kept."""

    def __init__(self, host: str, port: int, share: str, user: str, password: str) -> None:
        import smbclient

        self._api = smbclient
        self._port = port
        self._folder = rf"\\{host}\{share}"
        smbclient.register_session(host, username=user, password=password, port=port, encrypt=True)

    def names(self) -> list[str]:
        return list(self._api.listdir(self._folder, search_pattern=PATTERN, port=self._port))

    def read(self, name: str) -> bytes | None:
        try:
            with self._api.open_file(rf"{self._folder}\{name}", "rb", share_access="r", port=self._port) as file:
                return bytes(file.read())
        except OSError:
            return None


class Impacket:
    """impacket's SMBConnection; when a call breaks off, as some do, a new one."""

    def __init__(self, host: str, port: int, share: str, user: str, password: str) -> None:
        self._share = share
        self._connect: Callable[[], Any] = lambda: _impacket(host, port, user, password)
        self._connection = self._connect()

    def names(self) -> list[str]:
        from impacket.smbconnection import SessionError

        try:
            found = self._connection.listPath(self._share, PATTERN)
        except SessionError as error:
            if "NO_SUCH_FILE" not in str(error):
                self._connection = self._connect()
            return []
        except Exception:  # noqa: BLE001 - its own kinds, and whatever its parser meets
            self._connection = self._connect()
            return []
        return [entry.get_longname() for entry in found]

    def read(self, name: str) -> bytes | None:
        parts: list[bytes] = []
        try:
            self._connection.getFile(self._share, name, parts.append)
        except Exception:  # noqa: BLE001 - the same
            self._connection = self._connect()
            return None
        return b"".join(parts)


def _impacket(host: str, port: int, user: str, password: str) -> Any:
    from impacket.smbconnection import SMBConnection

    connection = SMBConnection(host, host, sess_port=port)
    connection.login(user, password)
    return connection


CLIENTS: dict[str, Callable[[str, int, str, str, str], Client]] = {
    "smbclient": CommandLine,
    "listdir": SmbprotocolApi,
    "impacket": Impacket,
}


TITLES = {
    "smbclient": "smbclient command line",
    "listdir": "smbprotocol's listdir",
    "impacket": "impacket's listPath",
}


def installed(python: str) -> bool:
    """Whether that Python has impacket, which is in no list of ours."""
    return (
        subprocess.run([python, "-c", "import impacket.smbconnection"], capture_output=True, check=False).returncode
        == 0
    )


def look(client: Client, interval_s: float, known: set[str]) -> float:
    """Until the content of a file that was not `known` is in hand."""
    first = True
    while True:
        for name in client.names():
            if name not in known and client.read(name):
                known.add(name)
                return time.monotonic()
        if first:
            print("looking", flush=True)  # noqa: T201 - the program's answer
            first = False
        time.sleep(interval_s)


def main(kind: str, url: str, interval_s: float) -> None:
    address = urlsplit(url)
    client = CLIENTS[kind](
        str(address.hostname), int(address.port or 445), address.path.strip("/"),
        str(address.username), os.environ[PASSWORD],
    )  # fmt: skip
    known: set[str] = set()
    print("ready", flush=True)  # noqa: T201 - the program's answer
    for _ in sys.stdin:
        print(look(client, interval_s, known), flush=True)  # noqa: T201 - the program's answer


class BrokeOff(Exception):
    """The loop's program has ended, as a script that nobody looks after does."""


class Loop:
    """One of them as the bench uses it; one that broke off is started again."""

    def __init__(self, kind: str, interval_s: float, url: str, password: str, *, python: str = sys.executable) -> None:
        self.interval_s = interval_s
        self._command = [python, "-m", "tests.bench.loops", kind, url, str(interval_s)]
        self._environment = {**os.environ, PASSWORD: password}
        self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def look(self) -> None:
        """Let it list until it finds something; returns when it has listed once."""
        self._ask.write("\n")
        self._ask.flush()
        self._answer()

    def content_after(self, write: Callable[[], float], chance: random.Random) -> float:
        """Seconds from what `write` returns to the content in hand; the file comes at a random moment of the loop.

        Raises BrokeOff.
        """
        self.look()
        time.sleep(chance.random() * self.interval_s)
        complete_at = write()
        return float(self._answer()) - complete_at

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._ask.close()
        self._answers.close()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._ask, self._answers = self._process.stdin, self._process.stdout
        assert self._answers.readline() == "ready\n", f"does not start: {self._command}"

    def _answer(self) -> str:
        if answer := self._answers.readline().strip():
            return answer
        self.end()
        self._start()
        raise BrokeOff


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
