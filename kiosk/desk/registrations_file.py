"""`registrations.db`: what the desk puts into folders of others, and what became of it: an SQLite file.

Owns the schema. Patients' values are sealed in it; numbers and insurances are told apart by keyed hashes.
A file that cannot be read is never begun anew by itself: what was sent would be forgotten, and be sent twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.process.database import Database

# See `Database`.
MIGRATIONS: Final = (
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


def open_registrations(path: Path) -> Database:
    """The file at `path`, made if it is not there. Raises DatabaseUnusable, OSError, sqlite3.Error."""
    return Database(path, MIGRATIONS)
