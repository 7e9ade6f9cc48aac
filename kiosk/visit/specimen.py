"""A made-up arrival, nobody's: what slip and page are prepared with before there is a real one."""

from __future__ import annotations

from datetime import date, time
from typing import Final

from kiosk.visit.state import RegisteredArrival, VisitAppointment, VisitReception

# With a letter of the second font, and with a note: whatever a real one may need.
SPECIMEN: Final = RegisteredArrival(
    day=date(2026, 1, 15),
    local_time=time(8, 30),
    patient_number="0",
    receptions=(VisitReception("1"),),
    appointments=(VisitAppointment(time(9), "内科", "\U00020bb7野", "1階"),),
    notes=("insurance_check",),
)
