"""The visit as a pure function: stories as tables, and every pair of stage and event decided on purpose."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.visit import begin, offers
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.idle import EXTENSIONS_MAX
from kiosk.visit.rules import Rules
from kiosk.visit.state import (
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
    OfVisit,
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
    WalkInDepartment,
)
from kiosk.visit.step import IGNORED, STAGES, TRANSITIONS, Transition, step
from tests.visit.story import AT_13, CLEAN, DAY, DRAWN, RECEPTIONS, Story, arrived, candidate, found, registered

OPENING = Opening(datetime(2026, 1, 15, 8, 30), is_today=True)
WALK_IN = (WalkInDepartment("im", "内科"), WalkInDepartment("ent", "耳鼻科", "later", time(13)))
BY_CARD = Came("patient_card")
NOBODY_TODAY = e.AppointmentsFound(5, DAY, time(12, 50), "0012K", (), next_day=date(2026, 2, 3), walk_in=WALK_IN)
KNOWN = Known(NOBODY_TODAY, BY_CARD)


def in_stage(stage: Any, rules: Rules = CLEAN, around: Surroundings = Surroundings()) -> Kiosk:  # noqa: B008 - frozen
    """A kiosk with visit 5 in `stage`; its card reader is armed as it would be."""
    kiosk = replace(switched_on(rules, 100), stage=stage, surroundings=around, last_visit=5)
    return replace(kiosk, armed_for=begin.card_visit(kiosk))


# -- every pair -------------------------------------------------------------------------------------------------------


def members(union: object) -> set[Any]:
    return set(typing.get_args(union))


def test_every_stage_and_every_event_is_known_to_the_tables() -> None:
    assert members(Stage) == set(STAGES) == {row.stage for row in TRANSITIONS}
    assert members(e.VisitEvent) == set(IGNORED) | {e.Ticked, e.ArrivalRegistered}
    assert members(e.Event) == members(e.VisitEvent) | members(e.SurroundingsEvent)


def in_wrong_row(row: Transition) -> bool:
    """Whether the handler is written for another stage or another event than its row says."""
    wanted = list(typing.get_type_hints(row.handler).values())

    def takes(place: int, kind: type) -> bool:
        return issubclass(kind, typing.get_args(wanted[place]) or wanted[place])

    return not (takes(1, row.stage) and takes(2, row.event))


def test_no_pair_is_decided_twice_and_every_handler_is_in_its_own_row() -> None:
    assert len({(row.stage, row.event) for row in TRANSITIONS}) == len(TRANSITIONS)
    assert [row for row in TRANSITIONS if in_wrong_row(row)] == []


@pytest.mark.parametrize(
    ("stage", "event"), [(AwaitingTap, e.CardRead), (AwaitingCard, e.CardUnreadable)], ids=["stage", "event"]
)
def test_a_handler_in_the_wrong_row_is_found(stage: type[Stage], event: type[e.VisitEvent]) -> None:
    assert in_wrong_row(Transition(stage, event, begin.on_card_read, (LookingUp,)))
    assert not in_wrong_row(Transition(AwaitingCard, e.CardRead, begin.on_card_read, (LookingUp,)))


EXAMPLES: dict[type, Any] = {
    Start: Start(),
    AskingForCard: AskingForCard(5, 160),
    Preparing: Preparing(5, 100.4, 110, False),
    AwaitingTap: AwaitingTap(5, 100, 160, False),
    Settling: Settling(5, 100, 110.5, False, False, candidate()),
    AwaitingBirthday: AwaitingBirthday(5, 170, candidate()),
    AwaitingCard: AwaitingCard(5, 160),
    LookingUp: LookingUp(5, 120, BY_CARD, "0012K"),
    TooEarly: TooEarly(5, 160, time(12, 15), time(13)),
    OtherDay: OtherDay(5, 160, KNOWN),
    ChoosingDepartment: ChoosingDepartment(5, 160, KNOWN),
    ConfirmingDepartment: ConfirmingDepartment(5, 160, KNOWN, WALK_IN[0]),
    Registering: Registering(5, 120, BY_CARD, "0012K"),
    Printing: Printing(5, 130, RegisteredArrival(DAY, time(12, 50), "0012K", RECEPTIONS, (AT_13,)), BY_CARD, 120),
    Done: Done(5, 140, RegisteredArrival(DAY, time(12, 50), "0012K", RECEPTIONS, (AT_13,)), None, 120),
    AtCounter: AtCounter(5, 140, "no_result"),
}
EVENTS: list[e.Event] = [
    e.Pressed("cancel"),
    e.Pressed("mynumber"),
    e.Pressed("patient_card"),
    e.Ticked(),
    e.BaselineTaken(5, 100),
    e.BaselineFailed(5),
    e.ResultSighted(9, 107),
    e.ResultGone(9),
    arrived(9),
    e.SubsidyFailed(1),
    e.ResultCompared(1, "changed"),
    e.TerminalChanged(False),
    e.CourierReturned(),
    e.CardReaderChanged(False),
    e.HoursChanged(False, OPENING),
    e.CardRead(5, "0012K"),
    e.CardUnreadable(5),
    found(5),
    e.PatientUnknown(5),
    e.ReservationsFailed(5),
    registered(5),
    e.InCustody(5, DAY, time(12, 50), "0012K", "K3-012", (AT_13,)),
    e.NothingToRegister(5),
    e.SlipPrinted(5),
    e.SlipFailed(5, "paper_out"),
]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_pair_is_decided_and_an_ignored_event_changes_nothing(stage: type, event: e.Event) -> None:
    kiosk = in_stage(EXAMPLES[stage])
    after, commands = step(kiosk, event, 107)
    decided = {row.event for row in TRANSITIONS if row.stage is stage} | members(e.SurroundingsEvent)
    if type(event) not in decided:
        assert type(event) in IGNORED
        assert (after, commands) == (kiosk, ())


PRESSES = ("ok", "close", "no_card", "no", "back", "walk_in", "department_0", "yes", "call", "show_again")
DAYS = (
    found(5, arrived=True),
    NOBODY_TODAY,
    replace(NOBODY_TODAY, next_day=None),
    replace(NOBODY_TODAY, next_day=None, walk_in=()),
    found(5, local_time=time(8)),
    found(5, birth_day="0321"),
)
ALL_EVENTS = [*EVENTS, *(e.Pressed(button) for button in PRESSES), *DAYS]
ALL_RULES = (
    CLEAN,
    replace(CLEAN, birthday="always", card_birthday="always"),
    replace(CLEAN, walk_in=True, no_card=True, early="refuse", early_min=45),
    replace(CLEAN, walk_in=True, no_card=True, cards_max=1),
)


def test_the_table_promises_just_the_stages_that_follow() -> None:
    """Each stage in all its variants meets each event at each moment; what follows is what the drawing shows."""
    early, nobody = (Known(found(5, local_time=time(8)), BY_CARD), replace(NOBODY_TODAY, next_day=None))
    stages = [
        *EXAMPLES.values(),
        replace(EXAMPLES[AwaitingTap], pending=frozenset({2})),
        replace(EXAMPLES[AwaitingCard], tries=2),
        replace(EXAMPLES[AwaitingBirthday], digits="0321"),
        replace(EXAMPLES[AwaitingBirthday], digits="0322"),
        *(AwaitingBirthday(5, 170, Known(replace(day, birth_day="0321"), BY_CARD), "0321") for day in (*DAYS, nobody)),
        AwaitingBirthday(5, 170, Known(replace(early.found, birth_day="0321"), BY_CARD), "0321"),
        replace(EXAMPLES[ChoosingDepartment], known=Known(nobody, BY_CARD)),
        replace(EXAMPLES[Settling], candidate=candidate(outcome="failed")),
        replace(EXAMPLES[Done], covered=True),
    ]
    begun = [in_stage(stage, rules) for rules, stage in itertools.product(ALL_RULES, stages)]
    down = Surroundings(card_reader_down_since=99)
    begun += [
        in_stage(stage, ALL_RULES[2], down) for stage in (Start(), EXAMPLES[AskingForCard], EXAMPLES[AwaitingCard])
    ]
    followed = set()
    for kiosk, event, now in itertools.product(begun, ALL_EVENTS, (101, 107, 1000)):
        if isinstance(event, e.CardRead | e.CardUnreadable):
            event = replace(event, visit=kiosk.armed_for or 0)  # noqa: PLW2901 - the visit it would belong to
        after, _ = step(kiosk, event, now)
        if type(after.stage) is not type(kiosk.stage):
            followed.add((type(kiosk.stage), type(event), type(after.stage)))
    assert followed == DRAWN


@pytest.mark.parametrize("stage", [each for each in STAGES if each is not Start], ids=lambda stage: stage.__name__)
def test_no_stage_lasts_for_ever(stage: type) -> None:
    story = Story()
    story.kiosk = replace(story.kiosk, stage=EXAMPLES[stage], last_visit=5)
    assert isinstance(story.at(1000).stage, Start)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_answer_for_another_visit_never_reaches_the_patient(stage: type, event: e.Event) -> None:
    if not hasattr(event, "visit"):
        return
    kiosk = in_stage(EXAMPLES[stage])
    after, commands = step(kiosk, replace(typing.cast(Any, event), visit=4), 100.1)
    assert after.stage == kiosk.stage
    assert all(isinstance(command, c.Record) for command in commands)


# -- stories ----------------------------------------------------------------------------------------------------------


def test_a_tap_becomes_a_registered_arrival_with_a_slip() -> None:
    story = Story().waiting_for_tap().at(110, arrived()).at(110.5, e.Ticked())
    assert story.asked(c.LookUp) == [c.LookUp(1, "mynumber", "0012K")]
    story.at(110.6, found())
    assert story.asked(c.Register) == [c.Register(1, DAY, "0012K")]
    story.at(110.7, registered())
    assert isinstance(story.stage, Printing)
    assert len(story.asked(c.PrintSlip)) == 1
    story.at(112, e.SlipPrinted(1))
    assert isinstance(story.stage, Done) and story.stage.no_slip is None
    gone = 110.7 + CLEAN.readable_s + CLEAN.notice_s
    assert isinstance(story.at(gone - 0.1).stage, Done)
    assert isinstance(story.at(gone).stage, Start)


def test_a_patient_card_goes_the_same_way_from_the_look_up_on() -> None:
    story = Story().at(100, e.Pressed("patient_card"))
    assert story.asked(c.ArmCardReader) == [c.ArmCardReader(1)]
    story.at(103, e.CardRead(1, "0012K"))
    assert story.asked(c.LookUp) == [c.LookUp(1, "patient_card", "0012K")]
    story.at(103.1, found()).at(103.2, registered(again=True)).at(104, e.SlipPrinted(1))
    assert isinstance(story.stage, Done) and isinstance(story.stage.arrival, RegisteredArrival)
    assert story.stage.arrival.again


@pytest.mark.parametrize(
    ("first_seen", "is_candidate"),
    [(99.9, False), (100.0, False), (105.9, False), (106.0, True), (159.0, True)],
    ids=["before the visit", "at its start", "too early", "not too early", "late in the wait"],
)
def test_only_a_new_result_that_is_not_too_early_is_a_candidate(first_seen: float, is_candidate: bool) -> None:
    story = Story().waiting_for_tap().at(max(first_seen, 100.0), arrived(first_seen=first_seen))
    assert isinstance(story.stage, Settling) is is_candidate


def test_after_a_result_that_came_too_early_the_patient_is_asked_once_to_tap_again() -> None:
    story = Story().waiting_for_tap().at(101, arrived(first_seen=101.0))
    assert repr(story.stage).startswith("AwaitingTap(") and not story.stage.asked_again
    assert story.at(109.5).stage.asked_again
    story.at(112, arrived(2, first_seen=112.0)).at(112.5, e.Ticked())
    assert isinstance(story.stage, LookingUp)
    assert sum(c.Record("asked_to_tap_again", 1) == command for command in story.commands) == 1


@pytest.mark.parametrize(
    "second",
    [arrived(2, first_seen=110.2), e.ResultSighted(2, 110.2)],
    ids=["complete", "still being written"],
)
def test_of_two_candidates_neither_is_shown(second: e.Event) -> None:
    story = Story().waiting_for_tap().at(110, arrived()).at(110.3, second)
    assert story.reason() == "ambiguous"
    assert not story.asked(c.LookUp)


def test_a_candidate_that_meets_an_unfinished_file_is_not_shown() -> None:
    story = Story().waiting_for_tap().at(108, e.ResultSighted(2, 108.0)).at(110, arrived())
    assert story.reason() == "ambiguous"


def test_an_unfinished_file_that_vanished_is_no_second_candidate() -> None:
    story = Story().waiting_for_tap().at(108, e.ResultSighted(2, 108.0), e.ResultGone(2)).at(110, arrived())
    assert isinstance(story.stage, Settling)


OUTCOMES = ["not_registered", "ambiguous", "unreadable", "failed", "no_qualification"]


@pytest.mark.parametrize(
    ("rules", "then", "stage"),
    [
        (CLEAN, [], LookingUp),
        (CLEAN, [e.Pressed("cancel")], Start),
        (CLEAN, [arrived(file=2)], AtCounter),
        (replace(CLEAN, birthday="always"), [], AwaitingBirthday),
        (CLEAN, [e.CourierReturned()], AwaitingTap),
    ],
)
def test_what_is_prepared_while_a_candidate_settles_knows_nothing_of_it(
    rules: Rules, then: list[e.Event], stage: type
) -> None:
    story = Story(rules).waiting_for_tap()
    assert story.asked(c.Prepare) == []
    story.at(110, arrived())
    assert isinstance(story.stage, Settling)
    story.at(110.1, *then).at(111)
    assert isinstance(story.stage, stage)
    assert story.asked(c.Prepare) == [c.Prepare(1)], "once, whatever follows"
    assert vars(c.Prepare(1)) == {"visit": 1}, "no field that could hold anything of a patient"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_result_without_a_usable_number_ends_at_the_counter(outcome: str) -> None:
    story = Story().waiting_for_tap().at(110, arrived(outcome=outcome)).at(110.5, e.Ticked())
    assert story.reason() == outcome
    assert not story.asked(c.LookUp)


UNCLEAN = Rules()


def unclean_after_cancel() -> Story:
    story = Story(replace(UNCLEAN, unclean_s=0))
    story.kiosk = replace(story.kiosk, rules=UNCLEAN)
    return story.waiting_for_tap().at(101, e.Pressed("cancel"))


@pytest.mark.parametrize(
    ("keys", "stage"),
    [("0321", LookingUp), ("0322", AtCounter), ("3210", AtCounter)],
)
def test_after_a_cancel_the_next_patient_types_the_birth_day(keys: str, stage: type) -> None:
    story = unclean_after_cancel().waiting_for_tap(120).at(130, arrived(first_seen=130.0)).at(130.5, e.Ticked())
    assert isinstance(story.stage, AwaitingBirthday)
    assert not story.asked(c.LookUp)
    story.at(135, *(e.Pressed(f"key_{key}") for key in keys), e.Pressed("ok"))
    assert isinstance(story.stage, stage)
    if stage is AtCounter:
        assert story.reason() == "birthday_differs"


def test_ok_before_four_digits_is_no_try_and_clear_begins_anew() -> None:
    story = unclean_after_cancel().waiting_for_tap(120).at(130, arrived(first_seen=130.0)).at(130.5, e.Ticked())
    story.at(131, e.Pressed("key_9"), e.Pressed("ok"))
    assert isinstance(story.stage, AwaitingBirthday)
    story.at(132, e.Pressed("clear"), *(e.Pressed(f"key_{key}") for key in "03219"), e.Pressed("ok"))
    assert isinstance(story.stage, LookingUp)


@pytest.mark.parametrize("born", [None, "", "19560000", "19560300", "19560021", "195603"])
def test_a_birth_date_that_cannot_be_compared_ends_at_the_counter(born: str | None) -> None:
    rules = replace(CLEAN, birthday="always")
    event = e.ResultArrived(110.0, Candidate(1, "usable", "0012K", born))
    assert Story(rules).waiting_for_tap().at(110, event).at(110.5, e.Ticked()).reason() == "birthday_differs"


@pytest.mark.parametrize(
    ("rule", "clean", "asked"),
    [
        ("always", True, True),
        ("never", False, False),
        ("after_unclean", True, False),
        ("after_unclean", False, True),
    ],
)
def test_the_birthday_rule_of_the_site(rule: str, clean: bool, asked: bool) -> None:
    rules = replace(CLEAN if clean else UNCLEAN, birthday=rule)  # type: ignore[arg-type]
    story = Story(rules).waiting_for_tap().at(110, arrived()).at(110.5, e.Ticked())
    assert isinstance(story.stage, AwaitingBirthday) is asked


@pytest.mark.parametrize(
    "end",
    [
        lambda story: story.at(101, e.Pressed("cancel")),
        lambda story: story.at(100 + UNCLEAN.result_wait_s),
        lambda story: story.at(110, arrived(), arrived(2, first_seen=110.0)),
    ],
    ids=["cancel", "time-out", "two candidates"],
)
def test_a_visit_without_its_own_result_leaves_the_kiosk_unclean_for_a_while(end: object) -> None:
    story = Story(replace(UNCLEAN, unclean_s=0))
    story.kiosk = replace(story.kiosk, rules=UNCLEAN)
    story.waiting_for_tap()
    end(story)  # type: ignore[operator]
    ended = story.now
    assert story.kiosk.unclean_until == pytest.approx(ended + UNCLEAN.unclean_s)


def test_a_start_is_unclean_and_time_makes_it_clean() -> None:
    early = Story(UNCLEAN).waiting_for_tap(150).at(160, arrived(first_seen=160.0)).at(160.5, e.Ticked())
    assert isinstance(early.stage, AwaitingBirthday)
    late = Story(UNCLEAN).waiting_for_tap(301).at(310, arrived(first_seen=310.0)).at(310.5, e.Ticked())
    assert isinstance(late.stage, LookingUp)


def test_a_late_result_shows_nothing() -> None:
    story = Story().waiting_for_tap().at(160)
    assert story.reason() == "no_result"
    before = story.kiosk
    story.at(161, arrived(first_seen=161.0))
    assert story.kiosk == before


LOOK_UPS: list[tuple[str, Rules, e.Event, str]] = [
    ("no appointment", CLEAN, e.AppointmentsFound(1, DAY, time(12, 50), "0012K", ()), "no_appointment"),
    ("unknown", CLEAN, e.PatientUnknown(1), "unknown_patient"),
    ("down", CLEAN, e.ReservationsFailed(1), "reservations_down"),
    ("busy", CLEAN, e.ReservationsFailed(1, "his_busy"), "his_busy"),
    ("for staff to judge", CLEAN, found(1, see_staff=True), "see_staff"),
    ("too early", replace(CLEAN, early_min=45), found(1, AT_13, local_time=time(12, 14)), "too_early"),
    ("too late", replace(CLEAN, late_min=15), found(1, AT_13, local_time=time(13, 16)), "too_late"),
]


@pytest.mark.parametrize(("rules", "answer", "reason"), [row[1:] for row in LOOK_UPS], ids=[row[0] for row in LOOK_UPS])
def test_what_cannot_be_registered_ends_at_the_counter(rules: Rules, answer: e.Event, reason: str) -> None:
    story = Story(rules).at(100, e.Pressed("patient_card")).at(101, e.CardRead(1, "0012K")).at(102, answer)
    assert story.reason() == reason
    assert not story.asked(c.Register)


@pytest.mark.parametrize("local_time", [time(12, 15), time(13), time(13, 15)])
def test_within_the_window_the_arrival_is_registered(local_time: time) -> None:
    rules = replace(CLEAN, early_min=45, late_min=15)
    story = Story(rules).at(100, e.Pressed("patient_card")).at(101, e.CardRead(1, "0012K"))
    assert isinstance(story.at(102, found(1, AT_13, local_time=local_time)).stage, Registering)


def test_reservations_that_do_not_answer_end_at_the_counter_and_a_late_arrival_is_recorded() -> None:
    story = Story().at(100, e.Pressed("patient_card")).at(101, e.CardRead(1, "0012K")).at(102, found())
    story.at(102 + CLEAN.look_up_s)
    assert story.reason() == "outcome_unknown"
    story.at(115, registered())
    assert story.reason() == "outcome_unknown"
    assert c.Record("arrival_registered_late", 1) in story.commands


@pytest.mark.parametrize("reason", ["paper_out", "cover_open", "printer_offline", "printer_silent", "printer_stalled"])
def test_a_slip_that_fails_leaves_the_arrival_registered(reason: str) -> None:
    story = Story().at(100, e.Pressed("patient_card")).at(101, e.CardRead(1, "0012K")).at(102, found())
    story.at(103, registered()).at(104, e.SlipFailed(1, reason))
    assert isinstance(story.stage, Done) and story.stage.no_slip == reason
    assert len(story.asked(c.PrintSlip)) == 1


def test_three_unreadable_cards_end_at_the_counter() -> None:
    story = Story().at(100, e.Pressed("patient_card")).at(101, e.CardUnreadable(1)).at(102, e.CardUnreadable(1))
    assert isinstance(story.stage, AwaitingCard) and story.stage.tries == 2
    assert story.at(103, e.CardUnreadable(1)).reason() == "card_unreadable"


def test_a_subsidy_that_failed_in_time_is_noted_and_one_of_another_file_is_not() -> None:
    story = Story().waiting_for_tap().at(110, arrived(), e.SubsidyFailed(2)).at(110.1, e.SubsidyFailed(1))
    story.at(110.5, e.Ticked()).at(110.6, e.SubsidyFailed(1), found()).at(110.7, registered())
    assert isinstance(story.stage, Printing)
    assert story.stage.arrival.notes == ("subsidy_failed",)


def test_when_no_card_can_be_used_the_kiosk_is_out_of_service_at_once_and_comes_back() -> None:
    story = Story().at(100, e.TerminalChanged(False))
    assert not offers.is_out_of_service(story.kiosk)
    assert offers.is_out_of_service(story.at(110, e.CardReaderChanged(False)).kiosk)
    assert isinstance(story.at(111, e.Pressed("mynumber"), e.Pressed("no_card")).stage, Start)
    assert not offers.is_out_of_service(story.at(112, e.CardReaderChanged(True)).kiosk)


def test_a_closed_site_takes_nobody_but_finishes_who_is_there() -> None:
    story = Story().waiting_for_tap().at(101, e.HoursChanged(False, OPENING)).at(110, arrived()).at(110.5, e.Ticked())
    assert isinstance(story.stage, LookingUp)
    closed = Story().at(100, e.HoursChanged(False, OPENING), e.Pressed("mynumber"))
    assert isinstance(closed.stage, Start)


@settings(deadline=None)
@given(st.sampled_from(ALL_RULES), st.lists(st.tuples(st.sampled_from(ALL_EVENTS), st.floats(0, 30)), max_size=40))
def test_nothing_of_a_patient_is_left_at_the_start_page(rules: Rules, steps: list[tuple[e.Event, float]]) -> None:
    """Whatever happens, Start is the same value as in a fresh kiosk, and a state's repr shows no patient."""
    story, now = Story(rules), 100.0
    for event, passed in steps:
        now += passed
        if isinstance(event, OfVisit):  # so that what happens is of the visit that is under way
            event = replace(event, visit=story.kiosk.last_visit + isinstance(story.stage, Start))  # noqa: PLW2901
        story.at(now, event)
        assert "0012K" not in repr(story.kiosk) and "19560321" not in repr(story.kiosk)
        if isinstance(story.stage, Start):
            assert story.stage == Start()


