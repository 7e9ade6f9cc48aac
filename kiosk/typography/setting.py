"""Paragraphs -> lines and runs in millimetres, as every page is set and drawn. Pure: needs no window and no picture.

Never made smaller and never cut: whoever asks looks at `Block` and takes another size or another layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

Align = Literal["left", "centre", "right"]
# Height of a line in ems of its letters; with readings (furigana) above it.
LINE_EM: Final = 1.4
RUBY_LINE_EM: Final = 1.85
# White between two paragraphs.
BETWEEN_EM: Final = 0.55
RUBY_EM: Final = 0.5
# The height of capitals of a reading, at least.
RUBY_MM: Final = 2.8


@dataclass(frozen=True)
class Paragraph:
    """`text`: with readings as `kiosk.typography.ruby` has them. `capital_mm`: the height of a capital letter.

    `language`: whose fonts and breaks; one of `kiosk.typography.fonts.LANGUAGES`. `align`: of its lines within the
    width. `above_mm`: white before it, unless it is the first; None: as usual.
    """

    text: str = field(repr=False)
    capital_mm: float
    bold: bool = False
    language: str = "ja"
    align: Align = "left"
    above_mm: float | None = None


@dataclass(frozen=True)
class Run:
    """Letters of one font, side by side. `em_mm`: their size. `x_mm`, `baseline_mm`: where they begin, in the block.

    `width_mm`: their advance. `capital_mm`: the height of their capitals. `ruby`: it is a reading.
    """

    text: str = field(repr=False)
    font: str
    em_mm: float
    x_mm: float
    baseline_mm: float
    width_mm: float
    capital_mm: float
    ruby: bool = False


@dataclass(frozen=True)
class Line:
    """A line: `top_mm` from the top of the block, all its runs from left to right, readings last.

    `x_mm`, `width_mm`: of its letters. `paragraph`: which one it belongs to, counted from 0.
    """

    runs: tuple[Run, ...]
    x_mm: float
    width_mm: float
    top_mm: float
    height_mm: float
    baseline_mm: float
    paragraph: int = 0

    @property
    def text(self) -> str:
        """What it reads, without readings."""
        return "".join(run.text for run in self.runs if not run.ruby)


@dataclass(frozen=True)
class Block:
    """Lines from the top. `width_mm`: of the widest line. `torn`: a word or phrase had to be divided."""

    lines: tuple[Line, ...]
    width_mm: float
    height_mm: float
    torn: bool = False

    def fits(self, width_mm: float, height_mm: float) -> bool:
        """It lies whole in a box of this size, and no word is torn."""
        return not self.torn and self.width_mm <= width_mm + 0.01 and self.height_mm <= height_mm + 0.01


def set_paragraphs(paragraphs: Iterable[Paragraph], width_mm: float) -> Block:
    """The paragraphs below each other in a column; those without text are left out."""
    raise NotImplementedError
