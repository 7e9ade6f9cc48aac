"""Which bundled fonts draw a language, first choice first, and how far their letters reach.

Owns the names of the bundled fonts. Widths are sums of advances: nothing is kerned, so that a text has
the same lines on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kiosk.typography import coverage
from kiosk.typography.coverage import Chain, Piece
from kiosk.typography.font_files import font_file

# The font of last resort has nearly every character: in Japanese shapes, and not bold.
_LAST: Final = ("NotoSansCJKjp-Regular.otf",)
# By what a language is written with.
_WORDS: Final = {"zh_hans": "NotoSansSC-{}.otf", "ko": "NotoSansKR-{}.otf"}
_LATIN_WORDS: Final = frozenset({"en", "vi", "pt"})
_LETTERS: Final = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff]+")


def chain(language: str, *, bold: bool = False, name: bool = False, fixed_pitch: bool = False) -> Chain:
    """The fonts of a language. `name`: of a person or place, which is Japanese in every language.

    `fixed_pitch`: for slips, where kana and figures stand below each other.
    """
    weight = "Bold" if bold else "Regular"
    latin = f"NotoSans-{weight}.ttf"
    korean = _WORDS["ko"].format(weight)  # names of people, in every language
    japanese = (f"BIZUD{'' if fixed_pitch else 'P'}Gothic-{weight}.ttf", korean, *_LAST)
    if not name and language in _WORDS:
        return (_WORDS[language].format(weight), latin, *japanese)
    return (latin, *japanese) if language in _LATIN_WORDS and not name else (*japanese, latin)


def pieces(text: str, fonts: Chain, *, selectors: bool = True) -> tuple[Piece, ...]:
    """The text in pieces of one font each, as `coverage.pieces`; Latin letters by the Latin font in every chain."""
    latin = next((font for font in fonts if font.startswith("NotoSans-")), fonts[0])
    if fonts[0] == latin or not _LETTERS.search(text):
        return coverage.pieces(text, fonts, selectors=selectors)
    found: list[Piece] = []
    for part, one in _scripts(text):
        found += coverage.pieces(part, (latin, *fonts) if one else fonts, selectors=selectors)
    return tuple(found)


def _scripts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts; True: Latin letters."""
    end = 0
    for match in _LETTERS.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    if end < len(text):
        yield text[end:], False


def advance(text: str, font: str) -> float:
    """How far the letters of `font` reach, in ems."""
    read = font_file(font)
    return sum(read.advance(character) for character in text)


def em_of(capital_mm: float, font: str) -> float:
    """The size of an em at which capitals of `font` are so high; the same unit as `capital_mm`."""
    return capital_mm / font_file(font).capital_em
