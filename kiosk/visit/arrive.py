"""What the day that was looked up leads to: a registration, a question, a walk-in, or the counter."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from typing import Literal

from kiosk.visit import events as e
from kiosk.visit.commands import Record, Register, RegisterWalkIn
from kiosk.visit.idle import duration_s
from kiosk.visit.moves import Step, go, stay, to_counter, to_start, with_news, with_note
from kiosk.visit.offers import departments_on, may_walk_in, pages_of
from kiosk.visit.state import (
    AppointmentsFound,
    ChoosingDepartment,
    ConfirmingDepartment,
    Kiosk,
    Known,
    OtherDay,
    Registering,
    TooEarly,
)

_Asking = OtherDay | ChoosingDepartment | ConfirmingDepartment


def proceed(kiosk: Kiosk, visit: int, known: Known, now: float) -> Step:
    """The patient is known, and so is the day."""
    found, rules = known.found, kiosk.rules
    if found.arrived:
        return _register(kiosk, visit, known, now)
    if not found.appointments:
        return _without_appointment(kiosk, visit, known, now)
    outside = _outside_window(kiosk, found)
    if outside == "too_early":
        at = _first_ahead(found)
        opens_at = _minutes_before(at, rules.early_min)
        if rules.early == "register":
            return _register(kiosk, visit, _noted(known, "arrived_early"), now, back_by=opens_at)
        if rules.early == "refuse":
            stage = TooEarly(visit, now + duration_s(rules, TooEarly), opens_at, at)
            return go(kiosk, stage, Record("patient_asked", visit, "too_early"))
        return to_counter(kiosk, now, visit, outside, appointment_at=at)
    if outside == "too_late" and rules.late == "counter":
        return to_counter(kiosk, now, visit, outside, appointment_at=found.appointments[0].time)
    if rules.late == "register" and _missed(kiosk, found):
        known = _noted(known, "arrived_late")
    return _register(kiosk, visit, known, now)


def _register(kiosk: Kiosk, visit: int, known: Known, now: float, back_by: time | None = None) -> Step:
    found = known.found
    registering = Registering(
        visit, now + kiosk.rules.look_up_s, known.came, found.patient_number, back_by, found.appointments
    )
    return go(kiosk, registering, Register(visit, found.day, found.patient_number))


def _without_appointment(kiosk: Kiosk, visit: int, known: Known, now: float) -> Step:
    if kiosk.rules.walk_in and known.found.next_day is not None:
        asked = OtherDay(visit, now + duration_s(kiosk.rules, OtherDay), known)
        return go(kiosk, asked, Record("patient_asked", visit, "other_day"))
    if kiosk.rules.walk_in and may_walk_in(known):
        return _offer_departments(kiosk, visit, known, now)
    return _no_appointment(kiosk, visit, known, now)


def _no_appointment(kiosk: Kiosk, visit: int, known: Known, now: float) -> Step:
    found = known.found
    return to_counter(
        kiosk, now, visit, "no_appointment", next_day=found.next_day, next_departments=found.next_departments
    )


def _offer_departments(kiosk: Kiosk, visit: int, known: Known, now: float) -> Step:
    choosing = ChoosingDepartment(visit, now + kiosk.rules.ask_s, known)
    return go(kiosk, choosing, Record("patient_asked", visit, "walk_in"))


def on_other_day_pressed(kiosk: Kiosk, stage: OtherDay, event: e.Pressed, now: float) -> Step:
    if event.button == "walk_in" and may_walk_in(stage.known):
        return _offer_departments(kiosk, stage.visit, stage.known, now)
    return to_start(kiosk, now, stage.visit, "closed") if event.button == "close" else stay(kiosk)


def on_department_pressed(kiosk: Kiosk, stage: ChoosingDepartment, event: e.Pressed, now: float) -> Step:
    deadline, pages = now + kiosk.rules.ask_s, pages_of(stage.known)
    if event.button == "more" and pages > 1:
        page = (stage.page + 1) % pages
        return go(kiosk, replace(stage, page=page, deadline=deadline, warned=False))
    if event.button == "back":
        if stage.known.found.next_day is not None:
            return go(kiosk, OtherDay(stage.visit, now + duration_s(kiosk.rules, OtherDay), stage.known))
        return _no_appointment(kiosk, stage.visit, stage.known, now)
    for place, department in enumerate(departments_on(stage)):
        if event.button == f"department_{place}" and department.receives:
            return go(kiosk, ConfirmingDepartment(stage.visit, deadline, stage.known, department, stage.page))
    return stay(kiosk)


def on_confirm_pressed(kiosk: Kiosk, stage: ConfirmingDepartment, event: e.Pressed, now: float) -> Step:
    if event.button == "back":
        return go(kiosk, ChoosingDepartment(stage.visit, now + kiosk.rules.ask_s, stage.known, stage.page))
    if event.button != "yes":
        return stay(kiosk)
    found, came, department = stage.known.found, _noted(stage.known, "walk_in").came, stage.department
    deadline = now + kiosk.rules.look_up_s
    registering = Registering(stage.visit, deadline, came, found.patient_number)
    return go(kiosk, registering, RegisterWalkIn(stage.visit, found.day, found.patient_number, department.code))


def on_asked_ticked(kiosk: Kiosk, stage: TooEarly | _Asking, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else to_start(kiosk, now, stage.visit, "timed_out")


def on_too_early_pressed(kiosk: Kiosk, stage: TooEarly, event: e.Pressed, now: float) -> Step:
    return to_start(kiosk, now, stage.visit, "closed") if event.button == "close" else stay(kiosk)


def on_news(kiosk: Kiosk, stage: _Asking, event: e.SubsidyFailed | e.ResultCompared, now: float) -> Step:
    known = stage.known
    if event.file != known.came.file:
        return stay(kiosk)
    return go(kiosk, replace(stage, known=replace(known, came=with_news(known.came, event))))


def _noted(known: Known, note: str) -> Known:
    return replace(known, came=replace(known.came, notes=with_note(known.came.notes, note)))


def _outside_window(kiosk: Kiosk, found: AppointmentsFound) -> Literal["too_early", "too_late"] | None:
    """None if at least one appointment may be registered now: then all of them are."""
    early, late = kiosk.rules.early_min, kiosk.rules.late_min
    ahead = _ahead(found)
    if any((not early or minutes <= early) and (not late or -minutes <= late) for minutes in ahead):
        return None
    return "too_late" if late and all(-minutes > late for minutes in ahead) else "too_early"


def _missed(kiosk: Kiosk, found: AppointmentsFound) -> bool:
    late = kiosk.rules.late_min
    return late > 0 and any(-minutes > late for minutes in _ahead(found))


def _ahead(found: AppointmentsFound) -> list[int]:
    """How many minutes are left until each appointment."""
    now = _minutes(found.local_time)
    return [_minutes(each.time) - now for each in found.appointments]


def _first_ahead(found: AppointmentsFound) -> time:
    """The time of the first appointment that is still to come."""
    return min(each.time for each, minutes in zip(found.appointments, _ahead(found), strict=True) if minutes > 0)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _minutes_before(at: time, minutes: int) -> time:
    """Never before the day itself."""
    left = max(0, _minutes(at) - minutes)
    return time(left // 60, left % 60)
