"""`kiosk arrivals` and `kiosk unsettled`: what stands in the lists of a day, for people and for programs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.reservations import Kept, Unsettled, WalkIn
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.__main__ import main
from tests.book import arrive, cancel, order, soon
from tests.site_toml import REQUIRED, Site, with_

AT = datetime(2026, 1, 15, 9, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
DAY = AT.date()


class Lists:
    """The commands beside a book."""

    def __init__(self, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
        self._site, self._capsys = site, capsys
        self.data = site.folder / "data"
        site.load(with_("site", f'data_dir = "{self.data}"', text=REQUIRED))
        self.code = 0

    @property
    def book(self) -> SqliteReservations:
        self.data.mkdir(mode=0o700, exist_ok=True)
        return SqliteReservations(self.data)

    def of(self, name: str, *more: str) -> list[str]:
        self.code = main((name, "--config", str(self._site.file), *more))
        return self._capsys.readouterr().out.splitlines()

    def parts(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.of(name, "--day", "2026-01-15", "--json")]


@pytest.fixture
def lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lists:
    return Lists(Site(tmp_path), capsys)


def test_where_nothing_was_ever_registered_the_lists_are_empty_and_no_database_is_made(lists: Lists) -> None:
    assert [(lists.of(name), lists.code) for name in ("arrivals", "unsettled", "unserved")] == [([], 0)] * 3
    assert not lists.data.exists()


def test_arrivals_are_in_the_order_of_registration_with_what_was_cancelled(lists: Lists) -> None:
    book = lists.book
    arrive(book, "0012", DAY, AT, WalkIn("眼科"))
    arrive(book, "0034", DAY, AT, WalkIn("内科"))
    cancel(book, "0012", DAY, AT, "left")
    assert lists.of("arrivals", "--day", "2026-01-15") == ["09:30 1 0012 cancelled left", "09:30 2 0034 内科"]
    first, second = lists.parts("arrivals")
    assert (first["cancelled"], second["cancelled"]) == ("left", None)
    assert (second["number"], second["departments"], second["at"]) == ("0034", ["内科"], "2026-01-15T09:30:00+09:00")
    assert second["receptions"] == [{"number": "2", "department": "", "entrance": ""}]
    assert int(first["line"]) < int(second["line"])
    assert lists.of("arrivals") == [], "today is another day"


def test_orders_that_are_not_settled_say_why(lists: Lists) -> None:
    noted = Unsettled("custody", order("0012", DAY, AT), AT, "K3-001", "the system does not answer")
    assert isinstance(lists.book.note(noted, soon()), Kept)
    assert lists.of("unsettled", "--day", "2026-01-15") == ["09:30 custody 0012 K3-001 the system does not answer"]
    [parts] = lists.parts("unsettled")
    assert parts == {
        "at": "2026-01-15T09:30:00+09:00",
        "kind": "custody",
        "number": "0012",
        "called": "K3-001",
        "what": "the system does not answer",
        "attempt": noted.order.attempt,
    }


@pytest.mark.parametrize("name", ["arrivals", "unsettled"])
def test_a_book_that_does_not_answer_is_said(lists: Lists, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lists.book.file.path.exists()
    lists.book.file.path.write_bytes(b"no database" * 1000)
    assert main((name, "--config", str(lists._site.file))) == 1
    assert "reservations.db" in capsys.readouterr().err
