"""Days as hospitals write dates of birth."""

from datetime import date

import pytest

from kiosk.words.eras import word_era_day, word_era_year


@pytest.mark.parametrize(
    ("day", "era"),
    [
        (date(2026, 1, 15), "令和8年1月15日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
        (date(1956, 3, 3), "昭和31年3月3日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(1926, 12, 24), "大正15年12月24日"),
        (date(1912, 7, 30), "大正元年7月30日"),
        (date(1912, 7, 29), "明治45年7月29日"),
        (date(1873, 1, 1), "明治6年1月1日"),
        (date(1872, 12, 31), "1872年12月31日"),
    ],
)
def test_the_day_in_its_era(day: date, era: str) -> None:
    assert word_era_day(day) == era
    assert era.startswith(word_era_year(day))
