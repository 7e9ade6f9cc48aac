"""Readings in the notation of 青空文庫, and marked names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kiosk.typography.ruby import Part, name, parts, plain

MARKS = "｜《》\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("お取《と》り", (Part("お"), Part("取", "と"), Part("り"))),
        ("受付票《うけつけひょう》", (Part("受付票", "うけつけひょう"),)),
        ("｜2番《にばん》窓口《まどぐち》", (Part("2番", "にばん"), Part("窓口", "まどぐち"))),
        ("佐々木《ささき》", (Part("佐々木", "ささき"),)),
        ("葛\U000e0100城《かつらぎ》", (Part("葛\U000e0100城", "かつらぎ"),)),
        ("｜耳鼻・咽喉《じび・いんこう》", (Part("耳鼻", "じび"), Part("・"), Part("咽喉", "いんこう"))),
        ("｜耳鼻・咽喉《じびいんこう》", (Part("耳鼻・咽喉", "じびいんこう"),)),
        (f"{name('佐藤')} 先生《せんせい》", (Part("佐藤", name=True), Part(" "), Part("先生", "せんせい"))),
        (f"{name('内科')}外来《がいらい》", (Part("内科", name=True), Part("外来", "がいらい"))),
        ("", ()),
    ],
)
def test_a_text_is_taken_apart_into_bases_and_readings(text: str, found: tuple[Part, ...]) -> None:
    assert parts(text) == found


def test_readings_are_taken_off() -> None:
    assert plain("受付票《うけつけひょう》をお取《と》りください") == "受付票をお取りください"


@given(some.text(alphabet=f"受付か A1・{MARKS}"))
def test_no_mark_is_ever_left_and_nothing_else_is_lost(text: str) -> None:
    found = parts(text)
    assert not set("".join(part.base + part.reading for part in found)) & set(MARKS)
    assert all(part.base for part in found)
    read = sum(len(part.reading) for part in found)
    dots = sum(part.base == "・" for part in found)
    assert len(plain(text)) + read + dots >= len([letter for letter in text if letter not in MARKS])


@given(some.text(alphabet=f"受付か{MARKS}", min_size=1))
def test_a_name_of_another_system_cannot_end_early_or_get_a_reading(text: str) -> None:
    clean = "".join(letter for letter in text if letter not in MARKS)
    assert parts(name(text) + "《よみ》") == ((Part(clean, name=True),) if clean else ()) + (Part("よみ"),)


def test_a_part_shows_no_text_in_its_repr() -> None:
    assert "佐藤" not in repr(parts(name("佐藤") + "内科《ないか》")) and "ないか" not in repr(parts("内科《ないか》"))
