"""A problem is a value: a code and parameters, worded once, late, in the language of who reads it.

Whoever finds a problem says which and with what; `assets/texts/LANGUAGE/CATALOGUE.toml` has the sentence. Must never
decide anything, and never put a parameter where the sentence does not ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from kiosk.words import texts
from kiosk.words.texts import Texts


@dataclass(frozen=True)
class Problem:
    """`code`: `TABLE.KEY` of its catalogue. A parameter that is a Problem itself is worded first, and put in."""

    code: str
    parameters: Mapping[str, str | int | float | Problem] = field(default_factory=dict)


def word(problem: Problem, catalogue: str, language: str) -> str:
    """The sentence, one line. Raises KeyError for a code that the catalogue lacks, or a place without a parameter."""
    table, _, key = problem.code.partition(".")
    parts = {
        name: word(value, catalogue, language) if isinstance(value, Problem) else value
        for name, value in problem.parameters.items()
    }
    return str(_catalogue(catalogue, language)[table][key]).format(**parts)


@cache
def _catalogue(catalogue: str, language: str) -> Texts:
    return texts.load(catalogue, language)
