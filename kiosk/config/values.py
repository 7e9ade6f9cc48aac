"""Values of settings that no standard type holds: a secret, a closed day, a day of the week.

Owns what they mean. Must never show a secret in a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# In the order of date.weekday().
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


class Secret:
    """A password that does not show itself in a `repr`, a log or a traceback."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The password, for the one call that logs on."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        # Pickling would carry the text into another process or a file unseen.
        raise TypeError("a Secret is not pickled")


@dataclass(frozen=True)
class ClosedDay:
    """A day without reception; `year` None: every year."""

    month: int
    day: int
    year: int | None = None

    def falls_on(self, day: date) -> bool:
        """Whether `day` is this closed day."""
        return (day.month, day.day) == (self.month, self.day) and self.year in (None, day.year)
