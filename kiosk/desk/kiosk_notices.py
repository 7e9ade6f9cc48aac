"""What the kiosk beside the desk has for staff: patients whom it could not register, and a call for staff.

Asked of the process that has the reservations, which has the kiosk's files too, whether or not its database works. Who
has arrived meanwhile is not named any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Final, Protocol

from drivers.reservations import Entry, ReservationsDown, Unsettled
from kiosk.desk.acts import Done, Outcome, Outdated, Refused
from kiosk.process import json_values
from kiosk.process.staff_call import CODES, Call, Code
from kiosk.words.problems import Problem

ASK: Final = "kiosk"
SERVED: Final = "served"


class Asked(Protocol):
    """Whoever passes on questions that are not of the reservations."""

    @property
    def other(self) -> Callable[..., Any]:
        """`other(ask, **parameters)`: the answer. Raises ReservationsDown."""


@dataclass(frozen=True)
class Waiting:
    """A patient whom the kiosk could not register. `line`: in its list of the day. `code`: on the patient's slip.

    `patient`: the number of the card, "" where it is not known. `reference`: of who came by マイナンバーカード.
    """

    line: int
    at: datetime
    code: str
    patient: str = field(repr=False)
    reference: str = field(repr=False)


@dataclass(frozen=True)
class _Line:
    """Of the list, as it is answered. `at`: HH:MM. `way`: `mynumber` (`number` is a reference number) or other."""

    line: int = 0
    at: str = ""
    way: str = ""
    number: str = field(repr=False, default="")
    code: str = ""


@dataclass(frozen=True)
class _Notices:
    """`unserved` None: the list cannot be read."""

    unserved: tuple[_Line, ...] | None = field(default=None, repr=False)
    call: Call | None = None


class KioskNotices:
    """Any thread. `patient_of`: the number of a card by reference number. `clock`: the site's time."""

    def __init__(self, asked: Asked, patient_of: Callable[[str], str], clock: Callable[[], datetime]) -> None:
        self._asked, self._patient_of, self._clock = asked, patient_of, clock
        self._lock = threading.Lock()
        self._waiting: tuple[Waiting, ...] = ()
        self._call: Call | None = None
        self._reached = True

    def refresh(self) -> bool:
        """Ask; whether it is anything else than before. Waits for the other process."""
        found = _Notices(call=self._call)
        with suppress(ReservationsDown):
            answer = self._asked.other(ASK)
            found = json_values.from_parts(answer if isinstance(answer, dict) else {}, _Notices)
        with self._lock:
            before = self._waiting, self._call, self._reached
            if found.unserved is not None:
                self._waiting = tuple(map(self._waits, found.unserved))
            self._call, self._reached = found.call, found.unserved is not None
            return before != (self._waiting, self._call, self._reached)

    @property
    def reached(self) -> bool:
        """Whether the kiosk's list could be read when it was asked for last."""
        with self._lock:
            return self._reached

    def unserved(self, entries: Iterable[Entry] | None, unsettled: Iterable[Unsettled] = ()) -> tuple[Waiting, ...]:
        """Of today, oldest first, as it was last known; without those who are in the register `entries` by now, and
        those of whom an order is `unsettled`, as long as it is: that says more of them.
        """
        arrived = {each.patient_number for each in entries or () if each.cancelled is None}
        arrived |= {each.order.patient_number for each in unsettled}
        today = self._clock().date()
        with self._lock:
            waiting = self._waiting
        return tuple(each for each in waiting if each.at.date() == today and each.patient not in arrived)

    def of_patient(self, patient: str) -> tuple[Waiting, ...]:
        """All of today of this patient."""
        return tuple(each for each in self.unserved(()) if each.patient == patient)

    def serve(self, line: int, code: str) -> Outcome:
        """Staff have taken care of the patient in this line, whose slip has this code. Waits for the other process."""
        try:
            answer = str(self._asked.other(SERVED, line=line, code=code))
        except ReservationsDown:
            return Refused(Problem("not_done.kiosk"))
        return {"done": Done(), "already": Done(already=True)}.get(answer, Outdated())

    @property
    def call(self) -> tuple[Code, str, datetime] | None:
        """Why, by which kiosk and when staff were called; None: not lately."""
        with self._lock:
            call, now = self._call, self._clock()
        if call is None or not call.holds(now.timestamp()):
            return None
        code = next(each for each in CODES if each == call.code)
        return code, call.kiosk, datetime.fromtimestamp(call.at, now.tzinfo)

    def _waits(self, each: _Line) -> Waiting:
        at = time()
        with suppress(ValueError):  # of another version: it waits since the morning
            at = time.fromisoformat(each.at)
        reference = each.number if each.way == "mynumber" else ""
        patient = self._patient_of(reference) if reference else each.number
        now = self._clock()
        moment = datetime.combine(now.date(), at.replace(tzinfo=None), now.tzinfo)
        return Waiting(each.line, moment, each.code, patient, reference)


def waiting_since(
    visits: datetime | None, unserved: Iterable[Waiting], unsettled: Iterable[Unsettled]
) -> datetime | None:
    """Since when the oldest of all waits for a person; None: nobody does. `visits`: since when visits wait."""
    all_of_them = (visits, *(one.at for one in unserved), *(one.since for one in unsettled))
    return min((each for each in all_of_them if each is not None), default=None)
