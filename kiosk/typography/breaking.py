"""Where a text may be broken into lines, and which breaks read best; for paper and glass.

Phrases of Japanese and Chinese are found by BudouX, others end at blanks. Owns the breaks; whoever sets measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Broken:
    """`lines`: the text from the top, blanks at the ends left out. `torn`: a phrase or word had to be divided."""

    lines: tuple[str, ...] = field(repr=False)
    torn: bool = False


def broken(text: str, width: float, measure: Callable[[str], float], language: str = "ja") -> Broken:
    """Plain text in as few lines as there can be, none wider than `width`, about equally long.

    `width` and what `measure` gives have one unit. Only a single letter that is wider stands wider than `width`.
    """
    raise NotImplementedError
