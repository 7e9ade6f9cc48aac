"""deploy/GUIDE.md and the program say the same: commands, keys, codes, files and links of the guide are real, and
nothing that a site may meet is missing from it.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import threading
import unicodedata
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kiosk import config
from kiosk.__main__ import _parser
from kiosk.config.model import Config
from kiosk.operations.check import plan
from kiosk.process.event_log import EVENTS
from kiosk.reception.run_status import TROUBLES
from kiosk.screens import names
from kiosk.typography.ruby import plain
from kiosk.visit import reasons
from kiosk.words import texts
from tests import ROOT
from tests.site_toml import REQUIRED, Site

GUIDE = ROOT / "deploy" / "GUIDE.md"
TEXT = GUIDE.read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS = sorted((GUIDE.parent / "guide").glob("*.svg"))

INLINE = {code.strip() for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", TEXT)}
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LINES = [line.split("  #")[0].strip() for line in TEXT.splitlines() if line.startswith("    ")]

# What is told to `[alarm] command` and kept as an alarm; all other events are history.
ALARMS = {
    "share_down", "share_refused", "delivery_waits", "file_held", "file_unreadable", "file_lost_to_other",
    "institution_differs", "temp_lost", "foreign_temps", "folder_not_emptied", "subsidy_failed_late", "journal_full",
    "journal_lost", "courier_silent", "alarm_command_failed", "source_shared", "source_taken",
    "desk_gone", "desk_waits", "desk_feed_down", *TROUBLES,
}  # fmt: skip
# Names of other programs, and words of the program's own that stand in no list.
ELSEWHERE = {
    "recovered", "kiosk", "down", "refused", "done", "failed", "staging",
    # PostgreSQL's, and the roles of the book there.
    "listen_addresses", "max_connections", "password_encryption", "synchronous_commit", "synchronous_standby_names",
    "remote_apply", "ssl_cert_file", "ssl_key_file", "postgres", "pg_rewind", "pg_basebackup",
    "kiosk_owner", "kiosk_register", "kiosk_hub", "kiosk_display",
}  # fmt: skip


def keys() -> dict[str, set[str]]:
    """The tables of site.toml and their keys, from the commented example."""
    found: dict[str, set[str]] = {}
    table = ""
    for line in (ROOT / "deploy" / "site.toml").read_text(encoding="utf-8").splitlines():
        if head := re.match(r"#?\[\[?(\w+)\]\]?", line):
            table = head[1]
        elif key := re.match(r"#?(\w+) = ", line):
            found.setdefault(table, set()).add(key[1])
    return found


def first_cells(section: str) -> set[str]:
    """The codes in the first column of the tables of a section."""
    return {code for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for code in re.findall("`(.+?)`", row)}


def check_codes(tmp_path: Path) -> set[str]:
    site = Site(tmp_path)
    more = '[desk]\n[card_reader]\nalso = "serial:///dev/ttyS1"\n'
    more += '[his]\nurl = "orca+https://kiosk@orca"\n[reservations]\nurl = "postgresql://kiosk@db/kiosk"\n'
    jobs = plan.jobs(site.load(REQUIRED + more), plan.Options(False, None, threading.Event()))
    return {code for job in jobs for code in job.codes}


def test_the_guide_has_exactly_ten_steps_in_order() -> None:
    assert re.findall(r"^### 手順 (\d+)\.", TEXT, re.MULTILINE) == [str(number) for number in range(1, 11)]


def test_every_line_of_kiosk_check_is_explained_and_no_other(tmp_path: Path) -> None:
    codes = check_codes(tmp_path)
    section = TEXT.partition("### 手順 9")[2].partition("### 手順 10")[0]
    explained = first_cells(section)
    # The four folders are checked alike; those of the subsidies are named once.
    assert {code for code in codes if "_subsidies_" not in code} - explained == set()
    assert explained - codes == set()


def test_every_reason_note_and_word_for_staff_is_explained() -> None:
    told = {*reasons.COUNTER_REASONS, *reasons.NO_SLIP_REASONS, *names.NOTES, *names.STAFF}
    assert told - INLINE - {"no_slip"} == set()
    assert "（`no_slip` の理由）" in TEXT


def test_every_alarm_is_explained_in_the_table_of_alarms() -> None:
    table = TEXT.partition("### 警報")[2].partition("\n### ")[0]
    assert first_cells(table) == {*ALARMS, "recovered"}
    assert ALARMS.issubset(EVENTS)


def test_the_list_of_alarms_here_holds_every_alarm_that_the_program_raises() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "kiosk").rglob("*.py"))
    raised = re.findall(r'\b(?:raise_alarm|set_alarm|alarm|Condition)\("(\w+)"', sources)
    assert len(raised) > 10
    assert set(raised) - ALARMS == set()


def test_every_code_in_the_guide_is_one_of_the_program(tmp_path: Path) -> None:
    known = {*EVENTS, *names.SCREENS, *reasons.COUNTER_REASONS, *reasons.NO_SLIP_REASONS, *names.NOTES}
    known |= {*names.STAFF, *ELSEWHERE, *check_codes(tmp_path), *(key for table in keys().values() for key in table)}
    assert {code for code in INLINE if re.fullmatch("[a-z]+(_[a-z]+)+", code)} - known == set()


def test_a_key_named_with_its_table_is_in_that_table() -> None:
    known = keys()
    named = re.findall(r"`\[\[?(\w+)\]\]?` の ((?:`[^`\[]+`、?)+)", TEXT)
    assert {table for table, _ in named} >= {"card_reader", "visit", "arrival", "printer", "screen", "alarm", "hours"}
    for table, words in named:
        assert {word.split(" ")[0] for word in re.findall("`([^`]+)`", words)} <= known[table], words


def test_every_message_quoted_from_the_screens_is_shown_there() -> None:
    shown = {plain(each) for each in _strings(texts.load())}
    table = TEXT.partition("### 最初の画面の下の「係員の方へ」")[2].partition("\n### ")[0]
    for words, code in re.findall(r"^\| ([^|]+?) \| `(\w+)` \|", table, re.MULTILINE):
        assert texts.load()["staff"][code] == words
    quoted = set(re.findall("「([^」]{9,}[。？])」", TEXT))
    quoted |= {"受付が完了しました", "受付は、もうすんでいます", "準備しています"}
    ours = {words for words in quoted if any(words[:6] in each for each in shown)}
    assert len(ours) >= 4
    assert ours - shown == set()


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [each for part in parts for each in _strings(part)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_site_toml_can_be_loaded(tmp_path: Path, number: int) -> None:
    examples = [body for kind, body in FENCES if kind == "toml" and "[site]" in body]
    assert len(examples) == 2
    loaded: Config = Site(tmp_path).load(examples[number])
    assert loaded.site.pattern == (2, 1)[number]
    assert (loaded.terminal.subsidies is not None) == (loaded.site.pattern == 1)


def test_the_example_of_an_alarm_can_be_loaded_and_its_program_is_a_script(tmp_path: Path) -> None:
    alarm = next(body for kind, body in FENCES if kind == "toml" and "[alarm]" in body)
    site = Site(tmp_path)
    loaded = site.load(REQUIRED + alarm)
    program = loaded.alarm.command[0]
    assert f"`{program}`:" in TEXT
    script = tmp_path / "alarm"
    script.write_text(next(body for kind, body in FENCES if kind == "sh"), encoding="utf-8")
    sent = tmp_path / "sent"
    (tmp_path / "msmtp").write_text(f'#!/bin/sh\n{{ echo "$@"; cat; }} > "{sent}"\n', encoding="utf-8")
    (tmp_path / "msmtp").chmod(0o755)
    shell = shutil.which("sh")
    assert shell
    subprocess.run(
        [shell, str(script), *loaded.alarm.command[1:], "share_down", "A share does not answer."],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True, timeout=60,
    )  # fmt: skip
    lines = sent.read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith(" it@hospital.example")
    assert lines[1:3] == ["To: it@hospital.example", "Subject: kiosk share_down"]
    assert lines[-1] == "A share does not answer."


def commands() -> list[list[str]]:
    """Every command of ours in the guide, as typed behind `sudo`."""
    spoken = [*LINES, *INLINE, *(part for line in (*LINES, *INLINE) for part in line.split(" && "))]
    found = []
    for line in spoken:
        words = line.removeprefix("sudo ")
        if words.startswith("kiosk ") and "…" not in words:
            found.append(shlex.split(words)[1:])
    return found


def test_every_kiosk_command_in_the_guide_is_understood() -> None:
    typed = commands()
    assert {words[0] for words in typed} >= {"check", "status", "reservations"}
    for words in typed:
        arguments = _parser().parse_args([*words, "--config", "site.toml"])  # SystemExit when it is not
        assert isinstance(arguments, argparse.Namespace)


def test_every_option_of_install_and_uninstall_in_the_guide_exists() -> None:
    for script in ("install", "uninstall"):
        known = (ROOT / "deploy" / script).read_text(encoding="utf-8")
        uses = re.findall(rf"deploy/{script}((?: --[a-z-]+)*)", TEXT)
        assert uses
        for option in {option for use in uses for option in use.split()}:
            assert re.search(rf"^\s*(?:--[\w-]+ \| )*{option}\b", known, re.MULTILINE), option
    assert {"--purge", "--force", "--display x11"} <= {*re.findall("--(?:purge|force|display x11)", TEXT)}
    assert 'display" in "" | kms | x11' in (ROOT / "deploy" / "install").read_text(encoding="utf-8")


def test_every_service_in_the_guide_is_installed() -> None:
    units = {path.name for path in (ROOT / "deploy" / "units").glob("*.service")}
    assert set(re.findall(r"`([\w-]+\.service)`", TEXT)) == {
        "kiosk.service", "kiosk-courier.service", "kiosk-his.service",
    } <= units  # fmt: skip
    for line in (*LINES, *INLINE):
        if match := re.match(r"sudo systemctl (?:start|stop|restart|status|(?:en|dis)able --now) ([a-z -]+)$", line):
            for name in match[1].split():
                assert f"{name}.service" in units | {"systemd-timesyncd.service"}


def test_every_folder_in_the_guide_is_the_installers() -> None:
    install = (ROOT / "deploy" / "install").read_text(encoding="utf-8")
    for folder in ("/opt/kiosk", "/etc/kiosk", "/var/lib/kiosk"):
        assert f"`{folder}`" in TEXT
        assert folder in install
    unit = (ROOT / "deploy" / "units" / "kiosk-courier.service").read_text(encoding="utf-8")
    assert "RestartSec=2" in unit  # 「2 秒で始まり直す」


def _anchor(heading: str) -> str:
    """As GitHub makes it: lower case, blanks become hyphens, letters, digits, hyphens and underscores stay."""
    kept = (c for c in heading.strip().lower() if c in "-_ " or unicodedata.category(c)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def test_every_link_of_the_guide_leads_somewhere() -> None:
    anchors = {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 8
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (GUIDE.parent / link).is_file(), link


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_a_drawing_is_real_text_in_a_japanese_font_and_used(path: Path) -> None:
    drawing = ET.parse(path).getroot()
    assert f"](guide/{path.name})" in TEXT
    assert drawing.find(f"{SVG}title") is not None
    style = drawing.findtext(f"{SVG}style") or ""
    assert "BIZ UDPGothic" in style and "Noto Sans CJK JP" in style
    words = "".join("".join(text.itertext()) for text in drawing.iter(f"{SVG}text"))
    wanted = {"①", "②", "④", "⑧", "⑭", *("⑦" if path.stem == "pattern-2" else "")}
    assert {letter for letter in words if "①" <= letter <= "⑳"} == wanted
    # Nothing is fetched from anywhere, and nothing runs.
    assert not re.search(r"href|<script|<image|url\((?!#)", path.read_text(encoding="utf-8"))


def test_there_is_a_drawing_for_each_pattern() -> None:
    assert [path.name for path in DRAWINGS] == ["pattern-1.svg", "pattern-2.svg"]


def test_the_figures_in_the_guide_are_the_programs(tmp_path: Path) -> None:
    loaded = config.load(_written(tmp_path), {})
    assert (loaded.visit.reader_min_s, loaded.visit.unclean_s, loaded.visit.result_wait_s) == (6, 200, 60)
    assert loaded.terminal.poll_interval_s == 0.25
    for words in ("`reader_min_s`（6 秒）と `unclean_s`（200 秒）", "0.25 秒ごと", "60 秒以内に結果が来ない"):
        assert words in TEXT


def _written(tmp_path: Path) -> Path:
    site = Site(tmp_path)
    site.load()
    return site.file


def test_no_tab_or_blank_ends_a_line_of_the_guide() -> None:
    assert [n for n, line in enumerate(TEXT.splitlines(), 1) if line != line.rstrip() or "\t" in line] == []
