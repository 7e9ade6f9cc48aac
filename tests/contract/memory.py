"""A book and system in memory, by which the suite is tested: what it keeps, and the faults that can be planted in it.

`Memory` is the system's side. `planted` names faults of its own making; the suite must find each of them
(`test_suite.py`). Simple on purpose: it is what a reader compares a real one with.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from drivers import reservations as rs
from tests.contract.scene import DEPARTMENTS, ZONE, Patient, Scene

HOSPITAL = rs.Numbering()
_Visit = tuple[date, str]


@dataclass
class _Row:
    """Who is at a patient: an attempt and when its lease ends. `reached`: the system may have been asked."""

    attempt: str = ""
    until: float = 0.0
    reached: bool = False


@dataclass
class Memory:
    """Appointments, visits and attempts. Every call is one step for all, but for what `planted` says."""

    planted: frozenset[str] = frozenset()
    patients: dict[str, Patient] = field(default_factory=dict)
    due: dict[_Visit, list[rs.Appointment]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[date, list[rs.Entry]] = field(default_factory=lambda: defaultdict(list))
    attempts: dict[_Visit, list[str]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[_Visit, _Row] = field(default_factory=lambda: defaultdict(_Row))
    listed: dict[str, rs.Unsettled] = field(default_factory=dict)
    numbers: dict[tuple[date, str, str], int] = field(default_factory=lambda: defaultdict(int))
    lock: threading.RLock = field(default_factory=threading.RLock)
    changes: int = 0

    def seed(self, scene: Scene) -> None:
        """All patients of the scene, with their appointments."""
        for patient in scene.patients:
            self.patients[patient.number] = patient
            for due in patient.case.due:
                day = scene.date_of(due)
                name = due.doctor.name.replace("髙", "高") if "old_encoding" in self.planted else due.doctor.name
                at = replace_time(day, due.time, "greenwich" in self.planted)
                appointment = rs.Appointment(
                    at.date(), due.time, due.department.name, name, "", "", department_code=due.department.code
                )
                self.due[at.date(), patient.number].append(appointment)

    def find(self, number: str, day: date) -> rs.Answer:
        if number not in self.patients and "strangers_due" in self.planted:
            return rs.Found(number, tuple(next(each for each in self.due.values() if each)), None)
        if number not in self.patients:
            return rs.Found(number, (), None) if "unknown_is_empty" in self.planted else rs.UnknownPatient(number)
        days = sorted(when for when, whose in self.due if whose == number and self.due[when, whose])
        later = [each for each in days if each > day] if "no_next_day" not in self.planted else []
        later = [each for each in days if each != day] if "past_is_next" in self.planted else later
        of_next = self._sorted(self.due[later[0], number]) if later else []
        line = self.line(number, day)
        appointments = line.appointments if line else tuple(self._sorted(self.due[day, number]))
        if "every_day" in self.planted:
            appointments = tuple(one for when in days for one in self.due[when, number])
        return rs.Found(
            number,
            appointments,
            later[0] if later else None,
            line.receptions if line and "not_found_again" not in self.planted else (),
            next_departments=tuple(each.department for each in of_next),
            birth_date=date(1900, 1, 1) if "birth_date" in self.planted else self.patients[number].birth_date,
            name=self.patients[number].name,
        )

    def _sorted(self, appointments: list[rs.Appointment]) -> list[rs.Appointment]:
        return sorted(appointments, key=lambda each: each.time, reverse="order" in self.planted)

    def line(self, number: str, day: date) -> rs.Entry | None:
        """The visit of that day that counts."""
        days = list(self.lines) if "one_day" in self.planted else [day]
        everybody = [each for when in days for each in self.lines[when]]
        lines = [each for each in everybody if each.patient_number == number and not each.cancelled]
        return lines[-1] if lines else None

    def register(self, order: rs.Order, numbering: rs.Numbering = HOSPITAL) -> rs.Registration:
        known, now = self.patients.get(order.patient_number), datetime.now(ZONE)
        if known is None and "strangers" not in self.planted:
            return rs.UnknownPatient(order.patient_number)
        line = self.line(order.patient_number, order.day)
        due = self._sorted(self.due[order.day, order.patient_number])
        if not due and line is None and order.walk_in is None and "writes_nothing" not in self.planted:
            self.numbers[order.day, "", ""] += "gap" in self.planted
            return rs.NothingToRegister(order.patient_number)
        if now > order.not_after and "late" not in self.planted:
            self.numbers[order.day, "", ""] += "gap_of_late" in self.planted
            return rs.Withdrawn(order.patient_number)
        if line is not None and "again" not in self.planted:
            return self._again(order, line)
        if "race" in self.planted:
            time.sleep(0.05)  # between look and write, as without a lock
        ordered = order.appointments if "doubles_ordered" in self.planted else ()
        appointments = (*due, *ordered, *_walk_in(order))
        return self._write(order, appointments, order.at, self.receptions(order, appointments, numbering), ())

    def _again(self, order: rs.Order, line: rs.Entry) -> rs.Registered:
        visit = order.day, order.patient_number
        added = [
            each for each in _walk_in(order) if each.department not in {one.department for one in line.appointments}
        ]
        if "doubled_walk_in" in self.planted:
            added = list(_walk_in(order))
        if "adds_nothing" in self.planted:
            added = []
        if added:
            line = replace(line, appointments=(*line.appointments, *added))
            self._replace(order.day, line)
        ours = (
            order.attempt in self.attempts[visit][-1:]
            if "last_attempt" in self.planted
            else (order.attempt in self.attempts[visit][:1])
        )
        ours = {"all_ours": True, "never_ours": False}.get(next(iter(self.planted), ""), ours)
        if "last_attempt" in self.planted:
            self.attempts[visit].append(order.attempt)
        receptions = line.receptions
        if "time_of_asking" in self.planted:
            receptions = tuple(replace(each, at=order.at) for each in receptions)
        return rs.Registered(order.patient_number, receptions, line.appointments, ours=ours)

    def receptions(
        self, order: rs.Order, appointments: tuple[rs.Appointment, ...], numbering: rs.Numbering = HOSPITAL
    ) -> tuple[rs.Reception, ...]:
        """One for the visit or each department, with the next number of its series."""
        by_department = numbering.series == "department" and "one_series" not in self.planted
        departments = tuple(each.department for each in appointments) if by_department else ("",)
        if "first_department" in self.planted:
            departments = (appointments[0].department,)
        letters = numbering.entrance if numbering.series == "entrance" else ""
        key, at = len(self.lines[order.day]) + 1, order.at
        if "no_zone" in self.planted:
            at = at.replace(tzinfo=None)
        entrance = letters if "no_entrance" not in self.planted else ""
        return tuple(
            rs.Reception(
                self._number(order.day, letters, department if by_department else ""),
                at,
                department,
                "" if "no_key" in self.planted else f"{key}{index:02}" if "one_key" not in self.planted else str(key),
                entrance,
            )
            for index, department in enumerate(departments)
        )

    def _number(self, day: date, letters: str, department: str) -> str:
        series = day, "" if "one_counter" in self.planted else letters, department
        self.numbers[series] += 2 if "every_second" in self.planted else 1
        number = self.numbers[series]
        if "number_twice" in self.planted:
            number //= 2
        if "number_again" in self.planted:
            number = 1 + sum(not each.cancelled for each in self.lines[day])
        if "numbers_go_on" in self.planted:
            number = sum(self.numbers.values())
        return f"{letters}{number}"

    def _write(
        self,
        order: rs.Order,
        appointments: tuple[rs.Appointment, ...],
        at: datetime,
        receptions: tuple[rs.Reception, ...],
        of_system: tuple[rs.Reception, ...],
    ) -> rs.Registered:
        if "one_appointment" in self.planted:
            appointments = appointments[:1]
        day = order.day + timedelta("tomorrow" in self.planted)
        key = receptions[0].key or "1"
        self.lines[day].append(rs.Entry(key, order.patient_number, receptions, appointments, of_system=of_system))
        self.attempts[order.day, order.patient_number] = [order.attempt]
        return rs.Registered(order.patient_number, receptions, appointments, ours="never_ours" not in self.planted)

    def _replace(self, day: date, line: rs.Entry) -> None:
        self.lines[day] = [line if each.key == line.key else each for each in self.lines[day]]

    def cancel(self, number: str, reception: rs.Reception, day: date, at: datetime, reason: str) -> rs.Cancellation:
        mine = [each for each in self.lines[day] if each.patient_number == number]
        found = [each for each in mine if any(one.key == reception.key for one in each.receptions)]
        if "cancels_all" in self.planted and not reception.key:
            found = mine
        if "cancels_any" in self.planted:
            found = mine[-1:]
        if "cancels_others" in self.planted:
            found = [each for each in self.lines[day] if each.key == reception.key]
        if not found:
            none = rs.NotRegistered(number)
            return rs.Cancelled(number, (), at, reason) if "cancels_nothing" in self.planted else none
        if found[0].cancelled and "last_reason" not in self.planted:
            return found[0].cancelled
        cancelled = found[0].receptions[:1] if "cancels_one" in self.planted else found[0].receptions
        done = rs.Cancelled(number, cancelled, at, reason)
        appointments = found[0].appointments if "cancelled_appointments" in self.planted else ()
        if "walk_in_stays" in self.planted:
            self.due[day, number] += [each for each in found[0].appointments if each.walk_in]
        if "appointments_go" in self.planted:
            self.due[day, number].clear()
        if "not_cancelled" not in self.planted:
            self._replace(day, replace(found[0], cancelled=done, appointments=appointments))
            self.rows.pop((day, number), None)
        return done

    def day_list(self, day: date) -> rs.DayList:
        numbers = {whose for when, whose in self.due if when == day and self.due[when, whose]}
        numbers |= {each.patient_number for each in self.lines[day] if not each.cancelled}
        if "list_of_all" in self.planted:
            numbers = set(self.patients)
        found = [each for number in sorted(numbers) if isinstance(each := self.find(number, day), rs.Found)]
        if "list_without_receptions" in self.planted:
            found = [replace(each, receptions=()) for each in found]
        return rs.DayList(day, datetime.now(ZONE), (*found, *(found[:1] if "list_twice" in self.planted else ())))

    def departments(self, day: date) -> rs.Departments:
        some = DEPARTMENTS[:1] if "few_departments" in self.planted else DEPARTMENTS
        return rs.Departments(tuple(rs.Coded(each.code, each.name) for each in some))

    def entries(self, day: date) -> rs.Register:
        lines = list(self.lines[day])
        if "register_of_counting" in self.planted:
            lines = [each for each in lines if not each.cancelled]
        return rs.Register(tuple(reversed(lines)) if "register_backwards" in self.planted else tuple(lines))

    def count(self, day: date) -> rs.Count:
        return rs.Count(
            sum(len(some) for (when, _), some in self.due.items() if when == day or "count" in self.planted)
        )

    # --- the book in front of a system ----------------------------------------------------------------------------

    def take(self, order: rs.Order, lease_s: float) -> rs.Taken | rs.Registered | rs.Trouble:
        line = self.line(order.patient_number, order.day)
        if line is not None and "takes_registered" not in self.planted:
            return self._again(order, line)
        row = self.rows[order.day, order.patient_number]
        if row.attempt not in {"", order.attempt} and time.monotonic() < row.until and "takes_all" not in self.planted:
            return rs.Trouble("busy", "another kiosk is at this patient")
        asked = row.reached and "never_ask_first" not in self.planted
        if "asks_first_others" in self.planted:
            asked = asked and row.attempt != order.attempt
        lease = 3600.0 if "long_lease" in self.planted else lease_s
        self.rows[order.day, order.patient_number] = _Row(order.attempt, time.monotonic() + lease, True)
        return rs.Taken(ask_first=asked)

    def settle(self, order: rs.Order, outcome: rs.Registration) -> rs.Registration:
        visit = order.day, order.patient_number
        if isinstance(outcome, rs.Trouble) and outcome.maybe_done:
            if "list_forgets" not in self.planted:
                self.listed[order.attempt] = rs.Unsettled("unknown", order, order.at, what=outcome.what)
            self.rows[visit] = _Row(reached="unknown_is_free" not in self.planted)
            return outcome
        if "stays_listed" not in self.planted:
            self.listed.pop(order.attempt, None)
        if not isinstance(outcome, rs.Registered):
            if "none_keeps" not in self.planted:
                self.rows.pop(visit, None)
            return outcome
        line = self.line(order.patient_number, order.day)
        if line is not None and "settles_twice" not in self.planted:
            return self._again(order, line)
        at = order.at if "at_of_kiosk" in self.planted else outcome.receptions[0].at
        receptions = self.receptions(replace(order, at=at), outcome.appointments)
        if "system_number" in self.planted:
            receptions = outcome.receptions
        of_system = () if "forgets_system" in self.planted else outcome.receptions
        answer = self._write(order, outcome.appointments, at, receptions, of_system)
        return replace(answer, ours=outcome.ours or "all_ours" in self.planted)

    def note(self, unsettled: rs.Unsettled) -> rs.Kept:
        known = self.listed.get(unsettled.order.attempt)
        if known is None or "notes_once" not in self.planted:
            self.listed[unsettled.order.attempt] = unsettled
        return rs.Kept()

    def noted_done(self, order: rs.Order) -> rs.Kept:
        if "stays_listed" not in self.planted:
            self.listed.pop(order.attempt, None)
        return rs.Kept()

    def unsettled(self, day: date) -> rs.UnsettledList:
        return rs.UnsettledList(tuple(each for each in self.listed.values() if each.order.day == day))


def replace_time(day: date, at: object, greenwich: bool) -> datetime:
    """The moment of an appointment; at Greenwich it may be on the day before."""
    moment = datetime.combine(day, at, ZONE)  # type: ignore[arg-type]  # a time
    return moment - timedelta(hours=9) if greenwich else moment


def _walk_in(order: rs.Order) -> tuple[rs.Appointment, ...]:
    if order.walk_in is None:
        return ()
    what = order.walk_in
    return (
        rs.Appointment(
            order.day, order.at.time(), what.department, what.doctor, what.place, "", walk_in=True,
            department_code=what.department_code,
        ),
    )  # fmt: skip
