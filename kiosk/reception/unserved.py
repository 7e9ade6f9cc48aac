"""Patients of the day who were known and could not be registered: a list for staff, in a file of the reception's own.

Owns `unserved/<day>.jsonl` in the data folder, readable by its owner only: a line a patient, with the number that the
card or the file gave, because staff must register the patient by hand; and a line for each whom staff have taken care
of. The reception writes it, and who serves the desk. Gone in the night after the day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Literal

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


@dataclass(frozen=True)
class Listed(Entry):
    """An entry as it stands in the list. `line`: where, from 1. `served`: HH:MM when staff said so; "": not yet."""

    line: int = 0
    served: str = ""


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
            _append(_file(self._folder, day), asdict(entry), os.O_CREAT)
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


def read(folder: Path, day: date) -> tuple[Listed, ...]:
    """The list of `day`, oldest first; a line that is none is passed over. Raises OSError but for a day without one."""
    try:
        with _file(DataFolder(folder).unserved, day).open("rb") as listed:
            content = listed.read(_READ_MAX)
    except FileNotFoundError:
        return ()
    entries: list[Listed] = []
    served: dict[int, str] = {}
    for line, text in enumerate(content.splitlines(), 1):
        with suppress(ValueError, TypeError):
            found = json.loads(text)
            if "served" in found:
                served[found["served"]] = str(found.get("at"))
            else:
                entries.append(Listed(**found, line=line))
    return tuple(replace(each, served=served.get(each.line, "")) for each in entries)


def serve(folder: Path, now: datetime, line: int, code: str) -> Literal["done", "already", "unknown"]:
    """Staff have taken care of the patient in that line of the list of `now`'s day, whose slip has `code`. Raises
    OSError.
    """
    found = next((each for each in read(folder, now.date()) if (each.line, each.code) == (line, code)), None)
    if found is None:
        return "unknown"
    if found.served:
        return "already"
    _append(_file(DataFolder(folder).unserved, now.date()), {"served": line, "at": f"{now:%H:%M}"})
    return "done"


def _append(file: Path, line: dict[str, object], flags: int = 0) -> None:
    flags |= os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(file, flags, 0o600), "a", encoding="utf-8") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _file(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}.jsonl"
