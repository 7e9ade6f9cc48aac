"""Departments in every language: standard names, the hospital's own, and what nobody has translated."""

from __future__ import annotations

import re

import pytest

from kiosk.typography.ruby import parts, plain
from kiosk.words.departments import DepartmentNames, standard
from kiosk.words.texts import LANGUAGES, load

NAMES = DepartmentNames()
TRANSLATED = LANGUAGES[2:]


def worded(department: str, language: str, names: DepartmentNames = NAMES) -> str:
    return plain(names.worded(department, load("patient", language)).text)


@pytest.mark.parametrize("table", ["department", "kind"])
def test_every_name_is_there_in_every_language(table: str) -> None:
    assert len(standard("department")) >= 60
    for written, names in standard(table).items():
        assert set(TRANSLATED) <= set(names), written
        assert all(names[language].strip() for language in TRANSLATED), written
        assert re.fullmatch("[ぁ-ゖー・]*", names.get("reading", "")), written
        # Only Chinese may look like the Japanese.
        assert not any(re.search("[ぁ-ヺ]", names[language]) for language in TRANSLATED), written
        assert not any(re.search("[一-鿿]", names[each]) for each in TRANSLATED if each != "zh_hans"), written


def test_two_departments_never_have_the_same_name() -> None:
    for language in TRANSLATED:
        by_name: dict[str, set[str]] = {}
        for names in standard("department").values():
            by_name.setdefault(names[language], set()).add(names["ko"])
        assert {name: found for name, found in by_name.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("department", "english"),
    [
        ("内科", "Internal Medicine"),
        (" 内科 ", "Internal Medicine"),
        ("内科外来", "Internal Medicine"),
        ("耳鼻科", "Ear, Nose and Throat (ENT)"),
        ("整形外科", "Orthopedics"),
        ("内科・小児科", "Internal Medicine / Pediatrics"),
        ("第2内科", "第2内科 (Internal Medicine)"),
        ("フットケア外来", "フットケア外来 (outpatient clinic)"),
        ("フットケア・内科", "フットケア・内科 (department)"),
        ("予防接種", "予防接種 (vaccination)"),
        ("きずな", "きずな"),
    ],
)
def test_what_is_known_is_translated_and_what_is_not_keeps_its_name(department: str, english: str) -> None:
    assert worded(department, "en") == english


def test_a_department_is_named_in_every_language() -> None:
    assert [worded("眼科", language) for language in LANGUAGES] == [
        "眼科", "眼科", "Ophthalmology", "眼科", "안과", "Khoa Mắt", "Oftalmologia",
    ]  # fmt: skip


def test_a_name_that_stays_japanese_is_drawn_as_japanese() -> None:
    first, *rest = parts(NAMES.worded("第2内科", load("patient", "zh_hans")).text)
    assert (first.base, first.name) == ("第2内科", True) and not any(each.name for each in rest)


def test_in_japanese_a_department_has_its_reading_where_it_is_known() -> None:
    known = NAMES.worded("内科外来", load())
    assert [(each.base, each.reading) for each in parts(known.text)] == [("内科外来", "ないかがいらい")]
    assert (known.japanese, known.reading) == ("内科外来", "ないかがいらい")
    unknown = NAMES.worded("第2内科", load())
    assert (plain(unknown.text), unknown.reading) == ("第2内科", "")


def test_the_hospitals_own_names_come_first() -> None:
    own = DepartmentNames(
        {"内科": {"en": "General Clinic"}, "フットケア外来": {"reading": "ふっとけあがいらい", "ko": "발 클리닉"}}
    )
    assert [worded("内科", language, own) for language in ("en", "pt")] == ["General Clinic", "Clínica Médica"]
    assert worded("フットケア外来", "ko", own) == "발 클리닉"
    assert own.worded("フットケア外来", load()).reading == "ふっとけあがいらい"


def test_a_hospital_may_write_the_code_of_a_language_as_it_is_written_elsewhere() -> None:
    for code in ("zh-Hans", "zh_hans", "zh"):
        own = DepartmentNames({"内科": {code: "普通内科", "reading": "ナイカー"}})
        assert worded("内科", "zh_hans", own) == "普通内科"
        assert own.worded("内科", load()).reading == "ないかー"


def test_nothing_of_a_department_shows_in_its_representation() -> None:
    assert "内科" not in repr(NAMES.worded("内科", load()))
