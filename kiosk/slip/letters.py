"""Text as black dots of paper: runs of one font each, broken into lines.

Owns the fonts of paper and how wide a text is. Must never leave out a word or change one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, features

from kiosk.typography.coverage import Chain, clusters, path, pieces
from kiosk.typography.line_breaks import NOT_FIRST, NOT_LAST

Weight = Literal["regular", "bold"]

_BLACK_BELOW = 128
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

    @cached_property
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


def close_fonts() -> None:
    """Each open font and size takes half a megabyte: for a program that draws now and then."""
    _font.cache_clear()


def length(line: tuple[Run, ...]) -> float:
    """Advance of a line in dots."""
    return sum(run.width for run in line)


def width_of(text: str, weight: Weight, size: int) -> float:
    """Advance of a text in dots, in one line."""
    return length(runs(text, weight, size))


def lines_of(text: str, weight: Weight, size: int, room: int) -> Iterator[tuple[Run, ...]]:
    """The text in lines no wider than `room`; nearly every text is one, and is then measured once."""
    whole = runs(text, weight, size)
    if length(whole) <= room:
        yield whole
        return
    for line in wrap(text, weight, size, room):
        yield runs(line, weight, size)


def wrap(text: str, weight: Weight, size: int, room: int) -> Iterator[str]:
    """Lines no wider than `room`: broken at a blank if there is one, else between any two Japanese characters."""
    line = ""
    for cluster in clusters(text):
        if line and width_of(line + cluster, weight, size) > room:
            head, rest = _break(line, cluster)
            yield head
            line = rest.lstrip()
        line += cluster
    yield line


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


def _break(line: str, following: str) -> tuple[str, str]:
    """Where a full line ends when `following` would come next: what stays, and what moves to the next line."""
    if following == " ":
        return line, ""
    blank = line.rfind(" ")
    if blank > 0:
        return line[:blank], line[blank:]
    kept = list(clusters(line))
    keep = len(kept)
    # A word of letters or digits moves whole; a line does not begin with a comma or small kana, nor end with a bracket.
    while keep > 1 and (_joined(kept[keep - 1], following) or following in NOT_FIRST or kept[keep - 1] in NOT_LAST):
        keep -= 1
        following = kept[keep]
    if keep == 1 and len(kept) > 1:
        keep = len(kept)
    return "".join(kept[:keep]), "".join(kept[keep:])


def _joined(left: str, right: str) -> bool:
    return left.isascii() and left.isalnum() and right.isascii() and right.isalnum()
