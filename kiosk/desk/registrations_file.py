"""`registrations.db`: requests that the desk puts into the terminal's folder, and what became of them: an SQLite file.

Owns the schema. Patients' values are sealed in it; numbers and insurances are told apart by keyed hashes.
A file that cannot be read is never begun anew by itself: what was sent would be forgotten, and be sent twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.desk.outgoing import SCHEMA
from kiosk.process.database import Database

# See `Database`.
MIGRATIONS: Final = (
    SCHEMA
    + """
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
