"""One CSV file that somebody else writes: read whole, and again when it changes.

Owns when a file is believed. Must never use half of a bad table, or put a cell into a message: it is a patient's.
UTF-8 or CP932, a header with the columns' names in any order (others are ignored), quoted where needed.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

from kiosk.process import safe_files
from kiosk.words.problems import Parameter, Problem, in_english

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_NUMBER_CHARS: Final = 50
# How long a table whose last line has no end must stay unchanged: it may be half-written, with half a number in it.
_UNFINISHED_S: Final = 60.0

T = TypeVar("T")


class BadTable(Exception):
    """The table cannot be used. The text is complete: file, line, reason; nothing of what stands in the file."""

    def __init__(self, file: Path, line: int | None, why: Problem) -> None:
        """`line`: counted from 1, the header included; None when the whole file is meant."""
        if line is None:
            self.problem = Problem("table.in_file", {"file": str(file), "reason": why})
        else:
            self.problem = Problem("table.in_line", {"file": str(file), "line": line, "reason": why})
        super().__init__(in_english(self.problem))


class BadRow(Exception):
    """The row that was handed out last cannot be used, and so the table. `code` of assets/texts/*/troubles.toml."""

    def __init__(self, code: str, **parameters: Parameter) -> None:
        super().__init__(code)
        self.problem = Problem(code, parameters)


# Changes whenever the file is written or replaced: mtime in ns, size in bytes, inode.
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _Table(Generic[T]):
    stamp: _Stamp
    content: T = field(repr=False)


class TableFile(Generic[T]):
    """A table and what it says. May be used from several threads.

    A bad new file leaves the last good table in force; `refresh` reports it until it is mended.
    """

    def __init__(
        self,
        file: Path,
        columns: tuple[str, ...],
        read: Callable[[Iterator[tuple[str, ...]]], T],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read`: makes the content of the cells of `columns`, row by row, blanks around them gone; raises BadRow.

        `clock`: monotonic seconds.
        """
        self.file = file
        self._columns = columns
        self._read = read
        self._clock = clock
        self._table: _Table[T] | None = None
        self._problem: BadTable | None = None
        self._rejected: tuple[_Stamp, BadTable] | None = None
        self._unfinished: tuple[_Stamp, float] | None = None
        self._lock = Lock()

    def load(self) -> None:
        """Read the first table, as it is. Raises BadTable."""
        stamp = self._stamp()
        content, _ = self._content()
        self._table = _Table(stamp, content)

    @property
    def content(self) -> T | None:
        """Of the table in force; None: there was no good one yet."""
        table = self._table
        return table.content if table else None

    def refresh(self) -> BadTable | None:
        """Read the file again if it changed. What is wrong with it; None when the table in force is the file's."""
        with self._lock:
            try:
                self._refresh()
            except BadTable as bad:
                # Its traceback would keep the whole table that was read for as long as the problem is known.
                bad.__context__ = None
                self._problem = bad.with_traceback(None)
            return self._problem

    def _refresh(self) -> None:
        stamp = self._stamp()
        if self._table is not None and stamp == self._table.stamp:
            self._problem = None
            return
        if self._rejected is not None and stamp == self._rejected[0]:
            raise self._rejected[1]
        try:
            content, finished = self._content()
        except BadTable as bad:
            self._rejected = (stamp, bad)
            raise
        if not finished and not self._rested(stamp):
            return
        # The stamp was taken before reading: a file that changed meanwhile is read again next time.
        self._table = _Table(stamp, content)
        self._problem = None

    def _rested(self, stamp: _Stamp) -> bool:
        now = self._clock()
        if self._unfinished is None or self._unfinished[0] != stamp:
            self._unfinished = (stamp, now)
        return now - self._unfinished[1] >= _UNFINISHED_S

    def _stamp(self) -> _Stamp:
        try:
            found = self.file.stat()
        except OSError as error:
            raise self._bad("table.unreadable", why=_why(error)) from None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _content(self) -> tuple[T, bool]:
        """What the file says, and whether its last line is ended."""
        try:
            with safe_files.opened(self.file, follow=True) as opened:
                raw = opened.read(MAX_FILE_BYTES + 1)
        except safe_files.NotAFile:
            raise self._bad("table.no_file") from None
        except OSError as error:
            raise self._bad("table.unreadable", why=_why(error)) from None
        if len(raw) > MAX_FILE_BYTES:
            raise self._bad("table.large", size=MAX_FILE_BYTES)
        return self._parsed(raw, self._codec(raw)), raw.endswith((b"\n", b"\r"))

    def _codec(self, raw: bytes) -> str:
        if b"\0" in raw:
            raise self._bad("table.nul")
        for codec in ("utf-8-sig", "cp932"):
            try:
                raw.decode(codec)
            except UnicodeDecodeError:
                continue
            return codec
        raise self._bad("table.encoding")

    def _parsed(self, raw: bytes, codec: str) -> T:
        # Decoded piece by piece: a whole table as text would be several times its bytes.
        text = io.TextIOWrapper(io.BytesIO(raw), codec, newline="")
        # line_num is that of the row handed out last: `read` takes one after the other.
        rows = csv.reader(text, strict=True)
        try:
            return self._read(self._cells(rows))
        except csv.Error as error:
            raise self._bad("table.no_csv", rows.line_num, why=str(error)) from None
        except BadRow as bad:
            raise BadTable(self.file, rows.line_num, bad.problem) from None

    def _cells(self, rows: Iterator[list[str]]) -> Iterator[tuple[str, ...]]:
        header = [name.strip().lower() for name in next(rows, [])]
        if any(header.count(name) != 1 for name in self._columns):
            raise self._bad("table.header", 1, columns=",".join(self._columns))
        columns = [header.index(name) for name in self._columns]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise BadRow("table.columns", expected=len(header), count=len(row))
            yield tuple(row[column].strip() for column in columns)

    def _bad(self, code: str, line: int | None = None, **parameters: Parameter) -> BadTable:
        return BadTable(self.file, line, Problem(code, parameters))


def checked_number(number: str, column: str) -> str:
    """`number` as it is. BadRow: it is empty, long, or has characters that no number has."""
    if not number:
        raise BadRow("table.empty", column=column)
    if len(number) > MAX_NUMBER_CHARS or not number.isprintable():
        raise BadRow("table.number", column=column, most=MAX_NUMBER_CHARS)
    return number


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
