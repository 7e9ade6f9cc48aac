"""The hospital's patients: a CSV `number,name,kana,birth` that its system exports; for search and as second datum.

Must never use half of a bad table, or hold more than some hundred bytes for a patient: hospitals have many.
Characters of the hospital's own (外字) and others that cannot be displayed become 〓.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiosk.results.spelling import as_date, fold_kana
from kiosk.tables.table_file import BadRow, BadTable, TableFile, checked_number

MAX_ROWS: Final = 300_000
MAX_NAME_CHARS: Final = 100
_COLUMNS: Final = ("number", "name", "kana", "birth")
_PARTLY_KNOWN = re.compile("[0-9]{4}(?:[0-9]{2}00|00[0-9]{2})")


@dataclass(frozen=True)
class PatientRow:
    """One patient. `birth`: yyyyMMdd, "" where the hospital has none."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)


class Patients:
    """The table in force. May be used from several threads; look-ups never read the file, `refresh` does."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read yet. `clock`: monotonic seconds."""
        self._table = TableFile(file, _COLUMNS, _lines, clock)

    def refresh(self) -> BadTable | None:
        """Read the file again if it changed: a second for 300,000 patients. What is wrong with it, or None."""
        return self._table.refresh()

    @property
    def usable(self) -> bool:
        """A good table was read, now or earlier."""
        return self._table.content is not None

    @property
    def read(self) -> object:
        """What was read last: another object each time; None: nothing yet."""
        return self._table.content

    def of_number(self, number: str) -> PatientRow | None:
        """The patient with exactly this number."""
        lines, wanted = self._table.content or bytearray(), number.strip()
        if not wanted or not wanted.isprintable():
            return None
        found = lines.find(f"\n{wanted}\t".encode())
        return None if found < 0 else _patient(_line(lines, found + 1))

    def search(self, text: str, most: int = 50) -> tuple[PatientRow, ...]:
        """Patients whose number begins with `text`, or whose name or kana has it in it, in the file's order.

        Blanks, width, size of kana and hiragana or katakana make no difference in names.
        """
        lines = self._table.content or bytearray()
        if re.fullmatch("[0-9-]+", number := unicodedata.normalize("NFKC", text).strip()):
            return tuple(_found(lines, b"\n" + number.encode(), 1, lambda _fields: True, most))
        wanted = folded(text)
        if not wanted:
            return ()
        names = _found(lines, wanted.encode(), 0, lambda fields: wanted in fields[4] or wanted in fields[5], most)
        return tuple(names)


def folded(text: str) -> str:
    """A name or reading as it is searched and compared: see `fold_kana`; small letters."""
    return fold_kana(text).casefold()


def birth_of(text: str) -> str | None:
    """The yyyyMMdd of a date as hospitals write it (see `as_date`), or None. In eight digits parts may be 00."""
    if day := as_date(text):
        return f"{day:%Y%m%d}"
    return text if _PARTLY_KNOWN.fullmatch(text) else None


def _lines(rows: Iterator[tuple[str, ...]]) -> bytearray:
    """A line a patient, with a line end before the first: number, name, kana, birth, and name and kana folded."""
    lines, numbers = bytearray(b"\n"), set[str]()
    for number, name, kana, birth in rows:
        checked_number(number, "number")
        day = birth_of(birth) if birth else ""
        if day is None:
            raise BadRow("patients.birth")
        texts = (_displayed(name, "name"), _displayed(kana, "kana"))
        line = "\t".join((number, *texts, day, *map(folded, texts))).encode() + b"\n"
        if number not in numbers:
            numbers.add(number)
            lines += line
        elif b"\n" + line not in lines:
            raise BadRow("patients.ambiguous")
        if len(numbers) > MAX_ROWS:
            raise BadRow("table.many", count=MAX_ROWS)
    return lines


def _displayed(text: str, column: str) -> str:
    if len(text) > MAX_NAME_CHARS:
        raise BadRow("patients.long", column=column, most=MAX_NAME_CHARS)
    plain = " ".join(text.split())
    return plain if plain.isprintable() else "".join(sign if sign.isprintable() else "〓" for sign in plain)


def _found(
    lines: bytearray, wanted: bytes, ahead: int, fits: Callable[[list[str]], bool], most: int
) -> Iterator[PatientRow]:
    """Patients whose line has `wanted` in it, `ahead` bytes before the line's own, and fits."""
    at = lines.find(wanted)
    while at >= 0 and most > 0:
        line = _line(lines, at + ahead)
        if fits(line.split("\t")):
            most -= 1
            yield _patient(line)
        at = lines.find(wanted, lines.find(b"\n", at + ahead))


def _line(lines: bytearray, within: int) -> str:
    return lines[lines.rfind(b"\n", 0, within) + 1 : lines.find(b"\n", within)].decode()


def _patient(line: str) -> PatientRow:
    return PatientRow(*line.split("\t")[:4])
