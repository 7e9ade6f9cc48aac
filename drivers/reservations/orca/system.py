"""ORCA as a system of record.

One call of ORCA registers one department, so a visit may be registered in part. ORCA keeps no attempts: a reception
that is there already is answered as somebody else's, and who must know better (the book) asks `find` first.

In a `day_list` patients' numbers are as ORCA writes them, with zeros before; elsewhere as they were asked.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeVar

from drivers.reservations import (
    Answer,
    Appointment,
    Cancellation,
    Cancelled,
    Coded,
    DayList,
    Departments,
    Found,
    NotRegistered,
    Order,
    Reception,
    Registration,
    Trouble,
    UnknownPatient,
)
from drivers.reservations.adapter import Settings
from drivers.reservations.orca import rows
from drivers.reservations.orca.address import Address
from drivers.reservations.orca.api import Api, due
from drivers.reservations.orca.line import Failed, Line
from drivers.reservations.orca.registering import Registering, walk_ins
from drivers.reservations.orca.rows import Garbled, Patient, Received
from drivers.reservations.ports import Ability

ABILITY: Final = Ability(
    knows_patients=True, gives_numbers=True, cancels=True, lists_day=True, walk_in=True, pads_numbers=True
)
T = TypeVar("T")


class OrcaSystem:
    """The `SystemOfRecord` at `address`; one connection, opened when it is needed."""

    ability = ABILITY

    def __init__(self, address: Address, settings: Settings) -> None:
        self._settings = settings
        self._line = Line(address, settings)
        self._api = Api(self._line)

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        return _value(lambda: self._find(patient_number, day, until))

    def register(self, order: Order, until: float) -> Registration:
        return _value(lambda: Registering(self._api, self._settings, order, until).result())

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        return _value(lambda: self._cancel(patient_number, reception, day, at, reason, until))

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        return _value(lambda: self._day_list(day, until))

    def departments(self, day: date, until: float) -> Departments | Trouble:
        return _value(lambda: Departments(self._api.departments(day, until)))

    def close(self) -> None:
        self._line.close()

    def _find(self, patient_number: str, day: date, until: float) -> Answer:
        known = self._api.appointments(patient_number, day, until)
        if known is None:
            return UnknownPatient(patient_number)
        came = self._came(patient_number, known.appointments, day, until)
        notices: list[Trouble] = []
        names = self._names(
            (*known.appointments, *known.later, *walk_ins(known.appointments, came)), day, until, notices
        )
        more = _noticed(lambda: self._api.patient(patient_number, _half(until)), notices)
        later = tuple(_named(each, names) for each in known.later)
        found = _found(
            patient_number,
            day,
            tuple(_named(each, names) for each in known.appointments),
            tuple(replace(each, department=_coded(each.department, names)) for each in came),
            (known.patient, *([more] if more else [])),
        )
        return replace(
            found,
            next_day=later[0].day if later else None,
            next_departments=tuple(dict.fromkeys(each.department for each in later)),
            notices=tuple(notices),
        )

    def _came(
        self, patient_number: str, appointments: Sequence[Appointment], day: date, until: float
    ) -> tuple[Received, ...]:
        """In whose departments nobody was received yet was received nowhere: the list of the whole day, a megabyte at a
        hospital, is read of those only who come again, or have no appointment.
        """
        departments = dict.fromkeys(each.department_code for each in appointments)
        if departments and "" not in departments:
            asked = (self._api.receptions(patient_number, day, until, department=each) for each in departments)
            if not any(asked):
                return ()
        return self._api.receptions(patient_number, day, until, first=tuple(departments))

    def _names(
        self, appointments: Sequence[Appointment], day: date, until: float, notices: list[Trouble]
    ) -> dict[str, str]:
        """Names of departments by code, where one of the appointments has none."""
        if all(each.department for each in appointments):
            return {}
        coded = _noticed(lambda: self._api.departments(day, _half(until)), notices)
        return {each.code: each.text for each in coded or ()}

    def _cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        there = self._received(patient_number, reception, day, until)
        if there is None:
            return NotRegistered(patient_number)
        try:
            gone = self._api.cancel(there, patient_number, until)
        except Failed as failed:
            if not failed.trouble.maybe_done:
                raise
            try:
                still = self._received(patient_number, reception, day, until)
            except Failed:
                raise failed from None
            if still is not None:
                return replace(failed.trouble, maybe_done=False)
            gone = True
        return Cancelled(patient_number, (reception,), at, reason) if gone else NotRegistered(patient_number)

    def _received(self, patient_number: str, reception: Reception, day: date, until: float) -> Received | None:
        found = self._api.receptions(patient_number, day, until)
        return next((each for each in found if reception.key and each.key == reception.key), None)

    def _day_list(self, day: date, until: float) -> DayList:
        as_of = self._settings.clock()
        booked, came = self._api.day_appointments(day, until), self._api.day_receptions(day, until)
        people: defaultdict[str, _Person] = defaultdict(_Person)
        complete = booked.complete and came.complete
        for whole, is_booked in ((booked, True), (came, False)):
            for record in whole.rows:
                person = people[rows.number(record)]
                person.records.append(rows.patient(record.record("Patient_Information")))
                try:
                    if is_booked:
                        person.booked.append(rows.appointment(record, day))
                    else:
                        person.came.append(rows.received(record, day))
                except Garbled:
                    complete = False
        people.pop("", None)  # of those who have no number yet
        found = (
            _found(number, day, due(each.booked, day), rows.in_order(each.came), each.records)
            for number, each in sorted(people.items())
        )
        return DayList(day, as_of, tuple(found), complete)


@dataclass
class _Person:
    """What a day's lists say of one patient."""

    records: list[Patient] = field(default_factory=list)
    booked: list[Appointment] = field(default_factory=list)
    came: list[Received] = field(default_factory=list)


def _value(work: Callable[[], T]) -> T | Trouble:
    try:
        return work()
    except Failed as failed:
        return failed.trouble


def _noticed(work: Callable[[], T], notices: list[Trouble]) -> T | None:
    """What is not needed to receive a patient: without it, he is told nothing and staff are."""
    try:
        return work()
    except Failed as failed:
        notices.append(failed.trouble)
        return None


def _half(until: float) -> float:
    """The end of a call without which the answer is good enough."""
    now = time.monotonic()
    return now + (until - now) / 2


def _found(
    number: str,
    day: date,
    appointments: tuple[Appointment, ...],
    came: tuple[Received, ...],
    records: Sequence[Patient],
) -> Found:
    """`records`: of the patient, by each answer; the first that says something counts."""
    last = next((each.last_visit for each in records if each.last_visit and each.last_visit < day), None)
    every = (*appointments, *walk_ins(appointments, came))
    return Found(
        number,
        tuple(sorted(every, key=lambda each: (each.time, each.key))),
        None,
        tuple(each.as_reception() for each in came),
        last_day=last,
        last_arrival=last,
        birth_date=next((each.birth_date for each in records if each.birth_date), None),
        name=next((each.name for each in records if each.name), ""),
        see_staff=any(each.see_staff for each in records),
    )


def _coded(department: Coded, names: dict[str, str]) -> Coded:
    return Coded(department.code, department.text or names.get(department.code, department.code))


def _named(appointment: Appointment, names: dict[str, str]) -> Appointment:
    department = _coded(Coded(appointment.department_code, appointment.department), names)
    return replace(appointment, department=department.text)
