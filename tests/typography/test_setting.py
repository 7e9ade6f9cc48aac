"""Where lines, letters and readings stand, in millimetres."""

from __future__ import annotations

import itertools

import pytest

from kiosk.typography.fonts import advance, em_of
from kiosk.typography.ruby import name
from kiosk.typography.setting import BETWEEN_EM, LINE_EM, RUBY_MM, Block, Line, Paragraph, Run, set_paragraphs
from kiosk.words.texts import LANGUAGES, load, sentences

EM = em_of(10.0, "BIZUDPGothic-Regular.ttf")


def block(text: str, width: float = 1000.0, **more: object) -> Block:
    return set_paragraphs([Paragraph(text, 10.0, **more)], width)  # type: ignore[arg-type]


def line(text: str, width: float = 1000.0, **more: object) -> Line:
    (only,) = block(text, width, **more).lines
    return only


def readings(of: Line) -> list[Run]:
    return [run for run in of.runs if run.ruby]


def test_a_line_is_as_wide_as_its_letters_and_stands_in_the_middle_of_its_height() -> None:
    only = line("受付です")
    assert only.width_mm == pytest.approx(advance("受付です", "BIZUDPGothic-Regular.ttf") * EM)
    assert only.height_mm == pytest.approx(LINE_EM * EM)
    assert only.baseline_mm == pytest.approx((0.2 + 0.88) * EM)


def test_a_line_with_a_reading_is_higher_and_the_reading_stands_over_the_middle_of_its_base() -> None:
    only = line("お取《と》りください")
    assert only.height_mm == pytest.approx(1.85 * EM)
    (reading,) = readings(only)
    base = EM * advance("お", "BIZUDPGothic-Regular.ttf")
    assert reading.x_mm + reading.width_mm / 2 == pytest.approx(base + EM / 2)
    assert reading.em_mm == pytest.approx(EM / 2)
    # The square of the base begins where that of the reading ends.
    assert reading.baseline_mm + 0.12 * reading.em_mm == pytest.approx(only.baseline_mm - 0.88 * EM)
    assert reading.baseline_mm - 0.88 * reading.em_mm >= 0
    assert only.text == "お取りください"


def test_lines_without_a_reading_are_not_higher() -> None:
    lines = block("受付票《うけつけひょう》が出なくても、このままでだいじょうぶです。", 13 * EM).lines
    assert [bool(readings(each)) for each in lines] == [True, False]
    assert lines[0].height_mm > lines[1].height_mm == pytest.approx(LINE_EM * EM)


def test_a_reading_is_never_smaller_than_can_be_read() -> None:
    (only,) = set_paragraphs([Paragraph("係《かかり》", 3.0)], 100).lines
    (reading,) = readings(only)
    assert reading.capital_mm == RUBY_MM
    assert reading.em_mm == pytest.approx(em_of(RUBY_MM, reading.font))
    assert reading.baseline_mm - 0.88 * reading.em_mm >= 0


def test_a_long_reading_stands_over_kana_beside_it_but_never_over_another_reading_or_beyond_the_line() -> None:
    alone, between, beside = "承《うけたまわ》", "を承《うけたまわ》り", "椅子《いす》承《うけたまわ》椅子《いす》"
    for text in (alone, between, beside):
        only = line(text)
        found = readings(only)
        for one, other in itertools.pairwise(found):
            assert one.x_mm + one.width_mm <= other.x_mm + 1e-6
        assert all(run.x_mm >= -1e-6 and run.x_mm + run.width_mm <= only.width_mm + 1e-6 for run in only.runs)
    wide = advance("うけたまわ", "BIZUDPGothic-Regular.ttf") * EM / 2
    assert line(alone).width_mm == pytest.approx(wide)
    kana = sum(advance(letter, "BIZUDPGothic-Regular.ttf") for letter in "をり") * EM
    assert line(between).width_mm == pytest.approx(kana + wide - EM / 2)


