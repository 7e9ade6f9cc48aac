"""Which spellings are one, and which are not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.results.spelling import as_date, as_known_day, fold, fold_address, fold_day, fold_kana, is_hidden, is_moment

SAME = [
    ("例示　翔", "例示 翔"),
    ("通院 １回５００円", "通院 1回500円"),
    ("ﾐﾎﾝ ｼﾖｳﾀﾛｳ", "ミホン　ショウタロウ"),
    ("12－3456－789", "12-3456-789"),
    ("12ー3456‐789", "12-3456-789"),
    ("20260331", "2026-03-31"),
    ("令和8年3月31日", "2026/3/31"),
    ("令8.3.31", "2026-03-31 00:00:00"),
    ("金額 5,000円", "金額 ５０００円"),
    ("ア～エ", "ア〜エ"),
    ("葛\U000e0100城", "葛城"),
]
OTHERS = [
    ("例示　翔", "例示　翔子"),
    ("0010108", "010108"),
    ("20260331", "20260930"),
    ("令和8年3月31日", "令和8年3月"),
    ("サト", "サード"),
    ("A", "a"),
    ("12-3456-789", "123456789"),
    ("1,2345", "12345"),
    ("1,23", "123"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spelling_is_folded(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_a_reading_may_be_in_hiragana() -> None:
    assert fold_kana("みほん　しょうたろう") == fold_kana("ﾐﾎﾝ ｼﾖｳﾀﾛｳ")
    assert fold_kana("ミホン") != fold_kana("ミホ")


@pytest.mark.parametrize(
    "spelt",
    [
        "架空県見本市例示町一丁目２番３号",
        "架空県見本市例示町1丁目2番地3",
        "架空県見本市例示町１－２－３",
        "架空県見本市 例示町 1-2-3",
        "架空県見本市例示町１丁目２番地の３",
        "架空県見本市例示町一丁目二の三",
        "架空県見本市例示町壱丁目弐番参号",
        "架空県見本市大字例示町1番地の2の3",
    ],
)
def test_blocks_of_an_address_have_many_spellings(spelt: str) -> None:
    assert fold_address(spelt) == "架空県見本市例示町1-2-3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("例示町十一丁目2番", "例示町11-2"),
        ("例示町二十三番地", "例示町23"),
        ("例示町弐拾参番地", "例示町23"),
        ("例示町拾壱丁目2番", "例示町11-2"),
        ("例示町一丁目2番3号 見本荘205号室", "例示町1-2-3見本荘205"),
    ],
)
def test_an_address_by_kanji_numbers(one: str, other: str) -> None:
    assert fold_address(one) == fold_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("例示町一丁目2番3号", "例示町一丁目2番4号"),
        ("例示町1-23", "例示町12-3"),
        ("例示町二丁目", "例示町三丁目"),
        ("例示町壱丁目", "例示町弐丁目"),
        ("見本市大字例示1", "見本市大字架空1"),
        ("見本市大字例示1", "見本市字例示1"),
        ("見本市例示大字1", "見本市例示1"),
    ],
)
def test_another_address_stays_another(one: str, other: str) -> None:
    assert fold_address(one) != fold_address(other)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260331", date(2026, 3, 31)),
        (" ２０２６年３月３１日 ", date(2026, 3, 31)),
        ("2026-03-31T00:00:00+09:00", date(2026, 3, 31)),
        ("R8.3.31", date(2026, 3, 31)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("昭和29年12月12日", date(1954, 12, 12)),
        ("2026-03-31T10:00:00", None),
        ("20261331", None),
        ("81990277", None),
        ("99999999", None),
        ("00000000", None),
        ("令和7年10月1日から令和8年3月31日まで", None),
        ("20260331" + " " * 60 + "x", None),
        ("", None),
    ],
)
def test_a_date_in_its_forms(text: str, day: date | None) -> None:
    assert as_date(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("5080331", date(2026, 3, 31)),
        (" ５０８０３３１ ", date(2026, 3, 31)),
        ("3311212", date(1956, 12, 12)),
        ("4010108", date(1989, 1, 8)),
        ("1450131", date(1912, 1, 31)),
        ("20260331", date(2026, 3, 31)),
        ("R8.3.31", date(2026, 3, 31)),
        ("5000331", None),
        ("6080331", None),
        ("5081331", None),
        ("5080230", None),
        ("508331", None),
        ("0032672", None),
    ],
)
def test_what_is_known_to_be_a_day_may_have_the_number_of_its_era(text: str, day: date | None) -> None:
    assert as_known_day(text) == day
    assert fold_day(text) == (f"{day:%Y%m%d}" if day else fold(text))


def test_a_number_of_seven_digits_is_no_day_by_itself() -> None:
    assert as_date("5080331") is None
    assert fold("5080331") != fold("20260331")


def test_hidden_characters_are_seen() -> None:
    assert is_hidden("見本　●郎")
    assert not is_hidden("見本　太郎")


@given(st.text(max_size=60))
def test_any_text_can_be_folded(text: str) -> None:
    for folded in (fold, fold_day, fold_kana, fold_address):
        assert folded(f" {text}　") == folded(text)


@pytest.mark.parametrize("text", ["-" * 100_000 + "5", "一" * 100_000, "十" * 100_000 + "丁目", "一二" * 50_000 + "番"])
def test_no_address_takes_long(text: str) -> None:
    assert fold_address(text)


@pytest.mark.parametrize("text", ["20260115090503", "2026-01-15T09:05:03+09:00", "令和8年1月15日 09:05:03"])
def test_a_day_with_a_time_is_a_moment(text: str) -> None:
    assert is_moment(text)


@pytest.mark.parametrize(
    "text", ["20260115", "2026-01-15T00:00:00", "20260115096003", "20261315090503", "090503", "x" * 50]
)
def test_a_day_or_a_number_is_no_moment(text: str) -> None:
    assert not is_moment(text)
