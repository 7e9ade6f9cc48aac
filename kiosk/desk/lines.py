"""A line of the day's register, as the desk names it and as patients are called. Pure."""

from __future__ import annotations

from drivers.reservations import Appointment, Entry, Reception


def line_of(entry: Entry) -> int:
    """Its number of the day, by which pages and acts name it; no number that patients know."""
    return int(entry.key)


def numbers_of(receptions: tuple[Reception, ...]) -> str:
    """The 受付番号 of a visit, as patients are called: 「17」, or 「12・A3」 where each department has its own."""
    return "・".join(dict.fromkeys(each.number for each in receptions))


def number_of(entry: Entry, appointment: Appointment) -> str:
    """「（12）」 of the department's own reception; "" where the visit has one for all."""
    if len(entry.receptions) == 1:
        return ""
    mine = (f"（{each.number}）" for each in entry.receptions if each.department == appointment.department)
    return next(mine, "")
