"""Nightly maintenance of the database: backup, retention, and freeing of space, all in small steps.

Every step holds the database for a few milliseconds; between two steps `go_on()` is called, as a patient comes first.
Must never delete anything of today or later, or let a backup count that was not checked.

A file made by this version gives pages back by itself (auto_vacuum=INCREMENTAL). One made before cannot, and a VACUUM
would hold it for seconds: so a copy is made and vacuumed beside it, and takes its place if nobody wrote meanwhile.
"""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.durable import sync_file, sync_folder
from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.file import DATABASE_NAME, DatabaseFile, connect, disk_trouble
from drivers.reservations.sqlite.rescue import BROKEN, STAMP, backups_by_clock, require_whole

BACKUPS_KEPT: Final = 7
BROKEN_KEPT: Final = 5
# What must stay free for arrivals and deliveries.
_RESERVE_BYTES: Final = 200 * 1024 * 1024
_STEP_PAGES: Final = 128
_STEP_ROWS: Final = 200
_PAUSE_S: Final = 0.02
_TABLES: Final = (  # what refers to arrivals first
    ("registered_appointment", "day, patient_number, time, department"),
    ("walk_in", "day, patient_number, time, department"),
    ("arrival", "day, patient_number"),
    ("cancelled_arrival", "day, number"),
    ("reception_counter", "day"),
    ("appointment", "day, patient_number, time, department"),
    ("message", "day, patient_number, time, department"),
    ("reception", "day, line, of_system, place"),
    ("line_attempt", "day, line"),
    ("series_counter", "day, series"),
    ("appointment_code", "day, patient_number, time, department"),
    ("taken", "day, patient_number"),
    ("unsettled", "day, attempt"),
)
_COPY: Final = ".new.db"
_REBUILT: Final = f".{DATABASE_NAME}.rebuilt"
_AUTO_VACUUM_INCREMENTAL: Final = 2

GoOn = Callable[[], bool]


class Stopped(Exception):
    """`go_on` said no; another time."""


class NoRoom(ReservationsDown):
    """The disk has no room for a copy."""


def back_up(file: DatabaseFile, now: datetime, go_on: GoOn) -> Path:
    """Make a backup of this moment. `now`: UTC. Raises Stopped, and ReservationsDown: there is none."""
    folder = file.beside.backups
    with disk_trouble():
        folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / _COPY
    try:
        _copy(file, part, go_on)
        _require_good(file, part)
        target = folder / f"reservations-{now.strftime(STAMP)}.db"
        with disk_trouble():
            part.rename(target)
            sync_folder(folder)
    finally:
        _remove(part)
    return target


def _copy(file: DatabaseFile, to: Path, go_on: GoOn) -> None:
    """The whole database, one moment of it: SQLite begins again when somebody wrote meanwhile."""
    with disk_trouble():
        _remove(to)
        if shutil.disk_usage(to.parent).free < 2 * file.path.stat().st_size + _RESERVE_BYTES:
            raise NoRoom(f"{DATABASE_NAME}: no room for a copy on the disk")
        os.close(os.open(to, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_NOFOLLOW, 0o600))

    def between(status: int, remaining: int, total: int) -> None:
        if not go_on():
            raise Stopped
        time.sleep(_PAUSE_S)

    with (
        file.translated(),
        contextlib.closing(file.connect("ro")) as source,
        contextlib.closing(connect(to)) as target,
    ):
        target.execute("PRAGMA synchronous=OFF")
        source.backup(target, pages=_STEP_PAGES, progress=between)


def _require_good(file: DatabaseFile, copy: Path) -> None:
    """A copy has the damage of its source."""
    with file.translated(), contextlib.closing(connect(copy)) as connection:
        require_whole(connection)
    with disk_trouble():
        sync_file(copy)


def forget(file: DatabaseFile, today: date, keep_days: int) -> None:
    """Old backups, kept arrivals and what was put aside. Raises ReservationsDown."""
    before, now = today - timedelta(days=keep_days), datetime.now(UTC)
    with file.exclusive(), disk_trouble():
        known, ahead = backups_by_clock(file.beside.backups, now)
        # One of the last day replaces those that a clock named which was ahead.
        replaced = bool(known) and known[0][0] >= now - timedelta(days=1)
        for number, (at, path) in enumerate((*known, *ahead)):
            if number >= BACKUPS_KEPT or at.date() < before or (replaced and number >= len(known)):
                path.unlink(missing_ok=True)
        file.beside.forget_arrivals(before)
        broken = {path.name.removesuffix("-journal") for path in file.data_dir.glob(f"{BROKEN}????????T??????Z*")}
        for number, name in enumerate(sorted(broken, reverse=True)):
            if number >= BROKEN_KEPT or name.removeprefix(BROKEN) < before.strftime("%Y%m%d"):
                (file.data_dir / name).unlink(missing_ok=True)
                (file.data_dir / f"{name}-journal").unlink(missing_ok=True)


