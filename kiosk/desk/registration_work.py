"""Registering reference numbers (照会番号): staff's acts, and the thread that puts requests and reads answers.

An act only stores; `advance`, called by one thread again and again, does what takes the network. Must never send a
request twice, take an answer for another request's, or change a file that it did not make.
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from drivers.share import Busy, Missing, Share, ShareError
from kiosk.desk.outgoing import Sender
from kiosk.desk.patients import Patients
from kiosk.desk.registration import (
    Candidate,
    Confirmation,
    Found,
    NotOffered,
    Refused,
    Registration,
    candidate,
    why_not,
    why_unconfirmed,
)
from kiosk.desk.registration_store import RegistrationStore, Sent
from kiosk.results.registrations import ANSWER_MAX_BYTES, Answer, answer_file, is_number, read_answer, request_file
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.words.problems import Problem

# A file that is no whole document for so long will not become one.
INCOMPLETE_S: Final = 10.0
_LOOK_MIN_S: Final = 1.0
_LOOK_MAX_S: Final = 300.0
_REFRESH_S: Final = 10.0

# EventLog.write: an event's id and its fields.
Report = Callable[..., None]


@dataclass(frozen=True)
class Folders:
    """Where requests are put, and where their answers are looked for (only read)."""

    requests: Share
    answers: Share


@dataclass
class _Look:
    """When an answer is looked for next, and since when what lies there is no whole document (monotonic seconds)."""

    due: float = 0.0
    raw: bytes = field(default=b"", repr=False)
    since: float = 0.0


class Registrations:
    """Acts from any thread; `advance` from one. `folders`: None, then nothing is offered.

    `clock`: the site's aware local time. `monotonic`: seconds. `patients`: None, then the birth date must be typed.
    """

    def __init__(
        self,
        store: RegistrationStore,
        folders: Folders | None,
        numbers: ReferenceNumbers,
        patients: Patients | None,
        report: Report,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._folders = folders
        self._numbers = numbers
        self._patients = patients
        self._report = report
        self._clock = clock
        self._monotonic = monotonic
        self._looks: dict[int, _Look] = {}
        self._refreshed = float("-inf")
        self._sender = folders and Sender(
            store.outgoing,
            "requests",
            folders.requests,
            request_file,
            lambda name: _there(folders.answers, answer_file(name)),
            lambda: self._clock().timestamp(),
        )
        self._troubles: dict[str, Problem] = {}

    # Acts --------------------------------------------------------------------------------------------------------

    def why_not(self, found: Found) -> NotOffered | None:
        """Why the result offers no registration; None: it does."""
        return why_not(found) if self._folders else "off"

    def candidate(self, found: Found, number: str) -> Candidate | Refused:
        """Whose number was typed, for the page that asks for confirmation."""
        reason = self.why_not(found)
        if reason:
            return Refused("off" if reason == "off" else "not_offered")
        typed = number.strip()
        if not is_number(typed):
            return Refused("bad_number")
        if self._numbers.refresh() is not None:
            return Refused("table_unusable")
        if self._patients is None:
            return candidate(found, unicodedata.normalize("NFKC", typed), None, self._numbers)
        if not self._patients.usable:
            return Refused("table_unusable")
        patient = self._patients.of_number(typed) or self._patients.of_number(unicodedata.normalize("NFKC", typed))
        return candidate(found, patient.number, patient, self._numbers) if patient else Refused("number_unknown")

    def send(self, found: Found, confirmation: Confirmation, user: str) -> int | Refused:
        """Store what is to be sent; its id. Once: the same insurance again is refused until that one has ended."""
        chosen = self.candidate(found, confirmation.number)
        if isinstance(chosen, Refused):
            return chosen
        reason = why_unconfirmed(found, chosen, confirmation)
        if reason or found.insurance is None:
            return Refused(reason or "not_offered")
        try:
            stored = self._store.add(found, chosen.reference, found.insurance, user, self._clock())
        except sqlite3.Error as error:
            self._store_failed(error)
            return Refused("store")
        return stored if isinstance(stored, int) else Refused(stored)

    def withdraw(self, registration: int) -> Refused | None:
        """Take back what was not sent yet. Whether it came in time, its state says: failed, or sent all the same."""
        return None if self._store.outgoing.stop(registration, "withdrawn") else Refused("not_open")

    def settle(self, registration: int, *, there: bool) -> Refused | None:
        """A person looked at the terminal: the number of an unanswered or unsure one is registered there, or not."""
        now = self._clock()
        found = self._store.of(registration, now)
        if found is None or found.state not in ("unanswered", "unsure"):
            return Refused("not_open")
        ended = self._store.end(registration, "settled", "there" if there else "not_there", found.why, now)
        return None if ended else Refused("not_open")

    def of_day(self, day: date) -> tuple[Registration, ...]:
        """Oldest first."""
        return self._store.of_day(day, self._clock())

    def last_of(self, found: Found, day: date) -> Registration | None:
        """The newest of this visit of that day, if it was for the same insurance."""
        if found.insurance is None:
            return None
        return self._store.last_of(found.visit, found.insurance, day, self._clock())

    def undecided(self) -> tuple[Registration, ...]:
        """Of all days: those that a person must settle."""
        return self._store.undecided(self._clock())

    def forget(self, before: date) -> None:
        """Delete what is older."""
        self._store.forget(before)

    @property
    def troubles(self) -> dict[str, Problem]:
        """What is wrong, by where: requests, answers, patients (the last good table stays in force), store."""
        return dict(self._troubles)

    # The thread --------------------------------------------------------------------------------------------------

    def advance(self) -> bool:
        """Put what waits, read what was answered. True: something changed. Ends within the shares' deadlines."""
        self._refresh_patients()
        if self._folders is None:
            return False
        try:
            changed = self._send()
            changed |= self._read_answers(self._folders.answers)
            self._troubles.pop("store", None)
        except sqlite3.Error as error:
            self._store_failed(error)
            return False
        return changed

    def _refresh_patients(self) -> None:
        if self._patients is None or self._monotonic() - self._refreshed < _REFRESH_S:
            return
        self._refreshed = self._monotonic()
        bad = self._patients.refresh()
        self._set_trouble("patients", bad.problem if bad else None)

    def _send(self) -> bool:
        now = self._clock()
        changed = self._store.stop_unsent(f"{now:%Y%m%d}")
        before = {sent.id for sent in self._store.sent()}
        try:
            if self._sender:
                changed |= self._sender.advance()
            self._set_trouble("requests", None)
        except ShareError as error:
            self._set_trouble("requests", Problem("registrations.requests", {"what": str(error)}))
        for sent in self._store.sent():
            if sent.id not in before:
                self._report("registration_sent", visit=sent.visit)
                changed = True
        if self._store.fail_stopped(now):
            self._report("registration_not_sent")
            changed = True
        return changed

    def _read_answers(self, answers: Share) -> bool:
        changed, waiting = False, self._store.sent()
        self._looks = {sent.id: self._looks.get(sent.id, _Look()) for sent in waiting}
        try:
            for sent in waiting:
                if self._looks[sent.id].due <= self._monotonic():
                    changed |= self._look(answers, sent, self._looks[sent.id])
            self._set_trouble("answers", None)
        except ShareError as error:
            self._set_trouble("answers", Problem("registrations.answers", {"what": str(error)}))
        return changed

    def _look(self, answers: Share, sent: Sent, look: _Look) -> bool:
        """Whether the answer is there and ends the registration."""
        age = self._clock().timestamp() - sent.sent_at
        look.due = self._monotonic() + min(max(age / 30, _LOOK_MIN_S), _LOOK_MAX_S)
        try:
            _, raw = answers.fetch(answer_file(sent.file), ANSWER_MAX_BYTES)
        except (Missing, Busy):
            return False
        answer = self._read(sent, raw, look)
        if answer is None:
            return False
        state = "unsure" if answer.verdict not in ("registered", "failed") else answer.verdict
        ended = self._store.end(sent.id, state, answer.code, answer.why, self._clock(), answer.message)
        if ended:
            self._report(f"registration_{state}", visit=sent.visit, **({"code": answer.code} if answer.code else {}))
        return ended

    def _read(self, sent: Sent, raw: bytes | None, look: _Look) -> Answer | None:
        """None: it is not ours, or not whole yet."""
        if sent.request is None:
            return Answer("unsure", "key")
        answer = Answer("incomplete", "too_large") if raw is None else read_answer(raw, sent.request)
        if answer.verdict == "not_ours":
            return None
        if answer.verdict != "incomplete":
            return answer
        if look.raw != (raw or b"") or not look.since:
            look.raw, look.since = raw or b"", self._monotonic()
        return Answer("unsure", answer.why) if self._monotonic() - look.since >= INCOMPLETE_S else None

    def _store_failed(self, error: sqlite3.Error) -> None:
        self._set_trouble("store", Problem("registrations.store", {"what": type(error).__name__}))

    def _set_trouble(self, where: str, problem: Problem | None) -> None:
        if problem is None:
            self._troubles.pop(where, None)
        else:
            self._troubles[where] = problem


def _there(folder: Share, name: str) -> bool:
    """Whether the name is in use. Raises ShareError."""
    return bool(folder.entries(name))
