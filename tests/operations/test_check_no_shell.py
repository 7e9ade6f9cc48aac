"""`kiosk check` on the appliance: what it tells a technician to do can be done without a shell; nothing else differs.

The texts are read from the source with `ast`, so that a remedy that no test brings about is looked at too.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.appliance.technician import jobs
from kiosk.config import passwords
from kiosk.machine import state as machine_state
from kiosk.operations import check
from kiosk.operations.check import no_shell
from kiosk.operations.check.finding import Finding, ng, ok
from kiosk.words import texts
from tests import ROOT
from tests.site_toml import REQUIRED, Site, shares, with_

CHECK = ROOT / "kiosk" / "operations" / "check"
# What findings quote in their messages: the loader's problems, the table of numbers, what the devices said.
QUOTED = [
    *(ROOT / "kiosk" / "config").glob("*.py"),
    ROOT / "kiosk" / "appointments" / "reference_numbers.py",
    *(path for path in (ROOT / "drivers").rglob("*.py") if "simulated" not in path.parts),
]
COMMAND = re.compile(
    r"sudo|systemctl|systemd-|chmod|chown|journalctl|dialout|deploy/|/etc/kiosk|--(?:print|json)"
    r"|kiosk (?:check|reservations|status|courier)|root で|もう一度実行|もう一度インストール"
)


def texts_in(node: ast.AST) -> Iterator[str]:
    """Every string below `node` but docstrings, whole, with … for what is put in."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        yield "".join(parts)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from texts_in(part.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts_in(child)


def texts_of(*paths: Path) -> set[str]:
    return {text for path in paths for text in texts_in(ast.parse(path.read_text(encoding="utf-8")))}


@pytest.fixture(scope="module")
def written() -> set[str]:
    """All that the checks can say, as on a PC."""
    return texts_of(*(path for path in CHECK.glob("*.py") if path.name != "no_shell.py"))


def there(text: str) -> str:
    """What the appliance says instead."""
    return no_shell.reworded(ng("code", "message", text)).do


@pytest.fixture
def appliance(tmp_path: Path) -> Path:
    """A folder that is the image's root as far as anybody asks."""
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "kiosk-release").write_text("VERSION=1.4.0\nKEYRING=vendor\n")
    return tmp_path / "root"


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return list(json.loads(capsys.readouterr().out)["checks"])


# --- every text ----------------------------------------------------------------------------------------------------


def test_no_text_of_a_check_names_a_command_on_the_appliance(written: set[str]) -> None:
    assert len(written) > 200
    assert sum(bool(COMMAND.search(text)) for text in written) > 15  # the search sees those of the PC
    assert {text: there(text) for text in written if COMMAND.search(there(text))} == {}


@pytest.mark.parametrize(
    "word",
    ["sudo", "systemctl", "chmod", "chown", "kiosk check", "kiosk reservations", "journalctl", "deploy/", "--print",
     "/etc/kiosk"],
)  # fmt: skip
def test_the_search_knows_every_command(word: str) -> None:
    assert COMMAND.search(f"まず{word} します")


def test_no_remedy_of_the_table_has_gone_from_the_checks(written: set[str]) -> None:
    assert set(no_shell.INSTEAD) - written == set()


def test_a_remedy_is_known_whatever_is_put_into_it() -> None:
    assert there("chmod 600 /run/a folder\nof two lines/terminal.secret") == there("chmod 700 /var/lib/kiosk")
    assert there("500 MB 以上空けてください").startswith("［再起動］")
    assert there("用紙を入れてください") == "用紙を入れてください"
    assert there("") == ""


def test_only_the_remedy_becomes_another() -> None:
    found = no_shell.reworded(ok("courier_running", "詳しくは kiosk status", "詳しくは kiosk status"))
    assert found == Finding("courier_running", "OK", "詳しくは kiosk status", "詳しくは［状態］")


def test_every_button_that_is_named_is_on_the_technicians_page() -> None:
    buttons: Any = texts.load("technician")["buttons"]
    named = {name for do in no_shell.INSTEAD.values() for name in re.findall("［(.+?)］", do)}
    assert {"点検", "用紙テスト", "状態", "受付の再起動", "再起動"} <= named
    assert named <= {buttons[button] for button in jobs.MENU}


def test_what_a_message_quotes_names_no_command_either(tmp_path: Path) -> None:
    found = {text for text in texts_of(*QUOTED) if COMMAND.search(text)}
    # Of a file beside site.toml that others may read. The appliance's passwords come from systemd, with any mode, or
    # from a stick, whose files are copied for root alone.
    assert found == {"must not be readable by others (mode …); chmod 600 …"}
    (tmp_path / "terminal.secret").write_text("x\n")
    (tmp_path / "terminal.secret").chmod(0o644)
    assert passwords.read("terminal.secret", tmp_path / "none", str(tmp_path)).reveal() == "x"


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_image_is_known_by_its_file(tmp_path: Path, appliance: Path) -> None:
    assert machine_state.is_appliance(appliance)
    assert not machine_state.is_appliance(tmp_path)
    (appliance / "etc" / "kiosk-release").unlink()
    assert not machine_state.is_appliance(appliance)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_site_toml_with_mistakes_is_mended_on_the_stick_there_and_in_the_file_here(
    tmp_path: Path, appliance: Path, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(REQUIRED.replace("pattern = 1", "pattern = 3"))
    assert check.run(file, print_slip=False, as_json=as_json, root=tmp_path) == 2
    here = capsys.readouterr().out
    assert check.run(file, print_slip=False, as_json=as_json, root=appliance) == 2
    out = capsys.readouterr().out
    assert "書き方は deploy/site.toml にあります" in here and "KIOSK-SITE" not in here
    assert "site.toml を直し、設定用 USB（KIOSK-SITE）を挿し直してください" in out
    assert not COMMAND.search(out.replace(str(file), ""))


def test_a_whole_check_on_the_appliance_names_no_command(
    tmp_path: Path, appliance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path)
    folders = {name: tmp_path / name for name in ("face", "out", "data")}
    for folder in folders.values():
        folder.mkdir()
    folders["data"].chmod(0o755)
    text = shares(terminal_results=f"file://{folders['face']}", receipt_computer_results=f"file://{folders['out']}")
    text = with_("site", f'data_dir = "{folders["data"]}"', text=text)
    site.load(with_("printer", f'url = "file://{tmp_path}/slips.bin"', "status = false", text=text))
    assert check.run(site.file, print_slip=False, as_json=True, root=appliance) == 1
    found = {each["code"]: each["do"] for each in told(capsys)}
    assert {code: do for code, do in found.items() if COMMAND.search(do)} == {}
    assert found["data_dir"].startswith("［再起動］")
    assert found["test_slip"] == "［用紙テスト］で試験の受付票を印刷します"
    assert "［受付の再起動］" in found["courier_running"]
    assert "appointments フォルダー" in found["reservations"]
    assert not list(folders["out"].iterdir())
