"""Somebody should come to the kiosk: the site's alarm command is run, and the desk shows whose kiosk it is.

Never waits, and never holds anything of the patient who asked.
"""

from __future__ import annotations

import time
from typing import Final, Literal

from kiosk.process.alarm import AlarmCommand
from kiosk.process.event_log import EVENTS, EventLog

EVENT: Final = {"call": "staff_called", "many_cards": "cards_refused"}
# A call is looked after within this time, or asked for again.
LASTS_S: Final = 300.0


class StaffCalls:
    """`command`: as in [alarm]."""

    def __init__(self, command: tuple[str, ...], log: EventLog) -> None:
        self._alarm = AlarmCommand(command, log)
        self._called_at: float | None = None

    def call(self, code: Literal["call", "many_cards"]) -> None:
        """Only the loop's thread."""
        event = EVENT[code]
        self._called_at = time.time()
        self._alarm.start(event, EVENTS[event])

    @property
    def called_at(self) -> float | None:
        """When somebody was called for last, in seconds since 1970; None: not within LASTS_S."""
        at = self._called_at
        return at if at is not None and 0 <= time.time() - at < LASTS_S else None

    def close(self) -> None:
        self._alarm.close()
