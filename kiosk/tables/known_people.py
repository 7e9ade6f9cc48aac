"""What each patient's eligibility was when staff last looked: hashes, by a keyed hash of the number.

What was accepted stays until staff accept another: a change that nobody has looked at is one at the next visit too.
Who compares need not be who settles: the courier compares where the file is read, the desk settles by a change's mark.

Owns who is known and which changes wait for staff. Must never hold a number or a value as it was read, or take a change
for accepted because it was seen. What a power cut undoes is asked of staff once more: nobody waits for the disk here.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from kiosk.process.database import open_or_begin, was_put_aside
from kiosk.process.retention import kept_from
from kiosk.process.sealing import Seals
from kiosk.results.changes import EligibilityChange, Hash, Prints, compare, prints_of
from kiosk.results.records import Confirmation

KEEP_DAYS: Final = 400  # after the last visit; by then everybody with a chronic disease has been there
KEEP_MONTHS: Final = 16  # KEEP_DAYS touch 15 at most
PENDING_DAYS: Final = 7
# See `Database`.
MIGRATIONS: Final = (
    """
    CREATE TABLE known (person TEXT PRIMARY KEY, prints TEXT NOT NULL, last_day TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending (file INTEGER PRIMARY KEY, person TEXT NOT NULL, prints TEXT NOT NULL, day TEXT NOT NULL);
    CREATE INDEX pending_by_day ON pending (day);
    """,
    # The version before settles by the number of a file, in `pending`: what waits there is asked of staff once more.
    """
    CREATE TABLE change (                       -- in order of their last sight
        mark TEXT NOT NULL UNIQUE, person TEXT NOT NULL, prints TEXT NOT NULL, day TEXT NOT NULL
    );
    CREATE INDEX change_by_day ON change (day);
    """,
)


class KnownPeople:
    """`path`: the SQLite file, made when it is missing; one that is damaged, or of another secret, is put aside.

    Any thread. `number`: a patient number, never empty. `learns_first`: who is seen for the first time need not be
    settled. Raises sqlite3.Error, and at its start OSError and
    OfNewerVersion.
    """

    def __init__(self, path: Path, seals: Seals, *, learns_first: bool = True) -> None:
        self._path, self._seals, self._learns_first = path, seals, learns_first
        self._db = open_or_begin(path, MIGRATIONS, seals.identity, durable=False)

    def close(self) -> None:
        self._db.close()

    @property
    def was_put_aside(self) -> bool:
        """Whether what was known before could not be used, within a day."""
        return was_put_aside(self._path)

    def compare(self, number: str, confirmation: Confirmation, day: date, file: str = "") -> EligibilityChange:
        """What is new of the patient. What need not be settled is known from now on; else `settle` does it.

        By the mark: it stands for whose change it is and what it says, and so is no other patient's, ever. `file`: what
        names the file and its content; after a kill it is compared once more, and its patient is still seen first.
        """
        person, now = self._seals.person(number), prints_of(confirmation, self.hashed(number))
        seen = self._seals.value("first", person, file)  # in `change`, and never handed out
        if file and self._db.rows("SELECT 1 FROM change WHERE mark = ?", seen):
            return compare(now, None)
        change = compare(now, self._prints(person))
        with self._db.writing() as db:
            if change.learn is not None and (self._learns_first or change.key != "first"):
                _know(db, person, _text(change.learn), day)
                if file and change.key == "first":
                    row = (seen, person, _text(change.learn), day.isoformat())
                    db.execute("INSERT OR REPLACE INTO change VALUES (?, ?, ?, ?)", row)
                return change
            prints = _text(change.now)
            mark = self._seals.value("change", person, prints)
            db.execute("INSERT OR REPLACE INTO change VALUES (?, ?, ?, ?)", (mark, person, prints, day.isoformat()))
        return replace(change, mark=mark)

    def settle(self, mark: str) -> bool:
        """Staff have looked at the change of this mark. False: there is none, or it was settled before."""
        with self._db.writing() as db:
            row = db.execute("SELECT rowid, person, prints, day FROM change WHERE mark = ?", (mark,)).fetchone()
            if row is None:
                return False
            order, person, prints, day = row
            _know(db, person, prints, date.fromisoformat(day))
            # An older change of the same patient is settled with it; a newer one is still open.
            db.execute("DELETE FROM change WHERE person = ? AND rowid <= ?", (person, order))
            return True

    def hashed(self, number: str) -> Hash:
        """Keyed hashes of this patient's values: equal values of two patients have nothing in common."""
        return partial(self._seals.value, self._seals.person(number))

    def prints(self, number: str) -> Prints | None:
        """None: never seen before."""
        return self._prints(self._seals.person(number))

    def know(self, number: str, prints: Prints, day: date) -> None:
        """From now on a result is compared with `prints`."""
        with self._db.writing() as db:
            _know(db, self._seals.person(number), _text(prints), day)

    def forget(self, today: date) -> None:
        """Who has not come for KEEP_DAYS nor in the newest KEEP_MONTHS, and changes that nobody settled."""
        before = (today - timedelta(KEEP_DAYS)).isoformat()
        with self._db.writing() as db:
            before = min(before, kept_from(db, "known", "last_day", KEEP_MONTHS))
            db.execute("DELETE FROM known WHERE last_day < ?", (before,))
            unsettled = (today - timedelta(PENDING_DAYS)).isoformat()
            db.execute("DELETE FROM change WHERE day < ?", (unsettled,))
            db.execute("DELETE FROM pending WHERE day < ?", (unsettled,))

    def _prints(self, person: str) -> Prints | None:
        rows = self._db.rows("SELECT prints FROM known WHERE person = ?", person)
        if not rows:
            return None
        keys, fields = json.loads(rows[0][0])
        return Prints(frozenset(keys), fields)


def _text(prints: Prints) -> str:
    return json.dumps([sorted(prints.keys), dict(prints.fields)])


def _know(db: sqlite3.Connection, person: str, prints: str, day: date) -> None:
    db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", (person, prints, day.isoformat()))
