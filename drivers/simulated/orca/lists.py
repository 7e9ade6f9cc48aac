"""What ORCA answers to questions: a patient's appointments, the day's, the day's receptions, a patient, masters."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from drivers.simulated.orca.formats import Record
from drivers.simulated.orca.hospital import Booked, Hospital, Patient, Received
from drivers.simulated.orca.manners import Manners

# What an answer's Api_Result is, what is said with it, and the rest of it.
Answered = tuple[str, str, Record]
DONE: Final = "処理終了"
MASTER_ROWS: Final = 98


def asked_day(text: str, today: date) -> date | None:
    """The day that a request says; `today` where it says none; None: it is none."""
    if not text:
        return today
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


class Lists:
    """The calls that change nothing. Each takes the request's class and record, and returns what to answer."""

    def __init__(self, hospital: Hospital, manners: Manners) -> None:
        self.hospital = hospital
        self.manners = manners

    def appointlst2v2(self, kind: str, asked: Mapping[str, Any]) -> Answered:
        """A patient's appointments from a day on, the last one first; past ones with Visit_Information."""
        if kind != "01":
            return "91", "処理区分未設定", {}
        number = asked.get("Patient_ID", "")
        if not number:
            return "01", "患者番号の設定がありません", {}
        patient = self.hospital.patient(number)
        if patient is None:
            return "10", "患者番号に該当する患者が存在しません", {}
        day = asked_day(asked.get("Base_Date", ""), self.manners.clock().date())
        if day is None:
            return "11", "予約日が暦日ではありません", {}
        rest: Record = {"Base_Date": day.isoformat(), "Patient_Information": self.patient_row(patient)}
        booked = self.hospital.bookings_from(day, number)
        if not booked:
            return "21", "対象の予約はありませんでした", {**rest, "Appointlst_Information": [self._stub()]}
        most = self.manners.patient_rows_max
        rows = [{"Appointment_Date": one.day.isoformat(), **self._booked(one)} for one in booked[:most]]
        rest["Appointlst_Information"] = rows
        if len(booked) > most:
            return "20", f"予約対象件数が{most}件以上あります", rest
        return "00", DONE, rest

    def appointlstv2(self, kind: str, asked: Mapping[str, Any]) -> Answered:
        """All appointments of a day; of one doctor, of one kind."""
        if kind != "01":
            return "91", "処理区分未設定", {}
        day = asked_day(asked.get("Appointment_Date", ""), self.manners.clock().date())
        if day is None:
            return "11", "予約日が暦日ではありません", {}
        doctor, wanted = asked.get("Physician_Code", ""), asked.get("Medical_Information", "")
        if doctor and doctor not in self.hospital.doctors:
            return "12", "ドクターが存在しません", {}
        if wanted and wanted not in self.hospital.kinds:
            return "13", "診療内容情報が存在しません", {}
        booked = [
            one for one in self.hospital.bookings_of(day) if doctor in ("", one.doctor) and wanted in ("", one.kind)
        ]
        rest: Record = {"Appointment_Date": day.isoformat()}
        if not booked:
            return "21", "対象の予約はありませんでした", {**rest, "Appointlst_Information": [self._stub(doctor)]}
        most = self.manners.rows_max
        rest["Appointlst_Information"] = [
            {**self._booked(one), "Patient_Information": self.patient_row(self.hospital.patients[one.number])}
            for one in booked[:most]
        ]
        if len(booked) > most:
            return "20", f"予約対象件数が{most}件以上あります", rest
        return "00", DONE, rest

    def acceptlstv2(self, kind: str, asked: Mapping[str, Any]) -> Answered:
        """The receptions of a day: 01 waiting, 02 paid, 03 all; of one department, doctor, kind."""
        if kind not in ("01", "02", "03"):
            return "91", "処理区分未設定", {}
        day = asked_day(asked.get("Acceptance_Date", ""), self.manners.clock().date())
        if day is None:
            return "11", "受付日が暦日ではありません", {}
        department, doctor = asked.get("Department_Code", ""), asked.get("Physician_Code", "")
        if department and department not in self.hospital.departments:
            return "12", "診療科が存在しません", {}
        if doctor and doctor not in self.hospital.doctors:
            return "13", "ドクターが存在しません", {}
        states = {"01": (False,), "02": (True,), "03": (False, True)}[kind]
        found = [
            one
            for one in self.hospital.receptions_of(day, department=department)
            if one.paid in states
            and doctor in ("", one.doctor)
            and asked.get("Medical_Information", "") in ("", one.kind)
        ]
        rest: Record = {"Acceptance_Date": day.isoformat()}
        if not found:
            return "21", "対象の受付はありませんでした", rest
        most = self.manners.rows_max
        rest["Acceptlst_Information"] = [self._received(one) for one in found[:most]]
        if len(found) > most:
            return "20", f"受付対象件数が{most}件以上あります", rest
        return "00", DONE, rest

    def patientgetv2(self, number: str) -> Answered:
        """What is known of one patient."""
        patient = self.hospital.patient(number)
        if patient is None:
            return "10", "患者番号がありません", {}
        rest = {
            **self.patient_row(patient),
            "TestPatient_Flag": "1" if patient.test else "0",
            "Death_Flag": "1" if patient.deceased else "",
            "Outpatient_Class": "1" if patient.in_hospital else "",
            "HealthInsurance_Information": [
                {"Insurance_Combination_Number": one, "InsuranceProvider_WholeName": "国保"}
                for one in patient.insurances
            ],
        }
        return "00", DONE, {"Patient_Information": rest}

    def system01lstv2(self, kind: str, asked: Mapping[str, Any]) -> Answered:
        """The departments (01) or doctors (02) of a day."""
        day = asked_day(asked.get("Base_Date", ""), self.manners.clock().date())
        if day is None:
            return "11", "基準日が暦日ではありません", {}
        name, master = {
            "01": ("Department_Information", self.hospital.departments),
            "02": ("Physician_Information", self.hospital.doctors),
        }[kind]
        rows: list[Record] = [{"Code": code, "WholeName": text} for code, text in master.items()]
        if self.manners.pads:
            rows += [{} for _ in range(MASTER_ROWS - len(rows))]
        return "00", DONE, {"Base_Date": day.isoformat(), name: rows}

    def patient_row(self, patient: Patient) -> Record:
        """The patient as every answer has him, his number as long as this installation writes it."""
        return {
            "Patient_ID": patient.number.lstrip("0").zfill(self.manners.patient_digits),
            "WholeName": patient.name,
            "WholeName_inKana": patient.kana,
            "BirthDate": patient.birth.isoformat(),
            "Sex": patient.sex,
        }

    def place(self, department: str, doctor: str) -> Record:
        """Codes and names of where somebody is registered."""
        return {
            "Department_Code": department,
            "Department_WholeName": self.hospital.departments[department],
            "Physician_Code": doctor,
            "Physician_WholeName": self.hospital.doctors[doctor],
        }

    def _booked(self, booked: Booked) -> Record:
        return {
            "Appointment_Time": booked.at.isoformat("seconds"),
            "Medical_Information": booked.kind,
            "Medical_Information_WholeName": self.hospital.kinds[booked.kind],
            **self.place(booked.department, booked.doctor),
            "Visit_Information": "1" if booked.visited else "",
            "Appointment_Id": booked.booking_id,
            "Appointment_Note": booked.note,
        }

    def _received(self, received: Received) -> Record:
        booked = received.booked
        return {
            "Acceptance_Time": received.at.isoformat("seconds"),
            "Acceptance_Id": received.acceptance_id,
            **self.place(received.department, received.doctor),
            "Medical_Information": received.kind,
            "Account_Time": received.at.isoformat("seconds") if received.paid else "",
            "Appointment_Time": booked.at.isoformat("seconds") if booked is not None else "",
            "Appointment_Id": booked.booking_id if booked is not None else "",
            "Patient_Information": self.patient_row(self.hospital.patients[received.number]),
            "HealthInsurance_Information": {"Insurance_Combination_Number": received.insurance},
        }

    def _stub(self, doctor: str = "") -> Record:
        """The row that comes with "there is none"."""
        code = doctor or next(iter(self.hospital.doctors))
        return {
            "Medical_Information": next(iter(self.hospital.kinds)),
            "Physician_Code": code,
            "Physician_WholeName": self.hospital.doctors[code],
        }


Ask = Callable[[str, Mapping[str, Any]], Answered]
