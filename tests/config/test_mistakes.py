"""site.toml: what is said about each mistake."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk import config
from kiosk.config import ConfigError, consistency, reading
from kiosk.config.reading import SETTINGS
from kiosk.words.problems import Problem, word
from tests.site_toml import REQUIRED, Site, with_, without


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize("key", ["name", "institution_code", "pattern", "data_dir"])
def test_a_missing_required_key_is_named(site: Site, key: str) -> None:
    (line,) = site.problems(without(key))
    assert line.startswith(f"[site] {key}: missing, expected ")


def test_an_empty_file_lacks_every_required_key(site: Site) -> None:
    keys = {
        "site": ["name", "institution_code", "pattern", "data_dir"],
        "terminal": ["results"],
        "receipt_computer": ["results"],
        "printer": ["url"],
    }
    missing = [f"[{table}] {key}" for table, names in keys.items() for key in names]
    assert [line.split(": missing")[0] for line in site.problems("")] == missing


MISTAKES = [
    (with_("visit", "resutl_wait_s = 60"), ["[visit] resutl_wait_s", "unknown key", "result_wait_s"]),
    (with_("visit", "poll_interval_s = 1"), ["[visit] poll_interval_s", "[terminal]"]),
    (with_("vist"), ["[vist]", "unknown table", "visit"]),
    ("width_mm = 80\n" + REQUIRED, ["width_mm", "[printer]"]),
    (REQUIRED + "[place]\ndepartment = 'a'\ntext = 'b'\n", ["[[place]]", "two brackets"]),
    (REQUIRED + "[[visit]]\n", ["[visit]", "one table", "list"]),
    ("arrival = 3\n" + REQUIRED, ["[arrival]", "whole number 3"]),
    (with_("visit", 'result_wait_s = "60"'), ["[visit] result_wait_s", "from 1 to 600", 'text "60"']),
    (with_("visit", "result_wait_s = true"), ["[visit] result_wait_s", "got true"]),
    (with_("visit", "result_wait_s = 0"), ["[visit] result_wait_s", "whole number 0"]),
    (with_("visit", "settle_s = nan"), ["[visit] settle_s", "nan"]),
    (with_("visit", "unclean_s = inf"), ["[visit] unclean_s", "inf"]),
    (with_("visit", "result_max_bytes = 1048576.0"), ["[visit] result_max_bytes", "whole number of bytes"]),
    (with_("visit", 'birthday = "sometimes"'), ["[visit] birthday", '"always" or "after_unclean" or "never"']),
    (with_("terminal", "poll_interval_s = 0.01"), ["[terminal] poll_interval_s", "0.05 to 10"]),
    (with_("arrival", "early_min = -1"), ["[arrival] early_min", "0 to 1440"]),
    (with_("site", 'pattern = "1"'), ["[site] pattern", "1 or 2"]),
    (with_("site", "pattern = true"), ["[site] pattern", "got true"]),
    (with_("site", "pattern = 3"), ["[site] pattern", "got whole number 3"]),
    (with_("site", "institution_code = 9912345678"), ["[site] institution_code", "10 digits in quotes"]),
    (with_("site", 'institution_code = "９９12345678"'), ["[site] institution_code", "10 digits"]),
    (with_("site", 'timezone = "Asia/Tokio"'), ["[site] timezone", "Asia/Tokyo"]),
    (with_("site", 'timezone = "../etc"'), ["[site] timezone", "Asia/Tokyo"]),
    (with_("site", 'timezone = "Asia"'), ["[site] timezone", "Asia/Tokyo"]),
    (with_("site", 'data_dir = "kiosk"'), ["[site] data_dir", "absolute path"]),
    (with_("site", 'data_dir = "/etc/hostname"'), ["[site] data_dir", "there is a file"]),
    (with_("site", 'name = "　"'), ["[site] name", "1 to 60"]),
    (with_("site", r'name = "a\u001bb"'), ["[site] name", "control character"]),
    (with_("site", 'closed_days = ["2026-02-29"]'), ["[site] closed_days", "no such day"]),
    (with_("site", 'closed_days = "12-29"'), ["[site] closed_days", "a list"]),
    (with_("printer", 'url = "udp://192.0.2.30"'), ["[printer] url", "tcp://host:port"]),
    (with_("printer", "width_mm = 72"), ["[printer] width_mm", "58 or 80"]),
    (with_("printer", "width_mm = 80.0"), ["[printer] width_mm", "58 or 80"]),
    (with_("printer", "counter_slip = 1"), ["[printer] counter_slip", "true or false"]),
    (with_("printer", 'barcode = "QR"'), ["[printer] barcode", '"code128"']),
    (with_("card_reader", 'url = "/dev/ttyS0"'), ["[card_reader] url", "serial:///dev/ttyS0"]),
    (with_("card_reader", 'pattern = "([0-9]"'), ["[card_reader] pattern", "regular expression"]),
    (with_("card_reader", 'end = "cr"'), ["[card_reader] end", '"CR"']),
    (with_("reservations", 'url = "postgres"'), ["[reservations] url", '"sqlite"']),
    (with_("receipt_computer", 'staging = "../x"'), ["[receipt_computer] staging", "same share"]),
    (with_("terminal", 'results = "smb://192.0.2.10/face"'), ["[terminal] results", "smb://[domain;]user@host"]),
    (with_("terminal", 'results = "/mnt/face"'), ["[terminal] results", "file:///absolute/folder"]),
    (REQUIRED + "[[place]]\ndepartment = '内科'\n", ["[[place]] no. 1 text", "missing"]),
    (REQUIRED + "[[place]]\ndepartment='a'\ntext='b'\n" * 2, ["[[place]] no. 2 department", "no. 1"]),
    (REQUIRED + "[[hours]]\ndays=['mon']\nopen='17:00'\nclose='08:00'\n", ["[[hours]] no. 1 close", "later"]),
    (REQUIRED + "[[hours]]\ndays=['月']\nopen='08:00'\nclose='17:00'\n", ["[[hours]] no. 1 days", '"mon"']),
    (REQUIRED + "[[hours]]\ndays=['mon','mon']\nopen='8:00'\nclose='9:00'\n", ["no. 1 days", "each once"]),
    (REQUIRED + "[[hours]]\ndays=['mon']\nopen='25:00'\nclose='9:00'\n", ["[[hours]] no. 1 open", '"08:00"']),
    (REQUIRED + "[[hours]]\ndays=['mon']\nopen='8:00'\nclose='24:00'\n", ["[[hours]] no. 1 close", '"08:00"']),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES)
def test_a_mistake_is_reported_with_its_key_and_what_was_expected(site: Site, text: str, says: list[str]) -> None:
    (line,) = site.problems(text)
    for words in says:
        assert words in line


def test_all_mistakes_are_reported_at_once(site: Site) -> None:
    (site.folder / "receipt_computer.secret").unlink()
    text = with_("visit", "settle_s = 99", "setle_s = 1", text=with_("site", "pattern = 9", "nmae = 'x'"))
    lines = site.problems(text)
    assert [line.split(": ")[0] for line in lines] == [
        "[site] nmae",
        "[site] pattern",
        "[visit] setle_s",
        "[visit] settle_s",
        "[receipt_computer] password_file",
    ]


BROKEN = [
    (b"[site]\nname = \n", "line 2"),
    (b"[site]\nname = 'a'\nname = 'b'\n", "line 3"),
    (b"a = " + b"[" * 5000, "not TOML"),
    (b"a = " + b"9" * 5000, "not TOML"),
    ("[site]\nname = '架空'\n".encode("cp932"), "line 2: is not UTF-8"),
    (b"#" * 300_000, "larger than"),
    (b"a" + b".a" * 25_000 + b" = 1", "line 1: has more than 32 dots"),
    (b"\n[a" + b" . a" * 40 + b"]", "line 2: has more than 32 dots"),
    (b"a = {b = 1, " + b'"".' * 40 + b"a = 2}", "line 1: has more than 32 dots"),
    (b"a = {b = '''\n#''', c" + b".c" * 40 + b" = 1}", "line 2: has more than 32 dots"),
    (('"\u2028"' + '."\u2028"' * 40 + " = 1").encode(), "line 1: has more than 32 dots"),
    (b"[" + b"a" * 9000 + b"]\n[" + b"a" * 9000 + b"]", "twice (at line 2, column 9002)"),
]


@pytest.mark.parametrize(("content", "says"), BROKEN)
def test_a_broken_file_is_reported_with_the_line(site: Site, content: bytes, says: str) -> None:
    (line,) = site.problems(content)
    assert says in line
    assert len(line) < 500


@pytest.mark.parametrize(
    "line",
    [
        f"# {'192.0.2.1 ' * 20}",
        f"# {'.' * 100}",
        f'name = "{"." * 50}"',
    ],
)
def test_dots_that_divide_no_key_are_taken(site: Site, line: str) -> None:
    site.load(with_("site", line))


def many(line: str) -> str:
    """`line` as often as a file may hold it, each with another number."""
    lines = (line.replace("N", f"{n:x}") for n in range(reading.MAX_FILE_BYTES // (len(line) + 8)))
    return "\n".join(lines)


DEEP = ".".join("a" * 32)
# What costs tomllib or the wording of problems most, as far as the bounds let it through.
WORST = {
    "keys without a table": many("N=1"),
    "unknown keys of a table": "[site]\n" + many("N=1"),
    "tables": many("[N]"),
    "dotted keys": many(f"{DEEP}.N=1"),
    "dotted keys and tables": many(f"{DEEP}.N=1\n[xN]"),
    "keys below a deep table": f"[{DEEP}]\n" + many("N=1"),
    "dotted keys below a deep table": f"[{DEEP}]\n" + many("N.a.a.a.a.a.a.a.a=1"),
    "arrays within arrays": many(f"N={'[' * 100}{']' * 100}"),
    "wrong places": "[[place]]\nx=1\ny=1\nz=1\n" * 500,
}


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_file_is_refused_within_a_moment_and_in_few_lines(site: Site, kind: str) -> None:
    text = WORST[kind]
    assert len(text) <= reading.MAX_FILE_BYTES
    began = time.process_time()
    lines = site.problems(text)
    assert time.process_time() - began < 5  # some 0.8 s; the bound is for a slow machine
    assert 1 <= len(lines) <= reading.MAX_PROBLEMS + 1
    assert sum(map(len, lines)) < 130_000


def test_a_file_with_every_place_and_long_names_is_taken(site: Site) -> None:
    place = '[[place]]\ndepartment = "{}"\ntext = "{}"\n\n'
    places = "".join(place.format(f"{n:03}{'診' * 57}", "階" * 60) for n in range(500))
    assert len(site.load(REQUIRED + places).places) == 500


@pytest.mark.parametrize("key", ["[site]\npattern", "[visit]\nsettle_s", "[visit]\nresult_max_bytes"])
def test_a_number_too_long_to_be_written_out_is_reported(site: Site, key: str) -> None:
    lines = site.problems(f"{key} = 0x{'f' * 9000}\n")
    assert any(f"{key.rpartition(chr(10))[2]}: expected" in line and "got a whole number" in line for line in lines)


def test_a_file_that_is_not_there_or_a_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        config.load(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / ("x" * 300))
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "a\0b")


DOCUMENTS = st.dictionaries(
    st.sampled_from([*SETTINGS, "other"]),
    st.recursive(
        st.integers() | st.floats() | st.booleans() | st.text() | st.dates() | st.times() | st.datetimes(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([k for t in SETTINGS.values() for k in t]) | st.text(), inner)
        ),
        max_leaves=12,
    ),
)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(DOCUMENTS)
def test_no_document_makes_the_check_fail(raw: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read = reading.read(raw, Path("/nowhere"), problems)
    problems += consistency.problems(read)
    assert problems
    for language in ("en", "ja"):
        assert all(word(problem, "config", language).isprintable() for problem in problems)
