"""What stands on a slip (受付票): the words, their order and their weight.

Owns what both slips hold and the cleaning of what other systems put into them; the sentences are the patient's
catalogue, and what to do next is worded as on the screen. What staff read is Japanese; a patient of another language
gets every line for patients in that language, too. Pure: must never draw, print or do I/O, and must never put a
patient's name on paper: whoever finds a slip must not learn who was at the hospital. A number, its barcode and the
appointments are enough for staff.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Final, Literal, TypeVar

from kiosk.screens.results import acts, remarks
from kiosk.screens.wording import Wording, Words
from kiosk.typography import ruby
from kiosk.visit.reasons import CUSTODY_CODE
from kiosk.visit.state import ArrivalInCustody, RegisteredArrival, VisitAppointment
from kiosk.words.patient import word_clock, word_day

A = TypeVar("A", RegisteredArrival, ArrivalInCustody)
Style = Literal["title", "number", "place", "large", "step", "body", "other", "small", "note", "rule"]

APPOINTMENTS_MAX = 10
FIELD_CHARS_MAX = 40
NOTES_MAX = 6
STEPS_MAX = 8
CODE_CHARS_MAX = 32
LARGE_CHARS_MAX = 20
PLACE_CHARS_MAX = 12
_RULE_STYLE: Final = "rule"
# Patient and staff must both see it before they read on.
_MARKS: Final = {"arrived_late": "late"}
# Notes that the slip says at another place: late in a mark, without an appointment instead of the time.
_ELSEWHERE: Final = frozenset({"arrived_late", "walk_in"})
# Marks of ruby, which no field of another system may hold.
_RUBY_MARKS: Final = frozenset("｜《》")


@dataclass(frozen=True)
class SlipLine:
    """One paragraph of a slip; the picture wraps it. `style` is its weight; a "rule" is a line across, without text.

    `language`: one of words.texts.LANGUAGES; it decides on letters and on where a line may be broken. `text` marks
    names as `typography.ruby` does.
    """

    text: str = field(repr=False)
    style: Style
    language: str = "ja"


@dataclass(frozen=True)
class Slip:
    """A slip from top to bottom, then the barcode of the patient number when there is one.

    `caption`: above the barcode, what it is for; `number_label`: beside the number below it, what that is.
    """

    lines: tuple[SlipLine, ...] = field(repr=False)
    barcode: str | None = field(repr=False)
    caption: tuple[SlipLine, ...] = ()
    number_label: str = ""


RULE: Final = SlipLine("", _RULE_STYLE)


def reception_slip(
    wording: Wording, hospital: str, arrival: RegisteredArrival, language: str = "ja", printed_at: time | None = None
) -> Slip:
    """The slip of a registered arrival; one that was registered before says so, and when it was printed again.

    Appointments are printed in time order, `APPOINTMENTS_MAX` at most and the rest counted; their empty fields are left
    out. Then what to do next, numbered, and the codes of the notes for the staff. `printed_at`: the site's time.
    """
    pair, arrival = _Pair(wording, language), _cleaned(arrival)
    receptions = (
        replace(one, number=printable(one.number), department=printable(one.department)) for one in arrival.receptions
    )
    arrival = replace(arrival, receptions=tuple(receptions))
    lines = [
        SlipLine(printable(hospital), "body"),
        *pair.lines(_sentence("title_again" if arrival.again else "title"), "title"),
        *pair.lines(_moment("received", arrival.day, arrival.local_time), "body"),
    ]
    if arrival.again and printed_at is not None:
        lines += pair.lines(_moment("printed_again", arrival.day, printed_at), "body")
    for reception in arrival.without_appointment:
        lines += pair.lines(_sentence("number"), "body")
        if reception.department:
            lines += pair.lines(_department(reception.department), "body")
        lines.append(SlipLine(reception.number, "number"))
    for note in dict.fromkeys(each for each in arrival.notes if each in _MARKS):
        lines += pair.lines(_sentence(_MARKS[note]), "note")
    lines += _listed_lines(arrival, pair)
    caption = tuple(pair.lines(_sentence("barcode"), "other"))
    return Slip(tuple(lines), arrival.patient_number, caption, ruby.plain(pair.japanese["slip"]["patient_number"]))


def custody_slip(wording: Wording, hospital: str, arrival: ArrivalInCustody, language: str = "ja") -> Slip:
    """The slip of an arrival that is not registered, and says so; with a line for the staff who take it.

    Else as a reception slip.
    """
    pair, arrival = _Pair(wording, language), _cleaned(arrival)
    staff = pair.japanese.texts["slip_staff"]
    lines = [
        SlipLine(printable(hospital), "body"),
        *pair.lines(_sentence("custody_title"), "title"),
        *pair.lines(_sentence("counter_note"), "note"),
        *pair.lines(_moment("custody_received", arrival.day, arrival.local_time), "body"),
        *pair.lines(lambda words: words["custody"]["number"], "body"),
        SlipLine(printable(arrival.number), "number"),
        SlipLine(f"{staff['not_registered']}　{staff['code'].format(code=CUSTODY_CODE)}", "large"),
        *_listed_lines(arrival, pair),
    ]
    caption = tuple(pair.lines(_sentence("barcode"), "other"))
    return Slip(tuple(lines), arrival.patient_number, caption, ruby.plain(pair.japanese["slip"]["patient_number"]))


def counter_slip(
    wording: Wording, *, hospital: str, day: date, at: time, reason: str, code: str = "", language: str = "ja"
) -> Slip:
    """The slip of a visit that ends at the counter: where to go, and for the staff `code`, as on the screen.

    It holds nothing of the patient, because at the counter it may not be known who stood there.
    """
    pair = _Pair(wording, language)
    staff = wording.in_language("ja").texts["slip_staff"]
    lines = [
        SlipLine(printable(hospital), "body"),
        *pair.lines(lambda words: words["slip"]["counter_title"].format(where=words.counter.name), "title"),
        *pair.lines(_sentence("counter_note"), "note"),
        *pair.lines(_sentence("counter_hand_in"), "body"),
        *pair.lines(_moment("counter_printed", day, at), "body"),
        RULE,
    ]
    if code:
        lines.append(SlipLine(staff["code"].format(code=printable(code, CODE_CHARS_MAX)), "large"))
    lines.append(SlipLine(staff["codes"].format(codes=printable(reason, CODE_CHARS_MAX)), "small"))
    return Slip((*lines, *pair.language_line()), None)


class _Pair:
    """Japanese, and the language of whoever gets the slip where that is another.

    やさしい日本語 stands for the Japanese, and what its kanji say below it.
    """

    def __init__(self, wording: Wording, language: str) -> None:
        self.japanese = wording.in_language("ja_simple" if language == "ja_simple" else "ja")
        self._language = language
        self._other = self.japanese if language in ("ja", "ja_simple") else wording.in_language(language)

    def each(self, say: Callable[[Words], Iterable[str]]) -> Iterator[tuple[str, str]]:
        """The Japanese of each text, and the other where it is another one, else ""."""
        read = _readings if self._language == "ja_simple" else _named
        for japanese, other in zip(say(self.japanese), say(self._other), strict=True):
            written, text = ruby.plain(japanese), read(other)
            yield written, "" if ruby.plain(text) == written else text

    def one(self, say: Callable[[Words], str]) -> tuple[str, str]:
        """As `each`, of one text."""
        return next(self.each(lambda words: (say(words),)))

    def lines(self, say: Callable[[Words], str], style: Style) -> Iterator[SlipLine]:
        """The Japanese in `style`; the other below it."""
        japanese, other = self.one(say)
        yield SlipLine(japanese, style)
        if other:
            yield SlipLine(other, "note" if style == "note" else "other", self._language)

    def larger(self, text: str) -> SlipLine:
        """A line in the patient's own language that must not be overlooked."""
        return SlipLine(text, "step", self._language)

    def language_line(self) -> Iterator[SlipLine]:
        """For staff: in which language the patient read the screen."""
        if self._language != "ja":
            texts = self.japanese.texts
            name = ruby.plain(texts["languages"][f"lang_{self._language}"])
            yield SlipLine(texts["slip_staff"]["language"].format(language=name), "small")


