"""When the reception opens next, in the patient's words."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.config import Config

LOOK_AHEAD_DAYS = 31
_WEEKDAYS = "月火水木金土日"


def next_opening(config: Config, local: datetime) -> str:
    """`8:30`, or `1月20日（火） 8:30` for another day; "" if it does not open within a month."""
    for ahead in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=ahead)
        if config.closed_on(day):
            continue
        starts = [
            start
            for hours in config.hours
            if hours.cover(start := datetime.combine(day, hours.open, local.tzinfo)) and start > local
        ]
        if starts:
            start = min(starts)
            clock = f"{start.hour}:{start.minute:02}"
            return clock if ahead == 0 else f"{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}） {clock}"
    return ""
