"""What behaviours ask again and again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from drivers import reservations as rs
from tests.contract.scene import Department, Due, Patient
from tests.contract.subject import Subject, now, until


def found(on: Subject, patient: Patient, day: date | None = None) -> rs.Found:
    """What is known of the patient; it has to be an answer, and about this patient."""
    answer = on.system.find(patient.number, day or on.day, until())
    assert isinstance(answer, rs.Found), answer
    assert answer.patient_number == patient.number, "an answer about another number than was asked"
    return answer


def registered(on: Subject, order: rs.Order) -> rs.Registered:
    """What `register` answers; it has to be a registration of this patient."""
    answer = on.system.register(order, until())
    assert isinstance(answer, rs.Registered), answer
    assert answer.patient_number == order.patient_number, "an answer about another number than was asked"
    return answer


def cancelled(on: Subject, patient: Patient, reception: rs.Reception) -> rs.Cancelled:
    """What `cancel` answers; it has to have happened."""
    answer = on.system.cancel(patient.number, reception, on.day, now(), "案内のため", until())
    assert isinstance(answer, rs.Cancelled), answer
    return answer


def keys(receptions: tuple[rs.Reception, ...]) -> list[tuple[str, str, datetime]]:
    """What has to be the same whenever a registration is answered: key, number and time of each, in one order."""
    return sorted((each.key, each.number, each.at) for each in receptions)


def same_receptions(one: tuple[rs.Reception, ...], other: tuple[rs.Reception, ...]) -> None:
    """Key, number and time of each are the same."""
    assert keys(one) == keys(other)


def are(appointments: tuple[rs.Appointment, ...], due: tuple[Due, ...]) -> None:
    """The appointments are these, in this order, with the names as they are written."""
    assert [(each.time, each.department, each.doctor) for each in appointments] == [
        (each.time, each.department.name, each.doctor.name) for each in due
    ]
    assert not any(each.walk_in for each in appointments), "an appointment is no walk-in"


def just_now(at: datetime) -> None:
    """It is a moment of these minutes, wherever the answer's clock stands."""
    assert at.tzinfo is not None, "a time without zone"
    assert abs(now() - at) < timedelta(minutes=10), f"{at} is not now"


def nothing_registered(on: Subject, patient: Patient, day: date | None = None) -> None:
    """Neither by the adapter's own answer, nor at the system, as far as the seed can look there."""
    counts(on, patient, 0, day)
    answer = on.system.find(patient.number, day or on.day, until())
    assert isinstance(answer, rs.UnknownPatient) or (isinstance(answer, rs.Found) and not answer.receptions), answer


def counts_visit(on: Subject, patient: Patient, visit: rs.Registered) -> None:
    """The visit counts once at the system, as far as the seed can look there: its departments, or as a whole."""
    counts(on, patient, len({each.department for each in visit.appointments}) if on.peer.by_department else 1)


def counts(on: Subject, patient: Patient, receptions: int, day: date | None = None) -> None:
    """So many receptions of the patient count at the system, as far as the seed can look there."""
    if on.peer.registered is not None:
        assert on.peer.registered(patient.number, day or on.day) == receptions, "receptions at the system"


def walk_in(on: Subject, department: Department) -> rs.WalkIn:
    """For that department, with the system's code for it."""
    known = on.system.departments(on.day, until())
    codes = {each.text: each.code for each in known.departments} if isinstance(known, rs.Departments) else {}
    return rs.WalkIn(department.name, department_code=codes.get(department.name, ""))
