"""All deliveries together, from the ledger: for `kiosk status`, the alarm command and the start screen.

Reads by a read-only connection of its own, so any process may at any time. The courier puts it into its answers, for
processes that may not read the ledger. Must never write.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kiosk.process.json_values import Count, Number, as_whole

# Delivery takes a second or two; after this staff must know.
OLDEST_MAX_S = 60.0
SEEN_MAX = 5_000
_BUSY_S = 5.0
OldestWait = Callable[[list[int]], float | None]


@dataclass(frozen=True)
class RaisedAlarm:
    """One row of the alarms. `subject`: `file n`, a share's role, or empty; `since`: UTC, ISO 8601."""

    code: str
    subject: str
    since: str
    name: str = field(repr=False)  # of the file, for `kiosk status` only


@dataclass(frozen=True)
class Overview:
    """`waiting`: how many files are not yet delivered; `oldest_s`: for how long the oldest of them, None: none is."""

    waiting: Count
    oldest_s: Number | None
    alarms: tuple[RaisedAlarm, ...]


def _opened(path: Path) -> sqlite3.Connection:
    # SQLite would wait for ever for a FIFO's writer; the folder is the courier's, and root may be reading.
    with suppress(OSError):  # SQLite reports what is wrong then
        if not stat.S_ISREG(path.stat().st_mode):
            raise sqlite3.OperationalError("not a file")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, timeout=_BUSY_S)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        db.close()
        # A courier that has ended leaves no -wal, and a process that may read but not write (root's `kiosk status`)
        # cannot create one. Nobody writes then: the file alone is the whole database.
        cannot_open = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN
        if not cannot_open or path.with_name(f"{path.name}-wal").exists():
            raise
        return sqlite3.connect(f"{uri}&immutable=1", uri=True)
    return db


def age_s(seen_at: str) -> float:
    """By the machine's clock, which may have been set meanwhile; never negative."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(seen_at)).total_seconds())
    except (ValueError, TypeError):  # no time, or one without a zone
        return 0.0


class Waits:
    """For how long files have waited, in monotonic seconds; the ledger's own times are the machine's clock's.

    In memory. The wait of what was open before the courier's start is known by the clock only, which may have been set
    back meanwhile: then it begins with the start. `before`: `seen_at` of the files that were open then. Any thread.
    """

    def __init__(self, before: Mapping[int, str], clock: Callable[[], float]) -> None:
        self.clock = clock
        now = clock()
        self._since = {file: now - age_s(seen_at) for file, seen_at in before.items()}

    def entered(self, file: int) -> None:
        self._since[file] = self.clock()

    def oldest_s(self, files: list[int]) -> float | None:
        """For how long the oldest of them has waited; `files`: all that wait now."""
        now, before = self.clock(), self._since
        since = {file: before.get(file, now) for file in files}
        longest = now - min(since.values()) if since else None
        # What another thread entered in this moment may be lost; then its wait begins with the next call.
        self._since = since
        return longest


def read(path: Path, oldest_s: OldestWait | None = None) -> Overview:
    """Cheap, however many files there have been. `path`: the ledger. Raises sqlite3.Error, also if there is none.

    `oldest_s`: how long these files have waited, as the courier itself knows; else by the machine's clock.
    """
    with closing(_opened(path)) as db:
        waiting = db.execute("SELECT id, seen_at FROM files WHERE state IN ('seen', 'staged', 'held')").fetchall()
        alarms = db.execute(
            "SELECT code, subject, since, coalesce(name, '') FROM alarms LEFT JOIN files"
            " ON subject LIKE 'file %' AND id = CAST(substr(subject, 6) AS INTEGER) ORDER BY since"
        ).fetchall()
    if oldest_s is not None:
        longest = oldest_s([file for file, _ in waiting])
    else:
        longest = max((age_s(seen_at) for _, seen_at in waiting), default=None)
    return Overview(len(waiting), longest, tuple(RaisedAlarm(*row) for row in alarms))


def totals(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """(files of each state, eligibility files of each state of their subsidy). Raises sqlite3.Error."""
    with closing(_opened(path)) as db:
        states = db.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall()
        subsidies = db.execute(
            "SELECT subsidy, count(*) FROM files WHERE route = 'results' GROUP BY subsidy"
        ).fetchall()
    return dict(states), dict(subsidies)


def results_seen(path: Path, since: datetime, until: datetime) -> list[int]:
    """Eligibility files first seen in between (aware), the newest SEEN_MAX, in order of first sight. sqlite3.Error.

    Without those that were never taken for a result: other content under a name that was known already.
    """
    first, last = (at.astimezone(UTC).isoformat(timespec="milliseconds") for at in (since, until))
    with closing(_opened(path)) as db:
        # By number first: however many files there have been, few rows are looked at.
        rows = db.execute(
            "SELECT id FROM files WHERE id > (SELECT max(id) FROM files) - ? AND route = 'results'"
            " AND reason <> 'other_content' AND seen_at >= ? AND seen_at <= ? ORDER BY id DESC LIMIT ?",
            (2 * SEEN_MAX, first, last, SEEN_MAX),
        ).fetchall()
    return [row[0] for row in reversed(rows)]


def to_message(path: Path, oldest_s: OldestWait | None = None) -> dict[str, Any]:
    """All of the above for a message: the fields of Overview, `files` and `subsidies` as in `totals`.

    {"fails": name of the error} for a ledger that cannot be read. At most some 400 kB: alarms are limited.
    """
    try:
        seen, (files, subsidies) = read(path, oldest_s), totals(path)
    except sqlite3.Error as error:
        return {"fails": type(error).__name__}
    return {**asdict(seen), "files": files, "subsidies": subsidies}


def from_message(message: object) -> Overview | None:
    """The Overview in what `to_message` gave; None for a ledger that fails, and for the form of another version."""
    return as_whole(message, Overview)


@dataclass(frozen=True)
class _Share:
    state: str | None  # None: not tried yet
    message: str
    failing_s: Number | None = None


@dataclass(frozen=True)
class _Status:
    """What is read of a courier's `status`; an older courier sends less."""

    shares: Mapping[str, _Share]
    process: Number | None = None
    up_s: Number | None = None
    other_files: Number | None = None
    unfinished: Number | None = None
    oldest_unfinished_s: Number | None = None


def is_status(message: Mapping[str, Any]) -> bool:
    """Whether a courier's `status` has the form that is read here."""
    return as_whole(message, _Status) is not None


def longest_wait_s(overview: Overview, oldest_unfinished_s: float | None) -> float | None:
    """Including the files that are sighted but not yet complete, and so not in the ledger; None: none waits."""
    waits = [each for each in (overview.oldest_s, oldest_unfinished_s) if each is not None]
    return max(waits, default=None)
