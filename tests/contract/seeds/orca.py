"""The suite's patients in a simulated ORCA, and what it can be made to do."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from itertools import cycle
from typing import Any

from drivers.reservations import opening
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.address import parse
from drivers.simulated.orca import Hospital, Manners, Patient, SimulatedOrca
from drivers.simulated.orca.hospital import plain
from drivers.simulated.orca.manners import now
from tests.contract.scene import DEPARTMENTS, DOCTORS, TAKAHASHI, Department, Scene
from tests.contract.subject import Fault, Peer

_WRITE = "acceptmodv2"
Knob = Callable[[str], AbstractContextManager[None]]


def simulated(manners: Manners | None = None, **how: Any) -> SimulatedOrca:
    """One with the suite's departments and doctors, and nobody in it."""
    departments = {each.code: each.name for each in DEPARTMENTS}
    doctors = {each.code: each.name for each in DOCTORS}
    return SimulatedOrca(hospital=Hospital(departments, doctors), manners=manners or Manners(race_s=0.02), **how)


def start(scene: Scene, url: str, settings: Settings) -> Peer:
    """The simulator itself, at the port of `url`, until pytest ends: a seed may start what it needs."""
    ((_, port),) = opening.peers(url)
    orca = simulated(port=port, user=parse(url).user, password=settings.password)
    orca.start()
    return fill(orca, scene)


def fill(orca: SimulatedOrca, scene: Scene) -> Peer:
    """All patients of the scene with their appointments."""
    for patient in scene.patients:
        orca.hospital.add(Patient(patient.number, patient.name, "サキヤマ　リン", patient.birth_date))
        for due in patient.case.due:
            day = scene.date_of(due)
            orca.hospital.book(
                patient.number, day, due.time, due.department.code, due.doctor.code, note="職員だけのメモ"
            )

    def registered(patient_number: str, day: date) -> int:
        return len(orca.hospital.receptions_of(day, patient_number))

    def register_at_window(patient_number: str, department: Department) -> None:
        at = now().time().replace(microsecond=0)
        orca.hospital.staff_register(patient_number, scene.day, at, department.code, TAKAHASHI.code)

    return Peer(registered, by_department=True, register_at_window=register_at_window, faults=Knobs(orca).faults())


class Knobs:
    """What this ORCA can be made to do."""

    def __init__(self, orca: SimulatedOrca) -> None:
        self._orca = orca
        self._days, self._warnings = cycle((1, -1)), cycle(("K1", "K2", "K3"))

    def faults(self) -> dict[Fault, Knob]:
        """Each by its name."""
        return {
            "busy": self.busy,
            "busy_twice": self._fails("result", _WRITE, code="90", times=2),
            "meanwhile": self.meanwhile,
            "login": self.other_password,
            "refuses": lambda number: self.refuses(*self._orca.hospital.departments),
            "refuses_one": lambda number: self.refuses(DEPARTMENTS[-1].code),
            "someone_else": self._fails("other_patient"),
            "unknown_code": self._fails("warning", code="77"),
            "nonsense": self._fails("page"),
            "huge": self._fails("huge"),
            "hostile": self._fails("doctype"),
            "error": self._fails("status", code="500"),
            "not_there": self._mannered(prefix="/elsewhere"),
            "wrong_clock": self.wrong_clock,
            "wrong_day": self._fails("other_day"),
            "reply_lost": self._fails("lost", _WRITE, times=1),
            "warnings": lambda number: self._fails("warning", _WRITE, code=next(self._warnings))(number),
            "other_zeros": self._mannered(code_digits=4),
            "stub": self._mannered(),
            "cut_list": self._mannered(patient_rows_max=1),
            "padded": self._mannered(patient_digits=9),
        }

    def _fails(self, kind: Any, *calls: Any, **how: Any) -> Knob:
        @contextmanager
        def knob(patient_number: str) -> Generator[None, None, None]:
            self._orca.fail(kind, *calls, **how)
            try:
                yield
            finally:
                self._orca.heal()

        return knob

    def _mannered(self, **changes: Any) -> Knob:
        @contextmanager
        def knob(patient_number: str) -> Generator[None, None, None]:
            manners = self._orca.manners
            before = {name: getattr(manners, name) for name in changes}
            vars(manners).update(changes)
            try:
                yield
            finally:
                vars(manners).update(before)

        return knob

    def wrong_clock(self, patient_number: str) -> AbstractContextManager[None]:
        """A day fast, the next time a day slow."""
        off = timedelta(next(self._days))
        return self._mannered(clock=lambda: now() + off)(patient_number)

    @contextmanager
    def busy(self, patient_number: str) -> Generator[None, None, None]:
        """Somebody has the patient open at a terminal."""
        self._orca.hospital.at_terminal.add(plain(patient_number))
        try:
            yield
        finally:
            self._orca.hospital.at_terminal.discard(plain(patient_number))

    @contextmanager
    def meanwhile(self, patient_number: str) -> Generator[None, None, None]:
        """Staff are quicker: right before ORCA looks for a double of what the adapter sent."""
        hospital, look = self._orca.hospital, self._orca.hospital.double

        def register_first(number: str, day: date, department: str, insurance: str) -> bool:
            hospital.double = look  # type: ignore[method-assign]  # once
            hospital.staff_register(number, day, now().time().replace(microsecond=0), department, TAKAHASHI.code)
            return look(number, day, department, insurance)

        hospital.double = register_first  # type: ignore[method-assign]  # the one moment between look and write
        try:
            yield
        finally:
            hospital.double = look  # type: ignore[method-assign]  # as it was

    @contextmanager
    def refuses(self, *codes: str) -> Generator[None, None, None]:
        """These departments take nobody."""
        self._orca.hospital.refuses.update(dict.fromkeys(codes, "24"))
        try:
            yield
        finally:
            self._orca.hospital.refuses.clear()

    @contextmanager
    def other_password(self, patient_number: str) -> Generator[None, None, None]:
        """Somebody has changed it."""
        before, self._orca.password = self._orca.password, "another"
        try:
            yield
        finally:
            self._orca.password = before
