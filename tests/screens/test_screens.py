"""What patients see: words for every case, no patient on any screen, and no button that does nothing."""

from __future__ import annotations

import re
import tomllib
import typing
from dataclasses import replace
from datetime import date, datetime, time
from string import Formatter
from typing import Any

import pytest

from kiosk.results import eligibility
from kiosk.screens.headless_lines import as_json
from kiosk.screens.names import KEYS, MORE_TIME, NOTES, SCREENS, STAFF
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Counter, Result, Screen
from kiosk.visit import Kiosk, Rules, step, switched_on
from kiosk.visit import events as e
from kiosk.visit.idle import EXTENSIONS_MAX
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS
from kiosk.visit.state import (
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Candidate,
    Done,
    LookingUp,
    Opening,
    Preparing,
    Printing,
    RegisteredArrival,
    Registering,
    Settling,
    Stage,
    Start,
    Surroundings,
    VisitAppointment,
)
from kiosk.words import texts
from tests import ROOT

WORDS = texts.load()
NUMBER = "70012345"
BORN = "19560321"
NOW = 107.0
DAY = date(2026, 1, 15)
NEXT_DAY = date(2026, 2, 3)
TITLE_MAX_CHARS = 20
LINE_MAX_CHARS = 40
BUTTONS = sorted({MORE_TIME} | {button for buttons in SCREENS.values() for button in buttons})
CANDIDATE = Candidate(1, "usable", NUMBER, BORN)
TWO = (
    VisitAppointment(time(9, 30), "内科", "佐藤", "A棟1階2番窓口"),
    VisitAppointment(time(11), "眼科", "高橋 先生", ""),
)
RECEPTION = RegisteredArrival(DAY, time(8, 52), NUMBER, 7, TWO)
NOTED = replace(RECEPTION, notes=("insurance_check", "subsidy_failed"))

STAGES: dict[str, Stage] = {
    "start": Start(),
    "preparing": Preparing(5, 100.4, 110, False),
    "preparing slowly": Preparing(5, 100.4, 110, False, slow=True),
    "awaiting tap": AwaitingTap(5, 100, 160, False),
    "about to leave: tap": AwaitingTap(5, 100, 120, False, warned=True),
    "about to leave: birthday": AwaitingBirthday(5, 120, CANDIDATE, warned=True),
    "about to leave: card": AwaitingCard(5, 120, warned=True),
    "about to leave: done": Done(5, 110, NOTED, warned=True),
    "about to leave: counter": AtCounter(5, 110, "no_appointment", NEXT_DAY, warned=True),
    "about to leave, too often": Done(5, 110, NOTED, warned=True, extended=EXTENSIONS_MAX),
    "awaiting tap again": AwaitingTap(5, 100, 160, False, asked_again=True),
    "settling": Settling(5, 100, 107.5, False, False, CANDIDATE),
    "awaiting birthday": AwaitingBirthday(5, 170, CANDIDATE),
    "birthday half typed": AwaitingBirthday(5, 170, CANDIDATE, "03"),
    "birthday typed": AwaitingBirthday(5, 170, CANDIDATE, BORN[4:]),
    "awaiting card": AwaitingCard(5, 160),
    "awaiting card again": AwaitingCard(5, 160, 1),
    "looking up": LookingUp(5, 120, "mynumber", 1, ("insurance_check",)),
    "registering": Registering(5, 120, 1),
    "printing": Printing(5, 200, NOTED),
    "done": Done(5, 120, NOTED),
    "already": Done(5, 120, replace(NOTED, again=True)),
    **{f"done without slip: {why}": Done(5, 120, RECEPTION, why) for why in NO_SLIP_REASONS},
    **{f"already without slip: {why}": Done(5, 120, replace(RECEPTION, again=True), why) for why in NO_SLIP_REASONS},
    **{f"counter: {reason}": AtCounter(5, 120, reason) for reason in COUNTER_REASONS},
    "counter: no appointment today": AtCounter(5, 120, "no_appointment", NEXT_DAY),
    "counter: not yet": AtCounter(5, 120, "too_early", appointment_at=time(13)),
    "counter: no longer": AtCounter(5, 120, "too_late", appointment_at=time(13)),
}
SURROUNDINGS: dict[str, Surroundings] = {
    "open": Surroundings(),
    "terminal down": Surroundings(terminal_down_since=100),
    "card reader down": Surroundings(card_reader_down_since=100),
    "closed": Surroundings(is_open=False),
    "closed until": Surroundings(is_open=False, next_opening=Opening(datetime(2026, 1, 16, 8, 30), is_today=False)),
    "for staff": Surroundings(staff=STAFF),
    "closed, for staff": Surroundings(is_open=False, staff=("alarms",)),
    "out of service": Surroundings(terminal_down_since=1, card_reader_down_since=1, out_of_service=True),
}


def kiosk(stage: Stage, around: Surroundings = SURROUNDINGS["open"]) -> Kiosk:
    return replace(switched_on(Rules(unclean_s=0), 100), stage=stage, surroundings=around, last_visit=5)


