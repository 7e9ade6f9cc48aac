"""What a visit asks the world to do, in the imperative. `reception.loop` performs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from kiosk.visit.state import RegisteredArrival, Way


@dataclass(frozen=True)
class TakeBaseline:
    """List the terminal's folder now; answer BaselineTaken or BaselineFailed."""

    visit: int


@dataclass(frozen=True)
class ArmCardReader:
    """Forget everything read so far and report the next card for `visit`."""

    visit: int


@dataclass(frozen=True)
class DisarmCardReader:
    """Report no card."""


@dataclass(frozen=True)
class LookUp:
    """Find the patient's appointments of today. `number`: a reference number (mynumber) or a patient number."""

    visit: int
    way: Way
    number: str = field(repr=False)


@dataclass(frozen=True)
class Register:
    """Register the arrival, once per patient and day: the day that was looked up, even if midnight passes."""

    visit: int
    day: date
    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class PrintSlip:
    """Print the reception slip."""

    visit: int
    arrival: RegisteredArrival = field(repr=False)


@dataclass(frozen=True)
class PrintCounterSlip:
    """Print a slip that shows staff why the patient comes; it carries nothing of the patient."""

    visit: int
    reason: str


@dataclass(frozen=True)
class Record:
    """Write one line of the event log: an id of `process.event_log.EVENTS` and a code, never a patient's data."""

    event: str
    visit: int
    code: str = ""


Command = TakeBaseline | ArmCardReader | DisarmCardReader | LookUp | Register | PrintSlip | PrintCounterSlip | Record
