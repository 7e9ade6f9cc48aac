"""Rebuilds a damaged database from the newest good backup and from what is kept beside it; the old one is put aside.

Owns the names of backups (`reservations-backup/reservations-TIME.db`) and of what was put aside
(`reservations.db.broken-TIME`, its journal likewise). Everything happens under the exclusive lock, and the database is
checked again there: of several processes that met the damage one rebuilds.

Must never: delete what was put aside, restart a day's numbers at 1, or put aside by itself a database that a person can
repair without loss (busy, of a newer kiosk, or unreadable because of its permissions).
"""

import contextlib
import errno
import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.durable import sync_file, sync_folder
from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.file import (
    DATABASE_NAME,
    Damaged,
    DatabaseFile,
    DatabaseTrouble,
    connect,
    disk_trouble,
    migrate,
    require_ours,
)
from drivers.reservations.sqlite.salvage import bring_arrivals

STAMP: Final = "%Y%m%dT%H%M%SZ"
BROKEN: Final = f"{DATABASE_NAME}.broken-"
_BACKUP: Final = "reservations-????????T??????Z.db"
_NEW: Final = f".{DATABASE_NAME}.new"
_ROW: Final = "(?, ?, ?, ?, ?, ?, ?)"
_WIDTH: Final = 7
# No reception has so many patients in a day.
_NUMBER_MAX: Final = 100_000
# A clock that is off by its time zone is put right without a word; a backup is not worth less for it.
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True)
class Rebuilt:
    """`backup`: when the backup of the appointments was made, None: there was no good one. `arrivals`: of the day.

    `put_aside`: the old database's new name, None: it was gone. `ahead`: the backup is named by a clock that was ahead.
    """

    backup: datetime | None
    arrivals: int
    put_aside: str | None
    ahead: bool = False

    def __str__(self) -> str:
        since = f"from the backup of {self.backup:%Y-%m-%dT%H:%M:%SZ}" if self.backup else "without a backup"
        since += ", which is still to come: nobody knows from when it is" if self.ahead else ""
        old = f"the old one is {self.put_aside}" if self.put_aside else "the old one was gone"
        return f"{since}, with {self.arrivals} arrivals of today; {old}"


def damage(file: DatabaseFile) -> DatabaseTrouble | None:
    """Permanent damage of the database, None: there is none. Needs the exclusive lock.

    Raises ReservationsDown: unknown, or a trouble that rebuilding would not repair.
    """
    if not file.path.exists() or file.path.stat().st_size == 0:
        return DatabaseTrouble.MISSING
    try:
        with file.translated(), contextlib.closing(file.connect(busy_s=2.0)) as connection:
            require_whole(connection)
    except Damaged:
        return DatabaseTrouble.DAMAGED
    return None


def require_whole(connection: sqlite3.Connection) -> None:
    """Raises ReservationsDown, Damaged or sqlite3.Error."""
    require_ours(connection)
    if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        raise DatabaseTrouble.DAMAGED.down("integrity_check")


