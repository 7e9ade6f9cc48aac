"""資格確認キー: whether a patient's eligibility is what it was when staff last looked. A store of keyed hashes.

The terminal makes the key of everything that matters in an eligibility result (name, birth date, insurance, limit …) so
that spelling does not change it. It is opaque: equal or not is all that can be said. What was accepted stays until
staff accept another: a change that nobody has looked at is a change at the next visit too.

Owns who was last seen with which keys. Must never hold a number or a key as it was read, raise a file's reader with it
(`Unknown` instead), or take a key for accepted because it was seen, but for a patient's first.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from kiosk.process.sealing import Seals

# first: nobody known had this number · same · changed · unknown: no key in this result, or it could not be compared
KeyState = Literal["first", "same", "changed", "unknown"]
KEY_STATES: Final[tuple[KeyState, ...]] = get_args(KeyState)
KEEP_DAYS: Final = 400  # after the last visit; once a year everybody has been there
PENDING_DAYS: Final = 7
# Entry n takes a store from version n to n + 1; see the ledger's: it only adds.
_MIGRATIONS: Final = (
    """
    CREATE TABLE known (person TEXT PRIMARY KEY, keys TEXT NOT NULL, last_day TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending (file INTEGER PRIMARY KEY, person TEXT NOT NULL, keys TEXT NOT NULL, day TEXT NOT NULL);
    CREATE INDEX pending_by_day ON pending (day);
    """,
)


class KnownKeys:
    """`file`: the SQLite database, made when it is missing; one that is broken is put aside. Any thread.

    `number` is never empty. `keys`: those of one result, in any order. `file`, of a call: the number of the result file
    that said so, by which the answer is settled.
    """

    def __init__(self, file: Path, seals: Seals) -> None:
        self._seals = seals
        self._lock = threading.Lock()
        try:
            self._db = _opened(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for part in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    file.with_name(file.name + part).rename(file.with_name(f"{file.name}.broken{part}"))
            self._db = _opened(file)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def compare(self, number: str, keys: Sequence[str], file: int, day: date) -> KeyState:
        """What is new of it. A patient's first keys are accepted at once. Raises sqlite3.Error."""
        if not keys:
            return "unknown"
        person = self._seals.person(number)
        hashed = self._seals.value(person, *sorted(set(keys)))
        with self._writing() as db:
            row = db.execute("SELECT keys FROM known WHERE person = ?", (person,)).fetchone()
            if row is None:
                db.execute("INSERT INTO known VALUES (?, ?, ?)", (person, hashed, day.isoformat()))
                return "first"
            if row[0] == hashed:
                db.execute("UPDATE known SET last_day = ? WHERE person = ?", (day.isoformat(), person))
                return "same"
            db.execute("INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)", (file, person, hashed, day.isoformat()))
            return "changed"

    def settle(self, file: int) -> bool:
        """Staff have looked at the change that `file` brought: its keys are the accepted ones from now on.

        False: there is none of it, or it was settled before. Raises sqlite3.Error.
        """
        with self._writing() as db:
            row = db.execute("SELECT person, keys, day FROM pending WHERE file = ?", (file,)).fetchone()
            if row is None:
                return False
            db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", row)
            # An older change of the same patient is settled with it; a newer one is still open.
            db.execute("DELETE FROM pending WHERE person = ? AND file <= ?", (row[0], file))
            return True

    def forget(self, today: date) -> None:
        """Who has not come for KEEP_DAYS, and changes that nobody settled. Raises sqlite3.Error."""
        with self._writing() as db:
            db.execute("DELETE FROM known WHERE last_day < ?", ((today - timedelta(KEEP_DAYS)).isoformat(),))
            db.execute("DELETE FROM pending WHERE day < ?", ((today - timedelta(PENDING_DAYS)).isoformat(),))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db


def _opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        # Nothing here is worth a patient's wait for the disk: what a power cut undoes is asked of staff once more.
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            db.executescript(f"BEGIN; {script}; PRAGMA user_version={number}; COMMIT")
    except BaseException:
        db.close()
        raise
    return db
