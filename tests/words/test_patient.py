"""Days, times, doctors and places as each language writes them."""

from __future__ import annotations

from datetime import date, time
from typing import Literal

import pytest
from babel.dates import format_time, get_day_names, get_month_names

from kiosk.typography.ruby import parts, plain
from kiosk.words.patient import word_building, word_clock, word_day, word_doctor, word_floor, word_window
from kiosk.words.texts import LANGUAGES, load

LOCALES = {"ja": "ja", "en": "en", "zh_hans": "zh_Hans", "ko": "ko", "vi": "vi", "pt": "pt"}
DAY = date(2026, 1, 15)


@pytest.mark.parametrize("language", LOCALES)
def test_days_and_months_are_those_of_the_locale(language: str) -> None:
    dates = load("patient", language)["dates"]
    width: Literal["abbreviated", "wide"] = "abbreviated" if language == "ja" else "wide"
    names = get_day_names(width, locale=LOCALES[language])
    assert [plain(each) for each in dates["weekdays"]] == [names[day] for day in range(7)]
    width = "abbreviated" if language == "zh_hans" else "wide"
    months = get_month_names(width, "stand-alone", locale=LOCALES[language])
    # Vietnamese writes a month small within a date.
    assert [plain(each).casefold() for each in dates["months"]] == [months[n].casefold() for n in range(1, 13)]


@pytest.mark.parametrize("at", [time(0, 5), time(9, 5), time(12, 30), time(23, 59)])
@pytest.mark.parametrize("language", LOCALES)
def test_a_time_is_written_as_in_the_locale(language: str, at: time) -> None:
    expected = format_time(at, "short", locale=LOCALES[language]).replace("\u202f", " ")
    # Signs and boards in a Japanese hospital have two digits.
    expected = expected.zfill(5) if language == "ja" else expected
    assert plain(word_clock(at, load("patient", language))) == expected


@pytest.mark.parametrize(
    ("language", "day", "opening"),
    [
        ("ja", "1月15日（木）", "1月15日（木） 09:05"),
        ("ja_simple", "1月15日（木）", "1月15日（木） 09:05"),
        ("en", "Thursday, January 15", "on Thursday, January 15 at 9:05 AM"),
        ("zh_hans", "1月15日（星期四）", "1月15日（星期四）09:05"),
        ("ko", "1월 15일 목요일", "1월 15일 목요일 오전 9:05"),
        ("vi", "Thứ Năm, 15 tháng 1", "09:05 Thứ Năm, 15 tháng 1"),
        ("pt", "quinta-feira, 15 de janeiro", "quinta-feira, 15 de janeiro, às 09:05"),
    ],
)
def test_a_day_is_written_as_in_the_language(language: str, day: str, opening: str) -> None:
    texts = load("patient", language)
    assert plain(word_day(DAY, texts["dates"]["day"], texts)) == day
    assert plain(word_day(DAY, texts["dates"]["opening"], texts, time(9, 5))) == opening


@pytest.mark.parametrize(
    ("day", "reading"),
    [(1, "ついたち"), (8, "ようか"), (11, "にち"), (14, "じゅうよっか"), (20, "はつか"), (21, "にち")],
)
def test_a_day_of_the_month_has_its_reading(day: int, reading: str) -> None:
    texts = load()
    assert parts(word_day(date(2026, 1, day), "{day}", texts))[-1].reading == reading


@pytest.mark.parametrize("doctor", ["佐藤", "佐藤先生", "佐藤 先生"])
def test_a_doctor_is_addressed_once_in_every_language(doctor: str) -> None:
    written = {language: plain(word_doctor(doctor, load("patient", language))) for language in LANGUAGES}
    assert written["ja"] == "佐藤 先生" and written["en"] == "Dr. 佐藤"
    assert all(each.count("佐藤") == 1 for each in written.values())
    assert [plain(each) for each in (word_doctor("", load()), word_doctor(" ", load()))] == ["", ""]


def test_the_name_of_a_doctor_is_a_name_and_takes_no_reading_of_its_title() -> None:
    name, *_, title = parts(word_doctor("佐藤", load()))
    assert (name.base, name.name, title.base, title.reading) == ("佐藤", True, "先生", "せんせい")


def test_places_are_worded_by_their_parts() -> None:
    ja, en = load(), load("patient", "en")
    assert [plain(word_window("2", each)) for each in (ja, en)] == ["2番窓口", "Window 2"]
    assert [plain(word_floor(2, each)) for each in (ja, en)] == ["2階", "Floor 2"]
    assert [plain(word_floor(-1, each)) for each in (ja, en)] == ["地下1階", "Basement 1"]
    assert [plain(word_building("A", each)) for each in (ja, en)] == ["A棟", "Building A"]
    assert [plain(word_building("外来棟", each)) for each in (ja, en)] == ["外来棟", "外来棟"]
    assert word_window("", ja) == word_floor(0, ja) == word_building("", ja) == ""
