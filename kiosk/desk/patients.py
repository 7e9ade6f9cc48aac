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
from datetime import date
from pathlib import Path
from typing import Final

from kiosk.tables.table_file import BadRow, BadTable, TableFile, checked_number

MAX_ROWS: Final = 300_000
MAX_NAME_CHARS: Final = 100
_COLUMNS: Final = ("number", "name", "kana", "birth")
_SMALL: Final = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_HIRAGANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_ERAS: Final = {
    "明治": 1867, "M": 1867, "大正": 1911, "T": 1911, "昭和": 1925, "S": 1925, "平成": 1988, "H": 1988,
    "令和": 2018, "R": 2018,
}  # fmt: skip
_PLAIN = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
_PARTED = re.compile(
    rf"(?P<era>{'|'.join(_ERAS)})?(?P<year>[0-9]{{1,4}}|元)[-/.年](?P<month>[0-9]{{1,2}})[-/.月](?P<day>[0-9]{{1,2}})日?",
    re.IGNORECASE,
)


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
    """A name as it is compared: without blanks, in one width, large katakana."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_HIRAGANA).translate(_SMALL)
    return "".join(plain.split())


def birth_of(text: str) -> str | None:
    """The yyyyMMdd of a date as hospitals write it (19450102, 1945-1-2, 1945/01/02, S20.1.2, 昭和20年1月2日), or None.

    Month and day may be 00 where they are not known.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    match = _PLAIN.fullmatch(plain) or _PARTED.fullmatch(plain)
    if match is None:
        return None
    parts = match.groupdict()
    year = 1 if parts["year"] == "元" else int(parts["year"])
    if era := parts.get("era"):
        year += _ERAS[era.upper()]
    month, day = int(parts["month"]), int(parts["day"])
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return None
    return f"{year:04}{month:02}{day:02}" if year >= 1868 else None


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
