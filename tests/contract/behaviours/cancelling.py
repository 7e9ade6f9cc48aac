"""Undoing a reception: that one, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from drivers import reservations as rs
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import (
    are,
    cancelled,
    counts,
    counts_visit,
    found,
    nothing_registered,
    registered,
    same_receptions,
    walk_in,
)
from tests.contract.scene import EYES, NO_APPOINTMENT, ONE_TODAY, THREE_TODAY, TWO_TODAY, Patient
from tests.contract.subject import Subject, now, order, until


@behaviour(ONE_TODAY, needs=("cancels",))
def a_cancelled_visit_may_be_registered_with_another_number(on: Subject, patient: Patient) -> None:
    first = registered(on, order(patient, on.day))
    answer = cancelled(on, patient, first.receptions[0])
    assert answer.patient_number == patient.number
    nothing_registered(on, patient)
    are(found(on, patient).appointments, patient.due())
    second = registered(on, order(patient, on.day))
    assert second.ours
    assert {each.key for each in first.receptions}.isdisjoint(each.key for each in second.receptions)
    if on.ability.gives_numbers:
        assert first.receptions[0].number != second.receptions[0].number, "a number that was given twice"
    counts_visit(on, patient, second)


@behaviour(ONE_TODAY, needs=("cancels",))
def cancelling_twice_is_safe(on: Subject, patient: Patient) -> None:
    reception = registered(on, order(patient, on.day)).receptions[0]
    first = cancelled(on, patient, reception)
    later = now() + timedelta(seconds=5)
    answer = on.system.cancel(patient.number, reception, on.day, later, "もう一度", until())
    if on.role == "system":
        assert isinstance(answer, rs.Cancelled | rs.NotRegistered), answer
    else:
        assert isinstance(answer, rs.Cancelled), answer
        assert (answer.at, answer.reason) == (first.at, first.reason), "those of the first cancelling"
    nothing_registered(on, patient)


@behaviour(ONE_TODAY, needs=("cancels",))
def cancelling_an_old_reception_leaves_the_new_one(on: Subject, patient: Patient) -> None:
    old = registered(on, order(patient, on.day)).receptions[0]
    cancelled(on, patient, old)
    new = registered(on, order(patient, on.day))
    on.system.cancel(patient.number, old, on.day, now(), "", until())
    same_receptions(found(on, patient).receptions, new.receptions)
    counts_visit(on, patient, new)


@behaviour(TWO_TODAY, ONE_TODAY, needs=("cancels",))
def a_reception_of_somebody_else_or_of_nobody_is_not_cancelled(on: Subject, two: Patient, other: Patient) -> None:
    kept, others = (registered(on, order(each, on.day)) for each in (two, other))
    for wrong in (others.receptions[0], replace(kept.receptions[0], key="99998"), rs.Reception("", now())):
        answer = on.system.cancel(two.number, wrong, on.day, now(), "", until())
        assert not isinstance(answer, rs.Cancelled), f"cancelled: {wrong.key or 'a reception without a key'}"
    for patient, were in ((two, kept), (other, others)):
        same_receptions(found(on, patient).receptions, were.receptions)
        counts_visit(on, patient, were)


@behaviour(ONE_TODAY, needs=("cancels",))
def who_is_not_registered_has_nothing_to_cancel(on: Subject, patient: Patient) -> None:
    answer = on.system.cancel(patient.number, rs.Reception("1", now(), key="99998"), on.day, now(), "", until())
    assert answer == rs.NotRegistered(patient.number)


@behaviour(THREE_TODAY, needs=("cancels",))
def of_several_receptions_a_visit_or_one_is_cancelled(on: Subject, patient: Patient) -> None:
    receptions = registered(on, order(patient, on.day)).receptions
    cancelled(on, patient, receptions[0])
    left = () if on.role != "system" else receptions[1:]
    same_receptions(found(on, patient).receptions, left)
    counts(on, patient, len(left))


@behaviour(NO_APPOINTMENT, needs=("cancels", "walk_in"))
def a_walk_in_goes_with_its_reception(on: Subject, patient: Patient) -> None:
    reception = registered(on, order(patient, on.day, walk_in=walk_in(on, EYES))).receptions[0]
    cancelled(on, patient, reception)
    assert found(on, patient).appointments == ()
    nothing_registered(on, patient)
