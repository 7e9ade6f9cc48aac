"""The command line: what every command says, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import csv_file
from drivers.reservations.sqlite import upkeep
from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.__main__ import main
from kiosk.appointments import import_record
from kiosk.screens.names import STAFF
from kiosk.words.problems import Problem, from_json
from tests import ROOT
from tests.book import arrive, count, due
from tests.hospital import Reception, today, wait_until

ENTRY_POINT = "import sys; from kiosk.__main__ import main; sys.exit(main())"
SITE = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/face"
[receipt_computer]
results = "file://{folder}/to_face"
[printer]
url = "file://{folder}/slips"
"""
HEADER = "patient_number,date,time,department,doctor,place\n"


def site(folder: Path, *, text: str = SITE) -> Path:
    """A site without any peer: folders of this machine, and a file for the slips."""
    for name in ("face", "to_face"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "site.toml"
    path.write_text(text.format(folder=folder), encoding="utf-8")
    return path


def kiosk(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kiosk", *map(str, arguments)],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=90, check=False, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


# -- screens ------------------------------------------------------------------------------------------------------

CONTRACT = {
    "choose_card": "mynumber patient_card",
    "tap_reader": "cancel",
    "insert_card": "cancel",
    "birthday": "key_0 key_1 key_2 key_3 key_4 key_5 key_6 key_7 key_8 key_9 clear ok cancel",
    "printing": "(no buttons)",
    "done": "close",
    "already": "close",
    "counter": "close",
    "closed": "(no buttons)",
    "out_of_service": "(no buttons)",
}
REASONS = (
    "not_registered ambiguous unreadable failed no_qualification unknown_patient no_appointment reservations_down "
    "no_result birthday_differs card_unreadable paper_out cover_open printer_offline printer_silent printer_stalled"
)
NOTES = "insurance_check subsidy_failed no_slip"


def test_screens_lists_every_name_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screens"]) == 0
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    buttons = {words[1].rstrip(":"): words[2:] for words in said if words[0] == "screen"}
    assert all(set(first.split()) <= set(buttons[name]) for name, first in CONTRACT.items())
    assert {words[1] for words in said if words[0] == "reason"} >= set(REASONS.split())
    assert {words[1] for words in said if words[0] == "note"} >= set(NOTES.split())
    assert [words[1] for words in said if words[0] == "staff"] == list(STAFF)
    assert {words[0] for words in said} == {"screen", "button", "reason", "note", "staff", "tool", "next"}


def test_the_script_and_the_module_are_the_same_program() -> None:
    """The script itself is made by the installer from pyproject.toml; what it calls is what runs here."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts["kiosk"] == "kiosk.__main__:main"
    script = subprocess.run(
        [sys.executable, "-c", ENTRY_POINT, "screens"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
        timeout=90,
    )  # fmt: skip
    assert script.stdout == kiosk("screens").stdout


# -- usage and configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["run"],
        ["run", "--headless"],
        ["courier"],
        ["status"],
        ["reservations"],
        ["reservations", "import"],
        ["reservations", "import", "a.csv"],
        ["run", "--config"],
        ["status", "--config", "site.toml", "--jsno"],
        ["screens", "extra"],
    ],
)
def test_a_usage_error_is_told_with_the_usage_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert "usage: kiosk" in said.err
    assert said.out == ""


@dataclass(frozen=True)
class Mistake:
    """A broken site: what is done to it, and words of the one message that must follow."""

    name: str
    make: Callable[[Path], object]
    says: tuple[str, ...]


def _with(line: str, table: str) -> Callable[[Path], object]:
    text = SITE.replace(f"[{table}]\n", f"[{table}]\n{line}\n")
    return lambda folder: site(folder, text=text)


def _smb(make_secret: Callable[[Path], object]) -> Callable[[Path], object]:
    text = SITE.replace("file://{folder}/face", "smb://kiosk@127.0.0.1:9/face")

    def make(folder: Path) -> None:
        site(folder, text=text)
        make_secret(folder / "terminal.secret")

    return make


def _readable_by_all(secret: Path) -> None:
    secret.write_text("well-known\n")
    secret.chmod(0o644)


MISTAKES = [
    Mistake("unknown key", _with("pol_interval_s = 1", "terminal"), ("[terminal] pol_interval_s", " poll_interval_s")),
    Mistake("unknown table", lambda f: site(f, text=SITE + "[vist]\n"), ("[vist]", "visit")),
    Mistake("wrong type", _with('width_mm = "80"', "printer"), ("[printer] width_mm", "58 or 80")),
    Mistake("bad value", _with("subsidy_wait_s = -1", "terminal"), ("[terminal] subsidy_wait_s", "0 to 600")),
    Mistake("missing secret", _smb(lambda secret: None), ("[terminal] password_file", "terminal.secret")),
    Mistake("secret for everyone", _smb(_readable_by_all), ("[terminal] password_file", "terminal.secret", "others")),
    Mistake("broken TOML", lambda f: site(f, text="[site\n"), ("TOML", "line 1")),
    Mistake("no file", lambda folder: None, ("no such file",)),
    Mistake("no place for data", lambda f: site(f, text=SITE.replace("{folder}/data", "/proc/kiosk")), ("data_dir",)),
]
COMMANDS = (["run", "--headless"], ["courier"], ["status"], ["reservations", "import", "appointments.csv"])


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_the_configuration_is_told_by_every_command(
    tmp_path: Path, mistake: Mistake, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake.make(tmp_path)
    for command in COMMANDS:
        if mistake.name == "no place for data" and command[0] in ("status", "reservations"):
            continue  # status makes no folder, and the import has no file to read
        if "secret" in mistake.name and command[0] in ("status", "reservations"):
            continue  # they open no share: their user need not be able to read a password
        assert main([*command, "--config", str(tmp_path / "site.toml")]) == 2, command
        said = capsys.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        for words in ("site.toml", *mistake.says):
            assert words in said.err
        assert "well-known" not in said.err
    assert not (tmp_path / "data").exists()


def test_a_mistake_ends_the_real_program_with_2_and_no_traceback(tmp_path: Path) -> None:
    path = site(tmp_path, text=SITE + "[visit]\nsettle = 1\n")
    done = kiosk("run", "--headless", "--config", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "[visit] settle: unknown key" in done.stderr
    assert "settle_s" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_ascii_only_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = site(tmp_path, text=SITE.replace("pattern = 1", 'pattern = "一"'))
    done = kiosk("status", "--config", path, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 2
    assert "一" in done.stderr
    with Reception(site(tmp_path), environment={"PYTHONIOENCODING": "ascii"}) as reception:
        assert reception.until("choose_card")["title"] == "どちらのカードをお持ちですか？"
        assert reception.quit() == 0


# -- reservations import ------------------------------------------------------------------------------------------


def test_an_import_tells_what_it_did_and_makes_the_data_folder_private(tmp_path: Path) -> None:
    path = site(tmp_path)
    export = tmp_path / "export.csv"
    export.write_text(HEADER + "12,2099-01-15,9:00,内科,佐藤,\n34,2099/1/16,13:00,外科,,A\n", encoding="cp932")
    done = kiosk("reservations", "import", export, "--config", path)
    assert (done.returncode, done.stdout) == (0, "2 appointments of 2 days imported\n")
    assert "2 of 2 lines" in done.stderr
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert count(SqliteReservations(tmp_path / "data"), date(2099, 1, 15)) == 1


def test_a_bad_line_refuses_the_whole_file_unless_bad_lines_are_to_be_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ("--config", str(site(tmp_path)))
    export = tmp_path / "export.csv"
    export.write_text(HEADER + "12,2099-01-15,9:00,内科,,\n77777,2099-01-15,25:00,内科,,\n")
    assert main(["reservations", "import", str(export), *config]) == 1
    said = capsys.readouterr()
    assert "line 3" in said.err
    assert "77777" not in said.err
    assert count(SqliteReservations(tmp_path / "data"), date(2099, 1, 15)) == 0
    assert main(["reservations", "import", str(export), "--skip-bad", *config]) == 0
    said = capsys.readouterr()
    assert said.out == "1 appointments of 1 days imported\n"
    assert "line 3 was left out" in said.err
    assert count(SqliteReservations(tmp_path / "data"), date(2099, 1, 15)) == 1


def test_what_an_import_and_a_restore_came_to_are_codes_and_numbers_with_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, export = site(tmp_path), tmp_path / "export.csv"

    def answers(*command: str, code: int) -> list[Problem | None]:
        assert main(["reservations", *command, "--json", "--config", str(path)]) == code
        return [from_json(line, "import", "ja") for line in capsys.readouterr().out.splitlines()]

    export.write_text(HEADER + "12,2099-01-15,9:00,内科,,\n")
    assert answers("import", str(export), code=0) == [Problem("done.imported", {"rows": 1, "days": 1})]
    export.write_text(HEADER + "77777,2099-01-15,25:00,内科,,\n")
    refused = Problem("refused.line", {"line": 2, "reason": Problem("reason.time_range")})
    assert answers("import", str(export), code=1) == [refused]
    assert answers("restore", code=1) == [Problem("down.nothing_to_restore")]
    path.write_text(path.read_text().replace(f"{tmp_path}/data", f"{export}/data"))
    assert answers("restore", code=2) == [Problem("down.folder")]


# -- reservations restore -----------------------------------------------------------------------------------------


def restored(path: Path) -> tuple[int, list[str], list[str]]:
    """The exit code, and what is written to both streams."""
    done = kiosk("reservations", "restore", "--config", path)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_a_restore_brings_back_appointments_arrivals_and_exports_and_says_what_is_left_to_do(tmp_path: Path) -> None:
    path, exports = site(tmp_path, text=SITE + '[reservations]\nimport_dir = "{folder}/in"\n'), tmp_path / "in/done"
    exports.mkdir(parents=True)
    book = SqliteReservations(tmp_path / "data")
    day = today()
    row = f"{{}},{day},9:00,内科,,\n"
    book.import_rows(csv_file.read((HEADER + row.format("1")).encode()))
    arrive(book, "1", day, datetime.now(UTC))
    code, said, errors = restored(path)
    assert (code, said, errors[-1]) == (
        1, [], "reservations.db: it is well, and there is no backup: nothing was changed",
    )  # fmt: skip
    upkeep.back_up(book.file, datetime.now(UTC), lambda: True)
    book.import_rows(csv_file.read((HEADER + row.format("2")).encode()))
    late = f"{datetime.now(UTC) + timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    (exports / f"{late}-of-tomorrow.csv").write_text(HEADER + row.format("3").replace(f"{day}", "2099-01-15"))
    (tmp_path / "data" / "reservations.db").write_bytes(b"no database" * 1000)
    code, said, _ = restored(path)
    assert code == 1, "the last import of today is missing"
    assert said[0].startswith("the appointments of the backup of ")
    assert said[1] == "1 arrivals of today; their numbers go on"
    assert said[-1] == "the appointments of today are not all there: import today's export"
    (exports / f"{datetime.now(UTC) + timedelta(hours=1):%Y%m%dT%H%M%SZ}-of-today.csv").write_text(
        HEADER + row.format("2")
    )
    code, said, _ = restored(path)
    assert (code, said[2]) == (0, "2 exports of done/ imported again")
    assert said[3].startswith("the database that was there is kept as reservations.db.broken-")
    assert len(due(book, "2", day)) == 1
    again = arrive(book, "1", day, datetime.now(UTC))
    assert (again.ours, again.receptions[0].number) == (False, "1")


def test_a_database_that_was_deleted_is_named_with_the_command_that_helps(tmp_path: Path) -> None:
    path = site(tmp_path)
    export = tmp_path / "export.csv"
    export.write_text(HEADER + "12,2099-01-15,9:00,内科,佐藤,\n", encoding="utf-8")
    assert kiosk("reservations", "import", export, "--config", path).returncode == 0
    (tmp_path / "data" / "reservations.db").unlink()
    done = kiosk("reservations", "import", export, "--config", path)
    assert (done.returncode, "by hand: reservations restore" in done.stderr) == (1, True)
    assert restored(path)[1][0] == "there was no backup"
    assert kiosk("reservations", "import", export, "--config", path).returncode == 0


def test_a_loss_is_told_without_a_reception_and_over_when_it_is_acknowledged(tmp_path: Path) -> None:
    path = site(tmp_path)
    book = SqliteReservations(tmp_path / "data")
    book.begin_keeping(today(), datetime.now(UTC))
    book.file.path.unlink()
    rebuild(book.file, today())

    def told(*more: str) -> object:
        facts = json.loads(kiosk("status", "--json", *more, "--config", path).stdout)
        return facts["troubles"].get("reservations_lost")

    assert "without a backup, with 0 arrivals of today; the old one was gone" in str(told())
    assert told("--acknowledge") is None
    assert told() is None


def test_status_says_a_week_before_when_something_is_deleted_for_the_first_time(tmp_path: Path) -> None:
    path = site(tmp_path)
    (tmp_path / "data").mkdir(mode=0o700)
    note = "NOTE from {} on, appointments, arrivals and exports older than 90 days are deleted"
    for start, said in ((today() + timedelta(days=1), True), (today(), False)):
        (tmp_path / "data" / "reservations.retention").write_text(f"{start}\n")
        assert (note.format(start) in kiosk("status", "--config", path).stdout) is said


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"name,date\n1,2\n"])
def test_a_file_that_is_no_export_is_refused(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.csv"
    if content is not None:
        export.write_bytes(content)
    assert main(["reservations", "import", str(export), "--config", str(site(tmp_path))]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip()


def test_an_import_by_hand_takes_the_file_as_it_is_and_settles_what_was_told_of_its_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day, data, export = date(2099, 1, 15), tmp_path / "data", tmp_path / "export.csv"
    arguments = ("reservations", "import", str(export), "--config", str(site(tmp_path)))
    rows = [f"{number},{day},9:00,内科,," for number in range(31)]
    for most in (31, 3):
        export.write_text(HEADER + "\n".join(rows[:most]), encoding="utf-8")  # without a last line end
        assert main(arguments) == 0
    assert "2099-01-15: 3 appointments instead of 31" in capsys.readouterr().err
    record = import_record.ImportRecord(data, shrunk={day.isoformat(): import_record.Shrunk(31, 3, time.time())})
    record.save(today())
    assert import_record.unsettled(data, today())
    assert main(arguments) == 0
    assert import_record.unsettled(data, today()) is None


def test_an_import_works_beside_a_running_reception(tmp_path: Path) -> None:
    path = site(tmp_path)
    export = tmp_path / "export.csv"
    later = "".join(f"{number},2099-01-01,9:00,内科,,\n" for number in range(3000))
    export.write_text(f"{HEADER}12,{today()},9:00,内科,,\n{later}")
    with Reception(path) as reception:
        reception.until("choose_card")
        done = kiosk("reservations", "import", export, "--config", path)
        assert (done.returncode, done.stdout) == (0, "3001 appointments of 2 days imported\n")
        assert reception.process.poll() is None
        assert reception.quit() == 0


# -- run ----------------------------------------------------------------------------------------------------------


def test_the_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with Reception(site(tmp_path)) as reception:
        reception.until("choose_card")
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        socket = tmp_path / "data" / "courier.sock"
        wait_until(lambda: socket.exists() and stat.S_IMODE(socket.stat().st_mode) == 0o600, "a private socket")
        assert reception.quit() == 0


def test_a_data_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    path = site(tmp_path)
    (tmp_path / "data" / "run.lock").mkdir(parents=True)
    (tmp_path / "data" / "courier.lock").mkdir()
    for command in (["run", "--headless"], ["courier"]):
        done = kiosk(*command, "--config", path)
        assert done.returncode == 1
        assert "cannot be opened (Is a directory)" in done.stderr
        assert "Traceback" not in done.stderr


def test_headless_needs_no_kivy(tmp_path: Path) -> None:
    """With a Kivy that breaks whoever imports it."""
    broken = tmp_path / "broken"
    for name in ("kivy", "kivymd"):
        (broken / name).mkdir(parents=True)
        (broken / name / "__init__.py").write_text("raise SystemExit('kivy was imported')\n")
    path = site(tmp_path)
    done = kiosk("run", "--headless", "--config", path, PYTHONPATH=os.pathsep.join([str(broken), str(ROOT)]))
    assert done.returncode == 0
    assert '"screen": "choose_card"' in done.stdout
    assert "kivy" not in done.stderr
