"""The courier's durable memory: which file is where, in one SQLite database with one writing connection.

Every visible effect has an earlier durable row that explains it: seen -> staged -> published -> done. A staged row
whose temporary file is gone means that the rename happened, even if the receipt computer has taken the file already;
"does it exist at the destination" is never a test of "did I send it".
Holds file names, digests and states; never what is written in a file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NewType
from uuid import uuid4

from drivers.share import Digest
from kiosk.courier.summary import Waits
from kiosk.process.database import Database, DatabaseUnusable, OfNewerVersion
from kiosk.process.event_log import EventLog

# Numbers the rows of `files`, in order of first sight, over all starts; also in the event log and in alarms.
FileId = NewType("FileId", int)
RouteName = Literal["results", "subsidies"]
State = Literal["seen", "staged", "published", "done", "held", "lost", "replaced"]
# Subsidy of an eligibility file: none requested; link refused; awaited; answered in time or late, by a result or an
# error; not answered within the wait.
Subsidy = Literal["none", "refused", "waiting", "result", "failed", "late_result", "late_failed", "unanswered"]
OPEN_STATES = ("seen", "staged", "published", "held")
ALARMS_MAX = 200  # of one code
KEEP_FILES = 5_000
DOUBTED_FILES = 500
TEMP_PATTERN = ".kiosk-*.tmp"
_PARTS = ("", "-wal", "-shm")

# See Database. After an update that was rolled back, the previous version works on this ledger, and the newer one must
# be able to use what that wrote.
_MIGRATIONS = (
    """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of first sight
        route TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
        sha256 TEXT NOT NULL, size INTEGER NOT NULL,
        state TEXT NOT NULL, temp TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
        request TEXT NOT NULL DEFAULT '', subsidy TEXT NOT NULL DEFAULT 'none',
        seen_at TEXT NOT NULL, done_at TEXT NOT NULL DEFAULT '',
        UNIQUE (route, name_key, sha256, size)
    );
    CREATE INDEX files_by_state ON files (state, route, id);
    CREATE INDEX files_by_name ON files (route, name_key);
    CREATE INDEX files_by_request ON files (request) WHERE request <> '';
    CREATE INDEX files_by_temp ON files (temp) WHERE temp <> '';
    CREATE TABLE temps (name TEXT PRIMARY KEY, route TEXT NOT NULL);   -- abandoned attempts, to be swept
    CREATE TABLE alarms (
        code TEXT NOT NULL, subject TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (code, subject)
    );
    """,
)


@dataclass(frozen=True)
class Item:
    """One file on its way. `temp`: the name of its unfinished copy, there or not yet there; empty for a file that is
    moved, not copied, and where nothing of it is to be found.
    """

    id: FileId
    route: RouteName
    name: str
    digest: Digest
    state: State
    temp: str
    reason: str
    request: str
    subsidy: Subsidy


class LedgerLost(Exception):
    """The database cannot be used; the message says where and what to do."""


def new_temp() -> str:
    """A name for an unfinished copy that was never used and that no other kiosk can choose; see TEMP_PATTERN."""
    return f".kiosk-{uuid4().hex}.tmp"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _abandon(db: sqlite3.Connection, item: Item) -> None:
    """Whatever lies under the item's temporary name is to be swept."""
    if item.temp:
        db.execute("INSERT OR IGNORE INTO temps (name, route) VALUES (?, ?)", (item.temp, item.route))


