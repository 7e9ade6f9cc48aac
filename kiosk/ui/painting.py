"""Page -> pixels with Pillow, without a window or a graphics card: as the window draws it, but for smooth edges.

For proofs over many pages: the window (pen.py, sheet.py) draws the same values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PIL import Image, ImageDraw

from kiosk.typography.setting import Block, Paragraph, set_paragraphs
from kiosk.ui.artwork.gallery import art_of
from kiosk.ui.artwork.paint import paint
from kiosk.ui.items import Box, ClockTime, Dots, Item, Panel, Picture, SecondsLeft, Text
from kiosk.ui.lettering import lettering
from kiosk.ui.theme import Colour

# Corners are painted so many times larger, and made smaller.
_FINER: Final = 3


class Painter:
    """A picture of `width_px` x `height_px`. `scale`: pixels of a millimetre of the page."""

    def __init__(self, width_px: int, height_px: int, scale: float) -> None:
        self.picture = Image.new("RGB", (width_px, height_px))
        self._scale = scale

    def page(self, items: Iterable[Item], clock: tuple[int, int] = (8, 52), left_s: int = 20, frame: int = 0) -> None:
        """All of it. `clock`: the time of day; `left_s`: of the time that is left; `frame`: of what moves."""
        for item in items:
            match item:
                case Panel():
                    self._panel(item)
                case Text():
                    self.text(item.box.x, item.box.y, item.text, item.colour)
                case Picture():
                    self._drawing(item, frame if item.moves else 0)
                case ClockTime():
                    self._line(item.box, item.paragraph(*clock), item.colour)
                case SecondsLeft():
                    self._line(item.box, item.paragraph(left_s), item.colour)
                case Dots():
                    self._dots(item)

    def text(self, x: float, y: float, block: Block, colour: Colour) -> None:
        """Set text, its top left corner at `x`, `y`."""
        done = lettering(block, self._scale, x, y)
        if done is not None:
            mask = Image.frombytes("LA", (done.width, done.height), done.pixels).getchannel("A")
            self.picture.paste(colour, (done.left, done.top), mask)

    def _panel(self, item: Panel) -> None:
        if item.outline is None:
            self._rounded(item.box, item.colour, item.radius_mm)
            return
        self._rounded(item.box, item.outline, item.radius_mm)
        thick = item.outline_mm
        self._rounded(item.box.inset(thick), item.colour, max(item.radius_mm - thick, 0))

    def _rounded(self, box: Box, colour: Colour, radius_mm: float) -> None:
        left, top, width, height = self._pixels(box)
        radius = min(radius_mm * self._scale, width / 2, height / 2)
        if radius < 1:
            self.picture.paste(colour, (left, top, left + width, top + height))
            return
        # The corners only: a whole mask would be as large as the page.
        side = min(round(radius) + 1, width // 2, height // 2)
        corner = Image.new("L", (2 * side * _FINER, 2 * side * _FINER))
        whole = (0, 0, corner.width - 1, corner.height - 1)
        ImageDraw.Draw(corner).rounded_rectangle(whole, radius * _FINER, fill=255)
        corner = corner.reduce(_FINER)
        self.picture.paste(colour, (left + side, top, left + width - side, top + height))
        self.picture.paste(colour, (left, top + side, left + width, top + height - side))
        for x, part_x in ((left, 0), (left + width - side, side)):
            for y, part_y in ((top, 0), (top + height - side, side)):
                part = corner.crop((part_x, part_y, part_x + side, part_y + side))
                self.picture.paste(colour, (x, y), part)

    def _drawing(self, item: Picture, frame: int) -> None:
        left, top, width, height = self._pixels(item.box)
        painted = paint(art_of(item.drawing, item.tone, item.variant, frame), width, height)
        self.picture.paste(painted, (left, top), painted)

    def _dots(self, item: Dots) -> None:
        radius = item.box.height / 2
        for place in range(10):
            x = item.box.x + place * item.box.height * 1.6
            self._rounded(Box(x, item.box.y, 2 * radius, 2 * radius), item.colour, radius)

    def _line(self, box: Box, paragraph: Paragraph, colour: Colour) -> None:
        block = set_paragraphs((paragraph,), box.width)
        self.text(box.x, box.middle[1] - block.height_mm / 2, block, colour)

    def _pixels(self, box: Box) -> tuple[int, int, int, int]:
        """Whole pixels, as the window has them."""
        left, right = round(box.x * self._scale), round(box.right * self._scale)
        top, bottom = round(box.y * self._scale), round(box.bottom * self._scale)
        return left, top, max(right - left, 1), max(bottom - top, 1)
