"""What patients see: words for every case, no patient on any screen, and no button that does nothing."""

from __future__ import annotations

import re
import typing
from dataclasses import replace
from datetime import date, datetime, time
from typing import cast

import pytest

from kiosk.results import eligibility
from kiosk.screens.headless_lines import as_json
from kiosk.screens.names import (
    DEPARTMENT_BUTTONS,
    KEYS,
    LANGUAGE_TOOLS,
    MORE_TIME,
    NEXT,
    NOTES,
    SCREENS,
    STAFF,
    TOOLS,
)
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Choose, Counter, Custody, Pick, Result, Screen
from kiosk.screens.wording import Wording
from kiosk.typography import ruby
from kiosk.visit import begin
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.idle import EXTENSIONS_MAX
from kiosk.visit.reasons import (
    COUNTER_CODES,
    COUNTER_REASONS,
    CUSTODY_CODE,
    CUSTODY_REASON,
    LISTED_REASONS,
    NO_SLIP_CODES,
    NO_SLIP_REASONS,
    UNKNOWN_CODE,
)
from kiosk.visit.rules import LANGUAGES, Language, Look, Rules
from kiosk.visit.state import (
    AppointmentsFound,
    ArrivalInCustody,
    AskingForCard,
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Came,
    Candidate,
    ChoosingDepartment,
    ConfirmingDepartment,
    Done,
    Kiosk,
    Known,
    LookingUp,
    Opening,
    OtherDay,
    Preparing,
    Printing,
    RegisteredArrival,
    Registering,
    Settling,
    Stage,
    Start,
    Surroundings,
    TooEarly,
    VisitAppointment,
    VisitReception,
    WalkInDepartment,
)
from kiosk.visit.step import step
from kiosk.words import texts
from kiosk.words.patient import place_parts

TEXTS = texts.load()
NUMBER = "70012345"
BORN = "19560321"
NOW = 107.0
DAY = date(2026, 1, 15)
NEXT_DAY = date(2026, 2, 3)
TITLE_MAX_CHARS = 20
LINE_MAX_CHARS = 40
BUTTONS = sorted({MORE_TIME} | {button for buttons in SCREENS.values() for button in buttons})
# A site with everything that a site.toml may turn on.
FULL = Rules(unclean_s=0, no_card=True, walk_in=True, staff_call=True, early="refuse")
WORDING = Wording(
    counter_window="2", counter_text="総合受付（この画面の右うしろ）", phone_card=True, phone_mynumber=True
)
CANDIDATE = Candidate(1, "usable", NUMBER, BORN)
TWO = (
    VisitAppointment(time(9, 30), "内科", "佐藤", "A棟1階2番窓口", "A", 1, "2", "採尿してから診察へ"),
    VisitAppointment(time(11), "眼科", "高橋 先生", ""),
)
RECEPTION = RegisteredArrival(DAY, time(8, 52), NUMBER, (VisitReception("7"),), TWO)
NOTED = replace(RECEPTION, notes=tuple(note for note in NOTES if note != "no_slip"), back_by=time(9), missing=("外科",))
HELD = ArrivalInCustody(DAY, time(8, 52), NUMBER, "K3-012", TWO, ("insurance_check",))
CARD = Came("patient_card")
SEVEN = (
    WalkInDepartment("im", "内科"),
    WalkInDepartment("ent", "耳鼻咽喉科", "later", time(13)),
    WalkInDepartment("eye", "眼科", "ended"),
    WalkInDepartment("os", "整形外科", "closed"),
    *(WalkInDepartment(f"d{place}", f"第{place}外科") for place in range(3)),
)
NOBODY_TODAY = AppointmentsFound(5, DAY, time(8, 52), NUMBER, (), False, NEXT_DAY, ("内科",), SEVEN)
KNOWN = Known(NOBODY_TODAY, CARD)

