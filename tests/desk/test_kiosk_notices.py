"""Banners of what the kiosk has for staff: who could not be registered there, and a call."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from drivers.reservations import ReservationsDown, WalkIn
from kiosk.desk.kiosk_notices import KioskNotices
from kiosk.desk.pages import Banner
from kiosk.words.problems import Problem
from tests.desk.office import Office, office
from tests.hospital import wait_until


def banners(desk: Office, code: str) -> list[Banner]:
    return [each for each in desk.service.header().banners if each.problem.code == code]


def test_who_could_not_be_registered_is_named_until_registered(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        folder = tmp_path / "data" / "unserved"
        folder.mkdir(mode=0o700)
        lines = [
            {
                "at": "08:52",
                "way": "patient_card",
                "number": "70000001",
                "reason": "reservations_down",
                "code": "S1-07",
            },
            {"at": "08:55", "way": "mynumber", "number": "70000002", "reason": "reservations_down", "code": "S1-08"},
        ]
        (folder / "2026-01-15.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        wait_until(lambda: banners(desk, "banner.unserved"), "the banner")
        [banner] = banners(desk, "banner.unserved")
        assert banner.problem.parameters == {"count": 2}
        assert [(each.at, each.number, each.code) for each in banner.patients] == [
            ("08:52", "70000001", "S1-07"),
            ("08:55", "70000002", "S1-08"),
        ]
        assert "70000001" not in repr(banner)
        desk.reservations.walk_in("70000001", desk.today.day, desk.now[0], WalkIn("内科"), lambda: True)
        wait_until(lambda: len(banners(desk, "banner.unserved")[0].patients) == 1, "the other one")


def test_a_call_for_staff_stands_above_every_page_for_five_minutes(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        at = datetime.now(desk.now[0].tzinfo)
        desk.now[0] = at
        (tmp_path / "data" / "staff-call.json").write_text(
            json.dumps({"code": "call", "kiosk": "kiosk-2", "at": at.timestamp()})
        )
        wait_until(lambda: banners(desk, "banner.call"), "the banner")
        assert banners(desk, "banner.call") == [
            Banner(Problem("banner.call", {"kiosk": "kiosk-2", "at": f"{at:%H:%M}"}), serious=True)
        ]


class Kiosk:
    """Answers what it is given, or nothing."""

    def __init__(self) -> None:
        self.answer: Any = None

    def other(self, ask: str) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_an_answer_of_another_version_or_none_costs_nothing() -> None:
    kiosk, now = Kiosk(), datetime(2026, 1, 15, 9).astimezone()
    known = KioskNotices(kiosk, lambda reference: "", lambda: now)
    answers: tuple[Any, ...] = (
        None,
        {},
        {"unserved": 5, "call": "x"},
        {"call": {"code": "sing", "at": now.timestamp()}},
        [],
    )
    for answer in answers:
        kiosk.answer = answer
        known.refresh()
        assert (known.unserved(set()), known.call) == ((), None)
    kiosk.answer = {"unserved": [{"at": "8:00", "way": "mynumber", "number": "1", "more": 1}], "newer": 1}
    assert known.refresh()
    assert not known.refresh()
    kiosk.answer = ReservationsDown()
    assert not known.refresh()
    assert [(each.way, each.number) for each in known.unserved(set())] == [("mynumber", "1")]
