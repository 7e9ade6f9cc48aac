"""Which font draws which part of a slip. Must never draw a character that its font lacks (font_coverage.py)."""

from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Literal

from PIL import ImageFont, features

from kiosk.typography.coverage import Chain, path, pieces

Weight = Literal["regular", "bold"]

# BIZ UDGothic is made to be read by everybody; the second font has what it lacks: 𠮷, Korean, Chinese, Vietnamese.
_CHAINS: dict[Weight, Chain] = {
    "regular": ("BIZUDGothic-Regular.ttf", "NotoSansCJKjp-Regular.otf"),
    "bold": ("BIZUDGothic-Bold.ttf", "NotoSansCJKjp-Regular.otf"),
}


@dataclass(frozen=True)
class Run:
    """Text that one font draws whole."""

    text: str = field(repr=False)
    font: ImageFont.FreeTypeFont

    @property
    def width(self) -> float:
        """Advance in dots."""
        return self.font.getlength(self.text)


def runs(text: str, weight: Weight, size: int) -> tuple[Run, ...]:
    """The text as runs of one font each, from left to right; `size` in dots."""
    drawn = pieces(text, _CHAINS[weight], selectors=_can_shape())
    return tuple(Run(piece.text, _font(piece.font, size)) for piece in drawn)


@cache
def _can_shape() -> bool:
    """Without raqm Pillow draws a variation selector as a box of its own; then the plain letter is drawn."""
    return bool(features.check("raqm"))


@lru_cache(maxsize=32)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if _can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(path(name), size, layout_engine=layout)
