"""Which font of a chain draws which character, so that none is ever an empty box (tofu), on paper or on the screen.

Owns the choice. Must never let a character be drawn by a font that lacks it: it becomes 〓
(U+3013), the printers' sign for a missing letter, which tells staff that something stood there.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from kiosk.typography.font_files import font_file, variants_of

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
    if text and _alone(text, chain[0]):  # nearly all text: no need to look at each cluster
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
    if _alone(text, chain[0]):
        return (chain[0],)
    wanted = [cluster for cluster in clusters(text) if not _lacking(cluster, chain)]
    for name in chain:
        if not any(_lacking(cluster, (name,)) for cluster in wanted):
            return (name,)
    return chain


def _lacking(cluster: str, chain: Chain) -> bool:
    return any(each.text == MISSING != cluster for each in _choices(cluster, chain, selectors=True))


def _choices(cluster: str, chain: Chain, selectors: bool) -> Iterator[Piece]:
    """The pieces of one cluster; more than one only where no font has all of it."""
    letters = "".join(character for character in cluster if not is_selector(character))
    if letters != cluster and selectors:
        for name in chain:
            if _has_variant(name, cluster):
                yield Piece(name, cluster)
                return
    if len(letters) > 1:
        # か and a separate ゛ are one letter. Never for a single character: NFC would change 神 (U+FA19) into 神.
        letters = unicodedata.normalize("NFC", letters)
    for name in chain:
        if all(font_file(name).has(character) for character in letters):
            if letters:
                yield Piece(name, letters)
            return
    for character in letters:
        drawn_by = next((one for one in chain if font_file(one).has(character)), None)
        yield Piece(drawn_by, character) if drawn_by else Piece(chain[0], MISSING)


def _alone(text: str, name: str) -> bool:
    """The font draws every character as it is, whatever stands beside it: there is no mark and no selector."""
    font = font_file(name)
    return all(font.has(character) and not _is_mark(character) for character in text)


def _is_mark(character: str) -> bool:
    """Whether it belongs to the character before it."""
    return unicodedata.category(character).startswith("M")


def is_selector(character: str) -> bool:
    """Whether it only says which shape the character before it has."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _has_variant(name: str, cluster: str) -> bool:
    return len(cluster) == 2 and (ord(cluster[0]), ord(cluster[1])) in variants_of(name)
