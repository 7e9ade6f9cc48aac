"""What the kiosk has for staff: who could not be registered there, in 要確認, and a call, as a banner."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.reservations import ReservationsDown, Trouble, WalkIn
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.desk.acts import ConfirmUnserved, Done, Outcome, Outdated, Refused
from kiosk.desk.kiosk_notices import KioskNotices
from kiosk.desk.pages import Banner
from kiosk.reception import unserved
from kiosk.words.problems import Problem
from tests.book import arrive
from tests.desk.office import Office, office
from tests.desk.test_visits import result
from tests.hospital import wait_until

CARD = {"at": "08:52", "way": "patient_card", "number": "70000001", "reason": "reservations_down", "code": "S1-07"}
MY_NUMBER = {**CARD, "at": "08:55", "way": "mynumber", "number": "70000002", "code": "S1-08"}
# The lines of [desk] end; a kiosk has a printer.
WITH_KIOSK = '[printer]\nurl = "file:///nowhere/slips"\n'


def banners(desk: Office, code: str) -> list[Banner]:
    return [each for each in desk.service.header().banners if each.problem.code == code]


def keep(folder: Path, *lines: dict[str, str]) -> Path:
    """The kiosk's list of the day."""
    listed = folder / "data" / "unserved"
    listed.mkdir(mode=0o700, exist_ok=True)
    file = listed / "2026-01-15.jsonl"
    with file.open("a") as out:
        out.write("".join(json.dumps(line) + "\n" for line in lines))
    return file


def until_listed(desk: Office, count: int) -> None:
    wait_until(lambda: len(desk.service.day().unserved) == count, f"{count} of the list")


def act(desk: Office, line: int, code: str) -> Outcome:
    return desk.service.act(ConfirmUnserved(line, code), "jun", "192.0.2.1")


def test_who_could_not_be_registered_waits_until_registered_or_taken_care_of(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        keep(tmp_path, CARD, MY_NUMBER, {**CARD, "number": "79999999", "code": "S1-09"})
        until_listed(desk, 3)
        page = desk.service.day()
        assert [(each.line, f"{each.at:%H:%M}", each.code, each.number, each.name) for each in page.unserved] == [
            (1, "08:52", "S1-07", "70000001", "例示 翔"),
            (2, "08:55", "S1-08", "70000002", "例示 花"),
            (3, "08:52", "S1-09", "79999999", ""),
        ]
        assert "70000001" not in repr(page.unserved) and "例示" not in repr(page.unserved)
        assert (page.header.open, desk.parts.standing.look().open) == (3, 3)
        assert not page.header.overdue
        desk.now[0] += timedelta(minutes=40)
        desk.today.touch()
        assert desk.service.header().overdue
        since = desk.parts.standing.look().open_since
        assert since is not None and f"{since:%H:%M}" == "08:52"
        arrive(desk.reservations, "70000001", desk.today.day, desk.now[0], WalkIn("内科"))
        until_listed(desk, 2)
        assert act(desk, 3, "S1-09") == Done()
        assert [each.code for each in desk.service.day().unserved] == ["S1-08"]
        assert act(desk, 3, "S1-09") == Done(already=True)
        assert desk.audited()[-1][:3] == ("jun", "confirm_unserved", "done")
        assert [each.served for each in unserved.read(tmp_path / "data", desk.today.day)] == ["", "", "09:40"]
        # What the next list has in this line is somebody else.
        assert act(desk, 2, "S1-07") == Outdated()
        assert desk.service.header().open == 1
    with office(tmp_path) as again:
        until_listed(again, 1)


def test_who_tapped_has_the_page_and_the_name_of_the_tap(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.tap(result(number="70000001", name="別の　方"))
        keep(tmp_path, {**CARD, "number": "0012345"}, {**MY_NUMBER, "number": "70000001"})
        until_listed(desk, 2)
        assert [(each.seq, each.name) for each in desk.service.day().unserved] == [(None, ""), (1, "別の　方")]
        # Two who brought the same number are two: which of them it was is not known.
        desk.tap(result(number="70000001", name="もう一人", birth="19500102"))
        assert [(each.seq, each.name) for each in desk.service.day().unserved][1] == (None, "例示 翔")


def test_the_list_comes_while_the_reservations_are_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is when somebody is on it."""
    for call in ("entries", "unsettled"):
        monkeypatch.setattr(SqliteReservations, call, lambda *_: Trouble("unreachable", "no database"))
    with office(tmp_path) as desk:
        keep(tmp_path, CARD)
        until_listed(desk, 1)
        assert act(desk, 1, "S1-07") == Done()
        assert desk.service.day().unserved == ()


def test_a_list_that_cannot_be_read_is_said_and_keeps_what_was_known(tmp_path: Path) -> None:
    with office(tmp_path, desk=WITH_KIOSK) as desk:
        file = keep(tmp_path, CARD)
        until_listed(desk, 1)
        assert not banners(desk, "banner.unserved")
        # A file that leads to itself, put there in one step.
        file.with_name("loop").symlink_to(file)
        file.with_name("loop").replace(file)
        wait_until(lambda: banners(desk, "banner.unserved"), "the banner")
        assert [each.code for each in desk.service.day().unserved] == ["S1-07"]
        assert act(desk, 1, "S1-07") == Refused(Problem("not_done.kiosk"))
        file.unlink()
        until_listed(desk, 0)
        assert not banners(desk, "banner.unserved")


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

    def other(self, ask: str, **_: object) -> Any:
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
        {"unserved": None, "call": {"code": "sing", "at": now.timestamp()}},
        [],
        "word",
    )
    for answer in answers:
        kiosk.answer = answer
        known.refresh()
        assert (known.unserved(None), known.call, known.reached) == ((), None, False)
    kiosk.answer = {"unserved": [{"at": "8:00", "way": "mynumber", "number": "1", "more": 1}], "newer": 1}
    assert known.refresh()
    assert not known.refresh()
    [waits] = known.unserved(None)
    assert (waits.reference, waits.patient, f"{waits.at:%H:%M}") == ("1", "", "00:00")
    kiosk.answer = ReservationsDown()
    assert known.refresh() and not known.reached
    assert not known.refresh()
    assert known.unserved(None) == (waits,)
    now += timedelta(days=1)
    assert known.unserved(None) == (), "nobody is named on another day"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("done", Done()),
        ("already", Done(already=True)),
        ("unknown", Outdated()),
        (["newer"], Outdated()),
        (ReservationsDown(), Refused(Problem("not_done.kiosk"))),
    ],
)
def test_what_was_not_kept_is_not_said_to_be_done(answer: object, outcome: Outcome) -> None:
    kiosk = Kiosk()
    kiosk.answer = answer
    known = KioskNotices(kiosk, lambda reference: "", lambda: datetime(2026, 1, 15, 9).astimezone())
    assert known.serve(1, "S1-07") == outcome
