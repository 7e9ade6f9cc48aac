"""What a technician is told of the server, point by point; what is too old goes, and nothing of this week."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from drivers.reservations import ReservationsDown
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import probe
from drivers.reservations.postgresql.book import PostgresBook
from drivers.reservations.postgresql.copies import Copies
from tests.peers import postgresql
from tests.peers.postgres_kiosks import DAY, line, order, put, registered
from tests.peers.postgresql import PASSWORD, Database

pytestmark = pytest.mark.peers


@pytest.fixture
def database() -> Database:
    made = postgresql.shared().database()
    made.role("kiosk-01")
    return made


def found(url: str, settings: Settings) -> dict[str, tuple[str, str]]:
    return {each.point: (each.verdict, each.code) for each in probe(url, settings, DAY, time.monotonic() + 20)}


def test_each_point_is_told_apart(database: Database, tmp_path: Path) -> None:
    settings = Settings(tmp_path, password=PASSWORD, name="k")
    well = found(database.url(), settings)
    # On this machine nothing is encrypted.
    assert {point: each for point, each in well.items() if each != ("ok", "")} == {"tls": ("not_tried", "")}
    wrong = found(database.url(), replace(settings, password="x"))
    assert (wrong["host"], wrong["login"]) == (("ok", ""), ("bad", "login"))
    assert wrong["schema"] == ("not_tried", "")
    ahead = replace(settings, clock=lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert found(database.url(), ahead) == {**well, "clock": ("bad", "clock_s")}
    with database.server.connect(database.name) as connection:
        connection.execute("UPDATE kiosk.migration SET version = 0")
        assert found(database.url(), settings)["schema"] == ("bad", "not_migrated")
        connection.execute("UPDATE kiosk.epoch SET timeline = 'another'")
        assert found(database.url(), settings)["schema"] == ("bad", "not_released")
        connection.execute("DROP SCHEMA kiosk CASCADE")
    assert found(database.url(), settings)["schema"] == ("bad", "not_migrated")
    assert found("postgresql://k@127.0.0.1:1/x", settings)["host"] == ("bad", "connection_refused")


def test_what_is_too_old_is_deleted_and_nothing_of_the_last_week(database: Database, tmp_path: Path) -> None:
    days = [DAY - timedelta(each) for each in (0, 2, 30)]
    put(database, tmp_path, *(line("1", "9:00", "内科", day) for day in days))
    book = database.book(tmp_path / "k", "kiosk-01")
    for day in days:
        registered(book, order("1", day=day))
    with pytest.raises(ReservationsDown) as refused:
        book.forget(DAY)
    assert refused.value.code == "rights"
    hub = database.book(tmp_path / "hub", "hub")
    assert isinstance(hub, PostgresBook)
    hub.forget(DAY + timedelta(1))
    for table in ("appointment", "registered", "visit", "reception", "counter"):
        assert sorted(database.rows(f"SELECT day FROM kiosk.{table}")) == [(days[1],), (days[0],)]
    book.close()
    hub.close()


def test_display_boards_see_numbers_and_no_patient(database: Database, tmp_path: Path) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"), line("1", "10:00", "眼科"))
    book = database.book(tmp_path / "k", "kiosk-01")
    registered(book, order("1"))
    database.role("board", "kiosk_display")
    with psycopg.connect(database.url("board"), password=PASSWORD) as board:
        rows = board.execute("SELECT * FROM kiosk.waiting ORDER BY department").fetchall()
    assert [row[:2] for row in rows] == [("内科", "1"), ("眼科", "1")]
    book.close()


def test_copies_of_days_before_yesterday_are_forgotten_and_half_a_line_is_passed_over(tmp_path: Path) -> None:
    copies = Copies(tmp_path / "k")
    for before in (5, 1, 0):
        copies.keep({"day": (DAY - timedelta(before)).isoformat(), "n": before})
    with (tmp_path / "k" / f"book-copies-{DAY.isoformat()}.jsonl").open("a") as file:
        file.write('{"day": "202')
    copies.keep({"day": DAY.isoformat(), "n": 7})
    assert [each["n"] for each in copies.everything()] == [1, 0, 7]
    assert (copies.accepts("1/00000002"), copies.accepts("1/00000001"), copies.accepts("2/00000001")) == (
        True,
        False,
        True,
    )
    assert not Copies(tmp_path / "k").accepts("1/00000001")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "k").iterdir()}
    assert modes == {0o600}
