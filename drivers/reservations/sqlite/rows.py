"""Rows of the database as values of the port, and back.

Owns the statements about one patient's appointments and lines. A line is an arrival with its receptions; it is known by
`arrival.number`, in which it has the day's number of the one series of the hospital, if it is of that.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Final

from drivers.reservations import Appointment, Cancelled, Coded, Entry, Order, Reception
from drivers.reservations.sqlite.beside import (
    CANCELLED_COLUMNS,
    CODE_COLUMNS,
    COLUMNS,
    RECEPTION_COLUMNS,
    Kept,
    KeptCancelled,
    KeptLine,
)

# What a patient comes for on a day, in the order of time. A department that has an appointment by now needs no walk-in.
_DUE = f"""SELECT {COLUMNS} FROM appointment WHERE day = :day AND patient_number = :patient
    UNION ALL SELECT {COLUMNS} FROM walk_in WHERE day = :day AND patient_number = :patient AND department NOT IN
        (SELECT department FROM appointment WHERE day = :day AND patient_number = :patient)"""  # noqa: S608  # constants only
_REGISTERED = f"SELECT {COLUMNS} FROM registered_appointment WHERE day = :day AND patient_number = :patient"  # noqa: S608  # constants only
_KEY = "day, patient_number, time, department"
_OF_PATIENT = "WHERE day = :day AND patient_number = :patient"
OF_ARRIVAL: Final = ("registered_appointment", "appointment_code", "walk_in", "arrival")


@dataclass(frozen=True)
class Line:
    """An arrival: its line of the day, when (aware), and what the patient was given; `attempt`: that made it, or ""."""

    number: int
    patient_number: str = field(repr=False)
    at: datetime
    receptions: tuple[Reception, ...]
    of_system: tuple[Reception, ...] = ()
    attempt: str = ""


def of(patient_number: str, day: date) -> dict[str, str]:
    """The parameters of a statement about one patient's day."""
    return {"patient": patient_number, "day": day.isoformat()}


# --- appointments -----------------------------------------------------------------------------------------------------


def due(connection: sqlite3.Connection, patient_number: str, day: date) -> tuple[Appointment, ...]:
    """What is held of the day, in time order, and the walk-ins of who has arrived."""
    return tuple(map(_appointment, connection.execute(_whole(_DUE), of(patient_number, day))))


def registered(connection: sqlite3.Connection, patient_number: str, day: date) -> tuple[Appointment, ...]:
    """What was registered, in time order."""
    return tuple(map(_appointment, connection.execute(_whole(_REGISTERED), of(patient_number, day))))


def of_day(connection: sqlite3.Connection, table: str, day: date) -> dict[str, tuple[Appointment, ...]]:
    """What `table` has of the day, by patient and in time order."""
    rows = f"SELECT {COLUMNS} FROM {table} WHERE day = :day"  # noqa: S608  # a name of ours
    found = defaultdict[str, tuple[Appointment, ...]](tuple)
    for row in connection.execute(_whole(rows), {"day": day.isoformat()}):
        found[row[1]] += (_appointment(row),)
    return found


def _whole(rows: str) -> str:
    """The statement for `rows` of COLUMNS in time order, each with its message, whether it was no appointment, and its
    codes.
    """
    return f"""SELECT day, patient_number, time, department, due.doctor, due.place, due.note,
        coalesce(message.text, code.message, ''), walk_in.doctor IS NOT NULL, coalesce(department_code, ''),
        coalesce(doctor_code, ''), coalesce(kind_code, ''), coalesce(kind, ''), coalesce(key, '')
        FROM ({rows}) AS due LEFT JOIN message USING ({_KEY}) LEFT JOIN walk_in USING ({_KEY})
        LEFT JOIN appointment_code AS code USING ({_KEY}) ORDER BY time, department"""  # noqa: S608  # of ours


def _appointment(row: tuple[str, ...]) -> Appointment:
    on, _, clock, department, doctor, place, note, message, walk_in, *codes = row
    department_code, doctor_code, kind_code, kind, key = codes
    return Appointment(
        date.fromisoformat(on),
        time.fromisoformat(clock),
        department,
        doctor,
        place,
        note,
        message,
        bool(walk_in),
        department_code,
        doctor_code,
        Coded(kind_code, kind),
        key,
    )


def of_visit(held: tuple[Appointment, ...], registered: tuple[Appointment, ...]) -> tuple[Appointment, ...]:
    """What is known of one visit: what is `held`, or, where no appointment is, all that was registered."""
    return held if any(not each.walk_in for each in held) else registered or held


def with_ordered(held: tuple[Appointment, ...], ordered: Iterable[Appointment]) -> tuple[Appointment, ...]:
    """`held`, and of `ordered` what is not among it, in time order."""
    known = {(each.time, each.department) for each in held}
    others = (each for each in ordered if (each.time, each.department) not in known)
    return tuple(sorted((*held, *others), key=lambda each: (each.time, each.department)))


def walk_in_of(order: Order, known: Iterable[Appointment]) -> tuple[Appointment, ...]:
    """What the order is for besides, unless its department is among what is `known`."""
    what = order.walk_in
    if what is None or what.department in {each.department for each in known}:
        return ()
    at = time(order.at.hour, order.at.minute)
    made = Appointment(order.day, at, what.department, what.doctor, what.place, "", walk_in=True)
    return (replace(made, department_code=what.department_code, doctor_code=what.doctor_code),)


