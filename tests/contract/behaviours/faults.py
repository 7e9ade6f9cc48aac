"""What a system answers that is busy, wrong, of another version, or attacked: `Trouble`, never a wrong answer."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import are, counts, found, just_now, nothing_registered, registered
from tests.contract.scene import (
    NEXT_WEEK,
    NO_APPOINTMENT,
    ONE_TODAY,
    THREE_TODAY,
    TODAY_AND_TOMORROW,
    TWO_TODAY,
    Patient,
)
from tests.contract.subject import Fault, Subject, order, until


def _while(on: Subject, fault: Fault, patient: Patient) -> AbstractContextManager[None]:
    return on.peer.faults[fault](patient.number)


def _finds_trouble(on: Subject, fault: Fault, patient: Patient) -> rs.Trouble:
    """`find` is Trouble while the fault lasts, and well afterwards."""
    with _while(on, fault, patient):
        answer = on.system.find(patient.number, on.day, until())
    assert isinstance(answer, rs.Trouble), answer
    assert not answer.maybe_done, "nothing was written"
    are(found(on, patient).appointments, patient.due())
    return answer


def _registers_trouble(on: Subject, fault: Fault, patient: Patient) -> rs.Trouble:
    """`register` is Trouble while the fault lasts; afterwards there is one reception, whatever happened before."""
    attempt = order(patient, on.day)
    with _while(on, fault, patient):
        answer = on.system.register(attempt, until())
    assert isinstance(answer, rs.Trouble), answer
    if on.peer.registered is not None and not answer.maybe_done:
        assert on.peer.registered(patient.number, on.day) == 0, "registered, and said to be not"
    if on.ability.keeps_attempts or not found(on, patient).receptions:
        assert registered(on, attempt).ours
    assert len(found(on, patient).receptions) == 1
    counts(on, patient, 1)
    return answer


@behaviour(ONE_TODAY, fault="busy")
def busy_is_busy_and_writes_nothing(on: Subject, patient: Patient) -> None:
    answer = _registers_trouble(on, "busy", patient)
    assert (answer.kind, answer.maybe_done) == ("busy", False)


@behaviour(ONE_TODAY, fault="busy_twice")
def who_was_busy_for_a_moment_registers_after_it(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    with _while(on, "busy_twice", patient):
        answer = on.system.register(attempt, until())
        for _ in range(2):
            if isinstance(answer, rs.Trouble):
                assert (answer.kind, answer.maybe_done) == ("busy", False)
                assert on.role != "reservations", "the kiosk itself waits and asks again"
                answer = on.system.register(attempt, until())
    assert isinstance(answer, rs.Registered), answer
    assert answer.ours
    counts(on, patient, 1)


@behaviour(ONE_TODAY, ONE_TODAY, fault="held")
def who_is_held_up_by_a_frozen_kiosk_is_busy_in_time(on: Subject, patient: Patient, other: Patient) -> None:
    attempt, system = order(patient, on.day), on.system
    with _while(on, "held", patient):
        begin = time.monotonic()
        answer = system.register(attempt, begin + 1)
        late = time.monotonic() - begin - 1
    assert isinstance(answer, rs.Trouble), answer
    assert late < on.late_s, f"it ended {late:.1f} s after its `until`"
    if not answer.maybe_done:
        nothing_registered(on, patient)
    assert registered(on, attempt).ours
    assert registered(on, order(other, on.day)).ours
    counts(on, patient, 1)


@behaviour(ONE_TODAY, fault="login")
def a_login_that_is_refused_is_named_as_that(on: Subject, patient: Patient) -> None:
    assert _finds_trouble(on, "login", patient).kind == "login"
    assert _registers_trouble(on, "login", patient).kind == "login"


@behaviour(ONE_TODAY, fault="refuses")
def a_refusal_is_refused_and_not_done(on: Subject, patient: Patient) -> None:
    answer = _registers_trouble(on, "refuses", patient)
    assert (answer.kind, answer.maybe_done) == ("refused", False)


@behaviour(THREE_TODAY, fault="refuses_one")
def what_the_system_did_not_take_is_left_out(on: Subject, patient: Patient) -> None:
    with _while(on, "refuses_one", patient):
        answer = on.system.register(order(patient, on.day), until())
    if on.ability.atomic_visit:
        assert isinstance(answer, rs.Trouble), answer
        nothing_registered(on, patient)
        return
    assert isinstance(answer, rs.Registered), answer
    assert answer.ours
    assert [each.department for each in answer.left_out] == [patient.due()[-1].department.name]
    assert [each.department for each in answer.appointments] == [each.department.name for each in patient.due()[:-1]]
    assert answer.receptions
    if on.peer.registered is not None:
        assert on.peer.registered(patient.number, on.day) in {1, 2}, "of the visit, or of each department but the last"


@behaviour(ONE_TODAY, NO_APPOINTMENT, fault="someone_else")
def an_answer_about_somebody_else_is_misunderstood(on: Subject, patient: Patient, nothing: Patient) -> None:
    assert _finds_trouble(on, "someone_else", patient).kind == "misunderstood"
    assert _finds_trouble(on, "someone_else", nothing).kind == "misunderstood"
    assert _registers_trouble(on, "someone_else", patient).kind == "misunderstood"


@behaviour(ONE_TODAY, NO_APPOINTMENT, fault="unknown_code")
def a_code_that_nobody_knows_is_misunderstood(on: Subject, patient: Patient, nothing: Patient) -> None:
    assert _finds_trouble(on, "unknown_code", patient).kind == "misunderstood"
    assert _finds_trouble(on, "unknown_code", nothing).kind == "misunderstood"
    assert _registers_trouble(on, "unknown_code", patient).kind == "misunderstood"


@behaviour(ONE_TODAY, fault="nonsense")
def nonsense_is_misunderstood(on: Subject, patient: Patient) -> None:
    assert _finds_trouble(on, "nonsense", patient).kind == "misunderstood"
    assert _registers_trouble(on, "nonsense", patient).kind == "misunderstood"


@behaviour(ONE_TODAY, fault="huge")
def a_huge_answer_is_trouble(on: Subject, patient: Patient) -> None:
    _finds_trouble(on, "huge", patient)
    _registers_trouble(on, "huge", patient)


@behaviour(ONE_TODAY, fault="hostile")
def a_hostile_answer_is_misunderstood(on: Subject, patient: Patient) -> None:
    assert _finds_trouble(on, "hostile", patient).kind == "misunderstood"
    assert _registers_trouble(on, "hostile", patient).kind == "misunderstood"


@behaviour(ONE_TODAY, fault="error")
def an_error_of_the_transport_is_trouble(on: Subject, patient: Patient) -> None:
    _finds_trouble(on, "error", patient)
    _registers_trouble(on, "error", patient)


@behaviour(ONE_TODAY, fault="not_there")
def a_wrong_address_is_trouble_and_no_unknown_patient(on: Subject, patient: Patient) -> None:
    _finds_trouble(on, "not_there", patient)
    _registers_trouble(on, "not_there", patient)


@behaviour(TODAY_AND_TOMORROW, TODAY_AND_TOMORROW, fault="wrong_clock")
def a_clock_that_is_a_day_off_registers_nobody_for_another_day(on: Subject, *patients: Patient) -> None:
    for patient in patients:
        with _while(on, "wrong_clock", patient):
            answer = on.system.register(order(patient, on.day), until())
        if not isinstance(answer, rs.Registered):
            assert isinstance(answer, rs.Trouble), answer
        elif on.peer.registered is not None:
            assert on.peer.registered(patient.number, on.day) == 1, "registered for another day"


@behaviour(TODAY_AND_TOMORROW, fault="wrong_day")
def an_answer_about_another_day_is_not_believed(on: Subject, patient: Patient) -> None:
    assert _registers_trouble(on, "wrong_day", patient).kind == "misunderstood"


@behaviour(ONE_TODAY, fault="meanwhile")
def who_is_registered_at_the_window_meanwhile_is_not_ours(on: Subject, patient: Patient) -> None:
    with _while(on, "meanwhile", patient):
        answer = registered(on, order(patient, on.day))
    assert not answer.ours
    just_now(answer.receptions[0].at)
    assert len(found(on, patient).receptions) == 1
    counts(on, patient, 1)


@behaviour(ONE_TODAY, fault="reply_lost")
def a_reply_that_was_lost_is_settled_by_asking(on: Subject, patient: Patient) -> None:
    """Registered there, and nothing came back: it may be asked for meanwhile, but is never somebody else's."""
    attempt = order(patient, on.day)
    with _while(on, "reply_lost", patient):
        answer = on.system.register(attempt, until())
    assert isinstance(answer, rs.Trouble | rs.Registered), answer
    assert answer.maybe_done if isinstance(answer, rs.Trouble) else answer.ours
    if on.ability.keeps_attempts:
        assert registered(on, attempt).ours
    assert len(found(on, patient).receptions) == 1
    counts(on, patient, 1)


