"""What the imports into the reservations leave behind besides appointments (`imports.json` in the data folder).

Owns, for each day, when the newest export that was imported had been written, and which days lost more than a third of
their appointments, so that both are known after a restart. A file of its own and no table: it holds nothing of a
patient, a version before this one passes over it, and a lost one costs a notice and not an appointment.

A shrunk day is told until it has as many appointments again, a person imported it by hand or acknowledged it, it is
past, or it was told for a week. Must never hold more than days, counts and times.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from kiosk import own_files, safe_files

NAME: Final = "imports.json"
TOLD_S: Final = 7 * 86_400.0
# A day of four appointments that has one left is a quiet day.
FEWER_MIN: Final = 5
_DAYS_MAX: Final = 4_000
_BYTES_MAX: Final = 1 << 20
_NAMED: Final = 3


@dataclass(frozen=True)
class Shrunk:
    """A day had `before` appointments and has `after`; `at`: when that was, seconds since the epoch."""

    before: int
    after: int
    at: float


@dataclass
class ImportRecord:
    """`newest`: by day (YYYY-MM-DD) when its newest export was written, ns since the epoch. `shrunk`: by day."""

    folder: Path
    newest: dict[str, int] = field(default_factory=dict)
    shrunk: dict[str, Shrunk] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> ImportRecord:
        """What is recorded in the data folder; nothing, if that cannot be read."""
        try:
            told: Any = safe_files.json_of(folder / NAME, _BYTES_MAX)
            newest = {str(day): int(written) for day, written in told["newest"].items()}
            return cls(folder, newest, {str(day): Shrunk(**facts) for day, facts in told["shrunk"].items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return cls(folder)

    def save(self, today: date) -> None:
        """Write it, whole or not at all. A full disk keeps nobody from the appointments, which are in already."""
        first = today.isoformat()
        ahead = sorted(((day, at) for day, at in self.newest.items() if day >= first), key=lambda each: -each[1])
        self.newest = dict(ahead[:_DAYS_MAX])
        self.shrunk = {day: each for day, each in sorted(self.shrunk.items())[:_DAYS_MAX] if day >= first}
        told = {"newest": self.newest, "shrunk": {day: asdict(each) for day, each in self.shrunk.items()}}
        part = self.folder / f".{NAME}.{os.getpid()}"
        with suppress(OSError):
            own_files.write_new(part, json.dumps(told).encode(), 0o600)
            part.replace(self.folder / NAME)

    def is_older(self, day: str, written_ns: int) -> bool:
        """Whether a newer export of this day was imported before. A time still to come was said by a wrong clock."""
        return written_ns < self.newest.get(day, 0) <= time.time_ns()

    def note(self, counts: Mapping[str, int], written_ns: int, shrunk: Mapping[str, Shrunk]) -> None:
        """Days were imported from an export: `counts`, appointments by day; `shrunk`: those of them that lost many."""
        for day, count in counts.items():
            self.newest[day] = min(written_ns, time.time_ns())
            known = self.shrunk.get(day)
            if day in shrunk:
                before = max(shrunk[day].before, known.before if known else 0)
                self.shrunk[day] = Shrunk(before, count, shrunk[day].at)
            elif known is not None and lost_many(known.before, count):
                self.shrunk[day] = Shrunk(known.before, count, known.at)
            else:
                self.shrunk.pop(day, None)


class Judge:
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


def described(shrunk: Mapping[str, Shrunk]) -> str:
    """`2026-01-15: 100 appointments instead of 310`, for staff."""
    days = [f"{day}: {each.after} appointments instead of {each.before}" for day, each in sorted(shrunk.items())]
    more = f" (and {len(days) - _NAMED} further days)" if len(days) > _NAMED else ""
    return ", ".join(days[:_NAMED]) + more


def to_tell(folder: Path, today: date) -> str | None:
    """What staff should look at because a day shrank; None: nothing."""
    told = {
        day: each
        for day, each in ImportRecord.load(folder).shrunk.items()
        if day >= today.isoformat() and time.time() - each.at < TOLD_S
    }
    if not told:
        return None
    return f"{described(told)}; was the export whole? if so, acknowledge it (kiosk status --acknowledge)"


def settled(folder: Path, today: date, days: tuple[date, ...] | None = None) -> str | None:
    """A person acknowledged what shrank, or imported these days by hand. Returns what had to be told until now."""
    told = to_tell(folder, today)
    record = ImportRecord.load(folder)
    over = record.shrunk if days is None else {day.isoformat() for day in days}
    kept = {day: each for day, each in record.shrunk.items() if day not in over}
    if kept != record.shrunk:
        record.shrunk = kept
        record.save(today)
    return told
