"""`watched.db`: which files of the terminal's were taken, so that none is given twice, and which were gone too soon.

Owns the numbers of a feed that only watches. Holds hashes of names and contents, and nothing that stands in a file.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.share import Digest
from kiosk.process.database import open_or_begin

# A file whose name says its day is not looked at any more after that day; one without may lie there for long.
KEEP_DAYS: Final = 3
KEEP_UNDATED_DAYS: Final = 400
MIGRATIONS: Final = (
    """
    CREATE TABLE file (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, number INTEGER NOT NULL UNIQUE, route TEXT NOT NULL,
        at TEXT NOT NULL, dated INTEGER NOT NULL, state TEXT NOT NULL       -- offered, given, missed
    ) WITHOUT ROWID;
    CREATE INDEX file_by_name ON file (name);
    CREATE INDEX file_by_at ON file (at);
    """,
)


@dataclass(frozen=True)
class Numbered:
    """A file's number and moment, the same whenever it is offered again. `given`: it was taken by the desk."""

    number: int
    at: datetime
    given: bool


class TakenFiles:
    """`path`: the SQLite file. For one thread, but `missing`. Raises sqlite3.Error, at its start OSError too."""

    def __init__(self, path: Path) -> None:
        self._db = open_or_begin(path, MIGRATIONS, "", durable=False)

    def close(self) -> None:
        self._db.close()

    def offered(self, route: str, name: str, digest: Digest, at: datetime, *, dated: bool) -> Numbered:
        """The file of this name and content. `at`: when it was seen, if this is the first time. `dated`: by name."""
        key, named = _hash(route, name, f"{digest.sha256} {digest.size}"), _hash(route, name)
        rows = self._db.rows("SELECT number, at, state FROM file WHERE id = ?", key)
        if rows:
            number, first_at, state = rows[0]
            return Numbered(number, datetime.fromisoformat(first_at), state == "given")
        return Numbered(self._enter(key, named, route, at, "offered", dated=dated), at, given=False)

    def given(self, number: int) -> None:
        """The desk has taken it, and it is not missing, nor is one that was gone under its name before."""
        with self._db.writing() as db:
            db.execute("UPDATE file SET state = 'given' WHERE number = ?", (number,))
            db.execute(
                "DELETE FROM file WHERE state = 'missed' AND name = (SELECT name FROM file WHERE number = ?)", (number,)
            )

    def missed(self, route: str, name: str, at: datetime, *, dated: bool) -> None:
        """A file was gone before it could be read. Nothing, for a name that was read."""
        named = _hash(route, name)
        if not self._db.rows("SELECT 1 FROM file WHERE name = ?", named):
            self._enter(_hash(route, name, "missed"), named, route, at, "missed", dated=dated)

    def missing(self, route: str, since: datetime, until: datetime) -> tuple[int, ...]:
        """What was seen in between (aware) and never given. Any thread."""
        rows = self._db.rows(
            "SELECT number FROM file WHERE at >= ? AND at <= ? AND route = ? AND state <> 'given' ORDER BY number",
            _utc(since),
            _utc(until),
            route,
        )
        return tuple(row[0] for row in rows)

    def forget(self, now: datetime) -> None:
        """What will not be looked at again."""
        with self._db.writing() as db:
            for dated, days in ((1, KEEP_DAYS), (0, KEEP_UNDATED_DAYS)):
                db.execute("DELETE FROM file WHERE dated = ? AND at < ?", (dated, _utc(now - timedelta(days))))

    def _enter(self, key: str, named: str, route: str, at: datetime, state: str, *, dated: bool) -> int:
        with self._db.writing() as db:
            # By the clock: what was kept elsewhere under a number must not meet it again when this file began anew.
            last = db.execute("SELECT max(number) FROM file").fetchone()[0] or 0
            number = max(last + 1, int(time.time() * 1000))
            db.execute(
                "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)", (key, named, number, route, _utc(at), dated, state)
            )
        return number


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