def write_registered(
    connection: sqlite3.Connection, patient_number: str, day: date, appointments: Iterable[Appointment]
) -> None:
    """Put them among what was registered; walk-ins are known as such from now on."""
    held = {row[:4] for row in _rows(connection, "appointment", COLUMNS, patient_number, day)}
    for each in appointments:
        key = (day.isoformat(), patient_number, f"{each.time:%H:%M}", each.department)
        row = (*key, each.doctor, each.place, each.note)
        for table in ("registered_appointment", "walk_in") if each.walk_in else ("registered_appointment",):
            connection.execute(f"INSERT OR REPLACE INTO {table} ({COLUMNS}) VALUES ({_marks(COLUMNS)})", row)  # noqa: S608  # of ours
        message = "" if key in held else each.message
        codes = (each.department_code, each.doctor_code, each.kind.code, each.kind.text, each.key, message)
        if any(codes):
            connection.execute(
                f"INSERT OR REPLACE INTO appointment_code ({CODE_COLUMNS}) VALUES ({_marks(CODE_COLUMNS)})",  # noqa: S608  # of ours
                (*key, *codes),
            )


# --- lines ------------------------------------------------------------------------------------------------------------


def line_of(connection: sqlite3.Connection, patient_number: str, day: date) -> Line | None:
    """The patient's line of the day; None: not registered."""
    arrived = connection.execute(f"SELECT number, at FROM arrival {_OF_PATIENT}", of(patient_number, day)).fetchone()  # noqa: S608  # of ours
    if arrived is None:
        return None
    number, at = arrived
    return _line(patient_number, number, at, _receptions(connection, day, number), _attempts(connection, day, number))


def lines(connection: sqlite3.Connection, day: date) -> list[Line]:
    """Everybody who has arrived."""
    rows = connection.execute(
        "SELECT patient_number, number, at FROM arrival WHERE day = ? ORDER BY number", (day.isoformat(),)
    )
    receptions, attempts = _receptions(connection, day), _attempts(connection, day)
    return [_line(patient, number, at, receptions, attempts) for patient, number, at in rows]


def _attempts(connection: sqlite3.Connection, day: date, line: int | None = None) -> dict[int, str]:
    of_line = "SELECT line, attempt FROM line_attempt WHERE day = ? AND line = coalesce(?, line)"
    return dict(connection.execute(of_line, (day.isoformat(), line)))


Given = dict[tuple[int, int], tuple[Reception, ...]]


def _receptions(connection: sqlite3.Connection, day: date, line: int | None = None) -> Given:
    """By line, and whether they are the system's."""
    found = defaultdict[tuple[int, int], tuple[Reception, ...]](tuple)
    for row in _reception_rows(connection, day, line):
        _, of_line, of_system, _, number, at, department, key, entrance, _, _ = row
        reception = Reception(number, datetime.fromisoformat(at), department, key, entrance)
        found[of_line, of_system] += (reception,)
    return found


def _reception_rows(connection: sqlite3.Connection, day: date, line: int | None) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT {RECEPTION_COLUMNS} FROM reception WHERE day = ? AND line = coalesce(?, line) "  # noqa: S608  # of ours
        "ORDER BY line, of_system, place",
        (day.isoformat(), line),
    ).fetchall()


def _line(patient_number: str, number: int, at: str, receptions: Given, attempts: dict[int, str]) -> Line:
    """One of the version before has no receptions: its number is its line."""
    moment = datetime.fromisoformat(at)
    given = receptions.get((number, 0)) or (Reception(str(number), moment, key=str(number)),)
    return Line(number, patient_number, moment, given, receptions.get((number, 1), ()), attempts.get(number, ""))


def entry_of(line: Line, appointments: tuple[Appointment, ...]) -> Entry:
    """The line as the register has it."""
    return Entry(str(line.number), line.patient_number, line.receptions, appointments, of_system=line.of_system)


# --- what was cancelled -----------------------------------------------------------------------------------------------


def cancelled_rows(connection: sqlite3.Connection, day: date) -> list[KeptCancelled]:
    """As they are kept beside the database."""
    rows = connection.execute(
        f"SELECT {CANCELLED_COLUMNS} FROM cancelled_arrival WHERE day = ?",  # noqa: S608  # constants only
        (day.isoformat(),),
    )
    return [KeptCancelled(*row) for row in rows]


def cancelled_entries(connection: sqlite3.Connection, day: date) -> list[Entry]:
    """Those of the register."""
    receptions, found = _receptions(connection, day), []
    for each in cancelled_rows(connection, day):
        line = _line(each.patient_number, each.number, each.at, receptions, {})
        cancelled = Cancelled(
            each.patient_number, line.receptions, datetime.fromisoformat(each.cancelled_at), each.reason
        )
        found.append(replace(entry_of(line, ()), cancelled=cancelled))
    return found


# --- what is kept beside the database ---------------------------------------------------------------------------------


def kept(connection: sqlite3.Connection, line: Line, day: date) -> Kept:
    """The arrival with all that belongs to it."""
    patient = line.patient_number
    appointments, walk_ins = (
        _rows(connection, table, COLUMNS, patient, day) for table in ("registered_appointment", "walk_in")
    )
    codes = _rows(connection, "appointment_code", CODE_COLUMNS, patient, day)
    rows = tuple(_reception_rows(connection, day, line.number))
    more = KeptLine(day.isoformat(), line.number, line.attempt, rows, codes)
    return Kept(day.isoformat(), patient, line.number, line.at.isoformat(), appointments, walk_ins, more)


def _rows(
    connection: sqlite3.Connection, table: str, columns: str, patient_number: str, day: date
) -> tuple[tuple[str, ...], ...]:
    rows = connection.execute(
        f"SELECT {columns} FROM {table} {_OF_PATIENT} ORDER BY time, department",  # noqa: S608  # a name of ours
        of(patient_number, day),
    ).fetchall()
    return tuple(tuple(map(str, row)) for row in rows)


def _marks(columns: str) -> str:
    return ", ".join("?" for _ in columns.split(","))
