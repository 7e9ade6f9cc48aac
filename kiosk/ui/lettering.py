"""Text -> lines that fit their box, each line in pieces of one font. Needs Kivy to measure.

Text is wrapped where Japanese may be broken, then made smaller; it is never cut. Must keep no text after the page is
gone: nothing here is cached but the fonts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kiosk.typography.coverage import Chain, Piece, clusters, one_font, pieces
from kiosk.typography.font_files import path
from kiosk.typography.line_breaks import NOT_FIRST, NOT_LAST
from kiosk.ui.items import Paragraph

_REGULAR: Chain = ("BIZUDPGothic-Regular.ttf", "NotoSansCJKjp-Regular.otf")
_BOLD: Chain = ("BIZUDPGothic-Bold.ttf", "NotoSansCJKjp-Regular.otf")
# The height of a capital in ems: sCapHeight of BIZ UDPGothic.
CAPITAL_EM = 0.765
LINE_EM = 1.4
BETWEEN_EM = 0.55
# Widths are measured at one size and scaled, because a font file has to be opened for each size.
_MEASURED_AT = 64
_SHRINK = 0.95
_SMALLEST_WHOLE = 0.6
_SMALLEST = 0.1
# Setting a text takes time for every line, and the display stands still meanwhile: more lines than this are not evened.
_EVENED_MAX = 6
_BLANK = re.compile(r"\s+")
# After a particle, or a mark, before a word that begins with kanji, katakana, a digit or お/ご: a breath.
_BREATH = re.compile(
    r"(?<=[をにはがでとへものて])(?=[一-龥々ァ-ヴ①-⑳0-9０-９A-Za-zおご])|(?<=[、。！？）」・\s])|(?=[（「])"
)
_STOP = re.compile(r"(?<=[、。！？])")
# BIZ UDPGothic keeps so little room below the line that SDL cuts these letters off there.
_TAILS = re.compile(r"[gjpqy_]")
_UNBROKEN = re.compile(r"[0-9A-Za-z:.,\-/]+")


@dataclass(frozen=True)
class Line:
    """A line as it is drawn: pieces from left to right, and the size of an em in pixels."""

    pieces: tuple[Piece, ...] = field(repr=False)
    em_px: float
    bold: bool
    width_px: float
    # From the top of the text to the baseline.
    baseline_px: float


@dataclass(frozen=True)
class Fitted:
    """Lines from the top, and how high they are together."""

    lines: tuple[Line, ...]
    height_px: float


def fit(paragraphs: Iterable[Paragraph], width_px: float, height_px: float, px_per_mm: float) -> Fitted:
    """The largest lettering, not above the wanted one, of which all fits into the box."""
    wanted = [each for each in paragraphs if each.text]
    letters = [(each, _letters_width(each)) for each in wanted]
    # A little smaller is better than a word that is torn apart.
    for torn, smallest in ((False, _SMALLEST_WHOLE), (True, _SMALLEST)):
        scale = 1.0
        while scale >= smallest:
            if scale * _SHRINK >= _SMALLEST and _least_height(letters, width_px, px_per_mm, scale) > height_px:
                scale *= _SHRINK  # it cannot fit, however it is broken
                continue
            fitted = _set(wanted, width_px, px_per_mm, scale, torn)
            if fitted.height_px <= height_px and all(line.width_px <= width_px for line in fitted.lines):
                return fitted
            scale *= _SHRINK
    return fitted


def label(text: str, font: str, em_px: float) -> Any:
    """Kivy's core label for a piece of text."""
    from kivy.core.text import Label

    return Label(text=text, font_name=path(font), font_size=max(1, round(em_px)))


def _set(paragraphs: list[Paragraph], width_px: float, px_per_mm: float, scale: float, torn: bool) -> Fitted:
    lines: list[Line] = []
    y = 0.0
    for number, paragraph in enumerate(paragraphs):
        em = _step(paragraph.capital_mm * px_per_mm / CAPITAL_EM * scale)
        y += BETWEEN_EM * em if number else 0.0
        chain = _chain(paragraph)

        def measure(text: str, chain: Chain = chain, em: int = em) -> float:
            return sum(_width(piece) for piece in pieces(text, chain)) * em / _MEASURED_AT

        for text in wrap(paragraph.text, width_px, measure, torn=torn):
            # Half of what a line has more than the letters lies above, half below.
            baseline = y + em * ((LINE_EM - 1) / 2 + 0.88)
            lines.append(Line(pieces(text, chain), em, paragraph.bold, measure(text), baseline))
            y += LINE_EM * em
    return Fitted(tuple(lines), y)


