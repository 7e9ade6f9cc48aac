"""Lines are broken between phrases, and where they must be torn nothing is lost."""

from __future__ import annotations

import pytest

from kiosk.typography.breaking import broken
from kiosk.typography.line_breaks import NOT_FIRST
from kiosk.typography.ruby import plain
from kiosk.words.texts import LANGUAGES, load, sentences


def lines(text: str, width: float, language: str = "ja", glued: tuple[int, ...] = ()) -> list[str]:
    found = broken(text, width, lambda first, end: float(end - first), language, glued)
    return [text[first:end] for first, end in found.lines]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("受付が完了しました", 9, ["受付が完了しました"]),
        ("  受付が完了しました ", 9, ["受付が完了しました"]),
        ("まだ受付は終わっていません", 10, ["まだ受付は", "終わっていません"]),
        ("マイナンバーカードを置いてください", 12, ["マイナンバーカードを", "置いてください"]),
        ("どちらのカードをお持ちですか？", 10, ["どちらのカードを", "お持ちですか？"]),
        ("受付票が出てこなくても、受付は完了しています。", 13, ["受付票が出てこなくても、", "受付は完了しています。"]),
        ("読み取り機に置いてください", 8, ["読み取り機に", "置いてください"]),
        ("中央診療棟3階 東側", 7, ["中央診療棟3階", "東側"]),
        ("13:00 のご予約です", 8, ["13:00 の", "ご予約です"]),
        ("ただいまご利用いただけません", 10, ["ただいま", "ご利用いただけません"]),
        ("２ 番窓口へお越しください", 9, ["２ 番窓口へ", "お越しください"]),
        ("", 5, []),
        ("   ", 5, []),
    ],
)
def test_japanese_is_broken_where_one_would_breathe(text: str, width: int, expected: list[str]) -> None:
    assert lines(text, width) == expected


@pytest.mark.parametrize(
    ("text", "language", "width", "expected"),
    [
        ("カードを おいて ください", "ja_simple", 9, ["カードを", "おいて ください"]),
        ("请在受理窗口报到。", "zh_hans", 6, ["请在受理", "窗口报到。"]),
        ("카드를 올려놓아 주세요", "ko", 9, ["카드를", "올려놓아 주세요"]),
        ("찾을 수 없었습니다", "ko", 8, ["찾을 수", "없었습니다"]),
        ("결과가 나올 때까지", "ko", 8, ["결과가", "나올 때까지"]),
        ("Please take your slip", "en", 12, ["Please take", "your slip"]),
        ("Vui lòng lấy phiếu", "vi", 10, ["Vui lòng", "lấy phiếu"]),
        ("Building A Floor 1 Window 2", "en", 17, ["Building A", "Floor 1 Window 2"]),
        ("See Dr. 佐藤", "en", 7, ["See", "Dr. 佐藤"]),
    ],
)
def test_other_languages_are_broken_by_their_own_words(
    text: str, language: str, width: int, expected: list[str]
) -> None:
    assert lines(text, width, language) == expected


def test_lines_are_about_equally_long_and_a_letter_never_stands_alone() -> None:
    assert lines("aa bb cc dd ee ff", 15, "en") == ["aa bb cc", "dd ee ff"]
    assert lines("aaaa bbbb c", 9, "en") == ["aaaa", "bbbb c"]


def test_what_is_glued_is_parted_only_when_nothing_else_is_left() -> None:
    whole = broken("受付佐藤太郎内科", 4, lambda first, end: float(end - first), "ja", {3, 4, 5})
    assert [("受付佐藤太郎内科"[first:end]) for first, end in whole.lines] == ["受付", "佐藤太郎", "内科"]
    assert lines("佐藤太郎", 2, glued=(1, 2, 3)) == ["佐藤", "太郎"]


def test_what_can_be_parted_nowhere_is_parted_all_the_same() -> None:
    assert lines("、" * 5, 2) == ["、", "、、", "、、"]
    assert "".join(lines("葛\U000e0100" * 5, 4)) == "葛\U000e0100" * 5


def test_a_torn_word_is_reported() -> None:
    def torn(text: str, width: float) -> bool:
        return broken(text, width, lambda first, end: float(end - first), "en").torn

    assert not torn("aaaa bbbb", 4)
    assert torn("aaaa bbbbb", 4)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_lost_and_no_line_is_too_wide_in_any_text(language: str) -> None:
    for key, sentence in sentences(load("patient", language)):
        text = plain(sentence)
        for width in (1, 2, 3, 7, 12, 20):
            found = lines(text, width, language)
            assert "".join("".join(found).split()) == "".join(text.split()), key
            for line in found:
                assert line == line.strip() and line, key
                assert len(line) <= width, (key, width, found)
                # At two letters a line there is often no other way than to begin with a mark.
                assert width < 7 or line[0] not in NOT_FIRST or text.strip().startswith(line), (key, width, found)


def test_a_text_without_end_takes_no_time_without_end() -> None:
    endless = "呼吸器内科・" * 400
    assert "".join(lines(endless, 20)) == endless
