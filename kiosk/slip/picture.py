"""A slip as the dots that a printer burns: black on white, 576 dots wide at 80 mm and 384 at 58 mm (8 dots/mm).

Owns sizes, wrapping and placing. Must never leave out a word silently, change the words, or know a printer.
Many who read a slip are old and stand: nothing they need is smaller than 28 dots (3.5 mm).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, features

from kiosk.slip.barcode import NUMBER_CHARS_MAX, WIDTH_DOTS, BarcodeKind, WidthMm, barcode_picture
from kiosk.slip.content import Slip, SlipLine, Style
from kiosk.typography.coverage import Chain, clusters, path, pieces
from kiosk.typography.line_breaks import NOT_FIRST, NOT_LAST

HEIGHT_DOTS_MAX = 7200
"""90 cm of paper: more than ten appointments with fields of full length need at 58 mm."""

_MARGIN_DOTS = 6
_FRAME_DOTS = 4
_SYMBOL_GAP_DOTS = 16
_BLACK_BELOW = 128
Weight = Literal["regular", "bold"]
# BIZ UDGothic is made to be read by everybody; the second font has what it lacks: 𠮷, Korean, Chinese, Vietnamese.
_CHAINS: dict[Weight, Chain] = {
    "regular": ("BIZUDGothic-Regular.ttf", "NotoSansCJKjp-Regular.otf"),
    "bold": ("BIZUDGothic-Bold.ttf", "NotoSansCJKjp-Regular.otf"),
}


@dataclass(frozen=True)
class _Look:
    """How a style is drawn; sizes in dots at 80 and 58 mm. `shrinks`: made smaller rather than broken in two."""

    sizes: dict[WidthMm, int]
    weight: Weight = "regular"
    align: Literal["left", "centre"] = "left"
    framed: bool = False
    shrinks: bool = False


_LOOKS: dict[Style, _Look] = {
    "title": _Look({80: 60, 58: 46}, "bold", "centre"),
    "number": _Look({80: 184, 58: 150}, "bold", "centre", shrinks=True),
    "large": _Look({80: 48, 58: 40}, "bold"),
    "body": _Look({80: 34, 58: 30}),
    "small": _Look({80: 26, 58: 24}),
    "note": _Look({80: 38, 58: 28}, "bold", "centre", framed=True),
    "rule": _Look({80: 26, 58: 22}),
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


@dataclass(frozen=True)
class _Row:
    """One drawn line: its runs, height and place across."""

    runs: tuple[Run, ...]
    size: int
    align: Literal["left", "centre"]
    rule: bool = False
    frame: Literal["none", "top", "middle", "bottom", "whole"] = "none"

    @property
    def height(self) -> int:
        padded_sides = {"none": 0, "top": 1, "middle": 0, "bottom": 1, "whole": 2}[self.frame]
        return self.size + self.size // 4 + padded_sides * (self.size // 3)


def draw(slip: Slip, *, width_mm: WidthMm, barcode: BarcodeKind) -> Image.Image:
    """The slip as a mode "1" picture (black is 0), at most `HEIGHT_DOTS_MAX` high.

    `barcode` is the kind the site wants; a number that it cannot hold, or that does not fit, becomes a QR code.
    """
    width = WIDTH_DOTS[width_mm]
    symbol = _symbol(slip.barcode, barcode, width_mm)
    below = list(_number_rows(slip.barcode, width_mm))
    tail = sum(row.height for row in below) + (symbol.height + 2 * _SYMBOL_GAP_DOTS if symbol else 0)
    rows = list(_bounded(_rows(slip.lines, width_mm), HEIGHT_DOTS_MAX - tail - 2 * _MARGIN_DOTS, width_mm))
    height = sum(row.height for row in rows) + tail + 2 * _MARGIN_DOTS
    canvas = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(canvas)
    y = _MARGIN_DOTS
    for row in rows:
        _draw_row(pen, row, y, width)
        y += row.height
    if symbol:
        canvas.paste(symbol, ((width - symbol.width) // 2, y + _SYMBOL_GAP_DOTS))
        y += symbol.height + 2 * _SYMBOL_GAP_DOTS
    for row in below:
        _draw_row(pen, row, y, width)
        y += row.height
    # Grey edges, then a threshold: small kanji are clearer so than drawn in one bit from the start.
    table = [0] * _BLACK_BELOW + [255] * (256 - _BLACK_BELOW)
    return canvas.point(table, mode="1")


def _symbol(number: str | None, wanted: BarcodeKind, width_mm: WidthMm) -> Image.Image | None:
    # A longer one is no patient number of any hospital; it still stands on the slip in letters.
    if not number or len(number) > NUMBER_CHARS_MAX:
        return None
    return barcode_picture(number, wanted, width_mm)


def _number_rows(number: str | None, width_mm: WidthMm) -> Iterator[_Row]:
    if number:
        kept = "".join(character if character.isprintable() else " " for character in number[:NUMBER_CHARS_MAX])
        more = "…" if len(number) > NUMBER_CHARS_MAX else ""
        yield from _text_rows(kept + more, _Look({80: 28, 58: 28}, align="centre"), width_mm)


def _rows(lines: tuple[SlipLine, ...], width_mm: WidthMm) -> Iterator[_Row]:
    first_rule = next((place for place, line in enumerate(lines) if line.style == "rule"), len(lines))
    for place, line in enumerate(lines):
        look = _LOOKS[line.style]
        if line.style == "rule":
            yield _Row((), look.sizes[width_mm], "left", rule=True)
            continue
        if place < first_rule:
            # The head, above the first rule, stands in the middle whatever its style.
            look = _Look(look.sizes, look.weight, "centre", look.framed, look.shrinks)
        yield from _text_rows(line.text, look, width_mm)


def _text_rows(text: str, look: _Look, width_mm: WidthMm) -> Iterator[_Row]:
    size = look.sizes[width_mm]
    room = WIDTH_DOTS[width_mm] - 2 * (_MARGIN_DOTS + (_FRAME_DOTS if look.framed else 0))
    if look.shrinks:
        size = max(28, min(size, int(size * room / max(_width(text, look.weight, size), 1.0))))
    wrapped = list(_lines(text, look.weight, size, room))
    for place, line in enumerate(wrapped):
        frame: Literal["none", "top", "middle", "bottom", "whole"] = "none"
        if look.framed:
            first, last = place == 0, place == len(wrapped) - 1
            frame = "whole" if first and last else "top" if first else "bottom" if last else "middle"
        yield _Row(line, size, look.align, frame=frame)


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


def _length(line: tuple[Run, ...]) -> float:
    return sum(run.width for run in line)


def _width(text: str, weight: Weight, size: int) -> float:
    return _length(runs(text, weight, size))


def _lines(text: str, weight: Weight, size: int, room: int) -> Iterator[tuple[Run, ...]]:
    """The text in lines no wider than `room`; nearly every text is one, and is then measured once."""
    whole = runs(text, weight, size)
    if _length(whole) <= room:
        yield whole
        return
    for line in wrap(text, weight, size, room):
        yield runs(line, weight, size)


def wrap(text: str, weight: Weight, size: int, room: int) -> Iterator[str]:
    """Lines no wider than `room`: broken at a blank if there is one, else between any two Japanese characters."""
    line = ""
    for cluster in clusters(text):
        if line and _width(line + cluster, weight, size) > room:
            head, rest = _break(line, cluster)
            yield head
            line = rest.lstrip()
        line += cluster
    yield line


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


def _bounded(rows: Iterator[_Row], height_max: int, width_mm: WidthMm) -> Iterator[_Row]:
    """The rows as long as there is paper for them; … stands for the rest."""
    more = _Row(runs("…", "bold", 48), 48, "left")
    height = more.height
    for row in rows:
        if height + row.height > height_max:
            yield more
            return
        height += row.height
        yield row


def _draw_row(pen: ImageDraw.ImageDraw, row: _Row, top: int, width: int) -> None:
    if row.rule:
        middle = top + row.height // 2
        pen.rectangle((_MARGIN_DOTS, middle - 1, width - _MARGIN_DOTS - 1, middle), fill=0)
        return
    _draw_frame(pen, row, top, width)
    x = float(_MARGIN_DOTS) if row.align == "left" else (width - _length(row.runs)) / 2
    pad = row.size // 3 if row.frame in ("top", "whole") else 0
    # The baseline lies at 0.88 of a kanji's square in both fonts, so that mixed runs stand level.
    baseline = top + pad + row.size // 8 + round(row.size * 0.88)
    for run in row.runs:
        pen.text((round(x), baseline), run.text, font=run.font, fill=0, anchor="ls")
        x += run.width


def _draw_frame(pen: ImageDraw.ImageDraw, row: _Row, top: int, width: int) -> None:
    if row.frame == "none":
        return
    right, bottom = width - 1, top + row.height - 1
    pen.rectangle((0, top, _FRAME_DOTS - 1, bottom), fill=0)
    pen.rectangle((right - _FRAME_DOTS + 1, top, right, bottom), fill=0)
    if row.frame in ("top", "whole"):
        pen.rectangle((0, top, right, top + _FRAME_DOTS - 1), fill=0)
    if row.frame in ("bottom", "whole"):
        pen.rectangle((0, bottom - _FRAME_DOTS + 1, right, bottom), fill=0)
