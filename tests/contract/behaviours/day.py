"""The day as a whole: its list, its register, and who hears of changes."""

from __future__ import annotations

import threading
from datetime import timedelta

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import cancelled, found, keys, registered, same_receptions
from tests.contract.scene import LAST_WEEK, NEXT_WEEK, ONE_TODAY, THREE_TODAY, TWO_TODAY, Case, Due, Patient
from tests.contract.subject import Subject, order, until


@behaviour(TWO_TODAY, THREE_TODAY, NEXT_WEEK, LAST_WEEK, needs=("lists_day",))
def the_day_list_says_what_find_says(
    on: Subject, two: Patient, three: Patient, later: Patient, before: Patient
) -> None:
    registered(on, order(three, on.day))
    answer = on.system.day_list(on.day, until(20))
    assert isinstance(answer, rs.DayList), answer
    assert answer.day == on.day
    assert answer.as_of.tzinfo is not None
    listed = {_plain(each.patient_number): each for each in answer.patients}
    assert len(listed) == len(answer.patients), "a patient twice"
    assert _plain(later.number) not in listed
    assert _plain(before.number) not in listed
    for patient in (two, three):
        asked, of_list = found(on, patient), listed[_plain(patient.number)]
        assert [_what(each) for each in of_list.appointments] == [_what(each) for each in asked.appointments]
        same_receptions(of_list.receptions, asked.receptions)


def _plain(number: str) -> str:
    """A list has the zeros in front that its system writes, where `find` answers those that it was asked with."""
    return number.lstrip("0")


def _what(of: rs.Appointment) -> tuple[object, ...]:
    return of.day, of.time, of.department, of.department_code, of.doctor, of.doctor_code, of.key


@behaviour(Case((Due(23, ONE_TODAY.due[0].time),)), needs=("lists_day",))
def the_list_of_another_day_is_that_days(on: Subject, patient: Patient) -> None:
    answer = on.system.day_list(on.day + timedelta(23), until(20))
    assert isinstance(answer, rs.DayList), answer
    assert [_plain(each.patient_number) for each in answer.patients] == [_plain(patient.number)]


@behaviour(TWO_TODAY, THREE_TODAY, ONE_TODAY, role="reservations", needs=("cancels",))
def the_register_has_every_visit_in_the_order_of_registration(
    on: Subject, two: Patient, three: Patient, gone: Patient
) -> None:
    visits = {each.number: registered(on, order(each, on.day)) for each in (three, gone, two)}
    cancelled(on, gone, visits[gone.number].receptions[0])
    answer = on.reservations.entries(on.day, until())
    assert isinstance(answer, rs.Register), answer
    assert [int(each.key) for each in answer.entries] == sorted(int(each.key) for each in answer.entries)
    assert len({each.key for each in answer.entries}) == len(answer.entries)
    lines = [each for each in answer.entries if each.patient_number in visits]
    assert [each.patient_number for each in lines] == [three.number, gone.number, two.number]
    for line in lines:
        assert keys(line.receptions) == keys(visits[line.patient_number].receptions)
        assert (line.cancelled is not None) == (line.patient_number == gone.number)
        is_gone = line.cancelled is not None
        assert line.appointments == (() if is_gone else visits[line.patient_number].appointments)


@behaviour(Case((Due(25, ONE_TODAY.due[0].time),)), TWO_TODAY, role="book")
def the_appointments_of_a_day_are_counted(on: Subject, one: Patient, two: Patient) -> None:
    assert on.reservations.count(on.day + timedelta(25), until()) == rs.Count(1)
    today = on.reservations.count(on.day, until())
    assert isinstance(today, rs.Count), today
    assert today.appointments >= len(two.due())
    assert on.reservations.count(on.day + timedelta(300), until()) == rs.Count(0)


@behaviour(ONE_TODAY, role="reservations")
def followers_hear_of_what_another_kiosk_registers(on: Subject, patient: Patient) -> None:
    changed, answering = threading.Semaphore(0), threading.Event()
    subscription = on.reservations.follow(changed.release, lambda yes: answering.set() if yes else answering.clear())
    try:
        assert changed.acquire(timeout=on.patience_s), "nothing at the beginning"
        assert answering.wait(on.patience_s)
        kiosk, seen = on.another(), False
        answer = kiosk.register(order(patient, on.day), until())
        assert isinstance(answer, rs.Registered), answer
        while not seen:
            assert changed.acquire(timeout=on.patience_s), "nothing after a registration"
            register = on.reservations.entries(on.day, until())
            assert isinstance(register, rs.Register), register
            seen = any(each.patient_number == patient.number for each in register.entries)
    finally:
        subscription.close()
