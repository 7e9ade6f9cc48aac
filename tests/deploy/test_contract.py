"""deploy/CONTRACT.md names what the code offers, and nothing else; the documents name files that exist."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import get_args

import pytest

from drivers.reservations.postgresql import migrate
from drivers.reservations.sqlite import file as reservations_file
from kiosk import __main__ as command_line
from kiosk import config
from kiosk.courier import ledger
from kiosk.desk import registrations_file, sealed_register, taken_files
from kiosk.desk.people import database as people_database
from kiosk.his import store
from kiosk.operations import status
from kiosk.operations.check import plan
from kiosk.tables import known_people
from kiosk.visit.reasons import COUNTER_CODES, NO_SLIP_CODES
from tests import ROOT

CONTRACT = (ROOT / "deploy/CONTRACT.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "deploy/CONTRACT.md", "deploy/DECISIONS.md", "deploy/PERFORMANCE.md")
SITE = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
subsidies = "file://{folder}/subsidies"
[receipt_computer]
results = "file://{folder}/to_face"
subsidies = "file://{folder}/to_subsidies"
[printer]
url = "file://{folder}/slips"
[card_reader]
also = "serial:///dev/ttyS1"
[reservations]
url = "postgresql://kiosk@127.0.0.1/kiosk"
[his]
url = "orca+http://kiosk@127.0.0.1:8000"
[desk]
"""


