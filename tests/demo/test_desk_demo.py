"""The desk's demo in parts: its people, the morning before, and a machine without a browser."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from drivers.reservations import csv_file
from drivers.simulated.certificates import written
from kiosk.demo import chromium, desk_people, desk_pictures, evidence
from kiosk.demo.chromium import Browser, NoPicture

DAYS = (date(2026, 11, 30), date(2027, 2, 28), date(2027, 4, 1), date(2028, 2, 29))


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_morning_can_be_made_on_any_day(day: date) -> None:
    patients, visitors = desk_people.morning(day), desk_people.visitors(day)
    numbers = [each.insured.number for each in patients if each.insured.number]
    assert len(set(numbers)) == len(numbers)
    assert csv_file.read(desk_people.appointments(day, patients, visitors).encode()).bad == ()
    for patient in patients:
        assert patient.then == "waiting" or patient.booked is not None, "who was received had an appointment"
        for paper in patient.insured.papers:
            assert paper.first < paper.last
            assert written((paper,))


def test_the_pages_in_the_pictures_are_of_the_people_they_are_named_for() -> None:
    patients = desk_people.morning(DAYS[0])
    changed, missing, two, moved, no_number = (
        patients[place - 1]
        for place in (
            desk_pictures.CHANGED,
            desk_pictures.MISSING,
            desk_pictures.TWO,
            desk_pictures.ADDRESS,
            desk_pictures.NO_NUMBER,
        )
    )
    assert changed.before is not None
    assert changed.before.papers != changed.insured.papers
    assert missing.before is not None
    assert (missing.before.subsidy, missing.insured.subsidy) == ("fetched", "none")
    assert len(two.insured.papers) == 2
    assert moved.before is not None
    assert moved.before.address != moved.insured.address
    assert no_number.insured.number is None


def test_the_hospitals_list_has_everybody_once() -> None:
    day = DAYS[0]
    patients, visitors = desk_people.morning(day), desk_people.visitors(day)
    lines = desk_people.register_of(patients, visitors).splitlines()[1:]
    assert len({line.split(",")[0] for line in lines}) == len(lines) == len(patients) + len(visitors)


def test_a_machine_without_a_browser_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.program() is None


def test_a_browser_that_ends_at_once_is_said(tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(NoPicture, match="Target"), Browser(str(program), tmp_path):
        pytest.fail("it has started")
    with pytest.raises(NoPicture):
        Browser(str(tmp_path / "nowhere"), tmp_path)


def test_a_demo_says_that_there_is_no_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kiosk.demo import desk_demo

    monkeypatch.setenv("PATH", str(tmp_path))
    account = evidence.Account(lambda _: None)
    desk_demo.pictures(None, None, tmp_path, account)  # type: ignore[arg-type]  # neither is asked
    assert "chromium がない" in account.text
    assert not account.failed