STAGES: dict[str, Stage] = {
    "start": Start(),
    "no card": AskingForCard(5, 160),
    "no card, staff called": AskingForCard(5, 160, called=True),
    "preparing": Preparing(5, 100.4, 110, False),
    "preparing after the question": Preparing(5, 100.4, 110, False, asked=True),
    "preparing slowly": Preparing(5, 100.4, 110, False, slow=True),
    "awaiting tap": AwaitingTap(5, 100, 160, False),
    "about to leave: no card": AskingForCard(5, 120, warned=True),
    "about to leave: tap": AwaitingTap(5, 100, 120, False, warned=True),
    "about to leave: birthday": AwaitingBirthday(5, 120, CANDIDATE, warned=True),
    "about to leave: card": AwaitingCard(5, 120, warned=True),
    "about to leave: early": TooEarly(5, 120, time(12, 15), time(13), warned=True),
    "about to leave: other day": OtherDay(5, 120, KNOWN, warned=True),
    "about to leave: departments": ChoosingDepartment(5, 120, KNOWN, warned=True),
    "about to leave: confirm": ConfirmingDepartment(5, 120, KNOWN, SEVEN[0], warned=True),
    "about to leave: done": Done(5, 110, NOTED, None, 90, covered=True, warned=True),
    "about to leave: counter": AtCounter(5, 110, "no_appointment", NEXT_DAY, warned=True),
    "about to leave, too often": Done(5, 110, NOTED, None, 90, covered=True, warned=True, extended=EXTENSIONS_MAX),
    "awaiting tap again": AwaitingTap(5, 100, 160, False, asked_again=True),
    "settling": Settling(5, 100, 107.5, False, False, CANDIDATE),
    "awaiting birthday": AwaitingBirthday(5, 170, CANDIDATE),
    "birthday half typed": AwaitingBirthday(5, 170, CANDIDATE, "03"),
    "birthday typed": AwaitingBirthday(5, 170, CANDIDATE, BORN[4:]),
    "awaiting card": AwaitingCard(5, 160),
    "awaiting card again": AwaitingCard(5, 160, 1),
    "looking up": LookingUp(5, 120, Came("mynumber", 1, ("insurance_check",)), NUMBER),
    "early": TooEarly(5, 160, time(12, 15), time(13)),
    "other day": OtherDay(5, 160, KNOWN),
    "other day, no walk-in now": OtherDay(5, 160, Known(replace(NOBODY_TODAY, walk_in=SEVEN[1:3]), CARD)),
    "departments": ChoosingDepartment(5, 160, KNOWN),
    "departments, second page": ChoosingDepartment(5, 160, KNOWN, 1),
    "departments, one page": ChoosingDepartment(5, 160, Known(replace(NOBODY_TODAY, walk_in=SEVEN[:2]), CARD)),
    "confirm": ConfirmingDepartment(5, 160, KNOWN, SEVEN[0]),
    "registering": Registering(5, 120, CARD, NUMBER),
    "printing": Printing(5, 200, NOTED, CARD, 120),
    "printing, covered": Printing(5, 200, NOTED, CARD, 90, covered=True),
    "done": Done(5, 140, NOTED, None, 120),
    "done, covered": Done(5, 140, NOTED, None, 90, covered=True),
    "done, one plain appointment": Done(5, 140, replace(RECEPTION, appointments=TWO[1:]), None, 120),
    "already": Done(5, 140, replace(NOTED, again=True), None, 120),
    **{f"done without slip: {why}": Done(5, 140, RECEPTION, why, 120) for why in NO_SLIP_REASONS},
    **{f"covered without slip: {why}": Done(5, 140, RECEPTION, why, 90, covered=True) for why in NO_SLIP_REASONS},
    **{
        f"already without slip: {why}": Done(5, 140, replace(RECEPTION, again=True), why, 120)
        for why in NO_SLIP_REASONS
    },
    "custody, printing": Printing(5, 200, HELD, CARD, 120),
    "custody": Done(5, 140, HELD, None, 120),
    "custody, covered": Done(5, 140, HELD, None, 90, covered=True),
    "custody, without slip": Done(5, 140, HELD, NO_SLIP_REASONS[0], 120),
    "custody, covered without slip": Done(5, 140, HELD, NO_SLIP_REASONS[0], 90, covered=True),
    "about to leave: custody": Done(5, 110, HELD, None, 90, covered=True, warned=True),
    **{f"counter: {reason}": AtCounter(5, 140, reason) for reason in COUNTER_REASONS},
    "counter: no appointment today": AtCounter(5, 140, "no_appointment", NEXT_DAY, ("内科", "眼科", "内科")),
    "counter: not yet": AtCounter(5, 140, "too_early", appointment_at=time(13)),
    "counter: no longer": AtCounter(5, 140, "too_late", appointment_at=time(13)),
    "counter: staff called": AtCounter(5, 140, "no_result", called=True),
}
SURROUNDINGS: dict[str, Surroundings] = {
    "open": Surroundings(),
    "terminal down": Surroundings(terminal_down_since=100),
    "card reader down": Surroundings(card_reader_down_since=100),
    "closed": Surroundings(is_open=False),
    "closed until": Surroundings(is_open=False, next_opening=Opening(datetime(2026, 1, 16, 8, 30), is_today=False)),
    "for staff": Surroundings(staff=STAFF),
    "closed, for staff": Surroundings(is_open=False, staff=("alarms",)),
    "out of service": Surroundings(terminal_down_since=1, card_reader_down_since=1),
}


def kiosk(stage: Stage, around: Surroundings = SURROUNDINGS["open"], rules: Rules = FULL) -> Kiosk:
    state = replace(switched_on(rules, 100), stage=stage, surroundings=around, last_visit=5)
    return replace(state, armed_for=begin.card_visit(state))


def every_kiosk() -> dict[str, Kiosk]:
    states = {name: kiosk(stage) for name, stage in STAGES.items()}
    states |= {f"start, {name}": kiosk(Start(), around) for name, around in SURROUNDINGS.items()}
    states["start, card reader at rest"] = replace(kiosk(Start()), cards_rest_until=160.0, armed_for=None)
    below = ("start", "awaiting tap", "about to leave: done", "looking up")
    return states | {f"languages over {name}": replace(states[name], choosing_language=True) for name in below}


