"""What the kiosk keeps for the day its hospital's system is down: the last day list, and the numbers of custody.

One SQLite file of the reception's own (`his.db`), patients' data in it: the list of one day, replaced whole. The orders
in custody are in the local book. Must never give a number of custody twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.reservations import DayList, Found, ReservationsDown
from drivers.reservations.values import NoValue, decoded, encoded
from kiosk.process.data_folder import DataFolder
from kiosk.process.database import Database, DatabaseUnusable, open_or_begin, was_put_aside

_MIGRATIONS: Final = (
    """CREATE TABLE day_list (day TEXT PRIMARY KEY, as_of TEXT NOT NULL, complete INTEGER NOT NULL,
        padded INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE listed (day TEXT NOT NULL, patient_number TEXT NOT NULL, found TEXT NOT NULL,
        PRIMARY KEY (day, patient_number)) WITHOUT ROWID;
    CREATE TABLE custody_counter (day TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID""",
)
# A clock that is set back a little makes a list seem to come from the future.
_AHEAD: Final = timedelta(minutes=5)
# More than a kiosk takes into custody in a day.
_AFTER_LOSS: Final = 501


@dataclass(frozen=True)
class Age:
    """Of the day list: `as_of` (aware), how many patients are in it, and `padded` as it was kept."""

    as_of: datetime
    patients: int
    padded: bool = False


class Store:
    """`folder`: the data folder. Opened at the first use; any thread of one process, which alone writes.

    Every call raises ReservationsDown when the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._path = DataFolder(folder).his
        self._opened: Database | None = None

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def keep_day(self, listed: DayList, *, padded: bool) -> None:
        """Instead of the list that was kept before, of whatever day. `padded`: see Ability.pads_numbers."""
        day = listed.day.isoformat()
        of_list = (day, listed.as_of.isoformat(), listed.complete, padded)
        rows = [(day, _key(each.patient_number, padded=padded), json.dumps(encoded(each))) for each in listed.patients]
        with self._usable() as db, db.writing() as connection:
            connection.execute("DELETE FROM day_list")
            connection.execute("DELETE FROM listed")
            connection.execute("INSERT INTO day_list VALUES (?, ?, ?, ?)", of_list)
            connection.executemany("INSERT INTO listed VALUES (?, ?, ?)", rows)

    def forget_day(self, today: date) -> None:
        """The list of another day, and counters of earlier ones."""
        with self._usable() as db, db.writing() as connection:
            for table in ("day_list", "listed"):
                connection.execute(f"DELETE FROM {table} WHERE day <> ?", (today.isoformat(),))  # noqa: S608  # of ours
            # Yesterday's stays: a clock that is set back an hour must not give its numbers again.
            before = (today - timedelta(days=2)).isoformat()
            connection.execute("DELETE FROM custody_counter WHERE day < ?", (before,))

    def age(self, day: date) -> Age | None:
        """Of the list of `day`; None: there is none."""
        count = "(SELECT count(*) FROM listed WHERE listed.day = day_list.day)"
        with self._usable() as db:
            query = f"SELECT as_of, {count}, padded FROM day_list WHERE day = ?"  # noqa: S608  # of ours
            rows = db.rows(query, day.isoformat())
        return Age(datetime.fromisoformat(rows[0][0]), int(rows[0][1]), bool(rows[0][2])) if rows else None

    def find(self, patient_number: str, day: date, now: datetime, at_most: timedelta) -> Found | None:
        """As the list of `day` has the patient, with its `as_of`; None: not in it, or it is older than `at_most`."""
        age = self.age(day)
        if age is None or not -_AHEAD <= now - age.as_of <= at_most:
            return None
        with self._usable() as db:
            query = "SELECT found FROM listed WHERE day = ? AND patient_number = ?"
            rows = db.rows(query, day.isoformat(), _key(patient_number, padded=age.padded))
        if not rows:
            return None
        try:
            found: Found = decoded(Found, json.loads(rows[0][0]))
        except (ValueError, NoValue):
            raise ReservationsDown("the day list is of another version") from None
        return replace(found, patient_number=patient_number, as_of=age.as_of)

    def next_custody(self, day: date) -> int:
        """1, 2, 3 … of `day`. One that nobody gets in the end leaves a gap."""
        advance = """INSERT INTO custody_counter VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET last = max(last + 1, ?)
            RETURNING last"""
        with self._usable() as db, db.writing() as connection:
            # Slips with the numbers of a file that was lost are in patients' hands.
            first = _AFTER_LOSS if was_put_aside(self._path) else 1
            return int(connection.execute(advance, (day.isoformat(), first, first)).fetchone()[0])

    @contextmanager
    def _usable(self) -> Iterator[Database]:
        try:
            if self._opened is None:
                # A damaged one is put aside: the list comes again.
                self._opened = open_or_begin(self._path, _MIGRATIONS, "his")
            yield self._opened
        except (DatabaseUnusable, sqlite3.Error, OSError) as error:
            raise ReservationsDown(f"{self._path.name}: {type(error).__name__}") from None


def _key(patient_number: str, *, padded: bool) -> str:
    """Never the same for two patients: zeros are passed over only where the system does so itself."""
    return patient_number.lstrip("0") if padded else patient_number
