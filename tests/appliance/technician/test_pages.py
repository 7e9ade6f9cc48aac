"""The appliance's pages: what they ask root for, when they go by themselves, that all can be read and touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from itertools import combinations
from typing import Any

import pytest

from kiosk.appliance.technician import step as pages_step
from kiosk.appliance.technician.layout import lay_out, layout_in
from kiosk.appliance.technician.pages import Page, as_json, page_of
from kiosk.appliance.technician.state import (
    KINDS,
    Answered,
    Ask,
    Choice,
    Event,
    Front,
    Gone,
    Machine,
    MachinePolled,
    Menu,
    PageSet,
    Pin,
    Pressed,
    Report,
    RequestedPage,
    Stage,
    State,
    Sure,
    Ticked,
    Working,
    machine_of,
    requested_page,
)
from kiosk.appliance.technician.step import JOBS, MENU, first, step
from kiosk.ui import theme
from kiosk.ui.items import Anywhere, Box, Button, Item, Picture, Words
from kiosk.ui.scale import STAFF, millimetre_px
from kiosk.words import texts
from tests.appliance.page_pictures import MACHINE, NOW, examples, state_of
from tests.appliance.test_words import PAGES
from tests.ui.driver import DIAGONAL, LANDSCAPE, PORTRAIT, needs_gl, window
from tests.ui.rules import TARGET_MM, contains, overlap

WORDS = texts.load("technician")
EVERY = list(examples(WORDS))
ALL = pytest.mark.parametrize("page", [page for _, page in EVERY], ids=[name for name, _ in EVERY])
SIZES = pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
PIN = "260718"
KEY = "0123abcd"
READABLE_MM = 2.9  # 0.3 degrees at 500 mm: technicians, who choose where they stand


class Desk:
    """A person, root and the clock in front of the pages."""

    def __init__(self, requested: RequestedPage | None = None, machine: Machine = MACHINE) -> None:
        self.now = NOW
        self.state = replace(first(requested or RequestedPage("technician"), NOW), machine=machine)
        self.asks: list[Ask] = []

    def do(self, event: Event) -> None:
        self.state, asks = step(self.state, event, self.now)
        self.asks += asks

    def press(self, *buttons: str) -> None:
        for button in buttons:
            assert button in self.page.buttons, (button, self.page)
            self.do(Pressed(button))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now += 1
            self.do(Ticked())

    def answer(self, **body: Any) -> None:
        self.do(Answered(self.asks[-1].number, body))

    def unlock(self) -> None:
        self.press(*(f"key_{digit}" for digit in PIN), "ok")
        self.answer(ok=True, key=KEY)
        assert self.stage == Menu()

    @property
    def stage(self) -> Stage:
        return self.state.stage

    @property
    def page(self) -> Page:
        return page_of(self.state, WORDS, self.now)

    @property
    def asked(self) -> list[Any]:
        return [ask.body["do"] for ask in self.asks]


# -- the PIN --------------------------------------------------------------------------------------------------------


def test_the_pin_goes_to_root_and_is_in_no_repr() -> None:
    desk = Desk()
    desk.press(*(f"key_{digit}" for digit in PIN), "ok")
    assert desk.asks[0].body == {"do": "unlock", "pin": PIN}
    assert PIN not in repr(desk.state) + repr(desk.asks)
    desk.answer(ok=True, key=KEY)
    assert KEY not in repr(desk.state)
    assert desk.page.name == "menu"


def test_a_wrong_pin_says_how_many_tries_are_left_and_clears_the_digits() -> None:
    desk = Desk()
    desk.press(*(f"key_{digit}" for digit in PIN), "ok")
    desk.answer(ok=False, reason="wrong_pin", left=3)
    assert "あと 3 回" in desk.page.lines[0]
    assert desk.page.typed == 0


def test_a_lock_says_how_many_minutes() -> None:
    desk = Desk()
    desk.press(*(f"key_{digit}" for digit in PIN), "ok")
    desk.answer(ok=False, reason="locked", wait_s=841)
    assert "あと 15 分" in desk.page.lines[0]
    assert (
        "あと 2 分" in page_of(state_of(RequestedPage("technician"), machine=Machine(locked_s=90)), WORDS, NOW).lines[0]
    )


def test_a_pin_that_is_too_short_or_too_long_asks_nothing() -> None:
    desk = Desk()
    desk.press("key_1", "key_2", "ok")
    assert desk.asks == []
    assert "6 桁" in desk.page.lines[0]
    desk.press("clear", *["key_7"] * 20)
    assert desk.page.typed == 12


def test_while_root_compares_no_second_pin_can_be_sent() -> None:
    desk = Desk()
    desk.press(*(f"key_{digit}" for digit in PIN), "ok", "ok", "key_1", "ok", "clear")
    assert desk.asked == ["unlock"]


# -- jobs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", MENU)
def test_every_job_of_the_menu_carries_the_key_and_is_confirmed_as_often_as_it_must(job: str) -> None:
    desk = Desk(machine=replace(MACHINE, desk=True))
    desk.unlock()
    desk.press(job)
    for _ in range(JOBS[job].sure):
        assert desk.asked == ["unlock"]
        assert desk.page.layout == "sure"
        desk.press("yes")
    confirmed = {"confirmed": 2} if JOBS[job].sure == 2 else {}
    assert desk.asks[-1].body == {"do": job, "key": KEY, **confirmed}
    assert desk.page.buttons == ()
    desk.answer(ok=False, reason="busy")
    assert "ほかの処理" in desk.page.lines[0]
    desk.press("back")
    assert desk.page.name == "menu"


def test_the_chiefs_password_is_offered_where_there_is_a_reception_desk_and_is_displayed_once() -> None:
    without = Desk()
    without.unlock()
    assert "desk_chief" not in without.page.buttons
    without.do(Pressed("desk_chief"))
    assert without.asked == ["unlock"]
    desk = Desk(machine=replace(MACHINE, desk=True))
    desk.unlock()
    desk.press("desk_chief", "yes")
    for line in ("利用者名: chief", "仮パスワード: abcd-efgh-jkmn-pqrs"):
        desk.do(Answered(desk.asks[-1].number, {"line": line}))
    desk.answer(ok=True)
    assert [row.text for row in desk.page.rows] == ["利用者名: chief", "仮パスワード: abcd-efgh-jkmn-pqrs"]
    assert "7 日以内" in desk.page.remarks[0]
    desk.press("back")
    assert "abcd" not in repr(desk.state)


def test_the_answers_to_a_check_stream_in_and_a_late_answer_changes_nothing() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("check")
    number = desk.asks[-1].number
    desk.do(Answered(number, {"line": "OK   clock_sync   時計は合わされています"}))
    assert [(row.mark, row.text) for row in desk.page.rows] == [("OK", "clock_sync 時計は合わされています")]
    desk.do(Answered(number, {"line": "NG   fonts   ない"}))
    desk.do(Answered(number + 7, {"line": "OK   of another ask"}))
    desk.do(Answered(number - 1, {"ok": True}))
    assert desk.page.name == "working_check"
    desk.answer(ok=True, wrong=1)
    assert (desk.page.mood, len(desk.page.rows)) == ("counter", 2)
    assert "NG があります" in desk.page.lines[0]
    desk.answer(ok=False, reason="no_answer")
    assert desk.page.name == "report_check"


def test_alarms_are_acknowledged_where_they_are_read_and_after_a_question() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("status")
    desk.answer(ok=True, well=True)
    assert list(desk.page.buttons) == ["back"]
    desk.press("back")
    desk.press("status")
    desk.answer(ok=True, well=False)
    assert list(desk.page.buttons) == ["acknowledge", "back"]
    desk.press("acknowledge")
    desk.press("yes")
    assert desk.asked[-1] == "acknowledge"
    desk.answer(ok=True, well=True)
    assert desk.page.name == "report_acknowledge"


def test_a_job_that_never_ends_is_given_up_and_a_job_that_runs_is_not_idle() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("check")
    desk.wait(JOBS["check"].limit_s - 1)
    assert desk.page.name == "working_check"
    assert {"keep"} == set(desk.asked[2:])
    desk.wait(1)
    assert desk.page.name == "report_check"
    assert "時間内に" in desk.page.lines[0]
    desk.wait(60)
    assert desk.asked[-1] == "leave"


def test_an_update_is_chosen_confirmed_watched_and_started() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("updates")
    desk.answer(ok=True, bundles=[{"name": "a.raucb", "version": "2.0", "source": "USB", "size": 1}, {"version": "?"}])
    assert [label for _, label in desk.page.labels] == ["2.0　USB　（a.raucb）"]
    desk.press("option_0", "yes")
    assert desk.asks[-1].body == {"do": "update", "key": KEY, "name": "a.raucb"}
    desk.do(Answered(desk.asks[-1].number, {"progress": 40}))
    assert desk.page.percent == 40
    desk.answer(ok=True, version="2.0", slot="B")
    desk.press("reboot")
    assert desk.asks[-1].body == {"do": "reboot", "key": KEY}
    desk.answer(ok=True)
    assert (desk.page.buttons, desk.page.timeout) == ((), None)
    desk.wait(300)
    assert desk.asked[-1] == "reboot"


def test_a_session_that_root_has_ended_asks_for_the_pin_again() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("events")
    desk.answer(ok=False, reason="no_session")
    assert desk.stage == Pin(outcome="ended")
    assert desk.state.key == ""


def test_long_lists_are_turned_in_parts_and_nothing_is_lost() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("events")
    for number in range(20):
        desk.do(Answered(desk.asks[-1].number, {"line": f"event {number}"}))
    desk.answer(ok=True)
    collected = [row.text for row in desk.page.rows]
    for _ in range(2):
        desk.press("next")
        collected += [row.text for row in desk.page.rows]
    assert collected == [f"event {number}" for number in range(20)]
    assert "next" not in desk.page.buttons
    desk.press("prev", "prev")
    assert "prev" not in desk.page.buttons


def test_a_long_row_is_broken_where_one_reads_on_and_loses_nothing() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("check")
    text = "resource " * 20 + "あ" * 200  # a row has 400 characters at most
    desk.do(Answered(desk.asks[-1].number, {"line": f"NG   {text}"}))
    rows = [row.text for row in desk.page.rows]
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert rows[0].endswith("resource")
    assert [row.mark for row in desk.page.rows] == ["NG"] + [""] * (len(rows) - 1)


# -- time -----------------------------------------------------------------------------------------------------------


def test_the_technicians_page_warns_and_leaves_after_a_minute_without_a_touch() -> None:
    desk = Desk()
    desk.unlock()
    desk.wait(49)
    assert desk.page.name == "menu"
    desk.wait(2)
    assert (as_json(desk.page)["leaving"], desk.page.buttons) == (True, ("more_time", "close"))
    desk.press("more_time")
    assert desk.page.name == "menu"
    desk.wait(6)  # a touch that asked for nothing keeps the session at root, or its session would end before the page
    assert desk.asked == ["unlock", "keep"]
    desk.wait(60)
    assert desk.asked[-1] == "leave"
    assert desk.state.key == ""
    assert desk.page.name == "gone"


def test_the_page_for_the_pin_leaves_too() -> None:
    desk = Desk()
    desk.wait(61)
    assert desk.asked == ["leave"]


def test_when_root_puts_up_nothing_else_the_page_is_there_again_and_locked() -> None:
    desk = Desk()
    desk.unlock()
    desk.press("close")
    assert isinstance(desk.stage, Gone)
    desk.wait(pages_step.GONE_S)
    assert desk.page.name == "pin"


def test_a_site_that_was_taken_starts_the_reception_by_itself() -> None:
    desk = Desk(RequestedPage("provisioned", accepted=True))
    desk.wait(59)
    assert desk.asked == []
    desk.wait(1)
    assert desk.asked == ["leave"]


def test_a_refused_stick_gives_the_reception_back_but_waits_where_there_is_none() -> None:
    with_site, without = (Desk(RequestedPage("provisioned"), replace(MACHINE, site=site)) for site in (True, False))
    for desk in (with_site, without):
        desk.wait(pages_step.REFUSED_S)
    assert with_site.asked == ["leave"]
    assert without.asked == []
    without.press("leave")
    assert without.asked == ["leave"]


# -- recovery and installer -----------------------------------------------------------------------------------------


def test_recovery_formats_only_with_the_stick_and_after_two_questions_in_different_places() -> None:
    desk = Desk(RequestedPage("recovery", reason="fsck"), Machine())
    assert "format" not in desk.page.buttons
    desk.do(Pressed("format"))
    assert isinstance(desk.stage, Front)
    desk.do(MachinePolled(replace(MACHINE, stick=True)))
    desk.press("format")
    assert desk.page.name == "sure"
    for size in (PORTRAIT, LANDSCAPE):
        again = page_of(replace(desk.state, stage=Sure("format", again=True)), WORDS, NOW)
        assert not overlap(buttons_of(desk.page, size)["yes"], buttons_of(again, size)["yes"])
    desk.press("yes", "no", "format", "yes", "yes")
    assert [ask.body for ask in desk.asks] == [{"do": "format", "confirmed": 2}]


def test_the_installer_asks_twice_and_shows_the_disk_both_times() -> None:
    desk = Desk(RequestedPage("updating"))
    desk.do(PageSet(RequestedPage("installer")))
    desk.answer(ok=True, disks=[{"name": "sda", "model": "MODEL X", "size": 480_103_981_056}])
    desk.press("option_0")
    assert "MODEL X　480 GB　（sda）" in desk.page.lines
    desk.press("yes")
    assert "MODEL X　480 GB　（sda）" in desk.page.lines
    desk.press("yes")
    assert desk.asks[-1].body == {"do": "write_disk", "name": "sda", "confirmed": 2}
    desk.answer(ok=True)
    assert "USB を抜いて" in desk.page.lines[0]


def test_a_disk_that_does_not_answer_can_be_looked_for_again() -> None:
    desk = Desk(RequestedPage("updating"))
    desk.do(PageSet(RequestedPage("installer")))
    desk.answer(ok=False, reason="no_answer")
    desk.press("disks")
    assert desk.asked == ["disks", "disks"]
    desk.answer(ok=True, disks="nonsense")
    assert desk.stage == Choice("write_disk", ())


def test_another_page_of_root_replaces_everything_a_person_did() -> None:
    desk = Desk()
    desk.unlock()
    desk.do(PageSet(RequestedPage("provisioned", accepted=True)))
    assert desk.state.key == ""
    assert desk.page.name == "provisioned"


@pytest.mark.parametrize("raw", [None, [], {"page": 7}, {"page": "provisioned", "taken": 3, "wrong": [1, "x" * 9999]}])
def test_any_page_file_gives_a_page(raw: object) -> None:
    page = page_of(first(requested_page(raw), NOW), WORDS, NOW)
    assert page.title


def test_answers_of_the_wrong_shape_are_survived() -> None:
    assert machine_of({"version": [], "stick": "yes", "locked_s": "x"}, ()) == Machine()
    desk = Desk()
    desk.unlock()
    desk.press("updates")
    desk.answer(ok=True, bundles=[1, {"name": 3}, {"name": "a", "version": {}}])
    assert [label for _, label in desk.page.labels] == ["（a）"]


def test_every_button_of_every_state_can_be_pressed_and_no_other_asks_root_for_anything() -> None:
    """Walks all pages: a button that is not on the page does nothing."""
    names = sorted({name for _, page in EVERY for name in page.buttons})
    for state in (each for _, each in _states()):
        page = page_of(state, WORDS, NOW)
        for name in names:
            after, asks = step(state, Pressed(name), NOW)
            if name not in page.buttons and name != "close":  # a page that is about to go always has that
                assert asks == (), (name, state)
            assert page_of(after, WORDS, NOW).title


def _states() -> Iterator[tuple[str, State]]:
    from tests.appliance.page_pictures import states

    yield from states()


# -- how it looks ---------------------------------------------------------------------------------------------------


def laid_out(page: Page, size: tuple[int, int]) -> tuple[tuple[Item, ...], Box]:
    unit = millimetre_px(*size, DIAGONAL.get(size, 21.5), STAFF)
    whole = Box(0, 0, size[0] / unit, size[1] / unit)
    return lay_out(page, WORDS, whole.width, whole.height), whole


def buttons_of(page: Page, size: tuple[int, int]) -> dict[str, Box]:
    return {item.name: item.box for item in laid_out(page, size)[0] if isinstance(item, Button)}


def test_every_kind_of_page_and_stage_is_among_the_examples() -> None:
    assert {state.requested.kind for _, state in _states()} == set(KINDS)
    stages = {type(state.stage) for _, state in _states()}
    assert stages == {Front, Pin, Menu, Working, Report, Choice, Sure, Gone}


@SIZES
@ALL
def test_all_buttons_are_there_large_apart_and_on_the_display(page: Page, size: tuple[int, int]) -> None:
    boxes = buttons_of(page, size)
    whole = laid_out(page, size)[1]
    assert sorted(boxes) == sorted(page.buttons)
    for box in boxes.values():
        assert contains(whole, box)
        assert min(box.width, box.height) >= TARGET_MM
    for one, other in combinations(boxes.values(), 2):
        near = -theme.GAP_MM / 2 + 0.5
        assert not overlap(one.inset(near), other.inset(near))


@SIZES
@ALL
def test_no_button_lies_in_the_corner_and_portrait_is_touched_below_its_upper_part(
    page: Page, size: tuple[int, int]
) -> None:
    whole = laid_out(page, size)[1]
    for name, box in buttons_of(page, size).items():
        assert not overlap(box, Box(0, 0, 15, 15)), name
        assert size == LANDSCAPE or box.y >= whole.height * 0.3, name


@SIZES
@ALL
def test_words_lie_on_the_display_and_not_on_each_other(page: Page, size: tuple[int, int]) -> None:
    items, whole = laid_out(page, size)
    solid = [item for item in items if isinstance(item, Words | Picture)]
    for item in solid:
        assert contains(whole, item.box), item
        assert min(item.box.width, item.box.height) > 0, item
    for one, other in combinations(solid, 2):
        assert not overlap(one.box.inset(0.01), other.box.inset(0.01)), (one, other)


@SIZES
@ALL
def test_all_that_the_page_says_is_on_it(page: Page, size: tuple[int, int]) -> None:
    items, _ = laid_out(page, size)
    drawn = "".join(part.text for item in items if isinstance(item, Words) for part in item.paragraphs)
    labels = dict(page.labels)
    wanted = [page.title, *page.remarks, *(row.text for row in page.rows), page.foot]
    digits = [name for name in page.buttons if not name.startswith("key_")]
    wanted += [labels.get(name) or WORDS["buttons"][name] for name in digits]
    assert [text for text in wanted if text not in drawn] == []


@pytest.mark.parametrize("size", [(480, 480), (800, 480), (480, 800), (1024, 768), (3840, 2160)])
def test_any_display_shows_every_button_whole(size: tuple[int, int]) -> None:
    for name, page in EVERY:
        items, whole = laid_out(page, size)
        for item in items:
            assert not isinstance(item, Anywhere), "staff press buttons"
            assert contains(whole, item.box), name
            assert min(item.box.width, item.box.height) > 0, name


def test_the_places_in_the_texts_are_those_that_are_filled() -> None:
    texts_of_pages = [str(text) for name in PAGES for text in WORDS[name].values()]
    places = {place for text in texts_of_pages for place in re.findall("{([a-z]+)}", text)}
    assert places == {"left", "minutes", "seconds"}


class TestLettering:
    pytestmark = needs_gl

    @SIZES
    @ALL
    def test_no_text_is_cut_too_small_or_without_its_letters(self, page: Page, size: tuple[int, int]) -> None:
        from kiosk.typography.coverage import MISSING
        from kiosk.ui.view import View

        window()
        view = View(
            layout_in(WORDS),
            DIAGONAL[size],
            lambda button: None,
            lambda: NOW,
            size,
            STAFF,
            time_of_day=lambda: time(12),
        )
        view.show(page)
        for words, block in view.fitted:
            assert block.height_mm <= words.box.height + 0.1
            for run in (run for line in block.lines for run in line.runs):
                assert run.x_mm + run.width_mm <= words.box.width + 0.1
                assert run.capital_mm >= READABLE_MM, words
                assert MISSING not in run.text
