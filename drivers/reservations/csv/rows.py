"""One record of a CSV export: cells to an appointment.

Owns the columns' names and what each may hold: dates `2026-01-15` or `2026/1/15`, times `9:00` or `09:00`, patient
numbers as text (leading zeros and hyphens stay). Must never repeat a cell's content in a reason: it is a patient's.
"""

import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import date

REQUIRED = ("patient_number", "date", "time", "department", "doctor", "place")
OPTIONAL = ("note",)
MAX_NUMBER_CHARS = 50
MAX_FIELD_CHARS = 500

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2}))", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?", re.ASCII)
_YEARS = range(2000, 2200)


class BadRecord(Exception):
    """Why one record, or the whole file, is no use: `str()` in English, and `code`, `parameters` as a value.

    Parameters are numbers, and names of columns.
    """

    def __init__(self, code: str, reason: str, **parameters: int | str | tuple[str, ...]) -> None:
        super().__init__(reason)
        self.code = code
        self.parameters = parameters


@dataclass(frozen=True, slots=True)
class Row:
    """One appointment as the database keeps it: `day` as YYYY-MM-DD, `time` as HH:MM."""

    day: str
    patient_number: str = field(repr=False)
    time: str
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    note: str = field(repr=False)

    def values(self) -> tuple[str, str, str, str, str, str, str]:
        """The fields in the order of the table's columns."""
        return self.day, self.patient_number, self.time, self.department, self.doctor, self.place, self.note


@dataclass(frozen=True)
class Columns:
    """Where each named column is, and how many there are."""

    places: tuple[int, ...]
    note: int | None
    width: int

    @classmethod
    def of(cls, header: list[str]) -> "Columns":
        names = [_folded(cell) for cell in header]
        wanted = [_folded(name) for name in REQUIRED]
        missing = [name for name, folded in zip(REQUIRED, wanted, strict=True) if folded not in names]
        expected = f"expected {','.join(REQUIRED)} (note may follow)"
        if len(missing) == len(REQUIRED):
            raise BadRecord("no_header", f"the header is missing; {expected}")
        if missing:
            raise BadRecord(
                "header_lacks", f"the header lacks {', '.join(missing)}; {expected}", columns=tuple(missing)
            )
        for name in (*REQUIRED, *OPTIONAL):
            if names.count(_folded(name)) > 1:
                raise BadRecord("column_twice", f"the header has {name} twice", column=name)
        return cls(tuple(map(names.index, wanted)), names.index("note") if "note" in names else None, len(names))

    def row(self, cells: list[str], days: dict[str, str]) -> Row:
        """The appointment in `cells`; raises BadRecord. `days` remembers the spellings of dates seen before."""
        if len(cells) != self.width:
            code, few = ("few_columns", "few") if len(cells) < self.width else ("many_columns", "many")
            reason = f"too {few} columns: {len(cells)} instead of {self.width}"
            raise BadRecord(code, reason, count=len(cells), width=self.width)
        number, day_text, clock, department, doctor, place = [cells[index].strip() for index in self.places]
        if not number:
            raise BadRecord("no_number", "patient_number is empty")
        if len(number) > MAX_NUMBER_CHARS or not number.isprintable():
            raise BadRecord(
                "bad_number",
                f"patient_number is not 1 to {MAX_NUMBER_CHARS} printable characters",
                most=MAX_NUMBER_CHARS,
            )
        day = days.get(day_text)
        if day is None:
            day = days[day_text] = _day(day_text)
        if not department:
            raise BadRecord("no_department", "department is empty")
        return Row(
            day,
            number,
            _time(clock),
            _text("department", department),
            _text("doctor", doctor),
            _text("place", place),
            "" if self.note is None else _text("note", cells[self.note].strip()),
        )


def _folded(cell: str) -> str:
    """A column's name as it is compared: without blanks, underscores, capitals and full-width letters."""
    return "".join(unicodedata.normalize("NFKC", cell).casefold().replace("_", " ").split())


def _day(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadRecord("date_form", "date is not like 2026-01-15 or 2026/1/15")
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        found = date(year, month, day)
    except ValueError:
        raise BadRecord("no_such_date", "date is not in the calendar") from None
    if year not in _YEARS:
        first, last = _YEARS[0], _YEARS[-1]
        raise BadRecord("date_range", f"date is not between {first} and {last}", first=first, last=last)
    return found.isoformat()


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadRecord("time_form", "time is not like 9:00 or 09:00")
    hour, minute = int(match[1]), int(match[2])
    if hour > 23 or minute > 59:
        raise BadRecord("time_range", "time is not between 0:00 and 23:59")
    return f"{hour:02}:{minute:02}"


def _text(name: str, text: str) -> str:
    if len(text) > MAX_FIELD_CHARS:
        reason = f"{name} is longer than {MAX_FIELD_CHARS} characters"
        raise BadRecord("long_field", reason, column=name, most=MAX_FIELD_CHARS)
    if not text.isprintable():
        # Line breaks and tabs inside a field become blanks; other control characters have no business in a name.
        text = " ".join(text.split("\n")).replace("\t", " ")
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise BadRecord("control_character", f"{name} has a control character in it", column=name)
    # The same few departments and doctors come over and over: one copy of each is kept.
    return sys.intern(text)
