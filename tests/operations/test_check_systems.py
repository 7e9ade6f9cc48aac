"""`kiosk check` of the hospital's own systems: what an adapter finds becomes a line for each point."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from drivers.reservations import opening
from drivers.reservations.adapter import Settings
from drivers.reservations.probing import Finding as Found
from drivers.reservations.probing import Point
from drivers.simulated.orca import SimulatedOrca
from kiosk.config import Config
from kiosk.operations.check import files, plan, systems
from kiosk.operations.check.finding import Finding
from kiosk.operations.check.schedule import Schedule
from tests.site_toml import REQUIRED, Site, with_

LOOPBACK = 'url = "orca+http://kiosk@127.0.0.1:8000/api"'
ON_THE_LAN = 'url = "orca+http://kiosk@192.0.2.50:8000/api"'
WELL = tuple(
    Found(point, "ok")
    for point in ("host", "tls", "prefix", "login", "clock", "departments", "day_list", "look_up")
)  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.secret("his.secret", "the system's\n")
    return made


def of_his(site: Site, *lines: str) -> Config:
    text = with_("his", *lines, text=REQUIRED)
    return site.load(text.replace("/nowhere/kiosk", str(site.folder / "data")))


def found(config: Config) -> dict[str, Finding]:
    return {each.code: each for each in Schedule(list(systems.jobs(config)), threading.Event())}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    """What the adapter finds; the last of it is its settings."""
    given: list[Found] = []

    def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Found, ...]:
        assert url.startswith("orca+") and settings.password == "the system's"
        assert until > time.monotonic() and day >= date(2026, 1, 1)
        return tuple(given)

    monkeypatch.setattr(opening, "probe", probe)
    return given


def test_a_site_whose_book_is_in_its_data_folder_has_no_such_lines(site: Site) -> None:
    codes = {code for job in plan.jobs(site.load(), plan.Options(False, None, threading.Event())) for code in job.codes}
    assert not [code for code in codes if code.startswith(("his_", "book_"))]


def test_each_point_is_one_line(site: Site, answers: list[Found]) -> None:
    answers += WELL
    lines = found(of_his(site, LOOPBACK))
    points = [f"his_{each.point}" for each in WELL]
    assert list(lines) == [*points, "his_running"]
    assert {lines[code].result for code in points} == {"OK"}
    assert lines["his_running"].result == "SKIP"  # no gate listens


def test_what_is_wrong_is_one_point_and_what_follows_it_is_not_tried(site: Site, answers: list[Found]) -> None:
    answers += WELL[:3]
    answers.append(Found("login", "bad", "HTTP 401"))
    answers += [Found(each.point, "not_tried") for each in WELL[4:]]
    lines = found(of_his(site, LOOPBACK))
    results = {code: each.result for code, each in lines.items() if each.result != "OK"}
    assert results == {
        "his_login": "NG", "his_clock": "SKIP", "his_departments": "SKIP", "his_day_list": "SKIP",
        "his_look_up": "SKIP", "his_running": "SKIP",
    }  # fmt: skip
    assert "HTTP 401" in lines["his_login"].message
    assert "password_file" in lines["his_login"].do()


@pytest.mark.parametrize(("line", "result"), [(LOOPBACK, "SKIP"), (ON_THE_LAN, "OK")])
def test_patients_data_in_clear_is_said_at_every_run(site: Site, answers: list[Found], line: str, result: str) -> None:
    answers += [each for each in WELL if each.point != "tls"]
    for _ in range(2):
        each = found(of_his(site, line, "plain_http = true"))["his_tls"]
        assert each.result == result
        assert ("暗号化していません" in each.message) is (result == "OK") is bool(each.do())


def test_a_missing_password_is_named_and_nothing_else_is_tried(site: Site, answers: list[Found]) -> None:
    (site.folder / "his.secret").unlink()
    answers += WELL
    lines = found(of_his(site, ON_THE_LAN, "plain_http = true"))
    assert lines["his_login"].result == "NG" and "his.secret" in lines["his_login"].message
    assert {each.result for code, each in lines.items() if code != "his_login"} == {"SKIP"}


def test_nobodys_name_and_no_password_is_in_a_line(site: Site, answers: list[Found]) -> None:
    answers += [Found("host", "bad", "no answer within 30 s"), *(Found(each.point, "not_tried") for each in WELL[1:])]
    for each in found(of_his(site, LOOPBACK)).values():
        assert "the system's" not in each.line() and "kiosk@" not in each.line()


def test_a_book_on_a_server_has_lines_of_its_own(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    points: tuple[Point, ...] = ("host", "tls", "login", "clock", "schema", "day_list")
    monkeypatch.setattr(opening, "probe", lambda *_: tuple(Found(point, "ok") for point in points))
    url = 'url = "postgresql://kiosk@127.0.0.1/kiosk"'
    lines = found(site.load(with_("reservations", url)))
    assert list(lines) == [*(f"book_{point}" for point in points), "his_running"]
    assert {lines[f"book_{point}"].result for point in points} == {"OK"}


def test_a_server_that_is_not_released_is_not_to_be_migrated(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Found("schema", "bad", "another server", "not_released")
    monkeypatch.setattr(opening, "probe", lambda *_: (bad,))
    lines = found(site.load(with_("reservations", 'url = "postgresql://kiosk@127.0.0.1/kiosk"')))
    assert "after-failover" in lines["book_schema"].do() and "migrate" not in lines["book_schema"].do()


def test_its_password_is_a_secret_and_its_appointments_are_asked_there(site: Site) -> None:
    loaded = of_his(site, LOOPBACK)
    assert {each.result for each in files.appointments(loaded)} == {"SKIP"}
    assert not any("取り込" in each.message for each in files.appointments(loaded))
    (site.folder / "his.secret").chmod(0o644)
    assert files.secrets(loaded).result == "NG" and "his.secret" in files.secrets(loaded).message


# --- a whole one ------------------------------------------------------------------------------------------------------


@pytest.fixture
def orca() -> Iterator[SimulatedOrca]:
    with SimulatedOrca() as made:
        yield made


def of_orca(site: Site, url: str, password: str) -> dict[str, str]:
    """Results by code, without those that are OK."""
    site.secret("his.secret", password)
    return {code: each.result for code, each in found(of_his(site, f'url = "{url}"')).items() if each.result != "OK"}


def test_an_orca_is_looked_at_without_anything_being_written_there(site: Site, orca: SimulatedOrca) -> None:
    assert of_orca(site, orca.url, orca.password) == {"his_tls": "SKIP", "his_running": "SKIP"}
    assert orca.hospital.receptions == []


def test_login_path_and_host_of_an_orca_are_told_apart(site: Site, orca: SimulatedOrca) -> None:
    wrong = of_orca(site, orca.url, "another")
    assert [code for code, result in wrong.items() if result == "NG"] == ["his_login"]
    path = orca.url.removesuffix("/api") if orca.url.endswith("/api") else f"{orca.url}/api"
    wrong = of_orca(site, path, orca.password)
    assert [code for code, result in wrong.items() if result == "NG"] == ["his_prefix"]
    orca.stop()
    wrong = of_orca(site, orca.url, orca.password)
    assert [code for code, result in wrong.items() if result == "NG"] == ["his_host"]