EVERY = every_kiosk()


def screen_for(name: str, language: Language = "ja") -> Screen:
    state = EVERY[name]
    return screen_of(replace(state, look=replace(state.look, language=language)), WORDING)


def lines(name: str) -> list[str]:
    """As a tester reads them."""
    return list(as_json(screen_for(name))["lines"])


def of_name(screen: str) -> list[str]:
    return [name for name in EVERY if screen_for(name).name == screen]


# -- complete -------------------------------------------------------------------------------------------------------


def test_every_stage_and_every_screen_is_among_the_examples() -> None:
    assert {type(each) for each in STAGES.values()} == set(typing.get_args(Stage))
    assert {screen_for(name).name for name in EVERY} == set(SCREENS)


@pytest.mark.parametrize("name", EVERY)
def test_a_screen_has_a_short_title_and_whole_lines(name: str) -> None:
    line = as_json(screen_for(name))
    assert 0 < len(line["title"]) <= TITLE_MAX_CHARS
    assert all(0 < len(each) <= LINE_MAX_CHARS for each in line["lines"])
    everything = "".join((line["title"], *line["lines"]))
    assert not set("{}｜《》") & set(everything), "a place left unfilled, or a reading left in plain text"


@pytest.mark.parametrize("name", EVERY)
def test_every_page_says_what_to_do_next_and_nobody_is_told_to_be_done_who_is_not(name: str) -> None:
    screen, state = screen_for(name), EVERY[name]
    assert screen.next and {each.code for each in screen.next} <= set(NEXT)
    assert all(each.text and not set("{}") & set(each.text) for each in screen.next)
    registered = isinstance(state.stage, Printing | Done) and isinstance(state.stage.arrival, RegisteredArrival)
    nobody = isinstance(state.stage, Start) or name == "preparing"
    assert screen.status == ("done" if registered else None if nobody else "not_yet")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_there_in_every_language(language: Language) -> None:
    for name in EVERY:
        screen = screen_for(name, language)
        line = as_json(screen)
        assert line["language"] == language
        assert (line["buttons"], line["next"]) == (
            as_json(screen_for(name))["buttons"],
            as_json(screen_for(name))["next"],
        )
        assert not set("{}｜《》") & set("".join((line["title"], *line["lines"]))), (name, line)


def test_where_one_card_is_read_its_picture_is_what_to_press() -> None:
    screen = screen_of(Kiosk(Rules(patient_cards=False)), WORDING)
    assert isinstance(screen, Choose)
    assert ruby.plain(screen.title) == "どちらのカードをお持ちですか？"
    assert ruby.plain(screen.press_first) == "カードの絵を押してください。"


def test_where_slips_come_out_and_cards_go_in_is_a_line_where_the_site_says_it() -> None:
    placed = replace(WORDING, slip_at="right-bottom")
    for name in ("done, one plain appointment", "awaiting card"):
        with_place, without = (as_json(screen_of(EVERY[name], wording))["lines"] for wording in (placed, WORDING))
        assert [line for line in with_place if line not in without] == ["場所：この機械の右下"]
    no_slip = screen_of(kiosk(Done(5, 140, RECEPTION, "paper_out", 120)), placed)
    assert "場所：この機械の右下" not in as_json(no_slip)["lines"]


@pytest.mark.parametrize("reason", COUNTER_REASONS)
def test_the_counter_says_that_nothing_is_done_why_and_where_to_go(reason: str) -> None:
    screen = screen_for(f"counter: {reason}")
    line = as_json(screen)
    assert line["title"] == "まだ受付は終わっていません"
    slip = reason in LISTED_REASONS
    assert line["lines"][:2] == [ruby.plain(TEXTS["reasons"][reason]), "2番窓口へ行く"]
    assert line["next"] == ["go_counter", "hand_in_slip" if slip else "show_code"]
    assert isinstance(screen, Counter) and screen.reason == reason
    assert ruby.plain(screen.where.text) == WORDING.counter_text
    assert screen.staff_code == (f"{COUNTER_CODES[reason]}-05" if slip else COUNTER_CODES[reason])


def test_no_two_reasons_have_the_same_code_or_the_same_words() -> None:
    codes = {**COUNTER_CODES, **NO_SLIP_CODES, CUSTODY_REASON: CUSTODY_CODE}
    assert len(set(codes.values()) | {UNKNOWN_CODE}) == len(codes) + 1
    assert len({TEXTS["reasons"][reason] for reason in COUNTER_REASONS}) == len(COUNTER_REASONS)
    assert len({TEXTS["no_slip"][reason] for reason in NO_SLIP_REASONS}) == len(NO_SLIP_REASONS)


def test_a_site_that_does_not_name_its_counter_sends_to_the_reception() -> None:
    screen = screen_of(EVERY["counter: no_result"], Wording())
    assert isinstance(screen, Counter)
    assert (screen.where.window, screen.where.text) == ("", "")
    assert as_json(screen)["lines"][1] == "受付窓口へ行く"


