"""Ordinary paper: the chart-room sheet and the slip (受付票) as a page, A5 across or the upper half of A4.

Owns places in millimetres, and the document as bytes. Must never know a printer, or put anything of the page into the
document's title.
"""

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image, ImageDraw

from kiosk.slip.barcode import BarcodeKind
from kiosk.slip.columns import DPI, Box, Line, Rule, dots, fill, height, symbol
from kiosk.slip.content import Slip, SlipLine, Style
from kiosk.slip.letters import Weight, close_fonts, one_bit
from kiosk.slip.sheet import WordedSheet

Paper = Literal["a4", "a5"]
DocumentKind = Literal["pdf", "jpeg"]

_WIDTH: Final = dots(210)
_A5: Final = dots(148)
_A4: Final = dots(297)
_MARGIN: Final = dots(10)
"""Office printers leave 4 mm white; a punched or clipped edge takes more."""

_GAP: Final = dots(10)
_READABLE: Final = 0.7

# Style → size in mm and weight: a little larger than on the slip of 80 mm.
_LOOKS: Final[dict[Style, tuple[float, Weight]]] = {
    "title": (9.0, "bold"),
    "number": (28.0, "bold"),
    "place": (9.0, "bold"),
    "large": (7.0, "bold"),
    "step": (5.0, "bold"),
    "body": (5.0, "regular"),
    "other": (4.5, "regular"),
    "small": (3.8, "regular"),
    "note": (6.0, "bold"),
    "rule": (0.0, "regular"),
}


class _Page(ABC):
    """One page, as whatever asks for it."""

    @abstractmethod
    def picture(self, paper: Paper) -> Image.Image:
        """The page in mode "1". A5 stands upright with its words turned: no printer has to turn it."""

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        """The document, one page of `paper`: a PDF of one bit a dot, or a grey JPEG."""
        return _document(self.picture(paper), kind)

    def png(self) -> bytes:
        """The page as it is read, A5 across, for a screen or a browser's printer: PNG of one bit a dot."""
        return _png(self.picture("a5"))


@dataclass(frozen=True)
class ChartPage(_Page):
    """The chart-room sheet as a page."""

    sheet: WordedSheet
    barcode: BarcodeKind

    def picture(self, paper: Paper) -> Image.Image:
        canvas, pen, inside = _blank()
        sheet, side = self.sheet, dots(50)
        moment = Line(sheet.moment, 5, align="right")
        fill(pen, _part(inside, 0, 7, left=inside.width - dots(68)), (moment,))
        fill(
            pen,
            _part(inside, 0, 7, right=dots(70)),
            (Line(f"{sheet.title}　{sheet.hospital}", 5, "bold", shrinks=True),),
        )
        fill(pen, _part(inside, 8, 2), (Rule(),))
        number = Line(sheet.number, 22 if sheet.barcode else 10, "bold", above=0.5, shrinks=True)
        fill(pen, _part(inside, 11, 31, right=side), (Line(sheet.number_label, 4), number))
        reception = Line(sheet.reception, 16 if sheet.received else 9, "bold", "right", 0.5, shrinks=True)
        fill(
            pen,
            _part(inside, 11, 31, left=inside.width - side),
            (Line(sheet.reception_label, 4, align="right"), reception),
        )
        name = Line(sheet.name, 13, "bold", above=0.5)
        fill(pen, _part(inside, 43, 26), (Line(sheet.kana, 5.5), name))
        fill(pen, _part(inside, 70, 8), (Line(sheet.birth, 6),))
        fill(pen, _part(inside, 79, 2), (Rule(),))
        self._foot(canvas, pen, _part(inside, 83, 45))
        return _on_paper(canvas, paper)

    def _foot(self, canvas: Image.Image, pen: ImageDraw.ImageDraw, box: Box) -> None:
        """Where the patient goes, and the barcode on its right."""
        room = box.width
        if (bars := symbol(self.sheet.barcode, self.barcode)) is not None:
            room -= bars.width + dots(4)
            canvas.paste(bars, (box.left + box.width - bars.width, box.bottom - bars.height))
        lines = [Line(text, 6.5, "bold", above=1.2) for text in self.sheet.appointments]
        lines.append(Line(self.sheet.more, 4.5, above=1.2))
        fill(pen, Box(box.left, box.top, room, box.height), lines)


