"""Checks of times and days: one raw TOML value → the value of the setting, or `Refused`. As `checks`, for `[[hours]]`
and `closed_days`.
"""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path

from kiosk.config.checks import Check, Refused, plain
from kiosk.config.values import WEEKDAYS, ClosedDay
from kiosk.words.problems import Problem


def clock_time() -> Check:
    """A time of day, "08:00"."""

    def accept(value: object, base: Path) -> time:
        if isinstance(value, time):
            return value
        match = re.fullmatch("([01]?[0-9]|2[0-3]):([0-5][0-9])", plain(value), re.ASCII)
        if not match:
            raise Refused
        return time(int(match[1]), int(match[2]))

    return Check(Problem("expected.time"), accept)


def weekdays() -> Check:
    """Days of the week, each once."""

    def accept(value: object, base: Path) -> tuple[object, ...]:
        if not isinstance(value, list) or not value or len(value) > len(WEEKDAYS):
            raise Refused
        if any(day not in WEEKDAYS for day in value) or any(value.count(day) > 1 for day in value):
            raise Refused
        return tuple(value)

    return Check(Problem("expected.weekdays"), accept)


def closed_days() -> Check:
    """Days of one year or of every year."""

    def accept(value: object, base: Path) -> tuple[ClosedDay, ...]:
        if not isinstance(value, list) or len(value) > 400:
            raise Refused
        return tuple(_closed_day(day) for day in value)

    return Check(Problem("expected.closed_days"), accept)


def _closed_day(value: object) -> ClosedDay:
    if type(value) is date:
        return ClosedDay(value.month, value.day, value.year)
    match = re.fullmatch("(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})", plain(value), re.ASCII)
    if not match:
        raise Refused
    year = int(match[1]) if match[1] else None
    try:
        # A leap year stands for "every year", so that 02-29 may be named.
        date(2000 if year is None else year, int(match[2]), int(match[3]))
    except ValueError:
        raise Refused(Problem("why.no_such_day")) from None
    return ClosedDay(int(match[2]), int(match[3]), year)
