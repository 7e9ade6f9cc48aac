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
    Order,
    Registered,
    Registration,
    ReservationsDown,
    Taken,
    Trouble,
    UnknownPatient,
    Unsettled,
)
from drivers.reservations.ports import Book
from kiosk.his.front import LEASE_S, SETTLE_S, Front
from kiosk.his.merging import registered_there
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
_AWAY: Final = ("unreachable", "login")
# A kiosk that was off over a long holiday still has what waited before it, and staff are told until they have seen it.
DAYS_BACK: Final = 14


@dataclass(frozen=True)
class Settings:
    """`late`: what becomes of a registration that turns out to have happened after the patient was sent to the
    counter. `day_list_every`: None: none is wanted.
    """

    late: Literal["keep", "cancel"] = "keep"
    day_list_every: timedelta | None = None


@dataclass(frozen=True)
class Waiting:
    """How many orders of today wait for what; `refused`: of the days before, too. `oldest`: of those in custody;
    `day_list`: today's.
    """

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
            self._store.forget_day(today)
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

    def _listed(self, today: date) -> Iterator[tuple[Book, Unsettled]]:
        """The orders of these days, each with the book that has it. Of earlier days, what this machine has."""
        front = self._front
        for back in range(DAYS_BACK, -1, -1):
            elsewhere = () if front.local is front.book or back > 1 else (front.book,)
            for book in (front.local, *elsewhere):
                yield from ((book, each) for each in _unsettled(book, today - timedelta(days=back)))

    def _settle_all(self, today: date) -> None:
        """Oldest first. One that meets a system that is away ends the round."""
        for book, each in self._listed(today):
            if self._stop.is_set():
                return
            if not self._settled(book, each, today):
                self._settle_at = time.monotonic() + AGAIN_S[min(self._failures, len(AGAIN_S) - 1)]
                self._failures += 1
                return
        self._failures = 0
        self._settle_at = time.monotonic() + AGAIN_S[0]

    def _settled(self, book: Book, each: Unsettled, today: date) -> bool:
        """False: the system is away."""
        day = each.order.day
        if each.kind == "custody" and day < today:
            # It is not for the system any more.
            self._refuse(book, each, "day_over")
            return True
        # Those before it have taken a while, in which staff or another kiosk may have dealt with it.
        if each.kind == "refused" or day < today - timedelta(days=1) or each not in _unsettled(book, day):
            return True
        return self._deliver(book, each) if each.kind == "custody" else self._ask(book, each)

    def _deliver(self, book: Book, custody: Unsettled) -> bool:
        """False: the system is away. What is due there now is registered, not what was when the patient came."""
        order = replace(custody.order, appointments=(), not_after=self._clock() + _DELIVERED_BY)
        outcome = self._front.deliver(order, time.monotonic() + CALL_S, ask_first=True)
        match outcome:
            case Registered():
                self._report("custody_delivered", code="first" if outcome.ours else "again")
                if outcome.left_out:
                    self._refuse(book, custody, "partly")
                else:
                    book.noted_done(custody.order, time.monotonic() + SETTLE_S)
            case NothingToRegister():
                self._refuse(book, custody, "no_appointment")
            case UnknownPatient():
                self._refuse(book, custody, "unknown_patient")
            case Trouble() if outcome.kind == "refused" and not outcome.maybe_done:
                self._refuse(book, custody, outcome.kind)
            case Trouble() if outcome.kind in _AWAY:
                return False
            case _:
                # Of this patient, who may be open at a window all day: nobody else waits for that. And a system that
                # is being started says what nobody understands.
                pass
        return True

    def _refuse(self, book: Book, unsettled: Unsettled, what: str) -> None:
        """From now on it is the staff's."""
        book.note(replace(unsettled, kind="refused", what=what), time.monotonic() + SETTLE_S)
        self._report("custody_refused", what=what)

    def _ask(self, book: Book, unknown: Unsettled) -> bool:
        """What became of it. For a patient who was sent to the counter it is not done any more; who holds the number of
        an order in custody waits for that.
        """
        order, until = unknown.order, time.monotonic() + CALL_S
        found = self._front.asked(order.patient_number, order.day, until)
        if isinstance(found, Trouble):
            return found.kind not in _AWAY
        there = _left_there(order, found) if isinstance(found, Found) else None
        taken = self._front.book.take(order, LEASE_S, until)
        if isinstance(taken, Trouble):
            return taken.kind == "busy"
        nothing = NothingToRegister(order.patient_number)
        outcome: Registration = nothing if there is None or self._front.system is None else there
        if isinstance(taken, Taken) and isinstance(self._front.book.settle(order, outcome, until), Trouble):
            return False
        if there is None and isinstance(taken, Taken) and self._waits(book, unknown):
            book.note(replace(unknown, kind="custody", what=""), until)
        elif there is not None and there.left_out:
            book.note(replace(unknown, kind="refused", what="partly"), until)
        else:
            book.noted_done(order, until)
        code = "not_registered" if there is None else "registered"
        # Whoever else has registered the patient meanwhile has said so to him; and who holds a number is waited for.
        is_late = (taken.ours if isinstance(taken, Registered) else outcome is there) and not unknown.number
        if there is not None and is_late and self._settings.late == "cancel" and self._cancelled(unknown, there, until):
            code = "cancelled"
        self._report("his_settled", code=code)
        return True

    def _waits(self, book: Book, unknown: Unsettled) -> bool:
        """Whether it was in custody, here, and still has to be delivered."""
        if not unknown.number or book is not self._front.local:
            return False
        others = (each for each in _unsettled(book, unknown.order.day) if each.kind == "custody")
        return all(each.number != unknown.number for each in others)

    def _cancelled(self, unknown: Unsettled, there: Registered, until: float) -> bool:
        """Undo what came too late for the patient, unless there is more, of a window: with the line all of it goes."""
        order = unknown.order
        began = order.at.replace(second=0, microsecond=0)
        if not all(began <= each.at <= order.not_after for each in there.receptions):
            return False
        booked = self._front.book.find(order.patient_number, order.day, until)
        if not isinstance(booked, Found) or not booked.receptions:
            return False
        answer = self._front.cancel(order.patient_number, booked.receptions[0], order.day, self._clock(), "late", until)
        return not isinstance(answer, Trouble)

    # --- what is said of it -------------------------------------------------------------------------------------------

    def _say(self, today: date) -> None:
        every = [each for _, each in self._listed(today)]
        refused = sum(each.kind == "refused" for each in every)
        listed = [each for each in every if each.order.day == today]
        custody = [each for each in listed if each.kind == "custody"]
        unknown = sum(each.kind == "unknown" for each in listed)
        oldest = min((each.since for each in custody), default=None)
        self.waiting = Waiting(len(custody), unknown, refused, oldest, self._store.age(today))
        self._set_trouble("orders_refused", Problem("orders.refused", {"count": refused}) if refused else None)


def _unsettled(book: Book, day: date) -> tuple[Unsettled, ...]:
    listed = book.unsettled(day, time.monotonic() + CALL_S)
    return () if isinstance(listed, Trouble) else listed.unsettled


def _left_there(order: Order, found: Found) -> Registered | None:
    """What the order has left at the system. None: nothing; a reception of this morning is not the walk-in's."""
    there = registered_there(order, found)
    if there is None or any(each.walk_in for each in there.left_out):
        return None
    return there
