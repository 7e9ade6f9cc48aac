"""A page as it is laid out on a display, and where its letters are; what the rules of measure_page.py look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kiosk.screens.views import Screen
from kiosk.typography import ruby
from kiosk.typography.setting import LINE_EM, Block, Paragraph, set_paragraphs
from kiosk.ui.frame import Stand
from kiosk.ui.items import Box, Button, ClockTime, Item, SecondsLeft, Text
from kiosk.ui.theme import Colour, Role
from kiosk.words.texts import Texts


@dataclass(frozen=True)
class Lettered:
    """A text on a page: `letters`, where its letters are; `column`, where they may be."""

    text: str = field(repr=False)
    letters: Box
    column: Box
    block: Block = field(repr=False)
    colour: Colour
    role: Role | None


@dataclass(frozen=True)
class Laid:
    """A page as it is laid out. `calm`: the same without the notice that time is running out, where it has one.

    `enough`: 1 on a display that is large enough for pages, else how much smaller everything becomes.
    """

    screen: Screen
    texts: Texts = field(repr=False)
    stand: Stand
    width: float
    height: float
    items: tuple[Item, ...] = field(repr=False)
    calm: tuple[Item, ...] | None = field(repr=False, default=None)

    @property
    def enough(self) -> float:
        return min(self.stand.glass_mm, 1.0)

    @property
    def real(self) -> float:
        """Millimetres of the glass of a millimetre of the page, were the display large enough."""
        return self.stand.glass_mm / self.enough

    def letterings(self) -> tuple[Lettered, ...]:
        """Every text, also those that change while the page stays, as they are at their longest."""
        return tuple(_letterings(self.items))

    def buttons(self) -> tuple[Button, ...]:
        return tuple(item for item in self.items if isinstance(item, Button))


def _letterings(items: Iterable[Item]) -> Iterator[Lettered]:
    for item in items:
        match item:
            case Text():
                words = "".join(line.text for line in item.text.lines)
                yield Lettered(words, inked(item), item.box, item.text, item.colour, item.role)
            case ClockTime():
                yield _changing(
                    item, max((item.paragraph(hour, 58) for hour in (0, 12, 22)), key=lambda each: len(each.text))
                )
            case SecondsLeft():
                yield _changing(item, item.paragraph(20))


def _changing(item: ClockTime | SecondsLeft, paragraph: Paragraph) -> Lettered:
    block = set_paragraphs((paragraph,), item.box.width)
    left = min((line.x_mm for line in block.lines), default=0.0)
    top = item.box.middle[1] - block.height_mm / 2
    letters = _without_white(Box(item.box.x + left, top, block.width_mm, block.height_mm), block)
    return Lettered(ruby.plain(paragraph.text), letters, item.box, block, item.colour, None)


def inked(item: Text) -> Box:
    """Where the squares of its letters are: without the white above the first line and below the last."""
    return _without_white(item.letters, item.text)


def _without_white(box: Box, block: Block) -> Box:
    ems = [run.em_mm for line in block.lines for run in line.runs if not run.ruby]
    return box.inset(0, (LINE_EM - 1) / 2 * min(ems, default=0.0))
