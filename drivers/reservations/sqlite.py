"""The embedded reservation database: appointments from CSV exports, arrivals from this kiosk.

Owns what is asked of the database and the one transaction that registers an arrival. Must never hold a connection
between two calls, give a reception number that is not committed, or lose an arrival to an import.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from drivers.reservations import (
    AlreadyRegistered,
    Appointment,
    Arrival,
    Arrived,
    Found,
    NothingToRegister,
    Registered,
    Registration,
    ReservationsDown,
    Withdrawn,
)
from drivers.reservations.csv_file import Parsed
from drivers.reservations.sqlite_file import DatabaseFile

_COLUMNS = "day, patient_number, time, department, doctor, place, note"
_ADVANCE = """INSERT INTO reception_counter (day, last) VALUES (?, 1)
    ON CONFLICT (day) DO UPDATE SET last = last + 1 RETURNING last"""
# Rows per step of an import: often enough for a progress bar, rarely enough to cost nothing.
_STEP = 5000


@dataclass(frozen=True)
class Imported:
    """What an import did: appointments now held for the days it contained, and how many days those were."""

    rows: int
    days: int


class SqliteReservations:
    """`Reservations` on `data_dir/reservations.db`. Any thread, beside other processes, 20 s at most.

    The constructor makes the database when it is missing and never raises: trouble is tried again, and reported as
    ReservationsDown, by every call.
    """

    def __init__(self, data_dir: Path, *, lock_wait_s: float = 10.0) -> None:
        self._file = DatabaseFile(data_dir, lock_wait_s=lock_wait_s)
        # A kiosk with a broken database still delivers files and sends patients to the counter.
        with contextlib.suppress(ReservationsDown):
            self._file.prepare()

    def find(self, patient_number: str, day: date) -> Found:
        """See Reservations.find. Never `Unknown`: a file of appointments is no register of patients."""
        with self._file.reading() as connection:
            arrival = _arrival(connection, patient_number, day)
            next_day = connection.execute(
                "SELECT min(day) FROM appointment WHERE patient_number = ? AND day > ?",
                (patient_number, day.isoformat()),
            ).fetchone()[0]
            appointments = _appointments(connection, "appointment", patient_number, day)
            if arrival is not None and not appointments:
                appointments = _appointments(connection, "registered_appointment", patient_number, day)
        return Found(patient_number, appointments, date.fromisoformat(next_day) if next_day else None, arrival)

    def register(self, patient_number: str, day: date, at: datetime, still_wanted: Callable[[], bool]) -> Registration:
        """See Reservations.register."""
        if at.tzinfo is None:
            raise ValueError("at must be an aware time")
        with self._file.writing() as connection:
            arrival = _arrival(connection, patient_number, day)
            appointments = _appointments(connection, "appointment", patient_number, day)
            registered = _appointments(connection, "registered_appointment", patient_number, day)
            if arrival is None and not appointments:
                return NothingToRegister(patient_number)
            first = arrival is None
            if arrival is None:
                arrival = _take_number(connection, patient_number, day, at)
            elif set(appointments) <= set(registered):
                return AlreadyRegistered(patient_number, arrival, appointments or registered)
            connection.execute(
                f"INSERT OR REPLACE INTO registered_appointment ({_COLUMNS}) "  # noqa: S608  # constants only
                f"SELECT {_COLUMNS} FROM appointment WHERE day = ? AND patient_number = ?",
                (day.isoformat(), patient_number),
            )
            if not still_wanted():
                return Withdrawn(patient_number)
            connection.execute("COMMIT")
        if first:
            return Registered(patient_number, arrival, appointments)
        return AlreadyRegistered(patient_number, arrival, appointments)

    def count(self, day: date) -> int:
        """See Reservations.count."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT count(*) FROM appointment WHERE day = ?", (day.isoformat(),)).fetchone()
        return int(row[0])

    def arrivals(self, day: date) -> list[Arrived]:
        """See Reservations.arrivals."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT patient_number, number, at FROM arrival WHERE day = ? ORDER BY number", (day.isoformat(),)
            ).fetchall()
        return [Arrived(number, Arrival(reception, datetime.fromisoformat(at))) for number, reception, at in rows]

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        judge: Callable[[Mapping[date, int]], None] = lambda held: None,
    ) -> Imported:
        """Replace the appointments of the days in `parsed`, and of no other; arrivals stay. All of it or nothing.

        `progress(rows done, rows in all)` is called now and then and at the end; `judge`, before anything is changed,
        with how many appointments each of the days has until now. No rows: nothing is changed. Raises ReservationsDown,
        and whatever `progress` and `judge` raise (nothing is changed then).
        """
        total = len(parsed.rows)
        if not total:
            return Imported(0, 0)
        # In the order of the table, so that its pages fill one after the other.
        rows = sorted(row.values() for row in parsed.rows)
        with self._file.writing() as connection:
            held = "SELECT count(*) FROM appointment WHERE day = ?"
            judge({day: int(connection.execute(held, (day.isoformat(),)).fetchone()[0]) for day in parsed.days})
            connection.executemany("DELETE FROM appointment WHERE day = ?", [(day.isoformat(),) for day in parsed.days])
            for start in range(0, total, _STEP):
                connection.executemany(
                    f"INSERT INTO appointment ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # constants only
                    rows[start : start + _STEP],
                )
                progress(min(start + _STEP, total), total)
            connection.execute("COMMIT")
        return Imported(total, len(parsed.days))


def _take_number(connection: sqlite3.Connection, patient_number: str, day: date, at: datetime) -> Arrival:
    number = int(connection.execute(_ADVANCE, (day.isoformat(),)).fetchone()[0])
    connection.execute(
        "INSERT INTO arrival (day, patient_number, number, at) VALUES (?, ?, ?, ?)",
        (day.isoformat(), patient_number, number, at.isoformat()),
    )
    return Arrival(number, at)


def _arrival(connection: sqlite3.Connection, patient_number: str, day: date) -> Arrival | None:
    row = connection.execute(
        "SELECT number, at FROM arrival WHERE day = ? AND patient_number = ?", (day.isoformat(), patient_number)
    ).fetchone()
    return None if row is None else Arrival(int(row[0]), datetime.fromisoformat(row[1]))


def _appointments(
    connection: sqlite3.Connection, table: str, patient_number: str, day: date
) -> tuple[Appointment, ...]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {table} "  # noqa: S608  # one of two names of ours
        "WHERE day = ? AND patient_number = ? ORDER BY time, department",
        (day.isoformat(), patient_number),
    ).fetchall()
    return tuple(
        Appointment(date.fromisoformat(on), time.fromisoformat(clock), department, doctor, place, note)
        for on, _, clock, department, doctor, place, note in rows
    )
