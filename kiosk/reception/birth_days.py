"""The birth days of patients with a card, out of the hospital's own CSV: for sites that ask for them ([card_reader]).

Must never give one to anybody but the visit, which compares it with what was typed.
"""

from __future__ import annotations

from pathlib import Path

from kiosk.desk.patients import Patients
from kiosk.reception.worker import Report


class BirthDays:
    """`file` None: the site asks for none, or its patients are not known. One thread at a time refreshes."""

    def __init__(self, file: Path | None, report: Report) -> None:
        self._patients = Patients(file) if file else None
        self._report = report
        self._refused = False

    def refresh(self) -> None:
        """Read the file again if it changed: a second for a large hospital. A bad one leaves the last good in force."""
        bad = self._patients.refresh() if self._patients else None
        if bad is not None and not self._refused:
            self._report("birth_days_unknown", code=bad.problem.code)
        self._refused = bad is not None

    def of(self, number: str) -> str | None:
        """MMDD; None where nobody knows it."""
        found = self._patients.of_number(number) if self._patients else None
        day = found.birth[4:] if found else ""
        return None if len(day) != 4 or "00" in (day[:2], day[2:]) else day
