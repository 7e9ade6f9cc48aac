"""What the ledger says of all deliveries together: for `kiosk status`, the alarm command and the start screen.

Reads only, by a connection of its own, so any process may ask at any time. Must never write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

LEDGER = "courier.db"
# Delivery takes a second or two; after this staff must know.
OLDEST_MAX_S = 60.0
_BUSY_S = 5.0


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

    waiting: int
    oldest_s: float | None
    alarms: tuple[RaisedAlarm, ...]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as db:
        yield db


def read(path: Path) -> Overview:
    """Cheap, however many files there have been. `path`: the ledger. Raises sqlite3.Error, also if there is none."""
    with _reading(path) as db:
        waiting, oldest = db.execute(
            "SELECT count(*), min(seen_at) FROM files WHERE state IN ('seen', 'staged', 'held')"
        ).fetchone()
        alarms = db.execute(
            "SELECT code, subject, since, coalesce(name, '') FROM alarms LEFT JOIN files"
            " ON subject LIKE 'file %' AND id = CAST(substr(subject, 6) AS INTEGER) ORDER BY since"
        ).fetchall()
    oldest_s = (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds() if oldest else None
    return Overview(waiting, oldest_s, tuple(RaisedAlarm(*row) for row in alarms))


def totals(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """(files of each state, eligibility files of each state of their subsidy). Raises sqlite3.Error."""
    with _reading(path) as db:
        states = db.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall()
        subsidies = db.execute(
            "SELECT subsidy, count(*) FROM files WHERE route = 'results' GROUP BY subsidy"
        ).fetchall()
    return dict(states), dict(subsidies)


def longest_wait_s(overview: Overview, oldest_unfinished_s: float | None) -> float | None:
    """With the files that the courier sees but that are not yet whole, and so not in the ledger; None: none waits."""
    waits = [each for each in (overview.oldest_s, oldest_unfinished_s) if each is not None]
    return max(waits, default=None)
