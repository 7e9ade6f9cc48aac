"""What the imports into the reservations leave behind besides appointments (`imports.json` in the data folder).

Owns, for each day, when the newest export that was imported had been written and which file it was, whether the day
lost more than a third of its appointments, and whether an older export of it was put away, so that all is known after a
restart. A file of its own and no table: it holds nothing of a patient, a version before this one passes over it, and a
lost one costs a notice and not an appointment.

A shrunk day is reported until it has as many appointments again, a person imported it by hand or acknowledged it, it is
past, or a week has gone by; an older export until one of that day is imported, or the same. Must never hold more than
days, counts, times and inodes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any, Final

from kiosk.process import safe_files
from kiosk.process.data_folder import DataFolder
from kiosk.words.problems import Problem

REPORTED_S: Final = 7 * 86_400.0
# A day of four appointments that has one left is a quiet day.
FEWER_MIN: Final = 5
_DAYS_MAX: Final = 4_000
_BYTES_MAX: Final = 1 << 20
_NAMED: Final = 3
OLDER: Final = Problem("imports.older")


@dataclass(frozen=True)
class Shrunk:
    """A day had `before` appointments and has `after`; `at`: when that was, seconds since the epoch."""

    before: int
    after: int
    at: float


@dataclass(frozen=True)
class Written:
    """An export: when it was written (ns since the epoch), which file it is, and whether it may be imported already."""

    at_ns: int
    inode: int
    again: bool


@dataclass
class ImportRecord:
    """By day (YYYY-MM-DD). `newest`: when its newest export was written, ns since the epoch; `files`: its inode.

    `older`: when an older export was put away, seconds since the epoch.
    """

    folder: Path
    newest: dict[str, int] = field(default_factory=dict)
    shrunk: dict[str, Shrunk] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    older: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> ImportRecord:
        """What is recorded in the data folder; nothing, if that cannot be read."""
        try:
            content: Any = safe_files.json_of(DataFolder(folder).import_record, _BYTES_MAX)
            newest = {str(day): int(written) for day, written in content["newest"].items()}
            shrunk = {str(day): Shrunk(**each) for day, each in content["shrunk"].items()}
            # The version before this one keeps neither.
            files = {str(day): int(inode) for day, inode in content.get("files", {}).items()}
            older = {str(day): float(at) for day, at in content.get("older", {}).items()}
            return cls(folder, newest, shrunk, files, older)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls(folder)

    def save(self, today: date) -> None:
        """Write it, whole or not at all. A full disk keeps nobody from the appointments, which are in already."""
        first = today.isoformat()
        ahead = sorted(((day, at) for day, at in self.newest.items() if day >= first), key=lambda each: -each[1])
        self.newest = dict(ahead[:_DAYS_MAX])
        self.shrunk = {day: each for day, each in sorted(self.shrunk.items())[:_DAYS_MAX] if day >= first}
        self.files = {day: inode for day, inode in self.files.items() if day in self.newest}
        self.older = {day: at for day, at in self.older.items() if day in self.newest}
        content: dict[str, Any] = {"newest": self.newest, "files": self.files, "older": self.older}
        content["shrunk"] = {day: asdict(each) for day, each in self.shrunk.items()}
        file = DataFolder(self.folder).import_record
        part = file.with_name(f".{file.name}.{os.getpid()}")
        with suppress(OSError):
            safe_files.write_new(part, json.dumps(content).encode(), 0o600)
            part.replace(file)

    def is_older(self, day: str, export: Written) -> bool:
        """Whether a newer export of this day was imported before. A time in the future comes from a wrong clock."""
        # A program that copies a file gives it the time of the original at its end: nothing is older than its own half.
        if export.again and self.files.get(day) == export.inode:
            return False
        return export.at_ns < self.newest.get(day, 0) <= time.time_ns()

    def note(self, counts: Mapping[str, int], export: Written, shrunk: Mapping[str, Shrunk]) -> None:
        """Days were imported from an export: `counts`, appointments by day; `shrunk`: those of them that lost many."""
        for day, count in counts.items():
            self.newest[day] = min(export.at_ns, time.time_ns())
            self.files[day] = export.inode
            self.older.pop(day, None)
            known = self.shrunk.get(day)
            if day in shrunk:
                before = max(shrunk[day].before, known.before if known else 0)
                self.shrunk[day] = Shrunk(before, count, shrunk[day].at)
            elif known is not None and lost_many(known.before, count):
                self.shrunk[day] = Shrunk(known.before, count, known.at)
            else:
                self.shrunk.pop(day, None)


class Comparison:
    """Finds the days of an export that lose many: call it with how many appointments each day has until now."""

    def __init__(self, counts: Mapping[str, int], today: date) -> None:
        self._counts = counts
        self._today = today
        self.shrunk: dict[str, Shrunk] = {}

    def __call__(self, held: Mapping[date, int]) -> None:
        for day, before in held.items():
            after = self._counts.get(day.isoformat(), 0)
            # Nobody comes any more for a day that is past.
            if day >= self._today and lost_many(before, after):
                self.shrunk[day.isoformat()] = Shrunk(before, after, time.time())


def lost_many(before: int, after: int) -> bool:
    """Whether a day that goes from `before` to `after` appointments loses more than a third of them."""
    return before - after >= FEWER_MIN and (before - after) * 3 > before


def described(shrunk: Mapping[str, Shrunk]) -> Problem:
    """`2026-01-15: 100 appointments instead of 310`, for staff. At least one day."""
    return _days(
        Problem("imports.shrunk_day", {"day": day, "after": each.after, "before": each.before})
        for day, each in sorted(shrunk.items())
    )


def _days(days: Iterable[Problem]) -> Problem:
    """The first of them, and how many more."""
    first, *more = days
    named = more[: _NAMED - 1]
    listed = reduce(lambda before, day: Problem("imports.and", {"first": before, "next": day}), named, first)
    left = len(more) - len(named)
    return Problem("imports.further", {"days": listed, "count": left}) if left else listed


def unsettled(folder: Path, today: date) -> Problem | None:
    """What staff should look at: a day shrank, or an export was put away as an older one; None: nothing."""
    record = ImportRecord.load(folder)

    def is_due(day: str, at: float) -> bool:
        return day >= today.isoformat() and time.time() - at < REPORTED_S

    found = []
    if shrunk := {day: each for day, each in record.shrunk.items() if is_due(day, each.at)}:
        found.append(Problem("imports.shrunk", {"days": described(shrunk)}))
    if days := sorted(day for day, at in record.older.items() if is_due(day, at)):
        listed = _days(Problem("imports.day", {"day": day}) for day in days)
        found.append(Problem("imports.put_away", {"days": listed, "older": OLDER}))
    return Problem("imports.both", {"first": found[0], "next": found[1]}) if found[1:] else found[0] if found else None


def settle(folder: Path, today: date, days: tuple[date, ...] | None = None) -> Problem | None:
    """A person acknowledged what is `unsettled`, or imported these days by hand. Returns what it was until now."""
    before = unsettled(folder, today)
    record = ImportRecord.load(folder)
    over = {*record.shrunk, *record.older} if days is None else {day.isoformat() for day in days}
    if over & {*record.shrunk, *record.older}:
        record.shrunk = {day: each for day, each in record.shrunk.items() if day not in over}
        record.older = {day: at for day, at in record.older.items() if day not in over}
        record.save(today)
    return before
