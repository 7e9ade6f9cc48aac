"""What each patient's eligibility was when staff last looked: hashes, by a keyed hash of the number.

What was accepted stays until staff accept another: a change that nobody has looked at is one at the next visit too.
Who compares need not be who settles: the courier compares where the file is read, the desk settles by its number.

Owns who is known and which changes wait for staff. Must never hold a number or a value as it was read, or take a change
for accepted because it was seen. What a power cut undoes is asked of staff once more: nobody waits for the disk here.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from kiosk.process.database import open_or_begin
from kiosk.process.sealing import Seals
from kiosk.results.changes import EligibilityChange, Hash, Prints, compare, prints_of
from kiosk.results.records import Confirmation

KEEP_DAYS: Final = 400  # after the last visit; by then everybody with a chronic disease has been there
PENDING_DAYS: Final = 7
MIGRATIONS: Final = (
    """
    CREATE TABLE known (person TEXT PRIMARY KEY, prints TEXT NOT NULL, last_day TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending (file INTEGER PRIMARY KEY, person TEXT NOT NULL, prints TEXT NOT NULL, day TEXT NOT NULL);
    CREATE INDEX pending_by_day ON pending (day);
    """,
)


class KnownPeople:
    """`path`: the SQLite file, made when it is missing; one that is damaged, or of another secret, is put aside.

    `was_put_aside`: that happened, now or within a day. Any thread. `number`: a patient number, never empty. `file`:
    the number of the result file that says so. `learns_first`: who is seen for the first time need not be settled. Raises sqlite3.Error, and at its start OSError and OfNewerVersion.
    """

    def __init__(self, path: Path, seals: Seals, *, learns_first: bool = True) -> None:
        self._seals = seals
        self._learns_first = learns_first
        self._db, self.was_put_aside = open_or_begin(path, MIGRATIONS, seals.identity, durable=False)

    def close(self) -> None:
        self._db.close()

    def compare(self, number: str, confirmation: Confirmation, file: int, day: date) -> EligibilityChange:
        """What is new of the patient. What need not be settled is known from now on; else `settle(file)` does it."""
        person = self._seals.person(number)
        change = compare(prints_of(confirmation, self.hashed(number)), self._prints(person))
        with self._db.writing() as db:
            if change.learn is not None and (self._learns_first or change.key != "first"):
                _know(db, person, _text(change.learn), day)
            else:
                db.execute(
                    "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)",
                    (file, person, _text(change.now), day.isoformat()),
                )
        return change

    def settle(self, file: int) -> bool:
        """Staff have looked at the change that `file` brought. False: there is none, or it was settled before."""
        with self._db.writing() as db:
            row = db.execute("SELECT person, prints, day FROM pending WHERE file = ?", (file,)).fetchone()
            if row is None:
                return False
            _know(db, row[0], row[1], date.fromisoformat(row[2]))
            # An older change of the same patient is settled with it; a newer one is still open.
            db.execute("DELETE FROM pending WHERE person = ? AND file <= ?", (row[0], file))
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
        """Who has not come for KEEP_DAYS, and changes that nobody settled.

        Before the last day on which anybody came: a clock that is years ahead costs nothing.
        """
        with self._db.writing() as db:
            last = db.execute("SELECT max(last_day) FROM known").fetchone()[0]
            today = min(today, date.fromisoformat(last)) if last else today
            db.execute("DELETE FROM known WHERE last_day < ?", ((today - timedelta(KEEP_DAYS)).isoformat(),))
            db.execute("DELETE FROM pending WHERE day < ?", ((today - timedelta(PENDING_DAYS)).isoformat(),))

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
