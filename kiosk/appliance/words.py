"""The appliance's own sentences, of `assets/texts/ja/technician.toml`.

A problem travels as a code with parameters; what makes a page's lines words it, here. Decides nothing.
"""

from __future__ import annotations

from kiosk.words.problems import Problem, Refusal, word


class Failure(Refusal):
    """Something was not done, with the problem for the screen."""

    def __init__(self, code: str, /, **parameters: str | int) -> None:
        super().__init__(Problem(code, parameters))


def worded(problem: Problem) -> str:
    """A line of a page. Raises KeyError for a code that the catalogue lacks."""
    return word(problem, "technician", "ja")


def line(code: str, /, **parameters: str | int) -> str:
    """As `worded`, for a code and its parameters."""
    return worded(Problem(code, parameters))