def section(title: str) -> str:
    """The text under a heading of the contract, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", CONTRACT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def codes(text: str) -> set[str]:
    """What stands in back quotes."""
    return set(re.findall(r"`([^`]+)`", text))


def table(title: str, heading: str) -> list[list[str]]:
    """Rows of the table whose head begins with `heading`, by column."""
    lines = section(title).splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith(f"| {heading} |")]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def first_column(title: str, heading: str) -> set[str]:
    return {code for row in table(title, heading) for code in codes(row[0])}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(folder=tmp_path), encoding="utf-8")
    return file


# -- the command line ---------------------------------------------------------------------------------------------


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        command_line.main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def commands(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    """Every command with its options, as `--help` tells them."""
    text = help_of(words, capsys)
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)) - {"--help"}
    # One with options is a command, whatever may follow it.
    found = {" ".join(words): options} if options or "COMMAND" not in text else {}
    if "COMMAND" not in text:
        return found
    for name in re.findall(r"^    ([a-z]+(?:-[a-z]+)*)(?: |$)", text, re.MULTILINE):
        found |= commands((*words, name), capsys)
    return found


def test_every_command_has_its_line_with_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^    kiosk ([a-z]+(?: [a-z]+(?:-[a-z]+)*)*)(.*)$", section("Command line"), re.MULTILINE)
    assert {name: set(re.findall(r"--[a-z-]+", rest)) for name, rest in listed} == commands((), capsys)


def test_every_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    options = {option for found in commands((), capsys).values() for option in found} - {"--config"}
    explained = {code.split()[0] for row in table("Command line", "command") for code in codes(row[1])}
    assert options == explained - {"FILE.csv", "FOLDER"}


def test_every_exit_code_is_explained() -> None:
    known = {0} | {value for name, value in vars(command_line).items() if name.startswith("EXIT_")}
    assert {int(row[0]) for row in table("Command line", "exit code")} == known


# -- headless -----------------------------------------------------------------------------------------------------


@pytest.fixture
def names(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """What `kiosk screens` says, by kind."""
    assert command_line.main(["screens"]) == 0
    found: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        kind, _, rest = line.partition(" ")
        found.setdefault(kind, []).append(rest.strip())
    assert set(found) == {"screen", "button", "reason", "note", "staff", "tool", "next"}
    return found


def test_every_screen_is_listed_with_its_buttons(names: dict[str, list[str]]) -> None:
    listed = {next(iter(codes(row[0]))): codes(row[2].partition("(")[0]) for row in table("Headless", "screen")}
    assert {line.partition(":")[0] for line in names["screen"]} == set(listed)
    for line in names["screen"]:
        name, _, buttons = line.partition(": ")
        assert listed[name] == (set() if buttons == "(no buttons)" else set(buttons.split())), name
    assert all(f"`{line.split()[0]}`" in section("Headless") for line in names["button"])


def test_every_reason_note_and_staff_code_is_listed(names: dict[str, list[str]]) -> None:
    no_slip = {line.split()[0] for line in names["reason"] if "no_slip" in line}
    assert first_column("Headless", "reason on `counter`") == {line.split()[0] for line in names["reason"]} - no_slip
    assert first_column("Headless", "reason with the note `no_slip`") == no_slip
    assert first_column("Headless", "note") == set(names["note"])
    staff = re.search(r"^Staff codes, the worst first: (.*?)\. What", section("Headless"), re.MULTILINE | re.DOTALL)
    assert staff and re.findall(r"`(\w+)`", staff[1]) == names["staff"]


def test_every_tool_every_next_step_and_every_code_of_staff_is_listed(names: dict[str, list[str]]) -> None:
    tools = next(row[1] for row in table("Headless", "key") if row[0] == "`tools`")
    assert set(names["tool"]) <= codes(tools)
    assert {code for row in table("Headless", "next") for code in codes(row[0])} == set(names["next"])
    for head, known in (("reason on `counter`", COUNTER_CODES), ("reason with the note `no_slip`", NO_SLIP_CODES)):
        rows = [(re.findall("`(.*?)`", row[0]), re.findall("`(.*?)`", row[1])) for row in table("Headless", head)]
        assert {reason: code for row in rows for reason, code in zip(*row, strict=True)} == known


def test_every_key_of_a_line_is_explained() -> None:
    example = re.search(r"^    (\{\"screen\".*?\})$", section("Headless"), re.MULTILINE | re.DOTALL)
    assert example
    assert first_column("Headless", "key") - {"boxes"} == set(json.loads(example[1]))


# -- status, check, metrics, databases ------------------------------------------------------------------------------


def test_every_key_and_problem_of_the_status_is_listed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["status", "--json", "--config", str(site)]) == 1  # nothing runs
    report = json.loads(capsys.readouterr().out)
    assert {"desk", "parts"} < set(report) <= codes(section("kiosk status"))
    problems = re.search(r"^Problem codes: (.*)", section("kiosk status"), re.MULTILINE | re.DOTALL)
    assert problems and codes(problems[1]) == set(get_args(status.ProblemCode))


def test_every_code_of_the_check_is_listed(site: Path) -> None:
    jobs = plan.jobs(config.load(site), plan.Options(print_slip=False, ask=None, stop=threading.Event()))
    listed = {code for row in table("kiosk check", "about") for code in codes(row[1])}
    assert listed == {code for job in jobs for code in job.codes}


def test_every_metric_is_listed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["metrics", "--once", "--config", str(site)]) == 0
    families = set(re.findall(r"^# TYPE (kiosk_\w+)", capsys.readouterr().out, re.MULTILINE))
    assert families == first_column("Metrics", "metric")


def test_the_versions_of_the_databases_are_those_of_the_code() -> None:
    listed = {
        next(iter(codes(row[0].partition("(")[0]))): int(row[1]) for row in table("Databases and updates", "database")
    }
    assert listed == {
        "courier.db": len(ledger._MIGRATIONS),
        "reservations.db": len(reservations_file.MIGRATIONS),
        "his.db": len(store._MIGRATIONS),
        "kiosk.migration": migrate.newest(),
        "people.db": len(people_database.MIGRATIONS),
        "registrations.db": len(registrations_file.MIGRATIONS),
        "accepted.db": len(sealed_register.MIGRATIONS),
        "known.db": len(known_people.MIGRATIONS),
        "watched.db": len(taken_files.MIGRATIONS),
    }


# -- paths in the documents ----------------------------------------------------------------------------------------

_FILE = re.compile(r"(?<![\w/.-])((?:kiosk|drivers|tests|deploy|assets|\.ci)/[\w./*{},-]*[\w*}])")
_LINK = re.compile(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)")


def missing(document: str, text: str) -> list[str]:
    """Files and folders of the repository that `text` names and that are not there."""
    named = [(ROOT, name) for name in _FILE.findall(text)]
    named += [((ROOT / document).parent, name) for name in _LINK.findall(text) if "//" not in name]
    return [name for base, name in named if not ((base / name).exists() or ("*" in name and any(base.glob(name))))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    assert missing(document, (ROOT / document).read_text(encoding="utf-8")) == []


def test_every_file_of_the_walks_exists() -> None:
    """README's walks name files below kiosk/, or from the top; several on a line with commas between."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    steps = re.findall(r"^    +\d+ ([^\s,]+/[^\s,]*(?:, [^\s,]+/[^\s,]*)*)", text, re.MULTILINE)
    named = [name for step in steps for name in step.split(", ")]
    assert len(named) > 30
    assert [name for name in named if not ((ROOT / "kiosk" / name).exists() or (ROOT / name).exists())] == []


def test_a_file_that_is_gone_is_found() -> None:
    text = "`kiosk/nowhere.py`, [guide](GUIDE.md), [gone](GONE.md#top), `kiosk/reception/*_gone.py`, `/opt/kiosk/x.py`"
    assert missing("deploy/CONTRACT.md", text) == ["kiosk/nowhere.py", "kiosk/reception/*_gone.py", "GONE.md"]
