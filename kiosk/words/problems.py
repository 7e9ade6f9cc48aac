"""A problem is a value: a code and parameters, worded once, late, in the language of who reads it.

Whoever finds a problem says which and with what; `assets/texts/LANGUAGE/CATALOGUE.toml` has the sentence. Must never
decide anything, and never put a parameter where the sentence does not ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

from kiosk.words import texts
from kiosk.words.texts import Texts

# No count, size or year of ours is larger.
_MOST: Final = 1e12


@dataclass(frozen=True)
class Problem:
    """`code`: `TABLE.KEY` of its catalogue. A parameter that is a Problem itself is worded first, and put in; of a
    tuple each part, joined as the catalogue's table `join` says for the place.

    `english`: the sentence, where it is another's: a driver's, Python's. The English catalogue has none for it then.
    """

    code: str
    parameters: Mapping[str, str | int | float | Problem | tuple[str | int | Problem, ...]] = field(
        default_factory=dict
    )
    english: str | None = None


Parameter: TypeAlias = str | int | float | Problem | tuple[str | int | Problem, ...]


class Refusal(Exception):
    """A problem on its way to who collects it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def word(problem: Problem, catalogue: str, language: str) -> str:
    """The sentence, one line. Raises KeyError for a code that the catalogue lacks, or a place without a parameter."""
    if language == "en" and problem.english is not None:
        return problem.english
    sentences = texts.load(catalogue, language)

    def part(place: str, value: Any) -> Any:
        if isinstance(value, Problem):
            return word(value, catalogue, language)
        if isinstance(value, tuple):
            return str(sentences["join"][place]).join(str(part(place, each)) for each in value)
        return value

    return sentence(sentences, problem.code).format(**{name: part(name, v) for name, v in problem.parameters.items()})


def in_english(reason: Problem) -> str:
    """Why something is wrong at the reception (`troubles`), for the command line and the event log. Raises KeyError."""
    return word(reason, "troubles", "en")


def in_japanese(reason: Problem) -> str:
    """The same for staff, of an export that was refused too; "" for a code of another version."""
    for catalogue in ("troubles", "import"):
        with suppress(KeyError, ValueError, TypeError, AttributeError, IndexError):
            return word(reason, catalogue, "ja")
    return ""


def sentence(sentences: Texts, code: str) -> str:
    """What stands at `code`, its places not filled in. Raises KeyError."""
    found: Any = reduce(lambda table, key: table[key], code.split("."), sentences)
    if not isinstance(found, str):
        raise KeyError(code)
    return found


def to_json(problem: Problem) -> str:
    """The code and the parameters, for another process of ours. Texts are left out: see `from_json`."""
    return json.dumps(_plain(problem))


def from_json(line: str, catalogue: str, language: str) -> Problem | None:
    """A problem from another process, None: it is none that `catalogue` can word.

    A process that broke may have written anything, a patient's name too: what is taken is codes of the catalogue, and
    numbers. A text is never taken.
    """
    try:
        problem = _problem(json.loads(line))
        word(problem, catalogue, language)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return problem


def _plain(value: Any) -> Any:
    if isinstance(value, Problem):
        parameters = {name: _plain(each) for name, each in value.parameters.items() if not isinstance(each, str)}
        return {"code": value.code, "parameters": parameters}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _problem(value: Any) -> Problem:
    if not (isinstance(value, dict) and isinstance(value.get("code"), str)):
        raise ValueError("no problem")
    return Problem(value["code"], {name: _parameter(each) for name, each in dict(value["parameters"]).items()})


def _parameter(value: Any) -> Any:
    if isinstance(value, dict):
        return _problem(value)
    if isinstance(value, list):
        return tuple(_parameter(each) for each in value)
    if type(value) not in (int, float) or abs(value) > _MOST:
        raise ValueError("a text, or no number of ours")
    return value
