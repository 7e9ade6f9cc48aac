"""What a hospital's own system adds to a visit: busy, unknown, partly, somebody else's number, and custody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.state import ArrivalInCustody, AtCounter, AwaitingBirthday, Done, Printing, Registering, Start
from tests.visit.story import AT_13, CLEAN, DAY, RECEPTIONS, Story, arrived, found, registered

EYE = replace(AT_13, time=time(15), department="眼科")
IN_CUSTODY = e.InCustody(1, DAY, time(12, 51), "0012K", "K3-012", (AT_13,))


def by_card(**rules: Any) -> Story:
    return Story(replace(CLEAN, **rules)).at(100).at(100, e.CardRead(1, "0012K"))


def by_tap(born: str = "19560321") -> Story:
    return Story().waiting_for_tap().at(110, arrived(born=born)).at(110.5, e.Ticked())


# -- no outcome, or another one ---------------------------------------------------------------------------------------


def test_who_could_not_be_served_because_the_system_was_busy_is_on_the_list_of_staff() -> None:
    story = by_card().at(101, found()).at(102, e.ReservationsFailed(1, "his_busy"))
    assert story.reason() == "his_busy"
    assert story.asked(c.KeepUnserved) == [c.KeepUnserved(1, "patient_card", "0012K", "his_busy", "S2-01")]
    assert story.asked(c.PrintCounterSlip) == [c.PrintCounterSlip(1, "his_busy", "S2-01", "ja")]


def test_whose_outcome_is_unknown_is_on_the_list_of_staff_until_it_is_known() -> None:
    story = by_card().at(101, found()).at(102, e.ReservationsFailed(1, "outcome_unknown"))
    assert story.reason() == "outcome_unknown"
    assert story.asked(c.KeepUnserved) == [c.KeepUnserved(1, "patient_card", "0012K", "outcome_unknown", "S3-01")]
    assert c.Record("sent_to_counter", 1, "outcome_unknown", "S3-01") in story.commands
    assert c.Record("arrival_registered_late", 1) in story.at(104, registered()).commands


def test_a_patient_whom_the_system_does_not_know_after_all_goes_to_the_counter() -> None:
    assert by_card().at(101, found()).at(102, e.PatientUnknown(1)).reason() == "unknown_patient"


def test_what_the_system_did_not_take_is_partly_and_what_was_gone_is_incomplete() -> None:
    skin = replace(AT_13, time=time(16), department="皮膚科")
    answer = e.ArrivalRegistered(1, DAY, time(12, 50), "0012K", RECEPTIONS, (AT_13,), left_out=(EYE,))
    arrival = by_card().at(101, found(1, AT_13, EYE)).at(102, answer).stage.arrival
    assert (arrival.missing, arrival.notes) == (("眼科",), ("partly",))
    arrival = by_card().at(101, found(1, AT_13, EYE, skin)).at(102, answer).stage.arrival
    assert (arrival.missing, arrival.notes) == (("眼科", "皮膚科"), ("partly", "incomplete"))


# -- the birth date of the system -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_file", "in_system", "goes_on"),
    [
        ("19560321", date(1956, 3, 21), True),
        ("19560321", date(1957, 3, 21), False),
        ("19560321", None, True),
        ("19560300", date(1957, 4, 2), True),  # a part of a date says nothing
        ("19560000", date(1957, 4, 2), True),
        ("", date(1957, 4, 2), True),
    ],
)
def test_a_number_that_leads_to_somebody_else_ends_at_the_counter(
    in_file: str, in_system: date | None, goes_on: bool
) -> None:
    story = by_tap(in_file).at(111, found(birth_date=in_system))
    if goes_on:
        assert isinstance(story.stage, Registering)
    else:
        assert story.reason() == "birthday_differs" and not story.asked(c.Register)


def test_the_birth_day_of_a_card_is_asked_where_only_the_system_knows_it() -> None:
    story = by_card(card_birthday="always").at(101, found(birth_date=date(1956, 3, 21)))
    assert isinstance(story.stage, AwaitingBirthday)
    story.at(102, *(e.Pressed(f"key_{digit}") for digit in "0321"), e.Pressed("ok"))
    assert isinstance(story.stage, Registering)
    refused = by_card(card_birthday="always").at(101, found(birth_date=date(1956, 3, 21)))
    refused.at(102, *(e.Pressed(f"key_{digit}") for digit in "0322"), e.Pressed("ok"))
    assert refused.reason() == "birthday_differs"


# -- in custody -------------------------------------------------------------------------------------------------------


def test_an_arrival_in_custody_is_printed_shown_and_recorded_and_never_as_registered() -> None:
    story = by_card().at(101, found()).at(102, IN_CUSTODY)
    assert isinstance(story.stage, Printing) and isinstance(story.stage.arrival, ArrivalInCustody)
    assert (story.stage.arrival.number, story.stage.arrival.appointments) == ("K3-012", (AT_13,))
    assert story.asked(c.PrintSlip) == [c.PrintSlip(1, story.stage.arrival, "ja")]
    assert c.Record("arrival_in_custody", 1, "his_down", "S4") in story.commands
    story.at(103, e.SlipPrinted(1))
    assert isinstance(story.stage, Done) and isinstance(story.stage.arrival, ArrivalInCustody)
    assert isinstance(story.at(104, e.Pressed("close")).stage, Start)
    assert "arrival_registered" not in {each.event for each in story.asked(c.Record)}  # type: ignore[union-attr]


def test_time_and_place_of_custody_are_covered_as_of_a_registered_arrival() -> None:
    story = by_card().at(101, found()).at(102, IN_CUSTODY).at(103, e.SlipFailed(1, "paper_out"))
    assert isinstance(story.at(102 + CLEAN.readable_s).stage, Done) and story.stage.covered
    assert not story.at(123, e.Pressed("show_again")).stage.covered


def test_notes_go_with_an_arrival_in_custody_and_its_key_counts_as_known() -> None:
    story = by_tap().at(110.6, e.ResultCompared(1, "changed")).at(111, found()).at(112, IN_CUSTODY)
    assert story.stage.arrival.notes == ("insurance_check",)
    assert story.at(113, e.SlipPrinted(1)).asked(c.AcceptKey) == [c.AcceptKey(1, 1)]


def test_custody_that_comes_late_changes_nothing_because_staff_have_it_on_their_list() -> None:
    story = by_card().at(101, found()).at(101 + CLEAN.look_up_s)
    assert isinstance(story.stage, AtCounter)
    before = story.kiosk
    assert story.at(114, IN_CUSTODY).kiosk == before
