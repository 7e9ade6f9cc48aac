"""Fills the database from an export: the appointments of its days, all of them or nothing."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from drivers.reservations import Imported
from drivers.reservations.csv_file import Parsed
from drivers.reservations.sqlite.beside import COLUMNS, moment
from drivers.reservations.sqlite.file import DatabaseFile, disk_trouble

# Rows per step of an import: often enough for a progress bar, rarely enough to cost nothing.
_STEP = 5000


def import_rows(
    file: DatabaseFile,
    parsed: Parsed,
    progress: Callable[[int, int], None],
    compare: Callable[[Mapping[date, int]], None],
    as_of: datetime | None,
) -> Imported:
    """See SqliteReservations.import_rows."""
    if not parsed.rows:
        return Imported(0, 0)
    with file.writing() as connection:
        held = "SELECT count(*) FROM appointment WHERE day = ?"
        compare({day: int(connection.execute(held, (day.isoformat(),)).fetchone()[0]) for day in parsed.days})
        parsed = parsed if as_of is None else _older(file, parsed, as_of)
        total = len(parsed.rows)
        if as_of is None:
            with disk_trouble():
                file.beside.importing(parsed.days, datetime.now(UTC))
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
            file.beside.imported(parsed.days, as_of or datetime.now(UTC))
    return Imported(total, len(parsed.days))


def _older(file: DatabaseFile, parsed: Parsed, as_of: datetime) -> Parsed:
    """Only the days of which nothing newer is held."""
    stamp = moment(as_of)
    days = tuple(day for day in parsed.days if (file.beside.held_since(day) or "") < stamp)
    names = {day.isoformat() for day in days}
    return replace(parsed, rows=tuple(row for row in parsed.rows if row.day in names), days=days)
