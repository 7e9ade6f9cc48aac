"""受付登録: who has arrived, and registering, with the reservations asked for everything that counts.

Owns the thread that asks them, and what they said last. Must never invent an arrival, register anybody by itself whose
arrival was cancelled, or be ahead of the kiosk whose patient is just being received there.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from drivers.reservations import (
    Appointment,
    Cancelled,
    Entry,
    Found,
    InCustody,
    NothingToRegister,
    Order,
    Reception,
    Registered,
    Trouble,
    UnknownPatient,
    Withdrawn,
)
from drivers.reservations import WalkIn as OrderedWalkIn
from drivers.reservations.ports import Reservations, Subscription
from kiosk.desk import acts
from kiosk.desk.acts import Act, Done, Outcome, Refused
from kiosk.desk.day_store import Entry as Visited
from kiosk.desk.day_store import Noted
from kiosk.desk.departments import Departments
from kiosk.desk.lines import line_of
from kiosk.desk.today import Today
from kiosk.desk.visits import State
from kiosk.results.eligibility import Outcome as Result
from kiosk.words.problems import Problem

# Appointments of those who wait are asked for again when the reservations changed, but not more often than this; of a
# hospital's system, which has others to serve and does not say that it has changed, less often.
AGAIN_S: Final = 10.0
SYSTEM_AGAIN_S: Final = 300.0
# Only who has just tapped is registered by itself: a desk that was down for an hour is no reception.
FRESH: Final = timedelta(minutes=10)
# How long one of the staff waits for the reservations at most, seconds.
ANSWER_S: Final = 20.0


class _Down(Exception):
    """The reservations did not answer."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the reservations said of one visit. `last_day`: when the patient was here last, as far as they know."""

    appointments: tuple[Appointment, ...] = field(default=(), repr=False)
    may_walk_in: bool = False