def rebuild(file: DatabaseFile, today: date, *, by_hand: bool = False, wait_s: float = 20.0) -> Rebuilt | None:
    """Rebuild the database if it is damaged or gone; None: it is intact. `by_hand`: rebuild it in any state.

    Afterwards exports in `done/` are due (`Beside.take_exports_due`). Raises ReservationsDown: nothing was changed.
    """
    with file.exclusive(wait_s), disk_trouble():
        well = _is_well(file, by_hand)
        if well and not by_hand:
            file.suspected = False
            return None
        new = file.data_dir / _NEW
        now = datetime.now(UTC)
        backup = _copy_backup(file, new, now)
        if well and backup is None:
            _remove(new)
            raise ReservationsDown(
                f"{DATABASE_NAME}: it is well, and there is no backup: nothing was changed", "nothing_to_restore"
            )
        with file.translated(), contextlib.closing(connect(new)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            migrate(connection)
            # A moment that is still to come says nothing of how new it is.
            ahead = backup is not None and backup > now
            first = date.min if ahead else min(today, backup.date()) if backup else today
            arrivals = bring_arrivals(connection, file, first.isoformat(), today)
        sync_file(new)
        aside = _name_aside(file, now)
        rebuilt = Rebuilt(backup, arrivals, aside if os.path.lexists(file.path) else None, ahead)
        file.beside.note_rebuilt(None if ahead else backup, today)
        if not by_hand:
            file.beside.lost(str(rebuilt))
        _put_aside(file, aside)
        new.rename(file.path)
        sync_folder(file.data_dir)
        file.suspected = False
        return rebuilt


def _is_well(file: DatabaseFile, by_hand: bool) -> bool:
    try:
        return damage(file) is None
    except ReservationsDown:
        if by_hand:
            return False
        raise


def sweep(file: DatabaseFile) -> None:
    """Remove the unfinished files of a process that was killed. Raises ReservationsDown."""
    with file.exclusive(), disk_trouble():
        _remove(file.data_dir / _NEW)


# --- backups ----------------------------------------------------------------------------------------------------------


def backups(folder: Path) -> list[tuple[datetime, Path]]:
    """Newest first."""
    found = []
    for path in folder.glob(_BACKUP):
        with contextlib.suppress(ValueError):
            at = datetime.strptime(path.stem.removeprefix("reservations-"), STAMP).replace(tzinfo=UTC)
            found.append((at, path))
    return sorted(found, reverse=True)


def backups_by_clock(folder: Path, now: datetime) -> tuple[list[tuple[datetime, Path]], list[tuple[datetime, Path]]]:
    """Newest first: those of which that is known, and those that a clock named which was ahead by more than a day."""
    made = backups(folder)
    return [each for each in made if each[0] <= now + _AHEAD], [each for each in made if each[0] > now + _AHEAD]


def newest_backup(folder: Path, now: datetime) -> datetime | None:
    """The moment of the newest of which that is known."""
    known, _ = backups_by_clock(folder, now)
    return known[0][0] if known else None


def _copy_backup(file: DatabaseFile, new: Path, now: datetime) -> datetime | None:
    """The newest backup that is good as `new`, and its moment; else `new` is empty."""
    known, ahead = backups_by_clock(file.beside.backups, now)
    for at, backup in (*known, *ahead):
        _make(new)
        try:
            shutil.copyfile(backup, new)
            with contextlib.closing(connect(new)) as connection:
                require_whole(connection)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise  # a good backup must not be passed over because there is no room for it
        except (sqlite3.Error, ReservationsDown):
            pass  # the one before may be good
        else:
            return at
    _make(new)
    return None


def _remove(new: Path) -> None:
    for left in (new, new.with_name(f"{new.name}-journal")):
        left.unlink(missing_ok=True)


def _make(new: Path) -> None:
    _remove(new)
    os.close(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_NOFOLLOW, 0o600))


# --- putting aside ----------------------------------------------------------------------------------------------------


def _name_aside(file: DatabaseFile, now: datetime) -> str:
    stamp = now.strftime(STAMP)
    names = (f"{BROKEN}{stamp}", *(f"{BROKEN}{stamp}-{number}" for number in range(2, 100)))
    taken = {path.name.removesuffix("-journal") for path in file.data_dir.glob(f"{BROKEN}*")}
    return next(name for name in names if name not in taken)


def _put_aside(file: DatabaseFile, name: str) -> None:
    """The old database and its journal get another name. The journal first: it must never meet the new database."""
    journal = file.path.with_name(f"{DATABASE_NAME}-journal")
    for old, new in ((journal, f"{name}-journal"), (file.path, name)):
        # A journal without content is what every commit leaves.
        if os.path.lexists(old) and not (old == journal and old.lstat().st_size == 0):
            old.rename(file.data_dir / new)
            sync_folder(file.data_dir)
