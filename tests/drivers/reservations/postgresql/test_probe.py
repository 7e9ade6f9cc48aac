"""What a technician is told of the book's server: each point by itself, on a real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations.adapter import Settings
from drivers.reservations.opening import probe
from drivers.reservations.probing import Finding
from tests.drivers.reservations.postgresql.test_book import DAY
from tests.peers import postgresql
from tests.peers.postgresql import PASSWORD, Database, soon

pytestmark = pytest.mark.peers
SETTINGS = Settings(Path("/nonexistent"), password=PASSWORD)


@pytest.fixture
def database() -> Database:
    made = postgresql.shared().database()
    made.role("kiosk-01")
    return made


def found(url: str, settings: Settings = SETTINGS) -> dict[str, Finding]:
    return {each.point: each for each in probe(url, settings, DAY, soon())}


def verdicts(points: dict[str, Finding]) -> dict[str, str]:
    return {point: each.verdict for point, each in points.items()}


def change(database: Database, statement: str) -> None:
    """As the superuser."""
    with database.server.connect(database.name) as connection:
        connection.execute(statement.encode())


WELL = {"host": "ok", "tls": "not_tried", "login": "ok", "clock": "ok", "schema": "ok", "day_list": "ok"}


def test_a_server_that_is_well_is_so_at_every_point_and_nothing_is_written(database: Database) -> None:
    assert verdicts(found(database.url())) == WELL
    assert database.rows("SELECT count(*) FROM kiosk.kiosk") == [(0,)]


def test_a_wrong_password_and_a_role_without_rights_are_the_login(database: Database) -> None:
    wrong = found(database.url(), replace(SETTINGS, password="another"))
    assert verdicts(wrong) == {**WELL, **dict.fromkeys(("clock", "schema", "day_list"), "not_tried"), "login": "bad"}
    assert "another" not in wrong["login"].what
    database.role("stranger", "pg_monitor")
    assert found(database.url("stranger"))["login"].code == "rights"


def test_a_host_where_nobody_listens_is_the_host(database: Database) -> None:
    points = found("postgresql://kiosk-01@127.0.0.1:1/kiosk")
    assert verdicts(points) == {**dict.fromkeys(WELL, "not_tried"), "host": "bad"}
    assert "refuses" in points["host"].what


def test_a_database_without_a_book_is_the_schema() -> None:
    emptied = postgresql.shared().database()
    emptied.role("kiosk-01")
    change(emptied, "DROP SCHEMA kiosk CASCADE")
    assert found(emptied.url())["schema"].code == "not_migrated"


def test_tables_of_an_older_version_and_a_server_that_took_over_are_the_schema(database: Database) -> None:
    change(database, "DELETE FROM kiosk.migration WHERE version > 1")
    assert found(database.url())["schema"].number == 1
    other = postgresql.shared().database()
    other.role("kiosk-01")
    change(other, "UPDATE kiosk.epoch SET timeline = 'another'")
    assert found(other.url())["schema"].code == "not_released"


def test_a_clock_that_differs_is_the_clock_and_the_rest_is_looked_at(database: Database) -> None:
    points = found(database.url(), replace(SETTINGS, clock=lambda: datetime.now(UTC) - timedelta(seconds=90)))
    assert verdicts(points) == {**WELL, "clock": "bad"}
    assert 85 <= points["clock"].number <= 95
