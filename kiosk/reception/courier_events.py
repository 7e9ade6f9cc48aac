"""The courier's messages as events of the visit, and its absence as a terminal that does not answer."""

from __future__ import annotations

import time

from kiosk.courier.line import Message
from kiosk.process.event_log import EventLog
from kiosk.reception import courier_messages
from kiosk.reception.loop import Inbox
from kiosk.visit import events as e

LINE_LOST_S = 3.0
# At the start the courier may be starting too; a button that goes grey and comes back sends patients away. A patient
# who presses it meanwhile waits for a listing, or learns that there is none.
FIRST_LINE_S = 15.0


class CourierEvents:
    """Turns the courier's messages into events, and its absence into TerminalChanged."""

    def __init__(self, inbox: Inbox, log: EventLog) -> None:
        self._inbox = inbox
        self._log = log
        self._lost_at: float | None = time.monotonic()
        self._connections = 0
        self._unclear = 0
        self._logged: set[str] = set()

    def on_message(self, message: Message) -> None:
        kind = message.get("event")
        if kind == "connected":
            self._lost_at = None
            if self._connections:
                self._inbox.post(e.CourierReturned())
            self._connections += 1
        elif kind == "disconnected":
            self._lost_at = time.monotonic()
        elif (event := self._event(message)) is not None:
            self._inbox.post(event)

    def _event(self, message: Message) -> e.Event | None:
        try:
            return courier_messages.event_of(message, self._connections)
        except courier_messages.Unclear:
            self._unclear += 1
            self._log_once(courier_messages.kind_of(message))
            return courier_messages.instead(message, self._connections, self._unclear, time.monotonic())

    def _log_once(self, kind: str) -> None:
        if kind not in self._logged:
            self._logged.add(kind)
            self._log.write("courier_unclear", code=kind)

    def check_absence(self, now: float) -> None:
        """A courier that stays away is like a terminal that does not answer."""
        limit_s = LINE_LOST_S if self._connections else FIRST_LINE_S
        if self._lost_at is not None and now - self._lost_at > limit_s:
            self._lost_at = None
            self._inbox.post(e.TerminalChanged(False))
