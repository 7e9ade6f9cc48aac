"""A line of the day's register, as the desk names it and as patients are called. Pure."""

from __future__ import annotations

from drivers.reservations import Entry, Reception


def line_of(entry: Entry) -> int:
    """Its number of the day, by which pages and acts name it; no number that patients know."""
    return int(entry.key)


def numbers_of(receptions: tuple[Reception, ...]) -> str:
    """The 受付番号 of a visit, as patients are called: 「17」, or 「12・A3」 where each department has its own."""
    return "・".join(dict.fromkeys(each.number for each in receptions))
