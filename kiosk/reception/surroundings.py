"""What the flow is told about the site: whether it is open, and what staff should look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kiosk.config import Config
from kiosk.reception.board import Board
from kiosk.reception.hours import next_opening
from kiosk.reception.loop import Inbox
from kiosk.visit import events as e


class Doors:
    """Tells the flow when the site opens and closes."""

    def __init__(self, config: Config, inbox: Inbox, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._inbox = inbox
        self._clock = clock
        self._told: e.HoursChanged | None = None

    def now(self) -> e.HoursChanged:
        local = self._clock()
        is_open = self._config.open_at(local)
        return e.HoursChanged(is_open, "" if is_open else next_opening(self._config, local))

    def judge(self) -> None:
        now = self.now()
        if now != self._told:
            self._told = now
            self._inbox.post(now)


class Notices:
    """Tells the flow what staff should look at."""

    def __init__(self, board: Board, inbox: Inbox) -> None:
        self._board = board
        self._inbox = inbox
        self._told: tuple[str, ...] = ()

    def judge(self) -> None:
        codes = self._board.staff()
        if codes != self._told:
            self._told = codes
            self._inbox.post(e.StaffNoticed(codes))
