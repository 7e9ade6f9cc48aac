"""The day the system is down: the last day list answers, orders are kept, and each is delivered once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import (
    Found,
    InCustody,
    NothingToRegister,
    Reception,
    Registered,
    Trouble,
    Unsettled,
    WalkIn,
)
from kiosk.his import front
from kiosk.words.problems import Problem
from tests.his.custody_site import DAY, NOW, Site, custody_site, leave_unknown
from tests.his.system_double import LOST, REFUSED, SystemDouble, until

DOWN_PROBLEM = Problem("his.down", {"what": "nobody answers"})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with custody_site(tmp_path, monkeypatch) as made:
        yield made


def test_the_last_day_list_answers_and_the_order_is_kept(site: Site) -> None:
    with site.system.away():
        found = site.front.find("00012", DAY, until())
        assert isinstance(found, Found)
        assert found.as_of == NOW
        answer = site.front.register(site.order(), until())
    assert isinstance(answer, InCustody)
    assert answer.number == "K3-001"
    assert [each.department for each in answer.appointments] == ["内科", "眼科"]
    assert site.listed() == [("custody", "K3-001", "")]
    assert site.system.receptions == {}


def test_the_list_has_zeros_that_the_card_does_not_have_only_where_the_system_pads(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.system.away():
        assert isinstance(site.front.find("12", DAY, until()), Trouble)
    monkeypatch.setattr(SystemDouble, "ability", replace(SystemDouble.ability, pads_numbers=True))
    site.restart()
    site.tick()
    with site.system.away():
        found = site.front.find("12", DAY, until())
    assert isinstance(found, Found)
    assert (found.patient_number, len(found.appointments)) == ("12", 2)


def test_numbers_go_on_after_a_restart_and_the_same_patient_keeps_his(site: Site) -> None:
    with site.system.away():
        first = site.register()
        site.restart()
        again, other = site.register(), site.register("00013")
    assert isinstance(first, InCustody)
    assert again == first
    assert isinstance(other, InCustody)
    assert other.number == "K3-002"


def test_who_is_not_in_the_list_goes_to_the_counter(site: Site) -> None:
    with site.system.away():
        answer = site.register("00077")
    assert isinstance(answer, Trouble)
    assert answer.kind == "unreachable"
    assert site.listed() == []


def test_a_list_that_is_too_old_does_not_answer(site: Site) -> None:
    site.now += timedelta(hours=12, minutes=1)
    with site.system.away():
        assert isinstance(site.register(), Trouble)


def test_nobody_without_an_appointment_is_kept_but_a_walk_in_is(site: Site) -> None:
    site.system.appointments["00014"] = ()
    site.now += timedelta(minutes=11)
    site.tick()
    with site.system.away():
        assert isinstance(site.register("00014"), NothingToRegister)
        kept = site.register("00014", WalkIn("外科", department_code="10"))
    assert isinstance(kept, InCustody)
    assert [(each.department, each.walk_in) for each in kept.appointments] == [("外科", True)]


def test_it_is_delivered_once_under_its_number_when_the_system_is_back(site: Site) -> None:
    with site.system.away():
        site.register()
        site.tick()
        assert site.system.receptions == {}
        assert site.troubles["his_down"] == DOWN_PROBLEM
    site.tick(3)
    assert len(site.system.receptions["00012"]) == 2
    assert site.system.calls.count("register") == 1
    assert site.listed() == []
    assert not site.troubles["his_down"]
    assert ("custody_delivered", "first") in site.events
    register = site.front.entries(DAY, until())
    assert not isinstance(register, Trouble)
    assert [each.receptions[0].number for each in register.entries] == ["K3-001"]


def test_whom_staff_registered_meanwhile_has_no_second_reception(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.at_window("00012")
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2
    assert "register" not in site.system.calls
    assert ("custody_delivered", "again") in site.events
    assert site.listed() == []


def test_one_that_was_cancelled_meanwhile_is_given_to_staff(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.appointments["00012"] = ()
    site.tick(2)
    assert site.listed() == [("refused", "K3-001", "no_appointment")]
    assert site.troubles["orders_refused"] == Problem("orders.refused", {"count": 1})
    (refused,) = site.front.unsettled(DAY, until()).unsettled  # type: ignore[union-attr]
    site.front.noted_done(refused.order, until())
    site.tick()
    assert site.listed() == []
    assert site.troubles["orders_refused"] is None


def test_one_that_the_system_refuses_is_given_to_staff(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.faults = [REFUSED]
    site.tick(2)
    assert site.listed() == [("refused", "K3-001", "refused")]


def test_a_delivery_whose_reply_is_lost_is_not_repeated(site: Site) -> None:
    with site.system.away():
        site.register()
    site.system.lose = 1
    site.system.after = lambda: setattr(site.system, "down", True)
    site.tick()
    site.system.down, site.system.after = False, lambda: None
    site.now += timedelta(seconds=front.LEASE_S + 1)
    site.restart()
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2
    assert site.listed() == []


def test_the_patient_who_comes_again_is_registered_under_the_number_of_his_slip(site: Site) -> None:
    with site.system.away():
        site.register()
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert [each.number for each in answer.receptions] == ["K3-001"]
    assert site.listed() == []
    site.tick(2)
    assert len(site.system.receptions["00012"]) == 2


def test_at_midnight_what_waits_is_given_to_staff_and_numbers_begin_again(site: Site) -> None:
    with site.system.away():
        site.register()
        site.now = datetime(2026, 12, 2, 0, 0, 1, tzinfo=UTC)
        site.tick()
    assert site.listed() == [("refused", "K3-001", "day_over")]
    assert site.store.age(DAY) is None
    assert site.store.next_custody(date(2026, 12, 2)) == 1


def test_a_damaged_store_sends_patients_to_the_counter_and_begins_again(site: Site) -> None:
    with site.system.away():
        site.register()
        site.store.close()
        (site.folder / "his.db").write_bytes(b"no database" * 1000)
        site.restart()
        assert isinstance(site.register("00013"), Trouble)
    site.tick()
    with site.system.away():
        answer = site.register("00013")
    assert isinstance(answer, InCustody)
    assert answer.number == "K3-501"


def test_an_unknown_outcome_is_settled_in_the_background(site: Site) -> None:
    leave_unknown(site)
    assert [kind for kind, _, _ in site.listed()] == ["unknown"]
    site.tick(2)
    assert site.listed() == []
    assert ("his_settled", "registered") in site.events
    register = site.front.entries(DAY, until())
    assert not isinstance(register, Trouble)
    assert [each.receptions[0].number for each in register.entries] == ["1"]
    assert len(site.system.receptions["00012"]) == 2


def test_an_unknown_outcome_that_did_not_happen_is_never_made_up_for(site: Site) -> None:
    site.system.faults = [LOST, LOST]
    answer = site.register()
    assert isinstance(answer, Trouble)
    assert answer.maybe_done
    site.now += timedelta(seconds=front.LEASE_S + 1)
    site.tick(2)
    assert ("his_settled", "not_registered") in site.events
    assert site.system.receptions == {}
    assert site.listed() == []


def test_what_came_too_late_is_cancelled_where_the_site_wants_it(site: Site) -> None:
    site.late = "cancel"
    site.restart()
    leave_unknown(site)
    site.tick(2)
    assert ("his_settled", "cancelled") in site.events
    assert site.system.receptions["00012"] == ()


def test_a_day_list_that_is_cut_is_kept_as_it_is(site: Site) -> None:
    site.system.cut = True
    site.now += timedelta(minutes=11)
    site.tick()
    assert ("day_list_kept", "cut") in site.events


def test_an_order_of_custody_and_its_list_survive_as_values(site: Site) -> None:
    with site.system.away():
        site.register("00012", WalkIn("外科", doctor_code="10001", department_code="10"))
    listed = site.front.unsettled(DAY, until())
    assert not isinstance(listed, Trouble)
    (kept,) = listed.unsettled
    assert isinstance(kept, Unsettled)
    assert kept.order.walk_in == WalkIn("外科", doctor_code="10001", department_code="10")
    assert kept.order.number == "K3-001"
    assert "00012" not in repr(kept)


def test_whom_the_list_has_as_registered_is_already(site: Site) -> None:
    site.system.receptions["00013"] = (Reception("00007", NOW, "内科", "00007"),)
    site.now += timedelta(minutes=11)
    site.tick()
    with site.system.away():
        answer = site.register("00013")
    assert isinstance(answer, Registered)
    assert not answer.ours
