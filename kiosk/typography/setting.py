"""Paragraphs -> lines and runs in millimetres, as every page is set and drawn. Pure: needs no window and no picture.

Never made smaller and never cut: whoever asks looks at `Block` and takes another size or another layout. Must keep no
text: nothing here is cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Final, Literal

from kiosk.typography.breaking import Span, broken
from kiosk.typography.coverage import Chain, clusters, one_font
from kiosk.typography.font_files import font_file
from kiosk.typography.fonts import advance, chain, em_of, pieces
from kiosk.typography.ruby import Part, parts

Align = Literal["left", "centre", "right"]
# Height of a line in ems of its letters.
LINE_EM: Final = 1.4
# White between two paragraphs.
BETWEEN_EM: Final = 0.55
# A reading, of its letters. A line that has one is as much higher, but for a little of its white: 1.85 em in all.
RUBY_EM: Final = 0.5
_RUBY_WHITE_EM: Final = 0.05
# The height of capitals of a reading, at least.
RUBY_MM: Final = 2.8
# Of an em: where a kanji's square ends above and below the baseline.
_ABOVE_EM: Final = 0.88
_BELOW_EM: Final = 0.12
# Letters that are no farther apart are side by side: sums of fractions are not exact.
_TOUCHES_MM: Final = 1e-6
# What is longer is a sentence of the hospital's, and no name.
_NAME_MAX: Final = 12
# How far a reading may stand over kana beside it, in ems of the reading (W3C JLREQ 3.3.8).
_OVERHANG_EM: Final = 0.5


@dataclass(frozen=True)
class Paragraph:
    """`text`: with readings as `kiosk.typography.ruby` has them. `capital_mm`: the height of a capital letter.

    `language`: whose fonts and breaks, `zh_hans`. `align`: of its lines within the
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

    `x_mm`, `width_mm`: of all that is drawn. `paragraph`: which one it belongs to, counted from 0.
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
    """The paragraphs below each other in a column; those without text are left out (and not counted)."""
    lines: list[Line] = []
    torn = False
    y = 0.0
    for number, paragraph in enumerate(each for each in paragraphs if each.text.strip()):
        copy = _Copy(paragraph)
        if number:
            y += BETWEEN_EM * copy.em if paragraph.above_mm is None else paragraph.above_mm
        found = broken(copy.text, width_mm, copy.width, paragraph.language, copy.glued)
        torn = torn or found.torn
        for span in found.lines:
            lines.append(replace(copy.line(span, y, width_mm), paragraph=number))
            y += lines[-1].height_mm
    return Block(tuple(lines), max((line.width_mm for line in lines), default=0.0), y, torn)


@dataclass(frozen=True)
class _Letter:
    """A character as it is drawn: "" for one that is drawn with the one before it."""

    text: str
    font: str
    em: float
    width: float


@dataclass(frozen=True)
class _Reading:
    """Over the characters from `first` to `end`. `over`: how far it stands over its neighbours, left and right."""

    text: str
    first: int
    end: int
    width: float
    base: float
    over: tuple[float, float] = (0.0, 0.0)

    @property
    def beside(self) -> tuple[float, float]:
        """White that the base gets on its left and right."""
        spare = max(0.0, (self.width - self.base) / 2)
        return spare - self.over[0], spare - self.over[1]


