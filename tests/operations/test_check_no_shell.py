"""`kiosk check` on the appliance: what it says to do can be done without a shell; nothing else differs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kiosk.appliance.technician.step import MENU
from kiosk.config import passwords
from kiosk.machine import state as machine_state
from kiosk.operations import check
from kiosk.operations.check.finding import ng, ok
from kiosk.words import texts
from tests.site_toml import REQUIRED, Site, shares, with_

COMMAND = re.compile(
    r"sudo|systemctl|systemd-|chmod|chown|journalctl|dialout|deploy/|/etc/kiosk|--(?:print|json)"
    r"|kiosk (?:check|reservations|status|courier)|root で|もう一度実行|もう一度インストール"
)
CHECK = texts.load("check")
ON_A_PC: dict[str, str] = {key: text for key, text in CHECK["do"].items() if key != "no_shell"}
NO_SHELL: dict[str, str] = CHECK["do"]["no_shell"]


@pytest.fixture
def appliance(tmp_path: Path) -> Path:
    """A folder that is the image's root as far as anybody asks."""
    (tmp_path / "root" / "etc").mkdir(parents=True)
    (tmp_path / "root" / "etc" / "kiosk-release").write_text("VERSION=1.4.0\nKEYRING=vendor\n")
    return tmp_path / "root"


def checks_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return list(json.loads(capsys.readouterr().out)["checks"])


# --- every text ----------------------------------------------------------------------------------------------------


def test_no_text_of_a_check_names_a_command_on_the_appliance() -> None:
    assert sum(bool(COMMAND.search(text)) for text in ON_A_PC.values()) > 15  # the search sees those of the PC
    remedies = {**ON_A_PC, **NO_SHELL}
    others = {key: text for table in ("message", "cause", "logon") for key, text in CHECK[table].items()}
    problems = {key: text for table in texts.load("config").values() for key, text in table.items()}
    assert [key for each in (remedies, others, problems) for key, text in each.items() if COMMAND.search(text)] == []


@pytest.mark.parametrize(
    "word",
    ["sudo", "systemctl", "chmod", "chown", "kiosk check", "kiosk reservations", "journalctl", "deploy/", "--print",
     "/etc/kiosk"],
)  # fmt: skip
def test_the_search_knows_every_command(word: str) -> None:
    assert COMMAND.search(f"まず{word} します")


def test_every_remedy_for_the_appliance_is_one_of_a_pc() -> None:
    assert NO_SHELL.keys() <= ON_A_PC.keys()


def test_only_the_remedy_becomes_another() -> None:
    found = ok("courier_running", "message.courier_runs", "do.more_in_status")
    assert found.line().removesuffix(" kiosk status") == found.line(no_shell=True).removesuffix("［状態］")
    paper = ng("paper", "cause.paper_out", "do.load_paper")
    assert paper.line() == paper.line(no_shell=True)
    assert ok("paper", "message.paper").do(no_shell=True) == ""
    full = ng("disk", "message.disk_full", "do.free_disk", free_mb=1, needed_mb=500)
    assert full.do() == "500 MB 以上空けてください"
    assert full.do(no_shell=True).startswith("［再起動］")


def test_every_button_that_is_named_is_on_the_technicians_page() -> None:
    buttons: Any = texts.load("technician")["buttons"]
    named = {name for do in NO_SHELL.values() for name in re.findall("［(.+?)］", do)}
    assert {"点検", "用紙テスト", "状態", "受付の再起動", "再起動"} <= named
    assert named <= {buttons[button] for button in MENU}


def test_a_password_of_the_appliance_may_have_any_mode(tmp_path: Path) -> None:
    """They come from systemd, or from a stick, whose files are copied for root alone."""
    (tmp_path / "terminal.secret").write_text("x\n")
    (tmp_path / "terminal.secret").chmod(0o644)
    found = passwords.needed("terminal", "terminal.secret", ("smb://a/b",), tmp_path / "none", str(tmp_path))
    assert found is not None and found.reveal() == "x"


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
    found = {each["code"]: each["do"] for each in checks_of(capsys)}
    assert {code: do for code, do in found.items() if COMMAND.search(do)} == {}
    assert found["data_dir"].startswith("［再起動］")
    assert found["test_slip"] == "［用紙テスト］で試験の受付票を印刷します"
    assert "［受付の再起動］" in found["courier_running"]
    assert "appointments フォルダー" in found["reservations"]
    assert not list(folders["out"].iterdir())
