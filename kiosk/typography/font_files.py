"""What a bundled font file says of itself: its characters, its variants and how far each letter reaches.

Owns the one place that opens font files to read them. Read once, when a font is first asked for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fontTools.ttLib import TTFont

_SELECTOR_CMAP_FORMAT = 14


@dataclass(frozen=True)
class FontFile:
    """`glyphs`: code point → glyph. `variants`: (character, variation selector), as 葛󠄀 is written.

    `advances`: of the glyphs in ems, the last one for all that follow. `capital_em`: the height of a capital letter.
    """

    glyphs: dict[int, int]
    variants: frozenset[tuple[int, int]]
    advances: tuple[float, ...]
    capital_em: float

    def advance(self, character: str) -> float:
        """In ems; 0 for a variation selector, which changes the letter before it."""
        glyph = self.glyphs.get(ord(character))
        return 0.0 if glyph is None else self.advances[min(glyph, len(self.advances) - 1)]


@cache
def path(name: str) -> str:
    """Where a bundled font lies."""
    return str(files("assets") / "fonts" / name)


@cache
def font_file(name: str) -> FontFile:
    """Raises FileNotFoundError for a font that is not bundled."""
    with TTFont(path(name), lazy=True) as font:
        # Numbers for names: names stand in tables that take longer to read than all else.
        font.setGlyphOrder(range(font["maxp"].numGlyphs))
        units = font["head"].unitsPerEm
        raw = font.reader["hmtx"][: 4 * font["hhea"].numberOfHMetrics]
        variants = frozenset(
            (base, selector)
            for one in font["cmap"].tables
            if one.format == _SELECTOR_CMAP_FORMAT
            for selector, bases in one.uvsDict.items()
            for base, _ in bases
        )
        return FontFile(
            glyphs=font.getBestCmap(),
            variants=variants,
            advances=tuple(value / units for value, _ in struct.iter_unpack(">Hh", raw)),
            capital_em=font["OS/2"].sCapHeight / units,
        )