@behaviour(ONE_TODAY, ONE_TODAY, ONE_TODAY, fault="warnings")
def done_with_warnings_is_done(on: Subject, *patients: Patient) -> None:
    for patient in patients:
        with _while(on, "warnings", patient):
            answer = registered(on, order(patient, on.day))
        assert answer.ours
        assert answer.receptions
        counts(on, patient, 1)


@behaviour(TWO_TODAY, ONE_TODAY, fault="other_zeros")
def another_way_to_say_well_is_well(on: Subject, two: Patient, one: Patient) -> None:
    with _while(on, "other_zeros", two):
        are(found(on, two).appointments, two.due())
    with _while(on, "other_zeros", one):
        assert registered(on, order(one, on.day)).ours


@behaviour(NO_APPOINTMENT, NEXT_WEEK, fault="stub")
def an_empty_row_is_no_appointment(on: Subject, nothing: Patient, later: Patient) -> None:
    for patient in (nothing, later):
        with _while(on, "stub", patient):
            answer = on.system.find(patient.number, on.day, until())
        assert isinstance(answer, rs.Found), answer
        assert (answer.appointments, answer.receptions) == ((), ())


@behaviour(TWO_TODAY, fault="cut_list")
def a_list_that_was_cut_is_not_taken_for_the_whole(on: Subject, patient: Patient) -> None:
    with _while(on, "cut_list", patient):
        answer = on.system.find(patient.number, on.day, until())
    if isinstance(answer, rs.Trouble):
        return
    assert isinstance(answer, rs.Found), answer
    are(answer.appointments, patient.due())


@behaviour(TWO_TODAY, ONE_TODAY, fault="padded")
def other_leading_zeros_are_the_same_patient(on: Subject, two: Patient, one: Patient) -> None:
    with _while(on, "padded", two):
        are(found(on, two).appointments, two.due())
    with _while(on, "padded", one):
        assert registered(on, order(one, on.day)).ours
        assert len(found(on, one).receptions) == 1
