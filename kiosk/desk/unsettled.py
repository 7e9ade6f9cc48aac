"""Orders of today of which staff must know, in 要確認: their outcome is not known, or the hospital's system has not
taken them, or not yet.

Asked of whoever has the reservations; the list itself is kept there. Must never take an order off it because it could
not be read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Final

from drivers.reservations import Trouble, Unsettled
from drivers.reservations.ports import Reservations
from kiosk.desk.acts import Done, Outcome, Refused
from kiosk.words.problems import Problem

ANSWER_S: Final = 20.0


class UnsettledOrders:
    """Any thread. `day()`: today, as the desk has it."""

    def __init__(self, reservations: Reservations, day: Callable[[], date]) -> None:
        self._reservations, self._day = reservations, day
        self._lock = threading.Lock()
        self._listed: tuple[Unsettled, ...] = ()

    @property
    def listed(self) -> tuple[Unsettled, ...]:
        """Oldest first, as they were last known."""
        day = self._day()
        with self._lock:
            return tuple(each for each in self._listed if each.order.day == day)

    def refresh(self) -> bool:
        """Ask; whether it is anything else than before. Waits for the other process."""
        answer = self._reservations.unsettled(self._day(), time.monotonic() + ANSWER_S)
        if isinstance(answer, Trouble):
            return False
        with self._lock:
            before, self._listed = self._listed, answer.unsettled
            return before != self._listed

    def of(self, attempt: str) -> Unsettled | None:
        """The one of that attempt."""
        return next((each for each in self.listed if each.order.attempt == attempt), None)

    def settle(self, attempt: str) -> Outcome:
        """Staff have dealt with it. Waits for the other process."""
        found = self.of(attempt)
        if found is None:
            return Done(already=True)
        if isinstance(self._reservations.noted_done(found.order, time.monotonic() + ANSWER_S), Trouble):
            return Refused(Problem("not_done.unsettled"))
        with self._lock:
            self._listed = tuple(each for each in self._listed if each.order.attempt != attempt)
        return Done()
