"""One export into the reservations: what is taken of it, what is not, and what staff hear of that.

Owns the two judgements beyond the lines themselves: a day whose newer export was imported before is left as it is, and
a day that loses more than a third of its appointments is told (`[reservations] shrunk_day`). Must never repeat what
stands in a file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from drivers.reservations.csv_file import MAX_BYTES, BadCsv, Parsed, read
from drivers.reservations.sqlite import SqliteReservations
from kiosk.import_record import ImportRecord, Judge, described


@dataclass(frozen=True)
class Outcome:
    """An export was imported or put away as it is (`ok`), or refused. `notice`: it is fine, but staff should look."""

    ok: bool
    message: str
    rows: int = 0
    days: int = 0
    notice: bool = False


class _TooFew(Exception):
    """The export is not to be imported; nothing was changed."""


class Importer:
    """Imports into the reservations of `data_dir`. `today`: the site's day."""

    def __init__(self, data_dir: Path, today: Callable[[], date], shrunk_day: str = "import") -> None:
        self._data_dir = data_dir
        self._today = today
        self._shrunk_day = shrunk_day

    def import_file(self, file: int) -> Outcome:
        """Import what the descriptor `file` holds, from its start. Raises ReservationsDown and OSError."""
        written_ns = os.fstat(file).st_mtime_ns
        with os.fdopen(os.dup(file), "rb") as stream:
            stream.seek(0)
            raw = stream.read(MAX_BYTES + 1)
        return import_raw(raw, written_ns, self._data_dir, self._today(), self._shrunk_day)


def import_raw(raw: bytes, written_ns: int, data_dir: Path, today: date, shrunk_day: str) -> Outcome:
    """Import an export that was written at `written_ns`. Raises ReservationsDown."""
    try:
        parsed = read(raw, name="file")
    except BadCsv as error:
        return Outcome(False, error.reason if error.line is None else f"line {error.line}: {error.reason}")
    if not parsed.rows:
        return Outcome(True, "no appointments in the file: nothing changed")
    reservations, record = SqliteReservations(data_dir), ImportRecord.load(data_dir)
    older = {
        day.isoformat()
        for day in parsed.days
        # A day without appointments has nothing newer to lose: its database was begun anew.
        if record.is_older(day.isoformat(), written_ns) and reservations.count(day)
    }
    counts = Counter(row.day for row in parsed.rows if row.day not in older)
    if not counts:
        return Outcome(True, "older than what was imported before for its days: put away, not imported", notice=True)
    rows = tuple(row for row in parsed.rows if row.day not in older) if older else parsed.rows
    judge = Judge(counts, today)

    def judged(held: Mapping[date, int]) -> None:
        judge(held)
        if judge.shrunk and shrunk_day == "refuse":
            raise _TooFew

    try:
        days = tuple(date.fromisoformat(day) for day in sorted(counts))
        done = reservations.import_rows(Parsed(rows, days, ()), judge=judged)
    except _TooFew:
        way = "if the file is whole, import it by hand (kiosk reservations import, or a stick)"
        return Outcome(False, f'{described(judge.shrunk)} ([reservations] shrunk_day = "refuse"); {way}')
    record.note(counts, written_ns, judge.shrunk)
    record.save(today)
    message = f"{done.rows} appointments of {done.days} days"
    if older:
        message += f"; {len(older)} days left out: a newer export of them was imported before"
    if judge.shrunk:
        message += f"; {described(judge.shrunk)}"
    return Outcome(True, message, done.rows, done.days)
