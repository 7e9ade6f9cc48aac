"""A whole site for tests: real Samba servers, a TCP printer, a pty card reader, and `kiosk` as processes.

`Hospital` owns folders, peers and site.toml; `Reception` is one `kiosk run --headless`. Waits are conditions with a
generous deadline; nothing sleeps.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from drivers.simulated.card_reader import SimulatedCardReader
from drivers.simulated.printer import SimulatedPrinter
from drivers.simulated.smb_server import Encryption
from drivers.simulated.terminal import TerminalWriter
from kiosk.__main__ import main
from tests import ROOT, VECTORS
from tests.keep import last_log, log_of
from tests.peers.receipt_computer import ReceiptComputer
from tests.peers.samba import Smbd, lend

EXPECTED = [json.loads(line) for line in (VECTORS / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
FILE_OF = {row["label"]: row["file"] for row in EXPECTED}
PATIENT_OF = {row["label"]: row.get("patient") for row in EXPECTED}
DEADLINE_S = 180.0  # of what takes a second or two: on a busy machine that is slow, most of a minute
ZONE = ZoneInfo("Asia/Tokyo")

Line = dict[str, Any]


def today() -> date:
    return datetime.now(ZONE).date()


def vector(label: str) -> tuple[str, bytes]:
    """(file name, content) of a vector."""
    name = FILE_OF[label]
    return name, (VECTORS / name).read_bytes()


def wait_until(true: Callable[[], object], what: str, deadline_s: float = DEADLINE_S, every_s: float = 0.02) -> None:
    """`every_s`: longer where looking is work for those who are waited for. A look that takes long itself is taken
    less often: what is computed here, those who are waited for do not get.
    """
    until = time.monotonic() + deadline_s
    tick = threading.Event()
    while True:
        began = time.monotonic()
        if true():
            return
        ended = time.monotonic()
        assert ended < until, f"not within {deadline_s} s: {what}"
        tick.wait(max(every_s, min(4 * (ended - began), 1.0)))


def alive(pid: int) -> bool:
    """Whether a process is there and not only its entry in the process table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _unread_errors(process: subprocess.Popen[bytes]) -> str:
    """What is left in the pipe of its standard error, without waiting: children of it may have the other end still."""
    assert process.stderr
    if process.stderr.closed:
        return ""
    os.set_blocking(process.stderr.fileno(), False)
    return (process.stderr.read() or b"").decode(errors="replace")


