"""The rows of registrations: their durable states, and the rule that one insurance has one open request.

A registration and its file are stored in one transaction. Patients' values are sealed; without `keep_values` they are
forgotten once the request has ended.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from uuid import uuid4

from kiosk.desk.outgoing import OutgoingFiles
from kiosk.desk.registration import Found, Refusal, Registration, State
from kiosk.desk.today import ENDS_AT_H
from kiosk.process.database import Database
from kiosk.process.sealing import Seals, Unsealable
from kiosk.results.registrations import Insurance, Request, request_file, to_bytes

UNANSWERED_AFTER_S: Final = 30.0
Ended = Literal["registered", "failed", "unsure", "settled"]
_QUERY = """SELECT r.id, o.day, o.number, o.state, o.put_at, r.visit, r.user, r.asked_at, r.ended_at, r.identifier,
    r.state, r.code, r.why, r.details FROM registrations r JOIN outgoing o ON o.id = r.id """


@dataclass(frozen=True)
class Sent:
    """A registration that is on its way or at the terminal. `request`: None when its values cannot be opened."""

    id: int
    visit: int
    sent_at: float  # seconds since the epoch
    file: str
    request: Request | None = field(repr=False)


class RegistrationStore:
    """Any thread. `keep_values`: see the module."""

    def __init__(self, file: Database, seals: Seals, *, keep_values: bool) -> None:
        self.file = file
        self.outgoing = OutgoingFiles(file, seals)
        self._seals = seals
        self._keep_values = keep_values

    def add(self, found: Found, number: str, insurance: Insurance, user: str, now: datetime) -> int | Refusal:
        """Store the intent. The id, or why not: nothing was stored then. Raises sqlite3.Error."""
        day = f"{now:%Y%m%d}"
        identifier = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}-{uuid4().hex[:8]}"
        hashes = (self._hashed(insurance), self._seals.value("reference number", number))
        request = Request(request_file(day, 1), found.institution or "", identifier, number, insurance)
        details = {
            "institution": request.institution, "number": number, "insurance": asdict(insurance),
            "name": found.name, "kana": found.kana, "birth": found.birth, "message": "",
        }  # fmt: skip
        with self.file.writing() as db:
            query = """SELECT r.state, r.insurance = ?, o.day = ? FROM registrations r JOIN outgoing o ON o.id = r.id
                WHERE (r.insurance = ? OR r.number = ?) AND r.state <> 'failed'
                AND NOT (r.state = 'settled' AND r.code = 'not_there')"""
            for state, same_insurance, today in db.execute(query, (hashes[0], day, *hashes)):
                if state in ("open", "unsure") or (same_insurance and today):
                    return "already_sent"
                if today:
                    return "number_used_today"
            try:
                file = self.outgoing.store(db, "requests", day, to_bytes(request))
            except ValueError:
                return "store"
            db.execute(
                "INSERT INTO registrations (id, visit, user, asked_at, identifier, insurance, number, state, details)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?)",
                (file, found.visit, user, now.timestamp(), identifier, *hashes, self._sealed(details, identifier)),
            )
        return file

    def fail_stopped(self, now: datetime) -> bool:
        """What was stopped before it was sent has failed."""
        changed = self.file.write(
            "UPDATE registrations SET state = 'failed', ended_at = ?, code = (SELECT stop FROM outgoing o"
            " WHERE o.id = registrations.id), details = CASE ? WHEN 1 THEN details ELSE x'' END"
            " WHERE state = 'open' AND id IN (SELECT id FROM outgoing WHERE state = 'stopped')",
            now.timestamp(),
            self._keep_values,
        )
        return changed > 0

    def stop_unsent(self, before: str) -> bool:
        """Requests of days before `before` (yyyyMMdd) are not wanted any more: their insurance was another day's."""
        changed = self.file.write(
            "UPDATE outgoing SET stop = 'day_ended' WHERE state IN ('stored', 'prepared') AND stop = ''"
            " AND series = 'requests' AND day < ?",
            before,
        )
        return changed > 0

    def sent(self) -> list[Sent]:
        """What waits for an answer, oldest first."""
        rows = self.file.rows(_QUERY + "WHERE r.state = 'open' AND o.state = 'put' ORDER BY r.id")
        return [self._sent(row) for row in rows]

    def _sent(self, row: tuple[Any, ...]) -> Sent:
        file, identifier, details = request_file(row[1], row[2]), row[9], self._opened(row[13], row[9])
        request = None
        if details:
            insurance = Insurance(**details["insurance"])
            request = Request(file, details["institution"], identifier, details["number"], insurance)
        return Sent(row[0], row[5], row[4], file, request)

    def end(self, registration: int, state: Ended, code: str, why: str, now: datetime, message: str = "") -> bool:
        """An answer, or a person's word. False: it had ended before, or was never sent."""
        where = "WHERE r.id = ? AND r.state IN ('open', 'unsure') AND o.state = 'put'"
        rows = self.file.rows(_QUERY + where, registration)
        if not rows:
            return False
        identifier, kept = rows[0][9], rows[0][13]
        details = self._opened(kept, identifier)
        if not self._keep_values and state != "unsure":
            kept = b""
        elif details and message:
            kept = self._sealed({**details, "message": message}, identifier)
        changed = self.file.write(
            "UPDATE registrations SET state = ?, code = ?, why = ?, ended_at = ?, details = ? WHERE id = ?"
            " AND state IN ('open', 'unsure')",
            state,
            code,
            why,
            now.timestamp(),
            kept,
            registration,
        )
        return changed > 0

    def of_day(self, day: date, now: datetime) -> tuple[Registration, ...]:
        """Oldest first. The desk's day: from 04:00 on, in the zone of `now`."""
        rows = self.file.rows(_QUERY + "WHERE r.asked_at >= ? AND r.asked_at < ? ORDER BY r.id", *_hours(day, now))
        return tuple(self._registration(row, now) for row in rows)

    def last_of(self, visit: int, insurance: Insurance, day: date, now: datetime) -> Registration | None:
        """The newest of a visit of that day with this insurance: numbers of visits begin again where a day is lost."""
        where = "WHERE r.asked_at >= ? AND r.asked_at < ? AND r.visit = ? AND r.insurance = ? ORDER BY r.id DESC"
        rows = self.file.rows(_QUERY + where, *_hours(day, now), visit, self._hashed(insurance))
        return self._registration(rows[0], now) if rows else None

    def _hashed(self, insurance: Insurance) -> str:
        # However wide it was written this time: it is the same insurance.
        written = [unicodedata.normalize("NFKC", value or "") for value in asdict(insurance).values()]
        return self._seals.value("insurance", *written)

    def undecided(self, now: datetime) -> tuple[Registration, ...]:
        """Of all days, oldest first: those that a person must settle (unanswered, unsure)."""
        rows = self.file.rows(_QUERY + "WHERE r.state IN ('open', 'unsure') AND o.state = 'put' ORDER BY r.id")
        found = (self._registration(row, now) for row in rows)
        return tuple(each for each in found if each.state in ("unanswered", "unsure"))

    def of(self, registration: int, now: datetime) -> Registration | None:
        rows = self.file.rows(_QUERY + "WHERE r.id = ?", registration)
        return self._registration(rows[0], now) if rows else None

    def forget(self, before: date) -> None:
        """Delete what was asked before that day, whatever became of it; but not all that there is: a clock that is
        years ahead must not have a request sent a second time.
        """
        day = f"{before:%Y%m%d}"
        with self.file.writing() as db:
            if db.execute("SELECT max(day) < ? FROM outgoing WHERE series = 'requests'", (day,)).fetchone()[0]:
                return
            db.execute("DELETE FROM registrations WHERE id IN (SELECT id FROM outgoing WHERE day < ?)", (day,))
            db.execute("DELETE FROM outgoing WHERE day < ? AND series = 'requests'", (day,))

    def _registration(self, row: tuple[Any, ...], now: datetime) -> Registration:
        (number, day, of_day, file_state, put_at, visit, user, asked, ended, identifier, state, code, why, sealed) = row
        details = self._opened(sealed, identifier) or {}

        def at(seconds: float | None) -> datetime | None:
            return None if seconds is None else datetime.fromtimestamp(seconds, now.tzinfo)

        return Registration(
            id=number,
            visit=visit,
            state=_state(state, file_state, put_at, now),
            file=request_file(day, of_day),
            code=code,
            why=why,
            user=user,
            asked=datetime.fromtimestamp(asked, now.tzinfo),
            sent=at(put_at),
            ended=at(ended),
            number=details.get("number", ""),
            name=details.get("name", ""),
            kana=details.get("kana", ""),
            birth=details.get("birth", ""),
            message=details.get("message", ""),
        )

    def _sealed(self, details: dict[str, Any], identifier: str) -> bytes:
        return self._seals.seal(json.dumps(details).encode(), identifier.encode())

    def _opened(self, sealed: bytes, identifier: str) -> dict[str, Any] | None:
        """None: nothing was kept, or it was sealed with another key."""
        if not sealed:
            return None
        try:
            details: dict[str, Any] = json.loads(self._seals.open(sealed, identifier.encode()))
        except Unsealable:
            return None
        return details


def _hours(day: date, now: datetime) -> tuple[float, float]:
    """The desk's day as seconds since the epoch."""
    begins = datetime.combine(day, time(ENDS_AT_H), now.tzinfo)
    return begins.timestamp(), (begins + timedelta(days=1)).timestamp()


def _state(state: str, file_state: str, put_at: float | None, now: datetime) -> State:
    if state != "open":
        return state  # type: ignore[return-value]  # the table has no others
    if file_state != "put":
        return "prepared" if file_state == "prepared" else "intended"
    return "unanswered" if put_at is None or now.timestamp() - put_at > UNANSWERED_AFTER_S else "waiting"
