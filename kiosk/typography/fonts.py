"""Which bundled fonts draw a language, first choice first, and how far their letters reach.

Owns the choice of fonts and their advances (`hmtx`). Widths are sums of advances: nothing is kerned, so that a text has
the same lines on every machine.
"""

from __future__ import annotations

from typing import Final, Literal

from kiosk.typography.coverage import Chain, Piece

Language = Literal["ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt"]
LANGUAGES: Final[tuple[Language, ...]] = ("ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt")

_LATIN: Final = {False: "NotoSans-Regular.ttf", True: "NotoSans-Bold.ttf"}
_JAPANESE: Final = {False: "BIZUDPGothic-Regular.ttf", True: "BIZUDPGothic-Bold.ttf"}
_ALL: Final = "NotoSansCJKjp-Regular.otf"


def chain(language: str, *, bold: bool = False, name: bool = False, fixed_pitch: bool = False) -> Chain:
    """The fonts of a language. `name`: of a person or place, which is Japanese in every language.

    `fixed_pitch`: for slips, where figures and kana stand below each other.
    """
    raise NotImplementedError


def pieces(text: str, language: str, *, bold: bool = False, name: bool = False) -> tuple[Piece, ...]:
    """The text in pieces of one font each; Latin words by the Latin font in every language."""
    raise NotImplementedError


def advance(text: str, font: str) -> float:
    """How far the letters of `font` reach, in ems."""
    raise NotImplementedError


def em_of(capital_mm: float, font: str) -> float:
    """The size at which capitals of `font` are so high; the same unit as `capital_mm`."""
    raise NotImplementedError