class _Copy:
    """A paragraph's text, measured. All lengths in millimetres; places count the characters of `text`."""

    def __init__(self, paragraph: Paragraph) -> None:
        self._capital = paragraph.capital_mm
        self._align = paragraph.align
        fonts = chain(paragraph.language, bold=paragraph.bold)
        names = chain(paragraph.language, bold=paragraph.bold, name=True)
        self.em = em_of(self._capital, fonts[0])
        self._reading_font = names[0]
        self._reading_capital = max(self._capital * RUBY_EM, RUBY_MM)
        self._reading_em = em_of(self._reading_capital, names[0])
        self.text = ""
        self.glued: set[int] = set()
        self._letters: list[_Letter] = []
        self._readings: list[_Reading] = []
        for part in parts(paragraph.text):
            self._add(part, one_font(part.base, names) if part.name else fonts)
        self._readings = [replace(each, over=self._over(each)) for each in self._readings]
        lead = {each.first: each.beside[0] for each in self._readings}
        trail = {each.end - 1: each.beside[1] for each in self._readings}
        # Where each character begins and ends, from the beginning of the text.
        ends = list(accumulate(
            lead.get(place, 0.0) + letter.width + trail.get(place, 0.0) for place, letter in enumerate(self._letters)
        ))  # fmt: skip
        self._reach = [0.0, *ends]
        self._begins = [self._reach[place] + lead.get(place, 0.0) for place in range(len(ends))]
        self._over_left = {each.first: each.over[0] for each in self._readings}
        self._over_right = {each.end: each.over[1] for each in self._readings}

    def _add(self, part: Part, fonts: Chain) -> None:
        first = len(self.text)
        self._letters += self._drawn(part.base, fonts)
        self.text += part.base
        end = len(self.text)
        if part.reading or (part.name and end - first <= _NAME_MAX):
            self.glued.update(place for place in range(first + 1, end) if not _parts_name(self.text, place))
        if part.reading:
            width = advance(part.reading, self._reading_font) * self._reading_em
            base = sum(letter.width for letter in self._letters[first:end])
            self._readings.append(_Reading(part.reading, first, end, width, base))

    def _drawn(self, text: str, fonts: Chain) -> Iterator[_Letter]:
        """One for each character of the text."""
        found = pieces(text, fonts)
        if "".join(piece.text for piece in found) == text:
            for piece in found:
                font = font_file(piece.font)
                em = self._capital / font.capital_em
                for letter in piece.text:
                    yield _Letter(letter, piece.font, em, font.advance(letter) * em)
            return
        for cluster in clusters(text):  # some are drawn otherwise than they are written
            found = pieces(cluster, fonts)
            for piece in found:
                em = em_of(self._capital, piece.font)
                yield _Letter(piece.text, piece.font, em, advance(piece.text, piece.font) * em)
            for _ in range(len(cluster) - len(found)):
                yield _Letter("", fonts[0], self.em, 0.0)

    def _over(self, reading: _Reading) -> tuple[float, float]:
        """It may stand over kana that have no reading of their own."""
        spare = max(0.0, (reading.width - reading.base) / 2)
        most = min(spare, _OVERHANG_EM * self._reading_em)
        before, after = self.text[reading.first - 1 : reading.first], self.text[reading.end : reading.end + 1]
        return (most if _is_kana(before) else 0.0), (most if _is_kana(after) else 0.0)

    def width(self, first: int, end: int) -> float:
        """Of a piece that is a line."""
        over = self._over_left.get(first, 0.0) + self._over_right.get(end, 0.0)
        return self._reach[end] - self._reach[first] + over

    def line(self, span: Span, top: float, column: float) -> Line:
        """The piece as a line of a column that is so wide."""
        first, end = span
        width = self.width(first, end)
        x = {"left": 0.0, "centre": (column - width) / 2, "right": column - width}[self._align]
        readings = [each for each in self._readings if first <= each.first and each.end <= end]
        above = _ABOVE_EM * self.em + (LINE_EM - 1) / 2 * self.em
        if readings:
            above += self._reading_em - _RUBY_WHITE_EM * self.em
        begin = x + self._over_left.get(first, 0.0) - self._reach[first]
        begins = {place: begin + self._begins[place] for place in range(first, end)}
        if readings and readings[0].first == first and self._align == "left":
            width -= self._flush(readings[0], begins, x)
        runs = [*self._runs(begins, top + above)]
        runs += [self._reading_run(each, max(x, self._reading_x(each, begins)), top + above) for each in readings]
        height = above + (_BELOW_EM + (LINE_EM - 1) / 2) * self.em
        return Line(tuple(runs), x, width, top, height, top + above)

    def _flush(self, reading: _Reading, begins: dict[int, float], x: float) -> float:
        """Put the kanji at the edge, below the beginning of its longer reading; how much shorter the line becomes."""
        lead, spare = begins[reading.first] - x, reading.width - reading.base
        over = self._reading_em if reading.over[1] else 0.0  # kana that follows may be covered by one letter of it
        close = max(0.0, lead + reading.beside[1] - max(0.0, spare - over))
        for place in begins:
            begins[place] -= lead if place < reading.end else close
        return close if reading.end in begins else 0.0

    def _runs(self, begins: dict[int, float], baseline: float) -> Iterator[Run]:
        places = [place for place in begins if self._letters[place].text]
        for run in _side_by_side(places, self._letters, begins):
            one, last = self._letters[run[0]], run[-1]
            text = "".join(self._letters[place].text for place in run)
            x = begins[run[0]]
            width = begins[last] + self._letters[last].width - x
            yield Run(text, one.font, one.em, x, baseline, width, self._capital)

    @staticmethod
    def _reading_x(reading: _Reading, begins: dict[int, float]) -> float:
        return begins[reading.first] + (reading.base - reading.width) / 2

    def _reading_run(self, reading: _Reading, x: float, baseline: float) -> Run:
        # The square of the reading stands on the square of the base.
        baseline -= _ABOVE_EM * self.em + _BELOW_EM * self._reading_em
        return Run(
            reading.text, self._reading_font, self._reading_em, x, baseline, reading.width, self._reading_capital, True
        )


def _side_by_side(places: list[int], letters: list[_Letter], begins: dict[int, float]) -> Iterator[list[int]]:
    """The places in groups: of one font, and without white in between."""
    group: list[int] = []
    for place in places:
        if group:
            last = group[-1]
            beside = abs(begins[last] + letters[last].width - begins[place]) < _TOUCHES_MM
            if not beside or letters[last].font != letters[place].font:
                yield group
                group = []
        group.append(place)
    if group:
        yield group


def _parts_name(text: str, place: int) -> bool:
    """Whether even a name may be broken before this character: 佐藤 花子, 内科（専門外来）, 呼吸器・膠原病内科."""
    return text[place - 1].isspace() or text[place - 1] == "・" or text[place] in "（("


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30ff"