def test_every_outcome_of_a_result_file_that_is_no_identification_has_words() -> None:
    outcomes = {str(outcome) for outcome in eligibility.Outcome} - {"usable"}
    assert outcomes | {"unreadable"} <= set(COUNTER_REASONS)
    assert set(COUNTER_REASONS) <= set(TEXTS["reasons"])


def test_a_reason_or_a_note_nobody_knows_is_no_reason_to_show_nothing() -> None:
    screen = screen_of(kiosk(AtCounter(5, 140, "of_another_version")), WORDING)
    assert isinstance(screen, Counter) and screen.reason == "of_another_version"
    assert screen.staff_code == UNKNOWN_CODE
    assert "2番窓口へ行く" in as_json(screen)["lines"]
    plain = screen_of(kiosk(Done(5, 140, RECEPTION, None, 120)), WORDING)
    done = screen_of(kiosk(Done(5, 140, replace(RECEPTION, notes=("of_another_version",)), None, 120)), WORDING)
    assert done.lines == plain.lines
    unknown = screen_of(kiosk(Done(5, 140, RECEPTION, "of_another_version", 120)), WORDING)
    assert (unknown.staff_code, unknown.name) == (UNKNOWN_CODE, "done")


@pytest.mark.parametrize("note", [note for note in NOTES if note != "no_slip"])
@pytest.mark.parametrize("name", ["printing", "done", "already"])
def test_every_note_has_words_and_its_code(name: str, note: str) -> None:
    screen = screen_for(name)
    assert isinstance(screen, Result) and note in screen.notes
    acts = {
        "insurance_check": "insurance_counter",
        "subsidy_failed": "subsidy_counter",
        "incomplete": "rest_counter",
        "partly": "rest_counter",
    }
    if note in acts:
        assert acts[note] in [each.code for each in screen.next]
    else:
        assert TEXTS["notes"][note] in screen.remarks


def test_what_comes_next_is_in_the_order_in_which_it_is_done() -> None:
    assert as_json(screen_for("done"))["next"] == [
        "take_slip",
        "insurance_counter",
        "subsidy_counter",
        "rest_counter",
        "message",
        "come_back",
        "go_place",
        "say_late",
        "wait_call",
    ]
    assert as_json(screen_for("done, one plain appointment"))["next"] == ["take_slip", "wait_call"]
    assert "採尿してから診察へ" in lines("done")
    assert "09:30 ごろ呼ばれるのを待つ" in lines("done")
    late = replace(RECEPTION, local_time=time(9, 45))
    assert as_json(screen_of(kiosk(Done(5, 140, late, None, 120)), WORDING))["next"][-1] == "wait", "not before now"


@pytest.mark.parametrize("why", NO_SLIP_REASONS)
@pytest.mark.parametrize("name", ["done", "already"])
def test_without_a_slip_the_reception_is_done_all_the_same_and_says_so(name: str, why: str) -> None:
    screen = screen_for(f"{name} without slip: {why}")
    assert isinstance(screen, Result) and screen.slip == "none"
    assert (screen.name, screen.reason, screen.notes, screen.numbers) == (name, why, ("no_slip",), ("7",))
    assert (screen.status, screen.staff_code) == ("done", NO_SLIP_CODES[why])
    assert screen.next[0].code == "note_number"
    assert screen.lines[-1] == TEXTS["no_slip"][why]


def test_the_page_is_the_same_while_the_slip_is_printed_but_for_the_strip() -> None:
    printing, done = screen_for("printing"), screen_for("done")
    assert isinstance(printing, Result) and isinstance(done, Result)
    strip = {"name": "", "slip": "take", "slip_line": "", "buttons": (), "timeout": None}
    assert replace(printing, **strip) == replace(done, **strip)  # type: ignore[arg-type]
    assert (printing.slip, done.slip, printing.status) == ("printing", "take", "done")
    assert lines("printing")[:3] == ["09:30 内科 佐藤 先生 A棟1階2番窓口", "11:00 眼科 高橋 先生", "受付番号 7"]


@pytest.mark.parametrize("name", ["printing, covered", "done, covered", "covered without slip: paper_out"])
def test_a_covered_page_keeps_the_number_and_nothing_of_time_and_place(name: str) -> None:
    screen = screen_for(name)
    assert isinstance(screen, Result) and screen.covered
    everything = str(as_json(screen)) + repr(screen.next) + "".join(each.text for each in screen.next)
    for hidden in ("09:30", "11:00", "内科", "眼科", "佐藤", "A棟", "窓口", "採尿", "09:00", "保険"):
        assert hidden not in everything
    assert "受付番号 7" in everything and "受付は完了しています" in everything
    assert ("show_again" in screen.buttons) is (screen.slip == "none")


