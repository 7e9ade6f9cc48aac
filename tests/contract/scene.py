"""The patients and appointments that the suite asks for: a seed makes them in the system, by any way but the adapter.

Pure values. Everybody is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta, timezone
from typing import Final

ZONE: Final = timezone(timedelta(hours=9))


@dataclass(frozen=True)
class Department:
    """A department by its code and its name as printed."""

    code: str
    name: str


@dataclass(frozen=True)
class Doctor:
    """A doctor by code and name. The names hold characters that the old Japanese encodings have not."""

    code: str
    name: str


INTERNAL: Final = Department("01", "内科")
SURGERY: Final = Department("10", "外科")
EYES: Final = Department("26", "眼科")
DEPARTMENTS: Final = (INTERNAL, SURGERY, EYES)
TAKAHASHI: Final = Doctor("10001", "髙橋 一郎")
YOSHIDA: Final = Doctor("10002", "𠮷田 花子")
DOCTORS: Final = (TAKAHASHI, YOSHIDA)


@dataclass(frozen=True)
class Due:
    """An appointment `days` after the day of the suite (negative: before), in time of the site's zone."""

    days: int
    time: time
    department: Department = INTERNAL
    doctor: Doctor = TAKAHASHI


@dataclass(frozen=True)
class Case:
    """What a patient of a behaviour has. `known`: the system's register of patients has the number."""

    due: tuple[Due, ...] = ()
    known: bool = True


STRANGER: Final = Case(known=False)
NO_APPOINTMENT: Final = Case()
ONE_TODAY: Final = Case((Due(0, time(9, 0)),))
NEXT_WEEK: Final = Case((Due(7, time(11, 0), EYES, YOSHIDA), Due(7, time(8, 30), SURGERY)))
LAST_WEEK: Final = Case((Due(-7, time(9, 0)),))
# Not in the order of time; 08:30 in Japan is the day before at Greenwich.
TWO_TODAY: Final = Case(
    (
        Due(0, time(11, 0), EYES, YOSHIDA),
        Due(0, time(8, 30), INTERNAL, TAKAHASHI),
        Due(7, time(9, 0), INTERNAL, TAKAHASHI),
    )
)
THREE_TODAY: Final = Case(
    (Due(0, time(9, 0), INTERNAL), Due(0, time(10, 0), SURGERY), Due(0, time(11, 0), EYES, YOSHIDA))
)
TODAY_AND_TOMORROW: Final = Case((Due(0, time(9, 0)), Due(1, time(9, 0))))


@dataclass(frozen=True)
class Patient:
    """One patient, whose number no other behaviour uses."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: date = field(repr=False)
    case: Case

    def due(self, days: int = 0) -> tuple[Due, ...]:
        """The appointments of that day in time order."""
        return tuple(sorted((each for each in self.case.due if each.days == days), key=lambda each: each.time))


@dataclass(frozen=True)
class Scene:
    """All that has to be in the system before the first behaviour, and nobody registered.

    `day`: the day of the suite, in Japan. `by_behaviour`: the patients of each behaviour by its name.
    """

    day: date
    by_behaviour: Mapping[str, tuple[Patient, ...]] = field(repr=False)

    def of(self, behaviour: str) -> tuple[Patient, ...]:
        """The patients of that behaviour."""
        return self.by_behaviour[behaviour]

    @property
    def patients(self) -> tuple[Patient, ...]:
        """Those that a seed has to make: all but the strangers."""
        everybody = [each for some in self.by_behaviour.values() for each in some]
        return tuple(each for each in everybody if each.case.known)

    def date_of(self, due: Due) -> date:
        """When it is."""
        return self.day + timedelta(due.days)


def patient(number: int, case: Case) -> Patient:
    """A made-up patient; the same number gives the same person."""
    return Patient(f"{number:05}", f"﨑山 凜{number}", date(1950, 1, 1) + timedelta(number % 9000), case)
