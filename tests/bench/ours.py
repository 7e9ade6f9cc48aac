"""The kiosk as the bench uses it: `kiosk run --headless` with its courier, of this checkout or of another.

From outside only: processes, the courier's socket, the printer's port, the shares' folders. So a checkout of an older
commit can be measured beside this one.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from drivers.share import Busy, Exists
from drivers.simulated.terminal import How, TerminalWriter
from kiosk.courier.line import CourierLine
from tests import ROOT
from tests.bench.proxy import Lines
from tests.hospital import DEADLINE_S, Hospital, Reception, today, vector, wait_until

POLL_S = 0.25  # the default of site.toml, as all that is not named below
SETTLE_S = 0.5
_LOOK_S = 0.0005
_NUMBER = "<ReferenceNumber>{}</ReferenceNumber>"


@dataclass(frozen=True)
class Tree:
    """A checkout; its own .venv if it has one, else ours."""

    folder: Path = ROOT

    @property
    def name(self) -> str:
        return "kiosk" if self.folder == ROOT else f"kiosk of {self.folder.name}"

    @property
    def python(self) -> str:
        own = self.folder / ".venv/bin/python"
        return str(own) if self.folder != ROOT and own.exists() else sys.executable

    def run(self, *arguments: str) -> str:
        """What Python prints there; CalledProcessError with its complaint."""
        done = subprocess.run(
            [self.python, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=DEADLINE_S
        )
        if done.returncode:
            sys.stderr.write(done.stderr)
            done.check_returncode()
        return done.stdout


@dataclass
class Site(Hospital):
    """A hospital for one tree. `lines`: its kiosk reaches both servers by way of these proxies."""

    tree: Tree = field(default_factory=Tree)
    lines: Lines | None = None

    def __enter__(self) -> Self:
        self.settings = {
            **self.settings,
            "terminal": {"poll_interval_s": str(POLL_S), **self.settings.get("terminal", {})},
            "visit": {"settle_s": str(SETTLE_S), "birthday": '"never"', **self.settings.get("visit", {})},
        }
        return super().__enter__()

    def _start_servers(self) -> None:
        super()._start_servers()
        if self.lines is not None:
            for server in (self.terminal, self.receipt_server):
                self._urls = {name: self.lines.through(url, server.port) for name, url in self._urls.items()}

    def open(self, *options: str, **how: Any) -> Reception:
        return super().open(*options, python=self.tree.python, cwd=self.tree.folder, **how)

    def book_patients(self, count: int) -> None:
        """An appointment today for each of the patients 0 … count - 1."""
        path = self.root / "appointments.csv"
        rows = [f"{patient(number)},{today()},23:50,内科,佐藤," for number in range(count)]
        path.write_text("patient_number,date,time,department,doctor,place\n" + "\n".join(rows) + "\n", encoding="utf-8")
        self.tree.run("-m", "kiosk", "reservations", "import", str(path), "--config", str(self.site))

    def processes(self, reception: Reception) -> dict[str, int]:
        """Process ids."""
        return {"reception": reception.process.pid, "courier": self.courier_pid()}


def patient(number: int) -> str:
    return f"9{number:07}"


def result(number: int) -> bytes:
    """The patient's result file."""
    plain = vector("valid-utf8")[1].decode()
    named = plain.replace(_NUMBER.format("04184963"), _NUMBER.format(patient(number)))
    assert named != plain
    return named.encode()


def result_name(number: int) -> str:
    return f"OQSsiquc01res_face_{number:018}.xml"


def fill(folder: Path, count: int) -> None:
    """Old files of another kind, which match no pattern of ours."""
    for number in range(count):
        os.close(os.open(folder / f"OQSsihvd01res_{number:018}.xml", os.O_CREAT | os.O_WRONLY, 0o644))


class Writer:
    """The terminal's program. `refused`: how often it could not write because somebody had opened its file too early.

    smbd lets a reader in while the file is being created, and refuses the writer then.
    """

    def __init__(self, program: TerminalWriter, where: Path) -> None:
        self._program, self._where = program, where
        self.refused = 0

    def write(self, number: int, how: How = "direct") -> float:
        """Write the patient's result until it is written; the moment at which its CLOSE or rename was answered."""
        while True:
            try:
                self._program.write(result_name(number), result(number), how=how)
                return time.monotonic()
            except (Busy, Exists):
                self.refused += 1
                (self._where / result_name(number)).unlink(missing_ok=True)

    def note(self, who: str) -> list[str]:
        return [f"{who}: made the terminal's own writer fail {self.refused} times"] if self.refused else []


