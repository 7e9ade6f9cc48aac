"""Which bundled font has which character, so that none is ever an empty box (tofu), on paper or on the screen.

Owns the bundled fonts' names and coverage. Must never let a character be drawn by a font that lacks it: it becomes 〓
(U+3013), the printers' sign for a missing letter, which tells staff that something stood there.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from fontTools.ttLib import TTFont

MISSING = "\u3013"
_SELECTOR_CMAP_FORMAT = 14
# A character in a font: not there; joined to what stands before it; drawn as it is, whatever stands beside it.
_LACKING, _JOINED, _ALONE = range(3)

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
        if all(_draws(name, character) for character in letters):
            if letters:
                yield Piece(name, letters)
            return
    for character in letters:
        drawn_by = next((one for one in chain if _draws(one, character)), None)
        yield Piece(drawn_by, character) if drawn_by else Piece(chain[0], MISSING)


def _is_mark(character: str) -> bool:
    """Whether it belongs to the character before it."""
    return unicodedata.category(character).startswith("M")


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _draws(name: str, character: str) -> bool:
    letters = _letters(name)
    return ord(character) < len(letters) and letters[ord(character)] != _LACKING


def _draws_alone(name: str, text: str) -> bool:
    """Whether every character of the text is drawn as it is, whatever stands beside it: no marks, no selectors."""
    letters = _letters(name)
    return not text or (ord(max(text)) < len(letters) and min(map(letters.__getitem__, map(ord, text))) == _ALONE)


def _has_variant(name: str, cluster: str) -> bool:
    return len(cluster) == 2 and (ord(cluster[0]), ord(cluster[1])) in _variants(name)


@cache
def _letters(name: str) -> bytes:
    """For each code point whether the font has it. A set of its letters would take twenty times the memory."""
    with _character_map(name) as table:
        characters = sorted(table.getBestCmap())
    letters = bytearray(characters[-1] + 1)
    for code in characters:
        letter = chr(code)
        letters[code] = _JOINED if _is_selector(letter) or _is_mark(letter) else _ALONE
    return bytes(letters)


@cache
def _variants(name: str) -> frozenset[tuple[int, int]]:
    """The characters that the font has with a variation selector (葛󠄀), and that."""
    with _character_map(name) as table:
        return frozenset(
            (base, selector)
            for one in table.tables
            if one.format == _SELECTOR_CMAP_FORMAT
            for selector, bases in one.uvsDict.items()
            for base, _ in bases
        )


@contextmanager
def _character_map(name: str) -> Iterator[Any]:
    with TTFont(path(name), lazy=True) as font:
        # Glyphs without names: nobody asks for them, and they stand in tables that take longer to read than all else.
        font.setGlyphOrder([""] * font["maxp"].numGlyphs)
        yield font["cmap"]
