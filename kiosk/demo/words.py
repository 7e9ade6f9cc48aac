"""The demo's sentences, from its catalogue. Must never hold one itself."""

from __future__ import annotations

from typing import Final

from kiosk.words import texts

_WORDS: Final = texts.load("demo")


def word(code: str, **parameters: object) -> str:
    """The sentence `TABLE.KEY` with its places filled. Raises KeyError for a code that the catalogue lacks."""
    table, _, key = code.partition(".")
    return str(_WORDS[table][key]).format(**parameters)