def watch_ends(source: Path, destination: Path) -> tuple[float, float]:
    """Moments at which an instant consumer has taken the file and the source has gone, to half a millisecond."""
    published_at = gone_at = None
    until = time.monotonic() + DEADLINE_S
    while published_at is None or gone_at is None:
        assert time.monotonic() < until, "not delivered"
        if published_at is None:
            with suppress(FileNotFoundError):
                destination.unlink()
                published_at = time.monotonic()
        if gone_at is None and not source.exists():
            gone_at = time.monotonic()
        time.sleep(_LOOK_S)
    return published_at, gone_at


class Ours:
    """One running kiosk at its start page, visit by visit."""

    SPANS = ("notice", "screen", "slip", "published", "gone")

    def __init__(self, site: Site, chance: random.Random) -> None:
        self._site = site
        self._chance = chance
        self.writer = Writer(site.terminal_writer, site.folder("face"))
        self._complete_at: dict[int, float] = {}
        self._results: list[tuple[float, dict[str, Any]]] = []
        self.reception = site.open()
        self.reception.until("choose_card")
        self._connected = threading.Event()
        self._line = CourierLine(site.data_dir, self._take)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self.reception.quit()

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("event") == "connected":
            self._connected.set()
        elif message.get("event") == "result":
            self._results.append((time.monotonic(), message))

    def ready(self, since: float) -> float:
        """Seconds from `since` to the first patient's reader page; then back to the start page."""
        self.reception.press("mynumber")
        reader = self.reception.until("tap_reader")
        at = self.reception.read_at[self.reception.lines.index(reader)] - since
        self.reception.press("cancel")
        self.reception.until("choose_card")
        return at

    def deliver(self, number: int, how: How) -> None:
        """A file that nobody waits for at the kiosk, to its end."""
        self.writer.write(number, how)
        self._delivered(result_name(number))

    def _delivered(self, name: str) -> tuple[float, float]:
        return watch_ends(self._site.folder("face") / name, self._site.folder("to_face") / name)

    def short_visit(self, number: int) -> bool:
        """A visit of which no times are taken; False: it ended at the counter."""
        self.reception.press("mynumber")
        self.reception.until("tap_reader")
        self.deliver(number, "direct")
        screen = self.reception.until("done", "counter")
        self.reception.press("close")
        self.reception.until("choose_card")
        self._results.clear()
        return bool(screen["screen"] == "done")

    def visit(self, number: int) -> dict[str, float] | None:
        """Milliseconds from the moment at which the writer's CLOSE was answered; None: the patient went to the counter.

        `screen` and `slip` are less settle_s, in which the kiosk only makes sure that no second result comes. Where a
        receipt computer takes all files, nobody waits here for the delivery: see `published_ms`.
        """
        assert self._connected.wait(DEADLINE_S), "no courier"
        self.reception.press("mynumber")
        self.reception.until("tap_reader")
        time.sleep(self._chance.random() * POLL_S)  # or the file would always meet the same phase of a poll
        slips = len(self._site.printer.began_at)
        name = result_name(number)
        complete_at = self.writer.write(number)
        self._complete_at[number] = complete_at
        at = {}
        if self._site.receipt_computer is None:
            at["published"], at["gone"] = self._delivered(name)
        screen = self.reception.until("printing", "done", "counter")
        at["screen"] = self.reception.read_at[self.reception.lines.index(screen)] - SETTLE_S
        if screen["screen"] == "printing":
            screen = self.reception.until("done", "counter")
        received = screen["screen"] == "done"
        if received:
            wait_until(lambda: len(self._site.printer.began_at) > slips, "the slip")
            at["slip"] = self._site.printer.began_at[slips] - SETTLE_S
            at["notice"] = next(
                when for when, message in self._results if message.get("reference_number") == patient(number)
            )
        self.reception.press("close")
        self.reception.until("choose_card")
        self._results.clear()
        return {span: (at[span] - complete_at) * 1000 for span in self.SPANS if span in at} if received else None

    def published_ms(self, number: int) -> float:
        """When the receipt computer has taken the file of a visit; from the same moment."""
        assert self._site.receipt_computer is not None
        taken = next(file for file in self._site.receipt_computer.taken if file.name == result_name(number))
        return (taken.at_s - self._complete_at[number]) * 1000


def processor_s(pid: int, *, children: bool = False) -> float:
    """Seconds of processor time that a process has had; with those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, which: str = "VmRSS") -> float:
    """VmRSS: resident now; VmHWM: the most it ever was."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError(f"no {which}")
