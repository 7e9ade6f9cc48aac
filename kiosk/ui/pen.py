"""Draws shapes and letters, given in millimetres from the top left corner, on a Kivy canvas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from kivy.graphics import (
    Color,
    InstructionGroup,
    Line,
    Rectangle,
    SmoothEllipse,
    SmoothRoundedRectangle,
)
from kivy.graphics.texture import Texture
from PIL.Image import Transpose

from kiosk.typography.setting import Block, Paragraph, set_paragraphs
from kiosk.ui.artwork.gallery import art_of
from kiosk.ui.artwork.paint import paint
from kiosk.ui.items import Box, ClockTime, Dots, Drawing, Picture, SecondsLeft
from kiosk.ui.items import Paragraph as FittedParagraph
from kiosk.ui.lettering import fit, lettering
from kiosk.ui.theme import Colour, Tone, channels


@lru_cache(maxsize=48)
def _texture(drawing: Drawing, tone: Tone, variant: str, frame: int, width: int, height: int) -> Any:
    """The pixels of a drawing; nothing of a patient is in any."""
    painted = paint(art_of(drawing, tone, variant, frame), width, height)
    texture = Texture.create(size=painted.size, colorfmt="rgba")
    texture.blit_buffer(painted.transpose(Transpose.FLIP_TOP_BOTTOM).tobytes(), colorfmt="rgba", bufferfmt="ubyte")
    return texture


class Pen:
    """`scale`: pixels of one millimetre; `height_px`: of the page, because Kivy counts from the bottom."""

    def __init__(self, canvas: InstructionGroup, scale: float, height_px: float) -> None:
        self._canvas = canvas
        self._scale = scale
        self._height_px = height_px

    def panel(self, box: Box, colour: Colour, radius_mm: float = 0.0) -> None:
        x, y, width, height = self._pixels(box)
        self._colour(colour)
        radius = min(radius_mm * self._scale, width / 2, height / 2)
        if radius < 1:
            self._canvas.add(Rectangle(pos=(x, y), size=(width, height)))
        else:
            self._canvas.add(SmoothRoundedRectangle(pos=(x, y), size=(width, height), radius=[radius], segments=24))

    def frame(self, box: Box, colour: Colour, width_mm: float, radius_mm: float = 0.0) -> None:
        """The edge of a box, `width_mm` thick, inside of it."""
        x, y, width, height = self._pixels(box.inset(width_mm / 2))
        self._colour(colour)
        radius = min(max(radius_mm - width_mm / 2, 0) * self._scale, width / 2, height / 2)
        thick = max(width_mm * self._scale / 2, 0.5)
        self._canvas.add(Line(rounded_rectangle=(x, y, width, height, radius, 48), width=thick))

    def disc(self, middle: tuple[float, float], radius_mm: float, colour: Colour) -> None:
        box = Box(middle[0] - radius_mm, middle[1] - radius_mm, 2 * radius_mm, 2 * radius_mm)
        x, y, width, height = self._pixels(box)
        self._colour(colour)
        self._canvas.add(SmoothEllipse(pos=(x, y), size=(width, height), segments=96))

    def picture(self, item: Picture, frame: int = 0) -> None:
        """A drawing, as large as its box allows."""
        x, y, width, height = self._pixels(item.box)
        texture = _texture(item.drawing, item.tone, item.variant, frame, round(width), round(height))
        self._canvas.add(Color(1, 1, 1))
        self._canvas.add(Rectangle(texture=texture, pos=(x, y), size=(width, height)))

    def words(self, box: Box, paragraphs: Sequence[FittedParagraph], colour: Colour, *, centred: bool = True) -> Block:
        """Draws the paragraphs in the middle of the box's height; returns how they were set."""
        block = fit(paragraphs, box.width, box.height, "centre" if centred else "left")
        self.text(box.x, box.middle[1] - block.height_mm / 2, block, colour)
        return block

    def _colour(self, colour: Colour) -> None:
        self._canvas.add(Color(*channels(colour)))

    def _pixels(self, box: Box) -> tuple[float, float, float, float]:
        """Whole pixels, so that straight edges are sharp."""
        left, right = round(box.x * self._scale), round(box.right * self._scale)
        top, bottom = round(box.y * self._scale), round(box.bottom * self._scale)
        return left, self._height_px - bottom, max(right - left, 1), max(bottom - top, 1)

    def text(self, x: float, y: float, block: Block, colour: Colour) -> None:
        """Text that is set already, its top left corner at `x`, `y`."""
        done = lettering(block, self._scale, x, y)
        if done is None:
            return
        texture = Texture.create(size=(done.width, done.height), colorfmt="luminance_alpha")
        texture.blit_buffer(done.pixels, colorfmt="luminance_alpha", bufferfmt="ubyte")
        texture.flip_vertical()
        texture.mag_filter = texture.min_filter = "nearest"  # pixel for pixel
        self._colour(colour)
        pos = (done.left, self._height_px - done.top - done.height)
        self._canvas.add(Rectangle(texture=texture, pos=pos, size=texture.size))

    def clock(self, item: ClockTime, hour: int, minute: int) -> None:
        """The time of day, at the right of its box."""
        self._line(item.box, item.paragraph(hour, minute), item.colour)

    def seconds(self, item: SecondsLeft, left: int) -> None:
        """How many seconds are left, in words."""
        self._line(item.box, item.paragraph(left), item.colour)

    def dots(self, item: Dots, percent: int) -> None:
        """Ten dots, those that are left full."""
        radius = item.box.height / 2
        for place in range(10):
            middle = (item.box.x + radius + place * item.box.height * 1.6, item.box.middle[1])
            self.disc(middle, radius, item.colour)
            if place * 10 >= percent:
                self.disc(middle, radius * 0.7, item.ground)

    def _line(self, box: Box, paragraph: Paragraph, colour: Colour) -> None:
        block = set_paragraphs((paragraph,), box.width)
        self.text(box.x, box.middle[1] - block.height_mm / 2, block, colour)
