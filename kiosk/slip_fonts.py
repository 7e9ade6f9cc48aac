"""Which font draws which character of a slip, so that none is ever an empty box (tofu).

Owns the bundled fonts and their coverage. Must never draw a character that its font lacks: it becomes 〓 (U+3013),
the printers' sign for a missing letter, which tells staff that something stood there.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

from fontTools.ttLib import TTFont
from PIL import ImageFont, features

Weight = Literal["regular", "bold"]

MISSING = "\u3013"
# BIZ UDGothic is made to be read by everybody; the second font has what it lacks: 𠮷, Korean, Chinese, Vietnamese.
_CHAINS: dict[Weight, tuple[str, ...]] = {
    "regular": ("BIZUDGothic-Regular.ttf", "NotoSansCJKjp-Regular.otf"),
    "bold": ("BIZUDGothic-Bold.ttf", "NotoSansCJKjp-Regular.otf"),
}
_SELECTOR_CMAP_FORMAT = 14


@dataclass(frozen=True)
class Run:
    """Text that one font draws whole."""

    text: str = field(repr=False)
    font: ImageFont.FreeTypeFont

    @property
    def width(self) -> float:
        """Advance in dots."""
        return self.font.getlength(self.text)


@dataclass(frozen=True)
class _Coverage:
    """What a font can draw: characters, and characters with a variation selector (葛󠄀)."""

    characters: frozenset[int]
    variants: frozenset[tuple[int, int]]


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that must stay in one line and one font: a character with its marks and selectors."""
    piece = ""
    for character in text:
        if piece and not unicodedata.category(character).startswith("M"):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def runs(text: str, weight: Weight, size: int) -> tuple[Run, ...]:
    """The text as runs of one font each, from left to right; `size` in dots."""
    chosen: list[tuple[str, str]] = []
    for cluster in clusters(text):
        for name, piece in _choices(cluster, weight):
            if chosen and chosen[-1][0] == name:
                chosen[-1] = (name, chosen[-1][1] + piece)
            else:
                chosen.append((name, piece))
    return tuple(Run(piece, _font(name, size)) for name, piece in chosen)


def _choices(cluster: str, weight: Weight) -> Iterator[tuple[str, str]]:
    """(font, text) for one cluster; more than one only where no font has all of it."""
    chain = _CHAINS[weight]
    letters = "".join(character for character in cluster if not _is_selector(character))
    if letters != cluster and _can_shape():
        for name in chain:
            if _has_variant(name, cluster):
                yield name, cluster
                return
    if len(letters) > 1:
        # か and a separate ゛ are one letter. Never for a single character: NFC would change 神 (U+FA19) into 神.
        letters = unicodedata.normalize("NFC", letters)
    for name in chain:
        if all(ord(character) in _coverage(name).characters for character in letters):
            if letters:
                yield name, letters
            return
    for character in letters:
        drawn_by = next((one for one in chain if ord(character) in _coverage(one).characters), None)
        yield (drawn_by, character) if drawn_by else (chain[0], MISSING)


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _has_variant(name: str, cluster: str) -> bool:
    return len(cluster) == 2 and (ord(cluster[0]), ord(cluster[1])) in _coverage(name).variants


@cache
def _can_shape() -> bool:
    """Without raqm Pillow draws a variation selector as a box of its own; then the plain letter is drawn."""
    return bool(features.check("raqm"))


@lru_cache(maxsize=32)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if _can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(_path(name), size, layout_engine=layout)


@cache
def _coverage(name: str) -> _Coverage:
    with TTFont(_path(name), lazy=True) as font:
        table = font["cmap"]
        characters = frozenset(table.getBestCmap())
        variants = frozenset(
            (base, selector)
            for one in table.tables
            if one.format == _SELECTOR_CMAP_FORMAT
            for selector, bases in one.uvsDict.items()
            for base, _ in bases
        )
    return _Coverage(characters, variants)


def _path(name: str) -> str:
    return str(files("assets") / "fonts" / name)