def every_kiosk() -> dict[str, Kiosk]:
    screen_for = {name: kiosk(stage) for name, stage in STAGES.items()}
    return screen_for | {f"start, {name}": kiosk(Start(), around) for name, around in SURROUNDINGS.items()}


EVERY = every_kiosk()


def screen_for(name: str) -> Screen:
    return screen_of(EVERY[name], WORDS)


def of_name(screen: str) -> list[str]:
    return [name for name in EVERY if screen_for(name).name == screen]


# -- complete -------------------------------------------------------------------------------------------------------


def test_every_stage_and_every_screen_is_among_the_examples() -> None:
    assert {type(each) for each in STAGES.values()} == set(typing.get_args(Stage))
    assert {screen_for(name).name for name in EVERY} == set(SCREENS)


@pytest.mark.parametrize("name", EVERY)
def test_a_screen_has_a_short_title_and_whole_lines(name: str) -> None:
    screen = screen_for(name)
    assert 0 < len(screen.title) <= TITLE_MAX_CHARS
    assert all(0 < len(line) <= LINE_MAX_CHARS for line in screen.lines)
    assert not any(set("{}") & set(line) for line in (screen.title, *screen.lines)), "a place left unfilled"


@pytest.mark.parametrize("reason", COUNTER_REASONS)
def test_the_counter_says_that_nothing_is_done_why_and_where_to_go(reason: str) -> None:
    screen = screen_for(f"counter: {reason}")
    assert screen.title == "まだ受付は終わっていません"
    assert screen.lines == (WORDS["reasons"][reason], "受付窓口へお越しください。")
    assert isinstance(screen, Counter) and screen.reason == reason


def test_every_outcome_of_a_result_file_that_is_no_identification_has_words() -> None:
    outcomes = {str(outcome) for outcome in eligibility.Outcome} - {"usable"}
    assert outcomes | {"unreadable"} <= set(COUNTER_REASONS)
    assert set(COUNTER_REASONS) <= set(WORDS["reasons"])


def test_a_reason_or_a_note_nobody_knows_is_no_reason_to_show_nothing() -> None:
    screen = screen_of(kiosk(AtCounter(5, 120, "of_another_version")), WORDS)
    assert isinstance(screen, Counter) and screen.reason == "of_another_version"
    assert "受付窓口へお越しください。" in screen.lines
    done = screen_of(kiosk(Done(5, 120, replace(RECEPTION, notes=("of_another_version",)))), WORDS)
    assert done.lines == (*screen_for("done without slip: paper_out").lines[:3], "受付票をお取りください。")


@pytest.mark.parametrize("note", [note for note in NOTES if note != "no_slip"])
@pytest.mark.parametrize("name", ["printing", "done", "already"])
def test_every_note_has_words_and_its_code(name: str, note: str) -> None:
    screen = screen_for(name)
    assert isinstance(screen, Result)
    assert WORDS["notes"][note] in screen.lines and note in screen.notes


@pytest.mark.parametrize("why", NO_SLIP_REASONS)
@pytest.mark.parametrize("name", ["done", "already"])
def test_without_a_slip_the_reception_is_done_all_the_same_and_says_so(name: str, why: str) -> None:
    screen = screen_for(f"{name} without slip: {why}")
    assert isinstance(screen, Result) and not screen.printing
    assert (screen.name, screen.reason, screen.notes, screen.number) == (name, why, ("no_slip",), 7)
    assert "受付は完了しています" in "".join(screen.lines)


def test_the_reception_is_shown_while_its_slip_is_printed_and_said_to_be_done() -> None:
    screen = screen_for("printing")
    assert screen.lines[:3] == ("09:30 内科 佐藤 先生 A棟1階2番窓口", "11:00 眼科 高橋 先生", "受付番号 7")
    assert "受付は完了しています。" in screen.lines


def test_the_next_appointment_and_the_hour_are_told_where_they_are_why() -> None:
    assert "次のご予約は 2月3日です。" in screen_for("counter: no appointment today").lines
    assert screen_for("counter: not yet").lines[0].startswith("13:00 ")
    assert screen_for("counter: no longer").lines[0].startswith("13:00 ")


def test_the_next_opening_names_its_day_unless_it_is_today() -> None:
    assert screen_for("start, closed").lines == ()
    assert screen_for("start, closed until").lines == ("受付は 1月16日（金） 8:30 からです。",)
    today = Surroundings(is_open=False, next_opening=Opening(datetime(2026, 1, 15, 13, 5), is_today=True))
    assert screen_of(kiosk(Start(), today), WORDS).lines == ("受付は 13:05 からです。",)


