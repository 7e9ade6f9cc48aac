"""people.db: accounts, and the chain of acts. One SQLite file that `kiosk desk` and `kiosk desk user` write, in turn.

Owns the schema, its migrations, and what SQLite's errors mean. Every piece of work has a connection of its own, and no
WAL: two programs write here, and the SQLite of Debian 12 (3.40) loses writes when two write a WAL. Must never let an
sqlite3 error out, and never make a database where one was that cannot be read.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x53414B50  # "SAKP"
_BUSY_S: Final = 5.0

# Script n takes a database from version n to n + 1. Never change one that was released; a release adds at most one, and
# it only adds (tables, columns with a default, plain indices): after an update that was rolled back, the previous
# version works on this database, and the newer one must be able to use what that wrote.
MIGRATIONS: Final = (
    """
    CREATE TABLE account (
        name TEXT PRIMARY KEY, role TEXT NOT NULL, password BLOB NOT NULL, pin BLOB NOT NULL DEFAULT x'',
        first_until TEXT NOT NULL DEFAULT '',   -- a password that another gave is good until then; '': its owner's own
        epoch INTEGER NOT NULL DEFAULT 0        -- goes up with each new password: sessions of the one before end
    ) WITHOUT ROWID;
    CREATE TABLE note (name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY,             -- from 1, without a gap
        at TEXT NOT NULL, user TEXT NOT NULL, act TEXT NOT NULL, visit INTEGER NOT NULL, person TEXT NOT NULL,
        subject TEXT NOT NULL, outcome TEXT NOT NULL, address TEXT NOT NULL,
        hash TEXT NOT NULL                      -- over this line and the hash of the one before
    );
    CREATE INDEX audit_at ON audit (at);
    CREATE TABLE chain (                        -- one row: where the oldest line that is kept begins
        id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, hash TEXT NOT NULL
    );
    """,
)


class PeopleUnusable(OSError):
    """The database cannot be read or written; the text says where, and holds nothing of what is in it."""


class PeopleDatabase:
    """`file`: people.db, made when missing (0600, in a folder that is there). Any thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._translated():
            self._prepare()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: durable when the body ends well, undone otherwise. Raises PeopleUnusable."""
        with self._translated(), contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=TRUNCATE")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the database. Raises PeopleUnusable."""
        with self._translated(), contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN")
            yield connection

    def _connect(self) -> sqlite3.Connection:
        # rw: a file that vanished is not made again in the midst of the work.
        connection = sqlite3.connect(f"{self.file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_S)
        connection.isolation_level = None
        return connection

    def _prepare(self) -> None:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with contextlib.closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            known = int(connection.execute("PRAGMA application_id").fetchone()[0])
            if version > len(MIGRATIONS) + 1 or (version and known != APPLICATION_ID):
                raise PeopleUnusable(f"{self.file} is of a newer version of the kiosk; install that version again")
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in script.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")
            if not version:
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                # By lot: another database put in its place has another beginning.
                connection.execute("INSERT INTO chain (id, number, hash) VALUES (1, 0, ?)", (secrets.token_hex(32),))
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise PeopleUnusable(
                f"{self.file} cannot be used ({getattr(error, 'sqlite_errorname', 'SQLite')})"
            ) from None
