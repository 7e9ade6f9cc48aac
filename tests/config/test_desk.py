"""site.toml: the reception desk, departments, patients without an appointment, and a PC that is a desk only."""

from __future__ import annotations

import os
from datetime import datetime, time
from pathlib import Path

import pytest

from kiosk import config
from kiosk.config import ConfigError
from kiosk.config.desk_checks import Hours
from kiosk.config.desk_model import Department, WalkIn
from tests.site_toml import REQUIRED, Site, with_

DEPARTMENTS = """
[[department]]
code = "01"
name = "内科"
names = {en = "Internal Medicine", vi = ""}
reading = "ないか"
place = "A棟1階"
hours = [{days = ["mon", "tue"], open = "08:30", close = "11:30"}]
[[department]]
code = "07"
name = "眼科"
doctor = "佐藤"
"""
ALONE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "/nowhere/kiosk"
[terminal]
results = "file:///srv/face"
[desk]
feed = "watch"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def desk(*lines: str, text: str = REQUIRED) -> str:
    return with_("desk", *lines, text=text)


# A desk -----------------------------------------------------------------------------------------------------------


def test_without_its_table_there_is_no_desk_and_nobody_is_received_without_an_appointment(site: Site) -> None:
    loaded = site.load()
    assert loaded.desk is None and loaded.walk_in == WalkIn() and loaded.departments == ()


def test_a_table_alone_is_a_desk_for_the_browsers_of_this_machine(site: Site) -> None:
    made = site.load(desk()).desk
    assert made is not None
    assert (made.address, made.on_loopback, made.feed) == (("127.0.0.1", 8443), True, "courier")
    assert config.tls(site.load(desk())) is None


@pytest.mark.parametrize(
    ("listen", "address", "inside"),
    [
        ("127.0.0.9:1", ("127.0.0.9", 1), True),
        ("[::1]:8443", ("::1", 8443), True),
        ("[0:0::1]:8443", ("::1", 8443), True),
        ("0.0.0.0:443", ("0.0.0.0", 443), False),
        ("[::]:443", ("::", 443), False),
        ("192.0.2.40:8443", ("192.0.2.40", 8443), False),
    ],
)
def test_where_it_listens(site: Site, listen: str, address: tuple[str, int], inside: bool) -> None:
    more = () if inside else ('certificate_file = "c"', 'key_file = "k"', 'allow = ["192.0.2.0/24"]')
    made = site.load(desk(f'listen = "{listen}"', *more)).desk
    assert made is not None and (made.address, made.on_loopback) == (address, inside)