class Reception:
    """One `kiosk run --headless`; `lines` are its screens in order. As a context manager it is killed at the end.

    `environment` is added to ours. `read_errors=False`: nobody reads its standard error. `by`: words before it.
    `python`, `cwd`: the interpreter and the checkout it runs from.
    """

    def __init__(
        self,
        site: Path,
        *options: str,
        environment: dict[str, str] | None = None,
        read_errors: bool = True,
        by: tuple[str, ...] = (),
        python: str = sys.executable,
        cwd: Path = ROOT,
    ) -> None:
        self.process = subprocess.Popen(
            [*by, python, "-m", "kiosk", "run", "--headless", "--config", str(site), *options],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        self.lines: list[Line] = []
        self.read_at: list[float] = []  # monotonic seconds, one for each of `lines`
        self.errors: list[str] = []
        self._changed = threading.Condition()
        self._read_to = 0
        for read in (self._read_screens, self._read_errors) if read_errors else (self._read_screens,):
            threading.Thread(target=read, daemon=True).start()
        log_of("reception", self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.kill()
        last_log("reception", self._log)

    def _log(self) -> str:
        """Its screens, then its standard error, each as it wrote them."""
        with self._changed:
            screens = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines)
            return f"pid {self.process.pid}, exit {self.process.poll()}\n{screens}{''.join(self.errors)}"

    def _read_screens(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            with self._changed:
                self.lines.append(json.loads(text))
                self.read_at.append(time.monotonic())
                self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr
        for text in self.process.stderr:
            with self._changed:
                self.errors.append(text)
                self._changed.notify_all()

    def press(self, *buttons: str) -> None:
        assert self.process.stdin
        for button in buttons:
            self.process.stdin.write(f"press {button}\n")
        self.process.stdin.flush()

    def until(self, *screens: str, deadline_s: float = DEADLINE_S) -> Line:
        """The next screen line named so; what came before it is passed over."""
        with self._changed:
            self._changed.wait_for(lambda: self._find(screens) is not None, deadline_s)
            at = self._find(screens)
            assert at is not None, f"no {screens} in {self.lines[self._read_to :]}\n{''.join(self.errors[-20:])}"
            self._read_to = at + 1
            return self.lines[at]

    def _find(self, screens: tuple[str, ...]) -> int | None:
        rows = enumerate(self.lines[self._read_to :], start=self._read_to)
        return next((at for at, line in rows if line["screen"] in screens), None)

    def until_error(self, text: str) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: any(text in line for line in self.errors), DEADLINE_S)
        assert found, "".join(self.errors)

    def choose_my_number(self) -> None:
        self.until("choose_card")
        self.press("mynumber")
        self.until("tap_reader")

    def quit(self) -> int:
        assert self.process.stdin
        if self.process.poll() is None:
            self.process.stdin.close()
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        """SIGKILL to the whole group, as a power cut of the screen's side."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)


@dataclass
class Hospital:
    """`pattern` 1: two servers. `settings`: lines added to tables of site.toml, `more` below them.

    `own_servers`: for a test that stops or freezes them; without, they are the worker's.
    """

    root: Path
    pattern: int = 1
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    card_reader: bool = False
    consumer: bool = False
    encryption: Encryption = "required"
    more: str = ""
    own_servers: bool = False

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        for name in ("face", "res", "to_face", "to_res", "data"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "data").chmod(0o700)
        self._start_servers()
        self.printer = self._stack.enter_context(SimulatedPrinter())
        self.cards = self._stack.enter_context(SimulatedCardReader()) if self.card_reader else None
        taker = ReceiptComputer(self.folder("to_face"))
        self.receipt_computer = self._stack.enter_context(taker) if self.consumer else None
        self.terminal_writer = TerminalWriter(self.terminal.url(self._face), self.terminal.password)
        self._stack.callback(self.terminal_writer.close)
        self.configure()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def folder(self, name: str) -> Path:
        return self.root / name

    @property
    def site(self) -> Path:
        return self.root / "site.toml"

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    def _start_servers(self) -> None:
        if self.pattern == 2:
            self._face = "oqs/face"
            self.terminal = self.receipt_server = self._server("terminal", {"oqs": self.root})
            self._urls = {name: self.terminal.url(f"oqs/{name}") for name in ("face", "res", "to_face", "to_res")}
            return
        self._face = "face"
        self.terminal = self._server("terminal", {name: self.folder(name) for name in ("face", "res")})
        self.receipt_server = self._server(
            "receipt computer", {name: self.folder(f"to_{name}") for name in ("face", "res")}
        )
        self._urls = {name: self.terminal.url(name) for name in ("face", "res")}
        self._urls |= {f"to_{name}": self.receipt_server.url(name) for name in ("face", "res")}

    def _server(self, which: str, shares: dict[str, Path]) -> Smbd:
        if self.own_servers:
            return self._stack.enter_context(Smbd(shares, encryption=self.encryption))
        return self._stack.enter_context(lend(shares, which=which, encryption=self.encryption))

    def configure(self) -> None:
        """Write site.toml and its secrets."""
        tables: dict[str, dict[str, str]] = {
            "site": {
                "name": '"架空総合病院"',
                "institution_code": '"9912345678"',
                "pattern": str(self.pattern),
                "data_dir": f'"{self.data_dir}"',
            },
            "terminal": {
                "results": f'"{self._urls["face"]}"',
                "subsidies": f'"{self._urls["res"]}"',
                "password_file": '"terminal.secret"',
                "poll_interval_s": "0.1",
            },
            "receipt_computer": {
                "results": f'"{self._urls["to_face"]}"',
                "subsidies": f'"{self._urls["to_res"]}"',
                "password_file": '"receipt_computer.secret"',
            },
            "visit": {"reader_min_s": "0", "settle_s": "0.3", "unclean_s": "0", "done_s": "60", "counter_s": "60"},
            "printer": {"url": f'"{self.printer.url}"'},
        }
        if self.cards is not None:
            tables["card_reader"] = {"url": f'"{self.cards.url}"'}
        for table, keys in self.settings.items():
            tables.setdefault(table, {}).update(keys)
        text = "".join(
            f"[{table}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            for table, keys in tables.items()
        )
        text += '[[place]]\ndepartment = "内科"\ntext = "A棟1階2番窓口"\n' + self.more
        self.site.write_text(text, encoding="utf-8")
        for name, server in (("terminal", self.terminal), ("receipt_computer", self.receipt_server)):
            secret = self.root / f"{name}.secret"
            secret.write_text(server.password + "\n")
            secret.chmod(0o600)

    def command(self, *arguments: str) -> list[str]:
        """How a `kiosk` command is started."""
        return [sys.executable, "-m", "kiosk", *arguments, "--config", str(self.site)]

    def kiosk(self, *arguments: str, config: bool = True) -> subprocess.CompletedProcess[str]:
        """One `kiosk` command to its end."""
        return subprocess.run(
            self.command(*arguments) if config else [sys.executable, "-m", "kiosk", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def status(self) -> Line:
        """What `kiosk status --json` prints; for waits, which ask many times."""
        told: Line = json.loads(self._within("status", "--json")[1])
        return told

    def _within(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, standard output and error) of a `kiosk` command that runs within this process.

        For what is not what a test is about: a program's start is a third of a second of computing.
        """
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()) as complained:
            code = main([*arguments, "--config", str(self.site)])
        return code, said.getvalue(), complained.getvalue()

    def book(self, *rows: str, header: str = "patient_number,date,time,department,doctor,place") -> None:
        """Import appointments; `{today}` in a row is today."""
        path = self.root / "appointments.csv"
        path.write_text("\n".join([header, *rows]).format(today=today()) + "\n", encoding="utf-8")
        code, _, complained = self._within("reservations", "import", str(path))
        assert code == 0, complained

    def tap(self, label: str, **how: Any) -> None:
        """The terminal writes a vector's result file, and it takes its time if `how` says so."""
        self.terminal_writer.write(*vector(label), **how)

    def place(self, label: str, folder: str = "face") -> None:
        """Put a vector into a folder by rename, from beside the server."""
        name, content = vector(label)
        hidden = self.folder(folder) / f".{name}.writing"
        hidden.write_bytes(content)
        hidden.rename(self.folder(folder) / name)

    def delivered(self, label: str, folder: str = "to_face") -> bool:
        """Whether the vector's file is at the receipt computer, byte for byte."""
        name, content = vector(label)
        path = self.folder(folder) / name
        return path.exists() and path.read_bytes() == content

    def wait_delivered(self, label: str, folder: str = "to_face") -> None:
        source = "res" if folder == "to_res" else "face"
        name = FILE_OF[label]
        wait_until(
            lambda: self.delivered(label, folder) and not (self.folder(source) / name).exists(), f"{label} delivered"
        )

    def events(self, process: str = "courier") -> list[Line]:
        path = self.data_dir / f"events-{process}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def open(self, *options: str, **how: Any) -> Reception:
        """Start the reception; it is killed at the end of the test if it is still there."""
        return self._stack.enter_context(Reception(self.site, *options, **how))

    def open_courier(self, by: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start `kiosk courier` as a service of its own; it is killed at the end of the test if it is still there."""
        courier = subprocess.Popen(
            [*by, sys.executable, "-m", "kiosk", "courier", "--config", str(self.site)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._stack.callback(last_log, "courier", lambda: _unread_errors(courier))
        self._stack.callback(courier.wait)
        self._stack.callback(courier.kill)
        return courier

    def courier_pid(self, other_than: int = 0) -> int:
        """The process id of the courier that has the data folder."""
        found: list[int] = []

        def look() -> bool:
            with suppress(OSError, ValueError):
                found.append(int((self.data_dir / "courier.lock").read_text().rpartition(" ")[2]))
                return found[-1] != other_than and alive(found[-1])
            return False

        wait_until(look, "a courier")
        return found[-1]
