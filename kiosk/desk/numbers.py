"""照会番号 for the pages: whose number a result has, who may be registered, what was sent. Registering is next door.

Must never choose a patient: a candidate is there only for a number that somebody typed, scanned or pressed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from kiosk.desk import registration
from kiosk.desk.acts import Done, Outcome, Refused
from kiosk.desk.page_values import as_day, found_of
from kiosk.desk.pages import NumberPage, Patient
from kiosk.desk.patients import PatientRow, Patients
from kiosk.desk.registration import Confirmation, Registration
from kiosk.desk.registration_work import Registrations
from kiosk.desk.visits import Visit
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.words.problems import Problem

FOUND_MAX: Final = 50


class Numbers:
    """`patients`: None: the hospital's are not known. Any thread."""

    def __init__(
        self, registrations: Registrations, references: ReferenceNumbers, patients: Patients | None, *, off: bool
    ) -> None:
        self._registrations, self._references, self._patients = registrations, references, patients
        self.off = off

    @property
    def has_patients(self) -> bool:
        """Whether the site names a list of its patients."""
        return self._patients is not None

    @property
    def troubles(self) -> dict[str, Problem]:
        """What is wrong, by where: requests, answers, patients, store."""
        return self._registrations.troubles

    def advance(self) -> bool:
        """See Registrations: for one thread."""
        return self._registrations.advance()

    def forget(self, before: date) -> None:
        """See Registrations."""
        self._registrations.forget(before)

    def patient_of(self, reference: str) -> str:
        """The number of the card of who has this reference number; "" for none."""
        return (self._references.patient_number_for(reference) or "") if reference else ""

    @property
    def patients_read(self) -> object:
        """Another object after the hospital's patients were read anew; None while they are not known."""
        return self._patients.read if self._patients else None

    def name_of(self, patient: str) -> tuple[str, str]:
        """Name and kana of the hospital's patient; "" where they are not known."""
        row = self._patients.of_number(patient) if self._patients else None
        return (row.name, row.kana) if row else ("", "")

    def offers(self, visit: Visit) -> bool:
        """Whether a number may be registered for what the visit's last result says."""
        return self._registrations.why_not(found_of(visit)) is None

    def of_day(self, day: date) -> tuple[Registration, ...]:
        """Newest first, and those of other days that a person must settle."""
        today = self._registrations.of_day(day)
        known = {each.id for each in today}
        left = tuple(each for each in self._registrations.undecided() if each.id not in known)
        return tuple(reversed((*left, *today)))

    def last_of(self, visit: Visit, day: date) -> Registration | None:
        """See Registrations."""
        return self._registrations.last_of(found_of(visit), day)

    def page(self, page: NumberPage, visit: Visit, wanted: str, day: date) -> NumberPage:
        """`page` with what this visit offers, and with who was looked for."""
        found = found_of(visit)
        sent = self.last_of(visit, day)
        not_offered = self._registrations.why_not(found)
        page = replace(page, not_offered=not_offered, sent=sent)
        if not wanted or not_offered:
            return page
        candidate = self._registrations.candidate(found, wanted)
        if not isinstance(candidate, registration.Refused):
            return replace(page, candidate=candidate)
        rows = self._patients.search(wanted, FOUND_MAX) if self._patients else ()
        if self._patients is None or candidate.reason != "number_unknown":
            return replace(page, refused=candidate.reason)
        return replace(page, found=tuple(_patient(row) for row in rows))

    def send(self, visit: Visit, confirmation: Confirmation, by: str) -> Outcome:
        """Store what is to be sent."""
        sent = self._registrations.send(found_of(visit), confirmation, by)
        return _refused(sent) if isinstance(sent, registration.Refused) else Done()

    def withdraw(self, number: int) -> Outcome:
        """Take back what was not sent yet."""
        refused = self._registrations.withdraw(number)
        return Done() if refused is None else _refused(refused)

    def settle(self, number: int, *, there: bool) -> Outcome:
        """A person looked at the terminal."""
        refused = self._registrations.settle(number, there=there)
        return Done() if refused is None else _refused(refused)


def _refused(refused: registration.Refused) -> Refused:
    return Refused(Problem(f"number_refused.{refused.reason}"))


def _patient(row: PatientRow) -> Patient:
    return Patient(row.number, row.name, row.kana, as_day(row.birth))
