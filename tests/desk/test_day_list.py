"""The list is made once for all who ask, and never older than what it says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from drivers.reservations import WalkIn
from kiosk.desk.departments import Departments
from tests.book import arrive
from tests.desk.office import office
from tests.desk.test_visits import result
from tests.hospital import wait_until


def test_it_is_made_once_a_revision(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.tap(result(number="70000001"))
        wait_until(lambda: desk.service.day().rows[0].may_walk_in, "the patient is looked up")
        made = desk.service.day()
        assert desk.service.day().rows is made.rows
        assert desk.service.header().open == made.header.open
        desk.tap(result(number="70000002"))
        assert [row.seq for row in desk.service.day().rows] == [2, 1]


def test_it_follows_the_hours_of_departments_without_a_new_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office(tmp_path) as desk:
        desk.tap(result(number="70000001"))
        wait_until(lambda: desk.service.day().rows[0].may_walk_in, "the patient is looked up")
        all_day = Departments.receiving
        monkeypatch.setattr(Departments, "receiving", lambda of, now: all_day(of, now) if now.hour < 12 else ())
        revision = desk.service.header().revision
        desk.now[0] += timedelta(hours=4)
        page = desk.service.day()
        assert (page.header.revision, page.rows[0].may_walk_in) == (revision, False)


def test_names_of_who_did_not_tap_follow_the_hospitals_list(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        at = desk.now[0]
        arrive(desk.reservations, "70000002", desk.today.day, at, WalkIn("内科"))
        wait_until(lambda: desk.service.day().arrivals, "the register is read")
        names = [each.name for each in desk.service.day().arrivals or ()]
        assert names == ["例示 花"]
        (tmp_path / "patients.csv").write_text("number,name,kana,birth\n70000002,例示 はな,レイジ ハナ,1950-01-02\n")
        patients = desk.parts.numbers._patients
        assert patients is not None
        wait_until(lambda: patients.refresh() or patients.of_number("70000001") is None, "the table is read anew")
        assert [each.name for each in desk.service.day().arrivals or ()] == ["例示 はな"]
        # Who taps is named by the card, and so is the arrival.
        desk.tap(result(number="70000002"))
        wait_until(lambda: (desk.service.day().arrivals or ())[0].seq == 1, "the visit is known")
        assert (desk.service.day().arrivals or ())[0].name == desk.service.day().rows[0].name
