"""The hospital's side: patients, appointments and the day's receptions, whether a window or an API made them."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final, Literal

DEPARTMENTS: Final = {"01": "内科", "11": "整形外科", "26": "眼科", "19": "皮膚科", "27": "耳鼻咽喉科"}
DOCTORS: Final = {"10001": "日本　一", "10002": "佐藤　光", "10003": "髙木　𠮷朗"}
KINDS: Final = {"01": "診察１", "02": "薬のみ", "04": "検査のみ", "99": "該当なし"}
INSURANCE: Final = "0001"
LAST_ID: Final = 99_999


def plain(number: str) -> str:
    """A patient number without the zeros in front that one site pads with and another does not."""
    return number.lstrip("0")


@dataclass(frozen=True)
class Patient:
    """Somebody who does not exist. `insurances`: numbers of combinations (保険組合せ番号), the last used first."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: date = field(repr=False)
    sex: Literal["1", "2"] = "1"
    in_hospital: bool = False
    deceased: bool = False
    test: bool = False
    insurances: tuple[str, ...] = (INSURANCE,)


@dataclass
class Booked:
    """An appointment. `booking_id` is unique only with day, time, doctor and kind. `note`: staff's memo."""

    number: str = field(repr=False)
    day: date
    at: time
    department: str
    doctor: str
    kind: str
    note: str = field(repr=False)
    booking_id: str
    visited: bool = False


@dataclass
class Received:
    """A reception. `booked`: the appointment that it made visited. `paid`: 会計済み."""

    number: str = field(repr=False)
    day: date
    at: time
    acceptance_id: str
    department: str
    doctor: str
    kind: str
    insurance: str
    by_staff: bool
    booked: Booked | None = field(default=None, repr=False)
    paid: bool = False


class Hospital:
    """Any thread; `receptions` are those that stand, in the order of their numbers, `cancelled` the others.

    `departments`, `doctors`, `kinds`: names by code. `refuses`: an error code by department that takes no reception.
    `at_terminal`: numbers of patients whom another terminal has open (90), without zeros in front.
    """

    def __init__(
        self,
        departments: Mapping[str, str] = DEPARTMENTS,
        doctors: Mapping[str, str] = DOCTORS,
        kinds: Mapping[str, str] = KINDS,
    ) -> None:
        self.departments = dict(departments)
        self.doctors = dict(doctors)
        self.kinds = dict(kinds)
        self.refuses: dict[str, str] = {}
        self.at_terminal: set[str] = set()
        self.patients: dict[str, Patient] = {}
        self.bookings: list[Booked] = []
        self.receptions: list[Received] = []
        self.cancelled: list[Received] = []
        self._last_id: Counter[date] = Counter()
        self._lock = threading.RLock()

    def add(self, *patients: Patient) -> None:
        """New patients, or what is now known of old ones."""
        with self._lock:
            self.patients.update({plain(patient.number): patient for patient in patients})

    def patient(self, number: str) -> Patient | None:
        """Who has this number, however many zeros are in front of it."""
        with self._lock:
            return self.patients.get(plain(number))

    def book(
        self, number: str, day: date, at: time, department: str, doctor: str, kind: str = "01", note: str = ""
    ) -> Booked:
        """A new appointment of a patient who is there, for codes that are there."""
        with self._lock:
            assert plain(number) in self.patients and department in self.departments  # noqa: S101, PT018 - a test's slip
            same = [one for one in self.bookings if (one.day, one.at, one.doctor, one.kind) == (day, at, doctor, kind)]
            booked = Booked(plain(number), day, at, department, doctor, kind, note, f"{len(same) + 1:02}")
            self.bookings.append(booked)
            return booked

    def unbook(self, booked: Booked) -> None:
        """It is called off."""
        with self._lock:
            self.bookings.remove(booked)

    def bookings_of(self, day: date, number: str | None = None) -> list[Booked]:
        """Of a day, by time; of one patient."""
        with self._lock:
            found = [one for one in self.bookings if one.day == day and number in (None, one.number)]
        return sorted(found, key=lambda one: one.at)

    def bookings_from(self, day: date, number: str) -> list[Booked]:
        """A patient's of that day and later, the last one first."""
        with self._lock:
            found = [one for one in self.bookings if one.day >= day and one.number == plain(number)]
        return sorted(found, key=lambda one: (one.day, one.at), reverse=True)

    def receptions_of(self, day: date, number: str | None = None, department: str = "") -> list[Received]:
        """Of a day, in the order of their numbers; of one patient, of one department."""
        wanted = None if number is None else plain(number)
        with self._lock:
            return [
                one
                for one in self.receptions
                if one.day == day and wanted in (None, one.number) and department in ("", one.department)
            ]

    def staff_register(self, number: str, day: date, at: time, department: str, doctor: str) -> Received:
        """What a window does: it may enter one twice if it likes."""
        return self.receive(number, day, at, department, doctor, "", INSURANCE, by_staff=True)

    def double(self, number: str, day: date, department: str, insurance: str) -> bool:
        """Whether the patient is registered there, with that insurance, and has not paid yet."""
        return any(one.insurance == insurance and not one.paid for one in self.receptions_of(day, number, department))

    def full(self, day: date) -> bool:
        """Whether the day has no number left."""
        with self._lock:
            return self._last_id[day] >= LAST_ID

    def receive(
        self, number: str, day: date, at: time, department: str, doctor: str, kind: str, insurance: str,
        *, by_staff: bool = False,
    ) -> Received:  # fmt: skip
        """Enter a reception under the day's next number. `kind` "": the appointment's, or the first there is."""
        with self._lock:
            booked = next(
                (
                    one
                    for one in self.bookings_of(day, plain(number))
                    if one.department == department and not one.visited and (doctor == one.doctor or kind == one.kind)
                ),
                None,
            )
            if booked is not None:
                booked.visited = True
            kind = kind or (booked.kind if booked is not None else next(iter(self.kinds)))
            self._last_id[day] += 1
            received = Received(
                plain(number),
                day,
                at,
                f"{self._last_id[day]:05}",
                department,
                doctor,
                kind,
                insurance,
                by_staff,
                booked,
            )
            self.receptions.append(received)
            return received

    def cancel(self, received: Received) -> None:
        """Take a reception out: the appointment is as if nobody had come, the number is never used again."""
        with self._lock:
            if received in self.receptions:
                self.receptions.remove(received)
                self.cancelled.append(received)
                if received.booked is not None:
                    received.booked.visited = False
