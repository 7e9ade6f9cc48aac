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
_Knob = Callable[[str], AbstractContextManager[None]]


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

    return Peer(registered, by_department=True, register_at_window=register_at_window, faults=faults(orca))


def faults(orca: SimulatedOrca) -> dict[Fault, _Knob]:
    """What this ORCA can be made to do."""

    def fails(kind: Any, *calls: Any, **how: Any) -> _Knob:
        @contextmanager
        def knob(patient_number: str) -> Generator[None, None, None]:
            orca.fail(kind, *calls, **how)
            try:
                yield
            finally:
                orca.heal()

        return knob

    def mannered(**changes: Any) -> _Knob:
        @contextmanager
        def knob(patient_number: str) -> Generator[None, None, None]:
            before = {name: getattr(orca.manners, name) for name in changes}
            vars(orca.manners).update(changes)
            try:
                yield
            finally:
                vars(orca.manners).update(before)

        return knob

    days, warnings = cycle((1, -1)), cycle(("K1", "K2", "K3"))

    def wrong_day(patient_number: str) -> AbstractContextManager[None]:
        off = timedelta(next(days))
        return mannered(clock=lambda: now() + off)(patient_number)

    @contextmanager
    def busy(patient_number: str) -> Generator[None, None, None]:
        orca.hospital.at_terminal.add(plain(patient_number))
        try:
            yield
        finally:
            orca.hospital.at_terminal.discard(plain(patient_number))

    @contextmanager
    def refuses(*codes: str) -> Generator[None, None, None]:
        orca.hospital.refuses.update(dict.fromkeys(codes, "24"))
        try:
            yield
        finally:
            orca.hospital.refuses.clear()

    @contextmanager
    def other_password(patient_number: str) -> Generator[None, None, None]:
        before, orca.password = orca.password, "another"
        try:
            yield
        finally:
            orca.password = before

    return {
        "busy": busy,
        "busy_twice": fails("result", _WRITE, code="90", times=2),
        "login": other_password,
        "refuses": lambda number: refuses(*orca.hospital.departments),
        "refuses_one": lambda number: refuses(DEPARTMENTS[-1].code),
        "someone_else": fails("other_patient"),
        "unknown_code": fails("result", code="7Z"),
        "nonsense": fails("page"),
        "huge": fails("huge"),
        "hostile": fails("doctype"),
        "error": fails("status", code="500"),
        "not_there": mannered(prefix="/elsewhere"),
        "wrong_day": wrong_day,
        "reply_lost": fails("lost", _WRITE, times=1),
        "warnings": lambda number: fails("warning", _WRITE, code=next(warnings))(number),
        "other_zeros": mannered(code_digits=4),
        "stub": mannered(),
        "cut_list": mannered(patient_rows_max=1),
        "padded": mannered(patient_digits=9),
    }
