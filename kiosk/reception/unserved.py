"""Patients of the day who were known and could not be registered: a list for staff, in a file of the reception's own.

Owns `unserved/<day>.jsonl` in the data folder, readable by its owner only: a line a patient, with the number that the
card or the file gave, because staff must register the patient by hand. Gone in the night after the day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from kiosk.process.data_folder import DataFolder
from kiosk.reception.worker import Report, Worker
from kiosk.visit import commands as c

TIDY_EVERY_S: Final = 600.0
# Until then whoever works late still reads the day's list.
_NIGHT_ENDS: Final = time(4)
_READ_MAX: Final = 4_000_000


@dataclass(frozen=True)
class Entry:
    """`at`: HH:MM of the site. `way`: `mynumber` (`number` is a reference number) or `patient_card`.

    `code`: as the patient's screen had it.
    """

    at: str
    way: str
    number: str = field(repr=False)
    reason: str
    code: str


class Unserved:
    """`folder`: the data folder. `clock()`: the site's aware local time. Never waits for the disk."""

    def __init__(self, folder: Path, clock: Callable[[], datetime], report: Report) -> None:
        self._folder = DataFolder(folder).unserved
        self._clock = clock
        self._report = report
        self._worker = Worker("unserved", TIDY_EVERY_S, self._tidy)
        self._worker.do(self._tidy)

    def keep(self, command: c.KeepUnserved) -> None:
        """One more for the list of today."""
        now = self._clock()
        entry = Entry(f"{now:%H:%M}", command.way, command.number, command.reason, command.code)
        if not self._worker.do(lambda: self._write(now.date(), entry, command.visit)):
            self._report("unserved_lost", visit=command.visit)

    def close(self) -> None:
        """What was kept is on the disk."""
        self._worker.close(2.0)

    def _write(self, day: date, entry: Entry, visit: int) -> None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(_file(self._folder, day), flags, 0o600), "a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            self._report("unserved_lost", visit=visit, what=error.strerror or "")

    def _tidy(self) -> None:
        now = self._clock()
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix == ".jsonl" and is_over(path.stem, now):
                    path.unlink(missing_ok=True)


def is_over(day: str, now: datetime) -> bool:
    """Whether the list of `day` (ISO) goes: it is of an earlier day, and the night is over."""
    try:
        listed = date.fromisoformat(day)
    except ValueError:
        return False
    return listed < now.date() and ((now.date() - listed).days > 1 or now.time() >= _NIGHT_ENDS)


def read(folder: Path, day: date) -> tuple[Entry, ...]:
    """The list of `day`, oldest first; a line that is none is passed over. Raises OSError but for a day without one."""
    try:
        with _file(DataFolder(folder).unserved, day).open("rb") as listed:
            content = listed.read(_READ_MAX)
    except FileNotFoundError:
        return ()
    entries = []
    for line in content.splitlines():
        with suppress(ValueError, TypeError):
            entries.append(Entry(**json.loads(line)))
    return tuple(entries)


def _file(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}.jsonl"
