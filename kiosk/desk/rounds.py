"""What the desk does again and again: time passes, files go to others, old rows go, the audit chain is anchored."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from kiosk.desk.day_store import Noted
from kiosk.desk.people.people import People
from kiosk.desk.service import Parts
from kiosk.desk.visits import ELIGIBILITY, Attention, Settlement
from kiosk.process.event_log import EventLog

TICK_S: Final = 0.5
LOST_EVERY_S: Final = 60.0
REGISTERED_EVERY_S: Final = 60.0
AUDIT_EVERY_S: Final = 3600.0
DAILY_S: Final = 6 * 3600.0
KEEP_REGISTRATIONS: Final = timedelta(days=400)


class Rounds:
    """Three threads: one for what is quick, one for what asks the courier, one for what takes the network of shares.

    `close()` ends each after its current step.
    """

    def __init__(self, parts: Parts, people: People, log: EventLog) -> None:
        self._parts, self._people, self._log = parts, people, log
        self._stop = threading.Event()
        self._due: dict[str, float] = {}
        turns = {"desk-time": self._quick, "desk-lost": self._lost, "desk-folders": self._folders}
        self._threads = [
            threading.Thread(target=self._run, args=(turn,), name=name, daemon=True) for name, turn in turns.items()
        ]

    @property
    def running(self) -> bool:
        """Whether all of them are alive."""
        return all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()

    def _run(self, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            # A full disk: it is tried again, and whoever wants to keep something meanwhile says that it cannot.
            with suppress(sqlite3.Error, OSError):
                turn()
            self._stop.wait(TICK_S)

    def _quick(self) -> None:
        self._parts.today.tick()
        if self._is_due("audit", AUDIT_EVERY_S):
            self._people.upkeep()
        if self._is_due("daily", DAILY_S):
            self._parts.register.forget()
            before = self._parts.today.day - KEEP_REGISTRATIONS
            self._parts.numbers.forget(before)
            if self._parts.exports is not None:
                self._parts.exports.forget(before)

    def _lost(self) -> None:
        if self._is_due("lost", LOST_EVERY_S):
            self._parts.standing.look_for_lost()

    def _folders(self) -> None:
        changed = self._parts.numbers.advance()
        if changed or self._is_due("registered", REGISTERED_EVERY_S):
            self._settle_registered()
        if self._parts.exports is not None:
            changed |= self._parts.exports.advance()
        if changed:
            self._parts.today.touch()

    def _settle_registered(self) -> None:
        """Whose number the terminal has registered waits for it no more; the next tap brings it."""
        today, clock = self._parts.today, self._parts.clock
        for entry in today.view().entries:
            content = today.content(entry.visit.seq)
            if Attention.not_registered not in entry.visit.attention:
                continue
            sent = self._parts.numbers.last_of(entry.visit, today.day)
            if sent is not None and sent.state == "registered":
                settled = Settlement("confirmed", sent.user, clock())
                today.settle(entry.visit.seq, {ELIGIBILITY: settled}, Noted(clock(), "confirm_eligibility"), content)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True
