"""One order, registered with ORCA: department by department, asking before each is written.

Must never write a second time without having asked what came of the first, and nothing after `not_after`.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from drivers.reservations import (
    Appointment,
    NothingToRegister,
    Order,
    Registered,
    Registration,
    UnknownPatient,
    WalkIn,
    Withdrawn,
)
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.api import DONE, NO_PATIENT, STORED_BADLY, Api, refused
from drivers.reservations.orca.line import Failed
from drivers.reservations.orca.rows import ZONE, Received, in_order

_BUSY_TRIES: Final = 2
_BUSY_WAIT_S: Final = 1.0
_ASK_TWICE: Final = ("51", "52")
_STORED: Final = "53"
"""The reception is there; marking the appointment failed."""


@dataclass(frozen=True)
class _Wanted:
    """One department of the visit: the first appointment there says for which doctor and kind of treatment."""

    department: str
    doctor: str
    kind: str
    appointments: tuple[Appointment, ...] = field(repr=False)


class _Ended(Exception):
    """Nothing was written, and nothing will be: this is the answer."""

    def __init__(self, answer: Registration) -> None:
        super().__init__()
        self.answer = answer


class Registering:
    """`result()` once."""

    def __init__(self, api: Api, settings: Settings, order: Order, until: float) -> None:
        self._api = api
        self._settings = settings
        self._order = order
        self._until = until
        self._at = datetime.combine(order.day, order.at.astimezone(ZONE).time(), ZONE)
        self._there: list[Received] = []
        self._ours: list[Received] = []
        self._left: list[_Wanted] = []

    def result(self) -> Registration:
        """Raises Failed where nothing was registered by this order, or where that is not known."""
        order = self._order
        try:
            appointments = self._due()
            self._register(self._wanted(appointments))
        except _Ended as ended:
            return ended.answer
        came = in_order((*self._there, *self._ours))
        departments = {each.department.code for each in came}
        registered = [each for each in appointments if each.department_code in departments]
        registered += walk_ins(appointments, came, order.walk_in)
        return Registered(
            order.patient_number,
            tuple(each.as_reception() for each in came),
            tuple(sorted(registered, key=lambda each: (each.time, each.key))),
            ours=bool(self._ours),
            left_out=tuple(each for one in self._left for each in one.appointments),
        )

    def _due(self) -> tuple[Appointment, ...]:
        order = self._order
        if order.appointments:
            return order.appointments
        known = self._api.appointments(order.patient_number, order.day, self._until)
        if known is None:
            raise _Ended(UnknownPatient(order.patient_number))
        return known.appointments

    def _wanted(self, appointments: Sequence[Appointment]) -> list[_Wanted]:
        """One for each department: ORCA takes no second one from a patient whom it has not billed."""
        departments = defaultdict[str, list[Appointment]](list)
        for each in sorted(appointments, key=lambda each: (each.time, each.key)):
            departments[each.department_code].append(each)
        walk_in = self._order.walk_in
        if walk_in is not None and walk_in.department_code not in departments:
            departments[walk_in.department_code].append(_as_appointment(walk_in, self._at))
        return [
            _Wanted(code, self._doctor(each[0]), each[0].kind.code, tuple(each)) for code, each in departments.items()
        ]

    def _doctor(self, of: Appointment) -> str:
        """ORCA registers for a doctor by name only: without one of the appointment, for that of site.toml."""
        doctors = self._settings.doctors
        by_department = doctors.get(of.department_code) or doctors.get(of.department)
        return of.doctor_code or by_department or self._settings.doctor

    def _register(self, wanted: Sequence[_Wanted]) -> None:
        if not wanted:
            self._there += self._api.receptions(self._order.patient_number, self._order.day, self._until)
            if not self._there:
                raise _Ended(NothingToRegister(self._order.patient_number))
        first: Failed | None = None
        for number, each in enumerate(wanted):
            try:
                self._patiently(each)
            except Failed as failed:
                if failed.trouble.maybe_done:
                    raise
                first = first or failed
                self._left.append(each)
                if failed.trouble.kind != "refused":
                    self._left += wanted[number + 1 :]
                    break
        if first is not None and not self._ours:
            raise first

    def _patiently(self, wanted: _Wanted) -> None:
        """Who is registered in part already waits a little for a terminal that has the patient open. Before that, who
        ordered can ask again: nothing has happened.
        """
        for tries_left in reversed(range(_BUSY_TRIES + 1)):
            try:
                self._one(wanted)
            except Failed as failed:
                in_time = time.monotonic() + 2 * _BUSY_WAIT_S < self._until
                if failed.trouble.kind != "busy" or not (self._ours and tries_left and in_time):
                    raise
                time.sleep(_BUSY_WAIT_S)
            else:
                return

    def _one(self, wanted: _Wanted) -> None:
        if not wanted.department:
            raise Failed("refused", "takes no reception without a department's code", "orca_no_department")
        if self._asked(wanted):
            return
        for again in (True, False):
            code = self._written(wanted)
            if code == DONE or self._asked(wanted, code):
                return
            if code not in _ASK_TWICE or not again:
                raise refused(code)

    def _asked(self, wanted: _Wanted, after: str = "") -> bool:
        """Whether the patient is registered there. `after`: the code of a write, which may have been stored."""
        order = self._order
        try:
            found = self._api.receptions(order.patient_number, order.day, self._until, department=wanted.department)
        except Failed as failed:
            if after in STORED_BADLY:
                failed.trouble = replace(failed.trouble, maybe_done=True)
            raise
        (self._ours if after == _STORED else self._there).extend(found)
        return bool(found)

    def _written(self, wanted: _Wanted) -> str:
        """The code of the answer. Only here is anything written."""
        if not wanted.doctor:
            raise Failed(
                "refused", "takes no reception without a doctor, and [his] doctor names none", "orca_no_doctor"
            )
        number = self._order.patient_number
        if self._settings.clock() > self._order.not_after:
            if self._ours:
                raise Failed("refused", "was not asked for this department in time", "orca_too_late")
            raise _Ended(Withdrawn(number))
        fields = {
            "Department_Code": wanted.department,
            "Physician_Code": wanted.doctor,
            "Medical_Information": wanted.kind,
        }
        try:
            accepted = self._api.accept(number, fields, self._at, self._until)
        except Failed as failed:
            if self._is_there_though(failed, wanted):
                return DONE
            raise
        if accepted.reception is not None:
            self._ours.append(accepted.reception)
        if accepted.code == NO_PATIENT and not self._ours:
            raise _Ended(UnknownPatient(number))
        return accepted.code

    def _is_there_though(self, failed: Failed, wanted: _Wanted) -> bool:
        """Whether a registration that was not answered is there; asked once, in what time is left."""
        if failed.trouble.kind != "unreachable" or not failed.trouble.maybe_done:
            return False
        with suppress(Failed):
            return self._asked(wanted, _STORED)
        return False


def walk_ins(
    appointments: Sequence[Appointment], came: Iterable[Received], ordered: WalkIn | None = None
) -> list[Appointment]:
    """What the receptions are for that none of the appointments is for; in the words of what was `ordered`."""
    departments = {each.department_code for each in appointments}
    return [
        _as_appointment(ordered, each.at)
        if ordered is not None and ordered.department_code == each.department.code
        else each.as_walk_in()
        for each in came
        if each.department.code not in departments
    ]


def _as_appointment(walk_in: WalkIn, at: datetime) -> Appointment:
    return Appointment(
        day=at.date(),
        time=at.time().replace(microsecond=0),
        department=walk_in.department,
        doctor=walk_in.doctor,
        place=walk_in.place,
        note="",
        walk_in=True,
        department_code=walk_in.department_code,
        doctor_code=walk_in.doctor_code,
    )
