"""site.toml: every name and default of the contract, shares and their passwords, opening hours."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

from kiosk.config.checks import ClosedDay
from kiosk.config.passwords import Secret
from kiosk.config.reading import SETTINGS
from tests import ROOT
from tests.site_toml import REQUIRED, Site, shares, with_

EXAMPLE = ROOT / "deploy" / "site.toml"

# The contract: what may be left out and what it is then, None for keys that must be there.
CONTRACT: dict[str, dict[str, Any]] = {
    "site": {
        "name": None, "institution_code": None, "pattern": None, "data_dir": None, "timezone": "Asia/Tokyo",
        "closed_days": (),
    },
    "terminal": {
        "results": None, "subsidies": "", "password_file": "terminal.secret", "poll_interval_s": 0.25,
        "relist_interval_s": 5.0, "subsidy_wait_s": 5,
    },
    "receipt_computer": {"results": None, "subsidies": "", "password_file": "receipt_computer.secret", "staging": ""},
    "visit": {
        "result_wait_s": 60, "reader_min_s": 6, "settle_s": 0.5, "unclean_s": 200, "birthday": "after_unclean",
        "result_max_bytes": 1048576, "card_wait_s": 60, "birthday_wait_s": 60, "done_s": 15, "counter_s": 20,
    },
    "arrival": {"early_min": 0, "late_min": 0, "early": "counter", "late": "counter"},
    "reservations": {
        "url": "sqlite", "import_dir": "", "share": "", "password_file": "appointments.secret",
        "book_password_file": "", "ca_file": "", "final_line_end": "required", "shrunk_day": "import", "keep_days": 90,
    },
    "his": {
        "url": "", "password_file": "his.secret", "client_certificate_file": "", "ca_file": "", "plain_http": False,
        "find_s": 5, "register_s": 8, "numbers": "book", "doctor": "", "when_down": "counter", "cached_max_h": 12,
        "day_list_every_min": 10, "late": "keep",
    },
    "numbering": {"series": "hospital", "entrance": "", "offline_prefix": ""},
    "reference_numbers": {"map": ""},
    "printer": {
        "url": None, "width_mm": 80, "barcode": "code128", "counter_slip": False, "status": True, "poll_s": 30,
    },
    "screen": {
        "width_px": 1080, "height_px": 1920, "diagonal_inch": 21.5, "fullscreen": True, "rotation": 0,
        "languages": ("ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt"), "default_language": "ja",
        "theme": "normal", "reader": "", "reader_side": "", "reader_phone": False, "slip_at": "", "mounting_cm": 0,
    },
    "counter": {"window": "", "text": "", "call": False},
    "insurance": {"monthly_reminder": False, "key_check": False},
    "alarm": {"command": ()},
    "card_reader": {
        "url": "serial:///dev/ttyS0?baudrate=9600", "end": "CR", "pattern": "^([0-9A-Za-z-]{1,20})$", "also": "",
        "birthday": "never",
    },
    "desk": {
        "listen": "127.0.0.1:8443", "certificate_file": "", "key_file": "", "client_ca_file": "", "allow": (),
        "feed": "courier", "register": "manual", "print": "manual", "printer": "", "requests": "", "answers": "",
        "patients": "", "keep_values": True, "keep_days": 0, "password_file": "desk.secret", "export": "",
        "always_department": "", "attention_min": 30,
    },
    "walk_in": {"departments": (), "months": 0, "doctor": ""},
    "department": {
        "code": None, "name": None, "names": (), "reading": "", "place": "", "doctor": "", "doctor_code": "",
        "hours": (),
    },
    "place": {"department": None, "text": None, "building": "", "floor": 0, "window": "", "doctor": "", "entrance": ""},
    "hours": {"days": None, "open": None, "close": None},
    "network": {"interface": "", "address": "dhcp", "gateway": "", "dns": (), "hostname": "kiosk"},
    "time": {"servers": ()},
    "syslog": {"server": ""},
    "metrics": {"listen": "", "push": "", "push_every_s": 60, "password_file": "metrics.secret"},
    "technician": {"pin_file": "technician.secret"},
    "update": {"folder": "", "password_file": "update.secret"},
    "usb": {"what": None, "id": None, "port": "", "serial": ""},
}  # fmt: skip


# Keys whose "" means None in the program.
NONE_WHEN_EMPTY = {"subsidies", "import_dir", "map", "patients"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# Names and defaults ---------------------------------------------------------------------------------------------


def test_the_settings_are_those_of_the_contract() -> None:
    assert {table: set(keys) for table, keys in SETTINGS.items()} == {t: set(keys) for t, keys in CONTRACT.items()}
    for table, keys in CONTRACT.items():
        for key, default in keys.items():
            setting = SETTINGS[table][key]
            assert setting.required == (default is None), (table, key)
            if default is not None:
                assert setting.default == (None if key in NONE_WHEN_EMPTY else default), (table, key)


def uncommented() -> str:
    """deploy/site.toml with every `#key = value` and `#[table]` switched on."""
    return re.sub(r"(?m)^#(?=\[|[a-z_]+ = )", "", EXAMPLE.read_text("utf-8"))


def test_the_example_names_every_key_and_shows_its_default() -> None:
    example = tomllib.loads(uncommented())
    flat = {table: keys[0] if isinstance(keys, list) else keys for table, keys in example.items()}
    assert {table: set(keys) for table, keys in flat.items()} == {t: set(keys) for t, keys in CONTRACT.items()}
    for table, keys in CONTRACT.items():
        for key, default in keys.items():
            if default is not None and key != "subsidies":
                expected = ({} if key == "names" else list(default)) if isinstance(default, tuple) else default
                assert flat[table][key] == expected, (table, key)


def test_the_example_as_shipped_means_the_same_as_its_required_keys_alone(site: Site) -> None:
    example = site.load(EXAMPLE.read_bytes())
    shortest = site.load(REQUIRED.replace("/nowhere/kiosk", "/var/lib/kiosk"))
    assert [place.department for place in example.places] == ["内科"]
    assert dataclasses.replace(example, places=()) == shortest


def test_the_example_with_everything_switched_on_loads(site: Site) -> None:
    loaded = site.load(uncommented())
    assert loaded.card_reader is not None and loaded.desk is not None and loaded.receipt_computer is not None
    assert loaded.hours[0].days == ("mon", "tue", "wed", "thu", "fri")
    assert (loaded.terminal.subsidies, loaded.receipt_computer.subsidies) == (
        "smb://kiosk@192.0.2.10/res",
        "smb://kiosk@192.0.2.20/res",
    )


def test_without_its_table_there_is_no_card_reader(site: Site) -> None:
    assert site.load().card_reader is None
    reader = site.load(REQUIRED + "[card_reader]\n").card_reader
    assert reader is not None and reader.end == "CR"


def test_relative_paths_start_at_the_file_and_nothing_is_created(site: Site) -> None:
    text = with_("reservations", 'import_dir = "in"', text=with_("reference_numbers", 'map = "/etc/map.csv"'))
    before = set(site.folder.iterdir()) | {site.file}
    loaded = site.load(text)
    assert loaded.file == site.file
    assert loaded.reservations.import_dir == site.folder / "in"
    assert loaded.reference_numbers.map == Path("/etc/map.csv")
    assert set(site.folder.iterdir()) == before
    assert not loaded.site.data_dir.exists()


def test_a_byte_order_mark_and_windows_line_ends_are_taken(site: Site) -> None:
    assert site.load(b"\xef\xbb\xbf" + REQUIRED.replace("\n", "\r\n").encode()).site.name == "架空総合病院"


# Shares and secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("smb://kiosk@192.0.2.10:445/face", "smb://other@192.0.2.10/FACE/"),
        ("smb://kiosk@Server/face/a", "smb://kiosk@server/face/A"),
        ("file:///nowhere/face", "file:///nowhere//face/"),
    ],
)
def test_source_and_destination_in_one_folder_are_refused(site: Site, source: str, target: str) -> None:
    (line,) = site.problems(shares(terminal_results=source, receipt_computer_results=target))
    assert line.startswith("[receipt_computer] results: is the same folder as [terminal] results")
    (line,) = site.problems(shares(terminal_subsidies=source, receipt_computer_subsidies=target))
    assert line.startswith("[receipt_computer] subsidies: is the same folder")


def test_two_names_of_one_local_folder_are_seen_to_be_one(site: Site) -> None:
    (site.folder / "real").mkdir()
    (site.folder / "link").symlink_to("real")
    urls = {"terminal_results": f"file://{site.folder}/real", "receipt_computer_results": f"file://{site.folder}/link"}
    assert "is the same folder" in site.problems(shares(**urls))[0]


@pytest.mark.parametrize(("having", "lacking"), [("terminal", "receipt_computer"), ("receipt_computer", "terminal")])
def test_subsidies_on_one_side_only_are_refused(site: Site, having: str, lacking: str) -> None:
    (line,) = site.problems(shares(**{f"{having}_subsidies": "smb://kiosk@192.0.2.99/res"}))
    assert line.startswith(f"[{lacking}] subsidies: missing, because [{having}] subsidies is there")


def test_passwords_are_read_and_never_displayed(site: Site) -> None:
    site.secret("receipt_computer.secret", "\ufeff ZZ髙 \r\nsecond line\n")
    loaded = site.load()
    assert loaded.terminal.password == Secret("pass of terminal")
    assert loaded.receipt_computer is not None and loaded.receipt_computer.password is not None
    assert loaded.receipt_computer.password.reveal() == " ZZ髙 "
    assert "ZZ" not in repr(loaded) and "ZZ" not in str(loaded.receipt_computer.password)


def test_local_folders_need_no_password(site: Site) -> None:
    (site.folder / "terminal.secret").unlink()
    (site.folder / "receipt_computer.secret").unlink()
    loaded = site.load(shares(terminal_results="file:///nowhere/a", receipt_computer_results="file:///nowhere/b"))
    assert loaded.receipt_computer is not None
    assert loaded.terminal.password is None and loaded.receipt_computer.password is None
    lines = site.problems(
        shares(
            terminal_results="file:///nowhere/a",
            receipt_computer_results="file:///nowhere/b",
            terminal_subsidies="SMB://kiosk@192.0.2.10/res",
            receipt_computer_subsidies="file:///nowhere/c",
        )
    )
    assert len(lines) == 1 and lines[0].startswith("[terminal] password_file: ")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o601])
def test_a_secret_that_others_may_use_is_refused(site: Site, mode: int) -> None:
    site.secret("terminal.secret", "ZZcanary\n", mode)
    (line,) = site.problems()
    assert line.startswith(f"[terminal] password_file: {site.folder}/terminal.secret: must not be readable by others")
    assert f"mode {mode:04o}" in line and "ZZ" not in line


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"\nZZ", "is empty"), (b"ZZ\xff", "not UTF-8"), (b"ZZ\0", "NUL"), (b"Z" * 5000, "larger")],
)
def test_a_secret_that_is_no_password_is_refused(site: Site, content: bytes, says: str) -> None:
    site.secret("terminal.secret", content)
    (line,) = site.problems()
    assert line.startswith("[terminal] password_file: ") and says in line and "ZZ" not in line


def test_a_secret_that_is_missing_or_no_file_is_refused(site: Site) -> None:
    (site.folder / "terminal.secret").unlink()
    (site.folder / "other.secret").mkdir()
    lines = site.problems(with_("receipt_computer", 'password_file = "other.secret"'))
    assert "terminal.secret: there is no such file" in lines[0]
    assert "other.secret: is not a file" in lines[1]


def test_a_systemd_credential_of_the_same_name_wins_whatever_its_mode(site: Site) -> None:
    credentials = site.folder / "credentials"
    credentials.mkdir()
    site.secret("credentials/terminal.secret", "from systemd", 0o440)
    (site.folder / "terminal.secret").unlink()
    text = with_("terminal", 'password_file = "/etc/kiosk/terminal.secret"')
    loaded = site.load(text, credentials)
    assert loaded.terminal.password == Secret("from systemd")
    assert loaded.receipt_computer is not None
    assert loaded.receipt_computer.password == Secret("pass of receipt_computer")


def test_a_password_in_an_address_is_refused_and_not_repeated(site: Site) -> None:
    (line,) = site.problems(shares(terminal_results="smb://kiosk:ZZcanary@192.0.2.10/face"))
    assert "password_file" in line and "ZZ" not in line


# Opening hours --------------------------------------------------------------------------------------------------


def test_hours_cover_their_days_from_open_until_before_close(site: Site) -> None:
    loaded = site.load(
        with_("site", 'closed_days = ["2026-01-15", "12-29", 2026-05-01]')
        + "[[hours]]\ndays = ['mon', 'thu']\nopen = '8:00'\nclose = 12:00:00\n"
        + "[[hours]]\ndays = ['thu']\nopen = '13:00'\nclose = '17:00'\n"
    )
    assert (loaded.hours[0].open, loaded.hours[0].close) == (time(8), time(12))
    assert loaded.site.closed_days == (ClosedDay(1, 15, 2026), ClosedDay(12, 29), ClosedDay(5, 1, 2026))

    def is_open(text: str) -> bool:
        return loaded.open_at(datetime.fromisoformat(text).replace(tzinfo=loaded.site.zone))

    assert is_open("2026-01-22 08:00") and is_open("2026-01-22 16:59:59")
    assert not is_open("2026-01-22 07:59") and not is_open("2026-01-22 12:00") and not is_open("2026-01-22 17:00")
    assert is_open("2026-01-19 09:00") and not is_open("2026-01-19 14:00") and not is_open("2026-01-20 09:00")
    assert not is_open("2026-01-15 09:00") and is_open("2027-01-18 09:00")
    assert not is_open("2031-12-29 09:00")


def test_without_hours_only_the_closed_days_are_closed(site: Site) -> None:
    loaded = site.load(with_("site", 'closed_days = ["12-29"]'))
    assert loaded.open_at(datetime(2026, 12, 28, 3, 0, tzinfo=loaded.site.zone))
    assert not loaded.open_at(datetime(2026, 12, 29, 3, 0, tzinfo=loaded.site.zone))


def test_one_account_of_one_server_needs_one_password_file(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "receipt_computer.secret").unlink()
    other_server = site.problems()
    assert any("[receipt_computer] password_file" in problem for problem in other_server)
    one_server = REQUIRED.replace("192.0.2.20/face", "192.0.2.10/usual")
    config = site.load(one_server)
    assert config.receipt_computer is not None
    assert config.receipt_computer.password is not None and config.terminal.password is not None
    assert config.receipt_computer.password.reveal() == config.terminal.password.reveal()
