"""What form a PIN has, and which are too easy to guess. Pure but for the list, which is read once.

Owns the rules; the most used ones are in assets/pins. Six digits are a million; with five tries and then a lock only
guessing what people like leads in, so what people like is refused. Must refuse few others: of six digits drawn by lot
one in twelve, nearly half of those as dates.
"""

from __future__ import annotations

import itertools
import re
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

MIN_DIGITS: Final = 6
MAX_DIGITS: Final = 12
# Straight strokes of the page's keys, which are a telephone's: rows, columns, diagonals, and the column down to 0.
_LINES: Final = ("123", "456", "789", "147", "258", "369", "159", "357", "2580", "580")
_STROKES: Final = frozenset(stroke for line in _LINES for stroke in (line, line[::-1]))
_PLACES: Final = {key: divmod(place, 3) for place, key in enumerate("123456789 0") if key != " "}
# Where a group is counted up or down: 01 02 03, 20 25 30, 11 22 33, 123 124.
_GROUP_STEPS: Final = {2: (1, 2, 5, 10, 11), 3: (1, 10, 11, 100, 101, 111), 4: (1, 10, 100, 101, 1000, 1010, 1111)}
_SHORTEST_RUN: Final = 3
_YEARS: Final = range(1900, 2100)


def fits(pin: str) -> bool:
    """Whether `pin` has the form of one; it may be in force, chosen when the rules of `is_weak` were fewer."""
    return re.fullmatch(f"[0-9]{{{MIN_DIGITS},{MAX_DIGITS}}}", pin) is not None


def is_weak(pin: str) -> bool:
    """Whether `pin`, which fits, is one that people like."""
    return pin in _most_used() or _repeats(pin) or _counts(pin) or _walks(pin) or _is_date(pin)


@cache
def _most_used() -> frozenset[str]:
    return frozenset((files("assets") / "pins" / "most-used.txt").read_text(encoding="ascii").split())


def _repeats(pin: str) -> bool:
    """000000, 212122, 123123, 112233, 123321."""
    size = len(pin)
    again = any(pin == (pin[:part] * size)[:size] for part in range(1, size // 2 + 1))
    return again or len(set(pin)) < 3 or pin == pin[::-1] or (size % 2 == 0 and pin[::2] == pin[1::2])


def _counts(pin: str) -> bool:
    """135791, 123450, 123789, 010203."""
    steps = [(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)]
    # All digits but the first or last one step apart.
    if 1 in (len(set(steps)), len(set(steps[1:])), len(set(steps[:-1]))):
        return True
    # Every digit is in a run of three or more: 123789, 999111, 654123.
    if _all_runs(pin):
        return True
    for size, wanted in _GROUP_STEPS.items():
        groups = [int(pin[at : at + size]) for at in range(0, len(pin), size)]
        if len(pin) % size == 0 and len(groups) > 1:
            apart = {after - before for before, after in itertools.pairwise(groups)}
            if len(apart) == 1 and abs(apart.pop()) in wanted:
                return True
    return False


def _all_runs(pin: str) -> bool:
    """Whether it falls into runs like 123, 321 or 111 and nothing else."""
    at = 0
    while at < len(pin):
        step = (int(pin[at + 1]) - int(pin[at])) % 10 if at + 1 < len(pin) else None
        end = at + 1
        while step in (0, 1, 9) and end < len(pin) and (int(pin[end]) - int(pin[end - 1])) % 10 == step:
            end += 1
        if end - at < _SHORTEST_RUN:
            return False
        at = end
    return True


def _walks(pin: str) -> bool:
    """A finger that goes from key to neighbouring key, as 147852, or draws straight strokes, as 147258."""
    if all(_neighbours(before, after) for before, after in itertools.pairwise(pin)):
        return True
    strokes = [pin[at : at + 3] for at in range(0, len(pin), 3)]
    return len(strokes[-1]) == 3 and all(stroke in _STROKES for stroke in strokes)


def _neighbours(before: str, after: str) -> bool:
    (row, column), (other_row, other_column) = _PLACES[before], _PLACES[after]
    return max(abs(row - other_row), abs(column - other_column)) == 1


def _is_date(pin: str) -> bool:
    """Year and month, or year, month and day in the orders people write; two digits of a year as in Japan, in front."""
    if len(pin) == 6:
        # 198001, 260718; the year of two digits is of any century or era.
        return (int(pin[:4]) in _YEARS and 1 <= int(pin[4:]) <= 12) or _is_day(2000, int(pin[2:4]), int(pin[4:]))
    if len(pin) == 8:
        halves = int(pin[:4]), int(pin[4:])
        parts = [int(pin[at : at + 2]) for at in (0, 2, 4, 6)]
        year_first, year_last = halves[0] in _YEARS, halves[1] in _YEARS
        return (
            (year_first and year_last)
            or (year_first and _is_day(2000, parts[2], parts[3]))
            or (year_last and (_is_day(2000, parts[0], parts[1]) or _is_day(2000, parts[1], parts[0])))
        )
    return False


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
