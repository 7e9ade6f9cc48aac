"""Days and ages as staff read them."""

from datetime import date

import pytest

from kiosk.desk.japanese import age, long_day, short_day, today


@pytest.mark.parametrize(
    ("day", "short", "long"),
    [
        (date(1970, 3, 12), "S45.03.12", "昭和45年3月12日（1970年）"),
        (date(2019, 5, 1), "R01.05.01", "令和元年5月1日（2019年）"),
        (date(2019, 4, 30), "H31.04.30", "平成31年4月30日（2019年）"),
        (date(1925, 1, 2), "T14.01.02", "大正14年1月2日（1925年）"),
        (date(1912, 7, 29), "M45.07.29", "明治45年7月29日（1912年）"),
        (date(1872, 12, 31), "1872.12.31", "1872年12月31日（1872年）"),
    ],
)
def test_a_day_in_its_era(day: date, short: str, long: str) -> None:
    assert (short_day(day), long_day(day)) == (short, long)


def test_today_has_its_weekday() -> None:
    assert today(date(2026, 1, 15)) == "令和8年1月15日（木）"


@pytest.mark.parametrize(
    ("birth", "on", "years"),
    [
        (date(1970, 3, 12), date(2026, 3, 11), 55),
        (date(1970, 3, 12), date(2026, 3, 12), 56),
        (date(2004, 2, 29), date(2026, 2, 28), 21),
        (date(2004, 2, 29), date(2026, 3, 1), 22),
    ],
)
def test_an_age_counts_completed_years(birth: date, on: date, years: int) -> None:
    assert age(birth, on) == years