class Ledger(Database):
    """One writing connection, shared by the courier's threads under a lock. `path`: the database file."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            super().__init__(path, _MIGRATIONS)
        except OfNewerVersion as error:
            raise LedgerLost(str(error)) from None
        except OSError as error:  # no room for one more file, no permission
            raise sqlite3.OperationalError(str(error)) from None
        try:
            self.waits = Waits(dict(self.rows("SELECT id, seen_at FROM files WHERE done_at = ''")), clock)
        except BaseException:
            self.close()
            raise

    def _items(self, where: str, *values: object) -> list[Item]:
        rows = self.rows(
            f"SELECT id, route, name, sha256, size, state, temp, reason, request, subsidy FROM files {where}",  # noqa: S608 - `where` is this module's text
            *values,
        )
        return [Item(FileId(row[0]), row[1], row[2], Digest(row[3], row[4]), *row[5:]) for row in rows]

    def item(self, file: FileId) -> Item:
        return self._items("WHERE id = ?", file)[0]

    def of_name(self, route: RouteName, name: str) -> list[Item]:
        """Every item that ever had this name, oldest first."""
        return self._items("WHERE route = ? AND name_key = ? ORDER BY id", route, name.lower())

    def open_items(self, route: RouteName) -> list[Item]:
        """What is not finished, in order of first sight."""
        return self._items("WHERE route = ? AND state IN ('seen', 'staged', 'published', 'held') ORDER BY id", route)

    def of_request(self, route: RouteName, request: str) -> list[Item]:
        """Subsidy files that answer `request` (a lower-case request name), or eligibility files that refer to it."""
        return self._items("WHERE route = ? AND request = ? ORDER BY id", route, request)

    def open_temps(self) -> dict[FileId, str]:
        """The temporary name, or "", of each unfinished file of all routes."""
        return dict(self.rows("SELECT id, temp FROM files WHERE state IN ('seen','staged','published','held')"))

    def sent_as(self, route: RouteName, temp: str, hours: int) -> Item | None:
        """The copy sent under this temporary name, if a server's power cut may have undone its rename: one of the last
        hours, or of the newest rows.
        """
        since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
        where = "WHERE temp = ? AND temp <> '' AND route = ? AND state IN ('published', 'done')"
        recent = "AND (seen_at > ? OR id > (SELECT max(id) FROM files) - ?)"
        return next(iter(self._items(f"{where} {recent}", temp, route, since, DOUBTED_FILES)), None)

    def add(
        self, route: RouteName, name: str, digest: Digest, *, request: str, subsidy: Subsidy, held: str = ""
    ) -> Item:
        """A complete file was seen for the first time.

        The name of its first unfinished copy is durable with it, before such a file exists.
        """
        state: State = "held" if held else "seen"
        temp = "" if held else new_temp()
        with self.writing() as db:
            cursor = db.execute(
                "INSERT INTO files"
                " (route, name, name_key, sha256, size, state, temp, reason, request, subsidy, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (route, name, name.lower(), digest.sha256, digest.size, state, temp, held, request, subsidy, _now()),
            )
            file = FileId(cursor.lastrowid or 0)
            self.waits.entered(file)
        return Item(file, route, name, digest, state, temp, held, request, subsidy)

    def number_after(self, file: int) -> None:
        """The numbers of files begin beyond `file`; for a ledger that has none yet."""
        with self.writing() as db:
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('files', ?)", (file,))

    def attempt(self, item: Item, temp: str) -> bool:
        """Another attempt under a new temporary name; the name is durable before the file exists.

        False: the item is no longer `seen` (the watcher replaced it meanwhile), and nothing was begun.
        """
        with self.writing() as db:
            _abandon(db, item)
            cursor = db.execute("UPDATE files SET temp = ? WHERE id = ? AND state = 'seen'", (temp, item.id))
            return cursor.rowcount > 0

    def stage(self, item: Item) -> bool:
        """The copy under the item's temporary name is whole and may be renamed. False as for `attempt`: the watcher
        replaced the item meanwhile, and the copy is to be swept.
        """
        where = "id = ? AND state = 'seen' AND temp = ?"
        return self.write(f"UPDATE files SET state = 'staged', reason = '' WHERE {where}", item.id, item.temp) > 0  # noqa: S608 - this method's text

    def begin_move(self, item: Item, *, tried: bool) -> bool:
        """The file itself is going to be renamed. False as for `attempt`.

        `tried`: there was an attempt by copy; it is abandoned.
        """
        with self.writing() as db:
            if tried:
                _abandon(db, item)
            cursor = db.execute(
                "UPDATE files SET temp = '', state = 'staged' WHERE id = ? AND state = 'seen'", (item.id,)
            )
            return cursor.rowcount > 0

    def set_state(self, item: Item, state: State, reason: str = "", *, abandon: bool | None = None) -> None:
        """`abandon`: the temporary file is to be swept; None: it is if `state` is held, lost or replaced.

        `done` is not synced: after a power cut the file is published once more to be deleted, and is gone already.
        """
        done_at = "" if state in OPEN_STATES else _now()
        with self.writing(synced=state != "done") as db:
            db.execute(
                "UPDATE files SET state = ?, reason = ?, done_at = ? WHERE id = ?", (state, reason, done_at, item.id)
            )
            if state in ("held", "lost", "replaced") if abandon is None else abandon:
                _abandon(db, item)
                db.execute("UPDATE files SET temp = '' WHERE id = ?", (item.id,))

    def replace_unsent(self, item: Item) -> bool:
        """Other content came under this item's name. True if nothing of the item had been sent: it is now replaced.

        Its copy may be under way just now. It is swept: `stage` will not let it go on.
        """
        where = (
            "id = ? AND (state = 'seen'"
            " OR state = 'held' AND temp = '' AND reason IN ('other_content', 'destination_differs'))"
        )
        with self.writing() as db:
            db.execute(
                f"INSERT OR IGNORE INTO temps (name, route) SELECT temp, route FROM files WHERE temp <> '' AND {where}",  # noqa: S608 - this method's text
                (item.id,),
            )
            cursor = db.execute(
                f"UPDATE files SET state = 'replaced', temp = '', done_at = ? WHERE {where}",  # noqa: S608 - as above
                (_now(), item.id),
            )
            return cursor.rowcount > 0

    def set_spelling(self, item: Item, name: str) -> None:
        """A finished file came back under a name that differs in case: its name is now that one."""
        self.write("UPDATE files SET name = ? WHERE id = ?", name, item.id)

    def set_subsidy(self, item: Item, subsidy: Subsidy) -> None:
        self.write("UPDATE files SET subsidy = ? WHERE id = ?", subsidy, item.id)

    def abandoned_temps(self, route: RouteName) -> list[str]:
        return [row[0] for row in self.rows("SELECT name FROM temps WHERE route = ?", route)]

    def knows_temp(self, name: str) -> bool:
        """Whether a temporary name is this kiosk's, whichever route made it."""
        [(known,)] = self.rows(
            "SELECT EXISTS (SELECT 1 FROM files WHERE temp = ? AND temp <> '')"
            " OR EXISTS (SELECT 1 FROM temps WHERE name = ?)",
            name,
            name,
        )
        return bool(known)

    def forget_temps(self, names: list[str]) -> None:
        if names:
            with self.writing() as db:
                db.executemany("DELETE FROM temps WHERE name = ?", [(name,) for name in names])

    def raise_alarm(self, code: str, subject: str) -> bool:
        """True if it was not raised already. At most ALARMS_MAX of one code: more would help nobody."""
        raised = self.write(
            "INSERT OR IGNORE INTO alarms (code, subject, since) SELECT ?, ?, ?"
            " WHERE (SELECT count(*) FROM alarms WHERE code = ?) < ?",
            *(code, subject, _now(), code, ALARMS_MAX),
        )
        return raised > 0

    def clear_alarm(self, code: str, subject: str) -> None:
        if self.rows("SELECT 1 FROM alarms WHERE code = ? AND subject = ?", code, subject):  # else nothing is written
            self.write("DELETE FROM alarms WHERE code = ? AND subject = ?", code, subject)

    def alarms(self) -> list[tuple[str, str, str]]:
        """(code, subject, since UTC), oldest first."""
        return self.rows("SELECT code, subject, since FROM alarms ORDER BY since")

    def prune(self, days: int) -> None:
        """Delete files finished more than `days` ago; names never repeat, and the table must not grow for ever.

        The newest KEEP_FILES stay whatever the clock says: one that jumped a year ahead must not delete what was sent
        yesterday.
        """
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
        self.write(
            "DELETE FROM files WHERE state IN ('done', 'lost', 'replaced') AND done_at < ? AND done_at <> ''"
            " AND id <= (SELECT max(id) FROM files) - ?",
            before,
            KEEP_FILES,
        )