def _listed_lines(arrival: RegisteredArrival | ArrivalInCustody, pair: _Pair) -> Iterator[SlipLine]:
    """The appointments in time order, the rest counted; what to do next; what staff read."""
    for appointment in arrival.appointments[:APPOINTMENTS_MAX]:
        yield RULE
        number = arrival.number_of(appointment) if isinstance(arrival, RegisteredArrival) else ""
        yield from _appointment_lines(appointment, number, pair)
    if (more := len(arrival.appointments) - APPOINTMENTS_MAX) > 0:
        yield RULE
        yield from pair.lines(lambda words: words["slip"]["more"].format(count=more), "body")
    yield RULE
    yield from _next_lines(arrival, pair)
    if staff := tuple(_staff_lines(arrival.notes, pair)):
        yield RULE
        yield from staff


def _appointment_lines(appointment: VisitAppointment, number: str, pair: _Pair) -> Iterator[SlipLine]:
    """Time and department together, because they are what the patient looks for; where to go larger than they are,
    and `number` where it has one of its own.

    What is very long is smaller: ten of its like would make a slip of a metre.
    """
    row = pair.japanese.row(appointment)
    clock, department = ruby.plain(row.time), ruby.plain(row.department)
    if len(department) <= LARGE_CHARS_MAX:
        yield SlipLine(f"{clock} {department}".strip(), "large")
    else:
        yield SlipLine(clock, "large")
        yield SlipLine(department, "body")
    _, other = pair.one(lambda words: f"{words.row(appointment).time} {words.row(appointment).department}")
    if other:
        yield pair.larger(other)
    if row.doctor:
        yield SlipLine(ruby.plain(row.doctor), "body")
    place, other = pair.one(lambda words: words.row(appointment).place)
    if place:
        size: Style = "place" if len(place) <= PLACE_CHARS_MAX else "large" if len(place) <= LARGE_CHARS_MAX else "body"
        yield SlipLine(place, size)
    if other:
        yield pair.larger(other)
    if number:
        yield from pair.lines(lambda words: words.number(number), "place")


