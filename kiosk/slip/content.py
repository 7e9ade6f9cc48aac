"""What stands on a slip (受付票): the words, their order and their weight.

Owns what both slips hold and the cleaning of what other systems put into them; the sentences are the patient's
catalogue ([slip]). Pure: must never draw, print or do I/O, and must never put a patient's name on paper: whoever finds
a slip must not learn who was at the hospital. A number, its barcode and the appointments are enough for staff.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Literal

from kiosk.visit.state import RegisteredArrival, VisitAppointment
from kiosk.words.patient import word_clock, word_day, word_doctor
from kiosk.words.texts import Texts

Style = Literal["title", "number", "large", "body", "small", "note", "rule"]

APPOINTMENTS_MAX = 10
FIELD_CHARS_MAX = 40
NOTES_MAX = 6
CODE_CHARS_MAX = 32
LARGE_CHARS_MAX = 20


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


def reception_slip(texts: Texts, hospital: str, arrival: RegisteredArrival) -> Slip:
    """The slip of a registered arrival; one that was registered before gets a title that says so.

    Appointments are printed in time order, `APPOINTMENTS_MAX` at most and the rest counted; their empty fields are left
    out. Each note becomes a line for the patient and its code for the staff.
    """
    words = texts["slip"]
    lines = [
        SlipLine(printable(hospital), "body"),
        SlipLine(words["title_again" if arrival.again else "title"], "title"),
        SlipLine(_moment(words["received"], arrival.day, arrival.local_time, texts), "body"),
        SlipLine(words["number"], "body"),
        SlipLine(str(arrival.number), "number"),
    ]
    in_order = sorted(arrival.appointments, key=lambda one: one.time)
    for appointment in in_order[:APPOINTMENTS_MAX]:
        lines.append(SlipLine("", "rule"))
        lines.extend(_appointment_lines(appointment, texts))
    if len(in_order) > APPOINTMENTS_MAX:
        lines.append(SlipLine("", "rule"))
        lines.append(SlipLine(words["more"].format(count=len(in_order) - APPOINTMENTS_MAX), "body"))
    lines.append(SlipLine("", "rule"))
    lines.extend(_note_lines(arrival.notes, words))
    return Slip(lines=tuple(lines), barcode=arrival.patient_number)


def counter_slip(texts: Texts, *, hospital: str, day: date, at: time, reason: str) -> Slip:
    """The slip of a visit that ends at the counter: what to do, and `reason` as a code for the staff.

    It holds nothing of the patient, because at the counter it may not be known who stood there.
    """
    words = texts["slip"]
    return Slip(
        lines=(
            SlipLine(printable(hospital), "body"),
            *(SlipLine(line, "title") for line in words["counter_title"]),
            SlipLine(words["counter_note"], "note"),
            SlipLine(_moment(words["counter_printed"], day, at, texts), "body"),
            SlipLine("", "rule"),
            SlipLine(words["staff"].format(codes=printable(reason, CODE_CHARS_MAX)), "small"),
        ),
        barcode=None,
    )


def _appointment_lines(appointment: VisitAppointment, texts: Texts) -> Iterator[SlipLine]:
    """Time and department together, because they are what the patient looks for; where to go as large as they are.

    What is very long is smaller: ten of its like would make a slip of a metre.
    """
    clock, department = word_clock(appointment.time, texts), printable(appointment.department)
    if len(department) <= LARGE_CHARS_MAX:
        yield SlipLine(f"{clock} {department}".strip(), "large")
    else:
        yield SlipLine(clock, "large")
        yield SlipLine(department, "body")
    doctor = word_doctor(printable(appointment.doctor), texts)
    if doctor:
        yield SlipLine(doctor, "body")
    place = printable(appointment.place)
    if place:
        yield SlipLine(place, "large" if len(place) <= LARGE_CHARS_MAX else "body")


def _note_lines(notes: tuple[str, ...], words: Mapping[str, Any]) -> Iterator[SlipLine]:
    once = tuple(dict.fromkeys(notes))[:NOTES_MAX]
    if not once:
        return
    yield SlipLine(words["notes"], "note")
    for code in once:
        if sentence := words.get(f"note_{code}"):
            yield SlipLine(sentence, "body")
    # The staff know the codes, also those that have no words for the patient.
    yield SlipLine(words["staff"].format(codes=" ".join(printable(code, CODE_CHARS_MAX) for code in once)), "small")


def _moment(pattern: str, day: date, at: time, texts: Texts) -> str:
    return pattern.format(day=word_day(day, texts["slip"]["day"], texts), clock=word_clock(at, texts))


def printable(text: str, chars_max: int = FIELD_CHARS_MAX) -> str:
    """A field of another system as it may stand on paper: no control, bidi or private characters, bounded with …."""
    # Cut before looking at each character: a field of a megabyte must not cost a second.
    kept = "".join(_kept(character) for character in text[: chars_max * 8])
    clean = " ".join(kept.split())
    if len(clean) <= chars_max and len(text) <= chars_max * 8:
        return clean
    return clean[: chars_max - 1] + "…"


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    # A tab or a line end parts two words; dropped without a blank it would join them.
    if character.isspace():
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else character