@pytest.mark.parametrize(
    "text",
    [
        "完了《かんりょう》しました",
        "承《うけたまわ》ります",
        "承《うけたまわ》",
        "承《うけたまわ》書",
        "受付《うけつけ》が",
    ],
)
def test_a_line_begins_at_the_edge_with_its_kanji_even_where_their_reading_is_wider(text: str) -> None:
    only = line(text)
    assert only.runs[0].x_mm == pytest.approx(0)
    (reading,) = readings(only)
    assert reading.x_mm >= 0
    letters = [run for run in only.runs if not run.ruby]
    for one, other in itertools.pairwise(letters):
        assert one.x_mm + one.width_mm <= other.x_mm + 1e-6
    kanji = [run for run in letters if run.text[0] == "書"]
    assert all(reading.x_mm + reading.width_mm <= run.x_mm + 1e-6 for run in kanji), "only kana may be below it"
    assert max(run.x_mm + run.width_mm for run in only.runs) <= only.width_mm + 1e-6


@pytest.mark.parametrize(("align", "x"), [("left", 0.0), ("centre", 0.5), ("right", 1.0)])
def test_lines_are_aligned_in_their_column(align: str, x: float) -> None:
    only = line("受付", 200.0, align=align)
    assert only.x_mm == only.runs[0].x_mm == pytest.approx((200 - only.width_mm) * x)


def test_paragraphs_stand_below_each_other_and_empty_ones_are_left_out() -> None:
    found = set_paragraphs([Paragraph("一", 10.0), Paragraph(" ", 10.0), Paragraph("二", 5.0)], 100)
    one, two = found.lines
    assert (one.paragraph, two.paragraph) == (0, 1)
    assert two.top_mm == pytest.approx(one.height_mm + BETWEEN_EM * EM / 2)
    assert found.height_mm == pytest.approx(two.top_mm + two.height_mm)
    near = set_paragraphs([Paragraph("一", 10.0), Paragraph("二", 5.0, above_mm=1.0)], 100)
    assert near.lines[1].top_mm == pytest.approx(one.height_mm + 1.0)
    assert set_paragraphs([Paragraph("", 10.0)], 100) == Block((), 0.0, 0.0)


def test_latin_words_in_a_japanese_line_have_capitals_of_the_same_height_and_one_baseline() -> None:
    only = line("A棟 Nguyễn 様")
    assert {run.font for run in only.runs} == {"BIZUDPGothic-Regular.ttf", "NotoSans-Regular.ttf"}
    assert len({run.baseline_mm for run in only.runs}) == 1
    assert all(run.em_mm == pytest.approx(em_of(10.0, run.font)) for run in only.runs)


def test_a_name_is_japanese_in_every_language_in_one_font_and_in_one_line() -> None:
    for language in LANGUAGES:
        for text, font in (("佐藤", "BIZUDPGothic-Regular.ttf"), ("髙橋𠮷", "NotoSansCJKjp-Regular.otf")):
            only = line(f"{name(text)} 3", language=language)
            assert only.runs[0].font == font and only.runs[0].text.startswith(text)
    lines = block(f"担当は{name('佐藤花子太郎')}先生", 7 * EM).lines
    assert any("佐藤花子太郎" in each.text for each in lines)


def test_a_letter_is_drawn_with_its_marks() -> None:
    assert line("葛\U000e0100城").text == "葛\U000e0100城"
    assert line("か\u3099").text == "が"
    assert line("内科😀外来").text == "内科〓外来"


def test_a_block_fits_where_no_word_is_torn() -> None:
    found = block("受付が完了しました", 6 * EM)
    assert len(found.lines) == 2
    assert found.fits(6 * EM, 3 * EM) and not found.fits(6 * EM, 2 * EM) and not found.fits(4 * EM, 3 * EM)
    assert not block("マイナンバーカード", 5 * EM).fits(5 * EM, 10 * EM)


def test_a_reading_whose_base_had_to_be_divided_is_left_out() -> None:
    found = block("内分泌内科《ないぶんぴつないか》", 3 * EM)
    assert [each.text for each in found.lines] == ["内分", "泌内科"]
    assert not any(readings(each) for each in found.lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_language_stays_within_its_column(language: str) -> None:
    for key, text in sentences(load("patient", language)):
        found = set_paragraphs([Paragraph(text, 8.6, language=language)], 120.0)
        for each in found.lines:
            for run in each.runs:
                assert run.x_mm >= -1e-6 and run.x_mm + run.width_mm <= each.x_mm + each.width_mm + 1e-6, key
            assert each.x_mm + each.width_mm <= 120.0 + 1e-6, key


def test_nothing_of_a_text_stands_in_a_repr() -> None:
    text = "鸚鵡科《おうむか》"
    assert "鸚鵡" not in repr(block(text)) + repr(Paragraph(text, 10.0))