def test_each_department_has_its_own_number_and_none_is_left_out() -> None:
    both = (VisitReception("A17", "内科"), VisitReception("00018", "眼科"))
    page = screen_of(kiosk(Done(5, 140, replace(RECEPTION, receptions=both), None, 120)), WORDING)
    assert isinstance(page, Result) and page.numbered
    assert as_json(page)["lines"][:3] == [
        "09:30 内科 佐藤 先生 A棟1階2番窓口 受付番号 A17",
        "11:00 眼科 高橋 先生 受付番号 00018",
        "受付番号 A17・00018",
    ]
    assert as_json(page)["numbers"] == ["A17", "00018"]
    covered = screen_of(kiosk(Done(5, 140, replace(RECEPTION, receptions=both), None, 120, covered=True)), WORDING)
    assert isinstance(covered, Result) and covered.numbers == ("A17", "00018") and not covered.numbered
    gone = replace(RECEPTION, receptions=(*both, VisitReception("9", "外科")))  # its appointment is not among those
    assert not cast(Result, screen_of(kiosk(Done(5, 140, gone, None, 120)), WORDING)).numbered


def test_departments_under_one_number_have_one() -> None:
    same = (VisitReception("17", "内科"), VisitReception("17", "眼科"))
    page = screen_of(kiosk(Done(5, 140, replace(RECEPTION, receptions=same), None, 120)), WORDING)
    assert as_json(page)["lines"][1:3] == ["11:00 眼科 高橋 先生", "受付番号 17"] and as_json(page)["numbers"] == ["17"]


def test_one_who_was_registered_already_reads_when() -> None:
    screen = screen_for("already")
    assert isinstance(screen, Result) and screen.clock == "08:52" and screen.slip == "again"
    assert "08:52 に受付しました。" in lines("already")


def test_one_who_was_registered_at_another_entrance_reads_where() -> None:
    there = replace(RECEPTION, receptions=(VisitReception("A7", entrance="A"),), again=True)
    state = kiosk(Done(5, 140, there, None, 120))
    assert "08:52 に A入口で受付しました。" in as_json(screen_of(state, WORDING))["lines"]
    english = as_json(screen_of(replace(state, look=Look("en")), WORDING))["lines"]
    assert "You checked in at 8:52 AM, at Entrance A." in english


def test_what_the_system_did_not_take_is_named_for_the_counter() -> None:
    left = replace(RECEPTION, notes=("partly",), missing=("外科",))
    page = as_json(screen_of(kiosk(Done(5, 140, left, None, 120)), WORDING))
    assert page["notes"] == ["partly"] and "2番窓口で、外科の受付をする" in page["lines"]


# -- in custody -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in STAGES if "custody" in name])
def test_custody_is_never_done_and_says_so_first(name: str, language: Language) -> None:
    screen = screen_for(name, language)
    line, done = as_json(screen), texts.load("patient", language)
    assert isinstance(screen, Custody) and (screen.name, screen.status) == ("custody", "not_yet")
    assert line["lines"][0] == ruby.plain(done["custody"]["lines"][0])
    assert (line["reason"], line["staff_code"], line["numbers"]) == ("his_down", "S4", ["K3-012"])
    everything = str(line)
    for table, key in (("done", "title"), ("done", "covered"), ("printing", "title"), ("already", "title")):
        assert ruby.plain(done[table][key]) not in everything
    assert ruby.plain(done["status"]["done"]) not in everything


def test_custody_says_where_to_go_with_what() -> None:
    page = as_json(screen_for("custody"))
    assert page["title"] == "受付をお預かりしました"
    assert page["next"] == ["take_slip", "insurance_counter", "message", "go_place", "show_slip"]
    assert page["lines"][1:4] == ["09:30 内科 佐藤 先生 A棟1階2番窓口", "11:00 眼科 高橋 先生", "お預かり番号 K3-012"]
    assert "内科・眼科の窓口で受付票を見せる" in page["lines"]
    without = as_json(screen_for("custody, without slip"))
    assert (without["next"][0], without["next"][-1]) == ("note_number", "say_number")
    assert without["notes"] == ["insurance_check", "no_slip"]
    many = replace(HELD, appointments=tuple(replace(TWO[1], department=f"第{place}内科") for place in range(4)))
    lines_ = as_json(screen_of(kiosk(Done(5, 140, many, None, 120)), WORDING))["lines"]
    assert "それぞれの科の窓口で受付票を見せる" in lines_
    unnamed = replace(HELD, appointments=(replace(TWO[1], department=""),))
    assert as_json(screen_of(kiosk(Done(5, 140, unnamed, None, 120)), WORDING))["next"][-1] == "hand_in_slip"


@pytest.mark.parametrize("name", ["custody, covered", "custody, covered without slip"])
def test_covered_custody_keeps_the_number_and_that_it_is_not_done(name: str) -> None:
    everything = str(as_json(screen_for(name)))
    for hidden in ("09:30", "11:00", "内科", "眼科", "佐藤", "A棟", "採尿", "保険"):
        assert hidden not in everything
    assert "お預かり番号 K3-012" in everything and "受付は、まだ終わっていません。" in everything


