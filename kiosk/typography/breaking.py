"""Where a text may be broken into lines, and which breaks read best; for paper and glass.

Phrases of Japanese and Chinese are found by BudouX, others end at blanks. Owns the breaks; whoever sets measures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import Final

import budoux

from kiosk.typography.coverage import clusters
from kiosk.typography.line_breaks import NOT_FIRST, NOT_LAST

# (first, end) of a piece of the text, in characters.
Span = tuple[int, int]

_PARSERS: Final = {
    "ja": budoux.load_default_japanese_parser,
    "ja_simple": budoux.load_default_japanese_parser,
    "zh_hans": budoux.load_default_simplified_chinese_parser,
}
_BLANK: Final = re.compile(r"\s+")
_UNBROKEN: Final = re.compile(r"[0-9A-Za-z.,:/\-]{2}")
# A number and what it counts, or its particle, are one breath whatever blank is between them: 2 番窓口, 13:00 の;
# so are the word and its number (Window 2, January 16) and the title of a doctor (Dr. 佐藤).
_COUNTED: Final = re.compile(
    r"[0-9０-９][\s\u3000]?[ぁ-ん番回分秒時月日年階号件枚円歳才つ棟]|[A-Za-zÀ-ỹ] [0-9]|\. [\u3041-\u9fff]"
)
_JAPANESE: Final = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]{4,}")
# ただいまご利用いただけません: BudouX finds no seam before the prefix of politeness.
_POLITE: Final = re.compile(r"(?<=[ぁ-ん])(?=[おご][\u4e00-\u9fff])")
# 할 수 없습니다: a noun that never stands without what is before it.
_BOUND: Final = re.compile(r"\s(?=(?:수|때|것|적|줄)(?:까지|에|이|을|은)?(?:\s|$))")
_CLAUSE_ENDS: Final = frozenset("、。！？，；：,.!?;:」』）")
# What a break costs beside lines of unequal length: more within a clause; a line more; a letter that stands alone.
_WITHIN_CLAUSE: Final = 0.3
_LINE_MORE: Final = 0.25
_LONELY: Final = 1.0
# Weighing takes time for each pair of places, and the display stands still meanwhile.
_WEIGHED_MAX: Final = 60


@dataclass(frozen=True)
class Broken:
    """`lines`: from the top, blanks at their ends left out. `torn`: a phrase or word had to be divided."""

    lines: tuple[Span, ...]
    torn: bool = False


@dataclass(frozen=True)
class _Unit:
    """A piece that is not divided: `end` with the blanks after it, `last` without."""

    first: int
    last: int
    end: int


def broken(
    text: str,
    width: float,
    measure: Callable[[int, int], float],
    language: str = "ja",
    glued: Container[int] = (),
) -> Broken:
    """The text in as few lines as there can be, none wider than `width`, about equally long and ending with clauses.

    `measure(first, end)`: how wide that piece is, in the unit of `width`. `glued`: places (before that character)
    where it is broken last of all. Only a single letter may be wider.
    """
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    if first >= last:
        return Broken(())
    if measure(first, last) <= width:
        return Broken(((first, last),))
    units, torn = list(_units(text, first, last, _phrases(text, language, glued))), False
    for where in (_letters, _anywhere, _everywhere):
        if all(measure(unit.first, unit.last) <= width for unit in units):
            break
        torn, places = True, where(text, glued)
        units = [
            part
            for unit in units
            for part in (
                (unit,) if measure(unit.first, unit.last) <= width else _units(text, unit.first, unit.end, places)
            )
        ]
    return Broken(tuple(_lines(text, units, width, measure)), torn)


def _units(text: str, first: int, end: int, places: Iterable[int]) -> Iterator[_Unit]:
    for one, other in pairwise((first, *(place for place in places if first < place < end), end)):
        piece = text[one:other]
        if kept := len(piece.rstrip()):
            yield _Unit(one, one + kept, other)


def _phrases(text: str, language: str, glued: Container[int]) -> list[int]:
    """Where the text may be broken with a good conscience, in order."""
    blanks = [match.end() for match in _BLANK.finditer(text)]
    bound = {match.end() for match in _BOUND.finditer(text)} if language == "ko" else set()
    places = set(blanks) - bound
    # やさしい日本語 is written with blanks between its phrases: there, and nowhere else.
    if language in _PARSERS and not (language == "ja_simple" and blanks):
        end = 0
        for phrase in _parser(language).parse(text):
            end += len(phrase)
            places.add(end)
        places.update(match.start() for match in _POLITE.finditer(text))
    elif language not in _PARSERS:
        for match in _JAPANESE.finditer(text):  # the words of a hospital in a sentence of another language
            places.update(match.start() + end for end in accumulate(map(len, _parser("ja").parse(match[0]))))
    return sorted(place for place in places if 0 < place < len(text) and _may_part(text, place, glued))


@cache
def _parser(language: str) -> budoux.Parser:
    return _PARSERS[language]()


def _letters(text: str, glued: Container[int]) -> list[int]:
    """Where it may be broken if it must be: between two characters, but not within a number or a Latin word."""
    return [place for place in _everywhere(text, ()) if _may_part(text, place, glued)]


def _anywhere(text: str, glued: Container[int]) -> list[int]:
    """Between any two characters, glued or not, where Japanese allows it."""
    return [place for place in _everywhere(text, glued) if not _is_tied(text[place - 1], text[place])]


def _everywhere(text: str, glued: Container[int]) -> list[int]:
    """Between any two characters, for what consists of nothing but 、、、、."""
    return [place for place in accumulate(len(cluster) for cluster in clusters(text)) if place < len(text)]


def _is_tied(before: str, after: str) -> bool:
    return after in NOT_FIRST or before in NOT_LAST or after.isspace()


def _may_part(text: str, place: int, glued: Container[int]) -> bool:
    before, after = text[place - 1], text[place]
    if place in glued or _is_tied(before, after):
        return False
    return not (
        _UNBROKEN.fullmatch(before + after)
        or _COUNTED.fullmatch(text[place - 2 : place + 1])
        or _COUNTED.fullmatch(before + after)
    )


def _lines(text: str, units: list[_Unit], width: float, measure: Callable[[int, int], float]) -> Iterator[Span]:
    """The units in lines. Few: weighed against each other; many: each line as full as it can be."""
    full = list(_filled(units, width, measure))
    if len(units) <= _WEIGHED_MAX:
        full = _weighed(text, units, width, measure, len(full)) or full
    for first, end in pairwise((*full, len(units))):
        yield units[first].first, units[end - 1].last


def _filled(units: list[_Unit], width: float, measure: Callable[[int, int], float]) -> Iterator[int]:
    """The first unit of each line."""
    first = 0
    yield first
    for number, unit in enumerate(units):
        if number > first and measure(units[first].first, unit.last) > width:
            first = number
            yield first


def _weighed(
    text: str, units: list[_Unit], width: float, measure: Callable[[int, int], float], least: int
) -> list[int]:
    """The first unit of each line, broken in the best way; with one line more where clauses ask for it. [] for none."""
    count = len(units)
    whole = measure(units[0].first, units[-1].last)
    ends_clause = [text[unit.last - 1] in _CLAUSE_ENDS for unit in units]
    is_letter = [sum(letter.isalnum() for letter in text[unit.first : unit.last]) <= 1 for unit in units]
    found: list[tuple[float, list[int]]] = []
    for lines in (least, least + 1):
        even = whole / lines
        # The best way to set the first `end` units in so many lines, and what it costs.
        best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
        for number in range(lines):
            ways: dict[int, tuple[float, list[int]]] = {}
            for first, (before, starts) in best.items():
                left = units[first].first
                for end in range(first + 1, count + 1):
                    wide = measure(left, units[end - 1].last)
                    if wide > width and end > first + 1:
                        break
                    if (end == count) != (number == lines - 1):
                        continue
                    cost = before + ((wide - even) / width) ** 2
                    if end < count and not ends_clause[end - 1]:
                        cost += _WITHIN_CLAUSE
                    if end == first + 1 and is_letter[first]:
                        cost += _LONELY
                    if end not in ways or cost < ways[end][0]:
                        ways[end] = (cost, [*starts, first])
            best = ways
        if count in best:
            cost, starts = best[count]
            found.append((cost + _LINE_MORE * (lines - least), starts))
    return min(found)[1] if found else []
