"""What a bundled font file says of itself: its characters, its variants and how far each letter reaches.

Owns the one place that opens font files to read them. A font has up to 65,000 glyphs and a page needs a hundred, so
tables stay as they are in the file and are looked into (OpenType specification, `cmap` format 12 and `hmtx`).
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol

from fontTools.ttLib import TTFont

_GROUPS_CMAP_FORMAT = 12
_SELECTOR_CMAP_FORMAT = 14


class Glyphs(Protocol):
    """Code point → glyph."""

    def get(self, code: int, /) -> int | None: ...


@dataclass(frozen=True)
class _Groups:
    """Code points from `starts` to `ends` have glyphs that follow each other, from `firsts` on."""

    starts: array[int]
    ends: array[int]
    firsts: array[int]

    def get(self, code: int, /) -> int | None:
        place = bisect_right(self.starts, code) - 1
        if place < 0 or code > self.ends[place]:
            return None
        return self.firsts[place] + code - self.starts[place]


@dataclass(frozen=True)
class FontFile:
    """`capital_em`: the height of a capital letter in ems."""

    capital_em: float
    _glyphs: Glyphs = field(repr=False)
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
            glyph = self._glyphs.get(ord(character))
            # The last advance holds for all glyphs that follow.
            at = None if glyph is None else 4 * min(glyph, self._advances_count - 1)
            width = None if at is None else struct.unpack_from(">H", self._advances, at)[0] / self._units
            self._widths[character] = width
        return self._widths[character]


@cache
def path(name: str) -> str:
    """Where a bundled font lies."""
    return str(files("assets") / "fonts" / name)


@cache
def font_file(name: str) -> FontFile:
    """Raises FileNotFoundError for a font that is not bundled."""
    with _opened(name) as font:
        return FontFile(
            capital_em=font["OS/2"].sCapHeight / font["head"].unitsPerEm,
            _glyphs=_groups(font.reader["cmap"]) or font.getBestCmap(),
            _units=font["head"].unitsPerEm,
            _advances=font.reader["hmtx"],
            _advances_count=font["hhea"].numberOfHMetrics,
        )


@cache
def variants_of(name: str) -> frozenset[tuple[int, int]]:
    """(character, variation selector) of all that the font has, as 葛󠄀 is written."""
    with _opened(name) as font:
        return frozenset(
            (base, selector)
            for one in font["cmap"].tables
            if one.format == _SELECTOR_CMAP_FORMAT
            for selector, bases in one.uvsDict.items()
            for base, _ in bases
        )


def _opened(name: str) -> TTFont:
    font = TTFont(path(name), lazy=True)
    # Numbers for names: names stand in tables that take longer to read than all else.
    font.setGlyphOrder(range(font["maxp"].numGlyphs))
    return font


def _groups(cmap: bytes) -> _Groups | None:
    """The subtable of large fonts; None where there is none."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    for record in range(count):
        _, _, at = struct.unpack_from(">HHI", cmap, 4 + 8 * record)
        (kind,) = struct.unpack_from(">H", cmap, at)
        if kind == _GROUPS_CMAP_FORMAT:
            (groups,) = struct.unpack_from(">I", cmap, at + 12)
            numbers = array("I", cmap[at + 16 : at + 16 + 12 * groups])
            if sys.byteorder == "little":
                numbers.byteswap()
            return _Groups(numbers[0::3], numbers[1::3], numbers[2::3])
    return None
