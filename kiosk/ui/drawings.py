"""The drawings, made of shapes: no font and no picture file can lack them. No official mark is copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kiosk.ui.items import Box, Drawing
from kiosk.ui.pen import Pen
from kiosk.ui.theme import AMBER, BLUE, GREEN, GREY, INK, LINE, PALE, PAPER, SKIN, Tone

# Drawings are made on a field of 100 x 100 (or less high) and then put into their box.
_MINT: Final = "#BFE6D2"
_ROSE: Final = "#F6D5DD"


class _Field:
    """A pen for a field of `width` x `height` units in the middle of a box."""

    def __init__(self, pen: Pen, box: Box, width: float = 100, height: float = 100) -> None:
        self._pen = pen
        self.unit = min(box.width / width, box.height / height)
        self._x = box.middle[0] - width * self.unit / 2
        self._y = box.middle[1] - height * self.unit / 2

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self._x + x * self.unit, self._y + y * self.unit

    def panel(self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0) -> None:
        left, top = self.at(x, y)
        self._pen.panel(Box(left, top, width * self.unit, height * self.unit), colour, radius * self.unit)

    def line(self, points: list[tuple[float, float]], colour: str, thick: float) -> None:
        self._pen.line([self.at(x, y) for x, y in points], colour, thick * self.unit)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        self._pen.disc(self.at(x, y), radius * self.unit, colour)

    def shape(self, points: list[tuple[float, float]], colour: str) -> None:
        self._pen.shape([self.at(x, y) for x, y in points], colour)

    def arrow_down(self, x: float, top: float, bottom: float, colour: str, thick: float) -> None:
        head = thick * 1.6
        self.panel(x - thick / 2, top, thick, bottom - top - head + 0.5, colour)
        self.shape([(x - head, bottom - head), (x + head, bottom - head), (x, bottom)], colour)


def draw(pen: Pen, drawing: Drawing, box: Box, tone: Tone) -> None:
    """One drawing, as large as the box allows, in its middle."""
    _DRAWINGS[drawing](pen, box, tone)


def _my_number_card(pen: Pen, box: Box, tone: Tone) -> None:
    _photo_card(_Field(pen, box, 100, 64), 2, 2, 96)


def _photo_card(field: _Field, x: float, y: float, width: float) -> None:
    """A plastic card with a portrait, a chip and lines: what the card looks like to its owner."""
    unit = width / 96
    height = 60 * unit
    field.panel(x - 1.5 * unit, y - 1.5 * unit, width + 3 * unit, height + 3 * unit, INK, 7 * unit)
    field.panel(x, y, width, height, _ROSE, 6 * unit)
    field.panel(x, y + height - 17 * unit, width, 11 * unit, _MINT)
    field.panel(x, y + height - 12 * unit, width, 12 * unit, _MINT, 6 * unit)
    field.panel(x + 6 * unit, y + 11 * unit, 25 * unit, 32 * unit, PAPER, 2 * unit)
    field.disc(x + 18.5 * unit, y + 22 * unit, 6.5 * unit, GREY)
    field.panel(x + 9 * unit, y + 31 * unit, 19 * unit, 12 * unit, GREY, 6 * unit)
    field.panel(x + 9 * unit, y + 38 * unit, 19 * unit, 5 * unit, GREY)
    for row, length in enumerate((52, 44, 48)):
        field.panel(x + 38 * unit, y + (12 + row * 10) * unit, length * unit, 4 * unit, GREY, 2 * unit)
    field.panel(x + 76 * unit, y + 42 * unit, 14 * unit, 11 * unit, "#E2B23A", 2 * unit)
    field.line([(x + 83 * unit, y + 42.5 * unit), (x + 83 * unit, y + 52.5 * unit)], "#7A5B0C", 1 * unit)
    field.line([(x + 76.5 * unit, y + 47.5 * unit), (x + 89.5 * unit, y + 47.5 * unit)], "#7A5B0C", 1 * unit)


def _patient_card(pen: Pen, box: Box, tone: Tone) -> None:
    _hospital_card(_Field(pen, box, 100, 64), 2, 2, 96)


def _hospital_card(field: _Field, x: float, y: float, width: float) -> None:
    """A card with the cross of a hospital, a line for the name and bars."""
    unit = width / 96
    field.panel(x - 1.5 * unit, y - 1.5 * unit, width + 3 * unit, 63 * unit, INK, 7 * unit)
    field.panel(x, y, width, 60 * unit, PAPER, 6 * unit)
    field.panel(x, y, width, 20 * unit, GREEN, 6 * unit)
    field.panel(x, y + 12 * unit, width, 8 * unit, GREEN)
    field.panel(x + 8 * unit, y + 7.5 * unit, 13 * unit, 5 * unit, PAPER)
    field.panel(x + 12 * unit, y + 3.5 * unit, 5 * unit, 13 * unit, PAPER)
    field.panel(x + 28 * unit, y + 8 * unit, 44 * unit, 4.5 * unit, PAPER, 2 * unit)
    field.panel(x + 8 * unit, y + 27 * unit, 50 * unit, 4.5 * unit, GREY, 2 * unit)
    left = x + 8 * unit
    for number, bar in enumerate((2, 1, 3, 1, 2, 2, 1, 3, 2, 1, 1, 3, 1, 2, 3, 1, 2, 1)):
        field.panel(left, y + 38 * unit, bar * unit, 15 * unit, INK)
        left += (bar + (2.6 if number % 3 else 1.6)) * unit


def _reader(pen: Pen, box: Box, tone: Tone) -> None:
    """The face reader beside the kiosk: a screen on a foot with a tray in front, the card going down into it."""
    field = _Field(pen, box, 150, 118)
    # The kiosk, at the left, so that 横 (beside) is seen at once.
    field.panel(4, 8, 40, 76, GREY, 4)
    field.panel(8, 13, 32, 52, PALE, 2)
    field.panel(8, 13, 32, 10, BLUE, 2)
    field.panel(12, 40, 24, 8, BLUE, 2)
    field.panel(12, 51, 24, 8, BLUE, 2)
    field.panel(13, 71, 22, 4, INK, 2)
    field.panel(10, 84, 28, 24, LINE, 2)
    field.panel(2, 106, 44, 7, GREY, 3)
    field.shape([(50, 52), (50, 36), (64, 44)], AMBER)  # look over there
    # The reader.
    field.panel(76, 4, 62, 56, INK, 6)
    field.panel(80, 8, 54, 46, PALE, 3)
    field.disc(107, 27, 9, SKIN)
    field.panel(94, 38, 26, 16, LINE, 8)
    field.panel(94, 47, 26, 7, LINE)
    for corner, (dx, dy) in {(88, 12): (1, 1), (126, 12): (-1, 1), (88, 50): (1, -1), (126, 50): (-1, -1)}.items():
        x, y = corner
        field.line([(x + 7 * dx, y), (x, y), (x, y + 7 * dy)], BLUE, 2)
    field.panel(100, 60, 14, 8, GREY)
    field.shape([(72, 113), (142, 113), (134, 92), (80, 92)], GREY)
    field.shape([(80, 108), (134, 108), (129, 96), (85, 96)], PALE)
    # The card, and where it goes.
    _photo_card(field, 86, 66, 42)
    field.arrow_down(107, 95, 109, "#B3261E", 6)


def _card_slot(pen: Pen, box: Box, tone: Tone) -> None:
    """A card above a slot, and the way it goes."""
    field = _Field(pen, box, 120, 110)
    _hospital_card(field, 24, 4, 72)
    field.arrow_down(60, 54, 74, "#B3261E", 9)
    field.panel(6, 76, 108, 30, GREY, 5)
    field.panel(18, 86, 84, 9, INK, 4)
    field.panel(18, 92, 84, 2, PALE)


def _check(pen: Pen, box: Box, tone: Tone) -> None:
    field = _Field(pen, box)
    field.disc(50, 50, 48, tone.ink)
    field.line([(26, 52), (44, 70), (75, 33)], tone.ground, 12)


def _attention(pen: Pen, box: Box, tone: Tone) -> None:
    field = _Field(pen, box)
    field.shape([(50, 4), (98, 92), (2, 92)], tone.ink)
    field.panel(45, 34, 10, 32, tone.ground, 5)
    field.disc(50, 78, 6.5, tone.ground)


def _clock(pen: Pen, box: Box, tone: Tone) -> None:
    field = _Field(pen, box)
    field.disc(50, 50, 48, tone.ink)
    field.disc(50, 50, 40, tone.ground)
    field.line([(50, 24), (50, 52), (68, 62)], tone.ink, 7)


def _counter(pen: Pen, box: Box, tone: Tone) -> None:
    """Somebody of the staff behind a desk."""
    field = _Field(pen, box, 120, 96)
    field.disc(60, 18, 16, INK)
    field.disc(60, 23, 12.5, SKIN)
    field.panel(34, 38, 52, 34, BLUE, 14)
    field.shape([(52, 38), (68, 38), (60, 52)], PAPER)
    field.panel(8, 62, 104, 10, GREY, 3)
    field.panel(14, 72, 92, 22, LINE)
    field.panel(24, 78, 72, 3, PALE, 1)


def _closed(pen: Pen, box: Box, tone: Tone) -> None:
    field = _Field(pen, box)
    field.disc(50, 50, 48, tone.ink)
    field.panel(20, 42, 60, 16, tone.ground, 4)


_DRAWINGS: Final[dict[Drawing, Callable[[Pen, Box, Tone], None]]] = {
    "my_number_card": _my_number_card,
    "patient_card": _patient_card,
    "reader": _reader,
    "card_slot": _card_slot,
    "check": _check,
    "attention": _attention,
    "clock": _clock,
    "counter": _counter,
    "closed": _closed,
}
