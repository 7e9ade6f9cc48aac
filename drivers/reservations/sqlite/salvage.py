"""Brings into a new database what is known of arrivals, receptions and the list of staff: from the files beside it, and
from what can still be read of the old one.

Must never: break the new database by what was read from a damaged page, or let a number be given again.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, Final

from drivers.reservations import Unsettled
from drivers.reservations.sqlite.beside import (
    CANCELLED_COLUMNS,
    CODE_COLUMNS,
    COLUMNS,
    RECEPTION_COLUMNS,
    Kept,
    KeptCancelled,
)
from drivers.reservations.sqlite.file import DatabaseFile
from drivers.reservations.sqlite.numbers import BROUGHT
from drivers.reservations.values import NoValue, decoded

_ROW: Final = "(?, ?, ?, ?, ?, ?, ?)"
_WIDTH: Final = 7
# No reception has so many patients in a day.
_NUMBER_MAX: Final = 100_000
_LISTED_COLUMNS: Final = "day, attempt, since, content"
_LINE_KNOWN: Final = """EXISTS (SELECT 1 FROM arrival WHERE day = ? AND number = ?
    UNION ALL SELECT 1 FROM cancelled_arrival WHERE day = ? AND number = ?)"""


def bring_arrivals(connection: sqlite3.Connection, file: DatabaseFile, first: str, today: date) -> int:
    """Everybody who has arrived since `first`, as far as it is known; the numbers go on. How many arrived today."""
    connection.execute("BEGIN IMMEDIATE")
    cancelled = _bring_cancelled(connection, file, first)
    days = {today.isoformat(), *(day for day, _ in cancelled)}
    for kept in (*file.beside.arrivals_since(first), *_salvaged(file, first)):
        if not _is_sound(kept) or (kept.day, kept.number) in cancelled:
            continue
        days.add(kept.day)
        # Whoever has arrived in the backup keeps the number.
        connection.execute(
            "INSERT OR IGNORE INTO arrival (day, patient_number, number, at) VALUES (?, ?, ?, ?)",
            (kept.day, kept.patient_number, kept.number, kept.at),
        )
        of_patient = (kept.day, kept.patient_number)
        if connection.execute("SELECT 1 FROM arrival WHERE day = ? AND patient_number = ?", of_patient).fetchone():
            connection.executemany(
                f"INSERT OR IGNORE INTO registered_appointment ({COLUMNS}) VALUES {_ROW}",  # noqa: S608  # constants only
                kept.appointments,
            )
    for row in (*file.beside.walk_ins_since(first), *_salvaged_rows(file, "walk_in", COLUMNS, first)):
        if len(row) == _WIDTH:
            # Whose arrival was cancelled has none any more.
            connection.execute(
                f"INSERT OR IGNORE INTO walk_in ({COLUMNS}) SELECT {COLUMNS} FROM registered_appointment "  # noqa: S608  # constants only
                "WHERE day = ? AND patient_number = ? AND time = ? AND department = ?",
                row[:4],
            )
    _bring_lines(connection, file, first)
    _bring_list(connection, file, first)
    for day in days:
        _raise_counters(connection, file, day)
    arrived = connection.execute("SELECT count(*) FROM arrival WHERE day = ?", (today.isoformat(),)).fetchone()[0]
    connection.execute("COMMIT")
    return int(arrived)


def _raise_counters(connection: sqlite3.Connection, file: DatabaseFile, day: str) -> None:
    """To the highest number of the day that is known, in each series."""
    highest = connection.execute(
        "SELECT coalesce(max(number), 0) FROM (SELECT number FROM arrival WHERE day = :day "
        "UNION ALL SELECT number FROM cancelled_arrival WHERE day = :day) WHERE number <= :brought",
        {"day": day, "brought": BROUGHT},
    ).fetchone()[0]
    kept = file.beside.number(date.fromisoformat(day))
    last = max(int(highest), kept if kept <= BROUGHT else 0)
    if last:
        connection.execute(
            "INSERT INTO reception_counter (day, last) VALUES (?, ?) "
            "ON CONFLICT (day) DO UPDATE SET last = max(last, excluded.last)",
            (day, last),
        )
    given = connection.execute(
        "SELECT series, max(counted) FROM reception WHERE day = ? AND series <> '' GROUP BY series", (day,)
    ).fetchall()
    connection.executemany(
        "INSERT INTO series_counter (day, series, last) VALUES (?, ?, ?) "
        "ON CONFLICT (day, series) DO UPDATE SET last = max(last, excluded.last)",
        [(day, series, number) for series, number in (*given, *file.beside.series(date.fromisoformat(day)).items())],
    )


def _bring_cancelled(connection: sqlite3.Connection, file: DatabaseFile, first: str) -> set[tuple[str, int]]:
    """Every arrival that was cancelled since `first`; the backup may be from before that. Day and number of each."""
    salvaged = (KeptCancelled(*row) for row in _salvaged_rows(file, "cancelled_arrival", CANCELLED_COLUMNS, first))
    for kept in (*file.beside.cancelled_since(first), *salvaged):
        if not (_is_arrival(kept) and _is_arrival(replace(kept, at=kept.cancelled_at))):
            continue
        connection.execute(
            f"INSERT OR IGNORE INTO cancelled_arrival ({CANCELLED_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  # constants only
            kept.values(),
        )
        of_number = (kept.day, kept.number, kept.patient_number)
        if connection.execute(
            "DELETE FROM arrival WHERE day = ? AND number = ? AND patient_number = ?", of_number
        ).rowcount:
            for table in ("registered_appointment", "appointment_code", "walk_in"):
                connection.execute(
                    f"DELETE FROM {table} WHERE day = ? AND patient_number = ?",  # noqa: S608  # constants only
                    (kept.day, kept.patient_number),
                )
    return set(connection.execute("SELECT day, number FROM cancelled_arrival WHERE day >= ?", (first,)))


def _bring_lines(connection: sqlite3.Connection, file: DatabaseFile, first: str) -> None:
    """What lines have besides: receptions and attempts of those that are there, codes of what is registered."""
    kept = tuple(file.beside.lines_since(first))
    receptions = [row for each in kept for row in each.receptions]
    for row in (*receptions, *_salvaged_rows(file, "reception", RECEPTION_COLUMNS, first)):
        if _is_reception(row):
            connection.execute(
                f"INSERT OR IGNORE INTO reception ({RECEPTION_COLUMNS}) "  # constants only
                f"SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE {_LINE_KNOWN}",
                (*row, *row[:2], *row[:2]),
            )
    attempts = [(each.day, each.line, each.attempt) for each in kept if each.attempt]
    for attempt in (*attempts, *_salvaged_rows(file, "line_attempt", "day, line, attempt", first)):
        connection.execute(
            f"INSERT OR IGNORE INTO line_attempt (day, line, attempt) SELECT ?, ?, ? WHERE {_LINE_KNOWN}",
            (*attempt, *attempt[:2], *attempt[:2]),
        )
    codes = [row for each in kept for row in each.codes]
    for code in (*codes, *_salvaged_rows(file, "appointment_code", CODE_COLUMNS, first)):
        if len(code) == len(CODE_COLUMNS.split(",")):
            connection.execute(
                f"INSERT OR IGNORE INTO appointment_code ({CODE_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? "  # noqa: S608  # constants only
                "WHERE EXISTS (SELECT 1 FROM registered_appointment "
                "WHERE day = ? AND patient_number = ? AND time = ? AND department = ?)",
                (*code, *code[:4]),
            )


def _bring_list(connection: sqlite3.Connection, file: DatabaseFile, first: str) -> None:
    """The orders of which staff must know. What is kept beside the database is newer than any backup."""
    kept = file.beside.unsettled_since(first)
    known = {row[:2] for row in kept}
    connection.executemany("DELETE FROM unsettled WHERE day = ? AND attempt = ?", known)
    salvaged = (row for row in _salvaged_rows(file, "unsettled", _LISTED_COLUMNS, first) if row[:2] not in known)
    connection.executemany(
        f"INSERT OR IGNORE INTO unsettled ({_LISTED_COLUMNS}) VALUES (?, ?, ?, ?)",  # noqa: S608  # constants only
        [row for row in (*kept, *salvaged) if _is_listed(row)],
    )


# --- what can be used ---------------------------------------------------------------------------------------------


def _is_sound(kept: Kept) -> bool:
    """What was read from a damaged page must not break the new database as well."""
    try:
        for row in kept.appointments:
            time.fromisoformat(row[2])
    except (ValueError, IndexError):
        return False
    whole = all(len(row) == _WIDTH and row[:2] == (kept.day, kept.patient_number) for row in kept.appointments)
    return whole and _is_arrival(kept)


def _is_arrival(kept: Kept | KeptCancelled) -> bool:
    try:
        date.fromisoformat(kept.day)
        return datetime.fromisoformat(kept.at).tzinfo is not None and 0 < kept.number <= _NUMBER_MAX
    except (ValueError, TypeError):
        return False


def _is_reception(row: tuple[Any, ...]) -> bool:
    kinds = (str, int, int, int, str, str, str, str, str, str, int)
    if tuple(map(type, row)) != kinds:
        return False
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(row[5]).tzinfo is not None
    return False


def _is_listed(row: tuple[Any, ...]) -> bool:
    with contextlib.suppress(ValueError, TypeError, NoValue):
        return isinstance(decoded(Unsettled, json.loads(row[3])), Unsettled)
    return False


# --- the old database ---------------------------------------------------------------------------------------------


def _salvaged(file: DatabaseFile, first: str) -> Iterator[Kept]:
    """What can still be read from the old database: an older version kept nothing beside it."""
    with contextlib.suppress(sqlite3.Error, TypeError, ValueError):
        if not file.path.exists():
            return
        with contextlib.closing(file.connect("ro", busy_s=0.5)) as connection:
            arrived = connection.execute(
                "SELECT day, patient_number, number, at FROM arrival WHERE day >= ?", (first,)
            ).fetchall()
            for day, patient_number, number, at in arrived:
                rows: list[tuple[str, ...]] = []
                with contextlib.suppress(sqlite3.Error):
                    rows = connection.execute(
                        "SELECT * FROM registered_appointment WHERE day = ? AND patient_number = ?",
                        (day, patient_number),
                    ).fetchall()
                appointments = tuple(tuple(map(str, row[:_WIDTH])) for row in rows)
                yield Kept(str(day), str(patient_number), int(number), str(at), appointments)


def _salvaged_rows(file: DatabaseFile, table: str, columns: str, first: str) -> list[tuple[Any, ...]]:
    """Whole rows of one of the tables that an older version has not, as far as they can be read."""
    with contextlib.suppress(sqlite3.Error):
        if file.path.exists():
            with contextlib.closing(file.connect("ro", busy_s=0.5)) as connection:
                statement = f"SELECT {columns} FROM {table} WHERE day >= ?"  # noqa: S608  # constants only
                return connection.execute(statement, (first,)).fetchall()
    return []