def test_where_to_go_is_in_parts_for_the_page_and_in_one_text_for_a_line() -> None:
    first, second = cast(Result, screen_for("done")).appointments
    assert (first.window, ruby.plain(first.floor), ruby.plain(first.building)) == ("2", "1階", "A棟")
    assert (second.window, second.floor, second.building, second.place) == ("", "", "", "")
    english = cast(Result, screen_for("done", "en")).appointments[0]
    assert "2" in english.place and "窓口" not in english.place
    assert ruby.plain(english.original) == "内科" and ruby.plain(first.original) == ""
    unparted = replace(TWO[0], place="中央受付の右", building="", floor=0, window="")
    arrival = replace(RECEPTION, appointments=(unparted,))
    state = replace(kiosk(Done(5, 140, arrival, None, 120)), look=Look("en"))
    assert ruby.plain(cast(Result, screen_of(state, WORDING)).appointments[0].place) == "中央受付の右"
    parted = replace(kiosk(Done(5, 140, replace(RECEPTION, appointments=(replace(TWO[0], place=""),)), None, 120)))
    assert ruby.plain(cast(Result, screen_of(parted, WORDING)).appointments[0].place) == "A棟1階2番窓口"


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        ("A棟1階2番窓口", ("A", 1, "2")),
        ("Ａ棟 １階 12番窓口", ("A", 1, "12")),
        ("地下1階", ("", -1, "")),
        ("3番窓口", ("", 0, "3")),
        ("", ("", 0, "")),
        ("3番", ("", 0, "")),  # of what, only the hospital knows
        ("地下", ("", 0, "")),
        ("A棟1階2番窓口の右", ("", 0, "")),
        ("中央棟2階", ("", 0, "")),
    ],
)
def test_a_place_as_most_hospitals_write_it_is_known_in_parts(place: str, parts: tuple[str, int, str]) -> None:
    assert place_parts(place) == parts


def test_who_came_without_an_appointment_has_no_time() -> None:
    arrival = replace(RECEPTION, appointments=(replace(TWO[1], walk_in=True),), notes=("walk_in",))
    screen = screen_of(kiosk(Done(5, 140, arrival, None, 120)), WORDING)
    assert as_json(screen)["lines"][0] == "予約なし 眼科 高橋 先生"
    assert as_json(screen)["next"] == ["take_slip", "wait"]


def test_the_next_appointment_and_the_hour_are_told_where_they_are_why() -> None:
    assert lines("counter: no appointment today")[1:3] == ["次のご予約は 2月3日（火） です。", "診療科：内科・眼科"]
    assert lines("counter: not yet")[0].startswith("13:00 ")
    assert lines("counter: no longer")[0].startswith("13:00 ")


def test_who_is_early_reads_from_when_and_who_came_on_another_day_which_day_it_is() -> None:
    early, other = as_json(screen_for("early")), as_json(screen_for("other day"))
    assert early["lines"][0] == "12:15 から受付できます"
    assert (early["reason"], early["staff_code"], early["buttons"]) == ("too_early", "N3", ["close"])
    assert other["lines"][:3] == ["次のご予約", "2月3日（火）", "診療科：内科"]
    assert (other["reason"], other["staff_code"], other["buttons"]) == ("no_appointment", "N1", ["walk_in", "close"])
    assert as_json(screen_for("other day, no walk-in now"))["next"] == ["go_counter"]


def test_departments_that_do_not_receive_now_say_why_and_cannot_be_pressed() -> None:
    line = as_json(screen_for("departments"))
    assert line["lines"][2:] == [
        "内科",
        "耳鼻咽喉科 13:00 から",
        "眼科 受付は終わりました",
        "整形外科 本日休診",
        "第0外科",
        "第1外科",
        "1 / 2 ページ",
    ]
    assert line["unavailable"] == ["department_1", "department_2", "department_3"]
    assert line["buttons"] == ["department_0", "department_4", "department_5", "more", "back"]
    assert as_json(screen_for("departments, second page"))["buttons"] == ["department_0", "more", "back"]
    assert as_json(screen_for("departments, one page"))["buttons"] == ["department_0", "back"]


def test_every_language_names_itself_and_the_present_one_is_marked() -> None:
    screen = cast(Pick, screen_for("languages over awaiting tap", "ko"))
    assert [each.language for each in screen.choices if each.chosen] == ["ko"]
    assert [ruby.plain(each.text) for each in screen.choices][:3] == ["日本語", "やさしい日本語", "English"]
    assert screen.timeout == screen_for("awaiting tap").timeout, "the time of the page below goes on"
    assert "more_time" in screen_for("languages over about to leave: done").buttons


def test_the_next_opening_names_its_day_unless_it_is_today() -> None:
    assert lines("start, closed") == []
    assert lines("start, closed until") == ["受付は 1月16日（金） 08:30 からです。"]
    today = Surroundings(is_open=False, next_opening=Opening(datetime(2026, 1, 15, 13, 5), is_today=True))
    assert as_json(screen_of(kiosk(Start(), today), WORDING))["lines"] == ["受付は 13:05 からです。"]


