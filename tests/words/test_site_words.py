"""The appliance says the problems of site.toml in Japanese: whole lines, as `kiosk.config` tells them.

That no sentence is forgotten is the matter of `tests.words.test_site_sentences`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from kiosk.appliance.site import apply
from kiosk.config import consistency, installed, reading
from kiosk.config.reading import SETTINGS
from kiosk.words.sentences import in_japanese
from tests.config import test_appliance, test_mistakes
from tests.site_toml import REQUIRED, Site, shares, with_, without

INSTALLED = REQUIRED.replace("/nowhere/kiosk", str(installed.DATA))

JAPANESE = re.compile(r"[ぁ-んァ-ン]")
# What is no sentence of ours: quoted words, addresses, paths, files.
AS_WRITTEN = re.compile(
    r"""“[^”]*”|"[^"]*["…]|'[^']*'|\w+:[0-9/][!-~]*|\[[0-9a-f:]+\]|/[!-~]+|[\w.-]+\.(?:toml|secret|csv)"""
)
# Names that are the same in Japanese.
NAMES = {
    *SETTINGS, *(key for keys in SETTINGS.values() for key in keys), "KIOSK_COURIER_DIR", "UTF", "DHCP", "USB", "IPv6",
    "NUL", "true", "false", "serial", "file", "usb", "baudrate", "bytesize", "stopbits", "parity", "flow",
    "none", "xonxoff", "rtscts", "nan", "inf",
}  # fmt: skip


def english_in(line: str, written: str = "") -> list[str]:
    """English words of `line` but names, and what somebody wrote."""
    known = {*NAMES, *re.findall(r"\w+", written)}
    return [word for word in re.findall(r"[A-Za-z]\w+", AS_WRITTEN.sub(" ", line)) if word not in known]


def assert_japanese(line: str, written: str = "") -> None:
    said = in_japanese(line)
    assert JAPANESE.search(AS_WRITTEN.sub(" ", said)), said
    assert english_in(said, written) == [], said


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in SETTINGS.items() for key in keys])
def test_what_is_expected_of_every_key_is_said_in_japanese(table: str, key: str) -> None:
    expected = SETTINGS[table][key].check.expected
    assert_japanese(f"site.toml: [{table}] {key}: missing, expected {expected}")
    assert_japanese(f"site.toml: [[{table}]] no. 2 {key}: expected {expected}, got a list (there is no such day)")


@pytest.mark.parametrize("key", sorted({key for keys in SETTINGS.values() for key in keys}))
def test_every_table_that_a_key_belongs_to_is_told(key: str) -> None:
    line = f"site.toml: [nowhere] {key}: unknown key; it is known in {reading._homes(key)}"
    assert_japanese(line, "nowhere")
    assert all(f"[{table}]" in in_japanese(line) for table, keys in SETTINGS.items() if key in keys)


EXAMPLES: list[str | bytes] = [
    "",
    *(without(key) for key in ("name", "institution_code", "pattern", "data_dir")),
    *(text for text, _ in (*test_mistakes.MISTAKES, *test_appliance.MISTAKES)),
    *(content for content, _ in test_mistakes.BROKEN),
    b"[site]\n[site]\n",
    b"a = [",
    with_("visit", 'password_file = "x"'),
    with_("place"),
    "zzzz = 1\n[zzzz]\n" + REQUIRED,
    REQUIRED + "[[usb]]\n" * 21,
    shares(terminal_results="file:///nowhere/a", receipt_computer_results="file:///nowhere/a"),
    shares(terminal_subsidies="smb://kiosk@192.0.2.10/res"),
    with_("site", 'data_dir = "/nowhere/a"', text=shares(terminal_results="file:///nowhere/a")),
    with_("reservations", 'share = "smb://kiosk@192.0.2.9/csv"'),
    with_("alarm", 'command = "mail \'"'),
    with_("alarm", r'command = "mail \\"'),
    with_("alarm", 'command = ["mail"]'),
    with_("alarm", f"command = {['/bin/x'] * 21}"),
    with_("card_reader", 'pattern = "(?<=a+)b"'),
    with_("card_reader", 'pattern = "a{99999999999999999999}"'),
    with_("card_reader", f"pattern = {'x' * 201!r}"),
    with_("site", f"name = {'x' * 1025!r}"),
    with_("site", 'name = "a (b) c\\u0001"'),
    with_("terminal", 'password_file = "none.secret"'),
    with_("terminal", 'password_file = "/dev/null"'),
]


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_line_of_a_wrong_site_toml_is_japanese(tmp_path: Path, text: str | bytes) -> None:
    written = text if isinstance(text, str) else text.decode("utf-8", "replace")
    for line in Site(tmp_path).problems(text):
        assert_japanese(f"site.toml: {line.replace(f'{tmp_path}/', '')}", written)


@pytest.mark.parametrize("content", [b"", b"x\0", b"\xff", b"x" * 5000])
def test_a_password_file_that_cannot_be_used_is_told_in_japanese(tmp_path: Path, content: bytes) -> None:
    site = Site(tmp_path)
    site.secret("terminal.secret", content)
    (line,) = site.problems()
    assert_japanese(f"site.toml: {line.replace(f'{tmp_path}/', '')}")
    site.secret("terminal.secret", b"x", 0o644)
    (line,) = site.problems()
    assert_japanese(f"site.toml: {line.replace(f'{tmp_path}/', '')}")


