"""`kiosk desk …` on the command line: what its words mean, and where it keeps what."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.desk import command
from kiosk.process import private_folder
from kiosk.process.data_folder import DeskFolder
from kiosk.process.sealing import EXPECTED
from tests import ROOT
from tests.hospital import DEADLINE_S

SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(folder=tmp_path) + '[desk]\nfeed = "watch"\n', encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(tmp_path / "memory"))
    monkeypatch.delenv("KIOSK_DESK_DIR", raising=False)
    return tmp_path / "memory"


def test_without_a_site_or_a_desk_in_it_nothing_begins(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["desk"]) == 2
    assert "--config" in capsys.readouterr().err
    file.write_text(
        SITE.format(folder=tmp_path) + f'[receipt_computer]\nresults = "file://{tmp_path}/to"\n'
        f'[printer]\nurl = "file://{tmp_path}/slips"\n',
        encoding="utf-8",
    )
    for words in (["desk"], ["desk", "user", "list"], ["desk", "audit", "verify"]):
        assert main([*words, "--config", str(file)]) == 2
        assert "[desk]: missing" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_kiosks_commands_name_the_table_that_a_desk_only_lacks(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, table in (
        (["run", "--headless"], "printer"),
        (["run", "--headless", "--no-courier"], "printer"),
        (["courier"], "receipt_computer"),
    ):
        assert main([*words, "--config", str(file)]) == 2
        assert f"[{table}]: missing" in capsys.readouterr().err


def test_the_option_may_stand_before_or_behind_the_command(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--config", str(file), "user", "list"], ["user", "list", "--config", str(file)]):
        assert main(["desk", *words]) == 0
        assert capsys.readouterr().out == ""
    for folder in (tmp_path / "data", tmp_path / "data/desk", tmp_path / "memory"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_desk_whose_key_does_not_come_says_so_and_puts_nothing_aside(tmp_path: Path, file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "desk", "--config", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
        env={**os.environ, EXPECTED: "desk.key"},
    )  # fmt: skip
    assert (done.returncode, "desk.key: systemd was to give this credential" in done.stderr) == (1, True), done.stderr
    left = {path.name for path in (tmp_path / "data/desk").iterdir()}
    assert "events-desk.jsonl" in left and not left & {"desk.key", "accepted.db", "known.db"}


def test_a_role_of_the_command_line_is_one_of_the_program() -> None:
    from kiosk.desk.people.roles import Role

    assert set(command.ROLES) == {role.value for role in Role}


# A folder of one's own ------------------------------------------------------------------------------------------------


def test_a_folder_is_made_closed_or_closed_and_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert not private_folder.make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert private_folder.make(folder, 0o711)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert not private_folder.make(folder, 0o711)
    folder.chmod(0o500)
    assert not private_folder.make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o500


def test_where_anybody_may_make_folders_somebody_elses_is_refused(tmp_path: Path) -> None:
    link, mine = tmp_path / "link", tmp_path / "mine"
    mine.mkdir(0o700)
    link.symlink_to(mine)
    with pytest.raises(OSError, match="another"):
        private_folder.make(link, own=True)
    private_folder.make(mine, own=True)
    if os.geteuid() == 0:
        os.chown(mine, 65533, 65533)
        with pytest.raises(OSError, match="another"):
            private_folder.make(mine, own=True)


def test_the_names_of_the_desks_files_are_those_that_every_process_uses(tmp_path: Path) -> None:
    from kiosk.process.data_folder import DataFolder

    desk, shared = DeskFolder(tmp_path, tmp_path / "run"), DataFolder(tmp_path)
    assert (desk.lock, desk.event_log, desk.alarm_memory) == (
        shared.lock("desk"), shared.event_log("desk"), shared.alarm_memory("desk"),
    )  # fmt: skip
