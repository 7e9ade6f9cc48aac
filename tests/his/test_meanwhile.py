"""What others do while the system is away or an outcome is not known: staff, the patient himself, another day."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import (
    Appointment,
    Cancelled,
    Found,
    InCustody,
    Reception,
    Register,
    Registered,
    Trouble,
    Unsettled,
    WalkIn,
)
from kiosk.his import front
from kiosk.his.front import Front, Settings
from kiosk.his.merging import registered_there
from tests.his.custody_site import DAY, NOW, Site, custody_site, leave_unknown
from tests.his.system_double import BUSY, LOST, until


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with custody_site(tmp_path, monkeypatch) as made:
        yield made


def test_who_is_registered_in_the_book_is_not_taken_into_custody(site: Site) -> None:
    first = site.register()
    assert isinstance(first, Registered)
    with site.system.away():
        found = site.front.find("00012", DAY, until())
        assert isinstance(found, Found)
        assert found.receptions == first.receptions
        again = site.register()
    assert isinstance(again, Registered)
    assert (again.ours, again.receptions) == (False, first.receptions)
    assert site.listed() == []


def test_what_staff_registered_meanwhile_is_not_cancelled_as_late(site: Site) -> None:
    site.late = "cancel"
    site.restart()
    leave_unknown(site)
    desk = site.front.deliver(site.order(), until(), ask_first=False)
    assert isinstance(desk, Registered)
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2
    assert site.listed() == []


def test_a_reception_of_this_morning_is_not_cancelled_as_late(site: Site) -> None:
    site.late = "cancel"
    site.restart()
    leave_unknown(site)
    at_window = Reception("00099", NOW - timedelta(hours=1), "外科", "00099")
    site.system.receptions["00012"] = (at_window, *site.system.receptions["00012"])
    site.tick(2)
    assert at_window in site.system.receptions["00012"]


def test_a_patient_who_stays_busy_keeps_nobody_else_waiting(site: Site) -> None:
    with site.system.away():
        site.register("00012")
        site.now += timedelta(seconds=1)
        site.register("00013")
    site.system.faults = [BUSY] * front.BUSY_TRIES
    site.tick()
    assert len(site.system.receptions.get("00013", ())) == 1
    assert site.listed() == [("custody", "K3-001", "")]


def test_what_staff_ticked_off_during_a_round_is_not_delivered(site: Site) -> None:
    with site.system.away():
        site.register("00012")
        site.now += timedelta(seconds=1)
        site.register("00013")
    listed = site.front.unsettled(DAY, until())
    assert not isinstance(listed, Trouble)

    def ticked_off() -> None:
        site.front.noted_done(listed.unsettled[1].order, until())

    site.system.after = ticked_off
    site.tick()
    assert "00013" not in site.system.receptions


@pytest.mark.parametrize("days", [1, 4, 9])
def test_what_waited_is_the_staffs_after_days_without_power(site: Site, days: int) -> None:
    with site.system.away():
        site.register()
    site.now += timedelta(days=days)
    site.restart()
    site.tick()
    assert site.listed() == [("refused", "K3-001", "day_over")]
    assert site.system.receptions == {}
    assert site.troubles["orders_refused"] is not None


def test_yesterdays_order_is_never_delivered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.system.away():
        site.register()
    site.now = datetime(2026, 12, 2, 0, 0, 1, tzinfo=UTC)
    with monkeypatch.context() as patch:
        patch.setattr(site.book, "unsettled", lambda day, until: Trouble("unreachable", "locked"))
        site.tick()
    site.tick(2)
    assert site.system.receptions == {}
    assert site.listed() == [("refused", "K3-001", "day_over")]


def test_a_book_that_cannot_be_asked_leaves_nothingleave_unknown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.book, "take", lambda order, lease_s, until: LOST)
    answer = site.front.deliver(site.order(), until(), ask_first=False)
    assert isinstance(answer, Trouble)
    assert not answer.maybe_done
    assert site.system.receptions == {}


def test_a_system_that_was_mute_to_its_end_is_not_asked_to_register_twice(site: Site) -> None:
    """It may still be at it."""
    site.front = Front(site.book, site.system, site.book, None, Settings(2.0, 0.3), lambda: site.now, site._report)
    site.system.faults = [LOST]
    site.system.before = lambda: time.sleep(0.3)
    answer = site.front.register(site.order(), until())
    assert isinstance(answer, Trouble)
    assert answer.maybe_done
    assert site.system.calls.count("register") == 1


def test_whom_staff_deleted_at_the_system_is_sent_to_them(site: Site) -> None:
    site.register()
    site.system.receptions.clear()
    found = site.front.find("00012", DAY, until())
    assert isinstance(found, Found)
    assert found.see_staff


def test_a_walk_in_is_known_by_its_code_where_the_site_calls_it_otherwise(site: Site) -> None:
    order = site.order("00013", WalkIn("かぜ外来", department_code="10"))
    at_orca = Appointment(DAY, NOW.time(), "外科", "", "", "", walk_in=True, department_code="10")
    found = Found("00013", (at_orca,), None, (Reception("00007", NOW, "外科", "00007"),))
    there = registered_there(order, found)
    assert there is not None
    assert there.left_out == ()


def test_a_walk_in_that_was_lost_is_not_taken_for_this_mornings_reception(site: Site) -> None:
    site.register()
    order = site.order(walk_in=WalkIn("外科", department_code="10"))
    site.book.note(Unsettled("unknown", order, site.now), until())
    site.tick()
    assert ("his_settled", "not_registered") in site.events


def test_a_visit_that_is_there_in_part_stays_on_the_list(site: Site) -> None:
    leave_unknown(site)
    site.system.receptions["00012"] = site.system.receptions["00012"][:1]
    site.tick()
    assert site.listed() == [("refused", "", "partly")]
    assert ("his_settled", "registered") in site.events


def test_a_delivery_that_was_lost_on_its_way_is_delivered_again(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.faults = [LOST, LOST]
    site.tick()
    assert site.listed() == [("unknown", "K3-001", "no reply")]
    with site.system.away():
        again = site.register()
    assert isinstance(again, InCustody)
    assert again.number == "K3-001"
    assert [each.department for each in again.appointments] == ["内科", "眼科"]
    site.now += timedelta(seconds=front.LEASE_S + 1)
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2
    assert site.listed() == []
    register = site.front.entries(DAY, until())
    assert isinstance(register, Register)
    assert [each.receptions[0].number for each in register.entries] == ["K3-001"]


def test_a_delivery_that_was_not_answered_is_no_late_registration(site: Site) -> None:
    site.late = "cancel"
    site.restart()
    with site.system.away():
        site.register()
    site.system.lose = 1
    site.system.after = lambda: setattr(site.system, "down", True)
    site.tick()
    assert [kind for kind, _, _ in site.listed()] == ["unknown"]
    site.system.down, site.system.after = False, lambda: None
    site.now += timedelta(seconds=front.LEASE_S + 1)
    site.tick()
    assert len(site.system.receptions["00012"]) == 2
    assert site.listed() == []


def test_who_came_again_and_was_sent_to_the_counter_waits_once(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.faults = [LOST, LOST]
    answer = site.register()
    assert isinstance(answer, Trouble)
    assert answer.maybe_done
    assert sorted(kind for kind, _, _ in site.listed()) == ["custody", "unknown"]
    site.now += timedelta(seconds=front.LEASE_S + 1)
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2
    assert site.listed() == []


def test_who_was_cancelled_after_the_day_list_is_sent_to_staff(site: Site) -> None:
    first = site.register()
    assert isinstance(first, Registered)
    site.now += timedelta(minutes=11)
    site.tick()  # the list has him as registered
    at = site.now + timedelta(minutes=1)
    assert isinstance(site.front.cancel("00012", first.receptions[0], DAY, at, "", until()), Cancelled)
    with site.system.away():
        found = site.front.find("00012", DAY, until())
    assert isinstance(found, Found)
    assert found.see_staff
