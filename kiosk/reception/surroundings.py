"""What the visit needs to know of the site: whether it is open, and what staff should look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from kiosk.config import Config
from kiosk.reception.board import Board
from kiosk.reception.loop import Inbox
from kiosk.visit import events as e
from kiosk.visit.state import Opening

LOOK_AHEAD_DAYS = 31


def next_opening(config: Config, local: datetime) -> Opening | None:
    """When the reception opens after `local`, the site's aware time; None if it does not within a month."""
    for ahead in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=ahead)
        if config.closed_on(day):
            continue
        starts = [
            start
            for hours in config.hours
            if hours.cover(start := datetime.combine(day, hours.open, local.tzinfo)) and start > local
        ]
        if starts:
            return Opening(min(starts), ahead == 0)
    return None


class OpeningHoursWatch:
    """Posts HoursChanged when the site opens or closes, and when the day of its next opening has come."""

    def __init__(self, config: Config, inbox: Inbox, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._inbox = inbox
        self._clock = clock
        self._posted: e.HoursChanged | None = None

    def now(self) -> e.HoursChanged:
        """What holds at this moment."""
        local = self._clock()
        is_open = self._config.open_at(local)
        return e.HoursChanged(is_open, None if is_open else next_opening(self._config, local))

    def update(self) -> None:
        """Called about once a second."""
        now = self.now()
        if now != self._posted:
            self._posted = now
            self._inbox.post(now)


class StaffHints:
    """Posts StaffNoticed when what staff should look at changes."""

    def __init__(self, board: Board, inbox: Inbox) -> None:
        self._board = board
        self._inbox = inbox
        self._posted: tuple[str, ...] = ()

    def update(self) -> None:
        """Called about once a second."""
        codes = self._board.staff()
        if codes != self._posted:
            self._posted = codes
            self._inbox.post(e.StaffNoticed(codes))
