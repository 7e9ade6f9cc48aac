"""The embedded reservation database: appointments from CSV exports, arrivals from this kiosk.

Owns what is asked of the database and the one transaction that registers an arrival. Must never hold a connection
between two calls, give a reception number that is not committed and kept beside the database, lose an arrival to an
import, or say "no appointment" of a day whose appointments were lost and are not there again.
"""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import time_ns

from drivers.reservations import (
    AlreadyRegistered,
    Appointment,
    Arrival,
    Arrived,
    Cancellation,
    Cancelled,
    Entry,
    Found,
    NothingToRegister,
    NotRegistered,
    Registered,
    Registration,
    ReservationsDown,
    WalkIn,
    WalkInRegistration,
    Withdrawn,
)
from drivers.reservations.changes import Changes
from drivers.reservations.csv_file import Parsed
from drivers.reservations.sqlite.beside import CANCELLED_COLUMNS, COLUMNS, Kept, KeptCancelled, moment
from drivers.reservations.sqlite.file import DatabaseFile, DatabaseTrouble, disk_trouble

# What a patient comes for on a day, in the order of time. A department that has an appointment by now needs no walk-in.
_DUE = f"""SELECT {COLUMNS} FROM appointment WHERE day = :day AND patient_number = :patient
    UNION ALL SELECT {COLUMNS} FROM walk_in WHERE day = :day AND patient_number = :patient AND department NOT IN
        (SELECT department FROM appointment WHERE day = :day AND patient_number = :patient)
    ORDER BY time, department"""  # noqa: S608  # constants only
_LAST_DAY = """SELECT max(day) FROM (
    SELECT max(day) AS day FROM arrival WHERE patient_number = :patient AND day < :day
    UNION ALL SELECT max(day) FROM appointment WHERE patient_number = :patient AND day < :day)"""
_LAST_ARRIVAL = "SELECT max(day) FROM arrival WHERE patient_number = :patient AND day < :day"
_DEPARTMENTS = "SELECT department FROM appointment WHERE day = ? AND patient_number = ? ORDER BY time, department"
# The same appointment in two tables: in the inner one, and among the rows that are asked about.
_SAME = " AND ".join(f"{key} = due.{key}" for key in ("day", "patient_number", "time", "department"))
_ADVANCE = """INSERT INTO reception_counter (day, last) VALUES (?, ?)
    ON CONFLICT (day) DO UPDATE SET last = max(last + 1, ?) RETURNING last"""
