"""What is wrong with the SQLite database, and what its error codes mean. Never a value of the database."""

import sqlite3
from enum import Enum

from drivers.reservations import ReservationsDown

DATABASE_NAME = "reservations.db"


class DatabaseTrouble(Enum):
    """What is wrong with the database, in English; the name in small letters is the code of `ReservationsDown`."""

    # The reception does by itself what the command does.
    DAMAGED = "damaged: the reception begins it anew from its backup; by hand: reservations restore"
    MISSING = "missing: the reception begins it anew from its backup; by hand: reservations restore"
    UNSURE = "begun anew, and the day's appointments are not all there again: import its export"
    BUSY = "busy for too long: is another program holding it?"
    FULL = "the disk is full: make room in the data folder"
    CLOSED = "cannot be opened: is the data folder there, and may we read it?"
    READ_ONLY = "may not be written: check owner and rights of the data folder"
    DENIED = "access denied: check owner and rights of the data folder"
    DISK = "the disk failed to read or write"
    FAILED = "failed"

    def down(self, name: str) -> ReservationsDown:
        """The exception for it; `name`: for those who know SQLite, or a word."""
        kind = Damaged if self in (DatabaseTrouble.DAMAGED, DatabaseTrouble.MISSING) else ReservationsDown
        return kind(f"{DATABASE_NAME}: {self.value} ({name})", self.name.lower())


MEANINGS = {
    sqlite3.SQLITE_BUSY: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_LOCKED: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_FULL: DatabaseTrouble.FULL,
    sqlite3.SQLITE_CORRUPT: DatabaseTrouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: DatabaseTrouble.DAMAGED,
    sqlite3.SQLITE_CANTOPEN: DatabaseTrouble.CLOSED,
    sqlite3.SQLITE_READONLY: DatabaseTrouble.READ_ONLY,
    sqlite3.SQLITE_PERM: DatabaseTrouble.DENIED,
    sqlite3.SQLITE_IOERR: DatabaseTrouble.DISK,
}


class Damaged(ReservationsDown):
    """The database is not there any more or cannot be read; waiting does not help."""
