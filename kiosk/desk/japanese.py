"""Days and ages as Japanese staff read them. Pure.

Source of the eras: 元号法 and its 政令; an era begins on the day itself (令和 on 2019-05-01, 平成 on 1989-01-08).
"""

from __future__ import annotations

from datetime import date
from typing import Final

_ERAS: Final = (
    (date(2019, 5, 1), "令和", "R"),
    (date(1989, 1, 8), "平成", "H"),
    (date(1926, 12, 25), "昭和", "S"),
    (date(1912, 7, 30), "大正", "T"),
    (date(1868, 10, 23), "明治", "M"),
)
_WEEKDAYS: Final = "月火水木金土日"


def short_day(day: date) -> str:
    """S45.03.12; before 明治 the year of the calendar."""
    for begins, _, letter in _ERAS:
        if day >= begins:
            return f"{letter}{day.year - begins.year + 1:02}.{day:%m.%d}"
    return f"{day:%Y.%m.%d}"


def long_day(day: date) -> str:
    """昭和45年3月12日（1970年）; the first year of an era is 元年."""
    for begins, name, _ in _ERAS:
        if day >= begins:
            year = day.year - begins.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日（{day.year}年）"
    return f"{day.year}年{day.month}月{day.day}日"


def today(day: date) -> str:
    """令和8年1月15日（木）."""
    return f"{long_day(day).partition('（')[0]}（{_WEEKDAYS[day.weekday()]}）"


def age(birth: date, on: date) -> int:
    """Completed years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
