"""One SQLite file of one process: made, migrated, read and written, one connection for all threads.

Owns how such a file is opened and how a transaction ends. Must never begin a damaged file anew: what that would mean is
for whoever owns the rows.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

_A_DAY_S: Final = 86_400.0


class DatabaseUnusable(Exception):
    """Damaged, or of a newer version. The text says which file and what to do."""


class OfNewerVersion(DatabaseUnusable):
    """What a newer version of the kiosk wrote, and this one may misread."""


class Database:
    """The file at `path`, made (0600) if it is not there. Any thread. Raises DatabaseUnusable, OSError, sqlite3.Error.

    `migrations`: script n takes the file from version n to n + 1. One that was released is never changed; a release
    adds at most one, and it only adds (tables, columns with a default, plain indices): the previous version must work
    on the file. `durable` False: a power cut may undo the last transactions, and none waits for the disk.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, durable: bool = True) -> None:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._lock = threading.RLock()
        self._durable = durable
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            self._prepare(path, migrations, durable=durable)
        except sqlite3.OperationalError:
            self._db.close()
            raise  # locked, full, no permission: nothing is damaged
        except sqlite3.DatabaseError as error:
            self._db.close()
            problem = f"{path}: {error}; put back a copy of it, or take it away to begin a new one"
            raise DatabaseUnusable(problem) from None
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, path: Path, migrations: Sequence[str], *, durable: bool) -> None:
        # WAL is safe here in spite of SQLite's WAL-reset bug (before 3.51.3): exactly one connection writes and
        # checkpoints; readers open mode=ro.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._sync(durable)
        if self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(migrations) + 1:
            raise OfNewerVersion(f"{path} was written by a newer version of the kiosk; install that version again")
        for number, script in enumerate(migrations[version:], start=version + 1):
            self._db.executescript(f"BEGIN; {script}; PRAGMA user_version={number}; COMMIT")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What `query` finds."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _sync(self, synced: bool) -> None:
        self._db.execute(f"PRAGMA synchronous={'FULL' if synced else 'NORMAL'}")
        self._syncs = synced

    @contextmanager
    def writing(self, *, synced: bool | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction, written when the block has ended.

        `synced` False: a power cut may undo it, with what came after; a kill of the process does not. None: as the
        file is (`durable`).
        """
        synced = self._durable if synced is None else synced
        with self._lock:
            if self._db.in_transaction:  # the last one failed, and so did its ROLLBACK
                self._db.execute("ROLLBACK")
            if synced != self._syncs:
                # Before what is written, not after it: if this fails, nothing is written with too little care.
                self._sync(synced)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors (full disk, I/O) and not after others; a
                # transaction left open would refuse every later one.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def write(self, statement: str, *values: object) -> int:
        """One statement, as `writing`; how many rows it changed."""
        with self.writing() as db:
            return db.execute(statement, values).rowcount


def open_or_begin(path: Path, migrations: Sequence[str], secret: str, *, durable: bool = True) -> Database:
    """As `Database`, for what may be begun anew: one that is damaged, or was made with another secret, is put aside.

    `secret`: what tells one secret from another (`Seals.identity`). Raises OfNewerVersion, OSError, sqlite3.Error.
    """
    broken = _aside(path)
    try:
        db = Database(path, migrations, durable=durable)
        if _is_of(db, secret):
            return db
        db.close()
    except OfNewerVersion:
        raise
    except DatabaseUnusable:
        pass
    for part in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + part).replace(broken.with_name(broken.name + part))
    db = Database(path, migrations, durable=durable)
    _is_of(db, secret)
    return db


def remove(path: Path) -> None:
    """Take the file away, with what SQLite has beside it and what `open_or_begin` put aside. Raises OSError."""
    for each in (path, _aside(path)):
        for part in ("", "-wal", "-shm"):
            each.with_name(each.name + part).unlink(missing_ok=True)


def was_put_aside(path: Path) -> bool:
    """Whether the file at `path` was begun anew within a day: whoever is to know may not have been there."""
    with suppress(OSError):
        return abs(time.time() - _aside(path).stat().st_ctime) < _A_DAY_S
    return False


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken")


def _is_of(db: Database, secret: str) -> bool:
    """Whether `db` was made with `secret`; a new one is, from now on."""
    with db.writing() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS secret (identity TEXT NOT NULL)")
        connection.execute("INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT * FROM secret)", (secret,))
        return bool(connection.execute("SELECT identity FROM secret").fetchone()[0] == secret)
