"""The day as the desk has it: visits in memory, each change kept, numbered and reported.

Owns the lock around `visits.Day`, the revisions, and the change of days at 04:00. Must never call out while it holds
the lock, but for the store.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from kiosk.desk.compare import SubsidyChange
from kiosk.desk.day_store import DayStore, Entry, Noted, Taken
from kiosk.desk.register import Register
from kiosk.desk.visits import Answer, Day, Settlement, Tap, Visit
from kiosk.results.changes import EligibilityChange

ENDS_AT_H: Final = 4  # who is still at work at midnight goes on with the same list
# A clock that is set back by less than this goes on with the list of its day.
_BACK: Final = timedelta(hours=1)


@dataclass(frozen=True)
class View:
    """One moment of the day. `revisions`: by `seq`, when the entry last changed. `began`: the day's first revision.

    `arrivals_revision`: when the list of arrivals last changed, as far as `touch` said so.
    """

    day: date
    revision: int
    began: int
    arrivals_revision: int
    changed_at: datetime
    entries: tuple[Entry, ...] = field(repr=False)
    revisions: Mapping[int, int]

    @property
    def waiting(self) -> tuple[Visit, ...]:
        """Visits that wait for a person."""
        return tuple(entry.visit for entry in self.entries if entry.visit.attention)

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the oldest of them waits; None: none does."""
        return min((visit.open_since for visit in self.waiting if visit.open_since), default=None)


