"""What ORCA is asked, call by call: requests, its codes, and answers as records of values.

Source of names and codes: https://www.orca.med.or.jp/receipt/tec/api/ (appointlst2, appointlst, acceptmod,
acceptancelst, patientget, systemkanri). A code has two digits or four, and zeros alone are success. A row without a
patient's number is of somebody who has none yet, and nobody who can use a card.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from urllib.parse import quote

from drivers.reservations import Appointment, Coded
from drivers.reservations.orca import rows
from drivers.reservations.orca.line import Failed, Line
from drivers.reservations.orca.rows import Patient, Received
from drivers.reservations.orca.xml2 import NotXml2, Record, answer, request

DONE: Final = "00"
NOT_ALL: Final = "20"
"""There are more rows than an answer has; those that fit come with it."""
NOTHING: Final = "21"
"""There is no row; what comes in their place repeats the question."""
NO_PATIENT: Final = "10"
DOUBLE: Final = "16"
STORED_BADLY: Final = ("51", "52", "53")
"""A counter or a row of another terminal was in the way: it may be stored, or not."""
GONE: Final = ("17", "20")

_BUSY, _LOGIN = "90", "99"
_FAULTS: Final = ("89", "91", "97", "98")
_CERTAIN: Final = ("01", "02", "03", "11", "12", "13", "14", "15", "19", "21", "22", "23", "24", "50", "54")


@dataclass(frozen=True)
class Known:
    """A patient, the appointments of a day in time order, and those of the first later day that has some; of somebody
    with more than are listed, `later` is ().
    """

    patient: Patient
    appointments: tuple[Appointment, ...] = field(default=(), repr=False)
    later: tuple[Appointment, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Accepted:
    """What a registration came to: `code` DONE with `reception`, NO_PATIENT, DOUBLE, or one of STORED_BADLY."""

    code: str
    reception: Received | None = None


@dataclass(frozen=True)
class Whole:
    """Rows of a day. `complete`: all that there are."""

    rows: tuple[Record, ...] = field(repr=False)
    complete: bool


class Api:
    """Calls over `line`. All raise Failed by `until`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def appointments(self, patient_number: str, day: date, until: float) -> Known | None:
        """Of a patient on `day` and the next time; None: there is no such patient."""
        fields = {"Patient_ID": patient_number, "Base_Date": day.isoformat()}
        code, record = self._post("/api01rv2/appointlst2v2?class=01", "appointlst2req", fields, until)
        if code == NO_PATIENT:
            return None
        _expected(code, (DONE, NOT_ALL, NOTHING))
        patient = rows.patient(record.record("Patient_Information"))
        if code == NOTHING and not patient.number:
            return Known(patient)
        _same(patient.number, patient_number)
        if code == NOTHING:
            return Known(patient)
        if code == NOT_ALL:
            return Known(patient, self._near(patient_number, day, until))
        found = [rows.appointment(each, None) for each in record.rows("Appointlst_Information")]
        days = sorted({each.day for each in found if each.day > day})
        return Known(patient, due(found, day), due(found, days[0]) if days else ())

    def _near(self, patient_number: str, day: date, until: float) -> tuple[Appointment, ...]:
        """Of a patient with more appointments than are listed: it is the nearest that are left out, so they are looked
        for among those of all patients.
        """
        whole = self.day_appointments(day, until)
        own = [rows.appointment(row, day) for row in whole.rows if rows.same(rows.number(row), patient_number)]
        if not (own or whole.complete):
            raise Failed("refused", "has more appointments than it lists", "orca_too_many")
        return due(own, day)

    def day_appointments(self, day: date, until: float) -> Whole:
        """Of all patients on `day`."""

        def ask(doctor: str = "") -> tuple[str, Record]:
            fields = {"Appointment_Date": day.isoformat(), "Medical_Information": "", "Physician_Code": doctor}
            code, record = self._post("/api01rv2/appointlstv2?class=01", "appointlstreq", fields, until)
            _expected(code, (DONE, NOT_ALL, NOTHING))
            _on(record.of("Appointment_Date") or day.isoformat(), day)
            return code, record

        whole = _whole(ask, "Appointlst_Information", (lambda: self._codes("02", day, until),))
        # By doctor, nobody hears of those without one.
        complete = whole.complete and all(row.of("Physician_Code") for row in whole.rows)
        return whole if complete else Whole(whole.rows, complete=False)

    def day_receptions(self, day: date, until: float, *, department: str = "", first: Sequence[str] = ()) -> Whole:
        """Of all patients on `day`, in `department` ("": anywhere).

        `first`: departments that must be among those asked one by one, where there are too many for one answer.
        """

        def ask(*parts: str) -> tuple[str, Record]:
            code, doctor = [*([department] if department else []), *parts, "", ""][:2]
            fields = {"Acceptance_Date": day.isoformat(), "Department_Code": code, "Physician_Code": doctor}
            result, record = self._post("/api01rv2/acceptlstv2?class=03", "acceptlstreq", fields, until)
            _expected(result, (DONE, NOT_ALL, NOTHING))
            _on(record.of("Acceptance_Date") or day.isoformat(), day)
            return result, record

        departments = lambda: tuple(dict.fromkeys((*first, *self._codes("01", day, until))))  # noqa: E731
        doctors = lambda: self._codes("02", day, until)  # noqa: E731
        return _whole(ask, "Acceptlst_Information", (doctors,) if department else (departments, doctors))

    def receptions(
        self, patient_number: str, day: date, until: float, *, department: str = "", first: Sequence[str] = ()
    ) -> tuple[Received, ...]:
        """Those of one patient, in the order in which he came. Where the list is not whole and he is not on it, it is
        not known whether he came: Failed.
        """
        whole = self.day_receptions(day, until, department=department, first=first)
        # A row of somebody else that cannot be read does not matter here.
        own = [rows.received(row, day) for row in whole.rows if rows.same(rows.number(row), patient_number)]
        if not (own or whole.complete):
            raise Failed("refused", "has more receptions than it lists", "orca_too_many")
        return rows.in_order(own)

    def patient(self, patient_number: str, until: float) -> Patient:
        """What is known of a patient besides appointments."""
        target = f"/api01rv2/patientgetv2?id={quote(patient_number, safe='')}"
        code, record = read(self._line.ask(target, None, until).body, writes=False)
        _expected(code, (DONE,))
        patient = rows.patient(record.record("Patient_Information"))
        _same(patient.number, patient_number)
        return patient

    def departments(self, day: date, until: float) -> tuple[Coded, ...]:
        """In ORCA's order."""
        return self._masters("01", "Department_Information", day, until)

    def doctors(self, day: date, until: float) -> tuple[Coded, ...]:
        """Likewise."""
        return self._masters("02", "Physician_Information", day, until)

    def accept(self, patient_number: str, wanted: Mapping[str, str], at: datetime, until: float) -> Accepted:
        """Register. `wanted`: Department_Code, Physician_Code, Medical_Information ("": the site's usual one)."""
        fields = _acceptance("01", patient_number, at) | dict(wanted)
        code, record = self._post("/orca11/acceptmodv2", "acceptreq", fields, until, writes=True)
        if code != DONE:
            _expected(code, (NO_PATIENT, DOUBLE, *STORED_BADLY), writes=True)
            return Accepted(code)
        _same(record.record("Patient_Information").of("Patient_ID"), patient_number, writes=True)
        _on(record.of("Acceptance_Date"), at.date(), writes=True)
        try:
            reception = rows.received(record, at.date())
        except rows.Garbled:
            raise garbled(writes=True) from None
        if reception.department.code != wanted["Department_Code"]:
            raise garbled(writes=True)
        return Accepted(code, reception)

    def cancel(self, reception: Received, patient_number: str, until: float) -> bool:
        """Delete `reception`; False: it is there no more. By its key: without one, ORCA deletes all of the patient's
        receptions in that department.
        """
        fields = _acceptance("02", patient_number, reception.at) | {
            "Acceptance_Id": reception.key,
            "Department_Code": reception.department.code,
            "Physician_Code": reception.doctor.code,
            "Medical_Information": reception.kind,
        }
        code, _ = self._post("/orca11/acceptmodv2", "acceptreq", fields, until, writes=True)
        if code in STORED_BADLY:
            raise Failed("refused", f"refused, with code {code}", "orca_refused", maybe_done=True, number=int(code))
        _expected(code, (DONE, *GONE), writes=True)
        return code == DONE

    def _masters(self, number: str, array: str, day: date, until: float) -> tuple[Coded, ...]:
        fields = {"Request_Number": number, "Base_Date": day.isoformat()}
        target = f"/api01rv2/system01lstv2?class={number}"
        code, record = self._post(target, "system01_managereq", fields, until)
        # 10, 12, 13: there are more; 11: none.
        _expected(code, (DONE, "10", "11", "12", "13"))
        found = record.rows(array) if code != "11" else []
        return tuple(Coded(row.of("Code"), row.of("WholeName")) for row in found if row.of("Code"))

    def _codes(self, number: str, day: date, until: float) -> tuple[str, ...]:
        found = self.departments(day, until) if number == "01" else self.doctors(day, until)
        return tuple(each.code for each in found)

    def _post(
        self, target: str, name: str, fields: Mapping[str, str], until: float, *, writes: bool = False
    ) -> tuple[str, Record]:
        return read(self._line.ask(target, request(name, fields), until, writes=writes).body, writes=writes)


