"""What stands on the chart-room sheet (カルテ出し): who has come, to which department, and the number as a barcode.

Owns the values, the words and the order. Pure: must never draw, print or do I/O. It names the patient, as the slip must
not: it is for staff, printed where they work, and lies in a chart, not in a patient's hand.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, time

from kiosk.screens.wording import Wording
from kiosk.slip.content import Slip, printable, reception_slip
from kiosk.typography import ruby
from kiosk.visit.arrival import VisitReception as VisitReception  # noqa: PLC0414 - a sheet holds them
from kiosk.visit.arrival import numbers_of, own_number
from kiosk.visit.state import RegisteredArrival, VisitAppointment
from kiosk.words.eras import word_era_day
from kiosk.words.patient import word_clock, word_day, word_doctor
from kiosk.words.texts import Texts

APPOINTMENTS_MAX = 8
NAME_CHARS_MAX = 80


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

    `day`, `local_time`: when the patient tapped or was received, in the site's time. `receptions`: () while nothing is
    registered. `patient_number`: "" where it is not known; then there is no barcode. `again`: it was printed
    before, and says so.
    """

    hospital: str
    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: date | None = field(repr=False)
    receptions: tuple[VisitReception, ...] = field(default=(), repr=False)
    appointments: tuple[SheetAppointment, ...] = field(default=(), repr=False)
    again: bool = False


@dataclass(frozen=True)
class WordedSheet:
    """A sheet as it reads. `appointments`: in time order, `APPOINTMENTS_MAX` at most; `more`: the rest counted, or "".

    `barcode`: the number as the symbol says it; None: no symbol. `received`: `reception` is a number.
    """

    title: str
    hospital: str
    moment: str = field(repr=False)
    number_label: str
    number: str = field(repr=False)
    reception_label: str
    reception: str = field(repr=False)
    kana: str = field(repr=False)
    name: str = field(repr=False)
    birth: str = field(repr=False)
    appointments: tuple[str, ...] = field(repr=False)
    more: str
    barcode: str | None = field(repr=False)
    received: bool


def worded(sheet: Sheet, texts: Texts, dates: Texts) -> WordedSheet:
    """The words of a sheet. `texts`: the catalogue `sheet`; `dates`: the patient's, which has how days are written."""
    words = texts["sheet"]
    in_order = sorted(sheet.appointments, key=lambda one: (one.time is None, one.time or time()))
    more = len(in_order) - APPOINTMENTS_MAX
    return WordedSheet(
        title=words["title_again" if sheet.again else "title"],
        hospital=printable(sheet.hospital),
        moment=ruby.plain(word_day(sheet.day, words["moment"], dates, sheet.local_time)),
        number_label=words["number"],
        number=printable(sheet.patient_number) or words["number_unknown"],
        reception_label=words["reception"],
        reception="・".join(map(printable, numbers_of(sheet.receptions))) or words["not_received"],
        # As a result has them: half-width letters are read as their full ones.
        kana=printable(unicodedata.normalize("NFKC", sheet.kana), NAME_CHARS_MAX),
        name=printable(sheet.name, NAME_CHARS_MAX),
        birth=_birth(sheet.birth, sheet.day, texts),
        appointments=tuple(
            _appointment(one, own_number(sheet.receptions, one.department), texts, dates)
            for one in in_order[:APPOINTMENTS_MAX]
        ),
        more=words["more"].format(count=more) if more > 0 else "",
        barcode=sheet.patient_number or None,
        received=bool(sheet.receptions),
    )


def slip_of(sheet: Sheet, wording: Wording, printed_at: time) -> Slip:
    """The slip (受付票) of the same arrival, as the kiosk prints it; `printed_at`: the site's time.

    Raises ValueError for a sheet without a reception number: nothing is registered.
    """
    if not sheet.receptions:
        raise ValueError("nothing is registered")
    return reception_slip(
        wording,
        sheet.hospital,
        RegisteredArrival(
            day=sheet.day,
            local_time=sheet.local_time,
            patient_number=sheet.patient_number,
            receptions=sheet.receptions,
            appointments=tuple(
                VisitAppointment(
                    one.time or sheet.local_time, one.department, one.doctor, one.place, walk_in=one.time is None
                )
                for one in sheet.appointments
            ),
            again=sheet.again,
        ),
        printed_at=printed_at,
    )


def _birth(birth: date | None, day: date, texts: Texts) -> str:
    words = texts["sheet"]
    if birth is None:
        return str(words["birth_unknown"])
    age = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    return str(words["birth"]).format(era=word_era_day(birth), year=birth.year, age=age)


def _appointment(one: SheetAppointment, number: str, texts: Texts, dates: Texts) -> str:
    clock = texts["sheet"]["no_time"] if one.time is None else word_clock(one.time, dates)
    doctor = ruby.plain(word_doctor(printable(one.doctor), dates))
    own = f"{texts['sheet']['reception']} {printable(number)}" if number else ""
    parts = (clock, printable(one.department), doctor, printable(one.place), own)
    return "　".join(part for part in parts if part)
