"""Japanese eras (和暦), in which hospitals write dates of birth: 昭和31年3月3日. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

_ERAS: Final = (
    (date(2019, 5, 1), "令和"),
    (date(1989, 1, 8), "平成"),
    (date(1926, 12, 25), "昭和"),
    (date(1912, 7, 30), "大正"),
    # Japan has counted days as others do since 1873; nobody who is alive was born before.
    (date(1873, 1, 1), "明治"),
)


def word_era_year(day: date) -> str:
    """`昭和31年`, `令和元年`; before 1873 the year of the common era, `1872年`."""
    for first, name in _ERAS:
        if day >= first:
            # 明治 began in 1868, five years before the table's day.
            year = day.year - first.year + (6 if name == "明治" else 1)
            return f"{name}{'元' if year == 1 else year}年"
    return f"{day.year}年"


def word_era_day(day: date) -> str:
    """`昭和31年3月3日`."""
    return f"{word_era_year(day)}{day.month}月{day.day}日"
