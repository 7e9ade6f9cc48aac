"""The CSV export of a hospital system: bytes to lines to appointments.

Format: a header `patient_number,date,time,department,doctor,place` (and `note`, `message`, if there are some; any
order, further columns are ignored), UTF-8 or CP932, quoted where needed; dates `2026-01-15` or `2026/1/15`, times
`9:00` or `09:00`, patient numbers as text (leading zeros and hyphens stay).

Owns encodings, lines, quotes and columns. Must never guess (a line that is not understood is a bad line), and never
repeat the content of a line in a reason: it is a patient's.
"""

import csv
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

MAX_BYTES = 32 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_RECORD_CHARS = 10_000
# A quoted field may run over lines; one that runs further than this was never closed.
MAX_RECORD_LINES = 20
NAMED_IN_MESSAGE = 5
REQUIRED = ("patient_number", "date", "time", "department", "doctor", "place")
OPTIONAL = ("note", "message")
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
    message: str = field(repr=False, default="")

    def values(self) -> tuple[str, str, str, str, str, str, str]:
        """The fields in the order of the table's columns; the message has a table of its own."""
        return self.day, self.patient_number, self.time, self.department, self.doctor, self.place, self.note

    def of_patient(self) -> tuple[str, str, str, str]:
        """What names one appointment."""
        return self.day, self.patient_number, self.time, self.department


@dataclass(frozen=True)
class Parsed:
    """A file's appointments. `bad`: lines (counted from 1, the header included) that are no appointment, and why; empty
    unless they were to be skipped.

    Lines about the same patient, date, time and department are one row: the last of them.
    """

    rows: tuple[Row, ...]
    days: tuple[date, ...]
    bad: tuple[tuple[int, BadRecord], ...]


class BadCsv(Exception):
    """The file is refused. `str()` is the file, the line and the reason; `line` is None when it is the whole file.

    `fault`: the same as a value. `others`: further bad lines, all of them.
    """

    def __init__(self, line: int | None, fault: BadRecord, others: Sequence[int] = ()) -> None:
        super().__init__()
        self.name = ""
        self.line = line
        self.fault = fault
        self.others = tuple(others)

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.name, "" if self.line is None else f"line {self.line}") if part)
        reason = str(self.fault)
        if self.others:
            named = ", ".join(map(str, self.others[:NAMED_IN_MESSAGE]))
            more = ", …" if len(self.others) > NAMED_IN_MESSAGE else ""
            reason += f" (and {len(self.others)} further bad lines: {named}{more})"
        return f"{where}: {reason}" if where else reason


def read(source: Path | bytes, *, skip_bad: bool = False, name: str | None = None) -> Parsed:
    """The appointments in a file or in its bytes. Raises BadCsv; with `skip_bad` only if the file as a whole is no use.

    `name` stands for the file in messages (default: its name; "": messages begin with the line).
    """
    try:
        return _parsed(_lines(_decoded(source if isinstance(source, bytes) else _content(source))), skip_bad)
    except BadCsv as bad:
        bad.name = ("the file" if isinstance(source, bytes) else source.name) if name is None else name
        raise


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadCsv(None, BadRecord("unreadable", f"cannot be read: {error.strerror}")) from None


# --- bytes to lines ---------------------------------------------------------------------------------------------------


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        size = MAX_BYTES // 2**20
        raise BadCsv(None, BadRecord("large", f"larger than {size} MB", size=size))
    if not raw.strip():
        raise BadCsv(None, BadRecord("empty", "the file is empty"))
    nul = raw.find(b"\0")
    if nul >= 0:
        fault = BadRecord("nul", "a NUL byte; save the file as UTF-8 or CP932 (Shift_JIS)")
        raise BadCsv(raw.count(b"\n", 0, nul) + 1, fault)
    # Counted before anything is made of them: a line costs many times its bytes.
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > MAX_LINES + 1:
        raise BadCsv(MAX_LINES + 2, BadRecord("many_lines", f"more than {MAX_LINES:,} lines", count=MAX_LINES))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken_at = error.start
    if not raw.startswith(b"\xef\xbb\xbf") and not _mostly_utf8(raw):
        try:
            return raw.decode("cp932")
        except UnicodeDecodeError as error:
            broken_at = error.start
    raise BadCsv(raw.count(b"\n", 0, broken_at) + 1, BadRecord("encoding", "neither UTF-8 nor CP932 (Shift_JIS)"))


