"""acceptmodv2: ORCA registers a reception, takes one back, or says which there is."""

import threading
import time as clocks
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from drivers.simulated.orca.formats import Record
from drivers.simulated.orca.hospital import Patient, Received
from drivers.simulated.orca.lists import DONE, Answered, Lists, asked_day

NO_PATIENT: Final = ("10", "患者番号に該当する患者が存在しません", dict[str, Any]())
WARNINGS: Final = {
    "K1": "受付日を自動設定しました",
    "K2": "受付時間を自動設定しました",
    "K3": "診療内容情報を自動設定しました",
}


@dataclass(frozen=True)
class _Wish:
    """What is to be registered; `warnings`: what the request left to the server."""

    patient: Patient
    day: date
    at: time
    department: str
    doctor: str
    kind: str
    insurance: str
    warnings: tuple[str, ...]


class ReceptionDesk:
    """The call that changes something. `accept` takes the request's class and record."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._hospital = lists.hospital
        self._manners = lists.manners
        self._one_at_a_time = threading.Lock()

    def accept(self, kind: str, asked: Mapping[str, Any]) -> Answered:
        """What Request_Number says (where it is left out, the class): 01 register, 02 cancel, 00 ask."""
        number = asked.get("Request_Number", "") or kind
        if number not in ("01", "02") and not (number == "00" and self._manners.has_query):
            return "91", "処理区分未設定", {}
        wanted = asked.get("Patient_ID", "")
        if not wanted:
            return "01", "患者番号が未設定です", {}
        patient = self._hospital.patient(wanted)
        if patient is None:
            return NO_PATIENT
        day = asked_day(asked.get("Acceptance_Date", ""), self._manners.clock().date())
        if day is None:
            return "11", "受付日が暦日ではありません", {}
        if number == "00":
            return self._query(patient, day, asked)
        if patient.number.lstrip("0") in self._hospital.at_terminal:
            return "90", "他端末使用中", {}
        return self._register(patient, day, asked) if number == "01" else self._cancel(patient, day, asked)

    def _register(self, patient: Patient, day: date, asked: Mapping[str, Any]) -> Answered:
        wish = self._wish(patient, day, asked)
        if isinstance(wish, tuple):
            return wish
        alone: AbstractContextManager[object] = self._one_at_a_time if self._manners.serialises else nullcontext()
        with alone:
            if self._hospital.double(patient.number, day, wish.department, wish.insurance):
                return "16", "診療科・保険組合せで受付登録済みです。二重登録疑い", {}
            clocks.sleep(self._manners.race_s)  # here nothing is locked, unless it serialises
            if self._hospital.full(day):
                return "50", "受付登録件数が上限以上となります。登録できません", {}
            received = self._hospital.receive(
                patient.number, day, wish.at, wish.department, wish.doctor, wish.kind, wish.insurance
            )
        return self._answered("受付登録終了", patient, received, wish.warnings)

    def _wish(self, patient: Patient, day: date, asked: Mapping[str, Any]) -> _Wish | Answered:
        department, doctor = asked.get("Department_Code", ""), asked.get("Physician_Code", "")
        kind, at = asked.get("Medical_Information", ""), self._time(asked)
        if not department or not doctor:
            return ("03", "ドクターが未設定です", {}) if department else ("02", "診療科が未設定です", {})
        if at is None:
            return "12", "受付時間設定誤り", {}
        if department not in self._hospital.departments:
            return "13", "診療科が存在しません", {}
        if doctor not in self._hospital.doctors:
            return "14", "ドクターが存在しません", {}
        if kind and kind not in self._hospital.kinds:
            return "15", "診療内容情報が存在しません", {}
        if department in self._hospital.refuses:
            return self._hospital.refuses[department], "受付できません", {}
        insurance = asked.get("HealthInsurance_Information", {}).get("Insurance_Combination_Number", "")
        if insurance and insurance not in patient.insurances:
            return "23", "保険情報と一致する保険組合せがありません", {}
        left_out = {"K1": "Acceptance_Date", "K2": "Acceptance_Time", "K3": "Medical_Information"}
        warnings = tuple(code for code, name in left_out.items() if not asked.get(name))
        return _Wish(patient, day, at, department, doctor, kind, insurance or patient.insurances[0], warnings)

    def _time(self, asked: Mapping[str, Any]) -> time | None:
        text = asked.get("Acceptance_Time", "")
        if not text:
            return self._manners.clock().time().replace(microsecond=0)
        try:
            return datetime.strptime(text, "%H:%M:%S").time()  # noqa: DTZ007 - a time of the site's day
        except ValueError:
            return None

    def _cancel(self, patient: Patient, day: date, asked: Mapping[str, Any]) -> Answered:
        """Without Acceptance_Id every reception of the patient in the department goes."""
        wanted = asked.get("Acceptance_Id", "")
        there = self._hospital.receptions_of(day)
        if wanted:
            found = [one for one in there if one.acceptance_id == wanted]
            if found and found[0].number != patient.number.lstrip("0"):
                return "20", "受付IDの受付患者番号と患者番号が一致しません", {}
        else:
            found = self._hospital.receptions_of(day, patient.number, asked.get("Department_Code", ""))
        if not found:
            return "17", "削除対象の受付レコードが存在しません", {}
        for one in found:
            self._hospital.cancel(one)
        warnings = () if asked.get("Acceptance_Date") else ("K1",)
        return self._answered("受付削除終了", patient, found[0], warnings)

    def _query(self, patient: Patient, day: date, asked: Mapping[str, Any]) -> Answered:
        found = self._hospital.receptions_of(day, patient.number, asked.get("Department_Code", ""))
        wanted = asked.get("Acceptance_Id", "")
        found = [one for one in found if wanted in ("", one.acceptance_id)]
        if not found:
            return "60", "受付の登録がありません。", {}
        chosen = next((one for one in found if not one.paid), found[0])
        code, message, rest = self._answered(DONE, patient, chosen, ())
        return (
            ("61", "該当の受付は会計済みです。診察料の返却は行いません。", rest)
            if chosen.paid
            else (code, message, rest)
        )

    def _answered(self, message: str, patient: Patient, received: Received, warnings: tuple[str, ...]) -> Answered:
        rest: Record = {
            "Api_Warning_Message_Information": [{"Api_Warning_Message": WARNINGS[code]} for code in warnings],
            "Reskey": "Acceptance_Info",
            "Acceptance_Date": received.day.isoformat(),
            "Acceptance_Time": received.at.isoformat("seconds"),
            "Acceptance_Id": received.acceptance_id,
            **self._lists.place(received.department, received.doctor),
            "Medical_Information": received.kind,
            "Patient_Information": self._lists.patient_row(patient),
        }
        return (warnings or ("00",))[0], message, rest
