"""No line begins with what belongs to the line before, or ends with what belongs to the next: on paper and on glass."""

from __future__ import annotations

import pytest

from kiosk.slip import letters
from kiosk.typography.fonts import em_of
from kiosk.typography.line_breaks import NOT_FIRST, NOT_LAST
from kiosk.typography.setting import Paragraph, set_paragraphs

WIDTHS = range(4, 12)
RUBY = "《》"  # marks of readings, never drawn


def on_paper(text: str, width: int) -> list[str]:
    return ["".join(run.text for run in line) for line in letters.lines_of(text, "regular", 24, 24 * width)]


def on_glass(text: str, width: int) -> list[str]:
    em = em_of(10.0, "BIZUDPGothic-Regular.ttf")
    return [line.text for line in set_paragraphs([Paragraph(text, 10.0)], em * width).lines]


@pytest.mark.parametrize("lines_of", [on_paper, on_glass])
def test_no_line_begins_or_ends_with_a_mark_of_the_sets(lines_of: object) -> None:
    assert callable(lines_of)
    for width in WIDTHS:
        for mark in sorted(NOT_FIRST - set(RUBY)):
            lines = lines_of(f"診療科受付窓口東西{mark}南北中央診療棟", width)
            assert "".join(lines) == f"診療科受付窓口東西{mark}南北中央診療棟"
            assert not any(line.startswith(mark) for line in lines), (mark, width, lines)
        for mark in sorted(NOT_LAST - set(RUBY)):
            lines = lines_of(f"診療科受付窓口東西{mark}南北中央診療棟", width)
            assert not any(line.endswith(mark) for line in lines), (mark, width, lines)


def test_a_mark_is_in_one_set_and_the_kana_of_a_word_are_in_none() -> None:
    assert not NOT_FIRST & NOT_LAST
    assert not (NOT_FIRST | NOT_LAST) & set("あいうえおアイウエオ診療科0129AZaz ")
