"""`accepted.db`: the register that staff have accepted, kept. Certificates are sealed, people are keyed hashes.

With one lies its file for a receipt computer until that has a name (`export`), so that both are kept or neither is.

Owns the schema and the retention. Must never end or replace a certificate by itself, and never show one that was sealed
for another patient. Without its secret, or damaged, it is begun anew: everything is a patient's first again, nothing
that a receipt computer holds is lost, and the page says so for a day.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from kiosk.desk.register import Accepted
from kiosk.process import json_values
from kiosk.process.database import Database, open_or_begin, was_put_aside
from kiosk.process.retention import kept_from
from kiosk.process.sealing import Seals, Unsealable
from kiosk.results.changes import Hash, Prints
from kiosk.results.subsidies import Certificate
from kiosk.tables.known_people import KEEP_MONTHS, KnownPeople

KEEP_DAYS: Final = 400  # after the last valid day, or after it was accepted where the certificate has none
# See `Database`.
MIGRATIONS: Final = (
    """
    CREATE TABLE certificate (
        id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, slot TEXT NOT NULL, prints TEXT NOT NULL,
        sealed BLOB,                                            -- NULL: only hashes are kept
        accepted_on TEXT NOT NULL, accepted_by TEXT NOT NULL, last_day TEXT NOT NULL,
        ended_on TEXT NOT NULL DEFAULT '', ended_by TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX certificate_of_person ON certificate (person) WHERE ended_on = '';
    """,
    """
    CREATE TABLE export (
        id INTEGER PRIMARY KEY,
        token TEXT NOT NULL,             -- what the content is sealed about
        content BLOB NOT NULL
    );
    """,
)


class SealedRegister:
    """A `Register`. `keep_values` False: of a certificate only hashes are kept. Any thread.

    Raises sqlite3.Error, and at its start OSError and OfNewerVersion.
    """

    def __init__(
        self, file: Path, seals: Seals, known: KnownPeople, *, keep_values: bool, today: Callable[[], date]
    ) -> None:
        self._seals, self._known, self._keeps_values, self._today = seals, known, keep_values, today
        self._path = file
        self._db = open_or_begin(file, MIGRATIONS, seals.identity)

    def close(self) -> None:
        self._db.close()

    @property
    def file(self) -> Database:
        """For what is to be kept together with a certificate."""
        return self._db

    @property
    def was_put_aside(self) -> bool:
        """Whether what was accepted before could not be used, within a day."""
        return was_put_aside(self._path)

    def hashed(self, number: str) -> Hash:
        """See Register."""
        return self._known.hashed(number)

    def known(self, number: str) -> Prints | None:
        """See Register."""
        return self._known.prints(number)

    def know(self, number: str, prints: Prints) -> None:
        """See Register."""
        self._known.know(number, prints, self._today())

    def certificates(self, number: str) -> tuple[Accepted, ...]:
        """See Register. One that cannot be opened has its hashes only."""
        query = (
            "SELECT id, slot, prints, sealed, accepted_on FROM certificate"
            " WHERE person = ? AND ended_on = '' ORDER BY id"
        )
        person = self._seals.person(number)
        return tuple(self._kept(person, *row) for row in self._db.rows(query, person))

    def accept(
        self, number: str, accepted: Accepted, by: str = "", also: Callable[[sqlite3.Connection], None] = lambda _: None
    ) -> str:
        """See Register. `by`: a user. `also`: what is kept with it; what it raises undoes both."""
        person, today = self._seals.person(number), self._today()
        prints = json.dumps(dict(accepted.prints))
        certificate = accepted.certificate if self._keeps_values else None
        content = None if certificate is None else json_values.dump(certificate)
        sealed = None if content is None else self._seals.seal(content, _about(person, accepted.slot))
        last_day = _last_day(accepted.certificate, today).isoformat()
        with self._db.writing() as db:
            if accepted.id:
                # The old one stays as ended, for who asks what was registered before.
                _end(db, person, accepted.id, today, by)
            cursor = db.execute(
                "INSERT INTO certificate (person, slot, prints, sealed, accepted_on, accepted_by, last_day)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (person, accepted.slot, prints, sealed, today.isoformat(), by, last_day),
            )
            also(db)
            return str(cursor.lastrowid)

    def end(self, number: str, accepted_id: str, by: str = "", last_day: date | None = None) -> None:
        """See Register. `last_day`: its last valid day, as a person says."""
        with self._db.writing() as db:
            _end(db, self._seals.person(number), accepted_id, self._today(), by, last_day)

    def forget(self) -> None:
        """What ended, or was valid, more than KEEP_DAYS ago, and was accepted before the newest KEEP_MONTHS."""
        before = (self._today() - timedelta(KEEP_DAYS)).isoformat()
        with self._db.writing() as db:
            before = min(before, kept_from(db, "certificate", "accepted_on", KEEP_MONTHS))
            db.execute("DELETE FROM certificate WHERE max(last_day, accepted_on, ended_on) < ?", (before,))
        self._known.forget(self._today())

    def _kept(self, person: str, row: int, slot: str, prints: str, sealed: bytes | None, on: str) -> Accepted:
        certificate = None
        if sealed is not None:
            with suppress(Unsealable):
                certificate = json_values.load(self._seals.open(sealed, _about(person, slot)), Certificate)
        return Accepted(str(row), slot, json.loads(prints), certificate, date.fromisoformat(on))


def _about(person: str, slot: str) -> bytes:
    return f"certificate {person} {slot}".encode()


def _end(db: sqlite3.Connection, person: str, row: str, today: date, by: str, last_day: date | None = None) -> None:
    cursor = db.execute(
        "UPDATE certificate SET ended_on = ?, ended_by = ?, last_day = coalesce(?, last_day)"
        " WHERE id = ? AND person = ? AND ended_on = ''",
        (today.isoformat(), by, last_day.isoformat() if last_day else None, row, person),
    )
    if not cursor.rowcount:
        raise KeyError(row)


def _last_day(certificate: Certificate | None, today: date) -> date:
    """Of its validity; today where it does not say, or says something that is no day."""
    text = certificate.by_role("valid_to") if certificate else ""
    digits = "".join(each for each in text if each.isdecimal())
    with suppress(ValueError):
        return max(today, date.fromisoformat(digits)) if len(digits) == 8 else today
    return today
