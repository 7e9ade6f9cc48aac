"""The CSV export of a hospital system: bytes to rows.

Format: a header `patient_number,date,time,department,doctor,place` (and `note`, if there is one; any
order, further columns are ignored), UTF-8 or CP932, quoted where needed. `rows` knows what one record means.

Owns encodings, lines and quotes. Must never guess (a line that is not understood is a bad line), and never repeat the
content of a line in a reason: it is a patient's.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from drivers.reservations.csv.rows import BadRecord, Columns, Row

MAX_BYTES = 32 * 1024 * 1024
MAX_LINES = 1_000_000
MAX_RECORD_CHARS = 10_000
# A quoted field may run over lines; one that runs further than this was never closed.
MAX_RECORD_LINES = 20
NAMED_IN_MESSAGE = 5


@dataclass(frozen=True)
class BadLine:
    """A line (counted from 1, the header included) that is no appointment, and why."""

    line: int
    fault: BadRecord

    @property
    def reason(self) -> str:
        """Why, in English."""
        return str(self.fault)


@dataclass(frozen=True)
class Parsed:
    """A file's appointments. `bad` is empty unless bad lines were to be skipped.

    Lines about the same patient, date, time and department are one row: the last of them.
    """

    rows: tuple[Row, ...]
    days: tuple[date, ...]
    bad: tuple[BadLine, ...]


class BadCsv(Exception):
    """The file is refused. `str()` is the file, the line and the reason; `line` is None when it is the whole file.

    `fault`: the same as a value. `others`: further bad lines, all of them.
    """

    def __init__(self, line: int | None, fault: BadRecord, others: Sequence[int] = ()) -> None:
        super().__init__()
        self.name = "the file"
        self.line = line
        self.fault = fault
        self.others = tuple(others)

    @property
    def reason(self) -> str:
        """Why, in English, without the file and the line."""
        return f"{self.fault}{_others(self.others)}"

    def __str__(self) -> str:
        return f"{self.name}{'' if self.line is None else f', line {self.line}'}: {self.reason}"


def read(source: Path | bytes, *, skip_bad: bool = False, name: str | None = None) -> Parsed:
    """The appointments in a file or in its bytes. Raises BadCsv; with `skip_bad` only if the file as a whole is no use.

    `name` stands for the file in messages (default: its name).
    """
    try:
        return _parsed(_lines(_decoded(source if isinstance(source, bytes) else _content(source))), skip_bad)
    except BadCsv as bad:
        bad.name = name or (bad.name if isinstance(source, bytes) else source.name)
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


# --- lines to rows ----------------------------------------------------------------------------------------------------


def _parsed(lines: list[str], skip_bad: bool) -> Parsed:
    # The last line of a key wins, and stands where the first stood: dict order is file order.
    rows: dict[tuple[str, ...], Row] = {}
    bad: list[BadLine] = []
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
                rows[row.day, row.patient_number, row.time, row.department] = row
            at += taken
        except BadRecord as error:
            if columns is None:
                raise BadCsv(at + 1, error) from None
            bad.append(BadLine(at + 1, error))
            # One line is given up, not all that an open quote swallowed.
            at += 1
    if bad and not skip_bad:
        raise BadCsv(bad[0].line, bad[0].fault, [each.line for each in bad[1:]])
    found = sorted({row.day for row in rows.values()})
    return Parsed(tuple(rows.values()), tuple(date.fromisoformat(day) for day in found), tuple(bad))


def _others(lines: Sequence[int]) -> str:
    if not lines:
        return ""
    named = ", ".join(map(str, lines[:NAMED_IN_MESSAGE]))
    more = ", …" if len(lines) > NAMED_IN_MESSAGE else ""
    return f" (and {len(lines)} further bad lines: {named}{more})"


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
