"""Days and ages as Japanese staff read them. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

from kiosk.words.eras import word_era_day, word_era_year

_LETTERS: Final = {"令和": "R", "平成": "H", "昭和": "S", "大正": "T", "明治": "M"}
_WEEKDAYS: Final = "月火水木金土日"


def short_day(day: date) -> str:
    """S45.03.12, as on forms; before 1873 the year of the common era."""
    era = word_era_year(day)[:-1]
    letter = _LETTERS.get(era[:2])
    if letter is None:
        return f"{day:%Y.%m.%d}"
    return f"{letter}{era[2:].replace('元', '1').zfill(2)}.{day:%m.%d}"


def long_day(day: date) -> str:
    """昭和45年3月12日（1970年）."""
    return f"{word_era_day(day)}（{day.year}年）"


def today(day: date) -> str:
    """令和8年1月15日（木）."""
    return f"{word_era_day(day)}（{_WEEKDAYS[day.weekday()]}）"


def age(birth: date, on: date) -> int:
    """Completed years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
