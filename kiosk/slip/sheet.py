"""What stands on the chart-room sheet (カルテ出し): who has come, to which department, and the number as a barcode.

Owns the values and the order. Pure: must never draw, print or do I/O. It names the patient, as the slip must not: it is
for staff, printed where they work, and lies in a chart, not in a patient's hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time


@dataclass(frozen=True)
class SheetAppointment:
    """Where the patient goes; each may be empty. `time`: of the site's day; None for a walk-in."""

    time: time | None = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(default="", repr=False)
    place: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sheet:
    """One patient's arrival, for the chart room.

    `day`, `local_time`: when the patient tapped or was received, in the site's time. `reception_number`: None while
    nothing is registered. `patient_number`: "" where it is not known; then there is no barcode. Empty fields are left
    out. `again`: it was printed before, and says so.
    """

    hospital: str
    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: date | None = field(repr=False)
    reception_number: int | None = field(default=None, repr=False)
    appointments: tuple[SheetAppointment, ...] = field(default=(), repr=False)
    again: bool = False
