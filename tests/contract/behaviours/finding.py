"""What is known of one patient."""

from __future__ import annotations

import threading
from datetime import timedelta

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import are, found
from tests.contract.scene import (
    DEPARTMENTS,
    LAST_WEEK,
    NEXT_WEEK,
    NO_APPOINTMENT,
    ONE_TODAY,
    STRANGER,
    TODAY_AND_TOMORROW,
    TWO_TODAY,
    Patient,
)
from tests.contract.subject import Subject, until


@behaviour(TWO_TODAY)
def appointments_of_the_day_come_in_time_order_with_names_as_written(on: Subject, two: Patient) -> None:
    answer = found(on, two)
    are(answer.appointments, two.due())
    assert all(each.day == on.day for each in answer.appointments)
    assert answer.receptions == ()
    assert answer.as_of is None, "an answer that was kept"


@behaviour(TWO_TODAY, NEXT_WEEK)
def the_next_day_is_named_with_its_departments_in_time_order(on: Subject, two: Patient, later: Patient) -> None:
    week = on.day + timedelta(7)
    assert (found(on, two).next_day, found(on, two).next_departments) == (week, ("内科",))
    answer = found(on, later)
    assert answer.appointments == ()
    assert (answer.next_day, answer.next_departments) == (week, ("外科", "眼科"))


@behaviour(TODAY_AND_TOMORROW)
def each_day_has_its_own_appointments(on: Subject, patient: Patient) -> None:
    tomorrow = on.day + timedelta(1)
    answer, after = found(on, patient), found(on, patient, tomorrow)
    assert ([each.day for each in answer.appointments], answer.next_day) == ([on.day], tomorrow)
    assert ([each.day for each in after.appointments], after.next_day) == ([tomorrow], None)
    assert after.last_day in {on.day, None}


@behaviour(LAST_WEEK)
def a_day_that_has_passed_is_neither_today_nor_next(on: Subject, patient: Patient) -> None:
    answer = found(on, patient)
    assert (answer.appointments, answer.next_day) == ((), None)
    assert answer.last_day in {on.day - timedelta(7), None}


@behaviour(STRANGER, NO_APPOINTMENT, needs=("knows_patients",))
def an_unknown_patient_is_not_one_without_an_appointment(on: Subject, stranger: Patient, known: Patient) -> None:
    assert on.system.find(stranger.number, on.day, until()) == rs.UnknownPatient(stranger.number)
    answer = found(on, known)
    assert (answer.appointments, answer.receptions, answer.next_day) == ((), (), None)


@behaviour(STRANGER)
def who_is_in_no_list_has_no_appointment(on: Subject, stranger: Patient) -> None:
    answer = on.system.find(stranger.number, on.day, until())
    if not isinstance(answer, rs.UnknownPatient):
        assert found(on, stranger).appointments == ()


@behaviour(ONE_TODAY)
def name_and_birth_date_are_the_patients_or_missing(on: Subject, patient: Patient) -> None:
    answer = found(on, patient)
    assert answer.birth_date in {patient.birth_date, None}
    assert answer.name in {patient.name, patient.name.replace(" ", "　"), ""}
    assert not answer.see_staff


@behaviour(ONE_TODAY, TWO_TODAY, NO_APPOINTMENT)
def patients_are_not_mixed_up_on_one_connection(on: Subject, one: Patient, two: Patient, nothing: Patient) -> None:
    for patient in (one, two, nothing, two, one):
        are(found(on, patient).appointments, patient.due())


@behaviour(ONE_TODAY)
def another_thread_may_ask_next(on: Subject, patient: Patient) -> None:
    answers, system = list[rs.Answer](), on.system
    for _ in range(2):
        thread = threading.Thread(target=lambda: answers.append(system.find(patient.number, on.day, until())))
        thread.start()
        thread.join()
    assert [type(each) for each in answers] == [rs.Found, rs.Found]
    assert answers[0] == answers[1]


@behaviour(TWO_TODAY)
def departments_are_those_of_the_system(on: Subject, patient: Patient) -> None:
    answer = on.system.departments(on.day, until())
    assert isinstance(answer, rs.Departments), answer
    assert {each.name for each in DEPARTMENTS} <= {each.text for each in answer.departments}
