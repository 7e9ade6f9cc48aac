"""`day.db`: today's visits as they are in memory, sealed, so that the desk can end and begin again.

In memory (tmpfs) it is gone with the power; with `[desk] keep_days` it lies on the disk. Owns the schema. What cannot
be opened or read is left out: a list that lacks a visit is better than no list.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypeVar

from kiosk.desk.visits import Answer, Failed, Visit
from kiosk.process import json_values
from kiosk.process.data_folder import DeskFolder
from kiosk.process.database import open_or_begin, remove
from kiosk.process.sealing import Seals, Unsealable
from kiosk.results.documents import Unreadable
from kiosk.results.subsidies import Subsidies
from kiosk.words.problems import Problem

T = TypeVar("T")
# A result in its feed: number and moment, see `feed.Result`.
Taken = tuple[int, datetime]
_MIGRATIONS: Final = (
    """
    CREATE TABLE visit (day TEXT NOT NULL, seq INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (day, seq));
    CREATE TABLE answer (day TEXT NOT NULL, request TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (day, request));
    CREATE TABLE file (day TEXT NOT NULL, id INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (day, id, at));
    """,
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of a visit's history. `act`: of `people.roles.Act` by value, or `tap`; `by`: a user, "" the program."""

    at: datetime
    act: str
    by: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit with what the desk knows of it beside its taps.

    `patient`: the number of the card, "" where it is not known. `file`: the number of its last result in the feed.
    `printed`: `pages.Printed` by value; `print_problem`: why not. `registered_here`: the line of the
    register (see `lines.line_of`) that this desk has made.
    """

    visit: Visit
    patient: str = field(repr=False, default="")
    file: int = 0
    printed: str = "no"
    print_problem: Problem | None = None
    registered_here: int | None = None
    history: tuple[Noted, ...] = ()


@dataclass(frozen=True)
class _Answered:
    """An `Answer` of which the kind is known: exactly one, or none for an error file."""

    subsidies: Subsidies | None = field(repr=False, default=None)
    unreadable: Unreadable | None = None


def open_day_store(folder: DeskFolder, seals: Seals, keep_days: int) -> DayStore:
    """The store where [desk] `keep_days` wants it. Raises as `DayStore`.

    0: what an earlier site.toml wanted kept on the disk is taken away.
    """
    if keep_days > 0:
        return DayStore(folder.kept_day, seals, durable=True)
    remove(folder.kept_day)
    return DayStore(folder.day, seals, durable=False)


class DayStore:
    """`path`: the SQLite file. Any thread. Raises sqlite3.Error, and at its start OSError and OfNewerVersion."""

    def __init__(self, path: Path, seals: Seals, *, durable: bool) -> None:
        self._seals = seals
        self._db = open_or_begin(path, _MIGRATIONS, seals.identity, durable=durable)

    def close(self) -> None:
        self._db.close()

    def put(self, day: date, entry: Entry, file: Taken | None = None) -> None:
        """Keep `entry` in the place of the one with its `seq`. `file`: the result that was taken with it."""
        with self._db.writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO visit VALUES (?, ?, ?)",
                (day.isoformat(), entry.visit.seq, self._sealed(entry, f"visit {day} {entry.visit.seq}")),
            )
            if file is not None:
                db.execute(
                    "INSERT OR IGNORE INTO file VALUES (?, ?, ?)", (day.isoformat(), file[0], file[1].isoformat())
                )

    def put_answer(self, day: date, request: str, answer: Answer) -> None:
        """What came for a subsidy request."""
        kept = _Answered(
            answer if isinstance(answer, Subsidies) else None, answer if isinstance(answer, Unreadable) else None
        )
        # The name of a request says when and where it was made: only its hash is a name here.
        key = self._seals.value("request", request)
        sealed = self._sealed((request, kept), f"answer {day} {key}")
        self._db.write("INSERT OR REPLACE INTO answer VALUES (?, ?, ?)", day.isoformat(), key, sealed)

    def entries(self, day: date) -> Iterator[Entry]:
        """By `seq`."""
        for seq, sealed in self._db.rows("SELECT seq, sealed FROM visit WHERE day = ? ORDER BY seq", day.isoformat()):
            entry = self._opened(sealed, f"visit {day} {seq}", Entry)
            if entry is not None:
                yield entry

    def answers(self, day: date) -> Iterator[tuple[str, Answer]]:
        """By lower-case request name."""
        for key, sealed in self._db.rows("SELECT request, sealed FROM answer WHERE day = ?", day.isoformat()):
            found = self._opened(sealed, f"answer {day} {key}", tuple[str, _Answered])
            if found is not None:
                request, kept = found
                yield request, kept.subsidies or kept.unreadable or Failed()

    def files(self, day: date) -> frozenset[Taken]:
        """The results that were taken."""
        rows = self._db.rows("SELECT id, at FROM file WHERE day = ?", day.isoformat())
        return frozenset((number, datetime.fromisoformat(at)) for number, at in rows)

    def forget(self, before: date) -> None:
        """Everything of the days before `before`."""
        with self._db.writing() as db:
            for table in ("visit", "answer", "file"):
                db.execute(f"DELETE FROM {table} WHERE day < ?", (before.isoformat(),))  # noqa: S608 - names of ours

    def _sealed(self, value: object, about: str) -> bytes:
        return self._seals.seal(json_values.dump(value), about.encode())

    def _opened(self, sealed: bytes, about: str, kind: type[T]) -> T | None:
        with suppress(Unsealable):
            return json_values.load(self._seals.open(sealed, about.encode()), kind)
        return None
