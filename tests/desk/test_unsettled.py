"""Orders that are not settled at the hospital's system, in 要確認: until they are, or staff have dealt with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.reservations import Kept, Trouble, Unsettled, UnsettledKind
from kiosk.desk import unsettled
from kiosk.desk.acts import ConfirmUnsettled, Done, Refused
from kiosk.words.problems import Problem
from tests.book import order, soon
from tests.desk.office import Office, office
from tests.desk.test_kiosk_notices import CARD, keep
from tests.desk.test_visits import result
from tests.hospital import wait_until


def note(desk: Office, patient: str, kind: UnsettledKind, number: str = "") -> Unsettled:
    """Put an order on the book's list, as who talks to the hospital's system does."""
    noted = Unsettled(kind, order(patient, desk.today.day, desk.now[0]), desk.now[0], number, "no answer")
    assert isinstance(desk.reservations.note(noted, soon()), Kept)
    return noted


def until_listed(desk: Office, *kinds: str) -> None:
    wait_until(lambda: [each.kind for each in desk.service.day().unsettled] == list(kinds), f"{kinds} listed")


def act(desk: Office, attempt: str) -> object:
    return desk.service.act(ConfirmUnsettled(attempt), "jun", "192.0.2.1")


def codes(found: Iterable[object]) -> list[str]:
    return [str(getattr(each, "code", "")) for each in found]


def test_they_wait_oldest_first_until_staff_have_dealt_with_them(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.tap(result())
        first = note(desk, "70000001", "unknown")
        desk.now[0] += timedelta(minutes=5)
        note(desk, "70000002", "custody", "K3-001")
        until_listed(desk, "unknown", "custody")
        page = desk.service.day()
        assert [(each.number, each.name, each.called, each.seq) for each in page.unsettled] == [
            ("70000001", "例示　翔", "", 1),
            ("70000002", "例示 花", "K3-001", None),
        ]
        assert "70000001" not in repr(page.unsettled) and "例示" not in repr(page.unsettled)
        assert page.header.open == desk.parts.standing.look().open >= 2
        since = desk.parts.standing.look().open_since
        assert since is not None and since <= first.since
        assert act(desk, first.order.attempt) == Done()
        until_listed(desk, "custody")
        assert act(desk, first.order.attempt) == Done(already=True)
        name, permission, how, _ = desk.audited()[-2]
        assert (name, permission, how) == ("jun", "confirm_unsettled", "done")


def test_who_could_not_be_registered_at_the_kiosk_either_is_named_once_and_dealt_with_once(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        keep(tmp_path, {**CARD, "code": "S3-07"}, {**CARD, "number": "70000002", "code": "S1-08"})
        noted = note(desk, "70000001", "unknown")
        until_listed(desk, "unknown")
        wait_until(lambda: codes(desk.service.day().unserved) == ["S1-08"], "the other one alone")
        assert codes(desk.service.day().unsettled) == ["S3-07"]
        assert act(desk, noted.order.attempt) == Done()
        until_listed(desk)
        wait_until(lambda: codes(desk.service.day().unserved) == ["S1-08"], "both are done")


def test_one_that_is_settled_by_itself_goes(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        noted = note(desk, "70000001", "custody", "K3-001")
        until_listed(desk, "custody")
        assert isinstance(desk.reservations.noted_done(noted.order, soon()), Kept)
        until_listed(desk)


def test_what_cannot_be_noted_stays_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with office(tmp_path) as desk:
        noted = note(desk, "70000001", "refused")
        until_listed(desk, "refused")
        with monkeypatch.context() as patch:
            patch.setattr(desk.reservations, "noted_done", lambda *_: Trouble("unreachable", "full"))
            assert act(desk, noted.order.attempt) == Refused(Problem("not_done.unsettled"))
        until_listed(desk, "refused")


def test_those_of_days_before_wait_too_and_hide_nothing_of_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsettled, "_EARLIER_S", 0.0)
    with office(tmp_path) as desk:
        keep(tmp_path, {**CARD, "code": "S1-07"})
        day = desk.today.day - timedelta(days=3)
        at = desk.now[0] - timedelta(days=3)
        noted = Unsettled("refused", order("70000001", day, at), at, "K3-001", "day_over")
        assert isinstance(desk.reservations.note(noted, soon()), Kept)
        until_listed(desk, "refused")
        (row,) = desk.service.day().unsettled
        assert (row.called, row.code) == (f"{day.month}/{day.day} K3-001", "")
        wait_until(lambda: codes(desk.service.day().unserved) == ["S1-07"], "the one of today")
        assert act(desk, noted.order.attempt) == Done()
        until_listed(desk)
        assert codes(desk.service.day().unserved) == ["S1-07"]
