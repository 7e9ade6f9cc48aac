"""What the visit needs to know of the site: whether it is open, and what staff should look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from kiosk.config import Config
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


def hours_now(config: Config, local: datetime) -> e.HoursChanged:
    """What holds at `local`, the site's aware time."""
    is_open = config.open_at(local)
    return e.HoursChanged(is_open, None if is_open else next_opening(config, local))


class ChangeWatch:
    """Posts what `read()` gives whenever it differs from what was posted last. `update` is called once a second."""

    def __init__(self, read: Callable[[], e.SurroundingsEvent], inbox: Inbox) -> None:
        self._read = read
        self._inbox = inbox
        self._posted: e.SurroundingsEvent | None = None

    def update(self) -> None:
        now = self._read()
        if now != self._posted:
            self._posted = now
            self._inbox.post(now)
