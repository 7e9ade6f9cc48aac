"""Rows of ORCA's answers as values. All raise Garbled where what must be there is not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from drivers.reservations import Appointment, Coded, Reception
from drivers.reservations.orca.line import Failed
from drivers.reservations.orca.xml2 import Record

ZONE: Final = ZoneInfo("Asia/Tokyo")
"""ORCA's days and times: it bills by Japanese law, wherever its server stands."""


class Garbled(Failed):
    """A row that is none."""

    def __init__(self) -> None:
        super().__init__("misunderstood", "gave an answer that is none", "orca_garbled")


@dataclass(frozen=True)
class Patient:
    """`number`: as ORCA writes it, with its zeros; "": it says none. `last_visit`: seen, not only registered."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    see_staff: bool
    last_visit: date | None


@dataclass(frozen=True)
class Received:
    """A reception. `kind`: 診療内容, a code."""

    key: str
    at: datetime
    department: Coded
    doctor: Coded
    kind: str
    patient: Patient

    def as_reception(self) -> Reception:
        """As the port has it; ORCA's number is the patient's."""
        return Reception(self.key, self.at, self.department.text, self.key)

    def as_walk_in(self) -> Appointment:
        """What it is for, where there was no appointment."""
        return Appointment(
            day=self.at.date(),
            time=self.at.time(),
            department=self.department.text,
            doctor=self.doctor.text,
            place="",
            note="",
            walk_in=True,
            department_code=self.department.code,
            doctor_code=self.doctor.code,
            kind=Coded(self.kind),
        )


def same(number: str, other: str) -> bool:
    """Whether two numbers are one patient's: a site may write them with zeros before, or without."""
    return number.lstrip("0") == other.lstrip("0") and bool(number and other)


def number(row: Record) -> str:
    """Of the patient of a row; "": of somebody who has none yet."""
    return row.record("Patient_Information").of("Patient_ID")


def patient(record: Record) -> Patient:
    """Patient_Information."""
    return Patient(
        number=record.of("Patient_ID"),
        name=record.of("WholeName"),
        birth_date=_day_or_none(record.of("BirthDate")),
        see_staff=record.of("Death_Flag") == "1" or record.of("Outpatient_Class") == "1",
        last_visit=_day_or_none(record.of("LastVisit_Date")),
    )


def appointment(record: Record, day: date | None) -> Appointment:
    """A row of Appointlst_Information; in a list of one day the rows do not say it."""
    on, at = day or _day(record.of("Appointment_Date")), _time(record.of("Appointment_Time"))
    department, doctor = _coded(record, "Department"), _coded(record, "Physician")
    kind = Coded(record.of("Medical_Information"), record.of("Medical_Information_WholeName"))
    # Appointment_Id is unique only within the others of these.
    parts = (on.isoformat(), at.isoformat(), doctor.code, kind.code, record.of("Appointment_Id"))
    return Appointment(
        day=on,
        time=at,
        department=department.text,
        doctor=doctor.text,
        place="",
        note=record.of("Appointment_Note"),
        department_code=department.code,
        doctor_code=doctor.code,
        kind=kind,
        key=" ".join(part or "-" for part in parts),
    )


def in_order(found: Iterable[Received]) -> tuple[Received, ...]:
    """As the patient was received, each once."""
    return tuple(sorted({each.key: each for each in found}.values(), key=lambda each: (each.at, int(each.key))))


def received(record: Record, day: date) -> Received:
    """A row of Acceptlst_Information, or the answer to a registration."""
    key, department = record.of("Acceptance_Id"), _coded(record, "Department")
    if not (key.isascii() and key.isdecimal() and int(key) and department.code):
        raise Garbled
    at = datetime.combine(day, _time(record.of("Acceptance_Time")), ZONE)
    kind = record.of("Medical_Information")
    who = patient(record.record("Patient_Information"))
    return Received(key, at, department, _coded(record, "Physician"), kind, who)


def _coded(record: Record, name: str) -> Coded:
    return Coded(record.of(f"{name}_Code"), record.of(f"{name}_WholeName"))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Garbled from None


def _day_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise Garbled from None