def _next_lines(arrival: RegisteredArrival | ArrivalInCustody, pair: _Pair) -> Iterator[SlipLine]:
    """What to do, in order, then what else there is to know: the sentences of the screen."""
    steps = list(pair.each(lambda words: (act.text for act in acts(arrival, words))))[:STEPS_MAX]
    if steps:
        yield from pair.lines(_sentence("next"), "body")
    for place, (japanese, other) in enumerate(steps, 1):
        if other:
            yield pair.larger(f"{place}. {other}")
            if japanese not in ruby.plain(other):  # a message of the hospital, which nobody translates
                yield SlipLine(japanese, "body")
        else:
            yield SlipLine(f"{place}. {japanese}", "step")
    rest = replace(arrival, notes=tuple(note for note in arrival.notes if note not in _ELSEWHERE))
    for japanese, other in pair.each(lambda words: remarks(rest, "", words)):
        yield SlipLine(japanese, "body")
        if other:
            yield pair.larger(other)


def _staff_lines(notes: tuple[str, ...], pair: _Pair) -> Iterator[SlipLine]:
    """The staff know the codes, also those that have no words for the patient."""
    once = tuple(dict.fromkeys(notes))[:NOTES_MAX]
    if once:
        codes = " ".join(printable(code, CODE_CHARS_MAX) for code in once)
        yield SlipLine(pair.japanese.texts["slip_staff"]["codes"].format(codes=codes), "small")
    yield from pair.language_line()


def _sentence(key: str) -> Callable[[Words], str]:
    """One of [slip]."""
    return lambda words: words["slip"][key]


def _department(name: str) -> Callable[[Words], str]:
    return lambda words: words.department(name)


def _moment(key: str, day: date, at: time) -> Callable[[Words], str]:
    """One of [slip] with a day and a time."""

    def say(words: Words) -> str:
        texts = words.texts
        return words["slip"][key].format(day=word_day(day, texts["slip"]["day"], texts), clock=word_clock(at, texts))

    return say


def _named(text: str) -> str:
    """The text without readings; names in it are still marked as names, which have Japanese letters."""
    return "".join(ruby.name(part.base) if part.name else part.base for part in ruby.parts(text))


def _readings(text: str) -> str:
    """The text in kana."""
    return "".join(part.reading or part.base for part in ruby.parts(text))


def _cleaned(arrival: A) -> A:
    """With its appointments in time order, and only what may stand on paper in them."""
    in_order = sorted(arrival.appointments, key=lambda one: one.time)
    return replace(
        arrival,
        appointments=tuple(
            replace(
                one,
                department=printable(one.department),
                doctor=printable(one.doctor),
                place=printable(one.place),
                message=printable(one.message),
            )
            for one in in_order
        ),
    )


def printable(text: str, chars_max: int = FIELD_CHARS_MAX) -> str:
    """A field of another system as it may stand on paper: no control, bidi or private characters, bounded with ….

    No marks of ruby either: it is read as it stands.
    """
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
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") or character in _RUBY_MARKS else character
