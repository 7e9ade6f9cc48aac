"""受付登録: who has arrived, and registering, with the reservations asked for everything that counts.

Owns the thread that asks them, and what they said last. Must never invent an arrival, register anybody by itself whose
arrival was cancelled, or be ahead of the kiosk whose patient is just being received there.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from drivers.reservations import (
    AlreadyRegistered,
    Appointment,
    Cancelled,
    Entry,
    FollowedReservations,
    Found,
    Registered,
    ReservationsDown,
    Subscription,
)
from kiosk.desk import acts
from kiosk.desk.acts import Act, Done, Outcome, Refused
from kiosk.desk.day_store import Entry as Visited
from kiosk.desk.day_store import Noted
from kiosk.desk.departments import Departments
from kiosk.desk.today import Today
from kiosk.desk.visits import State
from kiosk.results.eligibility import Outcome as Result
from kiosk.words.problems import Problem

# Appointments of those who wait are asked for again when the reservations changed, but not more often than this.
AGAIN_S: Final = 10.0
# Only who has just tapped is registered by itself: a desk that was down for an hour is no reception.
FRESH: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the reservations said of one visit. `last_day`: when the patient was here last, as far as they know."""

    appointments: tuple[Appointment, ...] = field(default=(), repr=False)
    may_walk_in: bool = False


