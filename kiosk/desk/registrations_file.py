"""`registrations.db`: what the desk puts into folders of others, and what became of it. SQLite, one connection.

Owns the schema. Patients' values are sealed in it; numbers and insurances are told apart by keyed hashes.
A file that cannot be read is never begun anew by itself: what was sent would be forgotten, and be sent twice.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Script n takes a file from version n to n + 1. Never change one that was released; a release adds at most one, and it
# only adds (tables, columns with a default, plain indices): the previous version must work on the file.
_MIGRATIONS = (
    """
    CREATE TABLE outgoing (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        series TEXT NOT NULL, day TEXT NOT NULL, number INTEGER NOT NULL,   -- what its name is made of; yyyyMMdd
        state TEXT NOT NULL, temp TEXT NOT NULL DEFAULT '', stop TEXT NOT NULL DEFAULT '',
        token TEXT NOT NULL UNIQUE,      -- what the content is sealed about
        content BLOB NOT NULL,           -- sealed; empty once it was put or stopped
        put_at REAL,
        UNIQUE (series, day, number)
    );
    CREATE INDEX outgoing_by_state ON outgoing (state);
    CREATE TABLE registrations (
        id INTEGER PRIMARY KEY REFERENCES outgoing (id),
        visit INTEGER NOT NULL, user TEXT NOT NULL, asked_at REAL NOT NULL, ended_at REAL,
        identifier TEXT NOT NULL UNIQUE,
        insurance TEXT NOT NULL, number TEXT NOT NULL,                      -- keyed hashes
        state TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '',
        details BLOB NOT NULL            -- sealed; empty where only hashes are kept and it has ended
    );
    CREATE INDEX registrations_by_insurance ON registrations (insurance);
    CREATE INDEX registrations_by_number ON registrations (number);
    CREATE INDEX registrations_by_state ON registrations (state);
    """,
)


class StoreLost(Exception):
    """The file cannot be used: damaged, or of a newer version. The text says where and what to do."""


class RegistrationsFile:
    """The file at `path`, made (0600) if it is not there. Any thread. Raises StoreLost, OSError, sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StoreLost(f"{path}: {error}; put back a copy of it, or take it away to begin a new one") from None
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=TRUNCATE")
        self._db.execute("PRAGMA synchronous=FULL")
        if self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(_MIGRATIONS) + 1:
            raise StoreLost(f"{path} was written by a newer version of the kiosk; install that version again")
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            self._db.executescript(f"BEGIN; {script}; PRAGMA user_version={number}; COMMIT")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What `query` finds."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block has ended."""
        with self._lock:
            if self._db.in_transaction:  # the last one failed, and so did its ROLLBACK
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def write(self, statement: str, *values: object) -> bool:
        """One statement, as `writing`. True: it changed something."""
        with self.writing() as db:
            return db.execute(statement, values).rowcount > 0
