"""Text with readings (furigana) in the notation of 青空文庫, and names that are not of the text's language.

`受付票《うけつけひょう》をお取《と》りください`: the base is the kanji before 《, or what stands after ｜. A name of a
person or place is put between U+2068 and U+2069 (the isolates of Unicode, as Fluent puts them round a value): it is
drawn with Japanese shapes in every language, and broken last. Must never let a mark of the notation be drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

NAME_BEGINS: Final = "\u2068"
NAME_ENDS: Final = "\u2069"
# With variation selectors, which make another shape of the kanji before them.
_SELECTORS: Final = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
_KANJI: Final = rf"[\u2e80-\u2fdf々〆〇ヶ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff{_SELECTORS}]"
_PIECE: Final = re.compile(
    rf"{NAME_BEGINS}(?P<name>[^{NAME_ENDS}]*){NAME_ENDS}"
    rf"|(?:｜(?P<marked>[^｜《》]+)|(?P<kanji>{_KANJI}+))《(?P<reading>[^《》]*)》"
)
_DOT: Final = "・"
_MARKS: Final = str.maketrans("", "", "｜《》" + NAME_BEGINS + NAME_ENDS)


@dataclass(frozen=True)
class Part:
    """A piece of a text. `reading`: "" for none. `name`: of a person or place, Japanese whatever the language."""

    base: str = field(repr=False)
    reading: str = field(default="", repr=False)
    name: bool = False


def parts(text: str) -> tuple[Part, ...]:
    """The text from left to right; parts without a reading are as long as they can be. No mark is left in it."""
    found: list[Part] = []
    end = 0
    for match in _PIECE.finditer(text):
        found.append(Part(text[end : match.start()].translate(_MARKS)))
        if match["name"] is not None:
            found.append(Part(match["name"].translate(_MARKS), name=True))
        else:
            found += _read(match["marked"] or match["kanji"], match["reading"])
        end = match.end()
    found.append(Part(text[end:].translate(_MARKS)))
    return tuple(part for part in found if part.base)


def _read(base: str, reading: str) -> tuple[Part, ...]:
    """A base with its reading; in pieces where both have ・, so that a line may be broken there."""
    base, reading = base.translate(_MARKS), reading.translate(_MARKS)
    if not base:
        return (Part(reading),)
    bases, readings = base.split(_DOT), reading.split(_DOT)
    if len(bases) != len(readings) or not all(bases) or not all(readings):
        return (Part(base, reading),)
    pairs = [Part(*pair) for pair in zip(bases, readings, strict=True)]
    return (pairs[0], *(part for pair in pairs[1:] for part in (Part(_DOT), pair)))


def plain(text: str) -> str:
    """The text without readings and marks, as headless lines and staff read it."""
    return "".join(part.base for part in parts(text))


def name(text: str) -> str:
    """A name as it may stand in a sentence of any language; marks of this notation in it are taken out."""
    clean = text.translate(_MARKS)
    return f"{NAME_BEGINS}{clean}{NAME_ENDS}" if clean else ""