# -- back to the start by itself ----------------------------------------------------------------------------------


def at_card() -> Story:
    return Story().at(100, e.Pressed("patient_card"))


def at_counter() -> Story:
    return at_card().at(101, e.CardRead(1, "0012K")).at(102, e.PatientUnknown(1))


LEFT_ALONE: dict[str, tuple[Callable[[], Story], float, float, float]] = {
    # how it gets there, when it began, when the warning comes, when it ends
    "at the face reader": (Story().waiting_for_tap, 100, 140, 160),
    "at the card reader": (at_card, 100, 140, 160),
    "at the counter": (at_counter, 102, 122, 142),
}


@pytest.mark.parametrize(("arrive", "began", "warned", "end"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_who_is_about_to_be_left_is_warned_and_one_touch_gives_the_time_again(
    arrive: Callable[[], Story], began: float, warned: float, end: float
) -> None:
    story = arrive()
    assert not story.at(warned - 0.1, e.Pressed("more_time")).stage.warned, "not offered, not taken"
    assert story.at(warned + 0.1).stage.warned
    kind = type(story.stage)
    longer = story.at(warned + 1, e.Pressed("more_time"))
    assert isinstance(longer.stage, kind) and not longer.stage.warned
    assert isinstance(longer.at(end + 1).stage, kind)
    assert not isinstance(longer.at(warned + 1 + (end - began) + 0.1).stage, kind)


def test_time_is_given_ten_times_and_then_the_page_goes() -> None:
    story, now = at_card(), 100.0
    for _ in range(EXTENSIONS_MAX):
        now += 45
        assert story.at(now, e.Pressed("more_time")).stage.warned is False
    assert story.at(now + 45, e.Pressed("more_time")).stage.warned
    assert isinstance(story.at(now + 60.1).stage, Start)


def test_typing_a_birth_day_slowly_is_no_leaving() -> None:
    story = Story(Rules(birthday="always")).waiting_for_tap().at(110, arrived()).at(110.6)
    for number, key in enumerate("0321"):
        story.at(150 + 45 * number, e.Pressed(f"key_{key}"))
    assert isinstance(story.at(290, e.Pressed("ok")).stage, LookingUp)


def test_what_waits_for_a_device_is_not_extended() -> None:
    story = at_card().at(101, e.CardRead(1, "0012K"))
    assert story.at(102, e.Pressed("more_time")).stage.deadline == 113


def test_a_result_from_before_the_visit_does_not_make_the_patient_tap_again() -> None:
    story = Story().waiting_for_tap().at(101, arrived(first_seen=99.0)).at(120, e.Ticked())
    assert not story.stage.asked_again


def held_to_the_last(story: Story) -> float:
    """Somebody stays at the last page with もう少し待つ as long as it is offered; when the page went."""
    while isinstance(story.stage, Done | AtCounter):
        end = story.stage.deadline
        story.at(end - 0.1, e.Pressed("more_time"))
        if story.stage.deadline == end:
            story.at(end)
    return story.now


def test_a_counter_page_that_was_kept_for_long_leaves_the_kiosk_unclean_all_the_same() -> None:
    story = Story(Rules(unclean_s=200), now=0).waiting_for_tap(300)
    story.at(361)
    assert story.reason() == "no_result"
    went = held_to_the_last(story)
    assert went > 361 + 200
    # The stranger tapped once more while that page was shown; the result comes to the next patient.
    story.waiting_for_tap(went + 1).at(went + 10, arrived(9, went + 10)).at(went + 11)
    assert isinstance(story.stage, AwaitingBirthday)


def test_a_second_tap_during_a_result_page_that_was_kept_for_long_is_not_shown_to_the_next_patient() -> None:
    story = Story(Rules(unclean_s=200), now=0).waiting_for_tap(300)
    story.at(310, arrived(1, 310)).at(311, found(), registered()).at(415, e.SlipFailed(1, "printer_stalled"))
    went = held_to_the_last(story)
    assert went > 311 + 200
    story.waiting_for_tap(went + 1).at(went + 10, arrived(9, went + 10)).at(went + 11)
    assert isinstance(story.stage, AwaitingBirthday)
