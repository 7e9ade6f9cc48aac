"""What is done at the hospital's system while no patient waits for it: day lists, orders in custody, unknown outcomes.

A thread of its own, in the process that receives patients. Must never register a patient who was sent to the counter,
deliver an order without asking first whether it is there, or drop one that staff were not given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from drivers.reservations import (
    Found,
    NothingToRegister,
    Registered,
    Registration,
    ReservationsDown,
    Taken,
    Trouble,
    UnknownPatient,
    Unsettled,
)
from drivers.reservations.ports import Book
from kiosk.his.front import LEASE_S, SETTLE_S, Front, registered_there
from kiosk.his.store import Age, Store
from kiosk.words.problems import Problem

TICK_S: Final = 1.0
# A list of a large hospital is some megabytes, in pages.
DAY_LIST_S: Final = 30.0
CALL_S: Final = 12.0
# Nobody has asked the system for so long: is it there?
PROBE_S: Final = 60.0
DOWN_S: Final = 2.0
# The gate is a process that starts beside the reception; until it listens, nobody knows whether the system answers.
GATE_S: Final = 15.0
# A system that is away is tried again after so long, and then after longer.
AGAIN_S: Final = (5.0, 5.0, 10.0, 20.0)
_DELIVERED_BY: Final = timedelta(minutes=2)
SetTrouble = Callable[[Literal["his_down", "orders_refused"], Problem | None], None]
_FOR_STAFF: Final = ("refused", "misunderstood")


@dataclass(frozen=True)
class Settings:
    """`late`: what becomes of a registration that turns out to have happened after the patient was sent to the
    counter. `day_list_every`: None: none is wanted.
    """

    late: Literal["keep", "cancel"] = "keep"
    day_list_every: timedelta | None = None


@dataclass(frozen=True)
class Waiting:
    """How many orders of today wait for what. `oldest`: of those in custody; `day_list`: today's."""

    custody: int = 0
    unknown: int = 0
    refused: int = 0
    oldest: datetime | None = None
    day_list: Age | None = None


