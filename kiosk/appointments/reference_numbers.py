"""Reference number (照会番号) → patient number of the card, for sites that registered another id.

Owns the mapping table: a CSV `reference_number,patient_number`, or nothing, then both are the same. Must never guess,
never use half of a bad table, and never put a number into a message.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from kiosk.process import safe_files
from kiosk.words.problems import Problem, in_english

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_ROWS: Final = 1_000_000
MAX_NUMBER_CHARS: Final = 50
_HEADER: Final = ("reference_number", "patient_number")
# How long a table whose last line has no end must stay unchanged: it may be half-written, with half a number in it.
_UNFINISHED_S: Final = 60.0


class BadMap(Exception):
    """The table cannot be used. The text is complete: file, line, reason; no numbers of patients."""

    def __init__(self, file: Path, line: int | None, reason: str, **parameters: str | int) -> None:
        """`line`: counted from 1, the header included; None when the whole file is meant. `reason`, `parameters`: code
        and parameters of a problem, see assets/texts/*/troubles.toml.
        """
        why = Problem(f"reference_numbers.{reason}", parameters)
        if line is None:
            self.problem = Problem("reference_numbers.in_file", {"file": str(file), "reason": why})
        else:
            self.problem = Problem("reference_numbers.in_line", {"file": str(file), "line": line, "reason": why})
        super().__init__(in_english(self.problem))


# Changes whenever the file is written or replaced: mtime in ns, size in bytes, inode.
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _Table:
    stamp: _Stamp
    numbers: Mapping[str, str] = field(repr=False)


class ReferenceNumbers:
    """The mapping in force. May be used from several threads.

    A changed file is read again at the next look-up. A bad new file leaves the last good table in force;
    `refresh` reports it until it is mended.
    """

    def __init__(self, file: Path | None, table: _Table | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `load`. `clock`: monotonic seconds."""
        self._file = file
        self._table = table
        self._clock = clock
        self._problem: BadMap | None = None
        self._rejected: tuple[_Stamp, BadMap] | None = None
        self._unfinished: tuple[_Stamp, float] | None = None
        self._lock = Lock()

    @classmethod
    def load(cls, path: Path | None, clock: Callable[[], float] = time.monotonic) -> ReferenceNumbers:
        """Read the table at `path`; None: no mapping, every reference number is the patient number.

        Raises BadMap when the first table cannot be used: a kiosk must not start without the one it was given.
        """
        if path is None:
            return cls(None, None, clock)
        stamp = _stamp(path)
        numbers, _ = _read(path)
        return cls(path, _Table(stamp, numbers), clock)

    def patient_number_for(self, reference: str) -> str | None:
        """The patient number of `reference`, None when the table does not have it. Never raises."""
        if self._file is None:
            return reference
        self.refresh()
        table = self._table
        return table.numbers.get(reference.strip()) if table else None

    def refresh(self) -> BadMap | None:
        """Read the file again if it changed. What is wrong with it; None when the table in force is the file's."""
        if self._file is None:
            return None
        with self._lock:
            try:
                self._refresh(self._file)
            except BadMap as bad:
                self._problem = bad
            return self._problem

    def _refresh(self, file: Path) -> None:
        stamp = _stamp(file)
        if self._table is not None and stamp == self._table.stamp:
            self._problem = None
            return
        if self._rejected is not None and stamp == self._rejected[0]:
            raise self._rejected[1].with_traceback(None)
        try:
            numbers, finished = _read(file)
        except BadMap as bad:
            self._rejected = (stamp, bad)
            raise
        if not finished and not self._rested(stamp):
            return
        # The stamp was taken before reading: a file that changed meanwhile is read again next time.
        self._table = _Table(stamp, numbers)
        self._problem = None

    def _rested(self, stamp: _Stamp) -> bool:
        now = self._clock()
        if self._unfinished is None or self._unfinished[0] != stamp:
            self._unfinished = (stamp, now)
        return now - self._unfinished[1] >= _UNFINISHED_S


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError as error:
        raise BadMap(file, None, "unreadable", why=_why(error)) from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path) -> tuple[dict[str, str], bool]:
    """The numbers, and whether the last line is ended."""
    try:
        with safe_files.opened(file, follow=True) as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    except safe_files.NotAFile:
        raise BadMap(file, None, "no_file") from None
    except OSError as error:
        raise BadMap(file, None, "unreadable", why=_why(error)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise BadMap(file, None, "large", size=MAX_FILE_BYTES)
    return _numbers(file, _text(file, raw)), raw.endswith((b"\n", b"\r"))


def _text(file: Path, raw: bytes) -> str:
    if b"\0" in raw:
        raise BadMap(file, None, "nul")
    for codec in ("utf-8-sig", "cp932"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    raise BadMap(file, None, "encoding")


def _numbers(file: Path, text: str) -> dict[str, str]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    numbers: dict[str, str] = {}
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if any(header.count(name) != 1 for name in _HEADER):
            raise BadMap(file, 1, "header", columns=",".join(_HEADER))
        columns = [header.index(name) for name in _HEADER]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise BadMap(file, rows.line_num, "columns", expected=len(header), count=len(row))
            reference = _number(file, rows.line_num, row[columns[0]], _HEADER[0])
            patient = _number(file, rows.line_num, row[columns[1]], _HEADER[1])
            if numbers.setdefault(reference, patient) != patient:
                raise BadMap(file, rows.line_num, "ambiguous")
            if len(numbers) > MAX_ROWS:
                raise BadMap(file, rows.line_num, "many", count=MAX_ROWS)
    except csv.Error as error:
        raise BadMap(file, rows.line_num, "no_csv", why=str(error)) from None
    return numbers


def _number(file: Path, line: int, cell: str, name: str) -> str:
    number = cell.strip()
    if not number:
        raise BadMap(file, line, "empty", column=name)
    if len(number) > MAX_NUMBER_CHARS or not number.isprintable():
        raise BadMap(file, line, "number", column=name, most=MAX_NUMBER_CHARS)
    return number


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
