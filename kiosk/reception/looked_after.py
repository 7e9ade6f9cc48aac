"""The book of this machine and the hospital's system, looked after while patients are received or a desk is served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from drivers.reservations.ports import Reservations
from kiosk.config import Config
from kiosk.his.background import Background
from kiosk.his.front import Front
from kiosk.his.opened import Opened, register_s
from kiosk.process.event_log import EventLog
from kiosk.reception.board import Board
from kiosk.reception.import_watch import ImportWatch
from kiosk.reception.reservations_guard import Guard
from kiosk.reception.run_status import HisState

# What the book adds to a look-up in the hospital's system.
_BOOK_S: Final = 0.5


@dataclass(frozen=True)
class LookedAfter:
    """`reservations`: whom to ask, and who looks after them. `background` None: there is no system."""

    reservations: Reservations
    guard: Guard
    background: Background | None

    def screen(self, name: str) -> None:
        """As Guard.screen."""
        self.guard.screen(name)

    def close(self) -> None:
        """Both end."""
        if self.background is not None:
            self.background.close()
        self.guard.close()


def looked_after(config: Config, asked: Opened, board: Board, log: EventLog) -> LookedAfter:
    """Begin. What is found is on the board and in the event log."""
    book = asked.local
    if config.reservations.import_dir is not None:
        ImportWatch(config, config.reservations.import_dir, book.file, board, log).start()
    guard = Guard(config, book, partial(datetime.now, config.site.zone), board.set_trouble, log.write)
    background = asked.background(config, log.write, board.set_trouble)
    if background is not None and asked.front is not None:
        board.his = partial(_state, background, asked.front)
        background.start()
    return LookedAfter(asked.reservations, guard, background)


def _state(background: Background, front: Front) -> HisState:
    waiting, health = background.waiting, front.health
    return HisState(
        up=health.up,
        seconds=None if health.answered_s is None else round(health.answered_s, 3),
        unknown=waiting.unknown,
        custody=waiting.custody,
        refused=waiting.refused,
        oldest_at=waiting.oldest.timestamp() if waiting.oldest else None,
        day_list_at=waiting.day_list.as_of.timestamp() if waiting.day_list else None,
    )


def limits_of(config: Config) -> dict[str, Any]:
    """What is other for ReservationsWorker where it is not our own book alone: how long calls may take, and that an
    outcome that is not known will be.
    """
    if not config.has_gate:
        return {}
    return {"find_s": config.his.find_s + _BOOK_S, "register_s": register_s(config), "unknown": "outcome_unknown"}