class Today:
    """Any thread. `clock`: the site's local time, aware. `wait`: for how long a subsidy answer is waited for.

    `keep_days`: for how many days the store keeps what is past. Raises sqlite3.Error of the store.
    """

    def __init__(
        self, store: DayStore, register: Register, clock: Callable[[], datetime], wait: timedelta, keep_days: int
    ) -> None:
        self._store, self._register, self._clock, self._wait = store, register, clock, wait
        self._keep_days = keep_days
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[int], None]] = []
        # A page that asks for what is newer than its own revision must not meet smaller ones after a restart.
        self._revision = int(clock().timestamp() * 1000)
        self._begin(self._day_of(clock()))

    def _day_of(self, now: datetime) -> date:
        return (now - timedelta(hours=ENDS_AT_H)).date()

    def _begin(self, day: date, after: int = 0) -> None:
        """The day as the store has it; new visits get numbers beyond `after`."""
        self._store.forget(day - timedelta(days=self._keep_days))
        entries, answers, files = list(self._store.entries(day)), dict(self._store.answers(day)), self._store.files(day)
        self._day, self._after = day, after
        self._revision += 1
        self._began = self._arrivals_revision = self._revision
        self._changed_at = self._clock()
        self._entries = {entry.visit.seq: entry for entry in entries}
        self._revisions = dict.fromkeys(self._entries, self._revision)
        self._contents = dict(self._revisions)
        self._files = set(files)
        self._restore(answers)

    def _restore(self, answers: Mapping[str, Answer]) -> None:
        self._visits = Day(self._register, after=self._after)
        self._visits.restore([entry.visit for entry in self._entries.values()], answers)

    # --- what is asked ---------------------------------------------------------------------------------------------

    def view(self) -> View:
        """All of it."""
        with self._lock:
            entries = tuple(self._entries.values())
            return View(
                self._day, self._revision, self._began, self._arrivals_revision, self._changed_at, entries,
                dict(self._revisions),
            )  # fmt: skip

    def entry(self, seq: int) -> tuple[Entry, int]:
        """A visit and its revision. Raises KeyError."""
        with self._lock:
            return self._entries[seq], self._revisions[seq]

    def content(self, seq: int) -> int:
        """When what a visit says of eligibility and subsidies last changed: acts name it. Raises KeyError."""
        with self._lock:
            return self._contents[seq]

    @property
    def day(self) -> date:
        """Whose list it is: until 04:00 that of the day before."""
        with self._lock:
            return self._day

    def files(self) -> frozenset[int]:
        """The numbers of the results that came today."""
        with self._lock:
            return frozenset(number for number, _ in self._files)

    def subscribe(self, changed: Callable[[int], None]) -> Callable[[], None]:
        """`changed(revision)` after each change, from any thread; returns what ends that."""
        with self._lock:
            self._subscribers.append(changed)

        def end() -> None:
            with self._lock:
                self._subscribers.remove(changed)

        return end

    # --- what happens ----------------------------------------------------------------------------------------------

    def tapped(self, tap: Tap, change: EligibilityChange | None, patient: str, file: int) -> int | None:
        """A result came. `patient`: the number of the card. Returns the visit's `seq`.

        None: it came before, or is of an earlier day, handed over when nobody was there to take it.
        """
        taken = (file, tap.at)
        with self._changing():
            if taken in self._files or self._day_of(tap.at) < self._day:
                return None
            visit = self._visits.tapped(tap, change)
            old = self._entries.get(visit.seq)
            entry = old or Entry(visit)
            noted = (*entry.history, Noted(tap.at, "tap"))
            number = patient or entry.patient
            self._keep(replace(entry, visit=visit, patient=number, file=file, history=noted), taken)
            self._files.add(taken)
            return visit.seq

    def answered(self, request: str, answer: Answer) -> None:
        """What came for a subsidy request, by its lower-case name."""
        with self._changing():
            self._store.put_answer(self._day, request, answer)
            visit = self._visits.answered(request, answer, self._clock())
            if visit is not None:
                self._keep(replace(self._entries[visit.seq], visit=visit))

    def tick(self) -> None:
        """Time has passed: answers that do not come any more, and the next day."""
        with self._changing():
            now = self._clock()
            day = self._day_of(now)
            if day > self._day:
                self._begin(day)
            elif self._day_of(now + _BACK) < self._day:
                # The clock was ahead. Sessions go on: a page that is still open must not name another's visit.
                self._begin(day, max(self._after, *self._entries, 0))
            for visit in self._visits.waited(now, self._wait):
                self._keep(replace(self._entries[visit.seq], visit=visit))

    def settle(self, seq: int, matters: Mapping[str, Settlement], noted: Noted, content: int) -> bool:
        """A person dealt with something. False: `content` of the visit is another one by now. Raises KeyError."""
        with self._changing():
            if self._contents[seq] != content:
                return False
            visit = self._visits.settle(seq, matters, noted.at)
            entry = self._entries[seq]
            self._keep(replace(entry, visit=visit, history=(*entry.history, noted)))
            return True

    def change(self, seq: int, change: Callable[[Entry], Entry]) -> Entry:
        """`change` of an entry and of its visit's arrival, cancelling or printing. Raises KeyError."""
        with self._changing():
            old = self._entries[seq]
            new = change(old)
            if new == old:
                return old
            if new.visit != old.visit:
                new = replace(new, visit=self._visits.put(new.visit, self._clock()))
            self._keep(new)
            return new

    def remember(self, seq: int, noted: Noted, change: Callable[[Entry], Entry] = lambda old: old) -> None:
        """Add what was done, and kept elsewhere, to a visit: that this cannot be kept does not undo it."""
        with suppress(sqlite3.Error):
            self.change(seq, lambda old: replace(change(old), history=(*old.history, noted)))

    def compared(self, seq: int) -> SubsidyChange:
        """A visit's subsidies beside what is accepted now, which may be more than when it came. Raises KeyError."""
        with self._lock:
            return self._visits.compared(seq).subsidies

    def compare_again(self, seq: int) -> None:
        """Keep and display `compared`. Raises KeyError."""
        self.change(seq, lambda old: replace(old, visit=self._visits.compared(seq)))

    def renew(self, seq: int) -> None:
        """What is displayed of a visit has changed, although nothing that is kept. Raises KeyError."""
        with self._changing():
            self._revision += 1
            self._revisions[self._entries[seq].visit.seq] = self._revision
            self._changed_at = self._clock()

    def touch(self) -> None:
        """The list of arrivals, or something that stands above every page, has changed."""
        with self._changing():
            self._revision += 1
            self._arrivals_revision = self._revision
            self._changed_at = self._clock()

    def _keep(self, entry: Entry, file: Taken | None = None) -> None:
        self._store.put(self._day, entry, file)
        self._revision += 1
        seq, old = entry.visit.seq, self._entries.get(entry.visit.seq)
        if old is None or _content(old) != _content(entry):
            self._contents[seq] = self._revision
        self._entries[seq] = entry
        self._revisions[seq] = self._revision
        self._changed_at = self._clock()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Whoever subscribed hears of it after the lock is free."""
        with self._lock:
            before = self._revision
            try:
                yield
            except Exception:
                # What could not be kept did not happen: its sender offers it again.
                self._restore(self._visits.answers)
                raise
            finally:
                after, subscribers = self._revision, list(self._subscribers)
        if after != before:
            for changed in subscribers:
                changed(after)


def _content(entry: Entry) -> tuple[object, ...]:
    """What staff decide about."""
    return entry.visit.taps, entry.visit.eligibility, entry.visit.subsidies