def due(found: Iterable[Appointment], day: date) -> tuple[Appointment, ...]:
    """Those of `day`, each once, in time order."""
    todays = {each.key: each for each in found if each.day == day}
    return tuple(sorted(todays.values(), key=lambda each: (each.time, each.key)))


def garbled(*, writes: bool = False) -> Failed:
    """The answer is none."""
    return Failed("misunderstood", "gave an answer that is none", "orca_garbled", maybe_done=writes)


def _acceptance(number: str, patient_number: str, at: datetime) -> dict[str, str]:
    return {
        "Request_Number": number,
        "Patient_ID": patient_number,
        "Acceptance_Date": at.date().isoformat(),
        "Acceptance_Time": at.strftime("%H:%M:%S"),
    }


def _whole(
    ask: Callable[..., tuple[str, Record]],
    array: str,
    levels: Sequence[Callable[[], tuple[str, ...]]],
    chosen: tuple[str, ...] = (),
) -> Whole:
    """All rows: in one answer; or, where that does not hold them, in one for each part of the next level. Rows may be
    there twice.
    """
    code, record = ask(*chosen)
    found = record.rows(array) if code != NOTHING else []
    if code != NOT_ALL:
        return Whole(tuple(found), complete=True)
    names = levels[0]() if levels else ()
    parts = [_whole(ask, array, levels[1:], (*chosen, name)) for name in names]
    found += [row for part in parts for row in part.rows]
    return Whole(tuple(found), complete=bool(parts) and all(part.complete for part in parts))