def test_what_does_not_work_is_said_and_grey() -> None:
    for name, button in (("terminal down", "mynumber"), ("card reader down", "patient_card")):
        line = as_json(screen_for(f"start, {name}"))
        assert line["unavailable"] == [button] and any("ご利用いただけません" in each for each in line["lines"])
    rest = as_json(screen_for("start, card reader at rest"))
    assert (rest["unavailable"], rest["staff"]) == (["patient_card"], ["many_cards"])
    assert screen_for("start, out of service").name == "out_of_service"


def test_no_words_are_left_over() -> None:
    """What no code asks for would be translated in vain."""
    drawn = {"buttons", "leaving", "result", "staff", "status", "languages"}  # beside the lines
    assert set(TEXTS) == set(SCREENS) | {
        *("parts", "dates", "days", "reasons", "notes", "next", "no_slip", "slip_at", "language", "slip", "slip_staff"),
        *drawn,
    }
    assert set(TEXTS["staff"]) == {"label", "line", "between", *STAFF}
    assert set(TEXTS["reasons"]) == {*COUNTER_REASONS, "unknown"}
    assert set(TEXTS["no_slip"]) == {*NO_SLIP_REASONS, "unknown"}
    assert set(TEXTS["notes"]) == set(NOTES) - {
        *("no_slip", "insurance_check", "subsidy_failed", "incomplete", "partly"),
    }
    assert set(TEXTS["next"]) == set(NEXT) - {"answer"}
    buttons = {button for button in BUTTONS if button not in (*KEYS, *DEPARTMENT_BUTTONS, *LANGUAGE_TOOLS)}
    tools = {"language", "text_size", "contrast", "wheelchair"}
    assert set(TEXTS["buttons"]) == buttons | tools | {"mynumber_who", "patient_card_who", "unavailable"}


TECHNICAL = re.compile("エラー|資格確認|照会|端末|サーバ|通信|システム|データ|ファイル|共有|タイムアウト|ID|PIN")


FOR_STAFF = {"staff"}
# Not sentences: what stands on buttons and in lists, and what is put into sentences.
LABELS = {
    *("buttons", "dates", "days", "language", "languages", "leaving", "next", "parts", "result", "slip"),
    *("slip_staff", "status", "choose_department", "choose_card.purpose", "choose_card.lines", "counter.where"),
    *("counter.staff_code", "other_day.next_day", "other_day.fact", "early.fact", "birthday.month", "birthday.day"),
    *("slip_at", "custody.number", "custody.number_line", "custody.note_number"),
}


def test_no_technical_word_and_no_rough_form_reaches_a_patient() -> None:
    for table, words in TEXTS.items():
        for key, text in words.items():
            for each in text if isinstance(text, list) else [text]:
                if table in FOR_STAFF:
                    continue
                assert not TECHNICAL.search(ruby.plain(each)), each
                if {table, f"{table}.{key}"} & LABELS:
                    continue  # not a sentence
                polite = ("。", "？", "）", "{dots}", "さい", "せん", "です", "ます", "した")
                assert ruby.plain(each).endswith(polite), each


# -- nobody ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_no_number_and_no_birth_date_is_on_a_screen(name: str) -> None:
    screen = screen_for(name)
    everything = str(as_json(screen))
    for secret in (NUMBER, BORN, BORN[:4], BORN[4:], "3月21日"):
        assert secret not in everything


@pytest.mark.parametrize("name", EVERY)
def test_the_repr_of_a_screen_and_of_a_state_shows_no_patient(name: str) -> None:
    written = repr(screen_for(name)) + repr(EVERY[name])
    for secret in (NUMBER, BORN, BORN[4:], "内科", "佐藤", "A棟", "09:30", "13:00", repr(NEXT_DAY), "受付番号"):
        assert secret not in written


def test_digits_typed_are_counted_and_not_shown() -> None:
    assert screen_for("birthday half typed").lines[-1] == "●●○○"
    assert screen_for("birthday typed").lines[-1] == "●●●●"


def test_the_counter_shows_nothing_of_a_reception() -> None:
    for name in of_name("counter"):
        assert isinstance(screen_for(name), Counter) and as_json(screen_for(name))["notes"] == []


# -- the start page ------------------------------------------------------------------------------------------------


