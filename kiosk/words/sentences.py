"""What other programs of the kiosk tell in English -> the same in Japanese, for the screen. Pure.

Owns how a sentence is found; the sentences themselves are in assets/texts, config.toml for problems of site.toml,
import.toml for exports of appointments, status.toml for shares. Must never lose a problem of site.toml (one that
no sentence fits stays as it is), or let through a line about appointments that no sentence fits (it may hold a
patient's data).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from kiosk.words import texts
from kiosk.words.texts import Texts

_SITE: Final = "config"
_IMPORT: Final = "import"
_PLACE: Final = re.compile(r"\{(\w+)\}")
# Trying sentences costs a power of the length, and names of files in a site.toml may be long.
_MAX_CHARS: Final = 2000


def in_japanese(line: str) -> str:
    """`FILE: PROBLEM` of site.toml with its problem in Japanese; names and values stay as they were written."""
    file, colon, problem = line.partition(": ")
    return f"{file}{colon}{turned(_SITE, 'problem', problem)}"


def import_in_japanese(line: str) -> str | None:
    """The last line of `kiosk reservations import`, None for one that is no sentence of the importer's: a program that
    broke may have said anything."""
    return _fitting(_IMPORT, "said", line)


def turned(catalogue: str, table: str, text: str) -> str:
    """`text` in Japanese; as it is when no sentence of `table` fits, or when there is no such table."""
    japanese = _fitting(catalogue, table, text)
    return text if japanese is None else japanese


def _fitting(catalogue: str, table: str, text: str) -> str | None:
    """`text` by the first sentence of `table` that fits."""
    for shape, japanese in _sentences(catalogue).get(table, ()) if len(text) <= _MAX_CHARS else ():
        if found := shape.fullmatch(text):
            parts = found.groupdict().items()
            return japanese.format(**{place: turned(catalogue, place, part) for place, part in parts})
    return None


@cache
def _sentences(catalogue: str) -> dict[str, list[tuple[re.Pattern[str], str]]]:
    words = texts.load(catalogue)
    return {
        table: [(re.compile(_shape(english, words)), japanese) for english, japanese in sentences.items()]
        for table, sentences in words.items()
    }


def _shape(english: str, words: Texts, *, named: bool = True) -> str:
    """A sentence as a regular expression. A place with a table of its own holds one of that table's sentences, so that
    what people wrote is not taken for words of ours."""
    shape = ""
    for at, piece in enumerate(_PLACE.split(english)):
        if at % 2 == 0:
            shape += re.escape(piece)
        elif f"(?P<{piece}>" in shape:
            shape += f"(?P={piece})"
        else:
            inner = "|".join(_shape(each, words, named=False) for each in words[piece]) if piece in words else ".+?"
            shape += f"(?P<{piece}>{inner})" if named else f"(?:{inner})"
    return shape
