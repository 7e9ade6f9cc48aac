"""The embedded book: appointments from CSV exports, receptions and attempts of this kiosk.

Owns the transactions that register, settle and cancel. Must never hold a connection between two calls, give a reception
number that is not committed and kept beside the database, lose a reception to an import, or say "no appointment" of a
day whose appointments were lost and are not there again.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from drivers.reservations import (
    HOSPITAL,
    Answer,
    Cancellation,
    Cancelled,
    Coded,
    Count,
    DayList,
    Departments,
    Found,
    Imported,
    Kept,
    NothingToRegister,
    NotRegistered,
    Numbering,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    ReservationsDown,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
    Withdrawn,
)
from drivers.reservations.adapter import Clock, now
from drivers.reservations.changes import Changes
from drivers.reservations.csv_file import Parsed
from drivers.reservations.ports import Ability
from drivers.reservations.sqlite import imports, rows
from drivers.reservations.sqlite.attempts import Attempts
from drivers.reservations.sqlite.beside import CANCELLED_COLUMNS
from drivers.reservations.sqlite.file import DATABASE_NAME, DatabaseFile, DatabaseTrouble, disk_trouble
from drivers.reservations.sqlite.keeper import Keeper, registered_of
from drivers.reservations.sqlite.numbers import line_in
from drivers.reservations.sqlite.rows import of

T = TypeVar("T")
_LAST_DAY = """SELECT max(day) FROM (
    SELECT max(day) AS day FROM arrival WHERE patient_number = :patient AND day < :day
    UNION ALL SELECT max(day) FROM appointment WHERE patient_number = :patient AND day < :day)"""
_LAST_ARRIVAL = "SELECT max(day) FROM arrival WHERE patient_number = :patient AND day < :day"
_NEXT_DAY = "SELECT min(day) FROM appointment WHERE patient_number = :patient AND day > :day"
_DEPARTMENTS = "SELECT department FROM appointment WHERE day = ? AND patient_number = ? ORDER BY time, department"
_TICK_NS = 50_000_000


class SqliteReservations:
    """`Book` on `data_dir/reservations.db`. Any thread, beside other processes.

    The constructor makes the database when it is missing and never raises: trouble is tried again, and answered, by
    every call. `clock()`: aware; by it `not_after` and leases are judged. `appointments`: False: it never holds any, as
    another has them, so that none can be missed.
    """

    ability = Ability(
        gives_numbers=True, cancels=True, lists_day=True, walk_in=True, atomic_visit=True, keeps_attempts=True
    )

    def __init__(
        self,
        data_dir: Path,
        *,
        numbering: Numbering = HOSPITAL,
        clock: Clock = now,
        lock_wait_s: float = 10.0,
        appointments: bool = True,
    ) -> None:
        self.file = DatabaseFile(data_dir, lock_wait_s=lock_wait_s)
        self.keeper = Keeper(self.file, numbering)
        self._attempts = Attempts(self.file, self.keeper, clock)
        self._clock = clock
        self._appointments = appointments
        # A kiosk with a broken database still delivers files and sends patients to the counter.
        with contextlib.suppress(ReservationsDown):
            self.file.prepare()

    def close(self) -> None:
        """There is nothing to close between two calls."""

    # --- asked for a patient ------------------------------------------------------------------------------------------

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """See SystemOfRecord.find. Never `UnknownPatient`: a file of appointments is no register of patients."""
        return _answer(lambda: self._find(patient_number, day, until))

    def _find(self, patient_number: str, day: date, until: float) -> Found:
        with self.file.reading(_left(until)) as connection:
            line = rows.line_of(connection, patient_number, day)
            next_day, last_day, last_arrival = (
                _date(connection.execute(statement, of(patient_number, day)).fetchone()[0])
                for statement in (_NEXT_DAY, _LAST_DAY, _LAST_ARRIVAL)
            )
            next_key = next_day.isoformat() if next_day else ""
            departments = connection.execute(_DEPARTMENTS, (next_key, patient_number)).fetchall()
            appointments = rows.due(connection, patient_number, day)
            if line is not None:
                appointments = rows.of_visit(appointments, rows.registered(connection, patient_number, day))
        if not appointments and line is None:
            self._require_sure(day)
        return Found(
            patient_number,
            appointments,
            next_day,
            line.receptions if line else (),
            last_day,
            tuple(dict.fromkeys(str(department) for (department,) in departments)),
            last_arrival,
        )

    def register(self, order: Order, until: float) -> Registration:
        """See SystemOfRecord.register. A walk-in on a day whose appointments were lost too: whoever asks for it knows
        better.
        """
        _require_aware(order.at, order.not_after)
        return _answer(lambda: self._register(order, until))

    def _register(self, order: Order, until: float) -> Registration:
        patient = order.patient_number
        with self.file.writing(_left(until)) as connection:
            line = rows.line_of(connection, patient, order.day)
            registered = rows.registered(connection, patient, order.day)
            held = rows.due(connection, patient, order.day)
            due = rows.with_ordered(held, order.appointments)
            due = rows.with_ordered(due, rows.walk_in_of(order, (*due, *registered)))
            if line is None and not due:
                self._require_sure(order.day)
                return NothingToRegister(patient)
            if line is None or not set(held) <= set(registered) or rows.with_ordered(registered, due) != registered:
                numbers = self.keeper.numbers(connection, order.day)
                line = line or numbers.begin_line(order, order.at, order.attempt)
                rows.write_registered(connection, patient, order.day, due)
                numbers.give(line, order, order.at, due)
                if self._clock() > order.not_after:
                    return Withdrawn(patient)
                self.keeper.commit(connection, line, order.day)
            else:
                self.keeper.keep(connection, line, order.day)
            now_registered = rows.registered(connection, patient, order.day)
            return registered_of(connection, order, rows.of_visit(due, now_registered))

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """See Reservations: all receptions of the line."""
        _require_aware(at)
        number = line_in(reception.key)
        if number is None:
            return NotRegistered(patient_number)
        return _answer(lambda: self._cancel(patient_number, number, day, at, reason, until))

    def _cancel(
        self, patient_number: str, number: int, day: date, at: datetime, reason: str, until: float
    ) -> Cancelled | NotRegistered:
        with self.file.writing(_left(until)) as connection:
            line = rows.line_of(connection, patient_number, day)
            committed: contextlib.AbstractContextManager[None] = disk_trouble()
            if line is not None and line.number == number:
                connection.execute(
                    f"INSERT INTO cancelled_arrival ({CANCELLED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  # of ours
                    (day.isoformat(), number, patient_number, line.at.isoformat(), at.isoformat(), reason),
                )
                for table in rows.OF_ARRIVAL:
                    connection.execute(
                        f"DELETE FROM {table} WHERE day = :day AND patient_number = :patient",  # noqa: S608  # of ours
                        of(patient_number, day),
                    )
                committed = self.file.committed(connection)
            with committed:
                kept = [each for each in rows.cancelled_rows(connection, day) if each.number == number]
                if not kept or kept[0].patient_number != patient_number:
                    return NotRegistered(patient_number)
                # As an arrival: after the commit, before it is said; whoever asks again has it kept then.
                self.file.beside.keep_cancelled(day.isoformat(), kept)
            return next(
                each.cancelled
                for each in rows.cancelled_entries(connection, day)
                if each.key == str(number) and each.cancelled is not None
            )

    # --- in front of a system -----------------------------------------------------------------------------------------

    def take(self, order: Order, lease_s: float, until: float) -> Taken | Registered | Trouble:
        """See Book.take. Who is registered, and not for all of the order, is taken for the rest."""
        return _answer(lambda: self._attempts.take(order, lease_s, _left(until)))

    def settle(self, order: Order, outcome: Registration, until: float) -> Registration:
        """See Book.settle."""
        _require_aware(order.at)
        return _answer(lambda: self._attempts.settle(order, outcome, _left(until)))

    # --- the list of staff --------------------------------------------------------------------------------------------

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """See Reservations.unsettled."""
        return _answer(lambda: self._attempts.unsettled(day, _left(until)))

    def note(self, unsettled: Unsettled, until: float) -> Kept | Trouble:
        """See Book.note."""
        return _answer(lambda: self._attempts.note(unsettled, _left(until)))

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """See Reservations.noted_done."""
        return _answer(lambda: self._attempts.noted_done(order, _left(until)))

    # --- the day ------------------------------------------------------------------------------------------------------

    def entries(self, day: date, until: float) -> Register | Trouble:
        """See Reservations.entries."""
        return _answer(lambda: self._entries(day, until))

    def _entries(self, day: date, until: float) -> Register:
        with self.file.reading(_left(until)) as connection:
            registered = rows.of_day(connection, "registered_appointment", day)
            arrived = [rows.entry_of(each, registered[each.patient_number]) for each in rows.lines(connection, day)]
            found = [*arrived, *rows.cancelled_entries(connection, day)]
        return Register(tuple(sorted(found, key=lambda entry: int(entry.key))))

    def count(self, day: date, until: float) -> Count | Trouble:
        """See Reservations.count."""
        return _answer(lambda: self._count(day, until))

    def _count(self, day: date, until: float) -> Count:
        with self.file.reading(_left(until)) as connection:
            row = connection.execute("SELECT count(*) FROM appointment WHERE day = ?", (day.isoformat(),)).fetchone()
        return Count(int(row[0]))

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """See SystemOfRecord.day_list. Of other days it says nothing."""
        return _answer(lambda: self._day_list(day, until))

    def _day_list(self, day: date, until: float) -> DayList:
        self._require_sure(day)
        as_of = self._clock()
        with self.file.reading(_left(until)) as connection:
            held, registered, walked = (
                rows.of_day(connection, table, day) for table in ("appointment", "registered_appointment", "walk_in")
            )
            lines = {each.patient_number: each for each in rows.lines(connection, day)}
        found = []
        for patient in sorted({*held, *lines}):
            departments = {each.department for each in held[patient]}
            others = [each for each in walked[patient] if each.department not in departments]
            appointments = rows.of_visit(rows.with_ordered(held[patient], others), registered[patient])
            receptions = lines[patient].receptions if patient in lines else ()
            found.append(Found(patient, appointments, None, receptions))
        return DayList(day, as_of, tuple(found))

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """See SystemOfRecord.departments: those with appointments on `day`, by name."""
        return _answer(lambda: self._departments(day, until))

    def _departments(self, day: date, until: float) -> Departments:
        with self.file.reading(_left(until)) as connection:
            statement = "SELECT DISTINCT department FROM appointment WHERE day = ? ORDER BY department"
            found = connection.execute(statement, (day.isoformat(),)).fetchall()
        return Departments(tuple(Coded("", str(department)) for (department,) in found))

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        compare: Callable[[Mapping[date, int]], None] = lambda held: None,
        as_of: datetime | None = None,
    ) -> Imported:
        """See ImportingBook.import_rows. `as_of`: an export that was imported then, again after a loss; days of which
        something newer is held stay.
        """
        return imports.import_rows(self.file, parsed, progress, compare, as_of)

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Changes:
        """See Reservations.follow. It answers as long as the file is there."""
        known: list[bool] = []

        def look(revision: object) -> None:
            if known != [revision is not None]:
                known[:] = [revision is not None]
                answers(known[0])
            changed()

        return Changes(self.revision, look)

    def revision(self) -> object:
        """Another value after every change, whichever process made it, and sometimes two. Who asks after having seen it
        gets what was committed: SQLite writes the file only while it keeps readers out. None: it is not there.
        """
        with contextlib.suppress(OSError):
            seen = self.file.path.stat()
            # Two changes within a tick of the kernel's clock look like one: then there is a second value after it.
            fresh = abs(time.time_ns() - seen.st_mtime_ns) < _TICK_NS
            return seen.st_ino, seen.st_mtime_ns, seen.st_size, fresh
        return None

    def begin_keeping(self, day: date, at: datetime) -> None:
        """What an older version of the kiosk did not keep beside the database today. Raises ReservationsDown."""
        self.keeper.begin(day, at)

    def is_sure(self, day: date) -> bool:
        """Whether all appointments of `day` are there; until they are imported again after a loss they are not."""
        return not self._appointments or self.file.beside.is_sure(day)

    def _require_sure(self, day: date) -> None:
        if not self.is_sure(day):
            raise DatabaseTrouble.UNSURE.down("lost")


def _answer(work: Callable[[], T]) -> T | Trouble:
    try:
        return work()
    except ReservationsDown as down:
        return down.as_trouble()


def _left(until: float) -> float:
    """Seconds. Raises ReservationsDown: nobody waits any more."""
    left_s = until - time.monotonic()
    if left_s <= 0:
        raise ReservationsDown(f"{DATABASE_NAME}: no time was left to ask it", "late")
    return left_s


def _require_aware(*moments: datetime) -> None:
    if any(each.tzinfo is None for each in moments):
        raise ValueError("at must be an aware time")


def _date(day: str | None) -> date | None:
    return date.fromisoformat(day) if day else None
