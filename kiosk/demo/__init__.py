"""`deploy/demo`: the very reception of a hospital among simulated parts that a visitor, or nobody, can play with.

Owns the temporary hospital, the panel's knobs and the person of `--auto`. Must never change what visit, courier, event
log or view do, or be imported by them.
"""

from __future__ import annotations

from typing import Final

from kiosk.words import texts

_WORDS: Final = texts.load("demo")


def word(code: str, **parameters: object) -> str:
    """The sentence `TABLE.KEY` with its places filled. Raises KeyError for a code that the catalogue lacks."""
    table, _, key = code.partition(".")
    return str(_WORDS[table][key]).format(**parameters)
