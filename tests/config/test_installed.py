"""What an installed site needs of its machine: services, folders, credentials; where a desk alone is no appliance."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk import config
from kiosk.config import Config, installed
from kiosk.words.problems import word
from tests.config.test_desk import ALONE
from tests.site_toml import REQUIRED, with_

HERE = REQUIRED.replace("/nowhere/kiosk", "/var/lib/kiosk")
DESK_ALONE = ALONE.replace("/nowhere/kiosk", "/var/lib/kiosk")


def load(folder: Path, text: str) -> Config:
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, {}, passwords=False)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        (HERE, ["kiosk-courier", "kiosk"]),
        (with_("desk", text=HERE), ["kiosk-courier", "kiosk", "kiosk-reservations", "kiosk-desk"]),
        (DESK_ALONE, ["kiosk-reservations", "kiosk-desk"]),
        (
            DESK_ALONE + '[receipt_computer]\nresults = "file:///srv/out"\n',
            ["kiosk-courier", "kiosk-reservations", "kiosk-desk"],
        ),
        (
            with_("his", 'url = "orca+https://kiosk@orca:8000"', text=HERE),
            ["kiosk-courier", "kiosk-his", "kiosk"],
        ),
        (with_("metrics", 'push = "file:///srv/figures"', text=HERE), ["kiosk-courier", "kiosk", "kiosk-metrics"]),
    ],
)
def test_a_pc_runs_what_its_site_has_and_delivery_first(tmp_path: Path, text: str, units: list[str]) -> None:
    assert installed.services(load(tmp_path, text)) == units


def test_a_desk_alone_is_no_appliance(tmp_path: Path) -> None:
    site = load(tmp_path, DESK_ALONE.replace("file:///srv/face", "smb://kiosk@192.0.2.10/face"))
    assert installed.folder_problems(site) == []
    lines = [word(each, "config", "en") for each in installed.appliance_problems(site)]
    assert [line.split(":")[0] for line in lines] == ["[receipt_computer]", "[printer]"]


def test_what_the_services_could_not_use_is_named(tmp_path: Path) -> None:
    text = with_("desk", 'listen = "127.0.0.1:443"', 'export = "/home/a/out"', text=HERE)
    lines = [word(each, "config", "en") for each in installed.folder_problems(load(tmp_path, text))]
    assert len(lines) == 2 and "1024" in lines[0] and "/home/a/out" in lines[1]
    text = DESK_ALONE.replace("/srv/face", "/tmp/face") + 'patients = "/home/a/patients.csv"\n'
    lines = [word(each, "config", "en") for each in installed.folder_problems(load(tmp_path, text))]
    assert len(lines) == 2 and "/home/a" in lines[0] and "/tmp/face" in lines[1]


def test_on_the_appliance_a_table_of_patients_comes_with_the_site(tmp_path: Path) -> None:
    for name, count in (("patients.csv", 0), ("/srv/patients.csv", 1)):
        site = load(tmp_path, with_("desk", f'patients = "{name}"', text=HERE))
        assert len(installed.appliance_problems(site)) == count


def test_subsidies_that_are_not_delivered_are_the_desks_to_read(tmp_path: Path) -> None:
    delivering = DESK_ALONE.replace('"watch"', '"courier"') + '[receipt_computer]\nresults = "file:///srv/out"\n'
    both = delivering.replace("[desk]", 'subsidies = "file:///srv/res"\n[desk]')
    site = load(tmp_path, both)
    assert installed.courier_writes(site) == [Path("/srv/face"), Path("/srv/out")]
    assert load(tmp_path, both + 'subsidies = "file:///srv/out_res"\n').only_reads_subsidies is False
    for text, wanted in ((both, True), (delivering, False)):
        over_smb = text.replace("file:///srv/", "smb://kiosk@192.0.2.10/")
        site = load(tmp_path, over_smb)
        assert ("terminal.secret" in installed.secrets(site)["kiosk-desk"]) is installed.lends_password(site) is wanted


def test_the_gate_has_the_secrets_of_the_systems_and_the_check_too(tmp_path: Path) -> None:
    site = load(tmp_path, with_("his", 'url = "orca+https://kiosk@orca:8000"', 'ca_file = "orca.pem"', text=HERE))
    assert installed.secrets(site)["kiosk-his"] == ("his.secret", "orca.pem")
    assert set(installed.secrets(site)["kiosk-check"]) >= {"his.secret", "orca.pem"}
    text = with_("reservations", 'url = "postgresql://kiosk@db/kiosk"', text=HERE)
    assert installed.secrets(load(tmp_path, text))["kiosk-his"] == ("appointments.secret",)
    assert installed.secrets(load(tmp_path, text))["kiosk-appointments"] == ()
    assert installed.secrets(load(tmp_path, HERE))["kiosk-his"] == ()


def test_a_desk_that_delivers_nothing_only_reads_the_terminals_folder(tmp_path: Path) -> None:
    site = load(tmp_path, DESK_ALONE)
    assert installed.courier_writes(site) == [] and installed.desk_writes(site) == []