@dataclass(frozen=True)
class SlipPage(_Page):
    """A slip as a page: its head and barcode on the left, appointments and notes on the right."""

    slip: Slip
    barcode: BarcodeKind

    def picture(self, paper: Paper) -> Image.Image:
        ends = next((place for place, line in enumerate(self.slip.lines) if line.style == "rule"), len(self.slip.lines))
        head = _lines(self.slip.lines[:ends], centred=True)
        rest = _lines(self.slip.lines[ends + 1 :], centred=False)
        column = (_WIDTH - 2 * _MARGIN - _GAP) // 2
        # More appointments than anybody should have in a day take the lower half, too, before they become hard to read.
        crowded = height(rest, column, _READABLE) > _A5 - 2 * _MARGIN
        canvas, pen, inside = _blank(_A4 if crowded and paper == "a4" else _A5)
        self._left(canvas, pen, Box(inside.left, inside.top, column, _A5 - 2 * _MARGIN), head)
        right = Box(inside.left + column + _GAP, inside.top, column, inside.height)
        fill(pen, right, rest)
        middle = right.left - _GAP // 2
        pen.rectangle((middle - 1, inside.top, middle + 1, inside.bottom), fill=0)
        return _on_paper(canvas, paper)

    def _left(self, canvas: Image.Image, pen: ImageDraw.ImageDraw, box: Box, head: list[Line | Rule]) -> None:
        """The head, and the barcode with its number below it."""
        label = f"{self.slip.number_label} {self.slip.barcode}".strip() if self.slip.barcode else ""
        number = (Line(label, 4.5, align="centre", shrinks=True),)
        below = height(number, box.width)
        fill(pen, Box(box.left, box.bottom - below, box.width, below), number)
        if (bars := symbol(self.slip.barcode, self.barcode)) is not None:
            below += bars.height
            canvas.paste(bars, (box.left + (box.width - bars.width) // 2, box.bottom - below))
            caption = _lines(self.slip.caption, centred=True)
            below += height(caption, box.width)
            fill(pen, Box(box.left, box.bottom - below, box.width, height(caption, box.width)), caption)
        fill(pen, Box(box.left, box.top, box.width, box.height - below), head)


def _blank(height_dots: int = _A5) -> tuple[Image.Image, ImageDraw.ImageDraw, Box]:
    canvas = Image.new("L", (_WIDTH, height_dots), 255)
    inside = Box(_MARGIN, _MARGIN, _WIDTH - 2 * _MARGIN, height_dots - 2 * _MARGIN)
    return canvas, ImageDraw.Draw(canvas), inside


def _part(inside: Box, top_mm: float, height_mm: float, *, left: int = 0, right: int = 0) -> Box:
    """A part of the page's inside: from the top in mm; `left`, `right`: dots that are not its."""
    return Box(inside.left + left, inside.top + dots(top_mm), inside.width - left - right, dots(height_mm))


def _lines(lines: tuple[SlipLine, ...], *, centred: bool) -> list[Line | Rule]:
    align: Literal["left", "centre"] = "centre" if centred else "left"
    made: list[Line | Rule] = []
    for line in lines:
        mm, weight = _LOOKS[line.style]
        if line.style == "rule":
            made.append(Rule(above=2, below=1))
        else:
            shrinks = line.style == "number"
            made.append(Line(line.text, mm, weight, align, above=1, shrinks=shrinks, language=line.language))
    return made


def _on_paper(canvas: Image.Image, paper: Paper) -> Image.Image:
    page = one_bit(canvas)
    close_fonts()
    if paper == "a5":
        return page.transpose(Image.Transpose.ROTATE_90)
    whole = Image.new("1", (_WIDTH, _A4), 1)
    whole.paste(page, (0, 0))
    return whole


def _png(page: Image.Image) -> bytes:
    out = io.BytesIO()
    page.transpose(Image.Transpose.ROTATE_270).save(out, "PNG", dpi=(DPI, DPI))
    return out.getvalue()


def _document(page: Image.Image, kind: DocumentKind) -> bytes:
    out = io.BytesIO()
    if kind == "pdf":
        # Without a title of its own the document would get one from wherever it is written to.
        page.save(out, "PDF", resolution=DPI, title="kiosk")
    else:
        page.convert("L").save(out, "JPEG", quality=80, dpi=(DPI, DPI))
    return out.getvalue()
