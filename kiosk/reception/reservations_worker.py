"""The thread that looks appointments up and registers arrivals: one event for each command.

A call that outlives its deadline, whatever the system behind it does, is abandoned with its thread: the visit ends at
the counter, and the next one is served at once. What such a call answers later is posted all the same, so that a late
registration is noted.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Final, Literal

from drivers import reservations as rs
from drivers.reservations.ports import Reservations
from kiosk.config import Config
from kiosk.reception.birth_days import BirthDays
from kiosk.reception.worker import Limited, Report, SetTrouble, Worker
from kiosk.slip.content import printable
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.state import AppointmentsFound, VisitAppointment, VisitReception, WalkInDepartment
from kiosk.words.problems import Problem

REFERENCES_EVERY_S = 10.0
# How long a call may take, seconds; the visit gives up after 12. Less where the site says so for the hospital's system.
CALL_S: Final = 11.0
# A call has answered by then, or never will.
LATE_S: Final = 0.5
Reason = Literal["reservations_down", "his_busy", "outcome_unknown"]
SOMEONE_ELSE: Final = "answer about someone else"


class _Failed(Exception):
    """No answer to go on with. The text is for staff, without patient data; `reason`: as of e.ReservationsFailed."""

    def __init__(self, text: str, reason: Reason = "reservations_down") -> None:
        super().__init__(text)
        self.reason = reason


@dataclass
class ReservationsWorker:
    """Look-up and arrival. `clock()`: the site's aware local time. `find_s`, `register_s`: the calls' limits, seconds.
    `unknown`: the reason of who may be registered or not.

    `config`: where departments are, and which receive patients without an appointment.
    """

    reservations: Reservations
    references: ReferenceNumbers
    birth_days: BirthDays
    config: Config
    clock: Callable[[], datetime]
    post: Callable[[e.Event], None]
    report: Report
    set_trouble: SetTrouble
    find_s: float = CALL_S
    register_s: float = CALL_S
    unknown: Reason = "reservations_down"

    def __post_init__(self) -> None:
        # Also between visits: staff must see a bad table before it sends a patient to the counter.
        self._worker = Worker("reservations", REFERENCES_EVERY_S, self._refresh)
        self._worker.do(self.birth_days.refresh)

    def look_up(self, command: c.LookUp) -> None:
        self._submit(command.visit, self.find_s, lambda until: self._look_up(command, until))

    def register(self, command: c.Register) -> None:
        self._submit(command.visit, self.register_s, lambda until: self._register(command, until), self.unknown)

    def walk_in(self, command: c.RegisterWalkIn) -> None:
        self._submit(command.visit, self.register_s, lambda until: self._walk_in(command, until), self.unknown)

    def close(self) -> None:
        self._worker.close(2.0)

    def _submit(
        self, visit: int, limit_s: float, work: Callable[[float], e.Event], late: Reason = "reservations_down"
    ) -> None:
        """`late`: what is known of a call that does not end, or ends in a fault of ours."""
        # From now on: what waits in the queue waits at the patient's expense.
        until = time.monotonic() + limit_s

        def call() -> None:
            try:
                event = work(until)
            except _Failed as fault:
                event = failed(str(fault), fault.reason)
            except Exception as error:  # noqa: BLE001 - a fault of ours must end this visit at the counter, not hang it
                event = failed(type(error).__name__, late)
            self.post(event)

        def failed(what: str, reason: Reason = "reservations_down") -> e.Event:
            self.report("reservations_failed", visit=visit, what=what)
            return e.ReservationsFailed(visit, reason)

        def job() -> None:
            left = max(0.0, until - time.monotonic()) + LATE_S
            Limited(call, left, lambda: self.post(failed("no answer in time", late)))()

        if not self._worker.do(job):
            self.post(e.ReservationsFailed(visit))

    def _look_up(self, command: c.LookUp, until: float) -> e.Event:
        number: str | None = command.number
        if command.way == "mynumber":
            number = self.references.patient_number_for(command.number)
            self._check_references()
        if number is None:
            return e.PatientUnknown(command.visit)
        now = self.clock()
        answer = self.reservations.find(number, now.date(), until)
        if isinstance(answer, rs.Trouble):
            raise self._failed(answer)
        if answer.patient_number != number:
            raise _Failed(SOMEONE_ELSE)
        if isinstance(answer, rs.UnknownPatient):
            return e.PatientUnknown(command.visit)
        return AppointmentsFound(
            command.visit,
            now.date(),
            now.time(),
            number,
            self._cleaned(answer.appointments),
            bool(answer.receptions),
            answer.next_day,
            tuple(map(printable, answer.next_departments)),
            self._departments(answer.last_day, now),
            self.birth_days.of(number),
            self._insurance_due(answer, now.date()),
            answer.birth_date,
            answer.see_staff,
        )

    def _insurance_due(self, answer: rs.Found, today: date) -> bool:
        """Once a month: whoever was received this month has been reminded, or was confirmed by the face reader."""
        last = answer.last_arrival
        this_month = last is not None and (last.year, last.month) == (today.year, today.month)
        return self.config.insurance.monthly_reminder and not answer.receptions and not this_month

    def _departments(self, last_day: date | None, now: datetime) -> tuple[WalkInDepartment, ...]:
        """Where this patient may go without an appointment today, those that receive now first."""
        if not self.config.walk_in.departments or not self.config.walk_in.knows(last_day, now.date()):
            return ()
        standings = self.config.walk_in_standings(now)
        found = [
            WalkInDepartment(each.code, each.name, standing, opens.time() if opens else None)
            for each, standing, opens in standings
        ]
        return tuple(sorted(found, key=lambda each: not each.receives))

    def _refresh(self) -> None:
        self._check_references()
        try:
            self.birth_days.refresh()
        except Exception as error:  # noqa: BLE001 - as below
            self.report("birth_days_unknown", what=type(error).__name__)

    def _check_references(self) -> None:
        try:
            refused = self.references.refresh()
            problem = refused.problem if refused else None
        except Exception as error:  # noqa: BLE001 - between visits nobody else would notice that this thread has ended
            problem = Problem("program.fault", {"name": type(error).__name__})
        self.set_trouble("reference_numbers_refused", problem)

    def _register(self, command: c.Register, until: float) -> e.Event:
        return self._ordered(command, None, until)

    def _walk_in(self, command: c.RegisterWalkIn, until: float) -> e.Event:
        department = self.config.department(command.department)
        if department is None or department not in self.config.walk_in_departments(self.clock()):
            raise _Failed("the department does not receive now")
        place = self.config.place_of(department.code, "")
        what = rs.WalkIn(department.name, self.config.doctor_of(department), place.text, department.code)
        return self._ordered(command, what, until)

    def _ordered(self, command: c.Register | c.RegisterWalkIn, walk_in: rs.WalkIn | None, until: float) -> e.Event:
        patient, now = command.patient_number, self.clock()
        not_after = now + timedelta(seconds=until - time.monotonic())
        order = rs.Order(str(uuid.uuid4()), patient, command.day, now, not_after, walk_in=walk_in)
        answer = self.reservations.register(order, until)
        if isinstance(answer, rs.Trouble):
            raise self._failed(answer)
        if answer.patient_number != patient:
            raise _Failed(SOMEONE_ELSE, "outcome_unknown")
        match answer:
            case rs.Registered():
                return e.ArrivalRegistered(
                    command.visit,
                    command.day,
                    self._local_time(answer.receptions[0].at),
                    patient,
                    tuple(map(_reception, answer.receptions)),
                    self._cleaned(answer.appointments),
                    not answer.ours,
                    self._cleaned(answer.left_out),
                )
            case rs.InCustody():
                appointments = self._cleaned(answer.appointments)
                at = self._local_time(answer.at)
                return e.InCustody(command.visit, command.day, at, patient, printable(answer.number), appointments)
            case rs.NothingToRegister():
                return e.NothingToRegister(command.visit)
            case rs.UnknownPatient():
                return e.PatientUnknown(command.visit)
            case rs.Withdrawn():
                raise _Failed("too late")

    def _failed(self, trouble: rs.Trouble) -> _Failed:
        if trouble.maybe_done:
            return _Failed(trouble.what, self.unknown)
        return _Failed(trouble.what, "his_busy" if trouble.kind == "busy" else "reservations_down")

    def _local_time(self, at: datetime) -> clock_time:
        return at.astimezone(self.config.site.zone).time()

    def _cleaned(self, appointments: tuple[rs.Appointment, ...]) -> tuple[VisitAppointment, ...]:
        return tuple(map(self._appointment, appointments))

    def _appointment(self, of: rs.Appointment) -> VisitAppointment:
        place = self.config.place_of(of.department, of.place)
        return VisitAppointment(
            of.time,
            printable(of.department),
            printable(of.doctor),
            printable(place.text),
            printable(place.building),
            place.floor,
            printable(place.window),
            printable(of.message),
            of.walk_in,
        )


def _reception(of: rs.Reception) -> VisitReception:
    return VisitReception(printable(of.number), printable(of.department), printable(of.entrance))