def visits() -> list[tuple[str, str, list[e.Event]]]:
    """What happens, the screen it ends with, and the events."""
    tap: list[e.Event] = [e.Pressed("mynumber"), e.BaselineTaken(1, 101), e.ResultArrived(NOW, CANDIDATE), e.Ticked()]
    found = e.AppointmentsFound(1, DAY, time(8, 52), NUMBER, TWO)
    none = e.AppointmentsFound(1, DAY, time(8, 52), NUMBER, (), next_day=NEXT_DAY)
    registered = e.ArrivalRegistered(1, DAY, time(8, 52), NUMBER, (VisitReception("7"),), TWO)
    card: list[e.Event] = [e.Pressed("patient_card"), e.CardRead(1, NUMBER)]
    return [
        ("cancelled at once", "choose_card", [tap[0], e.Pressed("cancel")]),
        ("cancelled at the reader", "tap_reader", [*tap[:2], e.Pressed("cancel")]),
        ("cancelled with the patient known", "tap_reader", [*tap[:3], e.Pressed("cancel")]),
        ("registered", "done", [*tap, found, registered, e.SlipPrinted(1), e.Pressed("close")]),
        ("without a slip", "done", [*tap, found, registered, e.SlipFailed(1, "paper_out"), e.Pressed("close")]),
        ("to the counter", "counter", [*tap, none, e.Pressed("close")]),
        ("by patient card", "done", [*card, found, registered, e.SlipPrinted(1), e.Pressed("close")]),
    ]


@pytest.mark.parametrize(("last", "events"), [row[1:] for row in visits()], ids=[row[0] for row in visits()])
def test_after_a_visit_the_start_page_is_that_of_a_fresh_kiosk(last: str, events: list[e.Event]) -> None:
    fresh = switched_on(Rules(unclean_s=0), 100)
    state, seen = fresh, ""
    for number, event in enumerate(events, 1):
        seen = screen_of(state, WORDING).name
        state, _ = step(state, event, 100 + 7.5 * number)
    assert (seen, state.stage) == (last, Start())
    assert screen_of(state, WORDING) == screen_of(fresh, WORDING)
    assert NUMBER not in repr(state) and NUMBER not in str(state.served)


# -- buttons --------------------------------------------------------------------------------------------------------


def accepted(state: Kiosk) -> set[str]:
    """Without those of the tools, which can be pressed everywhere."""
    buttons = [each for each in BUTTONS if state.choosing_language or each not in LANGUAGE_TOOLS]
    return {button for button in buttons if step(state, e.Pressed(button), NOW) != (state, ())}


@pytest.mark.parametrize("name", [name for name in EVERY if not name.startswith(("preparing", "birthday half"))])
def test_the_buttons_shown_are_those_the_flow_accepts(name: str) -> None:
    screen, state = screen_for(name), EVERY[name]
    expected = set(screen.buttons)
    if name in ("awaiting birthday", "about to leave: birthday"):
        expected -= {"ok"}  # nothing typed yet
    elif name == "birthday typed":
        expected -= set(KEYS)  # four are enough
    assert accepted(state) == expected


def test_half_a_birth_day_is_no_answer_yet() -> None:
    assert accepted(EVERY["birthday half typed"]) == set(screen_for("birthday half typed").buttons) - {"ok"}


@pytest.mark.parametrize("name", EVERY)
def test_the_tools_are_on_every_page_and_change_its_look_alone(name: str) -> None:
    state, screen = EVERY[name], screen_for(name)
    assert screen.tools == TOOLS
    for tool in TOOLS:
        after, commands = step(state, e.Pressed(tool), NOW)
        assert (after.stage, commands) == (state.stage, ())
        assert (after.look, after.choosing_language) != (state.look, state.choosing_language) or tool == "lang_ja"
    large = screen_of(step(state, e.Pressed("text_size"), NOW)[0], WORDING)
    assert replace(large, look=screen.look) == screen


def test_the_blink_before_the_reader_is_ready_looks_like_the_start_page_and_a_second_press_does_nothing() -> None:
    """A screen of its own for some milliseconds would only flicker."""
    assert screen_for("preparing") == screen_for("start")
    assert screen_for("preparing after the question").title == screen_for("no card").title
    assert accepted(EVERY["preparing slowly"]) == {"cancel"}
    assert accepted(EVERY["preparing"]).isdisjoint(screen_for("preparing").buttons)


@pytest.mark.parametrize("name", EVERY)
def test_a_screen_has_no_buttons_but_those_in_the_list(name: str) -> None:
    screen = screen_for(name)
    assert set(screen.buttons) <= {*SCREENS[screen.name], MORE_TIME}
    assert len(set(screen.buttons)) == len(screen.buttons)


def test_a_site_without_card_reader_offers_no_patient_card() -> None:
    state = kiosk(Start(), rules=Rules(patient_cards=False))
    assert screen_of(state, WORDING).buttons == ("mynumber",)
    assert accepted(state) == {"mynumber"}


def test_a_site_toml_of_today_gives_the_buttons_of_today() -> None:
    state = kiosk(Start(), rules=Rules())
    assert screen_of(state, Wording()).buttons == ("mynumber", "patient_card")
    counter = screen_of(kiosk(AtCounter(5, 140, "no_result"), rules=Rules()), Wording())
    assert counter.buttons == ("close",)


@pytest.mark.parametrize("name", ["looking_up", "printing"])
def test_what_is_under_way_cannot_be_cancelled(name: str) -> None:
    assert {screen_for(each).buttons for each in of_name(name)} == {()}
