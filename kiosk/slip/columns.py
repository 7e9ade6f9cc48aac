"""Paragraphs in a box of an ordinary page, 300 dots an inch: as large as meant, smaller where they would not fit.

Owns wrapping, shrinking and the symbol's size on a page. Must never leave out a word silently.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from PIL import Image, ImageDraw

from kiosk.slip.barcode import NUMBER_CHARS_MAX, BarcodeKind, barcode_picture
from kiosk.slip.letters import Run, Weight, draw_runs, length, lines_of, runs, width_of

DPI: Final = 300

_SCALES: Final = tuple(step / 20 for step in range(20, 6, -1))
_SMALLEST_MM: Final = 2.5
_RULE_DOTS: Final = 3
_SYMBOL_SCALE: Final = 2
"""Dots of the page for a dot of the slip: a module is 0.34 or 0.51 mm wide, and as sharp as the paper allows."""


def dots(mm: float) -> int:
    """Millimetres in dots of the page."""
    return round(mm * DPI / 25.4)


@dataclass(frozen=True)
class Line:
    """One paragraph; without text it is nothing. `mm`: its letters' size; `above`: white before it, in mm.

    `shrinks`: made smaller rather than broken in two.
    """

    text: str = field(repr=False)
    mm: float
    weight: Weight = "regular"
    align: Literal["left", "centre", "right"] = "left"
    above: float = 0.0
    shrinks: bool = False
    language: str = "ja"


@dataclass(frozen=True)
class Rule:
    """A line across, with white above and below it, in mm."""

    above: float = 0.0
    below: float = 0.0


@dataclass(frozen=True)
class Box:
    """A place on the page, in dots."""

    left: int
    top: int
    width: int
    height: int

    @property
    def bottom(self) -> int:
        """The first dot below it."""
        return self.top + self.height


@dataclass(frozen=True)
class Row:
    """One drawn line; heights in dots, `above` of white before its letters."""

    runs: tuple[Run, ...]
    size: int
    above: int
    align: Literal["left", "centre", "right"]
    rule: bool = False

    @property
    def height(self) -> int:
        """All that it takes, the white before it too."""
        return self.above + self.size + self.size // 5


def fill(pen: ImageDraw.ImageDraw, box: Box, lines: Iterable[Line | Rule]) -> None:
    """Draw the lines from the top of the box, all of them smaller where they do not fit; … for what still does not."""
    top = box.top
    for row in fitting(tuple(lines), box):
        top += row.above
        if row.rule:
            pen.rectangle((box.left, top, box.left + box.width - 1, top + _RULE_DOTS - 1), fill=0)
        room = box.width - length(row.runs)
        left = box.left + {"left": 0.0, "centre": room / 2, "right": room}[row.align]
        draw_runs(pen, row.runs, left, top, row.size)
        top += row.height - row.above


def height(lines: Iterable[Line | Rule], width: int, scale: float = 1.0) -> int:
    """How high the lines are, in dots, with all sizes times `scale`."""
    return sum(row.height for line in lines for row in _rows(line, width, scale))


def symbol(number: str | None, wanted: BarcodeKind) -> Image.Image | None:
    """The barcode as on the slip; None without a number, and for one that is too long to be a patient's."""
    if not number or len(number) > NUMBER_CHARS_MAX:
        return None
    small = barcode_picture(number, wanted, 80)
    return small.resize((small.width * _SYMBOL_SCALE, small.height * _SYMBOL_SCALE), Image.Resampling.NEAREST)


def fitting(lines: tuple[Line | Rule, ...], box: Box) -> list[Row]:
    """The lines as they are drawn in the box; … is the last where not all of them are."""
    rows: list[Row] = []
    for scale in _SCALES:
        rows = [row for line in lines for row in _rows(line, box.width, scale)]
        if sum(row.height for row in rows) <= box.height:
            return rows
    more = Row(runs("…", "bold", dots(5)), dots(5), 0, "left")
    kept: list[Row] = []
    left = box.height - more.height
    for row in rows:
        left -= row.height
        if left < 0:
            break
        kept.append(row)
    return [*kept, more]


def _rows(line: Line | Rule, width: int, scale: float) -> Iterator[Row]:
    above = dots(line.above * scale)
    if isinstance(line, Rule):
        yield Row((), dots(line.below * scale), above, "left", rule=True)
        return
    if not line.text:
        return
    smallest = dots(_SMALLEST_MM)
    size = max(smallest, dots(line.mm * scale))
    if line.shrinks:
        wide = max(width_of(line.text, line.weight, size, line.language), 1.0)
        size = max(smallest, min(size, int(size * width / wide)))
    for place, each in enumerate(lines_of(line.text, line.weight, size, width, line.language)):
        yield Row(each, size, above if place == 0 else 0, line.align)
