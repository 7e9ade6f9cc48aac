"""What a page is made of: boxes in millimetres from the top left corner, and what is in them. Pure.

Personal text is kept out of every repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from kiosk.screens.views import Timeout
from kiosk.typography import setting
from kiosk.typography.setting import Block
from kiosk.ui.theme import Colour, Role, Tone

Drawing = Literal[
    "my_number_card",
    "patient_card",
    "phone",
    "reader",
    "card_slot",
    "check",
    "attention",
    "clock",
    "counter",
    "closed",
    "moon",
    "slip",
    "no_slip",
    "wheelchair",
    "language",
    "text_size",
    "contrast",
]


@dataclass(frozen=True)
class Box:
    """A rectangle. `x`, `y`: its top left corner; millimetres (or pixels, where it says so)."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def inset(self, dx: float, dy: float | None = None) -> Box:
        """Smaller on every side; larger if negative."""
        dy = dx if dy is None else dy
        return Box(self.x + dx, self.y + dy, self.width - 2 * dx, self.height - 2 * dy)

    def top(self, height: float) -> Box:
        return Box(self.x, self.y, self.width, height)

    def below(self, y: float) -> Box:
        """What is left from `y` (of the page) on."""
        return Box(self.x, y, self.width, self.bottom - y)

    def left(self, width: float) -> Box:
        return Box(self.x, self.y, width, self.height)

    def after(self, x: float) -> Box:
        """What is left from `x` (of the page) on."""
        return Box(x, self.y, self.right - x, self.height)

    def columns(self, count: int, gap: float) -> tuple[Box, ...]:
        width = (self.width - gap * (count - 1)) / count
        return tuple(Box(self.x + n * (width + gap), self.y, width, self.height) for n in range(count))

    def rows(self, count: int, gap: float) -> tuple[Box, ...]:
        height = (self.height - gap * (count - 1)) / count
        return tuple(Box(self.x, self.y + n * (height + gap), self.width, height) for n in range(count))

    def scaled(self, by: float) -> Box:
        return Box(self.x * by, self.y * by, self.width * by, self.height * by)

    def meets(self, other: Box) -> bool:
        """Whether they have a place in common."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


@dataclass(frozen=True)
class Paragraph:
    """`capital_mm`: the height of a capital letter as wanted; less only if the text would not fit its box."""

    text: str = field(repr=False)
    capital_mm: float
    bold: bool = False


@dataclass(frozen=True)
class Panel:
    """A coloured ground. `outline`: the colour of its edge, `outline_mm` thick."""

    box: Box
    colour: Colour
    radius_mm: float = 0.0
    outline: Colour | None = None
    outline_mm: float = 0.7


@dataclass(frozen=True)
class Words:
    """Paragraphs, one below the other, in the middle of the box's height."""

    box: Box
    paragraphs: tuple[Paragraph, ...]
    colour: Colour
    centred: bool = True


@dataclass(frozen=True)
class Text:
    """A text that is set already, its first line at the top of the box."""

    box: Box
    text: Block = field(repr=False)
    colour: Colour
    role: Role

    @property
    def letters(self) -> Box:
        """Where its letters are; the box is as wide as the column that they stand in."""
        left = min((line.x_mm for line in self.text.lines), default=0.0)
        return Box(self.box.x + left, self.box.y, self.text.width_mm, self.text.height_mm)


@dataclass(frozen=True)
class Picture:
    """A drawing, as large as the box allows. `tone`: the ground it lies on, and the ink.

    `variant`: which of several machines, or where; "" for a neutral one. `moves`: two frames, in turn.
    """

    box: Box
    drawing: Drawing
    tone: Tone
    variant: str = ""
    moves: bool = False


@dataclass(frozen=True)
class Button:
    """A place to touch; what is drawn on it are items of their own."""

    box: Box
    name: str


@dataclass(frozen=True)
class Anywhere:
    """A touch that is on no button presses this one."""

    name: str


@dataclass(frozen=True)
class TimeLeft:
    """A bar that gets shorter until the page goes by itself."""

    box: Box
    colour: Colour
    ground: Colour


@dataclass(frozen=True)
class SecondsLeft:
    """The same in words. `text` has `{seconds}` or `{count}`, for the seconds that are left."""

    box: Box
    text: str
    capital_mm: float
    colour: Colour
    language: str = "ja"

    def paragraph(self, left: int) -> setting.Paragraph:
        """As it reads with so many seconds left."""
        text = self.text.format(seconds=left, count=left)
        return setting.Paragraph(text, self.capital_mm, bold=True, language=self.language)


@dataclass(frozen=True)
class Dots:
    """The time that is left, as ten dots; those that are gone are rings."""

    box: Box
    colour: Colour
    ground: Colour


@dataclass(frozen=True)
class ClockTime:
    """The time of day at the right of the box; it goes on while the page stays.

    `pattern` has `{hour}`, `{hour12}`, `{minute}`, `{half}`; `halves`: the words for the two halves of a day.
    """

    box: Box
    pattern: str
    halves: tuple[str, str]
    capital_mm: float
    colour: Colour
    language: str = "ja"

    def paragraph(self, hour: int, minute: int) -> setting.Paragraph:
        """As it reads at that time of day."""
        half = self.halves[hour // 12]
        text = self.pattern.format(hour=hour, hour12=hour % 12 or 12, minute=minute, half=half)
        return setting.Paragraph(text, self.capital_mm, bold=True, language=self.language, align="right")


class Viewable(Protocol):
    """What a window needs to know of a view beside its layout. Views of equal value look the same."""

    @property
    def name(self) -> str: ...

    @property
    def timeout(self) -> Timeout | None: ...


Item = Panel | Words | Text | Picture | Button | TimeLeft | SecondsLeft | Dots | ClockTime | Anywhere