class Receptions:
    """`by_itself`: `[desk] register`. `wait`: how long the kiosk is given before the desk registers by itself.

    Set before `start`: `renewed()` is called in its thread whenever the register may have changed, whether or not it
    can be read; `registered(seq, at)`, from any thread, when a visit has arrived, by whomever; `act(what, "", "")`
    carries out what the program registers by itself, and notes it as `acts.Desk.act` does.
    """

    def __init__(
        self,
        reservations: FollowedReservations,
        today: Today,
        departments: Departments,
        clock: Callable[[], datetime],
        by_itself: str,
        wait: timedelta,
    ) -> None:
        self._reservations, self._today, self._departments = reservations, today, departments
        self._clock, self._by_itself, self._wait = clock, by_itself, wait
        self._lock = threading.Lock()
        self._entries: tuple[Entry, ...] | None = None
        self._by_number: dict[int, Entry] = {}
        self._looked: dict[int, Looked] = {}
        self._looked_day = today.day
        self._stale = False
        self._is_unkept = False  # what was read of the register is not in every visit
        self._looked_at = 0.0
        self._due: dict[int, datetime] = {}  # visits to be registered by themselves, and when
        self._work: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # a visit to look up; None: something changed
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk-receptions", daemon=True)
        self._follow: Subscription | None = None
        self.answers = False
        self.registered: Callable[[int, datetime], None] = lambda _seq, _at: None
        self.renewed: Callable[[], None] = lambda: None
        self.act: Callable[[Act, str, str], Outcome] | None = None

    def start(self) -> None:
        """Begin to follow the reservations."""
        self._thread.start()
        self._follow = self._reservations.follow(lambda: self._work.put(None), self._note_answers)
        for entry in self._today.view().entries:
            self._work.put(entry.visit.seq)

    def close(self) -> None:
        """Its thread ends after what it is doing."""
        self._closed.set()
        if self._follow is not None:
            self._follow.close()
        self._work.put(None)

    # --- what is asked -----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...] | None:
        """The day's register by number; None: the reservations do not answer."""
        return self._entries if self.answers else None

    def looked(self, seq: int) -> Looked:
        """Of a visit that has not arrived: today's appointments as they were last known."""
        with self._lock:
            return self._looked.get(seq, Looked())

    def appointments(self, visited: Visited) -> tuple[Appointment, ...]:
        """What is registered for a visit, else its appointments of today."""
        number = visited.visit.arrival
        entry = self._by_number.get(number) if number is not None else None
        return entry.appointments if entry else self.looked(visited.visit.seq).appointments

    def tapped(self, seq: int) -> None:
        """A visit began or changed: it is looked up soon."""
        self._work.put(seq)

    # --- what staff do -----------------------------------------------------------------------------------------------

    def register(self, seq: int, by: str) -> Outcome:
        """An arrival with today's appointments. Raises KeyError."""
        patient, day = self._patient(seq), self._today.day
        if not patient:
            return Refused(Problem("not_done.no_number"))
        try:
            answer = self._reservations.register(patient, day, self._clock(), lambda: True)
        except ReservationsDown as down:
            return _down(down)
        if isinstance(answer, Registered | AlreadyRegistered):
            return self._registered_now(seq, answer, "register", by)
        return Refused(Problem("not_done.no_appointment"))

    def walk_in(self, seq: int, department: str, by: str) -> Outcome:
        """An arrival without an appointment. `department`: a code. Raises KeyError."""
        what = self._departments.walk_in(department, self._clock())
        if what is None:
            return Refused(Problem("not_done.no_department"))
        patient, day = self._patient(seq), self._today.day
        if not patient:
            return Refused(Problem("not_done.no_number"))
        try:
            answer = self._reservations.walk_in(patient, day, self._clock(), what, lambda: True)
        except ReservationsDown as down:
            return _down(down)
        if isinstance(answer, Registered | AlreadyRegistered):
            return self._registered_now(seq, answer, "walk_in", by)
        return Refused(Problem("not_done.no_department"))

    def cancel(self, number: int, reason: str, by: str) -> Outcome:
        """Undo an arrival. Raises KeyError for a number that is not of today."""
        entry = self.entry(number)
        try:
            answer = self._reservations.cancel(entry.patient_number, number, self._today.day, self._clock(), reason)
        except ReservationsDown as down:
            return _down(down)
        if not isinstance(answer, Cancelled):
            return Refused(Problem("not_done.not_registered"))
        for each in self._today.view().entries:
            if each.visit.arrival == number:
                self._today.remember(each.visit.seq, self._noted("cancel", by), _cancelled)
        self._work.put(None)
        return Done(arrival=number, already=entry.cancelled is not None)

    def entry(self, number: int) -> Entry:
        """A line of the register. Raises KeyError."""
        for each in self.entries or ():
            if each.arrival.number == number:
                return each
        raise KeyError(number)

    def _patient(self, seq: int) -> str:
        return self._today.entry(seq)[0].patient

    def _registered_now(self, seq: int, answer: Registered | AlreadyRegistered, act: str, by: str) -> Outcome:
        number, already = answer.arrival.number, isinstance(answer, AlreadyRegistered)

        def change(old: Visited) -> Visited:
            own = old.registered_here if already else number
            return replace(old, visit=replace(old.visit, arrival=number, cancelled=False), registered_here=own)

        self._today.remember(seq, self._noted(act, by), change)
        self._work.put(None)
        if not already:
            self.registered(seq, answer.arrival.at)
        return Done(number, already)

    def _noted(self, act: str, by: str) -> Noted:
        return Noted(self._clock(), act, by)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _note_answers(self, yes: bool) -> None:
        self.answers = yes
        self._today.touch()
        self._work.put(None)

    def _run(self) -> None:
        while not self._closed.is_set():
            wanted = self._next()
            self.renewed()
            try:
                self._forget_yesterday()
                if wanted is not None:
                    self._look_up(wanted)
                self._read_register(wanted)
                self._look_again()
                self._register_by_itself()
            except ReservationsDown:
                self._stale = True  # who follows them says when they answer again
            except (sqlite3.Error, OSError):
                self._is_unkept = True
            except KeyError:
                pass  # of yesterday

    def _next(self) -> int | None:
        try:
            return self._work.get(timeout=1.0)
        except queue.Empty:
            return None

    def _forget_yesterday(self) -> None:
        if self._looked_day != self._today.day:
            with self._lock:
                self._looked_day, self._looked = self._today.day, {}
            self._due = {}
            self._stale = True

    def _look_up(self, seq: int) -> None:
        entry, _ = self._today.entry(seq)
        if not entry.patient:
            return
        answer = self._reservations.find(entry.patient, self._today.day)
        if not isinstance(answer, Found):
            return
        looked = Looked(answer.appointments, self._departments.may_walk_in(answer.last_day, self._today.day))
        with self._lock:
            is_new = self._looked.get(seq) != looked
            self._looked[seq] = looked
        if is_new:
            self._today.renew(seq)
        if self._by_itself != "manual" and self._may_register(entry):
            self._due.setdefault(seq, self._clock() + self._wait)

    def _may_register(self, entry: Visited) -> bool:
        visit = entry.visit
        is_fresh = self._clock() - visit.tap.at < FRESH
        return visit.state is State.waiting and is_fresh and visit.tap.outcome is Result.usable

    def _read_register(self, wanted: int | None) -> None:
        """Into all visits where it changed, else into the one that is `wanted`: its patient may have arrived before."""
        entries = tuple(self._reservations.entries(self._today.day))
        if entries != self._entries or self._is_unkept:
            self._entries, self._is_unkept = entries, False
            self._by_number = {each.arrival.number: each for each in entries}
            self._stale = True
            self._today.touch()
            visits = self._today.view().entries
        else:
            visits = () if wanted is None else (self._today.entry(wanted)[0],)
        active = {each.patient_number: each for each in entries if each.cancelled is None}
        cancelled = {each.patient_number for each in entries if each.cancelled is not None}
        for visited in visits:
            if not visited.patient:
                continue
            arrived = active.get(visited.patient)
            number = arrived.arrival.number if arrived else None
            is_cancelled = arrived is None and visited.patient in cancelled
            self._today.change(visited.visit.seq, lambda old, n=number, c=is_cancelled: _arrived(old, n, c))  # type: ignore[misc]
            if arrived is not None and visited.visit.arrival is None:
                self.registered(visited.visit.seq, arrived.arrival.at)

    def _look_again(self) -> None:
        """Appointments of those who wait, after the reservations have changed."""
        if not self._stale or time.monotonic() - self._looked_at < AGAIN_S:
            return
        self._stale, self._looked_at = False, time.monotonic()
        for visited in self._today.view().entries:
            if visited.visit.arrival is None:
                self._look_up(visited.visit.seq)

    def _register_by_itself(self) -> None:
        now = self._clock()
        for seq in [seq for seq, due in self._due.items() if due <= now]:
            del self._due[seq]
            entry, _ = self._today.entry(seq)
            always = self._departments.always(now) if self._by_itself == "always" else None
            if self.act is not None and self._may_register(entry):
                if self.looked(seq).appointments:
                    self.act(acts.Register(seq), "", "")
                elif always is not None and self.looked(seq).may_walk_in:
                    self.act(acts.WalkIn(seq, always), "", "")


def _arrived(old: Visited, number: int | None, is_cancelled: bool) -> Visited:
    return replace(old, visit=replace(old.visit, arrival=number, cancelled=is_cancelled))


def _cancelled(old: Visited) -> Visited:
    return replace(old, visit=replace(old.visit, arrival=None, cancelled=True), registered_here=None)


def _down(down: ReservationsDown) -> Refused:
    # Whether something was written is not always known; asking once more is always safe, and says so.
    return Refused(Problem("not_done.reservations"))
