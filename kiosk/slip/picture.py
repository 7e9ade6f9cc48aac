"""A slip as the dots that a printer burns: black on white, 576 dots wide at 80 mm and 384 at 58 mm (8 dots/mm).

Owns sizes, wrapping and placing. Must never leave out a word silently, change the words, or know a printer.
Many who read a slip are old and stand: nothing they need is smaller than 28 dots (3.5 mm).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image, ImageDraw

from kiosk.slip.barcode import NUMBER_CHARS_MAX, WIDTH_DOTS, BarcodeKind, WidthMm, barcode_picture
from kiosk.slip.content import Slip, SlipLine, Style
from kiosk.slip.letters import Run, Weight, draw_runs, length, lines_of, one_bit, runs, width_of

HEIGHT_DOTS_MAX = 7600
"""95 cm of paper: more than ten appointments with fields of full length need at 58 mm."""

_MARGIN_DOTS = 6
_FRAME_DOTS = 4
_SYMBOL_GAP_DOTS = 16


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
    "place": _Look({80: 72, 58: 56}, "bold"),
    "large": _Look({80: 48, 58: 40}, "bold"),
    "step": _Look({80: 36, 58: 30}, "bold"),
    "body": _Look({80: 34, 58: 30}),
    "other": _Look({80: 30, 58: 28}),
    "small": _Look({80: 26, 58: 24}),
    "note": _Look({80: 38, 58: 28}, "bold", "centre", framed=True),
    "rule": _Look({80: 26, 58: 22}),
}


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
    above = [
        row
        for line in slip.caption
        for row in _text_rows(line.text, _centred(_LOOKS[line.style]), width_mm, line.language)
    ]
    if above:  # it belongs to what is below it
        above.insert(0, _Row((), _SYMBOL_GAP_DOTS, "left"))
    below = list(_number_rows(slip, width_mm))
    tail = sum(row.height for row in (*above, *below)) + (symbol.height + 2 * _SYMBOL_GAP_DOTS if symbol else 0)
    rows = list(_bounded(_rows(slip.lines, width_mm), HEIGHT_DOTS_MAX - tail - 2 * _MARGIN_DOTS, width_mm))
    rows += above
    height = sum(row.height for row in (*rows, *below)) + (symbol.height + 2 * _SYMBOL_GAP_DOTS if symbol else 0)
    height += 2 * _MARGIN_DOTS
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
    return one_bit(canvas)


def _symbol(number: str | None, wanted: BarcodeKind, width_mm: WidthMm) -> Image.Image | None:
    # A longer one is no patient number of any hospital; it still stands on the slip in letters.
    if not number or len(number) > NUMBER_CHARS_MAX:
        return None
    return barcode_picture(number, wanted, width_mm)


def _number_rows(slip: Slip, width_mm: WidthMm) -> Iterator[_Row]:
    if number := slip.barcode:
        kept = "".join(character if character.isprintable() else " " for character in number[:NUMBER_CHARS_MAX])
        more = "…" if len(number) > NUMBER_CHARS_MAX else ""
        text = f"{slip.number_label} {kept}{more}".strip()
        yield from _text_rows(text, _Look({80: 28, 58: 28}, align="centre"), width_mm)


def _rows(lines: tuple[SlipLine, ...], width_mm: WidthMm) -> Iterator[_Row]:
    first_rule = next((place for place, line in enumerate(lines) if line.style == "rule"), len(lines))
    for place, line in enumerate(lines):
        look = _LOOKS[line.style]
        if line.style == "rule":
            yield _Row((), look.sizes[width_mm], "left", rule=True)
            continue
        if place < first_rule:
            # The head, above the first rule, stands in the middle whatever its style.
            look = _centred(look)
        yield from _text_rows(line.text, look, width_mm, line.language)


def _centred(look: _Look) -> _Look:
    return replace(look, align="centre")


def _text_rows(text: str, look: _Look, width_mm: WidthMm, language: str = "ja") -> Iterator[_Row]:
    size = look.sizes[width_mm]
    room = WIDTH_DOTS[width_mm] - 2 * (_MARGIN_DOTS + (_FRAME_DOTS if look.framed else 0))
    if look.shrinks:
        size = max(28, min(size, int(size * room / max(width_of(text, look.weight, size, language), 1.0))))
    wrapped = list(lines_of(text, look.weight, size, room, language))
    for place, line in enumerate(wrapped):
        frame: Literal["none", "top", "middle", "bottom", "whole"] = "none"
        if look.framed:
            first, last = place == 0, place == len(wrapped) - 1
            frame = "whole" if first and last else "top" if first else "bottom" if last else "middle"
        yield _Row(line, size, look.align, frame=frame)


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
    x = float(_MARGIN_DOTS) if row.align == "left" else (width - length(row.runs)) / 2
    pad = row.size // 3 if row.frame in ("top", "whole") else 0
    draw_runs(pen, row.runs, x, top + pad + row.size // 8, row.size)


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
