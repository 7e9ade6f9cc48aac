"""Which rows a filter or a search leaves."""

from dataclasses import replace

import pytest

from kiosk.desk.pages import Filter
from kiosk.desk.search import folded, kept, matching, newer
from kiosk.desk.visits import State
from tests.desk.web.fake_desk import at, open_rows, quiet_rows

ROWS = tuple(quiet_rows() + open_rows())


def seqs(rows: object) -> list[int]:
    return [row.seq for row in rows]  # type: ignore[attr-defined]


def test_all_leaves_everything_as_it_is() -> None:
    assert kept(ROWS, Filter.all) == ROWS


def test_waiting_leaves_who_is_not_registered() -> None:
    assert {row.state for row in kept(ROWS, Filter.waiting)} == {State.waiting}
    assert 1 not in seqs(kept(ROWS, Filter.waiting))


def test_open_leaves_what_waits_for_a_person_oldest_first() -> None:
    rows = kept(tuple(reversed(ROWS)), Filter.open)
    assert seqs(rows) == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    first = replace(ROWS[8], waiting_since=at("08:00"))
    assert seqs(kept((*ROWS[:8], first), Filter.open))[0] == first.seq


def test_newer_leaves_what_changed_after_a_revision() -> None:
    rows = tuple(replace(row, revision=row.seq) for row in ROWS)
    assert seqs(newer(rows, 14)) == [15, 16]
    assert newer(rows, 99) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("00012345", [1]),  # entirely a number: it alone, whatever else has it in it
        ("髙橋", [2]),
        ("たかはし", [2]),
        ("ﾀｶﾊｼ", [2]),
        ("ササキ", [1]),  # the result has it in half width
        ("山田　はるか", [7]),
        ("やまだ はる", [7]),
        ("５６７", [3, 4, 5, 13, 15]),
        ("だれも", []),
    ],
)
def test_a_search_finds_number_name_and_kana_however_typed(text: str, found: list[int]) -> None:
    assert seqs(matching(ROWS, text)) == found


def test_a_search_for_nothing_finds_everybody() -> None:
    assert matching(ROWS, "　") == ROWS


def test_folding_is_the_same_for_all_ways_to_type() -> None:
    assert folded("ﾔﾏﾀﾞ　ﾊﾙｶ") == folded("やまだ はるか") == folded("ヤマダハルカ")
    assert folded("ＡＢ １２") == "ab12"
