"""Which bundled font has which character, so that none is ever an empty box (tofu), on paper or on the screen.

Owns the bundled fonts' names and coverage. Their `cmap` tables are looked up as they lie in the files (OpenType 1.9:
table directory, cmap formats 12 and 14): few of a font's 45,000 characters are ever wanted. Must never let a character
be drawn by a font that lacks it: it becomes 〓 (U+3013), the printers' sign for a missing letter, which tells staff
that something stood there.
"""

import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

MISSING = "\u3013"

# File names, first choice first.
Chain = tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """Text that one font draws whole."""

    font: str
    text: str = field(repr=False)


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that must stay in one line and one font: a character with its marks and selectors."""
    piece = ""
    for character in text:
        if piece and not _is_mark(character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def pieces(text: str, chain: Chain, *, selectors: bool = True) -> tuple[Piece, ...]:
    """The text in pieces of one font each, from left to right. `selectors`: the drawer understands them."""
    if text and _draws_alone(chain[0], text):  # nearly all text: no need to look at each cluster
        return (Piece(chain[0], text),)
    chosen: list[Piece] = []
    for cluster in clusters(text):
        for each in _choices(cluster, chain, selectors):
            if chosen and chosen[-1].font == each.font:
                chosen[-1] = Piece(each.font, chosen[-1].text + each.text)
            else:
                chosen.append(each)
    return tuple(chosen)


def one_font(text: str, chain: Chain) -> Chain:
    """The first font of `chain` that draws all of `text` alone, as a chain of its own; all of `chain` if none does."""
    if _draws_alone(chain[0], text):
        return (chain[0],)
    wanted = [cluster for cluster in clusters(text) if not _lacking(cluster, chain)]
    for name in chain:
        if not any(_lacking(cluster, (name,)) for cluster in wanted):
            return (name,)
    return chain


@cache
def path(name: str) -> str:
    """Where a bundled font lies."""
    return str(files("assets") / "fonts" / name)


def _lacking(cluster: str, chain: Chain) -> bool:
    return any(each.text == MISSING != cluster for each in _choices(cluster, chain, selectors=True))


def _choices(cluster: str, chain: Chain, selectors: bool) -> Iterator[Piece]:
    """The pieces of one cluster; more than one only where no font has all of it."""
    letters = "".join(character for character in cluster if not _is_selector(character))
    if letters != cluster and selectors:
        for name in chain:
            if _has_variant(name, cluster):
                yield Piece(name, cluster)
                return
    if len(letters) > 1:
        # か and a separate ゛ are one letter. Never for a single character: NFC would change 神 (U+FA19) into 神.
        letters = unicodedata.normalize("NFC", letters)
    for name in chain:
        if all(_has(name, character) for character in letters):
            if letters:
                yield Piece(name, letters)
            return
    for character in letters:
        drawn_by = next((one for one in chain if _has(one, character)), None)
        yield Piece(drawn_by, character) if drawn_by else Piece(chain[0], MISSING)


def _is_mark(character: str) -> bool:
    """Whether it belongs to the character before it."""
    return unicodedata.category(character).startswith("M")


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _draws_alone(name: str, text: str) -> bool:
    """Whether the font draws each character as it is, whatever stands beside it: no marks, no selectors."""
    return all(_has(name, each) and not _is_mark(each) for each in text)


@cache
def _has(name: str, character: str) -> bool:
    cmap, subtable, code = _cmap(name), _subtables(name)[12], ord(character)
    group = _last_up_to(code, cmap, subtable + 16, _number(cmap, subtable + 12), size=12, key=4)
    return _number(group) <= code <= _number(group, 4)


def _has_variant(name: str, cluster: str) -> bool:
    """Whether the font has a character with a variation selector (葛󠄀): the usual glyph, or one of its own."""
    if len(cluster) != 2:
        return False
    cmap, subtable, (code, selector) = _cmap(name), _subtables(name)[14], map(ord, cluster)
    found = _last_up_to(selector, cmap, subtable + 10, _number(cmap, subtable + 6), size=11, key=3)
    if _number(found, size=3) != selector:
        return False
    usual, own = _number(found, 3), _number(found, 7)  # where they are in the subtable; 0: none
    if usual:
        record = _last_up_to(code, cmap, subtable + usual + 4, _number(cmap, subtable + usual), size=4, key=3)
        if _number(record, size=3) <= code <= _number(record, size=3) + record[3]:
            return True
    if not own:
        return False
    record = _last_up_to(code, cmap, subtable + own + 4, _number(cmap, subtable + own), size=5, key=3)
    return _number(record, size=3) == code


def _last_up_to(code: int, table: bytes, at: int, count: int, *, size: int, key: int) -> bytes:
    """Of `count` records of `size` bytes, sorted by the number in their first `key` bytes: the last that is not beyond
    `code`; the first if all are.
    """
    after = bisect_right(range(count), code, key=lambda each: _number(table, at + size * each, key))
    start = at + size * max(after - 1, 0)
    return table[start : start + size]


def _number(table: bytes, at: int = 0, size: int = 4) -> int:
    return int.from_bytes(table[at : at + size])


@cache
def _cmap(name: str) -> bytes:
    """The table of characters of a bundled font."""
    with Path(path(name)).open("rb") as file:
        tables = _number(file.read(12), 4, 2)
        for tag, _, offset, length in struct.iter_unpack(">4sLLL", file.read(16 * tables)):
            if tag == b"cmap":
                file.seek(offset)
                return file.read(length)
    raise ValueError(f"{name} has no cmap")


@cache
def _subtables(name: str) -> dict[int, int]:
    """Where the cmap has the subtable of each format; of a format that stands there twice, the last."""
    cmap = _cmap(name)
    places = [_number(cmap, 8 + 8 * each) for each in range(_number(cmap, 2, 2))]
    return {_number(cmap, place, 2): place for place in places}