def oldest_day(file: DatabaseFile) -> date | None:
    """The oldest day of which anything is stored."""
    with file.reading() as connection:
        days = [connection.execute(f"SELECT min(day) FROM {table}").fetchone()[0] for table, _ in _TABLES]  # noqa: S608
    known = [day for day in days if day]
    return date.fromisoformat(min(known)) if known else None


def last_day(file: DatabaseFile) -> date | None:
    """The last day on which somebody arrived, else the last with an appointment: what is older than that by far is old
    whatever the clock says. A clock that is years ahead must not cost the appointments of today.
    """
    with file.reading() as connection:
        arrival = connection.execute("SELECT max(day) FROM arrival").fetchone()[0]
        known = arrival or connection.execute("SELECT max(day) FROM appointment").fetchone()[0]
    return date.fromisoformat(known) if known else None


def prune(file: DatabaseFile, before: date, go_on: GoOn) -> int:
    """Delete everything of days before `before`; how many rows. Raises Stopped, ReservationsDown."""
    count = 0
    for table, key in _TABLES:
        statement = (
            f"DELETE FROM {table} WHERE ({key}) IN "  # noqa: S608  # constants only
            f"(SELECT {key} FROM {table} WHERE day < ? ORDER BY day LIMIT {_STEP_ROWS})"
        )
        gone = _STEP_ROWS
        while gone:
            if not go_on():
                raise Stopped
            with file.writing() as connection:
                gone = connection.execute(statement, (before.isoformat(),)).rowcount
                if gone:
                    connection.execute("COMMIT")
            count += gone
            time.sleep(_PAUSE_S if gone else 0)
    return count


def give_back(file: DatabaseFile, go_on: GoOn) -> None:
    """Return free pages to the file system. Raises Stopped, ReservationsDown."""
    with file.reading() as connection:
        mode = int(connection.execute("PRAGMA auto_vacuum").fetchone()[0])
    if mode != _AUTO_VACUUM_INCREMENTAL:
        _rebuild(file, go_on)
    while True:
        if not go_on():
            raise Stopped
        with file.writing() as connection:
            if not int(connection.execute("PRAGMA freelist_count").fetchone()[0]):
                return
            for _ in range(_STEP_PAGES):
                # One page each: Python ends a statement without columns after its first step.
                connection.execute("PRAGMA incremental_vacuum(1)")
            connection.execute("COMMIT")
        time.sleep(_PAUSE_S)


def _rebuild(file: DatabaseFile, go_on: GoOn) -> None:
    """Once for a file of an older version: a vacuumed copy takes its place, unless somebody wrote meanwhile."""
    part = file.data_dir / _REBUILT
    try:
        same = file.path.stat().st_ino
        # A connection without a transaction holds no lock; it only notices that somebody else wrote.
        with file.translated(), contextlib.closing(file.connect("ro")) as watching:
            seen = _changes(watching)
            _copy(file, part, go_on)
            with contextlib.closing(connect(part)) as connection:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
                connection.execute("VACUUM")
            _require_good(file, part)
            with file.exclusive(), disk_trouble():
                # It may even have been begun anew.
                if _changes(watching) != seen or file.path.stat().st_ino != same:
                    raise Stopped
                _require_no_journal(file)
                part.rename(file.path)
                sync_folder(file.data_dir)
    finally:
        _remove(part)


def _changes(connection: sqlite3.Connection) -> int:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _require_no_journal(file: DatabaseFile) -> None:
    """A journal of the old file must never meet the new one."""
    journal = file.path.with_name(f"{DATABASE_NAME}-journal")
    if journal.exists() and journal.stat().st_size:
        raise Stopped


def sweep(file: DatabaseFile) -> None:
    """Remove the unfinished files of a process that was killed: they hold patients' data."""
    for part in (file.beside.backups / _COPY, file.data_dir / _REBUILT):
        _remove(part)


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
        part.with_name(f"{part.name}-journal").unlink(missing_ok=True)
