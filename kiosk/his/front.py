"""The reservations of a site that has a system beside the book: the one place that knows in which order both are asked.

A registration is book, system, book: the book's row of this day and patient is taken, the system is told, and what came
of it is settled in the book. A crash between any two leaves a row whose lease ends; whoever comes next asks the system
before anything is written there. So a system that does not serialise gets one registration, whatever happens.

Must never: write to the system without having the row; take an outcome that is not known for one; tell a patient that
is only kept in custody that he is registered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Found,
    Kept,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
    Withdrawn,
)
from drivers.reservations.ports import Ability, Book, Subscription, SystemOfRecord
from kiosk.his.custody import Custody
from kiosk.his.health import Health
from kiosk.his.merging import is_cancelled_since, joined, registered_there, with_entry, without_the_system

# A row whose owner has died is somebody else's after so long: longer than any registration may take.
LEASE_S: Final = 20.0
# An outcome that is not known is asked for so long.
ASK_S: Final = 3.0
AGAIN_S: Final = 1.0
BUSY_TRIES: Final = 3
# What came of the system is settled even if the patient's time is over.
SETTLE_S: Final = 3.0
# A system that was away a moment ago is not asked again for the same patient.
DOWN_S: Final = 15.0
# A call that ends so shortly before its time was not answered.
SILENT_S: Final = 0.5


@dataclass(frozen=True)
class Settings:
    """Of site.toml: how long the system may take."""

    find_s: float = 5.0
    register_s: float = 8.0


class Front:
    """`Reservations`, see drivers.reservations. Several threads may ask, each one thing at a time.

    `system` None: the book, which is elsewhere, is the system too. `local`: the book of this machine, which remembers
    what a book elsewhere may not have heard of; the same as `book` where that is here. `custody` None: when the system
    is down, nobody is received. `report`: EventLog.write.
    """

    def __init__(
        self,
        book: Book,
        system: SystemOfRecord | None,
        local: Book,
        custody: Custody | None,
        settings: Settings,
        clock: Callable[[], datetime],
        report: Callable[..., None],
    ) -> None:
        self.book, self.system, self.local = book, system, local
        self._custody, self._settings = custody, settings
        self._clock, self._report = clock, report
        self.health = Health(report)
        self._flights = threading.Condition()
        self._flying: set[str] = set()

    @property
    def ability(self) -> Ability:
        """The system's; the book keeps the attempts."""
        return self.book.ability if self.system is None else replace(self.system.ability, keeps_attempts=True)

    # --- look-up ------------------------------------------------------------------------------------------------------

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """See SystemOfRecord.find. With `as_of` where the system did not answer and the last day list did."""
        answer = self.asked(patient_number, day, until)
        if isinstance(answer, Trouble) and answer.kind == "unreachable":
            answer = (self._custody.find(patient_number, day) if self._custody else None) or answer
        if self.system is None or not isinstance(answer, Found):
            return answer
        booked = self.book.find(patient_number, day, until)
        if not isinstance(booked, Found):
            return booked if answer.as_of is None else answer
        if answer.as_of is not None and answer.receptions and not booked.receptions:
            # The list may be of before a cancelling.
            register = self.book.entries(day, until)
            if isinstance(register, Register) and is_cancelled_since(answer, answer.as_of, register):
                return replace(answer, see_staff=True)
        return joined(answer, booked)

    def asked(self, patient_number: str, day: date, until: float) -> Answer:
        """As the system has the patient now."""
        began = time.monotonic()
        answer = (self.system or self.book).find(patient_number, day, min(until, began + self._settings.find_s))
        self.health.note(answer, time.monotonic() - began)
        return answer

    # --- registration -------------------------------------------------------------------------------------------------

    def register(self, order: Order, until: float) -> Registration:
        """See SystemOfRecord.register. InCustody where the system is down and the site has decided for it."""
        if self._custody is None:
            return self.deliver(order, until, ask_first=False)
        waiting = self._custody.of(order)
        if waiting is not None:
            # The same patient once more: under the number of his slip, however it ends.
            order = replace(order, number=waiting.number)
        if self.health.down_for(DOWN_S):
            outcome: Registration = Trouble("unreachable", "the system was down a moment ago")
        else:
            outcome = self.deliver(order, until, ask_first=waiting is not None)
        if isinstance(outcome, Registered) and waiting is not None:
            self.local.noted_done(waiting.order, time.monotonic() + SETTLE_S)
        if isinstance(outcome, Trouble) and outcome.kind == "unreachable" and not outcome.maybe_done:
            return self._in_the_book(order, until) or self._custody.keep(order, waiting) or outcome
        return outcome

    def _in_the_book(self, order: Order, until: float) -> Registered | Trouble | None:
        booked = self.book.find(order.patient_number, order.day, until) if self.system is not None else None
        return without_the_system(order, booked) if isinstance(booked, Found) else None

    def deliver(self, order: Order, until: float, *, ask_first: bool) -> Registration:
        """Register, or say why not; never into custody. `ask_first`: the system may have the order already."""
        with self._alone(order.attempt, until) as is_alone:
            if not is_alone:
                return Trouble("busy", "the same attempt is under way")
            return self._delivered(order, until, ask_first=ask_first)

    @contextmanager
    def _alone(self, attempt: str, until: float) -> Iterator[bool]:
        """One thread at a time: a call that was abandoned may be at it still when the same is asked again."""
        with self._flights:
            is_free = self._flights.wait_for(lambda: attempt not in self._flying, max(0.0, until - time.monotonic()))
            if is_free:
                self._flying.add(attempt)
        try:
            yield is_free
        finally:
            if is_free:
                with self._flights:
                    self._flying.discard(attempt)
                    self._flights.notify_all()

    def _delivered(self, order: Order, until: float, *, ask_first: bool) -> Registration:
        if self.system is None:
            return self._in_book(order, until)
        taken = self._taken(order, until)
        if isinstance(taken, Trouble):
            # Nothing has gone to the system, whatever it is that the book has.
            return replace(taken, kind="busy" if taken.kind == "busy" else "unreachable", maybe_done=False)
        if isinstance(taken, Registered):
            return taken
        outcome = self._at_system(self.system, order, until, taken, ask_first=ask_first or taken.ask_first)
        settled = self.book.settle(order, outcome, max(until, time.monotonic() + SETTLE_S))
        if isinstance(settled, Trouble) and isinstance(outcome, Registered):
            # The system has it and the book does not know: the next attempt asks first.
            settled = replace(settled, maybe_done=True)
        self._note_unknown(order, settled)
        return settled

    def _in_book(self, order: Order, until: float) -> Registration:
        """The book is the system: the same attempt may simply be asked again."""
        began = time.monotonic()
        answer = self._patiently(self.book.register, order, min(until, began + self._settings.register_s))
        while (
            isinstance(answer, Trouble) and answer.maybe_done and time.monotonic() < min(until, began + self._longest_s)
        ):
            time.sleep(AGAIN_S / 4)
            again = self.book.register(order, min(until, began + self._longest_s))
            answer = replace(again, maybe_done=True) if isinstance(again, Trouble) else again
        self.health.note(answer, time.monotonic() - began)
        self._note_unknown(order, answer)
        return answer

    @property
    def _longest_s(self) -> float:
        return self._settings.register_s + ASK_S

    def _taken(self, order: Order, until: float) -> Taken | Registered | Trouble:
        taken = self.book.take(order, LEASE_S, until)
        for _ in range(BUSY_TRIES - 1):
            if not (isinstance(taken, Trouble) and taken.kind == "busy") or not _wait(AGAIN_S, until):
                break
            taken = self.book.take(order, LEASE_S, until)
        return taken

    def _at_system(
        self, system: SystemOfRecord, order: Order, until: float, taken: Taken, *, ask_first: bool
    ) -> Registration:
        if ask_first:
            found = self.asked(order.patient_number, order.day, until)
            if isinstance(found, Trouble):
                return replace(found, maybe_done=taken.ask_first)
            there = registered_there(order, found) if isinstance(found, Found) else None
            if there is not None:
                # Where no attempt can have reached the system, it was a window.
                there = replace(there, ours=taken.ask_first)
                return self._rest(system, order, there, min(until, time.monotonic() + self._settings.register_s))
        began = time.monotonic()
        ends = min(until, began + self._settings.register_s)
        outcome = self._patiently(system.register, order, ends)
        self.health.note(outcome, time.monotonic() - began)
        if isinstance(outcome, Trouble) and outcome.maybe_done:
            # A system that was silent to the end may be at it still, and not yet say so.
            return self._asked_after(system, order, outcome, until, is_lost=time.monotonic() < ends - SILENT_S)
        return outcome

    def _patiently(self, register: Callable[[Order, float], Registration], order: Order, until: float) -> Registration:
        """A system that is busy for a moment is asked again."""
        answer = register(order, until)
        for _ in range(BUSY_TRIES - 1):
            if not (isinstance(answer, Trouble) and answer.kind == "busy") or answer.maybe_done:
                break
            if not _wait(AGAIN_S, until):
                break
            answer = register(order, until)
        return answer

    def _asked_after(
        self, system: SystemOfRecord, order: Order, outcome: Trouble, until: float, *, is_lost: bool
    ) -> Registration:
        """Whether it was done. Where the system says twice that it was not, once more if what was sent `is_lost`."""
        until = min(until, time.monotonic() + ASK_S)
        none_since: float | None = None
        while time.monotonic() < until:
            found = system.find(order.patient_number, order.day, until)
            there = registered_there(order, found) if isinstance(found, Found) else None
            if there is not None:
                return self._rest(system, order, there, until)
            if not isinstance(found, Trouble) and is_lost:
                if none_since is not None:
                    again = system.register(order, until)
                    if isinstance(again, Trouble):
                        return replace(again, maybe_done=True)
                    return outcome if isinstance(again, Withdrawn) else again
                none_since = time.monotonic()
            if not _wait(AGAIN_S if none_since is not None else AGAIN_S / 4, until):
                break
        return outcome

    def _rest(self, system: SystemOfRecord, order: Order, there: Registered, until: float) -> Registration:
        """The same, with the departments that the attempt did not come to."""
        if not there.left_out:
            return there
        answer = self._patiently(system.register, order, until)
        if isinstance(answer, Trouble):
            return answer if answer.maybe_done else there
        return replace(answer, ours=True) if isinstance(answer, Registered) else there

    def _note_unknown(self, order: Order, outcome: Registration) -> None:
        """A book elsewhere may not have heard of it: then this machine remembers to ask."""
        if isinstance(outcome, Trouble) and outcome.maybe_done:
            self._report("his_outcome_unknown", what=outcome.kind)
            if self.local is not self.book:
                note = Unsettled("unknown", order, self._clock(), order.number, outcome.kind)
                self.local.note(note, time.monotonic() + SETTLE_S)

    # --- what the desk asks besides -----------------------------------------------------------------------------------

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """See Reservations.cancel: at the system first, each of its receptions that the book knows of that line."""
        if self.system is not None and self.system.ability.cancels:
            register = self.book.entries(day, until)
            if isinstance(register, Trouble):
                return register
            line = (
                each for each in register.entries if (each.patient_number, each.key) == (patient_number, reception.key)
            )
            for of_system in (each for entry in line if entry.cancelled is None for each in entry.of_system):
                answer = self.system.cancel(patient_number, of_system, day, at, reason, until)
                if isinstance(answer, Trouble):
                    return answer
        return self.book.cancel(patient_number, reception, day, at, reason, until)

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """As the system has it, with what went through the book: the sum of all `find`."""
        listed = (self.system or self.book).day_list(day, until)
        if self.system is None or isinstance(listed, Trouble):
            return listed
        register = self.book.entries(day, until)
        if isinstance(register, Trouble):
            return register
        booked = {self._plain(each.patient_number): each for each in register.entries if each.cancelled is None}
        patients = tuple(with_entry(each, booked.get(self._plain(each.patient_number))) for each in listed.patients)
        return replace(listed, patients=patients)

    def _plain(self, patient_number: str) -> str:
        return patient_number.lstrip("0") if self.ability.pads_numbers else patient_number

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """As the system has them."""
        return (self.system or self.book).departments(day, until)

    def entries(self, day: date, until: float) -> Register | Trouble:
        """See Reservations.entries: what went through the book."""
        return self.book.entries(day, until)

    def count(self, day: date, until: float) -> Count | Trouble:
        """Of the book, or of the last day list where a system has the appointments."""
        if self.system is None:
            return self.book.count(day, until)
        listed = self.day_list(day, until)
        if isinstance(listed, Trouble):
            return listed
        return Count(sum(len(each.appointments) for each in listed.patients))

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """See Reservations.unsettled: of the book, and of this machine."""
        here = self.local.unsettled(day, until)
        if self.local is self.book or isinstance(here, Trouble):
            return here
        there = self.book.unsettled(day, until)
        if isinstance(there, Trouble):
            return here
        return UnsettledList(tuple(sorted((*here.unsettled, *there.unsettled), key=lambda each: each.since)))

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """See Book.noted_done: wherever it is noted."""
        answers = [book.noted_done(order, until) for book in ({self.book, self.local})]
        return next((each for each in answers if isinstance(each, Trouble)), answers[0])

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """See Reservations.follow: of the book."""
        return self.book.follow(changed, answers)

    def close(self) -> None:
        """Close its connections."""
        for each in (self.book, self.system):
            if each is not None:
                each.close()


def _wait(seconds: float, until: float) -> bool:
    """False: there is no time for that."""
    if time.monotonic() + seconds >= until:
        return False
    threading.Event().wait(seconds)
    return True
