"""What a bundled font file says of itself: its characters, its variants and how far each letter reaches.

Owns the one place that opens font files to read them. A font has up to 65,000 glyphs and a page needs a hundred, so
tables stay as they are in the file and are looked into: OpenType 1.9, `cmap` formats 12 and 14, `hmtx`.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from struct import unpack_from

_GROUPS_FORMAT = 12
_VARIANTS_FORMAT = 14


@dataclass(frozen=True)
class _Groups:
    """Characters from `starts` to `ends` have glyphs that follow each other, from `firsts` on."""

    starts: array[int]
    ends: array[int]
    firsts: array[int]

    def glyph(self, code: int) -> int | None:
        place = bisect_right(self.starts, code) - 1
        if place < 0 or code > self.ends[place]:
            return None
        return self.firsts[place] + code - self.starts[place]


@dataclass(frozen=True)
class FontFile:
    """`capital_em`: the height of a capital letter in ems. `weight`: 400 is regular, 700 bold."""

    capital_em: float
    weight: int
    _groups: _Groups = field(repr=False)
    _units: int
    _advances: bytes = field(repr=False)
    _advances_count: int
    # Letters that were asked for, each by itself: no text can be read from them.
    _widths: dict[str, float | None] = field(default_factory=dict, repr=False)

    def has(self, character: str) -> bool:
        """Whether there is a glyph for it."""
        return self._width(character) is not None

    def advance(self, character: str) -> float:
        """How far it reaches, in ems; 0 for a variation selector, which changes the letter before it."""
        return self._width(character) or 0.0

    def _width(self, character: str) -> float | None:
        if character not in self._widths:
            glyph = self._groups.glyph(ord(character))
            # The last advance holds for all glyphs that follow.
            at = None if glyph is None else 4 * min(glyph, self._advances_count - 1)
            width = None if at is None else unpack_from(">H", self._advances, at)[0] / self._units
            self._widths[character] = width
        return self._widths[character]


@cache
def path(name: str) -> str:
    """Where a bundled font lies."""
    return str(files("assets") / "fonts" / name)


@cache
def font_file(name: str) -> FontFile:
    """Raises FileNotFoundError for a font that is not bundled, ValueError for one of another kind."""
    tables = _tables(name)
    (units,) = unpack_from(">H", tables["head"], 18)
    (advances,) = unpack_from(">H", tables["hhea"], 34)
    (capital,) = unpack_from(">h", tables["OS/2"], 88)
    (weight,) = unpack_from(">H", tables["OS/2"], 4)
    return FontFile(capital / units, weight, _groups(tables["cmap"]), units, tables["hmtx"], advances)


@cache
def variants_of(name: str) -> frozenset[tuple[int, int]]:
    """(character, variation selector) of all that the font has, as 葛󠄀 is written."""
    cmap = _tables(name)["cmap"]
    at = _subtable(cmap, _VARIANTS_FORMAT)
    return frozenset(_variants(cmap, at)) if at is not None else frozenset()


def _tables(name: str) -> dict[str, bytes]:
    """Those of the file's tables that are looked into."""
    with open(path(name), "rb") as file:  # noqa: PTH123 - parts of a large file
        head = file.read(12)
        (count,) = unpack_from(">H", head, 4)
        records = file.read(16 * count)
        found = {}
        for place in range(count):
            tag, _, offset, length = unpack_from(">4sIII", records, 16 * place)
            if tag in (b"OS/2", b"cmap", b"head", b"hhea", b"hmtx"):
                file.seek(offset)
                found[tag.decode()] = file.read(length)
    return found


def _subtable(cmap: bytes, kind: int) -> int | None:
    """Where the subtable of this format begins."""
    (count,) = unpack_from(">H", cmap, 2)
    places = (unpack_from(">I", cmap, 8 + 8 * record)[0] for record in range(count))
    return next((place for place in places if unpack_from(">H", cmap, place)[0] == kind), None)


def _groups(cmap: bytes) -> _Groups:
    at = _subtable(cmap, _GROUPS_FORMAT)
    if at is None:
        raise ValueError("the font has no list of its characters in format 12")
    (count,) = unpack_from(">I", cmap, at + 12)
    numbers = array("I", cmap[at + 16 : at + 16 + 12 * count])
    if sys.byteorder == "little":
        numbers.byteswap()
    return _Groups(numbers[0::3], numbers[1::3], numbers[2::3])


def _variants(cmap: bytes, at: int) -> Iterator[tuple[int, int]]:
    """(character, selector) of the subtable at `at`: those that look as usual, then those that have a glyph."""
    (selectors,) = unpack_from(">I", cmap, at + 6)
    for number in range(selectors):
        record = at + 10 + 11 * number
        selector = int.from_bytes(cmap[record : record + 3], "big")
        usual, other = unpack_from(">II", cmap, record + 3)
        if usual:
            for place in range(at + usual + 4, at + usual + 4 + 4 * unpack_from(">I", cmap, at + usual)[0], 4):
                first = int.from_bytes(cmap[place : place + 3], "big")
                yield from ((code, selector) for code in range(first, first + cmap[place + 3] + 1))
        if other:
            for place in range(at + other + 4, at + other + 4 + 5 * unpack_from(">I", cmap, at + other)[0], 5):
                yield int.from_bytes(cmap[place : place + 3], "big"), selector
