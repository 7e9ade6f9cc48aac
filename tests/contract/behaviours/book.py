"""A book in front of a system: one row for each day and patient, whatever crashes between two steps."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from drivers import reservations as rs
from drivers.reservations.ports import Book
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import found, just_now, nothing_registered, registered
from tests.contract.scene import INTERNAL, NO_APPOINTMENT, ONE_TODAY, TAKAHASHI, Patient
from tests.contract.subject import Subject, now, order, until

LEASE_S = 20.0


def _done(of: rs.Order, *departments: str) -> rs.Registered:
    """What a system in front of which the book stands may answer."""
    receptions = tuple(rs.Reception(f"{700 + i}", of.at, name, f"{700 + i}") for i, name in enumerate(departments))
    appointment = rs.Appointment(of.day, of.at.time().replace(microsecond=0), INTERNAL.name, TAKAHASHI.name, "", "")
    return rs.Registered(of.patient_number, receptions, (appointment,))


def _taken(book: Book, of: rs.Order, lease_s: float = LEASE_S) -> rs.Taken:
    answer = book.take(of, lease_s, until())
    assert isinstance(answer, rs.Taken), answer
    return answer


def _settled(book: Book, of: rs.Order, outcome: rs.Registration) -> rs.Registered:
    answer = book.settle(of, outcome, until())
    assert isinstance(answer, rs.Registered), answer
    return answer


def _list(on: Subject, patient: Patient) -> list[rs.Unsettled]:
    answer = on.reservations.unsettled(on.day, until())
    assert isinstance(answer, rs.UnsettledList), answer
    return [each for each in answer.unsettled if each.order.patient_number == patient.number]


@behaviour(NO_APPOINTMENT, role="book")
def one_attempt_has_the_row_and_another_waits(on: Subject, patient: Patient) -> None:
    mine, others = order(patient, on.day), order(patient, on.day)
    assert _taken(on.book, mine) == rs.Taken(ask_first=False)
    for book in (on.book, on.another()):
        answer = book.take(others, LEASE_S, until())  # type: ignore[attr-defined]  # `role` says book
        assert isinstance(answer, rs.Trouble), answer
        assert (answer.kind, answer.maybe_done) == ("busy", False)
    nothing_registered(on, patient)


@behaviour(NO_APPOINTMENT, role="book")
def who_crashed_before_the_system_answered_asks_it_first(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    assert _taken(on.book, attempt) == rs.Taken(ask_first=True), "the attempt itself, begun again"


@behaviour(NO_APPOINTMENT, role="book")
def when_the_lease_has_ended_the_next_attempt_asks_first(on: Subject, patient: Patient) -> None:
    first, second = order(patient, on.day), order(patient, on.day)
    _taken(on.book, first, lease_s=0.2)
    end = until(on.patience_s)
    answer = on.book.take(second, LEASE_S, until())
    while isinstance(answer, rs.Trouble) and answer.kind == "busy" and time.monotonic() < end:
        time.sleep(0.05)  # until the lease has ended; the condition is the answer
        answer = on.book.take(second, LEASE_S, until())
    assert answer == rs.Taken(ask_first=True)


@behaviour(NO_APPOINTMENT, role="book")
def what_the_system_took_is_kept_and_numbered(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    answer = _settled(on.book, attempt, _done(attempt, "内科"))
    assert answer.ours
    assert [each.department for each in answer.appointments] == ["内科"]
    assert len(answer.receptions) == 1
    just_now(answer.receptions[0].at)
    assert answer.receptions[0].number not in {"", "700"}, "the book gives numbers"
    assert found(on, patient).receptions == answer.receptions
    assert _list(on, patient) == []
    again = _settled(on.book, attempt, _done(attempt, "内科"))
    assert (again.receptions, again.ours) == (answer.receptions, True)


@behaviour(NO_APPOINTMENT, role="book")
def who_is_in_the_book_needs_no_system(on: Subject, patient: Patient) -> None:
    first, second = order(patient, on.day), order(patient, on.day)
    _taken(on.book, first)
    settled = _settled(on.book, first, _done(first, "内科"))
    mine, others = on.book.take(first, LEASE_S, until()), on.book.take(second, LEASE_S, until())
    assert isinstance(mine, rs.Registered), mine
    assert isinstance(others, rs.Registered), others
    assert (mine.ours, others.ours) == (True, False)
    assert mine.receptions == others.receptions == settled.receptions


@behaviour(NO_APPOINTMENT, role="book")
def the_line_keeps_the_systems_own_keys(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    _settled(on.book, attempt, _done(attempt, "内科", "外科"))
    register = on.reservations.entries(on.day, until())
    assert isinstance(register, rs.Register), register
    line = next(each for each in register.entries if each.patient_number == patient.number)
    assert sorted(each.key for each in line.of_system) == ["700", "701"]


@behaviour(NO_APPOINTMENT, role="book")
def an_outcome_that_is_none_frees_the_row(on: Subject, patient: Patient) -> None:
    outcomes: tuple[rs.Registration, ...] = (
        rs.NothingToRegister(patient.number),
        rs.UnknownPatient(patient.number),
        rs.Withdrawn(patient.number),
        rs.Trouble("unreachable", "nobody answered"),
    )
    for none in outcomes:
        attempt = order(patient, on.day)
        assert _taken(on.book, attempt) == rs.Taken(ask_first=False)
        assert on.book.settle(attempt, none, until()) == none
    nothing_registered(on, patient)
    assert _list(on, patient) == []


@behaviour(NO_APPOINTMENT, role="book")
def an_unknown_outcome_is_on_the_list_until_it_is_settled(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    unknown = rs.Trouble("unreachable", "the reply was lost", maybe_done=True)
    assert on.book.settle(attempt, unknown, until()) == unknown
    listed = _list(on, patient)
    assert [(each.kind, each.order.attempt) for each in listed] == [("unknown", attempt.attempt)]
    assert listed[0].order == attempt
    answer = _settled(on.book, attempt, _done(attempt, "内科"))
    assert answer.ours
    assert _list(on, patient) == []


@behaviour(NO_APPOINTMENT, role="book")
def after_an_unknown_outcome_whoever_comes_next_asks_first(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    on.book.settle(attempt, rs.Trouble("unreachable", "the reply was lost", maybe_done=True), until())
    assert _taken(on.book, order(patient, on.day)) == rs.Taken(ask_first=True)


@behaviour(NO_APPOINTMENT, role="book")
def two_attempts_that_both_say_done_have_one_number(on: Subject, patient: Patient) -> None:
    late, next_one = order(patient, on.day), order(patient, on.day)
    _taken(on.book, late, lease_s=0.0)
    _taken(on.book, next_one)
    first = _settled(on.book, next_one, _done(next_one, "内科"))
    second = _settled(on.book, late, _done(late, "内科"))
    assert first.ours
    assert second.receptions == first.receptions
    register = on.reservations.entries(on.day, until())
    assert isinstance(register, rs.Register), register
    assert len([each for each in register.entries if each.patient_number == patient.number]) == 1


@behaviour(NO_APPOINTMENT, role="book")
def who_was_at_the_window_before_is_not_ours(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    _taken(on.book, attempt)
    before = replace(attempt, at=now() - timedelta(minutes=5))
    answer = _settled(on.book, attempt, replace(_done(before, "内科"), ours=False))
    assert not answer.ours
    assert answer.receptions[0].at == before.at, "the time is the system's"


@behaviour(NO_APPOINTMENT, role="book")
def staff_see_what_is_noted_until_it_is_dealt_with(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    custody = rs.Unsettled("custody", attempt, now(), "K3-001", "the system is down")
    for noted in (custody, custody, replace(custody, kind="refused", what="no such department")):
        assert on.book.note(noted, until()) == rs.Kept()
        assert _list(on, patient) == [noted]
    for _ in range(2):
        assert on.book.noted_done(attempt, until()) == rs.Kept()
        assert _list(on, patient) == []


@behaviour(ONE_TODAY, role="book")
def a_book_without_a_system_registers_what_it_holds(on: Subject, patient: Patient) -> None:
    attempt = order(patient, on.day)
    answer = registered(on, attempt)
    taken = on.book.take(attempt, LEASE_S, until())
    assert isinstance(taken, rs.Registered), taken
    assert (taken.ours, taken.receptions) == (True, answer.receptions)
