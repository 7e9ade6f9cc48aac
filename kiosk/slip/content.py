"""What stands on a slip (受付票): the words, their order and their weight.

Owns the texts of both slips and the cleaning of what other systems put into them. Pure: must never draw, print or do
I/O, and must never put a patient's name on paper (PATIENTS.md 4: number, barcode, appointments).
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Style = Literal["title", "number", "large", "body", "small", "note", "rule"]

APPOINTMENTS_MAX = 10
FIELD_CHARS_MAX = 40
NOTES_MAX = 6
CODE_CHARS_MAX = 32
TIME_CHARS_MAX = 8
LARGE_CHARS_MAX = 20
_WEEKDAYS = "月火水木金土日"

NOTE_LINES = {
    "insurance_check": "健康保険の確認があります",
    "subsidy_failed": "受給者証をお見せください",
}


@dataclass(frozen=True)
class SlipLine:
    """One paragraph of a slip; the picture wraps it. `style` is its weight; a "rule" is a line across, without text."""

    text: str = field(repr=False)
    style: Style


@dataclass(frozen=True)
class Slip:
    """A slip from top to bottom, then the barcode of the patient number when there is one."""

    lines: tuple[SlipLine, ...] = field(repr=False)
    barcode: str | None = field(repr=False)


@dataclass(frozen=True)
class SlipAppointment:
    """One appointment as it is printed. `time` is HH:MM; empty fields are left out."""

    time: str = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)


def reception_slip(
    *,
    hospital: str,
    day: date,
    time: str,
    number: int,
    appointments: tuple[SlipAppointment, ...],
    notes: tuple[str, ...],
    patient_number: str,
    again: bool = False,
) -> Slip:
    """The slip of a registered arrival: `time` HH:MM of the reception, `number` the reception number.

    `appointments` are printed in time order, `APPOINTMENTS_MAX` at most and the rest counted. `notes` are the note
    codes of the visit; each becomes a line for the patient and its code for the staff. `again` marks a reprint.
    """
    lines = [
        SlipLine(shown(hospital), "body"),
        SlipLine("受付票（再発行）" if again else "受付票", "title"),
        SlipLine(f"{_japanese_date(day)} {shown(time, TIME_CHARS_MAX)}受付", "body"),
        SlipLine("受付番号", "body"),
        SlipLine(str(number), "number"),
    ]
    in_order = sorted(appointments, key=lambda one: _time_key(one.time))
    for appointment in in_order[:APPOINTMENTS_MAX]:
        lines.append(SlipLine("", "rule"))
        lines.extend(_appointment_lines(appointment))
    if len(in_order) > APPOINTMENTS_MAX:
        lines.append(SlipLine("", "rule"))
        lines.append(SlipLine(f"ほか{len(in_order) - APPOINTMENTS_MAX}件のご予約があります", "body"))
    lines.append(SlipLine("", "rule"))
    lines.extend(_note_lines(notes))
    return Slip(lines=tuple(lines), barcode=patient_number)


def counter_slip(*, hospital: str, day: date, time: str, reason: str) -> Slip:
    """The slip of a visit that ends at the counter: what to do, and `reason` as a code for the staff.

    It holds nothing of the patient, because at the counter it may not be known who stood there.
    """
    return Slip(
        lines=(
            SlipLine(shown(hospital), "body"),
            # Two lines by hand: wrapped by width, a narrow slip would break the word.
            SlipLine("受付窓口へ", "title"),
            SlipLine("お越しください", "title"),
            SlipLine("まだ受付は終わっていません", "note"),
            SlipLine(f"{_japanese_date(day)} {shown(time, TIME_CHARS_MAX)}", "body"),
            SlipLine("", "rule"),
            SlipLine(f"職員用：{shown(reason, CODE_CHARS_MAX)}", "small"),
        ),
        barcode=None,
    )


def _appointment_lines(appointment: SlipAppointment) -> Iterator[SlipLine]:
    """Time and department together, because they are what the patient looks for; where to go as large as they are.

    What is very long is smaller: ten of its like would make a slip of a metre.
    """
    time, department = shown(appointment.time, TIME_CHARS_MAX), shown(appointment.department)
    if len(department) <= LARGE_CHARS_MAX:
        yield SlipLine(f"{time} {department}".strip(), "large")
    else:
        yield SlipLine(time, "large")
        yield SlipLine(department, "body")
    doctor = shown(appointment.doctor)
    if doctor:
        yield SlipLine(doctor if doctor.endswith("先生") else f"{doctor} 先生", "body")
    place = shown(appointment.place)
    if place:
        yield SlipLine(place, "large" if len(place) <= LARGE_CHARS_MAX else "body")


def _note_lines(notes: tuple[str, ...]) -> Iterator[SlipLine]:
    once = tuple(dict.fromkeys(notes))[:NOTES_MAX]
    if not once:
        return
    yield SlipLine("受付窓口にもお寄りください", "note")
    for code in once:
        if code in NOTE_LINES:
            yield SlipLine(NOTE_LINES[code], "body")
    # The staff know the codes, also those that have no words for the patient.
    yield SlipLine("職員用：" + " ".join(shown(code, CODE_CHARS_MAX) for code in once), "small")


def _japanese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}）"


def _time_key(time: str) -> tuple[bool, int, int, str]:
    """9:00 before 10:00 however it is written; what is not a time comes last."""
    hour, _, minute = time.strip().partition(":")
    if hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) <= 2:
        return (False, int(hour), int(minute), "")
    return (True, 0, 0, time)


def shown(text: str, chars_max: int = FIELD_CHARS_MAX) -> str:
    """A field of another system as it may stand on paper: no control, bidi or private characters, bounded with …."""
    # Cut before looking at each character: a field of a megabyte must not cost a second.
    kept = "".join(_printable(character) for character in text[: chars_max * 8])
    clean = " ".join(kept.split())
    if len(clean) <= chars_max and len(text) <= chars_max * 8:
        return clean
    return clean[: chars_max - 1] + "…"


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    # A tab or a line end parts two words; dropped without a blank it would join them.
    if character.isspace():
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else character
