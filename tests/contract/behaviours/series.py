"""Series of numbers: one for each entrance, with its letters, or one for each department."""

from __future__ import annotations

from datetime import timedelta

from drivers import reservations as rs
from drivers.reservations.ports import SystemOfRecord
from tests.contract.behaviour import behaviour
from tests.contract.behaviours.asking import same_receptions
from tests.contract.scene import (
    EYES,
    INTERNAL,
    ONE_TODAY,
    SURGERY,
    THREE_TODAY,
    YOSHIDA,
    Case,
    Department,
    Due,
    Patient,
)
from tests.contract.subject import Subject, now, order, until

AT = ONE_TODAY.due[0].time
ENTRANCES, DEPARTMENTS = 26, 28


def _on(days: int, *departments: Department) -> Case:
    return Case(tuple(Due(days, AT.replace(hour=9 + i), each, YOSHIDA) for i, each in enumerate(departments)))


def _kiosk(on: Subject, numbering: rs.Numbering) -> SystemOfRecord:
    assert on.numbered is not None
    kiosk = on.numbered(numbering)
    on.opened.append(kiosk)
    return kiosk


def _registered(kiosk: SystemOfRecord, order: rs.Order) -> rs.Registered:
    answer = kiosk.register(order, until())
    assert isinstance(answer, rs.Registered), answer
    return answer


@behaviour(*(_on(ENTRANCES, INTERNAL),) * 4, numbered=True)
def each_entrance_has_its_letters_and_its_counter(
    on: Subject, first: Patient, second: Patient, third: Patient, fourth: Patient
) -> None:
    assert on.system  # the first kiosk
    a, b = (_kiosk(on, rs.Numbering("entrance", letters)) for letters in ("A", "B"))
    day = on.day + timedelta(ENTRANCES)
    visits = ((a, first), (b, second), (a, third), (b, fourth))
    answers = [_registered(kiosk, order(patient, day)) for kiosk, patient in visits]
    assert [each.receptions[0].number for each in answers] == ["A1", "B1", "A2", "B2"]
    assert [each.receptions[0].entrance for each in answers] == ["A", "B", "A", "B"]


@behaviour(_on(ENTRANCES + 1, INTERNAL), numbered=True)
def another_entrance_names_where_the_patient_was_registered(on: Subject, patient: Patient) -> None:
    assert on.system
    a, b = (_kiosk(on, rs.Numbering("entrance", letters)) for letters in ("A", "B"))
    day = on.day + timedelta(ENTRANCES + 1)
    first = _registered(a, order(patient, day))
    again = _registered(b, order(patient, day))
    assert not again.ours
    same_receptions(again.receptions, first.receptions)
    assert again.receptions[0].entrance == "A"
    found = b.find(patient.number, day, until())
    assert isinstance(found, rs.Found), found
    assert (found.receptions[0].number, found.receptions[0].entrance) == ("A1", "A")


@behaviour(
    _on(DEPARTMENTS, INTERNAL, SURGERY),
    _on(DEPARTMENTS, SURGERY, EYES),
    _on(DEPARTMENTS, INTERNAL),
    numbered=True,
)
def each_department_has_its_counter(on: Subject, first: Patient, second: Patient, third: Patient) -> None:
    assert on.system
    kiosk, day = _kiosk(on, rs.Numbering("department")), on.day + timedelta(DEPARTMENTS)
    answers = [_registered(kiosk, order(each, day)) for each in (first, second, third)]
    assert [{each.department: each.number for each in answer.receptions} for answer in answers] == [
        {"内科": "1", "外科": "1"},
        {"外科": "2", "眼科": "1"},
        {"内科": "2"},
    ]
    again = _registered(kiosk, order(first, day))
    same_receptions(again.receptions, answers[0].receptions)


@behaviour(THREE_TODAY, numbered=True)
def a_visit_of_several_numbers_is_cancelled_as_one(on: Subject, patient: Patient) -> None:
    assert on.system
    kiosk = _kiosk(on, rs.Numbering("department"))
    visit = _registered(kiosk, order(patient, on.day))
    assert len(visit.receptions) == 3
    assert len({each.key for each in visit.receptions}) == 3
    answer = kiosk.cancel(patient.number, visit.receptions[0], on.day, now(), "", until())
    assert isinstance(answer, rs.Cancelled), answer
    same_receptions(answer.receptions, visit.receptions)
    found = kiosk.find(patient.number, on.day, until())
    assert isinstance(found, rs.Found), found
    assert found.receptions == ()
    assert not {each.number for each in visit.receptions} & {
        each.number for each in _registered(kiosk, order(patient, on.day)).receptions
    }
