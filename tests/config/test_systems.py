"""The hospital's own systems in site.toml: [reservations] on a server, [his], [numbering], and [[place]] by doctor."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from kiosk import config
from kiosk.config import ConfigError
from kiosk.config.passwords import Secret
from kiosk.config.reading import SETTINGS
from kiosk.visit.rules import Rules
from tests.site_toml import REQUIRED, Site, with_

ORCA = 'url = "orca+https://kiosk@orca:8000/api"'
POSTGRESQL = 'url = "postgresql://kiosk-03@db1,db2:5433/kiosk"'
# Between the two, an unknown outcome is asked for.
SETTLING_S = 3


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(
    ("table", "url"),
    [
        ("his", "orca+https://kiosk@192.0.2.50:8000/api"),
        ("his", "orca+http://kiosk@127.0.0.1:8000"),
        ("his", "orca+http://kiosk@[::1]:8000"),
        ("his", "orca+http://kiosk@localhost:8000"),
        ("reservations", "postgresql://kiosk-03@db1,db2:5433/kiosk"),
        ("reservations", "postgresql://kiosk@[fd00::12]/kiosk"),
    ],
)
def test_an_address_of_a_system_is_taken_as_it_is_written(site: Site, table: str, url: str) -> None:
    loaded = site.load(with_(table, f'url = "{url}"'))
    assert getattr(loaded, table).url == url
    assert loaded.has_gate


@pytest.mark.parametrize(
    ("table", "url", "says"),
    [
        ("his", "orca://kiosk@orca:8000", "orca+https://"),
        ("his", "orca+https://orca:8000", "orca+https://"),
        ("his", "orca+https://kiosk:hunter2@orca:8000", "password_file"),
        ("his", "orca+https://kiosk@orca:99999", "orca+https://"),
        ("his", "postgresql://kiosk@db/kiosk", "orca+https://"),
        ("reservations", "postgresql://kiosk:hunter2@db/kiosk", "password_file"),
        ("reservations", "postgresql://db/kiosk", "postgresql://user@host"),
        ("reservations", "orca+https://kiosk@orca", "postgresql://user@host"),
    ],
)
def test_another_address_is_refused_without_being_repeated(site: Site, table: str, url: str, says: str) -> None:
    (line,) = site.problems(with_(table, f'url = "{url}"'))
    assert line.startswith(f"[{table}] url: expected ")
    assert says in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (with_("his", 'url = "orca+http://kiosk@orca:8000"'), ["[his] url", "plain_http"]),
        (with_("his", 'numbers = "his"'), ["[his] url", "numbers"]),
        (with_("his", 'when_down = "cached"'), ["[his] when_down", "[reservations] url", "counter"]),
        (
            with_("his", 'when_down = "cached"', text=with_("reservations", POSTGRESQL)),
            ["[numbering] offline_prefix"],
        ),
        (with_("his", ORCA, 'when_down = "cached"'), ["[numbering] offline_prefix", '"K3-"']),
        (with_("numbering", 'series = "entrance"'), ["[numbering] entrance", "missing"]),
        (with_("numbering", 'entrance = "A1"'), ["[numbering] entrance", "letters"]),
        (with_("numbering", 'offline_prefix = "K3"'), ["[numbering] offline_prefix", "hyphen"]),
        (with_("his", "register_s = 9"), ["[his] register_s", "1 to 8.5"]),
        (
            with_("numbering", 'series = "department"', text=with_("his", ORCA, 'numbers = "his"')),
            ["[numbering] series", "department"],
        ),
        (
            with_("reservations", POSTGRESQL, 'share = "smb://kiosk@192.0.2.10/export"', 'import_dir = "/var/in"'),
            ["[reservations] book_password_file", "share"],
        ),
    ],
)
def test_settings_that_do_not_agree_are_named(site: Site, text: str, says: list[str]) -> None:
    (line,) = site.problems(text)
    for words in says:
        assert words in line


def test_a_system_is_given_up_before_the_patient_is_sent_to_the_counter() -> None:
    longest = {key: float(SETTINGS["his"][key].check.expected.parameters["high"]) for key in ("find_s", "register_s")}  # type: ignore[arg-type]
    limit = inspect.signature(Rules).parameters["look_up_s"].default
    assert longest["find_s"] < limit
    assert longest["register_s"] + SETTLING_S < limit


def test_passwords_are_read_by_the_gate_alone(site: Site) -> None:
    text = with_("his", ORCA, text=with_("reservations", POSTGRESQL))
    loaded = site.load(text)
    with pytest.raises(ConfigError, match=r"\[his\] password_file: .*his\.secret"):
        config.his_access(loaded, {})
    with pytest.raises(ConfigError, match=r"\[reservations\] password_file: .*appointments\.secret"):
        config.book_access(loaded, {})
    site.secret("his.secret", "orca's")
    site.secret("appointments.secret", "the book's")
    assert config.his_access(loaded, {}).password == Secret("orca's")
    assert config.book_access(loaded, {}).password == Secret("the book's")


def test_beside_a_share_the_book_has_a_password_file_of_its_own(site: Site) -> None:
    share = ('share = "smb://kiosk@192.0.2.10/export"', 'import_dir = "/var/in"')
    loaded = site.load(with_("reservations", POSTGRESQL, *share, 'book_password_file = "book.secret"'))
    site.secret("appointments.secret", "the share's")
    site.secret("book.secret", "the book's")
    assert config.book_access(loaded, {}).password == Secret("the book's")
    share_password = config.password(loaded, "reservations", loaded.reservations.share, "appointments.secret", {})
    assert share_password == Secret("the share's")


def test_a_server_on_this_machine_may_ask_for_no_password(site: Site) -> None:
    loaded = site.load(with_("reservations", 'url = "postgresql://kiosk@127.0.0.1/kiosk"', 'ca_file = "ca.pem"'))
    with pytest.raises(ConfigError, match=r"\[reservations\] ca_file: .*ca\.pem"):
        config.book_access(loaded, {})
    (site.folder / "ca.pem").write_text("PEM")
    access = config.book_access(loaded, {})
    assert access.password is None
    assert access.ca_file == loaded.file.parent / "ca.pem"


PLACES = """
[[department]]
code = "01"
name = "内科"
place = "本館"
[[place]]
department = "01"
text = "A棟2番"
[[place]]
department = "内科"
text = "B棟から2番"
entrance = "B"
[[place]]
department = "01"
text = "A棟5番"
doctor = "10001"
[[place]]
department = "眼科"
text = "3番"
"""


def test_where_to_go_depends_on_the_doctor_and_on_the_entrance(site: Site) -> None:
    at_a = site.load(REQUIRED + PLACES)
    assert at_a.place_of("内科", "").text == "A棟2番"
    assert at_a.place_of("内科", "", doctors=("佐藤", "10001")).text == "A棟5番"
    assert at_a.place_of("内科", "", doctors=("鈴木", "")).text == "A棟2番"
    assert at_a.place_of("眼科", "", doctors=("鈴木", "")).text == "3番"
    assert at_a.place_of("一般内科", "", code="01").text == "A棟2番"
    assert at_a.place_of("内科", "8番").text == "8番"
    assert at_a.places_by_department() == {"01": "A棟2番", "内科": "A棟2番", "眼科": "3番"}
    at_b = site.load(with_("numbering", 'entrance = "B"', text=REQUIRED + PLACES))
    assert at_b.place_of("01", "").text == "B棟から2番"
    assert at_b.places_by_department()["01"] == "B棟から2番"
    assert at_b.place_of("内科", "", doctors=("10001",)).text == "A棟5番"
