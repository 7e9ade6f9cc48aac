"""Letters are drawn where they were set, in whole, and text of staff's pages is made smaller until it fits."""

from __future__ import annotations

import pytest
from PIL import Image

from kiosk.typography.setting import Block, Paragraph, set_paragraphs
from kiosk.ui.items import Paragraph as FittedParagraph
from kiosk.ui.lettering import Lettering, fit, lettering

SCALE = 4.0


def picture(done: Lettering) -> Image.Image:
    """The letters as shades of grey."""
    return Image.frombytes("LA", (done.width, done.height), done.pixels).getchannel("A")


def drawn(block: Block, scale: float = SCALE, x: float = 0.0, y: float = 0.0) -> Lettering:
    done = lettering(block, scale, x, y)
    assert done is not None
    return done


def ink(done: Lettering) -> tuple[int, int, int, int]:
    """Of the page, in pixels: left, top, right, bottom."""
    box = picture(done).getbbox()
    assert box is not None
    left, top, right, bottom = box
    return done.left + left, done.top + top, done.left + right, done.top + bottom


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("受付票《うけつけひょう》をお取《と》りください", "ja"),
        ("Please take your slip", "en"),
        ("Ẵ Ộ Ữ ỵ ặ Vui lòng", "vi"),
        ("请在受理窗口报到", "zh_hans"),
        ("접수창구로 가 주십시오", "ko"),
        ("葛\U000e0100城 髙橋𠮷 か\u3099", "ja"),
    ],
)
def test_the_ink_of_a_text_is_where_it_was_set_and_none_is_cut(text: str, language: str) -> None:
    for capital in (6.1, 13.0):
        block = set_paragraphs([Paragraph(text, capital, bold=True, language=language)], 90.0)
        done = drawn(block, x=20.0, y=30.0)
        left, top, right, bottom = ink(done)
        assert 20 * SCALE - 2 <= left < 26 * SCALE
        assert right <= (20 + block.width_mm) * SCALE + 2
        assert top >= 30 * SCALE and bottom <= (30 + block.height_mm) * SCALE
        edges = picture(done)
        for side in ((0, 0, done.width, 1), (0, done.height - 1, done.width, done.height), (0, 0, 1, done.height)):
            assert edges.crop(side).getextrema() == (0, 0)
        assert right > (20 + max(line.x_mm + line.width_mm for line in block.lines)) * SCALE - capital * SCALE


def test_a_capital_is_as_high_as_was_asked_on_the_glass() -> None:
    for language in ("ja", "en", "zh_hans", "ko"):
        _, top, _, bottom = ink(drawn(set_paragraphs([Paragraph("H", 10.0, language=language)], 50.0)))
        assert bottom - top == pytest.approx(10 * SCALE, abs=1)


def test_a_reading_is_drawn_above_its_base() -> None:
    bare = ink(drawn(set_paragraphs([Paragraph("取", 10.0)], 50.0)))
    block = set_paragraphs([Paragraph("取《と》", 10.0)], 50.0)
    read = ink(drawn(block))
    base = block.lines[0].baseline_mm * SCALE
    assert bare[3] - bare[1] + 4 * SCALE < read[3] - read[1]
    assert read[1] < base - 13 * SCALE


def test_rows_of_letters_begin_at_whole_words_of_memory() -> None:
    for width in range(40, 60):
        done = drawn(set_paragraphs([Paragraph("i" * 3, width / 10)], 50.0))
        assert len(done.pixels) == 2 * done.width * done.height and done.width % 2 == 0


def test_nothing_is_drawn_for_nothing() -> None:
    assert lettering(set_paragraphs([], 50.0), SCALE, 0, 0) is None


def test_no_letters_stand_in_a_repr() -> None:
    assert "pixels" not in repr(drawn(set_paragraphs([Paragraph("受付", 5.0)], 50.0)))


def test_what_fits_keeps_its_size_and_what_does_not_is_smaller_and_torn_last() -> None:
    text = "結果の配送プログラムが動いていません"
    wanted = fit([FittedParagraph(text, 6.0)], 300.0, 20.0)
    assert wanted.lines[0].runs[0].capital_mm == 6.0
    smaller = fit([FittedParagraph(text, 6.0)], 100.0, 9.0)
    assert smaller.lines[0].runs[0].capital_mm < 6.0 and not smaller.torn
    long = fit([FittedParagraph("呼吸器内科" * 40, 6.0)], 100.0, 20.0)
    for block, width, height in ((wanted, 300, 20), (smaller, 100, 9), (long, 100, 20)):
        assert block.height_mm <= height and block.width_mm <= width
    assert "".join(line.text for line in long.lines) == "呼吸器内科" * 40