class Receptions:
    """`by_itself`: `[desk] register`. `wait`: how long the kiosk is given before the desk registers by itself.

    Set before `start`: `ticked()` is called in its thread about once a second, whether or not the reservations answer,
    and `renewed()` when they may have changed; `registered(seq, at)`, from any thread, when a visit has arrived, by
    whomever; `act(what, "", "")` carries out what the program registers by itself, and notes it as `acts.Desk.act`.
    """

    def __init__(
        self,
        reservations: Reservations,
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
        self._by_line: dict[int, Entry] = {}
        self._attempts: dict[tuple[str, str], str] = {}  # of registrations whose outcome is not known
        self._looked: dict[int, Looked] = {}
        self._looked_day = today.day
        self._stale = False
        self._is_unread = True  # the register is to be read, though nobody said that it has changed
        self._is_unkept = False  # what was read of it is not in every visit
        self._looked_at = self._all_looked_at = 0.0
        self._due: dict[int, datetime] = {}  # visits to be registered by themselves, and when
        self._work: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # a visit to look up; None: something changed
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk-receptions", daemon=True)
        self._follow: Subscription | None = None
        self.answers = False
        self.registered: Callable[[int, datetime], None] = lambda _seq, _at: None
        self.ticked: Callable[[], None] = lambda: None
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
        """The day's register in the order of registration; None: the reservations do not answer."""
        return self._entries if self.answers else None

    def looked(self, seq: int) -> Looked:
        """Of a visit that has not arrived: today's appointments as they were last known."""
        with self._lock:
            return self._looked.get(seq, Looked())

    def appointments(self, visited: Visited) -> tuple[Appointment, ...]:
        """What is registered for a visit, else its appointments of today."""
        entry = self._registered(visited)
        return entry.appointments if entry else self.looked(visited.visit.seq).appointments

    def receptions(self, visited: Visited) -> tuple[Reception, ...]:
        """Those of a visit, () where it has not arrived."""
        visit = visited.visit
        entry = self._registered(visited)
        if entry is not None or visit.receptions or visit.arrival is None:
            return entry.receptions if entry else visit.receptions
        return (Reception(str(visit.arrival), visit.tap.at),)  # of a version before; when is not known, nor asked for

    def _registered(self, visited: Visited) -> Entry | None:
        line = visited.visit.arrival
        return None if line is None else self._by_line.get(line)

    def tapped(self, seq: int) -> None:
        """A visit began or changed: it is looked up soon."""
        self._work.put(seq)

    # --- what staff do -----------------------------------------------------------------------------------------------

    def register(self, seq: int, by: str) -> Outcome:
        """An arrival with today's appointments. Raises KeyError."""
        return self._register(seq, None, by)

    def walk_in(self, seq: int, department: str, by: str) -> Outcome:
        """An arrival without an appointment. `department`: a code. Raises KeyError."""
        what = self._departments.walk_in(department, self._clock())
        return Refused(Problem("not_done.no_department")) if what is None else self._register(seq, what, by)

    def _register(self, seq: int, walk_in: OrderedWalkIn | None, by: str) -> Outcome:
        patient, day, now = self._today.entry(seq)[0].patient, self._today.day, self._clock()
        if not patient:
            return Refused(Problem("not_done.no_number"))
        # Pressed again after no answer it is the same attempt: then what it has done already is its own.
        about = (patient, walk_in.department if walk_in else "")
        attempt = self._attempts.setdefault(about, str(uuid.uuid4()))
        not_after = now + timedelta(seconds=ANSWER_S)
        order = Order(attempt, patient, day, now, not_after, walk_in=walk_in)
        answer = self._reservations.register(order, _until())
        if not (isinstance(answer, Trouble) and answer.maybe_done):
            self._attempts.pop(about, None)
        match answer:
            case Registered():
                return self._registered_now(seq, answer, "walk_in" if walk_in else "register", by)
            case InCustody():
                return Refused(Problem("not_done.custody", {"number": answer.number}))
            case UnknownPatient():
                return Refused(Problem("not_done.unknown_patient"))
            case NothingToRegister():
                return Refused(Problem("not_done.no_appointment"))
            case Trouble():
                return _not_done(answer)
            case Withdrawn():
                return Refused(Problem("not_done.reservations"))

    def cancel(self, line: int, reason: str, by: str) -> Outcome:
        """Undo an arrival, with all its receptions. Raises KeyError for a line that is not of today."""
        entry, day, now = self.entry(line), self._today.day, self._clock()
        answer = self._reservations.cancel(entry.patient_number, entry.receptions[0], day, now, reason, _until())
        if isinstance(answer, Trouble):
            return _not_done(answer)
        if not isinstance(answer, Cancelled):
            return Refused(Problem("not_done.not_registered"))
        for each in self._today.view().entries:
            if each.visit.arrival == line:
                self._today.remember(each.visit.seq, self._noted("cancel", by), _cancelled)
        self._work.put(None)
        return Done(arrival=line, already=entry.cancelled is not None)

    def entry(self, line: int) -> Entry:
        """A line of the register. Raises KeyError."""
        for each in self.entries or ():
            if line_of(each) == line:
                return each
        raise KeyError(line)

    def _registered_now(self, seq: int, answer: Registered, act: str, by: str) -> Outcome:
        line = int(answer.receptions[0].key)

        def change(old: Visited) -> Visited:
            own = line if answer.ours else old.registered_here
            return replace(_arrived(old, line, answer.receptions), registered_here=own)

        self._today.remember(seq, self._noted(act, by), change)
        self._work.put(None)
        if answer.ours:
            self.registered(seq, answer.receptions[0].at)
        return Done(line, not answer.ours, bool(answer.left_out))

    def _asked_entries(self) -> tuple[Entry, ...]:
        answer = self._reservations.entries(self._today.day, _until())
        if isinstance(answer, Trouble):
            raise _Down
        return answer.entries

    def _noted(self, act: str, by: str) -> Noted:
        return Noted(self._clock(), act, by)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _note_answers(self, yes: bool) -> None:
        self.answers = yes
        self._today.touch()
        self._work.put(None)

    def _run(self) -> None:
        while not self._closed.is_set():
            wanted, is_news = self._next()
            self.ticked()
            if is_news or self._is_unread:
                self.renewed()
            try:
                self._forget_yesterday()
                if wanted is not None:
                    self._look_up(wanted)
                if is_news or self._is_unread:
                    self._read_register(wanted)
                self._look_again()
                self._register_by_itself()
            except _Down:
                self._stale = self._is_unread = True
            except (sqlite3.Error, OSError):
                self._is_unkept = self._is_unread = True
            except KeyError:
                self._is_unread = True  # a visit of yesterday

    def _next(self) -> tuple[int | None, bool]:
        """A visit to look up, and whether anything was said: that it is there, or that something has changed."""
        try:
            return self._work.get(timeout=1.0), True
        except queue.Empty:
            return None, False

    def _forget_yesterday(self) -> None:
        if self._looked_day != self._today.day:
            with self._lock:
                self._looked_day, self._looked = self._today.day, {}
            self._due = {}
            self._stale = self._is_unread = True

    def _look_up(self, seq: int) -> None:
        entry, _ = self._today.entry(seq)
        if not entry.patient:
            return
        answer = self._reservations.find(entry.patient, self._today.day, _until())
        if isinstance(answer, Trouble):
            raise _Down
        looked = Looked()
        if isinstance(answer, Found):
            may_walk_in = self._departments.may_walk_in(answer.last_day, self._today.day)
            looked = Looked(answer.appointments, may_walk_in)
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
        entries = self._asked_entries()
        self._is_unread = False
        if entries != self._entries or self._is_unkept:
            self._entries, self._is_unkept = entries, False
            self._by_line = {line_of(each): each for each in entries}
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
            line, receptions = (line_of(arrived), arrived.receptions) if arrived else (None, ())
            change = partial(_arrived, line=line, receptions=receptions, is_cancelled=visited.patient in cancelled)
            self._today.change(visited.visit.seq, change)
            if arrived is not None and visited.visit.arrival is None:
                self.registered(visited.visit.seq, arrived.receptions[0].at)

    def _look_again(self) -> None:
        """Appointments of those who wait, after the reservations have changed; of a system, of who has none yet."""
        now = time.monotonic()
        if not self._stale or now - self._looked_at < AGAIN_S:
            return
        of_all = not self._reservations.ability.knows_patients or now - self._all_looked_at >= SYSTEM_AGAIN_S
        self._stale, self._looked_at = not of_all, now
        if of_all:
            self._all_looked_at = now
        for visited in self._today.view().entries:
            seq = visited.visit.seq
            if visited.visit.arrival is None and (of_all or seq not in self._looked):
                self._look_up(seq)

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


def _arrived(
    old: Visited, line: int | None, receptions: tuple[Reception, ...], *, is_cancelled: bool = False
) -> Visited:
    is_cancelled = is_cancelled and line is None
    return replace(old, visit=replace(old.visit, arrival=line, receptions=receptions, cancelled=is_cancelled))


def _cancelled(old: Visited) -> Visited:
    return replace(_arrived(old, None, (), is_cancelled=True), registered_here=None)


def _until() -> float:
    return time.monotonic() + ANSWER_S


def _not_done(trouble: Trouble) -> Refused:
    # Whether something was written is not always known; asking once more is always safe, and says so.
    code = "not_done.reservations"
    if not trouble.maybe_done:
        code = {"busy": "not_done.system_busy", "refused": "not_done.system_refused"}.get(trouble.kind, code)
    return Refused(Problem(code))
