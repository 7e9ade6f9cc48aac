"""The settings of what a patient sees and does: [screen], [counter], [arrival], [insurance], [card_reader], [[place]].

As `model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from kiosk.config import checks, patient_checks, system_checks

Language = Literal["ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """[arrival] How far from the appointment an arrival may be registered; 0: no limit. What happens beyond it."""

    early_min: Annotated[int, checks.whole(0, 1440, "unit.minutes")] = 0
    late_min: Annotated[int, checks.whole(0, 1440, "unit.minutes")] = 0
    # counter: staff decide. refuse: the page says from when on. register: the patient is to be back in time.
    early: Literal["counter", "refuse", "register"] = "counter"
    late: Literal["counter", "register"] = "counter"


@dataclass(frozen=True, kw_only=True)
class CardReader:
    """[card_reader] Without this table there is no patient-card route."""

    url: Annotated[str, checks.card_reader_url()] = "serial:///dev/ttyS0?baudrate=9600"
    end: Literal["CR", "LF", "CRLF", "STX-ETX"] = "CR"
    pattern: Annotated[str, checks.regex()] = "^([0-9A-Za-z-]{1,20})$"
    # Patient cards on phones (QR): the address of a reader of its own; "same": this one reads both. "": none does.
    also: Annotated[str, patient_checks.also_reader_url()] = ""
    # Of whom the birth day is asked where it is known; qr: who came by the reader for phones.
    birthday: Literal["never", "qr", "always"] = "never"

    @property
    def reads_phones(self) -> bool:
        """Whether a phone may be held to a reader."""
        return bool(self.also)

    @property
    def second_url(self) -> str:
        """The address of the reader for phones; "": there is none."""
        return "" if self.also == patient_checks.SAME else self.also


@dataclass(frozen=True, kw_only=True)
class Display:
    """[screen] The display as the patient sees it: after `rotation`."""

    width_px: Annotated[int, checks.whole(480, 7680, "unit.pixels")] = 1080
    height_px: Annotated[int, checks.whole(480, 7680, "unit.pixels")] = 1920
    # With the pixels it gives millimetres: letters and buttons have the same size on every display.
    diagonal_inch: Annotated[float, checks.number(5, 100, "unit.inches")] = 21.5
    fullscreen: Annotated[bool, checks.flag()] = True
    # Degrees, clockwise: how a display that was mounted turned has its picture turned back.
    rotation: Literal[0, 90, 180, 270] = 0
    # Those that patients may choose from.
    languages: Annotated[tuple[Language, ...], patient_checks.some_of(*LANGUAGES)] = LANGUAGES
    default_language: Language = "ja"
    theme: Literal["normal", "high_contrast"] = "normal"
    # The face reader beside the kiosk, as it is drawn: how a card is put in, and on which side it stands. "": neutral.
    reader: Literal["", "flat", "slot", "drop"] = ""
    reader_side: Literal["", "left", "right"] = ""
    # Whether it takes phones as well.
    reader_phone: Annotated[bool, checks.flag()] = False
    # Where on the kiosk slips come out and patient cards go in.
    slip_at: Literal["", "left-top", "left-bottom", "right-top", "right-bottom", "bottom"] = ""
    # The lower edge of the display above the floor; 0: not known.
    mounting_cm: Annotated[float, checks.number(0, 200, "unit.centimetres")] = 0.0


@dataclass(frozen=True, kw_only=True)
class Counter:
    """[counter] Where staff wait for patients whom the kiosk cannot register."""

    # What stands on it: "1". "": it has no number.
    window: Annotated[str, checks.optional_text(8)] = ""
    # How to find it.
    text: Annotated[str, checks.optional_text(60)] = ""
    # Whether a patient can call staff to the kiosk.
    call: Annotated[bool, checks.flag()] = False


@dataclass(frozen=True, kw_only=True)
class Insurance:
    """[insurance] Who is asked to show the insurance at the counter."""

    # Patients with a patient card who were not here by マイナンバーカード this month.
    monthly_reminder: Annotated[bool, checks.flag()] = False
    # Patients whose eligibility key is another than last time, missing, or seen first.
    key_check: Annotated[bool, checks.flag()] = False


@dataclass(frozen=True, kw_only=True)
class Place:
    """[[place]] Where to go in a department, when the reservation system does not say."""

    # Its code or its name.
    department: Annotated[str, checks.text(60)]
    text: Annotated[str, checks.text(60)]
    # The same in parts, for readers of other languages and for large letters. floor: below the ground -1; 0: not said.
    building: Annotated[str, checks.optional_text(20)] = ""
    floor: Annotated[int, checks.whole(-9, 99, "unit.floors")] = 0
    window: Annotated[str, checks.optional_text(8)] = ""
    # With this doctor, by name or by code; "": with any.
    doctor: Annotated[str, checks.optional_text(60)] = ""
    # From this entrance ([numbering] entrance); "": from any.
    entrance: Annotated[str, system_checks.entrance()] = ""
