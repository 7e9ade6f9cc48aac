"""The demo's ORCA: what its knobs do is seen by a client of its own, and its part of site.toml is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.error import URLError

import pytest

from kiosk.config import his_access, load
from kiosk.demo import orca as demo
from kiosk.demo.orca import Orca
from kiosk.demo.people import AOI, HANAKO, JIRO, SAKURAKO, TARO, VISITORS, Visitor
from tests.peers.orca_client import OrcaClient


@pytest.fixture
def today() -> date:
    return Orca(date(2026, 1, 1)).simulated.manners.clock().date()


@pytest.fixture
def orca(today: date) -> Iterator[Orca]:
    with Orca(today) as running:
        yield running


def client_of(orca: Orca) -> OrcaClient:
    return OrcaClient(orca.simulated.http_url, orca.simulated.user, orca.simulated.password)


def number(visitor: Visitor) -> str:
    assert visitor.insured.number is not None
    return visitor.insured.number


def test_every_visitor_with_a_number_is_in_it_with_what_is_booked(orca: Orca, today: date) -> None:
    client = client_of(orca)
    rows = client.appointments(number(HANAKO), today.isoformat())["Appointlst_Information"]
    of_today = [row["Department_WholeName"] for row in rows if row["Appointment_Date"] == today.isoformat()]
    assert sorted(of_today) == ["循環器内科", "眼科"]
    (later,) = client.appointments(number(JIRO), today.isoformat())["Appointlst_Information"]
    assert later["Appointment_Date"] == (today + timedelta(days=8)).isoformat()
    reply = client.patient(number(AOI))["Patient_Information"]
    assert (reply["BirthDate"], reply["Patient_ID"]) == ("2019-05-12", "00056789")
    assert len(orca.simulated.hospital.patients) == len([each for each in VISITORS if each is not SAKURAKO])


def test_its_states_are_what_they_are_called(orca: Orca, today: date, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SLOW_S", 0.3)
    client, taro = client_of(orca), number(TARO)
    register = {
        "Request_Number": "01", "Patient_ID": taro, "Acceptance_Date": today.isoformat(), "Department_Code": "01",
        "Physician_Code": "10001",
    }  # fmt: skip
    orca.state = "busy"
    assert client.appointments(taro, today.isoformat())["Api_Result"] == "00"
    assert client.accept(**register)["Api_Result"] == "90"
    orca.state = "slow"
    with pytest.raises((URLError, TimeoutError)):
        OrcaClient(orca.simulated.http_url, "kiosk", orca.simulated.password, timeout_s=0.1).patient(taro)
    orca.state = "off"
    with pytest.raises(URLError):
        client.patient(taro)
    assert orca.state == "off"
    orca.state = "up"
    assert client.accept(**register)["Acceptance_Id"] == "00001"
    assert [one.department for one in orca.receptions(TARO)] == ["01"]
    assert '"patient": "00012345"' in orca.listed()


def test_a_window_registers_what_is_booked_today_and_no_more(orca: Orca) -> None:
    for _ in range(2):
        orca.staff_register(HANAKO)
    assert [(one.department, one.by_staff) for one in orca.receptions(HANAKO)] == [("02", True), ("04", True)]
    orca.staff_register(JIRO)
    assert len(orca.receptions()) == 2


def test_its_part_of_site_toml_is_read(orca: Orca, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    site = tmp_path / "site.toml"
    site.write_text(
        '[site]\nname = "架空総合病院"\ninstitution_code = "9912345678"\npattern = 2\n'
        f'data_dir = "{tmp_path / "data"}"\n[terminal]\nresults = "file://{tmp_path}/face"\n'
        f'[receipt_computer]\nresults = "file://{tmp_path}/to"\n[printer]\nurl = "file://{tmp_path}/printer"\n'
        f'{orca.site_toml(tmp_path)}[[place]]\ndepartment = "内科"\ntext = "2番窓口"\n',
        encoding="utf-8",
    )
    config = load(site)
    assert config.his.url == orca.simulated.url and config.his.when_down == "cached"
    password = his_access(config).password
    assert password is not None and password.reveal() == orca.simulated.password
