"""Registering a visit: once, whoever asks and however often."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import (
    are,
    counts,
    counts_visit,
    found,
    just_now,
    nothing_registered,
    registered,
    same_receptions,
    walk_in,
)
from tests.contract.scene import (
    EYES,
    INTERNAL,
    NEXT_WEEK,
    NO_APPOINTMENT,
    ONE_TODAY,
    STRANGER,
    SURGERY,
    THREE_TODAY,
    TODAY_AND_TOMORROW,
    TWO_TODAY,
    Case,
    Due,
    Patient,
)
from tests.contract.subject import Subject, now, order, until


@behaviour(TWO_TODAY)
def all_that_is_due_is_registered_and_found_again(on: Subject, patient: Patient) -> None:
    answer = registered(on, order(patient, on.day))
    assert (answer.ours, answer.left_out) == (True, ())
    are(answer.appointments, patient.due())
    assert answer.receptions
    for each in answer.receptions:
        just_now(each.at)
        assert each.key, "a reception that nobody could cancel"
        assert each.number or not on.ability.gives_numbers
    again = found(on, patient)
    same_receptions(again.receptions, answer.receptions)
    are(again.appointments, patient.due())
    counts_visit(on, patient, answer)


@behaviour(TWO_TODAY)
def what_find_gave_may_be_ordered(on: Subject, patient: Patient) -> None:
    answer = registered(on, order(patient, on.day, appointments=found(on, patient).appointments))
    assert (answer.ours, answer.left_out) == (True, ())
    are(answer.appointments, patient.due())


@behaviour(NO_APPOINTMENT, NEXT_WEEK)
def nothing_to_register_writes_nothing(on: Subject, nothing: Patient, later: Patient) -> None:
    for patient in (nothing, later):
        assert on.system.register(order(patient, on.day), until()) == rs.NothingToRegister(patient.number)
        nothing_registered(on, patient)


@behaviour(STRANGER)
def a_stranger_is_not_registered(on: Subject, stranger: Patient) -> None:
    expected = rs.UnknownPatient if on.ability.knows_patients else rs.NothingToRegister
    assert on.system.register(order(stranger, on.day), until()) == expected(stranger.number)
    nothing_registered(on, stranger)


@behaviour(TWO_TODAY)
def the_second_time_has_the_same_numbers_and_is_not_ours(on: Subject, patient: Patient) -> None:
    first = registered(on, order(patient, on.day))
    for _ in range(2):
        second = registered(on, order(patient, on.day))
        assert not second.ours
        same_receptions(second.receptions, first.receptions)
        are(second.appointments, patient.due())
    counts_visit(on, patient, first)


@behaviour(ONE_TODAY, needs=("keeps_attempts",))
def the_same_attempt_again_is_ours(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    first = registered(on, attempt)
    for system in (on.system, on.another()):
        again = system.register(replace(attempt, at=now()), until())
        assert isinstance(again, rs.Registered), again
        assert again.ours
        same_receptions(again.receptions, first.receptions)
    assert not registered(on, order(patient, on.day)).ours
    assert registered(on, attempt).ours, "another attempt made this one forgotten"
    counts_visit(on, patient, first)


@behaviour(ONE_TODAY)
def too_late_is_withdrawn_and_writes_nothing(on: Subject, patient: Patient) -> None:
    for late in (timedelta(seconds=1), timedelta(days=1)):
        attempt = order(patient, on.day, not_after=now() - late)
        assert on.system.register(attempt, until()) == rs.Withdrawn(patient.number)
        nothing_registered(on, patient)
    assert registered(on, order(patient, on.day)).ours


@behaviour(ONE_TODAY)
def a_call_whose_time_is_over_ends_at_once_and_writes_nothing(on: Subject, patient: Patient) -> None:
    begin = time.monotonic()
    answer = on.system.register(order(patient, on.day), begin - 1)
    assert isinstance(answer, rs.Trouble), answer
    assert not answer.maybe_done, "nothing was sent"
    assert time.monotonic() - begin < 2
    nothing_registered(on, patient)


@behaviour(TODAY_AND_TOMORROW)
def each_day_has_its_own_reception(on: Subject, patient: Patient) -> None:
    tomorrow = on.day + timedelta(1)
    today = registered(on, order(patient, on.day))
    assert found(on, patient, tomorrow).receptions == ()
    after = registered(on, order(patient, tomorrow))
    assert (today.ours, after.ours) == (True, True)
    same_receptions(found(on, patient).receptions, today.receptions)
    same_receptions(found(on, patient, tomorrow).receptions, after.receptions)


@behaviour(
    *(Case((Due(20, each),)) for each in (ONE_TODAY.due[0].time,) * 4),
    NO_APPOINTMENT,
    Case((Due(20, ONE_TODAY.due[0].time), Due(21, ONE_TODAY.due[0].time))),
    needs=("cancels",),
    without_gaps=True,
)
def numbers_begin_at_one_each_day_and_leave_nobody_out(  # what uses a number, and what does not
    on: Subject, first: Patient, second: Patient, third: Patient, fourth: Patient, nothing: Patient, last: Patient
) -> None:
    day = on.day + timedelta(20)
    numbers = [registered(on, order(first, day)).receptions[0].number]
    on.system.register(order(nothing, day), until())
    on.system.register(order(second, day, not_after=now() - timedelta(seconds=1)), until())
    kept = registered(on, order(second, day)).receptions[0]
    numbers.append(kept.number)
    assert isinstance(on.system.cancel(second.number, kept, day, now(), "", until()), rs.Cancelled)
    registered(on, order(first, day))
    numbers += [registered(on, order(each, day)).receptions[0].number for each in (third, second, fourth, last)]
    assert numbers == ["1", "2", "3", "4", "5", "6"]
    assert registered(on, order(last, day + timedelta(1))).receptions[0].number == "1"


@behaviour(ONE_TODAY, hands=("register_at_window",))
def who_was_registered_at_the_window_is_not_ours(on: Subject, patient: Patient) -> None:
    register = on.peer.register_at_window
    assert register is not None
    register(patient.number, INTERNAL)
    counts(on, patient, 1)
    assert len(found(on, patient).receptions) == 1
    answer = registered(on, order(patient, on.day))
    assert not answer.ours
    assert len(answer.receptions) == 1
    just_now(answer.receptions[0].at)
    counts(on, patient, 1)


@behaviour(THREE_TODAY, needs=("gives_numbers",))
def several_departments_are_one_visit(on: Subject, patient: Patient) -> None:
    answer = registered(on, order(patient, on.day))
    are(answer.appointments, patient.due())
    assert len(answer.receptions) in {1, 3}, "one of the visit, or one for each department"
    assert len({each.key for each in answer.receptions}) == len(answer.receptions)
    if len(answer.receptions) == 3:
        assert sorted(each.department for each in answer.receptions) == sorted(["内科", "外科", "眼科"])
    else:
        assert answer.receptions[0].department == ""


@behaviour(NO_APPOINTMENT, needs=("walk_in",))
def who_has_no_appointment_may_walk_in_once(on: Subject, patient: Patient) -> None:
    first = registered(on, order(patient, on.day, walk_in=walk_in(on, EYES)))
    assert first.ours
    assert [(each.department, each.walk_in) for each in first.appointments] == [("眼科", True)]
    second = registered(on, order(patient, on.day, walk_in=walk_in(on, EYES)))
    assert not second.ours
    same_receptions(second.receptions, first.receptions)
    counts_visit(on, patient, first)
    assert [each.department for each in found(on, patient).appointments] == ["眼科"]


@behaviour(ONE_TODAY, needs=("walk_in",))
def a_walk_in_is_added_to_a_visit_unless_its_department_is_in_it(on: Subject, patient: Patient) -> None:
    first = registered(on, order(patient, on.day))
    again = registered(on, order(patient, on.day, walk_in=walk_in(on, INTERNAL)))
    same_receptions(again.receptions, first.receptions)
    more = registered(on, order(patient, on.day, walk_in=walk_in(on, SURGERY)))
    assert sorted(each.department for each in more.appointments) == ["内科", "外科"]
    assert {each.key for each in first.receptions} <= {each.key for each in more.receptions}
    assert sorted(each.department for each in found(on, patient).appointments) == ["内科", "外科"]


@behaviour(STRANGER, needs=("walk_in", "knows_patients"))
def a_stranger_may_not_walk_in(on: Subject, stranger: Patient) -> None:
    answer = on.system.register(order(stranger, on.day, walk_in=walk_in(on, EYES)), until())
    assert answer == rs.UnknownPatient(stranger.number)
