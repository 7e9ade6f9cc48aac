"""What a patient gets to know of an arrival: appointments, receptions and their numbers. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time


@dataclass(frozen=True)
class VisitAppointment:
    """One appointment of the visit's day as the patient gets to know it; `time`: of the site's day.

    `place`: in words; `building`, `floor` (below ground < 0), `window`: the same in parts, "" and 0 where the site does
    not say. `message`: what the patient is to know (`採尿してから診察へ`), in Japanese. `walk_in`: it was none.
    """

    time: time = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    building: str = field(repr=False, default="")
    floor: int = field(repr=False, default=0)
    window: str = field(repr=False, default="")
    message: str = field(repr=False, default="")
    walk_in: bool = False


@dataclass(frozen=True)
class VisitReception:
    """A reception number, as patients are called: text, `17`, `A17`, `00017`. `department`: whose, by its Japanese
    name; "": of the whole visit. `entrance`: where it was given, "" where the site has one.
    """

    number: str = field(repr=False)
    department: str = field(repr=False, default="")
    entrance: str = ""


def numbers_of(receptions: tuple[VisitReception, ...]) -> tuple[str, ...]:
    """Each number once, in the order of the receptions."""
    return tuple(dict.fromkeys(each.number for each in receptions))


def own_number(receptions: tuple[VisitReception, ...], department: str) -> str:
    """The number of that department's own reception; "" where there is one number for all."""
    if len(numbers_of(receptions)) == 1:
        return ""
    return next((each.number for each in receptions if each.department == department), "")


@dataclass(frozen=True)
class RegisteredArrival:
    """A registered arrival: what screen and slip show. `again` means that it had been registered before.

    `local_time`: when, in the site's time; `day`: whose appointments they are. `receptions`: one, or one for each
    department. `back_by`: as of Registering. `missing`: departments that were expected to be registered and were not.
    """

    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    receptions: tuple[VisitReception, ...] = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    again: bool = False
    back_by: time | None = field(repr=False, default=None)
    missing: tuple[str, ...] = field(repr=False, default=())

    @property
    def numbers(self) -> tuple[str, ...]:
        """Each once, in the order of the receptions."""
        return numbers_of(self.receptions)

    def number_of(self, appointment: VisitAppointment) -> str:
        """The number of that appointment's own reception; "" where the visit has one for all."""
        return own_number(self.receptions, appointment.department)

    @property
    def without_appointment(self) -> tuple[VisitReception, ...]:
        """Receptions whose numbers stand beside no appointment: that of the whole visit, above all."""
        beside = {self.number_of(each) for each in self.appointments}
        return tuple({each.number: each for each in self.receptions if each.number not in beside}.values())

    @property
    def entrance(self) -> str:
        """Where the patient was received, or ""."""
        return next((each.entrance for each in self.receptions if each.entrance), "")


@dataclass(frozen=True)
class ArrivalInCustody:
    """An arrival that is *not* registered: the hospital's system is down, and it is delivered later.

    `number`: of this kiosk's own series, with its own letter. `local_time`, `day`, `notes`, `back_by`: as of
    RegisteredArrival.
    """

    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    number: str = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    back_by: time | None = field(repr=False, default=None)
