"""What the kiosk beside the desk has for staff: patients whom it could not register, and a call for staff.

Asked of the process that has the reservations, when something changed. Who has arrived meanwhile is not named any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

from drivers.reservations import ReservationsDown
from kiosk.desk.pages import Unserved
from kiosk.process import json_values
from kiosk.process.staff_call import CODES, Call, Code

ASK: Final = "kiosk"


class Asked(Protocol):
    """Whoever passes on questions that are not of the reservations."""

    def other(self, ask: str) -> Any:
        """The answer. Raises ReservationsDown."""


@dataclass(frozen=True)
class _Notices:
    unserved: tuple[Unserved, ...] = field(default=(), repr=False)
    call: Call | None = None


class KioskNotices:
    """Any thread. `patient_of`: the number of a card by reference number. `clock`: the site's time."""

    def __init__(self, asked: Asked, patient_of: Callable[[str], str], clock: Callable[[], datetime]) -> None:
        self._asked, self._patient_of, self._clock = asked, patient_of, clock
        self._lock = threading.Lock()
        self._known = _Notices()

    def refresh(self) -> bool:
        """Ask; whether it is anything else than before. Waits for the other process."""
        with suppress(ReservationsDown):
            found = json_values.from_parts(dict(self._asked.other(ASK) or {}), _Notices)
            found = replace(found, unserved=tuple(map(self._by_card, found.unserved)))
            with self._lock:
                changed, self._known = found != self._known, found
            return changed
        return False

    def unserved(self, arrived: AbstractSet[str]) -> tuple[Unserved, ...]:
        """Of today, without those who are in `arrived` by now."""
        with self._lock:
            return tuple(each for each in self._known.unserved if each.number not in arrived)

    @property
    def call(self) -> tuple[Code, str, datetime] | None:
        """Why, by which kiosk and when staff were called; None: not lately."""
        with self._lock:
            call, now = self._known.call, self._clock()
        if call is None or not call.holds(now.timestamp()):
            return None
        code = next(each for each in CODES if each == call.code)
        return code, call.kiosk, datetime.fromtimestamp(call.at, now.tzinfo)

    def _by_card(self, each: Unserved) -> Unserved:
        card = self._patient_of(each.number) if each.way == "mynumber" else ""
        return replace(each, way="patient_card", number=card) if card else each
