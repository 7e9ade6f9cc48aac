"""Text as black dots of paper: runs of one font each, broken into lines.

Owns how wide a text is on paper, in the fonts of fixed pitch. Must never leave out a word or change one; readings
(furigana) are not printed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, features

from kiosk.typography.breaking import broken
from kiosk.typography.coverage import Piece, clusters, pieces
from kiosk.typography.font_files import path
from kiosk.typography.fonts import chain
from kiosk.typography.ruby import parts

Weight = Literal["regular", "bold"]

_BLACK_BELOW = 128


@dataclass(frozen=True)
class Run:
    """Text that one font draws whole."""

    text: str = field(repr=False)
    font: ImageFont.FreeTypeFont

    @cached_property
    def width(self) -> float:
        """Advance in dots."""
        return self.font.getlength(self.text)


def runs(text: str, weight: Weight, size: int, language: str = "ja") -> tuple[Run, ...]:
    """The text as runs of one font each, from left to right; `size` in dots."""
    return tuple(Run(piece.text, _font(piece.font, size)) for piece in _pieces(text, weight, language))


def _pieces(text: str, weight: Weight, language: str) -> Iterator[Piece]:
    for part in parts(text):
        fonts = chain(language, bold=weight == "bold", name=part.name, fixed_pitch=True)
        yield from pieces(part.base, fonts, selectors=_can_shape())


@cache
def _can_shape() -> bool:
    """Without raqm Pillow draws a variation selector as a box of its own; then the plain letter is drawn."""
    return bool(features.check("raqm"))


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if _can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(path(name), size, layout_engine=layout)


def close_fonts() -> None:
    """Each open font and size takes half a megabyte: for a program that draws now and then."""
    _font.cache_clear()


def length(line: tuple[Run, ...]) -> float:
    """Advance of a line in dots."""
    return sum(run.width for run in line)


def width_of(text: str, weight: Weight, size: int, language: str = "ja") -> float:
    """Advance of a text in dots, in one line."""
    return length(runs(text, weight, size, language))


def lines_of(text: str, weight: Weight, size: int, room: int, language: str = "ja") -> Iterator[tuple[Run, ...]]:
    """The text in lines no wider than `room`; nearly every text is one, and is then measured once."""
    whole = runs(text, weight, size, language)
    if length(whole) <= room:
        yield whole
        return
    # As drawn, a letter may have another number of characters than as written: each is set by itself, then joined.
    letters = [cluster for run in whole for cluster in clusters(run.text)]
    fonts = [run.font for run in whole for _ in clusters(run.text)]
    written = "".join(letters)
    places = [0, *accumulate(len(letter) for letter in letters)]
    number = {place: order for order, place in enumerate(places)}
    reach = [0.0, *accumulate(font.getlength(letter) for letter, font in zip(letters, fonts, strict=True))]
    inner = {place for place in range(len(written)) if place not in number}

    def measure(first: int, end: int) -> float:
        return reach[number[end]] - reach[number[first]]

    for first, end in broken(written, room, measure, language, inner).lines:
        begin = number[first]
        for place in range(begin + 1, number[end]):
            # Only what may be broken nowhere is wider, a row of commas from another system: paper ends at its edge.
            if reach[place + 1] - reach[begin] > room:
                yield _joined(letters[begin:place], fonts[begin:place])
                begin = place
        yield _joined(letters[begin : number[end]], fonts[begin : number[end]])


def _joined(letters: list[str], fonts: list[ImageFont.FreeTypeFont]) -> tuple[Run, ...]:
    """Letters side by side as runs."""
    found: list[Run] = []
    for letter, font in zip(letters, fonts, strict=True):
        if found and found[-1].font is font:
            found[-1] = Run(found[-1].text + letter, font)
        else:
            found.append(Run(letter, font))
    return tuple(found)


def draw_runs(pen: ImageDraw.ImageDraw, line: tuple[Run, ...], left: float, top: int, size: int) -> None:
    """Draw a line in black, its letters' square from `top` to `top + size`."""
    # The baseline lies at 0.88 of a kanji's square in both fonts, so that mixed runs stand level.
    baseline = top + round(size * 0.88)
    for run in line:
        pen.text((round(left), baseline), run.text, font=run.font, fill=0, anchor="ls")
        left += run.width


def one_bit(canvas: Image.Image) -> Image.Image:
    """A mode "L" picture as mode "1"."""
    # Grey edges, then a threshold: small kanji are clearer so than drawn in one bit from the start.
    return canvas.point([0] * _BLACK_BELOW + [255] * (256 - _BLACK_BELOW), mode="1")