_TICK_NS = 50_000_000
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
        self.file = DatabaseFile(data_dir, lock_wait_s=lock_wait_s)
        # A kiosk with a broken database still delivers files and sends patients to the counter.
        with contextlib.suppress(ReservationsDown):
            self.file.prepare()

    def find(self, patient_number: str, day: date) -> Found:
        """See Reservations.find. Never `Unknown`: a file of appointments is no register of patients."""
        with self.file.reading() as connection:
            arrival = _arrival(connection, patient_number, day)
            next_day = connection.execute(
                "SELECT min(day) FROM appointment WHERE patient_number = ? AND day > ?",
                (patient_number, day.isoformat()),
            ).fetchone()[0]
            last_day, last_arrival = (
                _date(connection.execute(statement, _of(patient_number, day)).fetchone()[0])
                for statement in (_LAST_DAY, _LAST_ARRIVAL)
            )
            departments = connection.execute(_DEPARTMENTS, (next_day, patient_number)).fetchall() if next_day else ()
            next_departments = tuple(dict.fromkeys(str(department) for (department,) in departments))
            appointments = _due(connection, patient_number, day)
            if arrival is not None and not appointments:
                appointments = _registered(connection, patient_number, day)
        if not appointments and arrival is None:
            self._require_sure(day)
        return Found(patient_number, appointments, _date(next_day), arrival, last_day, next_departments, last_arrival)

    def register(self, patient_number: str, day: date, at: datetime, still_wanted: Callable[[], bool]) -> Registration:
        """See Reservations.register."""
        _require_aware(at)
        with self.file.writing() as connection:
            if not _due(connection, patient_number, day) and _arrival(connection, patient_number, day) is None:
                self._require_sure(day)
                return NothingToRegister(patient_number)
            return self._register(connection, patient_number, day, at, still_wanted)

    def walk_in(
        self, patient_number: str, day: date, at: datetime, what: WalkIn, still_wanted: Callable[[], bool]
    ) -> WalkInRegistration:
        """See Reservations.walk_in. On a day whose appointments were lost too: whoever asks for it knows better."""
        _require_aware(at)
        with self.file.writing() as connection:
            known = _due(connection, patient_number, day) or _registered(connection, patient_number, day)
            if what.department not in {each.department for each in known}:
                connection.execute(
                    f"INSERT INTO walk_in ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, '')",  # noqa: S608  # constants only
                    (day.isoformat(), patient_number, f"{at:%H:%M}", what.department, what.doctor, what.place),
                )
            return self._register(connection, patient_number, day, at, still_wanted)

    def _register(
        self,
        connection: sqlite3.Connection,
        patient_number: str,
        day: date,
        at: datetime,
        still_wanted: Callable[[], bool],
    ) -> WalkInRegistration:
        """All that is due; there is something, or the patient has arrived. Commits, if there is anything to write."""
        arrival = _arrival(connection, patient_number, day)
        due = _due(connection, patient_number, day)
        first = arrival is None
        if arrival is None:
            arrival = _take_number(connection, patient_number, day, at, self.file.beside.number(day))
        else:
            registered = _registered(connection, patient_number, day)
            if set(due) <= set(registered):
                self._keep(connection, patient_number, day, arrival)
                return AlreadyRegistered(patient_number, arrival, due or registered)
        connection.execute(
            f"INSERT OR REPLACE INTO registered_appointment ({COLUMNS}) {_DUE}",
            _of(patient_number, day),
        )
        if not still_wanted():
            return Withdrawn(patient_number)
        connection.execute("COMMIT")
        self._keep(connection, patient_number, day, arrival)
        return (Registered if first else AlreadyRegistered)(patient_number, arrival, due)

    def cancel(self, patient_number: str, number: int, day: date, at: datetime, reason: str) -> Cancellation:
        """See Reservations.cancel."""
        _require_aware(at)
        with self.file.writing() as connection:
            arrival = _arrival(connection, patient_number, day)
            if arrival is not None and arrival.number == number:
                connection.execute(
                    f"INSERT INTO cancelled_arrival ({CANCELLED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  # of ours
                    (day.isoformat(), number, patient_number, arrival.at.isoformat(), at.isoformat(), reason),
                )
                for table in ("registered_appointment", "walk_in", "arrival"):
                    connection.execute(
                        f"DELETE FROM {table} WHERE day = :day AND patient_number = :patient",  # noqa: S608  # of ours
                        _of(patient_number, day),
                    )
                connection.execute("COMMIT")
            kept = [each for each in _cancelled(connection, day) if each.number == number]
            if not kept or kept[0].patient_number != patient_number:
                return NotRegistered(patient_number)
            # As an arrival: after the commit, before it is said; whoever asks again has it kept then.
            with disk_trouble():
                self.file.beside.keep_cancelled(day.isoformat(), kept)
        return _cancellation(kept[0])

    def entries(self, day: date) -> list[Entry]:
        """See Reservations.entries."""
        of_patient = defaultdict[str, list[Appointment]](list)
        with self.file.reading() as connection:
            arrived = _arrivals(connection, day)
            cancelled = [_cancellation(each) for each in _cancelled(connection, day)]
            registered = f"SELECT {COLUMNS} FROM registered_appointment WHERE day = :day"  # noqa: S608  # constants only
            rows = connection.execute(_whole(registered), {"day": day.isoformat()})
            for row in rows:
                of_patient[row[1]].append(_appointment(row))
        entries = [Entry(each.patient_number, each.arrival, tuple(of_patient[each.patient_number])) for each in arrived]
        entries += [Entry(each.patient_number, each.arrival, (), each) for each in cancelled]
        return sorted(entries, key=lambda entry: entry.arrival.number)

    def revision(self) -> object:
        """Another value after every change, whichever process made it, and sometimes two. Who asks after having seen it
        gets what was committed: SQLite writes the file only while it keeps readers out. None: it is not there.
        """
        with contextlib.suppress(OSError):
            seen = self.file.path.stat()
            # Two changes within a tick of the kernel's clock look like one: then there is a second value after it.
            fresh = abs(time_ns() - seen.st_mtime_ns) < _TICK_NS
            return seen.st_ino, seen.st_mtime_ns, seen.st_size, fresh
        return None

    def _keep(self, connection: sqlite3.Connection, patient_number: str, day: date, arrival: Arrival) -> None:
        """The arrival and its number beside the database, durably: a new one must know them. After the commit, so that
        a number is never kept in vain; before it is issued, so that none is issued twice. Raises ReservationsDown.

        The arrival first, and only it is waited for: a new database takes the highest number of both.
        """
        with disk_trouble():
            self.file.beside.keep_arrivals(day.isoformat(), [_kept(connection, patient_number, day, arrival)])
            self.file.beside.keep_number(day, arrival.number)

    def _require_sure(self, day: date) -> None:
        if not self.file.beside.is_sure(day):
            raise DatabaseTrouble.UNSURE.down("lost")

    def begin_keeping(self, day: date, now: datetime) -> None:
        """What an older version of the kiosk did not keep beside the database today. Raises ReservationsDown."""
        arrived = self.arrivals(day)
        with self.file.writing() as connection, disk_trouble():
            beside = self.file.beside
            beside.begin_imports(now)
            on = day.isoformat()
            kept = {(each.number, each.patient_number) for each in beside.arrivals_since(on) if each.day == on}
            missing = [each for each in arrived if (each.arrival.number, each.patient_number) not in kept]
            # All in one: patients wait for the lock meanwhile.
            found = [_kept(connection, each.patient_number, day, each.arrival) for each in missing]
            beside.keep_arrivals(on, found)
            cancelled = set(_cancelled(connection, day))
            beside.keep_cancelled(on, cancelled - set(beside.cancelled_since(on)))
            issued = {*(each.arrival.number for each in arrived), *(each.number for each in cancelled)}
            beside.keep_number(day, max(issued, default=0))

    def count(self, day: date) -> int:
        """See Reservations.count."""
        with self.file.reading() as connection:
            row = connection.execute("SELECT count(*) FROM appointment WHERE day = ?", (day.isoformat(),)).fetchone()
        return int(row[0])

    def arrivals(self, day: date) -> list[Arrived]:
        """See Reservations.arrivals."""
        with self.file.reading() as connection:
            return _arrivals(connection, day)

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Changes:
        """See FollowedReservations.follow. It answers as long as the file is there."""
        known: list[bool] = []

        def look(revision: object) -> None:
            if known != [revision is not None]:
                known[:] = [revision is not None]
                answers(known[0])
            changed()

        return Changes(self.revision, look)

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        compare: Callable[[Mapping[date, int]], None] = lambda held: None,
        as_of: datetime | None = None,
    ) -> Imported:
        """Replace the appointments of the days in `parsed`, and of no other; arrivals stay. All of it or nothing.

        `progress(rows done, rows in all)` is called now and then and at the end; `compare`, before anything is changed,
        with how many appointments each of the days has until now. No rows: nothing is changed. `as_of`: an export that
        was imported then, again after a loss; days of which something newer is held stay. Raises ReservationsDown, and
        whatever `progress` and `compare` raise (nothing is changed then).
        """
        if not parsed.rows:
            return Imported(0, 0)
        with self.file.writing() as connection:
            held = "SELECT count(*) FROM appointment WHERE day = ?"
            compare({day: int(connection.execute(held, (day.isoformat(),)).fetchone()[0]) for day in parsed.days})
            parsed = parsed if as_of is None else self._older(parsed, as_of)
            total = len(parsed.rows)
            if as_of is None:
                with disk_trouble():
                    self.file.beside.importing(parsed.days, datetime.now(UTC))
            for table in ("appointment", "message"):
                statement = f"DELETE FROM {table} WHERE day = ?"  # noqa: S608  # of ours
                connection.executemany(statement, [(day.isoformat(),) for day in parsed.days])
            # In the order of the table, so that its pages fill one after the other.
            rows = sorted(row.values() for row in parsed.rows)
            messages = [(*row.of_patient(), row.message) for row in parsed.rows if row.message]
            connection.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?)", messages)
            for start in range(0, total, _STEP):
                connection.executemany(
                    f"INSERT INTO appointment ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # constants only
                    rows[start : start + _STEP],
                )
                progress(min(start + _STEP, total), total)
            connection.execute("COMMIT")
            # Not noted: then it is only believed later that the day is whole.
            with contextlib.suppress(OSError):
                self.file.beside.imported(parsed.days, as_of or datetime.now(UTC))
        return Imported(total, len(parsed.days))

    def _older(self, parsed: Parsed, as_of: datetime) -> Parsed:
        """Only the days of which nothing newer is held."""
        stamp = moment(as_of)
        days = tuple(day for day in parsed.days if (self.file.beside.held_since(day) or "") < stamp)
        names = {day.isoformat() for day in days}
        return replace(parsed, rows=tuple(row for row in parsed.rows if row.day in names), days=days)


