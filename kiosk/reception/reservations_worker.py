"""The thread that looks appointments up and registers arrivals: one event for each command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from drivers import reservations as rs
from kiosk.config import Config
from kiosk.reception.birth_days import BirthDays
from kiosk.reception.worker import Report, SetTrouble, Worker
from kiosk.slip.content import printable
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.state import AppointmentsFound, VisitAppointment, WalkInDepartment
from kiosk.words.problems import Problem

REFERENCES_EVERY_S = 10.0


@dataclass
class ReservationsWorker:
    """Look-up and arrival. `clock()`: the site's aware local time. `still_wanted(visit)`: nobody gave the visit up.

    `config`: where departments are, and which receive patients without an appointment.
    """

    reservations: rs.Reservations
    references: ReferenceNumbers
    birth_days: BirthDays
    config: Config
    clock: Callable[[], datetime]
    still_wanted: Callable[[int], bool]
    post: Callable[[e.Event], None]
    report: Report
    set_trouble: SetTrouble

    def __post_init__(self) -> None:
        # Also between visits: staff must see a bad table before it sends a patient to the counter.
        self._worker = Worker("reservations", REFERENCES_EVERY_S, self._refresh)
        self._worker.do(self.birth_days.refresh)

    def look_up(self, command: c.LookUp) -> None:
        self._submit(command.visit, lambda: self._look_up(command))

    def register(self, command: c.Register) -> None:
        self._submit(command.visit, lambda: self._register(command))

    def walk_in(self, command: c.RegisterWalkIn) -> None:
        self._submit(command.visit, lambda: self._walk_in(command))

    def close(self) -> None:
        self._worker.close(2.0)

    def _submit(self, visit: int, work: Callable[[], e.Event]) -> None:
        def job() -> None:
            try:
                event = work()
            except Exception as error:  # noqa: BLE001 - a fault of ours must end this visit at the counter, not hang it
                what = str(error) if isinstance(error, rs.ReservationsDown) else type(error).__name__
                self.report("reservations_failed", visit=visit, what=what)
                event = e.ReservationsFailed(visit)
            self.post(event)

        if not self._worker.do(job):
            self.post(e.ReservationsFailed(visit))

    def _look_up(self, command: c.LookUp) -> e.Event:
        number: str | None = command.number
        if command.way == "mynumber":
            number = self.references.patient_number_for(command.number)
            self._check_references()
        if number is None:
            return e.PatientUnknown(command.visit)
        now = self.clock()
        answer = self.reservations.find(number, now.date())
        if answer.patient_number != number:
            raise rs.ReservationsDown("answer about someone else")
        if isinstance(answer, rs.Unknown):
            return e.PatientUnknown(command.visit)
        return AppointmentsFound(
            command.visit,
            now.date(),
            now.time(),
            number,
            self._cleaned(answer.appointments),
            answer.arrival is not None,
            answer.next_day,
            tuple(map(printable, answer.next_departments)),
            self._departments(answer.last_day, now),
            self.birth_days.of(number),
            self._insurance_due(answer, now.date()),
        )

    def _insurance_due(self, answer: rs.Found, today: date) -> bool:
        """Once a month: whoever was received this month has been reminded, or was confirmed by the face reader."""
        last = answer.last_arrival
        this_month = last is not None and (last.year, last.month) == (today.year, today.month)
        return self.config.insurance.monthly_reminder and answer.arrival is None and not this_month

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

    def _register(self, command: c.Register) -> e.Event:
        wanted = lambda: self.still_wanted(command.visit)  # noqa: E731
        answer = self.reservations.register(command.patient_number, command.day, self.clock(), wanted)
        return self._registered(command, answer)

    def _walk_in(self, command: c.RegisterWalkIn) -> e.Event:
        now = self.clock()
        department = self.config.department(command.department)
        if department is None or department not in self.config.walk_in_departments(now):
            raise rs.ReservationsDown("the department does not receive now")
        place = self.config.place_of(department.code, "")
        what = rs.WalkIn(department.name, self.config.doctor_of(department), place.text)
        answer = self.reservations.walk_in(
            command.patient_number, command.day, now, what, lambda: self.still_wanted(command.visit)
        )
        return self._registered(command, answer)

    def _registered(
        self, command: c.Register | c.RegisterWalkIn, answer: rs.Registration | rs.WalkInRegistration
    ) -> e.Event:
        if answer.patient_number != command.patient_number:
            raise rs.ReservationsDown("answer about someone else")
        match answer:
            case rs.Registered() | rs.AlreadyRegistered():
                at = answer.arrival.at.astimezone(self.clock().tzinfo)
                return e.ArrivalRegistered(
                    command.visit,
                    command.day,
                    at.time(),
                    answer.patient_number,
                    answer.arrival.number,
                    self._cleaned(answer.appointments),
                    isinstance(answer, rs.AlreadyRegistered),
                )
            case rs.NothingToRegister():
                return e.NothingToRegister(command.visit)
            case rs.Withdrawn():
                return e.ReservationsFailed(command.visit)

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
