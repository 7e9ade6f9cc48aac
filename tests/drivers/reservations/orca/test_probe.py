"""What a technician is told: host, TLS, path, login, clock, doctors, list and look-up, each apart."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations.adapter import Settings
from drivers.reservations.orca.adapter import ADAPTER
from drivers.reservations.orca.probe import POINTS
from drivers.reservations.probing import Finding
from tests.drivers.reservations.orca import fake as f
from tests.drivers.reservations.orca.fake import DAY, Booked, Fake, serving

WELL = {point: "not_tried" if point == "tls" else "ok" for point in POINTS}


def probed(port: int, path: str = "", user: str = f.USER, limit_s: float = 20, **more: object) -> dict[str, Finding]:
    chosen: dict[str, object] = {"password": f.PASSWORD, "doctor": "10001", **more}
    settings = Settings(Path("/nonexistent"), **chosen)  # type: ignore[arg-type]
    assert ADAPTER.probe is not None
    scheme = "orca+https" if "ca_file" in more else "orca+http"
    found = ADAPTER.probe(f"{scheme}://{user}@127.0.0.1:{port}{path}", settings, DAY, time.monotonic() + limit_s)
    assert tuple(each.point for each in found) == POINTS
    assert user not in repr(found) and f.PASSWORD not in repr(found)
    return {each.point: each for each in found}


def verdicts(found: dict[str, Finding]) -> dict[str, str]:
    return {point: each.verdict for point, each in found.items()}


def until(bad: str, *ok: str) -> dict[str, str]:
    """`bad` is bad, what is before it is `ok`, and nothing else was tried."""
    return {point: "bad" if point == bad else "ok" if point in ok else "not_tried" for point in POINTS}


def test_all_is_well_and_nobody_was_asked_for_or_written() -> None:
    orca = Fake(booked=[("00012", Booked(DAY, "09:00:00", "01"))])
    with serving(orca) as server:
        found = probed(server.port)
    assert verdicts(found) == WELL
    assert found["day_list"].number == 1
    assert orca.writes() == []
    assert [each.fields["Patient_ID"] for each in orca.calls if "Patient_ID" in each.fields] == ["0"]


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    assert verdicts(probed(port)) == until("host")


def test_a_wrong_password() -> None:
    with serving(Fake()) as server:
        assert verdicts(probed(server.port, password="no")) == until("login", "host", "prefix")


@pytest.mark.parametrize(("served", "asked"), [("/api", ""), ("", "/api")])
@pytest.mark.parametrize("password", [f.PASSWORD, "no"])
def test_the_other_path_is_named(served: str, asked: str, password: str) -> None:
    with serving(Fake(), served) as server:
        found = probed(server.port, asked, password=password)
    assert verdicts(found) == until("prefix", "host")
    assert (found["prefix"].code, found["prefix"].number) == ("orca_prefix", 0)
    assert f"answers under {served or '/'}, and not under {asked or '/'}" in found["prefix"].what


@pytest.mark.parametrize("reply", [f.http(405, ""), f.http(404, "{}")], ids=["405", "404"])
def test_a_path_that_is_neither_with_api_nor_without(reply: bytes) -> None:
    with serving(Fake()) as server:
        server.respond = lambda connection, _, call: connection.sendall(reply)
        found = probed(server.port)
    assert verdicts(found) == until("prefix", "host")
    assert found["prefix"].code == "orca_path"


@pytest.mark.parametrize("elsewhere", [f.http(405, ""), f.http(404, "{}")], ids=["405", "404"])
def test_a_user_whom_orca_does_not_know_is_told_that_there_is_nothing(elsewhere: bytes) -> None:
    def respond(connection: socket.socket, reply: bytes, call: f.Call) -> None:
        connection.sendall(elsewhere if call.target.startswith("/api/") else f.http(404, ""))

    with serving(Fake()) as server:
        server.respond = respond
        found = probed(server.port)
    assert verdicts(found) == until("login", "host", "prefix")
    assert found["login"].code == "orca_user"


def test_something_else_than_an_orca() -> None:
    with serving(Fake()) as server:
        server.respond = lambda connection, reply, call: connection.sendall(f.http(200, "<html></html>"))
        assert verdicts(probed(server.port)) == until("prefix", "host")


def test_no_tls_and_no_file(tmp_path: Path) -> None:
    with serving(Fake()) as server:
        assert verdicts(probed(server.port, limit_s=1, ca_file=None)) == until("tls", "host")
        assert verdicts(probed(server.port, ca_file=tmp_path / "missing.pem")) == until("tls")


@pytest.mark.parametrize(("offset_s", "verdict"), [(50, "ok"), (-50, "ok"), (100, "bad"), (-86_400, "bad")])
def test_the_clock_is_compared(offset_s: int, verdict: str) -> None:
    with serving(Fake()) as server:
        found = probed(server.port, clock=lambda: datetime.now(UTC) - timedelta(seconds=offset_s))
    assert found["clock"].verdict == verdict
    assert abs(found["clock"].number - offset_s) < 30
    assert ("ahead" if offset_s > 0 else "behind") in found["clock"].what or verdict == "ok"


def test_without_its_own_time_the_web_servers_counts() -> None:
    orca = Fake()
    master = f.array("Department_Information", [f.tag("Code", "01")])
    inside = f"<xmlio2><departmentres>{f.tag('Api_Result', '00')}{master}</departmentres></xmlio2>"
    orca.answers["system01lstv2"] = lambda _: (200, inside)
    with serving(orca) as server:
        assert probed(server.port, clock=lambda: datetime.now(UTC) - timedelta(days=1))["clock"].number > 80_000


def test_a_default_doctor_whom_orca_does_not_have() -> None:
    with serving(Fake()) as server:
        assert verdicts(probed(server.port, doctor="")) == WELL
        found = probed(server.port, doctor="99999", doctors={"眼科": "88888", "01": "10002"})
    assert verdicts(found) == WELL | {"departments": "bad"}
    assert "88888, 99999" in found["departments"].what


@pytest.mark.parametrize(
    ("name", "point"), [("appointlstv2", "day_list"), ("acceptlstv2", "day_list"), ("appointlst2v2", "look_up")]
)
def test_a_call_that_is_refused_is_a_point_of_its_own(name: str, point: str) -> None:
    orca = Fake()
    orca.answers[name] = lambda _: f.xml("res", "89")
    with serving(orca) as server:
        found = probed(server.port)
    assert verdicts(found) == WELL | {point: "bad"}
    assert (found[point].code, found[point].number) == ("orca_refused", 89)


def test_a_first_question_that_is_refused_has_found_its_way() -> None:
    orca = Fake()
    orca.answers["system01lstv2"] = lambda _: f.xml("departmentres", "98")
    with serving(orca) as server:
        found = probed(server.port)
    assert verdicts(found) == until("departments", "host", "prefix", "login")
    assert (found["departments"].code, found["departments"].number) == ("orca_refused", 98)