def was_sent(history: list[Item], item: Item) -> bool:
    """Whether the receipt computer has got, or is about to get, a file of this name other than `item`."""
    others = [each for each in history if each.id != item.id]
    return any(each.state not in ("lost", "replaced") and each.reason != "other_content" for each in others)


def open_ledger(path: Path, log: EventLog) -> Ledger:
    """Open the ledger at `path`; one that is broken is put aside, and staff are alarmed: delivery must go on.

    A new ledger is never there without its alarm, as what it does not know may be delivered twice: it is completed
    beside the old one, which stays in its place until then, also on a full disk or if the process is killed in between.
    Raises sqlite3.OperationalError, LedgerLost.
    """
    new = path.with_name(f"{path.name}.new")
    if not path.exists() and new.exists():
        _replace(path, new)  # a process that was killed had come as far as this
    try:
        return Ledger(path)
    except sqlite3.OperationalError:
        raise  # locked, full, no permission: nothing is broken
    except (DatabaseUnusable, sqlite3.DatabaseError):
        pass
    aside = _aside(path)
    for suffix in _PARTS:
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    ledger = Ledger(new)
    ledger.raise_alarm("journal_lost", aside.name)
    # By the clock: what the desk has under a number must not meet another file of that number.
    ledger.number_after(int(time.time()))
    ledger.close()
    path.rename(aside)
    _replace(path, new)
    log.write("journal_lost", what=aside.name)
    return Ledger(path)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken-{int(time.time())}")


def _replace(path: Path, new: Path) -> None:
    """`new` takes the place of `path`. A -wal or -shm that is left belongs to the broken one; SQLite would apply it."""
    aside = _aside(path)
    for suffix in _PARTS[1:]:
        left = path.with_name(path.name + suffix)
        if left.exists():
            left.rename(aside.with_name(aside.name + suffix))
    new.rename(path)
