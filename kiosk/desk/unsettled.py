"""Orders of which staff must know, in 要確認: their outcome is not known, or the hospital's system has not taken them,
or not yet. Those of the days before wait there too, until staff have dealt with them.

Asked of whoever has the reservations; the list itself is kept there. Must never take an order off it because it could
not be read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from drivers.reservations import Trouble, Unsettled
from drivers.reservations.ports import Reservations
from kiosk.desk.acts import Done, Outcome, Refused
from kiosk.words.problems import Problem

ANSWER_S: Final = 20.0
# How far back; those are asked for less often.
_DAYS_BACK: Final = 14
_EARLIER_S: Final = 60.0


class UnsettledOrders:
    """Any thread. `day()`: today, as the desk has it."""

    def __init__(self, reservations: Reservations, day: Callable[[], date]) -> None:
        self._reservations, self._day = reservations, day
        self._lock = threading.Lock()
        self._listed: tuple[Unsettled, ...] = ()
        self._earlier_day: date | None = None
        self._earlier_at = 0.0

    @property
    def day(self) -> date:
        """Today, as the desk has it."""
        return self._day()

    @property
    def listed(self) -> tuple[Unsettled, ...]:
        """Oldest first, as they were last known."""
        with self._lock:
            return self._listed

    def of_today(self) -> tuple[Unsettled, ...]:
        """Of these without those of days before."""
        day = self._day()
        return tuple(each for each in self.listed if each.order.day == day)

    def refresh(self) -> bool:
        """Ask; whether it is anything else than before. Waits for the other process."""
        day, until = self._day(), time.monotonic() + ANSWER_S
        answer = self._reservations.unsettled(day, until)
        if isinstance(answer, Trouble):
            return False
        earlier = self._earlier(day, until)
        with self._lock:
            before, self._listed = self._listed, (*earlier, *answer.unsettled)
            return before != self._listed

    def _earlier(self, day: date, until: float) -> tuple[Unsettled, ...]:
        now = time.monotonic()
        known = tuple(each for each in self.listed if each.order.day < day)
        if self._earlier_day == day and now < self._earlier_at + _EARLIER_S:
            return known
        found: list[Unsettled] = []
        for back in range(_DAYS_BACK, 0, -1):
            answer = self._reservations.unsettled(day - timedelta(days=back), until)
            if isinstance(answer, Trouble):
                return known
            found += answer.unsettled
        self._earlier_day, self._earlier_at = day, now
        return tuple(found)

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
