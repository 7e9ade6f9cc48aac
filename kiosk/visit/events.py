"""What can happen to a visit, in the past tense. Every answer of a device names the visit it belongs to."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Literal

from kiosk.visit.state import AppointmentsFound as AppointmentsFound  # noqa: PLC0414 - stages keep it, events are all here
from kiosk.visit.state import Candidate, KeyVerdict, OfVisit, Opening, VisitAppointment, VisitReception


@dataclass(frozen=True)
class Pressed:
    """A button or a tool of the present screen."""

    button: str = field(repr=False)  # key_0 … key_9 spell a birth day


@dataclass(frozen=True)
class Ticked:
    """Time has passed; deadlines are compared on this."""


@dataclass(frozen=True)
class BaselineTaken(OfVisit):
    """The terminal's folder was listed; what is not in that listing is new. `at`: when it was complete."""

    at: float


@dataclass(frozen=True)
class BaselineFailed(OfVisit):
    """The terminal's folder could not be listed."""


@dataclass(frozen=True)
class ResultSighted:
    """A result file's name appeared; it may still be incomplete. `first_seen`: the earliest moment it can have come."""

    file: Hashable
    first_seen: float


@dataclass(frozen=True)
class ResultGone:
    """A sighted file vanished before it was complete."""

    file: Hashable


@dataclass(frozen=True)
class ResultArrived:
    """A result file was read, or it is clear that it cannot be."""

    first_seen: float
    candidate: Candidate = field(repr=False)


@dataclass(frozen=True)
class SubsidyFailed:
    """The subsidy request that belongs to eligibility file `file` was answered with an error."""

    file: Hashable


@dataclass(frozen=True)
class ResultCompared:
    """The key of eligibility file `file`, against the one of last time. It comes a moment after the result."""

    file: Hashable
    key: KeyVerdict


@dataclass(frozen=True)
class TerminalChanged:
    """The terminal's share, by way of the courier, answers or no longer does."""

    answers: bool


@dataclass(frozen=True)
class CourierReturned:
    """The courier was away for a moment: results of that moment count as present before it came back."""


@dataclass(frozen=True)
class CardReaderChanged:
    """The card reader answers or no longer does."""

    answers: bool


@dataclass(frozen=True)
class HoursChanged:
    """The site opened or closed, or it is another day: what patients are to know of the next opening has changed."""

    is_open: bool
    next_opening: Opening | None = None


@dataclass(frozen=True)
class StaffNoticed:
    """What staff should look at changed; `codes` are those of `screens.names.STAFF`."""

    codes: tuple[str, ...]


@dataclass(frozen=True)
class CardRead(OfVisit):
    """A 診察券 was read while the reader was armed for `visit`. `qr`: its code was on a phone or printed."""

    patient_number: str = field(repr=False)
    qr: bool = False


@dataclass(frozen=True)
class CardUnreadable(OfVisit):
    """A card was there, but no number could be taken from it."""


@dataclass(frozen=True)
class PatientUnknown(OfVisit):
    """No patient of this hospital has that number, or the reference number is not in the site's table."""


@dataclass(frozen=True)
class ReservationsFailed(OfVisit):
    """The reservations did not answer, or refused, or answered about someone else: nothing is known.

    `reason`: `his_busy`, the system did not get to it in time; `outcome_unknown`, the arrival may be registered or not.
    """

    reason: Literal["reservations_down", "his_busy", "outcome_unknown"] = "reservations_down"


@dataclass(frozen=True)
class ArrivalRegistered(OfVisit):
    """The arrival of `day` is registered as `receptions` since `local_time`; `again`: it was before this visit.

    `left_out`: of what was to be registered, what the system did not take.
    """

    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    receptions: tuple[VisitReception, ...] = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)
    again: bool = False
    left_out: tuple[VisitAppointment, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class InCustody(OfVisit):
    """The hospital's system is down: the arrival of `day` is *not* registered, and kept since `local_time` to be
    delivered later. `number`: of this kiosk's own series, with its own letter.
    """

    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    number: str = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)


@dataclass(frozen=True)
class NothingToRegister(OfVisit):
    """The appointment was gone between look-up and registration."""


@dataclass(frozen=True)
class SlipPrinted(OfVisit):
    """The slip is out."""


@dataclass(frozen=True)
class SlipFailed(OfVisit):
    """No slip, or none that can be relied on; `reason` is one of the printer's."""

    reason: str


# What is known of the neighbours, whatever stage a visit is in.
SurroundingsEvent = TerminalChanged | CardReaderChanged | HoursChanged | StaffNoticed
VisitEvent = (
    Pressed
    | Ticked
    | BaselineTaken
    | BaselineFailed
    | ResultSighted
    | ResultGone
    | ResultArrived
    | SubsidyFailed
    | ResultCompared
    | CourierReturned
    | CardRead
    | CardUnreadable
    | AppointmentsFound
    | PatientUnknown
    | ReservationsFailed
    | ArrivalRegistered
    | InCustody
    | NothingToRegister
    | SlipPrinted
    | SlipFailed
)
Event = VisitEvent | SurroundingsEvent