class Background:
    """`clock`: the site's aware local time. `set_trouble`: Board.set_trouble. `report`: EventLog.write."""

    def __init__(
        self,
        front: Front,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        report: Callable[..., None],
        set_trouble: SetTrouble,
    ) -> None:
        self._front, self._store, self._settings = front, store, settings
        self._clock, self._report, self._set_trouble = clock, report, set_trouble
        self._today: date | None = None
        self._list_at = self._settle_at = 0.0
        self._failures = 0
        self._list_failures = 0
        self._fault = ""
        self.waiting = Waiting()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="his-background", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """It ends after the call it is at, or is left with it."""
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            try:
                self.tick(time.monotonic())
                self._fault = ""
            except Exception as error:  # noqa: BLE001 - a fault of ours must not leave what waits alone
                what = str(error) if isinstance(error, ReservationsDown) else type(error).__name__
                if what != self._fault:
                    self._fault = what
                    self._report("reservations_failed", what=what)

    def tick(self, now: float) -> None:
        """All that is due at `now` (monotonic)."""
        today = self._clock().date()
        if self._today != today:
            self._begin_day(today)
            self._today, self._list_at = today, 0.0
        if now >= self._settle_at:
            self._settle_all(today)
            self._say(today)
        if self._settings.day_list_every is not None and now >= self._list_at:
            self._keep_day(today, self._settings.day_list_every)
        if self._front.health.idle_s() >= (PROBE_S if self._front.health.up is not False else AGAIN_S[0]):
            self._probe(today)
        # One call that fails is one patient's trouble; and at a start the gate comes a moment later.
        trouble = self._front.health.trouble
        gate_missing = trouble is not None and trouble.code == "owner_down" and self._front.health.answered_s is None
        if self._front.health.failing_s() < (GATE_S if gate_missing else DOWN_S):
            trouble = None
        self._set_trouble("his_down", Problem("his.down", {"what": trouble.what}) if trouble else None)

    # --- the day ------------------------------------------------------------------------------------------------------

    def _begin_day(self, today: date) -> None:
        """Once at a start, and at midnight. An order of a day that is over is not for the system any more."""
        self._store.forget_day(today)
        for days in (1, 2, 3):
            for book, each in self._listed(today - timedelta(days=days)):
                if each.kind == "custody":
                    self._refuse(book, each, "day_over")

    def _keep_day(self, today: date, every: timedelta) -> None:
        listed = self._front.day_list(today, time.monotonic() + DAY_LIST_S)
        if isinstance(listed, Trouble):
            # Soon at first: the gate may have been started with the reception.
            again_s = AGAIN_S[min(self._list_failures, len(AGAIN_S) - 1)]
            self._list_at = time.monotonic() + min(every.total_seconds(), again_s)
            if not self._list_failures:
                self._report("day_list_failed", what=listed.what)
            self._list_failures += 1
            return
        self._store.keep_day(listed, padded=self._front.ability.pads_numbers)
        self._list_at = time.monotonic() + every.total_seconds()
        self._list_failures = 0
        self._report("day_list_kept", count=len(listed.patients), code="whole" if listed.complete else "cut")

    def _probe(self, today: date) -> None:
        began = time.monotonic()
        self._front.health.note(self._front.departments(today, began + CALL_S), time.monotonic() - began)

    # --- orders -------------------------------------------------------------------------------------------------------

    def _listed(self, day: date) -> Iterator[tuple[Book, Unsettled]]:
        """The orders of `day`, each with the book that has it."""
        front = self._front
        for book in (front.local,) if front.local is front.book else (front.local, front.book):
            listed = book.unsettled(day, time.monotonic() + CALL_S)
            if not isinstance(listed, Trouble):
                yield from ((book, each) for each in listed.unsettled)

    def _settle_all(self, today: date) -> None:
        """Oldest first. One that meets a system that is away ends the round."""
        for day in (today - timedelta(days=1), today):
            for book, each in self._listed(day):
                if self._stop.is_set():
                    return
                settled = {"custody": self._deliver, "unknown": self._ask}.get(each.kind)
                if settled is not None and not settled(book, each):
                    self._settle_at = time.monotonic() + AGAIN_S[min(self._failures, len(AGAIN_S) - 1)]
                    self._failures += 1
                    return
        self._failures = 0
        self._settle_at = time.monotonic() + AGAIN_S[0]

    def _deliver(self, book: Book, custody: Unsettled) -> bool:
        """False: the system is away. What is due there now is registered, not what was when the patient came."""
        order = replace(custody.order, appointments=(), not_after=self._clock() + _DELIVERED_BY)
        outcome = self._front.deliver(order, time.monotonic() + CALL_S, ask_first=True)
        match outcome:
            case Registered():
                book.noted_done(custody.order, time.monotonic() + SETTLE_S)
                self._report("custody_delivered", code="first" if outcome.ours else "again")
                if outcome.left_out:
                    self._refuse(book, custody, "partly")
            case NothingToRegister():
                self._refuse(book, custody, "no_appointment")
            case UnknownPatient():
                self._refuse(book, custody, "unknown_patient")
            case Trouble() if outcome.kind in _FOR_STAFF and not outcome.maybe_done:
                self._refuse(book, custody, outcome.kind)
            case _:
                return False
        return True

    def _refuse(self, book: Book, unsettled: Unsettled, what: str) -> None:
        """From now on it is the staff's."""
        book.note(replace(unsettled, kind="refused", what=what), time.monotonic() + SETTLE_S)
        self._report("custody_refused", what=what)

    def _ask(self, book: Book, unknown: Unsettled) -> bool:
        """What became of it. The patient was sent to the counter, so it is never done once more."""
        order, until = unknown.order, time.monotonic() + CALL_S
        found = self._front.asked(order.patient_number, order.day, until)
        if isinstance(found, Trouble):
            return found.kind in _FOR_STAFF
        there = registered_there(order, found) if isinstance(found, Found) else None
        is_there = there is not None
        outcome: Registration = there or NothingToRegister(order.patient_number)
        if self._front.system is not None:
            taken = self._front.book.take(order, LEASE_S, until)
            if isinstance(taken, Trouble):
                return taken.kind == "busy"
            if isinstance(taken, Taken) and isinstance(self._front.book.settle(order, outcome, until), Trouble):
                return False
        book.noted_done(order, until)
        code = "registered" if is_there else "not_registered"
        if is_there and self._settings.late == "cancel" and self._cancelled(unknown, until):
            code = "cancelled"
        self._report("his_settled", code=code)
        return True

    def _cancelled(self, unknown: Unsettled, until: float) -> bool:
        """Undo what came too late for the patient."""
        order = unknown.order
        booked = self._front.book.find(order.patient_number, order.day, until)
        if not isinstance(booked, Found) or not booked.receptions:
            return False
        answer = self._front.cancel(order.patient_number, booked.receptions[0], order.day, self._clock(), "late", until)
        return not isinstance(answer, Trouble)

    # --- what is said of it -------------------------------------------------------------------------------------------

    def _say(self, today: date) -> None:
        listed = [each for _, each in self._listed(today)]
        custody = [each for each in listed if each.kind == "custody"]
        refused = sum(each.kind == "refused" for each in listed)
        unknown = sum(each.kind == "unknown" for each in listed)
        oldest = min((each.since for each in custody), default=None)
        self.waiting = Waiting(len(custody), unknown, refused, oldest, self._store.age(today))
        self._set_trouble("orders_refused", Problem("orders.refused", {"count": refused}) if refused else None)
