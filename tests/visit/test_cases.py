"""Every case a patient can be, as a story: what the kiosk asks of its devices, and where the visit ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from kiosk.visit import begin, offers
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.looks import tools
from kiosk.visit.rules import Look, Rules
from kiosk.visit.state import (
    AskingForCard,
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Candidate,
    ChoosingDepartment,
    ConfirmingDepartment,
    Done,
    KeyVerdict,
    LookingUp,
    OtherDay,
    Printing,
    Registering,
    Start,
    TooEarly,
    VisitAppointment,
    VisitReception,
    WalkInDepartment,
)
from tests.visit.story import AT_13, CLEAN, DAY, RECEPTIONS, Story, arrived, found, registered

NEXT_DAY = date(2026, 2, 3)
WALK_INS = tuple(WalkInDepartment(f"d{place}", f"第{place}内科") for place in range(7))
CLOSED = WalkInDepartment("ent", "耳鼻科", "later", time(13))
THIRD_WAY = replace(CLEAN, walk_in=True, no_card=True, staff_call=True)


def by_card(rules: Rules = CLEAN, *, qr: bool = False) -> Story:
    """A patient card was put in at the start page, at 100; the appointments are being looked up."""
    return Story(rules).at(100).at(100, e.CardRead(1, "0012K", qr))


def by_tap(rules: Rules = CLEAN, key: KeyVerdict | None = None) -> Story:
    """A result named the patient, at 110.5; `key`: what the courier says of it a moment later."""
    story = Story(rules).waiting_for_tap().at(110, arrived())
    return story.at(110.2, *([e.ResultCompared(1, key)] if key else [])).at(110.5)


def nobody(**more: Any) -> e.AppointmentsFound:
    """No appointment today."""
    return e.AppointmentsFound(1, DAY, time(12, 50), "0012K", (), **more)


def done_at(story: Story, at: float, no_slip: str | None = None) -> Story:
    """From a look-up to the slip, all at once."""
    slip: e.Event = e.SlipFailed(1, no_slip) if no_slip else e.SlipPrinted(1)
    return story.at(at, found(1), registered(1), slip)


def records(story: Story) -> list[str]:
    return [f"{each.event} {each.code}".strip() for each in story.asked(c.Record) if isinstance(each, c.Record)]


# -- a card at the start page -----------------------------------------------------------------------------------------


def test_a_card_put_in_at_the_start_page_begins_a_visit_of_its_own() -> None:
    story = Story().at(100)
    assert story.asked(c.ArmCardReader) == [c.ArmCardReader(1)], "before anybody has touched anything"
    story.at(105, e.CardRead(1, "0012K"))
    assert isinstance(story.stage, LookingUp)
    assert story.asked(c.LookUp) == [c.LookUp(1, "patient_card", "0012K")]
    assert records(story) == ["visit_started patient_card", "identified patient_card"]
    assert story.commands[-1] == c.DisarmCardReader()


def test_a_card_that_cannot_be_read_at_the_start_page_may_be_put_in_twice_more() -> None:
    story = Story().at(100).at(101, e.CardUnreadable(1))
    assert isinstance(story.stage, AwaitingCard) and story.stage.tries == 1
    story.at(102, e.CardUnreadable(1)).at(103, e.CardRead(1, "0012K"))
    assert isinstance(story.stage, LookingUp)


@pytest.mark.parametrize("why", ["closed", "no card reader", "chosen the other card"])
def test_where_no_card_is_asked_for_one_is_dropped(why: str) -> None:
    story = Story(replace(CLEAN, patient_cards=why != "no card reader")).at(100)
    if why == "closed":
        story.at(101, e.HoursChanged(False))
    if why == "chosen the other card":
        story.at(101, e.Pressed("mynumber"))
    kind = type(story.stage)
    assert begin.card_visit(story.kiosk) is None
    assert type(story.at(102, e.CardRead(1, "0012K")).stage) is kind
    assert not story.asked(c.LookUp)


def test_after_each_visit_the_reader_is_armed_for_the_next_one() -> None:
    story = done_at(by_card(), 101).at(102, e.Pressed("close"))
    assert story.stage == Start()
    assert story.asked(c.ArmCardReader) == [c.ArmCardReader(1), c.ArmCardReader(2)]
    assert isinstance(story.at(103, e.CardRead(2, "0013K")).stage, LookingUp)


def test_five_different_numbers_in_a_minute_close_the_reader_for_a_minute_and_tell_staff() -> None:
    story = Story().at(100)
    for number in range(1, 6):
        story.at(100 + 10 * number, e.CardRead(number, f"9{number}"))
        if number < 5:
            story.at(101 + 10 * number, e.PatientUnknown(number), e.Pressed("close"))
    assert story.reason() == "card_unreadable"
    assert story.asked(c.TellStaff) == [c.TellStaff(5, "many_cards")]
    assert len(story.asked(c.LookUp)) == 4
    story.at(151, e.Pressed("close"))
    assert offers.ways_down(story.kiosk) == {"mynumber": False, "patient_card": True}
    assert story.at(209, e.CardRead(6, "96")).stage == Start()
    assert isinstance(story.at(210.1, e.CardRead(6, "96")).stage, LookingUp)


@pytest.mark.parametrize("seconds", [16, 0.5], ids=["slowly", "the same number"])
def test_many_cards_in_their_own_time_and_one_card_many_times_are_no_series(seconds: float) -> None:
    story = Story().at(100)
    for number in range(1, 8):
        story.at(100 + seconds * number, e.CardRead(number, f"9{number}" if seconds > 1 else "91"))
        story.at(100.1 + seconds * number, e.PatientUnknown(number), e.Pressed("close"))
    assert len(story.asked(c.LookUp)) == 7
    assert not story.asked(c.TellStaff)


@pytest.mark.parametrize(
    ("rule", "qr", "known", "asked"),
    [
        ("never", True, "0321", False),
        ("qr", True, "0321", True),
        ("qr", False, "0321", False),
        ("always", False, "0321", True),
        ("always", False, None, False),
    ],
)
def test_the_birth_day_is_asked_for_a_card_as_the_site_says_and_where_it_is_known(
    rule: Any, qr: bool, known: str | None, asked: bool
) -> None:
    story = by_card(replace(CLEAN, card_birthday=rule), qr=qr).at(101, found(1, birth_day=known))
    assert isinstance(story.stage, AwaitingBirthday if asked else Registering)


@pytest.mark.parametrize(("keys", "stage"), [("0321", Registering), ("0322", AtCounter)])
def test_the_birth_day_of_a_card_has_one_try(keys: str, stage: type) -> None:
    story = by_card(replace(CLEAN, card_birthday="always")).at(101, found(1, birth_day="0321"))
    story.at(105, *(e.Pressed(f"key_{key}") for key in keys), e.Pressed("ok"))
    assert isinstance(story.stage, stage)
    assert story.asked(c.Register) == ([c.Register(1, DAY, "0012K")] if stage is Registering else [])


# -- in time, early, late, another day --------------------------------------------------------------------------------


def test_several_appointments_are_registered_in_one_act() -> None:
    second = replace(AT_13, time=time(15), department="眼科")
    story = by_card().at(101, found(1, AT_13, second))
    assert story.asked(c.Register) == [c.Register(1, DAY, "0012K")]


def test_a_department_that_could_not_be_registered_is_named_and_the_others_are() -> None:
    eye = replace(AT_13, time=time(15), department="眼科")
    arrival = by_card().at(101, found(1, AT_13, eye)).at(102, registered(1)).stage.arrival
    assert (arrival.missing, arrival.notes) == (("眼科",), ("incomplete",))
    both = e.ArrivalRegistered(1, DAY, time(12, 50), "0012K", RECEPTIONS, (AT_13, eye))
    whole = by_card().at(101, found(1, AT_13, eye)).at(102, both).stage.arrival
    assert (whole.missing, whole.notes) == ((), ())


EARLY = Rules(unclean_s=0, early_min=45, late_min=15)


def test_who_comes_early_is_told_from_when_on_and_nothing_is_registered() -> None:
    story = by_card(replace(EARLY, early="refuse")).at(101, found(1, local_time=time(9)))
    assert story.stage == TooEarly(1, 141, time(12, 15), time(13))
    assert not story.asked(c.Register)
    assert isinstance(story.at(120, e.Pressed("close")).stage, Start)


def test_who_comes_early_may_be_registered_and_is_asked_to_come_back() -> None:
    story = by_card(replace(EARLY, early="register")).at(101, found(1, local_time=time(9))).at(102, registered(1))
    arrival = story.stage.arrival
    assert (arrival.notes, arrival.back_by) == (("arrived_early",), time(12, 15))


def test_who_comes_late_may_be_registered_with_a_note() -> None:
    story = by_card(replace(EARLY, late="register")).at(101, found(1, local_time=time(13, 16))).at(102, registered(1))
    assert story.stage.arrival.notes == ("arrived_late",)


def test_who_missed_one_of_two_appointments_is_late_for_it_where_the_site_registers_the_late() -> None:
    two = (AT_13, replace(AT_13, time=time(14)))
    for rules, notes in ((replace(EARLY, late="register"), ("arrived_late",)), (EARLY, ())):
        story = by_card(rules).at(101, found(1, *two, local_time=time(13, 50))).at(102, registered(1))
        assert story.stage.arrival.notes == notes


def test_the_hour_of_one_who_is_early_is_that_of_the_appointment_to_come() -> None:
    two = (AT_13, replace(AT_13, time=time(17)))
    story = by_card(EARLY).at(101, found(1, *two, local_time=time(14)))
    assert (story.reason(), story.stage.appointment_at) == ("too_early", time(17))


def test_on_another_day_without_walk_in_the_counter_knows_when() -> None:
    story = by_card().at(101, nobody(next_day=NEXT_DAY, next_departments=("内科",)))
    assert story.reason() == "no_appointment"
    assert (story.stage.next_day, story.stage.next_departments) == (NEXT_DAY, ("内科",))


def test_on_another_day_a_patient_may_come_in_without_an_appointment_or_end() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(next_day=NEXT_DAY, walk_in=WALK_INS[:1]))
    assert isinstance(story.stage, OtherDay)
    assert isinstance(story.at(102, e.Pressed("walk_in")).stage, ChoosingDepartment)
    assert isinstance(story.at(103, e.Pressed("back")).stage, OtherDay)
    assert isinstance(story.at(104, e.Pressed("close")).stage, Start)


def test_on_another_day_nobody_walks_in_while_no_department_receives() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(next_day=NEXT_DAY, walk_in=(CLOSED,)))
    assert isinstance(story.at(102, e.Pressed("walk_in")).stage, OtherDay)


def test_an_appointment_is_forgotten_with_the_warning_and_stays_forgotten() -> None:
    asked = nobody(next_day=NEXT_DAY, next_departments=("内科",), walk_in=WALK_INS[:1])
    early = by_card(replace(EARLY, early="refuse")).at(101, found(1, local_time=time(9)))
    counters = (by_card().at(101, asked), by_card(EARLY).at(101, found(1, local_time=time(9))))
    for story in (early, *counters):
        assert seen(story) != {None}
        assert seen(story.at(story.stage.deadline - CLEAN.warn_s)) == {None}
        assert seen(story.at(story.now + 1, e.Pressed("more_time"))) == {None} and not story.stage.warned
    story = by_card(THIRD_WAY).at(101, asked)
    assert not story.stage.known.covered
    assert story.at(story.stage.deadline - CLEAN.warn_s).stage.known.covered
    story.at(story.now + 1, e.Pressed("walk_in")).at(story.now + 2, e.Pressed("back"))
    assert isinstance(story.stage, OtherDay) and story.stage.known.covered


def seen(story: Story) -> set[object]:
    """What a page could say of the appointment."""
    stage = story.stage
    return {stage.appointment_at, *((stage.next_day or None,) if isinstance(stage, AtCounter) else ())}


def test_whoever_has_arrived_is_registered_again_whatever_the_hour() -> None:
    rules = replace(EARLY, early="refuse")
    story = by_card(rules).at(101, found(1, local_time=time(9), arrived=True)).at(102, registered(1, again=True))
    assert story.stage.arrival.again and story.stage.arrival.local_time == time(12, 50)


# -- without an appointment -------------------------------------------------------------------------------------------


def test_a_walk_in_chooses_confirms_and_is_registered() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(walk_in=(*WALK_INS[:2], CLOSED)))
    assert isinstance(story.stage, ChoosingDepartment)
    assert isinstance(story.at(102, e.Pressed("department_2")).stage, ChoosingDepartment), "closed now"
    assert isinstance(story.at(103, e.Pressed("department_1")).stage, ConfirmingDepartment)
    assert isinstance(story.at(104, e.Pressed("back")).stage, ChoosingDepartment)
    assert not story.asked(c.RegisterWalkIn)
    story.at(105, e.Pressed("department_1"), e.Pressed("yes"))
    assert story.asked(c.RegisterWalkIn) == [c.RegisterWalkIn(1, DAY, "0012K", "d1")]
    visit = VisitAppointment(time(12, 51), "第1内科", "", "2階", walk_in=True)
    arrival = story.at(
        106, e.ArrivalRegistered(1, DAY, time(12, 51), "0012K", (VisitReception("8"),), (AT_13, visit))
    ).stage.arrival
    assert arrival.notes == ("walk_in",)
    assert [each.walk_in for each in arrival.appointments] == [False, True]


def test_a_list_of_departments_has_pages_of_six() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(walk_in=WALK_INS)).at(102, e.Pressed("more"))
    story.at(103, e.Pressed("department_1"))
    assert isinstance(story.stage, ChoosingDepartment), "nothing there on the second page"
    assert story.at(104, e.Pressed("department_0")).stage.department == WALK_INS[6]
    assert story.at(105, e.Pressed("back")).stage.page == 1
    assert story.at(106, e.Pressed("more")).stage.page == 0


@pytest.mark.parametrize(
    ("rules", "walk_in"),
    [(CLEAN, WALK_INS), (THIRD_WAY, ()), (THIRD_WAY, (CLOSED,))],
    ids=["not at this site", "not this patient", "not now"],
)
def test_where_nobody_walks_in_the_counter_takes_over(rules: Rules, walk_in: tuple[WalkInDepartment, ...]) -> None:
    assert by_card(rules).at(101, nobody(walk_in=walk_in)).reason() == "no_appointment"


def test_who_does_not_find_the_department_goes_to_the_counter() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(walk_in=WALK_INS)).at(102, e.Pressed("back"))
    assert story.reason() == "no_appointment" and not story.stage.unidentified


def test_walking_in_fails_as_registering_does() -> None:
    story = by_card(THIRD_WAY).at(101, nobody(walk_in=WALK_INS))
    story.at(102, e.Pressed("department_0"), e.Pressed("yes"), e.ReservationsFailed(1))
    assert story.reason() == "reservations_down"


# -- no card ----------------------------------------------------------------------------------------------------------


def test_who_has_no_card_goes_to_the_counter_and_is_not_registered() -> None:
    story = Story(replace(THIRD_WAY, unclean_s=200), now=0).at(300, e.Pressed("no_card"))
    assert isinstance(story.stage, AskingForCard)
    assert story.at(305, e.Pressed("no")).reason() == "no_card"
    assert not story.asked(c.LookUp)
    assert story.at(306, e.Pressed("close")).kiosk.unclean_until == 200, "no card, no result of it under way"


WITH_A_CARD: dict[str, tuple[list[e.Event], type]] = {
    "the face reader": ([e.Pressed("mynumber"), e.BaselineTaken(1, 101)], AwaitingTap),
    "the card reader": ([e.Pressed("patient_card")], AwaitingCard),
    "a card put in at once": ([e.CardRead(1, "0012K")], LookingUp),
    "a card that cannot be read": ([e.CardUnreadable(1)], AwaitingCard),
    "back": ([e.Pressed("back")], Start),
}


@pytest.mark.parametrize(("events", "stage"), WITH_A_CARD.values(), ids=WITH_A_CARD)
def test_who_has_a_card_all_the_same_goes_on_as_everybody_does(events: list[e.Event], stage: type) -> None:
    story = Story(THIRD_WAY).at(100, e.Pressed("no_card")).at(101, *events)
    assert isinstance(story.stage, stage)
    assert records(story)[0] == "visit_started no_card"


def test_a_site_that_does_not_say_so_has_no_third_way() -> None:
    assert Story().at(100, e.Pressed("no_card")).stage == Start()


@pytest.mark.parametrize("where", ["counter", "no_card"])
def test_staff_are_called_once_in_two_minutes(where: str) -> None:
    story, calls = Story(THIRD_WAY), 0
    for now, called in ((100.0, 1), (200.0, 1), (221.0, 2)):
        story.at(now, e.Pressed("no_card"), *([e.Pressed("no")] if where == "counter" else []))
        story.at(now, e.Pressed("call"))
        assert story.stage.called, "whoever asks is told that somebody comes"
        before = story.stage
        assert story.at(now, e.Pressed("call")).stage == before
        story.at(now + 1, e.Pressed("close" if where == "counter" else "back"))
        calls = len(story.asked(c.TellStaff))
        assert calls == called


def test_without_the_wish_of_the_site_nobody_is_called() -> None:
    story = by_card().at(101, e.PatientUnknown(1)).at(102, e.Pressed("call"))
    assert not story.stage.called and not story.asked(c.TellStaff)


# -- insurance --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "notes", "accepted"),
    [
        (None, (), False),
        ("unchanged", (), False),
        ("changed", ("insurance_check",), True),
        ("missing", ("insurance_check",), True),
        ("first", ("insurance_check",), True),
    ],
)
def test_a_key_that_is_not_the_one_of_last_time_sends_to_the_insurance_counter_and_is_known_from_then_on(
    verdict: KeyVerdict | None, notes: tuple[str, ...], accepted: bool
) -> None:
    story = done_at(by_tap(key=verdict), 111)
    assert story.stage.arrival.notes == notes
    assert story.asked(c.AcceptKey) == ([c.AcceptKey(1, 1)] if accepted else [])


@pytest.mark.parametrize("late", [False, True], ids=["looking up", "registering"])
def test_a_key_may_be_compared_as_late_as_the_registration(late: bool) -> None:
    answers: list[e.Event] = [e.ResultCompared(1, "changed"), found(1)]
    story = by_tap().at(110.6, *(reversed(answers) if late else answers))
    arrival = story.at(110.9, e.ResultCompared(9, "missing"), registered(1)).stage.arrival
    assert arrival.notes == ("insurance_check",)


def test_a_key_is_not_accepted_where_the_slip_did_not_say_so() -> None:
    assert not done_at(by_tap(key="changed"), 111, no_slip="paper_out").asked(c.AcceptKey)


def test_the_monthly_reminder_is_for_patient_cards_only() -> None:
    story = by_card().at(101, found(1, insurance_due=True), registered(1))
    assert story.stage.arrival.notes == ("insurance_monthly",)
    story = by_tap().at(111, found(1, insurance_due=True), registered(1))
    assert story.stage.arrival.notes == ()


def test_a_subsidy_that_fails_while_a_walk_in_chooses_is_still_noted() -> None:
    story = by_tap(THIRD_WAY).at(111, nobody(walk_in=WALK_INS)).at(112, e.SubsidyFailed(1), e.SubsidyFailed(9))
    story.at(113, e.Pressed("department_0"), e.Pressed("yes"), registered(1))
    assert story.stage.arrival.notes == ("subsidy_failed", "walk_in")


# -- what is down -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["look-up", "registration"])
def test_who_cannot_be_registered_gets_a_slip_with_a_code_and_is_on_the_list_of_staff(step: str) -> None:
    story = by_tap()
    if step == "registration":
        story.at(111, found(1))
    story.at(112, e.ReservationsFailed(1))
    way: Any = "mynumber" if step == "look-up" else "patient_card"
    assert story.asked(c.KeepUnserved) == [c.KeepUnserved(1, way, "0012K", "reservations_down", "S1-01")]
    assert story.asked(c.PrintCounterSlip) == [c.PrintCounterSlip(1, "reservations_down", "S1-01", "ja")]
    assert c.Record("sent_to_counter", 1, "reservations_down", "S1-01") in story.commands


def test_the_code_of_staff_is_in_the_event_log() -> None:
    story = by_card().at(101, e.PatientUnknown(1))
    assert c.Record("sent_to_counter", 1, "unknown_patient", "N2") in story.commands
    assert not story.asked(c.PrintCounterSlip) and not story.asked(c.KeepUnserved)
    slips = by_card(replace(CLEAN, counter_slip=True)).at(101, e.PatientUnknown(1)).asked(c.PrintCounterSlip)
    assert slips == [c.PrintCounterSlip(1, "unknown_patient", "N2", "ja")]


# -- done -------------------------------------------------------------------------------------------------------------


def test_time_and_place_are_covered_after_twenty_seconds_and_the_notice_stays_twenty_more() -> None:
    story = done_at(by_card(), 101)
    assert not story.at(120.9).stage.covered and not story.stage.warned
    assert story.at(121).stage.covered and story.stage.warned
    assert isinstance(story.at(140.9).stage, Done)
    assert isinstance(story.at(141).stage, Start)


def test_they_are_covered_while_a_slow_printer_prints() -> None:
    story = by_card().at(101, found(1), registered(1))
    assert story.at(121).stage.covered and isinstance(story.stage, Printing)
    assert story.at(150, e.SlipPrinted(1)).stage.covered, "and stay covered"
    assert story.at(150, e.Pressed("show_again")).stage.covered, "the slip says them"
    assert isinstance(story.at(169.9).stage, Done)
    assert isinstance(story.at(170).stage, Start)


def test_without_a_slip_time_and_place_can_be_seen_once_more() -> None:
    story = done_at(by_card(), 101, no_slip="paper_out")
    assert story.at(110, e.Pressed("show_again")).stage.cover_at == 121, "they can be seen"
    story.at(125, e.Pressed("show_again"))
    assert not story.stage.covered
    assert not story.at(144.9).stage.covered
    assert story.at(145).stage.covered
    assert story.at(146, e.Pressed("show_again")).stage.covered, "once"
    assert isinstance(story.at(164.9).stage, Done)
    assert isinstance(story.at(165).stage, Start)


def test_more_time_lengthens_the_notice_and_never_what_is_seen_of_the_patient() -> None:
    story = done_at(by_card(), 101).at(130, e.Pressed("more_time"))
    assert story.stage.covered and story.stage.deadline == 170
    assert isinstance(story.at(169).stage, Done)


def test_the_next_card_clears_a_page_that_only_says_that_it_is_done() -> None:
    story = done_at(by_card(), 101)
    assert isinstance(story.at(110, e.CardRead(2, "0013K")).stage, Done), "the patient is still reading"
    story.at(125, e.Pressed("lang_en"), e.CardRead(2, "0013K"))
    assert isinstance(story.stage, LookingUp) and story.stage.visit == 2
    assert story.kiosk.look == Look()
    assert records(story)[-3:] == ["visit_ended next_card", "visit_started patient_card", "identified patient_card"]
    unreadable = done_at(by_card(), 101).at(125, e.CardUnreadable(2))
    assert isinstance(unreadable.stage, AwaitingCard) and unreadable.stage.tries == 1


# -- nothing goes without a warning -----------------------------------------------------------------------------------

LEAVING: dict[str, Callable[[], Story]] = {
    "no_card": lambda: Story(THIRD_WAY).at(100, e.Pressed("no_card")),
    "reader": lambda: Story().waiting_for_tap(),
    "card": lambda: Story().at(100, e.Pressed("patient_card")),
    "birthday": lambda: by_card(replace(CLEAN, card_birthday="always")).at(101, found(1, birth_day="0321")),
    "early": lambda: by_card(replace(EARLY, early="refuse")).at(101, found(1, local_time=time(9))),
    "other day": lambda: by_card(THIRD_WAY).at(101, nobody(next_day=NEXT_DAY)),
    "departments": lambda: by_card(THIRD_WAY).at(101, nobody(walk_in=WALK_INS)),
    "confirm": lambda: by_card(THIRD_WAY).at(101, nobody(walk_in=WALK_INS)).at(102, e.Pressed("department_0")),
    "done": lambda: done_at(by_card(), 101),
    "no slip": lambda: done_at(by_card(), 101, "paper_out"),
    "counter": lambda: by_card().at(101, e.PatientUnknown(1)),
}


@pytest.mark.parametrize("arrive", LEAVING.values(), ids=LEAVING)
def test_every_page_that_goes_by_itself_says_so_for_twenty_seconds(arrive: Callable[[], Story]) -> None:
    story = arrive()
    gone = story.stage.deadline
    began = story.now
    kind = type(story.stage)
    assert gone - began >= 40, "at least as long without the warning"
    assert not story.at(gone - 20.1).stage.warned
    assert story.at(gone - 19.9).stage.warned
    assert isinstance(story.at(gone - 0.1).stage, kind)
    assert not isinstance(story.at(gone).stage, kind)


# -- looks ------------------------------------------------------------------------------------------------------------


def test_the_language_changes_at_any_moment_and_the_visit_goes_on() -> None:
    story = Story().waiting_for_tap()
    before = story.stage
    story.at(101, e.Pressed("language"))
    assert story.kiosk.choosing_language
    assert story.at(102, e.Pressed("cancel")).stage == before, "the page below cannot be touched"
    story.at(103, e.Pressed("lang_vi"))
    assert (story.stage, story.kiosk.look.language, story.kiosk.choosing_language) == (before, "vi", False)
    story.at(110, e.ResultArrived(110.0, Candidate(1, "usable", "0012K", "19560321"))).at(110.5)
    story.at(111, found(1), registered(1))
    (slip,) = story.asked(c.PrintSlip)
    assert isinstance(slip, c.PrintSlip) and slip.language == "vi"
    story.at(112, e.SlipPrinted(1), e.Pressed("close"))
    assert story.kiosk.look == Look()


def test_the_list_of_languages_does_not_hide_what_comes_of_the_visit() -> None:
    story = by_card().at(101, e.Pressed("language"), found(1), registered(1))
    assert not story.kiosk.choosing_language and isinstance(story.stage, Printing)
    story = Story().at(100, e.Pressed("language"), e.Pressed("back"))
    assert not story.kiosk.choosing_language


@pytest.mark.parametrize(
    ("tool", "look"),
    [
        ("text_size", Look(size="large")),
        ("contrast", Look(theme="high_contrast")),
        ("wheelchair", Look(wheelchair=True)),
        ("lang_ko", Look(language="ko")),
    ],
)
def test_a_tool_changes_the_look_and_once_more_changes_it_back(tool: str, look: Look) -> None:
    story = Story().at(100, e.Pressed(tool))
    assert story.kiosk.look == look
    story.at(101, e.Pressed("lang_ja" if tool.startswith("lang_") else tool))
    assert story.kiosk.look == Look()


def test_a_look_that_was_chosen_at_the_start_page_and_left_is_the_sites_again_after_a_minute() -> None:
    site = Look(theme="high_contrast")
    story = Story(replace(CLEAN, look=site))
    assert story.kiosk.look == site
    story.at(100, e.Pressed("lang_en")).at(130, e.Pressed("text_size"), e.Pressed("language"))
    assert story.at(189).kiosk.look == Look("en", "high_contrast", "large")
    assert story.at(190.1).kiosk.look == site and not story.kiosk.choosing_language
    story.at(200, e.Pressed("lang_en"), e.Pressed("patient_card"))
    assert story.at(255).kiosk.look.language == "en", "a visit keeps it"


def test_the_tools_are_those_of_the_sites_languages() -> None:
    assert tools(Story(replace(CLEAN, languages=("ja",))).kiosk) == ("text_size", "contrast", "wheelchair")
    two = Story(replace(CLEAN, languages=("ja", "en")))
    assert tools(two.kiosk) == ("language", "lang_ja", "lang_en", "text_size", "contrast", "wheelchair")
    assert two.at(100, e.Pressed("lang_ko")).kiosk.look.language == "ja"