@pytest.mark.parametrize(
    ("client", "allowed"),
    [
        ("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
        ("192.0.2.200", True), ("::ffff:192.0.2.200", True), ("192.0.3.1", False), ("::ffff:192.0.3.1", False),
        ("2001:db8::5", True), ("2001:db8:1::5", False), ("198.51.100.7", True), ("198.51.100.8", False),
    ],
)  # fmt: skip
def test_whose_browsers_may_ask(site: Site, client: str, allowed: bool) -> None:
    made = site.load(desk('allow = ["192.0.2.0/24", "2001:db8::/64", "198.51.100.7"]')).desk
    assert made is not None and made.allow == ("192.0.2.0/24", "2001:db8::/64", "198.51.100.7/32")
    assert made.allows(client) is allowed


MISTAKES = [
    (desk('listen = "localhost:8443"'), ["[desk] listen", "not an address"]),
    (desk('listen = "127.0.0.1"'), ["[desk] listen", "an address and a port"]),
    (desk('listen = "127.0.0.1:0"'), ["[desk] listen"]),
    (desk('listen = "127.0.0.1:8443/x"'), ["[desk] listen"]),
    (desk('listen = "224.0.0.1:8443"'), ["[desk] listen"]),
    (desk('allow = ["192.0.2.7/24"]'), ["[desk] allow", "not a network"]),
    (desk('allow = ["0.0.0.0/0"]'), ["[desk] allow", "every address"]),
    (desk('allow = ["192.0.2.0/24", "192.0.2.0/24"]'), ["[desk] allow", "twice"]),
    (desk('allow = "192.0.2.0/24"'), ["[desk] allow", "a list"]),
    (desk('feed = "watcher"'), ["[desk] feed", '"courier" or "watch"']),
    (desk('register = "yes"'), ["[desk] register", '"with_appointment"']),
    (desk("keep_days = 8"), ["[desk] keep_days", "0 to 7"]),
    (desk("attention_min = 0"), ["[desk] attention_min", "1 to 1440"]),
    (desk('printer = "http://192.0.2.9/ipp"'), ["[desk] printer", "ipp://"]),
    (desk('requests = "/srv/req"'), ["[desk] requests", "smb://"]),
    (desk('export = "smb://user:pw@192.0.2.9/x"'), ["[desk] export", "password"]),
    (desk('client_ca_file = "ca.pem"'), ["[desk] certificate_file: missing", "client_ca_file"]),
    (desk('certificate_file = "c.pem"'), ["[desk] key_file: missing", "certificate_file"]),
    (desk('key_file = "k.pem"'), ["[desk] certificate_file: missing", "key_file"]),
    (desk('print = "on_tap"'), ["[desk] printer: missing", "on_tap"]),
    (desk('answers = "file:///srv/a"'), ["[desk] requests: missing", "answers"]),
    (desk('requests = "smb://other@192.0.2.10/FACE/"'), ["[desk] requests", "[terminal] results"]),
    (desk('export = "smb://kiosk@192.0.2.20/face"'), ["[desk] export", "[receipt_computer] results"]),
    (desk('requests = "file:///nowhere/kiosk"'), ["[site] data_dir", "[desk] requests"]),
    (desk('always_department = "内科"'), ["[desk] always_department", "内科"]),
    (with_("walk_in", 'departments = ["01"]'), ["[walk_in] departments", "01"]),
    (with_("walk_in", 'departments = ["0 1"]'), ["[walk_in] departments", "codes"]),
    (with_("walk_in", "months = -1"), ["[walk_in] months", "months", "0 to 120"]),
    (REQUIRED + '[[department]]\nname = "内科"\n', ["[[department]] no. 1 code: missing"]),
    (REQUIRED + DEPARTMENTS + '[[department]]\ncode = "01"\nname = "外科"\n', ["no. 3 code", "no. 1"]),
    (REQUIRED + DEPARTMENTS + '[[department]]\ncode = "内"\nname = "外科"\n', ["no. 3 code", "1 to 20 letters"]),
    (REQUIRED + DEPARTMENTS + '[[department]]\ncode = "09"\nname = "07"\n', ["no. 3 name", "no. 2"]),
    (
        REQUIRED
        + DEPARTMENTS
        + '[[place]]\ndepartment = "01"\ntext = "a"\n[[place]]\ndepartment = "内科"\ntext = "b"\n',
        ["[[place]] no. 2 department", "no. 1"],
    ),
    (REQUIRED + '[[department]]\ncode = "01"\nname = "x"\nnames = {EN = "y"}\n', ["names", "by language"]),
    (REQUIRED + '[[department]]\ncode = "01"\nname = "x"\nhours = ["08:00"]\n', ["hours", "a list of at most"]),
    (
        REQUIRED
        + '[[department]]\ncode = "01"\nname = "x"\nhours = [{days = ["mon"], open = "9:00", close = "9:00"}]\n',
        ["hours", "close is not later"],
    ),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_a_mistake_is_reported_with_its_key_and_what_was_expected(site: Site, text: str, says: list[str]) -> None:
    (line,) = site.problems(text)
    assert all(word in line for word in says), line


def test_off_the_loopback_a_certificate_and_networks_are_wanted(site: Site) -> None:
    lines = site.problems(desk('listen = "0.0.0.0:8443"'))
    assert [line.split(": missing")[0] for line in lines] == ["[desk] certificate_file", "[desk] allow"]


def test_a_path_of_a_folder_for_exported_items_becomes_an_address(site: Site) -> None:
    for written, expected in (
        ("out put", f"file://{site.folder}/out%20put"), ("/srv/out", "file:///srv/out"), ("", ""),
        ("file:///srv/out", "file:///srv/out"), ("smb://a@192.0.2.9/x", "smb://a@192.0.2.9/x"),
    ):  # fmt: skip
        made = site.load(desk(f'export = "{written}"')).desk
        assert made is not None and made.export == expected


# Departments ------------------------------------------------------------------------------------------------------


def test_a_department_has_names_a_place_and_hours(site: Site) -> None:
    loaded = site.load(REQUIRED + DEPARTMENTS)
    morning = Hours(days=("mon", "tue"), open=time(8, 30), close=time(11, 30))
    assert loaded.departments[0] == Department(
        code="01", name="内科", names=(("en", "Internal Medicine"),), reading="ないか", place="A棟1階", hours=(morning,)
    )
    assert loaded.department("07") is loaded.department("眼科") is loaded.departments[1]
    assert loaded.department("皮膚科") is None


def test_where_to_go_is_known_by_code_and_by_name_and_place_goes_first(site: Site) -> None:
    places = '[[place]]\ndepartment = "07"\ntext = "B棟"\n[[place]]\ndepartment = "歯科"\ntext = "C棟"\n'
    loaded = site.load(REQUIRED + DEPARTMENTS + places)
    assert loaded.places_by_department() == {
        "01": "A棟1階", "内科": "A棟1階", "07": "B棟", "眼科": "B棟", "歯科": "C棟",
    }  # fmt: skip


def test_a_walk_in_is_received_where_the_table_and_the_hours_say_so(site: Site) -> None:
    text = with_("walk_in", 'departments = ["01", "07"]', 'doctor = "担当医"', text=REQUIRED) + DEPARTMENTS
    text += '[[hours]]\ndays = ["mon"]\nopen = "09:00"\nclose = "17:00"\n'
    loaded = site.load(text)
    first, second = loaded.departments
    assert (loaded.doctor_of(first), loaded.doctor_of(second)) == ("担当医", "佐藤")
    monday = datetime(2026, 1, 5, tzinfo=loaded.site.zone)
    for clock, codes in ((time(8, 45), []), (time(9, 0), ["01", "07"]), (time(11, 30), ["07"]), (time(17, 0), [])):
        at = datetime.combine(monday, clock, loaded.site.zone)
        assert [each.code for each in loaded.walk_in_departments(at)] == codes
    assert site.load(REQUIRED + DEPARTMENTS).walk_in_departments(monday) == ()


# A PC that is a desk only -----------------------------------------------------------------------------------------


def test_a_desk_that_watches_needs_no_kiosk(site: Site) -> None:
    loaded = site.load(ALONE)
    assert loaded.receipt_computer is None and loaded.printer is None


def test_a_desk_that_watches_beside_a_kiosk_has_its_tables(site: Site) -> None:
    loaded = site.load(desk('feed = "watch"'))
    assert loaded.receipt_computer is not None and loaded.printer is not None


def test_a_table_of_a_kiosk_that_is_begun_is_wanted_whole(site: Site) -> None:
    (line,) = site.problems(ALONE + "[printer]\n")
    assert line.startswith("[printer] url: missing, expected tcp://host:port")


def test_a_desk_whose_results_come_from_the_delivery_needs_no_kiosk_but_the_delivery(site: Site) -> None:
    alone = ALONE.replace('"watch"', '"courier"')
    (line,) = site.problems(alone)
    assert line.startswith("[receipt_computer] results: missing")
    loaded = site.load(f'{alone}[receipt_computer]\nresults = "file:///nowhere/to"\n')
    assert loaded.receipt_computer is not None and loaded.printer is None


def test_a_desk_may_read_subsidies_where_the_receipt_computer_does(site: Site) -> None:
    """In pattern 2 alone: elsewhere the receipt computer would go without them."""
    alone = ALONE.replace('"watch"', '"courier"').replace("[desk]", 'subsidies = "file:///srv/res"\n[desk]')
    alone += '[receipt_computer]\nresults = "file:///nowhere/to"\n'
    assert site.load(alone).only_reads_subsidies
    assert not site.load(f'{alone}subsidies = "file:///nowhere/to_res"\n').only_reads_subsidies
    assert not site.load(alone.replace('subsidies = "file:///srv/res"', "")).only_reads_subsidies
    for wrong in (
        alone.replace("pattern = 2", "pattern = 1"),
        alone.replace("[desk]", "") + '[printer]\nurl = "tcp://192.0.2.30:9100"\n',
    ):
        (line,) = site.problems(wrong.replace('feed = "courier"', ""))
        assert line.startswith("[receipt_computer] subsidies: missing")


def test_without_a_desk_a_kiosks_tables_are_wanted(site: Site) -> None:
    lines = site.problems(ALONE.partition("[desk]")[0])
    assert [line.split(": missing")[0] for line in lines] == ["[receipt_computer] results", "[printer] url"]


# Where it keeps what ----------------------------------------------------------------------------------------------


def test_the_desks_folders_are_those_of_the_environment_else_this_users(site: Site, tmp_path: Path) -> None:
    site.file.write_text(ALONE, encoding="utf-8")
    own = config.load(site.file, {})
    assert own.desk_dir == Path("/nowhere/kiosk/desk")
    assert own.desk_run_dir.parent == Path("/dev/shm")
    assert own.desk_run_dir.name.startswith(f"kiosk-desk-{os.getuid()}-")
    assert own.reservations_dir == Path("/nowhere/kiosk")
    site.file.write_text(ALONE.replace("/nowhere/kiosk", "/nowhere/else"), encoding="utf-8")
    assert config.load(site.file, {}).desk_run_dir != own.desk_run_dir
    names = {"KIOSK_DESK_DIR": "/a", "KIOSK_DESK_RUN_DIR": "/b", "KIOSK_RESERVATIONS_DIR": "/c"}
    given = config.load(site.file, names)
    assert (given.desk_dir, given.desk_run_dir, given.reservations_dir) == (Path("/a"), Path("/b"), Path("/c"))
    with pytest.raises(ConfigError, match="KIOSK_DESK_RUN_DIR"):
        config.load(site.file, {"KIOSK_DESK_RUN_DIR": "relative"})
