"""Set text -> the picture of its letters; and text of pages that are made smaller until it fits its box.

Letters stand where the setting put them: it is the fonts' own widths that are drawn. Must keep no text after the page
is gone: nothing here is cached but the fonts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont, features

from kiosk.typography.coverage import is_selector
from kiosk.typography.font_files import path
from kiosk.typography.setting import Align, Block, set_paragraphs
from kiosk.typography.setting import Paragraph as SetParagraph
from kiosk.ui.items import Paragraph

_SHRINK = 0.95
_SMALLEST_WHOLE = 0.6
_SMALLEST = 0.1
# Letters may reach beyond their line a little, and beyond their advance.
_SPARE_EM = 0.25


@dataclass(frozen=True)
class Lettering:
    """`pixels`: luminance and alpha of `width` × `height`, white, first row on top. `left`, `top`: from the block's."""

    pixels: bytes = field(repr=False)
    width: int
    height: int
    left: int
    top: int


def fit(paragraphs: Iterable[Paragraph], width_mm: float, height_mm: float, align: Align = "centre") -> Block:
    """The largest lettering, not above the wanted one, of which all fits into the box."""
    wanted = tuple(paragraphs)
    # A little smaller is better than a word that is torn apart.
    for torn, smallest in ((False, _SMALLEST_WHOLE), (True, _SMALLEST)):
        scale = 1.0
        while scale >= smallest:
            block = set_paragraphs(
                (SetParagraph(each.text, each.capital_mm * scale, each.bold, align=align) for each in wanted), width_mm
            )
            if block.height_mm <= height_mm and block.width_mm <= width_mm and torn >= block.torn:
                return block
            scale *= _SHRINK
    return block


def lettering(block: Block, px_per_mm: float, x_mm: float, y_mm: float) -> Lettering | None:
    """The letters of a block whose top left corner is at `x_mm`, `y_mm`; None for none.

    `left` and `top` are pixels of the page: each line stands on a whole one, so that its letters are sharp.
    """
    runs = [run for line in block.lines for run in line.runs if run.text]
    if not runs:
        return None
    spare = _SPARE_EM * max(run.em_mm for run in runs)
    left = math.floor((x_mm + min(run.x_mm for run in runs) - spare) * px_per_mm)
    right = math.ceil((x_mm + max(run.x_mm + run.width_mm for run in runs) + spare) * px_per_mm)
    top = math.floor((y_mm + block.lines[0].top_mm - spare) * px_per_mm)
    bottom = math.ceil((y_mm + block.height_mm + spare) * px_per_mm)
    width = right - left + (right - left) % 2  # rows begin at whole words of memory, as graphics cards want them
    letters = Image.new("L", (width, bottom - top))
    pen = ImageDraw.Draw(letters)
    for run in runs:
        at = (round((x_mm + run.x_mm) * px_per_mm) - left, round((y_mm + run.baseline_mm) * px_per_mm) - top)
        pen.text(at, _drawable(run.text), fill=255, font=_font(run.font, round(run.em_mm * px_per_mm, 2)), anchor="ls")
    white = Image.new("L", letters.size, 255)
    return Lettering(Image.merge("LA", (white, letters)).tobytes(), width, bottom - top, left, top)


@lru_cache(maxsize=64)
def _font(name: str, em_px: float) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if _can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(path(name), max(em_px, 1.0), layout_engine=layout)


@cache
def _can_shape() -> bool:
    return bool(features.check("raqm"))


def _drawable(text: str) -> str:
    """Without a shaper a variation selector would be drawn as a box of its own."""
    return text if _can_shape() else "".join(each for each in text if not is_selector(each))
