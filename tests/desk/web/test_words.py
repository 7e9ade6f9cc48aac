"""The words of the pages: nothing that can be is without one, and the four words are four."""

from dataclasses import replace
from enum import Enum
from itertools import product
from typing import get_args

import pytest

from kiosk.desk.acts import Act, CancelReason, EndReason
from kiosk.desk.pages import Against, Certificate, Group, Key, Printed, Subsidies
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.people.roles import Role
from kiosk.desk.registration import NotOffered, Refusal
from kiosk.desk.registration import State as Sent
from kiosk.desk.visits import Attention, State
from kiosk.desk.web import words
from kiosk.desk.web.words import WORDS, visible
from kiosk.results.eligibility import Outcome
from kiosk.words.problems import Problem
from tests.desk.web.fake_desk import open_rows, quiet_rows

ROWS = {row.seq: row for row in quiet_rows() + open_rows()}


@pytest.mark.parametrize(
    ("table", "members"),
    [
        ("state", State), ("key", Key), ("printed", Printed), ("certificate", Certificate),
        ("attention", Attention), ("group", Group), ("cancel", CancelReason), ("end", EndReason), ("role", Role),
        ("act", Permission),
    ],
)  # fmt: skip
def test_each_member_has_its_words(table: str, members: type[Enum]) -> None:
    assert [each for each in members if each.value not in WORDS[table]] == []


@pytest.mark.parametrize(("table", "codes"), [("sent", Sent), ("not_offered", NotOffered), ("number_refused", Refusal)])
def test_each_code_of_a_registration_has_its_words(table: str, codes: object) -> None:
    assert set(WORDS[table]) == set(get_args(codes))


def test_each_outcome_but_usable_has_its_words() -> None:
    assert {each.value for each in Outcome} - {"usable"} <= set(WORDS["outcome"])


def test_each_act_says_that_it_was_done() -> None:
    assert {each.permission.value for each in get_args(Act)} <= set(WORDS["done"])


def test_a_state_that_wants_a_look_has_a_sign_and_is_no_quiet_one() -> None:
    for table in ("state", "key", "outcome", "subsidies", "against", "printed", "certificate", "sent"):
        for key, entry in WORDS[table].items():
            assert entry["word"] or (table, key) == ("printed", "no")
            assert entry["sign"] or entry["tone"] in ("quiet", "plain"), (table, key)


def test_none_failed_late_and_missing_are_four_words() -> None:
    four = [words.subsidy(ROWS[seq]).word for seq in (1, 9, 10, 11)]
    assert four == ["なし", "取得失敗", "届いていない", "前回あり今回なし"]


def test_of_a_result_that_nobody_can_read_none_is_not_said() -> None:
    assert words.subsidy(ROWS[14]).word == "—"
    assert words.subsidy(replace(ROWS[14], outcome="no_qualification")).word == "なし"


@pytest.mark.parametrize("against", Against)
def test_no_comparison_hides_that_nothing_could_be_fetched(against: Against) -> None:
    for subsidies, word in ((Subsidies.failed, "取得失敗"), (Subsidies.late, "届いていない")):
        assert words.subsidy(replace(ROWS[1], subsidies=subsidies, against=against)).word == word


def test_every_row_has_words_for_every_column() -> None:
    for key, subsidies, against, state in product(Key, Subsidies, Against, State):
        row = replace(ROWS[1], key=key, subsidies=subsidies, against=against, state=state)
        assert all(chip.word for chip in (words.eligibility(row), words.subsidy(row), words.state(row)))


def test_a_change_that_was_confirmed_is_quiet_again() -> None:
    assert words.eligibility(ROWS[6]).tone == "warn"
    settled = words.eligibility(replace(ROWS[6], open=()))
    assert (settled.word, settled.tone) == ("変更 確認済み", "good")


@pytest.mark.parametrize(
    ("text", "displayed"),
    [
        ("岡山県", "岡山県"),
        ("a\u202eb", "a‹U+202E›b"),
        ("\u2066x\u2069", "‹U+2066›x‹U+2069›"),
        ("零\u200b幅", "零‹U+200B›幅"),
        ("\x1b[2J", "‹U+001B›[2J"),
        ("\ud800", "‹U+D800›"),
        ("二行\n目", "二行\n目"),
    ],
)
def test_what_is_invisible_is_made_visible(text: str, displayed: str) -> None:
    assert visible(text) == displayed


def test_an_endless_text_is_cut_and_says_so() -> None:
    cut = visible("あ" * 10_000)
    assert len(cut) < 700
    assert cut.endswith("…（全 10000 字）")


def test_subsidies_that_were_settled_are_quiet_and_keep_their_word() -> None:
    for seq, tone in ((7, "good"), (8, "good"), (9, "quiet"), (10, "quiet"), (11, "good")):
        before, after = words.subsidy(ROWS[seq]), words.subsidy(replace(ROWS[seq], open=()))
        assert (after.word, after.tone) == (before.word, tone)


def test_an_unknown_state_is_its_own_word() -> None:
    assert words.chip("state", "something_new").word == "something_new"


def test_a_problem_is_worded_or_is_its_code() -> None:
    assert "使われています" in words.problem(Problem("desk_user.exists"))
    assert words.problem(Problem("of.another_version")) == "of.another_version"