def _require_aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("at must be an aware time")


def _of(patient_number: str, day: date) -> dict[str, str]:
    return {"patient": patient_number, "day": day.isoformat()}


def _date(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None


def _take_number(connection: sqlite3.Connection, patient_number: str, day: date, at: datetime, highest: int) -> Arrival:
    """`highest`: of all numbers that were issued on `day`, whether or not this database has them."""
    number = int(connection.execute(_ADVANCE, (day.isoformat(), highest + 1, highest + 1)).fetchone()[0])
    connection.execute(
        "INSERT INTO arrival (day, patient_number, number, at) VALUES (?, ?, ?, ?)",
        (day.isoformat(), patient_number, number, at.isoformat()),
    )
    return Arrival(number, at)


def _kept(connection: sqlite3.Connection, patient_number: str, day: date, arrival: Arrival) -> Kept:
    registered, walk_ins = (
        _rows(connection, table, patient_number, day) for table in ("registered_appointment", "walk_in")
    )
    return Kept(day.isoformat(), patient_number, arrival.number, arrival.at.isoformat(), registered, walk_ins)


def _arrivals(connection: sqlite3.Connection, day: date) -> list[Arrived]:
    rows = connection.execute(
        "SELECT patient_number, number, at FROM arrival WHERE day = ? ORDER BY number", (day.isoformat(),)
    )
    return [Arrived(number, Arrival(reception, datetime.fromisoformat(at))) for number, reception, at in rows]


def _cancelled(connection: sqlite3.Connection, day: date) -> list[KeptCancelled]:
    rows = connection.execute(
        f"SELECT {CANCELLED_COLUMNS} FROM cancelled_arrival WHERE day = ?",  # noqa: S608  # constants only
        (day.isoformat(),),
    )
    return [KeptCancelled(*row) for row in rows]


def _cancellation(kept: KeptCancelled) -> Cancelled:
    arrival = Arrival(kept.number, datetime.fromisoformat(kept.at))
    return Cancelled(kept.patient_number, arrival, datetime.fromisoformat(kept.cancelled_at), kept.reason)


def _arrival(connection: sqlite3.Connection, patient_number: str, day: date) -> Arrival | None:
    row = connection.execute(
        "SELECT number, at FROM arrival WHERE day = ? AND patient_number = ?", (day.isoformat(), patient_number)
    ).fetchone()
    return None if row is None else Arrival(int(row[0]), datetime.fromisoformat(row[1]))


def _due(connection: sqlite3.Connection, patient_number: str, day: date) -> tuple[Appointment, ...]:
    return tuple(map(_appointment, connection.execute(_whole(_DUE), _of(patient_number, day))))


def _registered(connection: sqlite3.Connection, patient_number: str, day: date) -> tuple[Appointment, ...]:
    rows = f"SELECT {COLUMNS} FROM registered_appointment WHERE day = :day AND patient_number = :patient"  # noqa: S608  # of ours
    return tuple(map(_appointment, connection.execute(_whole(rows), _of(patient_number, day))))


def _whole(rows: str) -> str:
    """The statement for `rows` of COLUMNS in time order, each with its message, and whether it was no appointment."""
    return f"""SELECT {COLUMNS}, coalesce((SELECT text FROM message WHERE {_SAME}), ''),
        EXISTS (SELECT 1 FROM walk_in WHERE {_SAME}) FROM ({rows}) AS due ORDER BY time, department"""  # noqa: S608  # of ours


def _appointment(row: tuple[str, ...]) -> Appointment:
    on, _, clock, department, doctor, place, note, message, walk_in = row
    day, at = date.fromisoformat(on), time.fromisoformat(clock)
    return Appointment(day, at, department, doctor, place, note, message, bool(walk_in))


def _rows(connection: sqlite3.Connection, table: str, patient_number: str, day: date) -> tuple[tuple[str, ...], ...]:
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM {table} "  # noqa: S608  # a name of ours
        "WHERE day = ? AND patient_number = ? ORDER BY time, department",
        (day.isoformat(), patient_number),
    ).fetchall()
    return tuple(tuple(map(str, row)) for row in rows)
