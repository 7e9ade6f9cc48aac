"""What a visit asks the world to do, in the imperative. `reception.loop` performs it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from kiosk.visit.rules import Language
from kiosk.visit.state import ArrivalInCustody, OfVisit, RegisteredArrival, Way


@dataclass(frozen=True)
class TakeBaseline(OfVisit):
    """List the terminal's folder now; answer BaselineTaken or BaselineFailed."""


@dataclass(frozen=True)
class StopWaiting(OfVisit):
    """No result is waited for any more: the terminal's folder need not be watched closely. Answered by nothing."""


@dataclass(frozen=True)
class ArmCardReader(OfVisit):
    """Forget everything read so far and report the next card for `visit`."""


@dataclass(frozen=True)
class DisarmCardReader:
    """Report no card."""


@dataclass(frozen=True)
class Prepare(OfVisit):
    """A slip and a page may be wanted soon: have ready what both need whoever they are for.

    It carries nothing of the candidate that settles, so nothing of it can be left when it does not.
    """


@dataclass(frozen=True)
class LookUp(OfVisit):
    """Find the patient's appointments of today. `number`: a reference number (mynumber) or a patient number."""

    way: Way
    number: str = field(repr=False)


@dataclass(frozen=True)
class Register(OfVisit):
    """Register the arrival, once per patient and day: the day that was looked up, even if midnight passes."""

    day: date
    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class RegisterWalkIn(OfVisit):
    """Register an arrival without an appointment; answered as Register is. `department`: its code."""

    day: date
    patient_number: str = field(repr=False)
    department: str = field(repr=False)


@dataclass(frozen=True)
class PrintSlip(OfVisit):
    """Print the reception slip, or that of an arrival in custody; `language`: the patient's, staff's part is
    Japanese.
    """

    arrival: RegisteredArrival | ArrivalInCustody = field(repr=False)
    language: Language = "ja"


@dataclass(frozen=True)
class PrintCounterSlip(OfVisit):
    """Print a slip that shows staff why the patient comes; it carries nothing of the patient.

    `code`: `reason` as staff look it up, the same as on the screen.
    """

    reason: str
    code: str = ""
    language: Language = "ja"


@dataclass(frozen=True)
class AcceptKey(OfVisit):
    """The patient was sent to the insurance counter on screen and slip: where no desk settles it, the new key of
    `file` counts as known from now on.
    """

    file: Hashable


@dataclass(frozen=True)
class KeepUnserved(OfVisit):
    """The patient is known and could not be registered (`reason`): staff get a list of such patients of the day.

    `number`: a reference number (mynumber) or a patient number, as of LookUp. The registration may still come: see
    the event `arrival_registered_late`.
    """

    way: Way
    number: str = field(repr=False)
    reason: str
    code: str


@dataclass(frozen=True)
class TellStaff(OfVisit):
    """Somebody should come to this kiosk. `call`: a patient asks for it; `many_cards`: the card reader rests."""

    code: Literal["call", "many_cards"]


@dataclass(frozen=True)
class Record:
    """Write one line of the event log: an id of `process.event_log.EVENTS` and a code, never a patient's data.

    `what`: the code that staff read on the screen.
    """

    event: str
    visit: int
    code: str = ""
    what: str = ""


DeviceCommand = (
    TakeBaseline
    | StopWaiting
    | ArmCardReader
    | DisarmCardReader
    | Prepare
    | LookUp
    | Register
    | RegisterWalkIn
    | PrintSlip
    | PrintCounterSlip
    | AcceptKey
    | KeepUnserved
    | TellStaff
)
Command = DeviceCommand | Record