def test_no_words_are_left_over_and_all_have_their_places() -> None:
    """What no code asks for would be translated in vain."""
    wanted = {
        ("parts", "number"): {"number"},
        ("parts", "doctor"): {"doctor"},
        ("dates", "clock"): {"hour", "minute"},
        ("dates", "opening"): {"month", "day", "weekday", "hour", "minute"},
        ("dates", "opening_today"): {"hour", "minute"},
        ("slip", "day"): {"year", "month", "day", "weekday"},
        ("slip", "received"): {"day", "clock"},
        ("slip", "more"): {"count"},
        ("slip", "staff"): {"codes"},
        ("slip", "counter_printed"): {"day", "clock"},
        ("parts", "next_day"): {"month", "day"},
        ("parts", "too_early"): {"time"},
        ("parts", "too_late"): {"time"},
        ("closed", "opens"): {"opens"},
        ("birthday", "typed"): {"dots"},
        ("insert_card", "tries_left"): {"left"},
        ("leaving", "seconds"): {"seconds"},
        ("result", "more"): {"count"},
        ("staff", "line"): {"label", "hints"},
    }
    found: dict[tuple[str, str], set[str]] = {}
    for table, words in WORDS.items():
        for key, text in words.items():
            for each in text if isinstance(text, list) else [text]:
                if places := {place for _, place, _, _ in Formatter().parse(each) if place}:
                    found[table, key] = places
    assert found == wanted
    drawn = {"buttons", "moods", "leaving", "result", "staff"}  # what a window shows beside the lines
    assert set(WORDS) == set(SCREENS) | {"parts", "dates", "reasons", "notes", "slip"} | drawn
    assert {key for key in WORDS["slip"] if key.startswith("note_")} == {f"note_{note}" for note in WORDS["notes"]}
    assert set(WORDS["staff"]) == {"label", "line", "between", *STAFF}
    assert set(WORDS["reasons"]) == {*COUNTER_REASONS, "unknown"}
    assert set(WORDS["notes"]) == set(NOTES) - {"no_slip"}


TECHNICAL = re.compile("エラー|資格確認|照会|端末|サーバ|通信|システム|データ|ファイル|共有|タイムアウト|ID|PIN")


FOR_STAFF = {"staff"}
LABELS = {"buttons", "moods", "leaving", "result", "tap_reader.steps", "dates", "slip"}


def test_no_technical_word_and_no_rough_form_reaches_a_patient() -> None:
    for table, words in WORDS.items():
        for key, text in words.items():
            for each in text if isinstance(text, list) else [text]:
                if table in FOR_STAFF:
                    continue
                assert not TECHNICAL.search(each), each
                if {table, f"{table}.{key}"} & LABELS:
                    continue  # not a sentence
                polite = ("。", "？", "）", "先生", "{number}", "{dots}", "さい", "せん", "です", "ます", "した")
                assert each.endswith(polite), each


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
    registered = e.ArrivalRegistered(1, DAY, time(8, 52), NUMBER, 7, TWO)
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
        seen = screen_of(state, WORDS).name
        state, _ = step(state, event, 100 + 7.5 * number)
    assert (seen, state.stage) == (last, Start())
    assert screen_of(state, WORDS) == screen_of(fresh, WORDS)
    assert NUMBER not in repr(state) and NUMBER not in str(state.served)


# -- buttons --------------------------------------------------------------------------------------------------------


def accepted(state: Kiosk) -> set[str]:
    return {button for button in BUTTONS if step(state, e.Pressed(button), NOW) != (state, ())}


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("preparing", "birthday half typed")])
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


def test_the_blink_before_the_reader_is_ready_looks_like_the_start_page_and_a_second_press_does_nothing() -> None:
    """A screen of its own for some milliseconds would only flicker."""
    assert screen_for("preparing") == screen_for("start")
    assert accepted(EVERY["preparing"]).isdisjoint(screen_for("preparing").buttons)


@pytest.mark.parametrize("name", EVERY)
def test_a_screen_has_no_buttons_but_those_in_the_list(name: str) -> None:
    screen = screen_for(name)
    assert set(screen.buttons) <= {*SCREENS[screen.name], MORE_TIME}
    assert len(set(screen.buttons)) == len(screen.buttons)


def test_a_site_without_card_reader_offers_no_patient_card() -> None:
    state = replace(kiosk(Start()), rules=Rules(patient_cards=False))
    assert screen_of(state, WORDS).buttons == ("mynumber",)
    assert accepted(state) == {"mynumber"}


@pytest.mark.parametrize("name", ["looking_up", "printing"])
def test_what_is_under_way_cannot_be_cancelled(name: str) -> None:
    assert {screen_for(each).buttons for each in of_name(name)} == {()}


# -- the file ----------------------------------------------------------------------------------------------------


def test_texts_of_every_language_have_the_same_shape() -> None:
    def shape(words: Any) -> Any:
        return {key: shape(each) for key, each in words.items()} if isinstance(words, dict) else type(words).__name__

    folder = ROOT / "assets" / "texts"
    files = sorted(folder.glob("*/patient.toml"))  # the others are for staff
    assert [path.parent.name for path in files if path.parent.name == "ja"]
    shapes = [shape(tomllib.loads(path.read_text(encoding="utf-8"))) for path in files]
    assert all(each == shapes[0] for each in shapes)
