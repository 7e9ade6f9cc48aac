"""A system of record in memory, whose calls can be made to fail as a network makes them fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime

from drivers.reservations import (
    Answer,
    Appointment,
    Cancellation,
    Cancelled,
    DayList,
    Departments,
    Found,
    NothingToRegister,
    NotRegistered,
    Order,
    Reception,
    Registered,
    Registration,
    Trouble,
    UnknownPatient,
    Withdrawn,
)
from drivers.reservations.ports import Ability

DOWN = Trouble("unreachable", "nobody answers")
LOST = Trouble("unreachable", "no reply", maybe_done=True)
BUSY = Trouble("busy", "open elsewhere")
REFUSED = Trouble("refused", "no such department")


class SystemDouble:
    """`appointments`: of each patient; one reception for each department, as ORCA has it. It does not serialise.

    `down`: nothing is answered. `cut`: its day list is not whole. `faults`: what the next registrations meet, instead
    of being done. `lose`: so many replies of registrations that were done get lost. `before`, `after`: called when a
    registration arrives, and when it was done. `calls`: the names of the calls, in order.
    """

    ability = Ability(knows_patients=True, gives_numbers=True, cancels=True, lists_day=True, walk_in=True)

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.appointments: dict[str, tuple[Appointment, ...]] = {}
        self.receptions: dict[str, tuple[Reception, ...]] = {}
        self.down = self.cut = False
        self.faults: list[Trouble] = []
        self.lose = 0
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.calls: list[str] = []

    def at_window(self, patient_number: str) -> None:
        """Staff register the patient."""
        self._registered(patient_number, self.appointments[patient_number])

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        self.calls.append("find")
        if self.down:
            return DOWN
        if patient_number not in self.appointments:
            return UnknownPatient(patient_number)
        return Found(patient_number, self.appointments[patient_number], None, self.receptions.get(patient_number, ()))

    def register(self, order: Order, until: float) -> Registration:
        self.calls.append("register")
        self.before()
        patient = order.patient_number
        if self.down:
            return DOWN
        if self.faults:
            return self.faults.pop(0)
        if patient not in self.appointments:
            return UnknownPatient(patient)
        if self.clock() >= order.not_after:
            return Withdrawn(patient)
        known = self.receptions.get(patient, ())
        due = self.appointments[patient]
        if known:
            return Registered(patient, known, due, ours=False)
        if not due and order.walk_in is None:
            return NothingToRegister(patient)
        self._registered(patient, due)
        self.after()
        if self.lose:
            self.lose -= 1
            return LOST
        return Registered(patient, self.receptions[patient], due)

    def _registered(self, patient: str, due: tuple[Appointment, ...]) -> None:
        first = sum(map(len, self.receptions.values())) + 1
        made = [
            Reception(f"{first + number:05}", self.clock(), each.department, f"{first + number:05}")
            for number, each in enumerate(due)
        ]
        self.receptions[patient] = (*self.receptions.get(patient, ()), *made)

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        self.calls.append("cancel")
        if self.down:
            return DOWN
        known = self.receptions.get(patient_number, ())
        gone = tuple(each for each in known if each.key == reception.key)
        self.receptions[patient_number] = tuple(each for each in known if each.key != reception.key)
        return Cancelled(patient_number, gone, at, reason) if gone else NotRegistered(patient_number)

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        self.calls.append("day_list")
        if self.down:
            return DOWN
        found = [self.find(patient, day, until) for patient in self.appointments]
        return DayList(day, self.clock(), tuple(each for each in found if isinstance(each, Found)), not self.cut)

    def departments(self, day: date, until: float) -> Departments | Trouble:
        self.calls.append("departments")
        return DOWN if self.down else Departments(())

    def close(self) -> None:
        """Nothing is open."""

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers meanwhile."""
        self.down = True
        try:
            yield
        finally:
            self.down = False


def appointment(day: date, at: str, department: str, code: str = "") -> Appointment:
    """Of a made-up patient."""
    clock = datetime.strptime(at, "%H:%M").time()
    return Appointment(day, clock, department, "", "", "", department_code=code)


def until(seconds: float = 11.0) -> float:
    """A deadline."""
    return time.monotonic() + seconds