def _chain(paragraph: Paragraph) -> Chain:
    chain = _BOLD if paragraph.bold else _REGULAR
    return one_font(paragraph.text, chain[::-1] if _TAILS.search(paragraph.text) else chain)


def _letters_width(paragraph: Paragraph) -> float:
    """The width of its letters without blanks, in ems."""
    chain = _chain(paragraph)
    return sum(_width(piece) for piece in pieces(_BLANK.sub("", paragraph.text), chain)) / _MEASURED_AT


def _least_height(letters: list[tuple[Paragraph, float]], width_px: float, px_per_mm: float, scale: float) -> float:
    """No way of breaking lines needs less."""
    height = 0.0
    for number, (paragraph, ems) in enumerate(letters):
        em = _step(paragraph.capital_mm * px_per_mm / CAPITAL_EM * scale)
        # A tenth less: letters at the ends of lines stand alone, without the kerning they have inside.
        lines = max(1, math.ceil(0.9 * ems * em / max(width_px, 1)))
        height += (BETWEEN_EM * em if number else 0.0) + LINE_EM * em * lines
    return height


def _step(em_px: float) -> int:
    """Few different sizes: Kivy keeps an open font, with its drawn letters, for each of them."""
    step = 1 if em_px < 16 else 2 if em_px < 48 else 6
    return max(1, int(em_px / step) * step)


def _width(piece: Piece) -> float:
    # One pixel more, because the drawn text is rounded up.
    return float(label("", piece.font, _MEASURED_AT).get_extents(piece.text)[0]) + 1


def wrap(text: str, width: float, measure: Callable[[str], float], *, torn: bool) -> list[str]:
    """Lines no wider than `width` as far as that is possible, about equally long.

    Broken at 、 and 。 for the price of one line more, else between phrases; if that is not enough and `torn`, between
    characters where Japanese allows it.
    """
    if measure(text.strip()) <= width:
        return [text.strip()]
    units = [part for part in _BREATH.split(text) if part]
    if torn and any(measure(phrase.rstrip()) > width for phrase in units):
        units = _breakable(text)
    lines = _filled(units, width, measure)
    clauses = [part for part in _STOP.split(text) if part]
    if all(measure(clause.rstrip()) <= width for clause in clauses):
        by_clause = _filled(clauses, width, measure)
        if len(by_clause) <= len(lines) + 1:
            return by_clause
    narrow, wide = width / 2, width
    if len(lines) > _EVENED_MAX:
        return lines
    for _ in range(6):  # the narrowest column with as many lines: no lonely word on the last one
        middle = (narrow + wide) / 2
        tried = _filled(units, middle, measure)
        if len(tried) <= len(lines) and all(measure(line) <= middle for line in tried):
            wide, lines = middle, tried
        else:
            narrow = middle
    return lines


def _filled(units: list[str], width: float, measure: Callable[[str], float]) -> list[str]:
    lines: list[str] = []
    line = ""
    for unit in units:
        if line and measure((line + unit).rstrip()) > width:
            lines.append(line.strip())
            line = ""
        line += unit
    return [kept for kept in (*lines, line.strip()) if kept]


def _breakable(text: str) -> list[str]:
    """Pieces between which a line may be broken; numbers and Latin words stay whole unless they are very long."""
    units: list[str] = []
    for cluster in clusters(text):
        glued = units and (
            cluster[0] in NOT_FIRST
            or units[-1][-1] in NOT_LAST
            or (_UNBROKEN.fullmatch(units[-1] + cluster) is not None and len(units[-1]) < 12)
        )
        if glued:
            units[-1] += cluster
        else:
            units.append(cluster)
    return units