def read(body: bytes, *, writes: bool) -> tuple[str, Record]:
    """The code of an answer, with two digits, and its record. Raises Failed where the code is trouble everywhere."""
    try:
        record = answer(body)
    except NotXml2:
        raise garbled(writes=writes) from None
    code = _code(record.of("Api_Result"))
    if code == _BUSY:
        raise Failed("busy", "the patient is open at another terminal", "orca_busy")
    if code == _LOGIN:
        raise Failed("login", "does not know this user", "orca_login")
    if code in _FAULTS:
        raise refused(code)
    if not code:
        raise garbled(writes=writes)
    return code, record


def _code(text: str) -> str:
    # K1, K2, K3: done, with the day, the time or the kind of treatment added by ORCA.
    if text[:1] == "K" and text[1:].isdecimal():
        return DONE
    return f"{int(text):02d}" if text.isascii() and text.isdecimal() and len(text) <= 4 else text


def _expected(code: str, codes: Sequence[str], *, writes: bool = False) -> None:
    if code in codes:
        return
    if code in _CERTAIN:
        raise refused(code)
    raise Failed("misunderstood", "answered a code that is not known", "orca_unknown_code", maybe_done=writes)


def refused(code: str) -> Failed:
    """Understood, and not done."""
    return Failed("refused", f"refused, with code {code}", "orca_refused", number=int(code))


def _same(found: str, asked: str, *, writes: bool = False) -> None:
    if not rows.same(found, asked):
        raise Failed("misunderstood", "answered about somebody else", "orca_other_patient", maybe_done=writes)


def _on(found: str, day: date, *, writes: bool = False) -> None:
    if found != day.isoformat():
        raise Failed("misunderstood", "answered about another day", "orca_other_day", maybe_done=writes)
