"""[walk_in] months: who was here within so many calendar months."""

from __future__ import annotations

from datetime import date

import pytest

from kiosk.config.desk_model import WalkIn


@pytest.mark.parametrize(
    ("months", "last_day", "today", "received"),
    [
        (3, date(2026, 1, 15), date(2026, 4, 15), True),
        (3, date(2026, 1, 15), date(2026, 4, 16), False),
        (3, date(2026, 1, 31), date(2026, 4, 30), True),
        (3, date(2026, 1, 31), date(2026, 5, 1), False),
        (3, date(2025, 12, 1), date(2026, 2, 28), True),
        (12, date(2025, 4, 15), date(2026, 4, 15), True),
        (12, date(2025, 4, 14), date(2026, 4, 15), False),
        (1, date(2026, 4, 15), date(2026, 4, 15), True),
        (1, None, date(2026, 4, 15), False),
        (0, None, date(2026, 4, 15), True),
        (0, date(1990, 1, 1), date(2026, 4, 15), True),
    ],
)
def test_who_was_here_within_so_many_months_is_received(
    months: int, last_day: date | None, today: date, received: bool
) -> None:
    assert WalkIn(months=months).knows(last_day, today) is received