def _mostly_utf8(raw: bytes) -> bool:
    """UTF-8 with a few broken bytes; many such files also decode as CP932, into nonsense on the patient's slip."""
    text = raw.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    whole = sum(1 for character in text if character > "\x7f") - broken
    return whole > broken * 4


def _lines(text: str) -> list[str]:
    # Not splitlines(): that also breaks at characters which are part of a field.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) > MAX_LINES + 1:
        raise BadCsv(MAX_LINES + 2, BadRecord("many_lines", f"more than {MAX_LINES:,} lines", count=MAX_LINES))
    return lines


# --- lines to records -------------------------------------------------------------------------------------------------


def _parsed(lines: list[str], skip_bad: bool) -> Parsed:
    # The last line of a key wins, and stands where the first stood: dict order is file order.
    rows: dict[tuple[str, ...], Row] = {}
    bad: list[tuple[int, BadRecord]] = []
    days: dict[str, str] = {}
    columns: Columns | None = None
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        try:
            cells, taken = _record(lines, at)
            if columns is None:
                columns = Columns.of(cells)
            else:
                row = columns.row(cells, days)
                rows[row.of_patient()] = row
            at += taken
        except BadRecord as error:
            if columns is None:
                raise BadCsv(at + 1, error) from None
            bad.append((at + 1, error))
            # One line is given up, not all that an open quote swallowed.
            at += 1
    if bad and not skip_bad:
        raise BadCsv(*bad[0], [line for line, _ in bad[1:]])
    found = sorted({row.day for row in rows.values()})
    return Parsed(tuple(rows.values()), tuple(date.fromisoformat(day) for day in found), tuple(bad))


def _record(lines: list[str], at: int) -> tuple[list[str], int]:
    """The cells of the record that begins at line `at` (from 0), and how many lines it takes."""
    record, taken = lines[at], 1
    if '"' not in record:
        _require_length(record)
        return record.split(","), 1
    while record.count('"') % 2:
        if taken >= MAX_RECORD_LINES or at + taken >= len(lines) or len(record) > MAX_RECORD_CHARS:
            raise BadRecord("open_quote", "a quote that begins here is never closed")
        record += "\n" + lines[at + taken]
        taken += 1
    _require_length(record)
    try:
        return next(csv.reader([record], strict=True, skipinitialspace=True)), taken
    except csv.Error:
        raise BadRecord("wrong_quote", "a quote in the wrong place") from None


def _require_length(record: str) -> None:
    if len(record) > MAX_RECORD_CHARS:
        raise BadRecord("long_line", f"longer than {MAX_RECORD_CHARS:,} characters", most=MAX_RECORD_CHARS)


# --- one record to a row ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Columns:
    """Where each named column is, and how many there are."""

    places: tuple[int, ...]
    optional: tuple[int | None, ...]
    width: int

    @classmethod
    def of(cls, header: list[str]) -> "Columns":
        names = [_folded(cell) for cell in header]
        wanted = [_folded(name) for name in REQUIRED]
        missing = [name for name, folded in zip(REQUIRED, wanted, strict=True) if folded not in names]
        expected = f"expected {','.join(REQUIRED)} (note, message may follow)"
        if len(missing) == len(REQUIRED):
            raise BadRecord("no_header", f"the header is missing; {expected}")
        if missing:
            raise BadRecord(
                "header_lacks", f"the header lacks {', '.join(missing)}; {expected}", columns=tuple(missing)
            )
        for name in (*REQUIRED, *OPTIONAL):
            if names.count(_folded(name)) > 1:
                raise BadRecord("column_twice", f"the header has {name} twice", column=name)
        optional = tuple(names.index(name) if name in names else None for name in OPTIONAL)
        return cls(tuple(map(names.index, wanted)), optional, len(names))

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
            *(
                "" if place is None else _text(name, cells[place].strip())
                for name, place in zip(OPTIONAL, self.optional, strict=True)
            ),
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