@pytest.mark.parametrize(
    ("table", "key", "url"),
    [
        *(("terminal", "results", url) for url in (
            "smb://h/x?y", "ftp://h/x", "smb://@h/x", "smb://u:p@h/x", "smb://u@x@h/x", "smb://;u@h/x", "smb://u@h/",
            "smb://u@h/x/..", "smb://u@h/x/a:b", "smb://u@[h]/x", "smb://u@[fd00::1]1/x", "smb://u@a:b:c/x",
            "smb://u@-/x", "smb://u@h:0/x", "smb://u@h/%zz", "smb://u@h/%ff", "smb://u@h/%01", "file://h/x",
            "file:///..", "file:///", f"smb://u@h/{'x' * 300}", "smb://u@h/%EF%BF%BF/ ",
        )),
        *(("printer", "url", url) for url in (
            "tcp://h :9100", "tcp://[h", "tcp://u@h", "tcp://h:0", "tcp://h:x", "usb:1", "tcp:", "file:///x?y=1",
            "serial:///dev/x?a=1&a=2", "serial:///dev/x?speed=1", "serial:///dev/x?baudrate=1",
            "serial:///dev/x?parity=x", "serial:///dev/x?flow=x", "serial:///dev/x?y", "file:///%00",
        )),
        *(("card_reader", "url", url) for url in (
            "x" * 1025, "serial:///dev/x?y", "serial://[h", "serial://[h]", "serial://＃", "tcp://h", "serial://h/x",
            "serial:dev", "serial:///dev/x?z=1", "serial:///dev/x?baud=1", "serial:///dev/x?parity=N&parity=E",
            "serial:///dev/x?parity=x", "serial:///dev/x?baudrate=1",
        )),
    ],
)  # fmt: skip
def test_an_address_that_is_not_understood_is_told_in_japanese(tmp_path: Path, table: str, key: str, url: str) -> None:
    for line in Site(tmp_path).problems(with_(table, f"{key} = '{url}'")):
        assert_japanese(f"site.toml: {line.replace(f'{tmp_path}/', '')}")


@pytest.mark.parametrize(
    "text",
    [
        with_("site", 'data_dir = "/data"', text=INSTALLED),
        with_("reservations", 'import_dir = "csv"', text=INSTALLED),
        with_("alarm", 'command = ["/bin/mail"]', text=INSTALLED),
        with_("receipt_computer", 'results = "file:///tmp/out"', text=INSTALLED),
        with_("receipt_computer", 'results = "file:///var/lib/kiosk/out"', text=INSTALLED),
        with_("receipt_computer", 'results = "file:///srv/out"', text=INSTALLED),
        with_("technician", 'pin_file = "/etc/pin"', text=INSTALLED),
    ],
)
def test_what_the_appliance_cannot_do_is_told_in_japanese(tmp_path: Path, text: str) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    config, wrong = apply.judged(tmp_path)
    assert config is None
    assert wrong
    for line in wrong:
        assert JAPANESE.search(line)
        assert english_in(line, text) == [], line


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(test_mistakes.DOCUMENTS)
def test_no_document_has_a_problem_that_stays_english(raw: dict[str, Any]) -> None:
    problems: list[str] = []
    read = reading.read(raw, Path("/nowhere"), problems)
    for problem in (*problems, *consistency.problems(read)):
        assert in_japanese(f"site.toml: {problem}") != f"site.toml: {problem}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "site.toml: [visit] settle_s: expected a number of seconds from 0 to 10, got whole number 99",
            "site.toml: [visit] settle_s: 0～10 の数（単位は秒）を書いてください。今の値: 整数 99",
        ),
        (
            "site.toml: [sight]: unknown table; nearest known name: site",
            "site.toml: [sight]: この名前の表はありません。近い名前: site",
        ),
        (
            "site.toml: [[place]] no. 3 text: missing, expected a text of 1 to 60 characters",
            "site.toml: [[place]] の 3 番目の text: 書かれていません。1～60 文字の文字列を書いてください",
        ),
        (  # what people wrote stays as they wrote it, also where it looks like words of ours
            'site.toml: [site] pattern: expected 1 or 2, got text "a (it is empty), got true"',
            'site.toml: [site] pattern: 1 か 2 のどちらかを書いてください。今の値: 文字列 "a (it is empty), got true"',
        ),
    ],
)  # fmt: skip
def test_a_line_keeps_its_file_table_key_and_value(line: str, said: str) -> None:
    assert in_japanese(line) == said


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no colon",
        "site.toml: a sentence of tomorrow",
        "site.toml: [visit] settle_s: {braces}",
        f"site.toml: [visit] {'x' * 3000}: unknown key; nearest known name: settle_s",
    ],
)
def test_a_line_that_nobody_foresaw_is_shown_as_it_is(line: str) -> None:
    assert in_japanese(line) == line
