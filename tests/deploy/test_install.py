"""deploy/install and deploy/uninstall, run as programs on a PC in a folder: stories of an administrator."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.deploy.installed import SITE, Pc

pytestmark = pytest.mark.long

LEDGER = "courier.db"

UNITS = "etc/systemd/system"


@pytest.fixture(scope="module")
def first() -> Iterator[Pc]:
    """A PC with one installation, for tests that only look."""
    with TemporaryDirectory(prefix="kiosk-install-") as place:
        pc = Pc(Path(place))
        done = pc.install("--config", "site.toml")
        assert done.returncode == 0, done.stderr
        yield pc


@pytest.fixture
def pc(first: Pc, tmp_path: Path) -> Pc:
    """A copy of that PC, to be changed."""
    for name in ("pc", "a path with blanks", "site"):
        shutil.copytree(first.folder.parent / name, tmp_path / name, symlinks=True)
    mine = Pc.__new__(Pc)
    mine.folder, mine.source, mine.site = (tmp_path / name for name in ("pc", "a path with blanks", "site"))
    return mine


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{path.stat().st_mode & 0o7777:04o}" for path in [folder, *folder.iterdir()]}


def ledger_with(folder: Path, state: str) -> None:
    data = folder / "var/lib/kiosk-courier"
    data.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(data / LEDGER)) as db:
        db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, state TEXT)")
        db.execute("INSERT INTO files (state) VALUES (?)", (state,))
        db.commit()


# --- the first installation -------------------------------------------------------------------------------------------


def test_the_installed_command_runs_from_anywhere_on_the_release_and_its_settings(first: Pc) -> None:
    screens = first.kiosk("screens")
    assert (screens.returncode, screens.stderr) == (0, "")
    assert "choose_card" in screens.stdout
    status = first.kiosk("status")
    assert status.returncode == 1, status.stderr  # site.toml was found, and nothing runs
    assert "The courier is not running" in status.stdout


def test_a_release_works_wherever_its_folder_is(pc: Pc) -> None:
    """`pc` is a copy in another place; the place it was made in is still there and must not be used."""
    shown = pc.run(pc.release() / ".venv/bin/python", "-P", "-c", "import kiosk; print(kiosk.__file__)").stdout
    assert shown.startswith(str(pc.release()))


def test_settings_are_the_groups_and_passwords_the_users_alone(first: Pc) -> None:
    assert modes(first.folder / "etc/kiosk") == {
        "kiosk": "0750", "site.toml": "0640", "terminal.secret": "0600", "receipt_computer.secret": "0600",
    }  # fmt: skip
    lines = (first.folder / "etc/tmpfiles.d/kiosk.conf").read_text(encoding="utf-8").splitlines()
    assert "z /etc/kiosk/terminal.secret 0600 kiosk-courier kiosk -" in lines
    assert "d /var/lib/kiosk 0700 kiosk kiosk -" in lines
    assert "d /var/lib/kiosk-courier 2710 kiosk-courier :kiosk-line -" in lines


def test_no_password_lies_in_the_code_and_no_stage_is_left(pc: Pc) -> None:
    (pc.source / "deploy/terminal.secret").write_text("mine", encoding="utf-8")
    pc.change_source("2")
    assert pc.install().returncode == 0
    assert list((pc.folder / "opt").rglob("*.secret")) == []
    left = {path.name for path in (pc.folder / "opt/kiosk").iterdir()}
    assert left == {"current", "manifest", "previous", "releases"}


def test_others_may_read_the_code_and_nobody_writes_it(first: Pc) -> None:
    files = [path for path in first.release().rglob("*") if not path.is_symlink()]
    assert len(files) > 100
    assert [path for path in files if path.stat().st_mode & 0o022] == []
    assert [path for path in files if not path.stat().st_mode & 0o004] == []


def test_both_services_start_with_the_pc_and_its_own_log_in_is_closed(first: Pc) -> None:
    for unit in ("kiosk", "kiosk-courier"):
        link = first.folder / UNITS / f"multi-user.target.wants/{unit}.service"
        assert (first.folder / str(link.readlink()).lstrip("/")).is_file()
    for unit in ("getty@tty1.service", "ctrl-alt-del.target"):
        assert (first.folder / UNITS / unit).readlink() == Path("/dev/null")


# --- again, and upgrades ----------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(pc: Pc) -> None:
    before, release = pc.tree(but="nothing"), pc.release()
    done = pc.install()
    assert done.returncode == 0, done.stderr
    assert "is there already" in done.stdout
    assert pc.release() == release
    assert pc.tree(but="nothing") == before


def test_an_upgrade_keeps_data_and_settings_and_one_release_to_go_back_to(pc: Pc) -> None:
    data = pc.folder / "var/lib/kiosk/kept"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("data", encoding="utf-8")
    settings = {name: text for name, text in pc.tree().items() if name.startswith("etc/kiosk/")}
    releases = [pc.release()]
    for version in ("2", "3"):
        pc.change_source(version)
        done = pc.install()
        assert done.returncode == 0, done.stderr
        releases.append(pc.release())
    assert (pc.release() / "CHANGELOG.md").read_text(encoding="utf-8") == "3"
    assert len(set(releases)) == 3
    assert pc.release("previous") == releases[1]
    assert set((pc.folder / "opt/kiosk/releases").iterdir()) == set(releases[1:])
    assert data.read_text(encoding="utf-8") == "data"
    assert {name: text for name, text in pc.tree().items() if name.startswith("etc/kiosk/")} == settings


def test_the_way_back_is_the_previous_releases_own_installer(pc: Pc) -> None:
    old = pc.release()
    pc.change_source("2")
    assert pc.install().returncode == 0
    new = pc.release()
    done = pc.run(pc.folder / "opt/kiosk/previous/deploy/install", "--root", str(pc.folder))
    assert done.returncode == 0, done.stderr
    assert (pc.release(), pc.release("previous")) == (old, new)


def test_new_settings_are_taken_with_passwords_of_before_and_the_old_ones_kept(pc: Pc) -> None:
    (pc.site / "terminal.secret").unlink()
    pc.write_site(SITE.replace("架空総合病院", "架空第二病院"))
    assert pc.install("--config", "site.toml").returncode == 0
    etc = pc.folder / "etc/kiosk"
    assert "架空第二病院" in (etc / "site.toml").read_text(encoding="utf-8")
    assert "架空総合病院" in (etc / "site.toml.previous").read_text(encoding="utf-8")
    assert (etc / "terminal.secret").read_text(encoding="utf-8") == "pass of terminal.secret\n"


def test_an_installation_that_is_cut_off_leaves_the_one_in_use_and_the_next_run_finishes_it(pc: Pc) -> None:
    before, release = pc.tree(), pc.release()
    whole = (pc.source / "deploy/setup").read_text(encoding="utf-8")
    pc.change_source("2")
    (pc.source / "deploy/setup").write_text('#!/bin/sh\nmkdir -p "$KIOSK_VENV/half"\nkill -9 $PPID\n', encoding="utf-8")
    assert pc.install().returncode == -9
    left = list((pc.folder / "opt/kiosk").glob(".stage-*"))
    assert left, "the test must have cut it off in the middle"
    assert {name: text for name, text in pc.tree().items() if "/.stage-" not in name} == before
    assert (pc.release(), pc.kiosk("screens").returncode) == (release, 0)
    (pc.source / "deploy/setup").write_text(whole, encoding="utf-8")
    done = pc.install()
    assert done.returncode == 0, done.stderr
    assert (pc.release() / "CHANGELOG.md").read_text(encoding="utf-8") == "2"
    assert not (pc.release() / ".venv/half").exists()
    assert not list((pc.folder / "opt/kiosk").glob(".stage-*"))


def test_a_set_up_that_fails_switches_nothing(pc: Pc) -> None:
    before = pc.tree()
    (pc.source / "deploy/setup").write_text("#!/bin/sh\necho no network >&2\nexit 1\n", encoding="utf-8")
    done = pc.install()
    assert done.returncode != 0
    assert "no network" in done.stderr
    assert pc.tree() == before


# --- from one user to two, and back ---------------------------------------------------------------------------------


def old_ledger(pc: Pc) -> Path:
    """What a release with one user leaves when the power goes: the last rows are in the -wal alone."""
    data, aside = pc.folder / "var/lib/kiosk", pc.folder.parent / "aside"
    data.mkdir(parents=True, exist_ok=True)
    aside.mkdir()
    with closing(sqlite3.connect(aside / LEDGER)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, state TEXT)")
        db.execute("INSERT INTO files (state) VALUES ('staged')")
        db.commit()
        for part in aside.iterdir():
            shutil.copy(part, data)
    assert (data / f"{LEDGER}-wal").stat().st_size > 0
    (data / "events-courier.jsonl").write_text("{}\n")
    (data / "alarms-told-run.json").write_text("[]")
    return data / LEDGER


def rows(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT state FROM files").fetchall()


def test_the_ledger_of_a_release_with_one_user_becomes_the_couriers_once_and_can_be_given_back(pc: Pc) -> None:
    old, new = old_ledger(pc), pc.folder / "var/lib/kiosk-courier"
    done = pc.install()
    assert done.returncode == 0, done.stderr
    assert "moving the delivery ledger" in done.stdout
    assert {path.name for path in new.iterdir()} == {LEDGER, "events-courier.jsonl"}
    assert {path.name for path in old.parent.iterdir()} == {LEDGER, "alarms-told-run.json"}
    assert old.is_symlink()  # which the old courier could not open
    assert rows(new / LEDGER) == [("staged",)]
    before = pc.tree()
    again = pc.install()
    assert (again.returncode, pc.tree()) == (0, before)
    assert "moving" not in again.stdout
    back = pc.install("--give-back")
    assert back.returncode == 0, back.stderr
    assert (old.is_symlink(), (new / LEDGER).is_symlink()) == (False, True)
    assert rows(old) == [("staged",)]
    assert pc.install().returncode == 0
    assert rows(new / LEDGER) == [("staged",)]


def test_two_ledgers_or_a_running_courier_move_nothing(pc: Pc) -> None:
    old = old_ledger(pc)
    release = pc.release()
    pc.change_source("2")
    with (old.parent / "courier.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = pc.install()
    assert done.returncode == 1
    assert "Stop both, then run me again" in done.stderr
    ledger_with(pc.folder, "seen")
    done = pc.install()
    assert done.returncode == 1
    assert "two delivery ledgers" in done.stderr
    assert (pc.release(), old.is_symlink(), rows(old)) == (release, False, [("staged",)])
    assert rows(pc.folder / "var/lib/kiosk-courier" / LEDGER) == [("seen",)]


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED = {
    "a key nobody knows": (SITE + "[sight]\n", "sight"),
    "no TOML": (SITE + "[", "site.toml"),
    "brackets without end": ("a = " + "[" * 5000, "too many brackets within brackets"),
    "a key of many dots": ("a" + ".a" * 25_000 + " = 1", "line 1: has more than 32 dots"),
    "data elsewhere": (SITE.replace("/var/lib/kiosk", "/srv/data"), 'write data_dir = "/var/lib/kiosk"'),
    "exports among the settings": (SITE + '[reservations]\nimport_dir = "in"\n', "import_dir: write the whole path"),
    "exports in a home": (SITE + '[reservations]\nimport_dir = "/home/his/out"\n', "/home"),
    "exports with a line of a unit": (SITE + '[reservations]\nimport_dir = "/srv/a%b"\n', "letters, digits"),
    "a password elsewhere": (
        SITE.replace("[receipt", 'password_file = "/etc/other/pw"\n[receipt'),
        "[terminal] password_file: name a file beside site.toml",
    ),
    "a password outside": (
        SITE.replace("[receipt", 'password_file = "../pw"\n[receipt'),
        "[terminal] password_file: name a file beside site.toml",
    ),
    "a password for two users": (
        SITE + '[reference_numbers]\nmap = "terminal.secret"\n', "name another file; terminal.secret is for the user",
    ),
    "shares among the data": (
        SITE.replace("smb://kiosk@127.0.0.1:1/to_face", "file:///var/lib/kiosk/out"), "the delivery sees nothing of",
    ),
    "a password that is not there": (
        SITE.replace("[receipt", 'password_file = "pw"\n[receipt'), "there is no such file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_settings_that_cannot_be_used_are_refused_before_the_switch(first: Pc, what: str) -> None:
    text, said = REFUSED[what]
    before = first.tree()
    site = first.write_site(text)
    try:
        done = first.install("--config", "site.toml")
    finally:
        first.write_site(SITE)
    assert done.returncode == 2
    assert said in done.stderr
    assert str(site) in done.stderr
    assert "nothing was switched" in done.stderr
    assert ".stage-" not in done.stderr
    assert first.tree() == before


def test_a_password_that_others_can_read_is_refused_and_not_repaired(pc: Pc) -> None:
    before = pc.tree()
    (pc.site / "terminal.secret").chmod(0o644)
    done = pc.install("--config", "site.toml")
    assert done.returncode == 2
    assert f"chmod 600 {pc.site / 'terminal.secret'}" in done.stderr
    assert "pass of" not in done.stdout + done.stderr
    assert pc.tree() == before


@pytest.mark.parametrize(
    "arguments",
    [["--unknown"], ["--config"], ["--display", "wayland"], ["--root", "/"], ["--root", ""], []],
    ids=["unknown", "no value", "display", "root of all", "empty root", "first without settings"],
)
def test_a_wrong_call_is_refused_before_anything_happens(tmp_path: Path, arguments: list[str]) -> None:
    pc = Pc(tmp_path)
    done = pc.install(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("install: ")
    assert list(pc.folder.iterdir()) == []


# --- what a site needs ------------------------------------------------------------------------------------------------


def test_services_may_write_to_the_folders_that_the_settings_name_and_no_longer_to_others(pc: Pc) -> None:
    text = SITE + '[reservations]\nimport_dir = "/srv/his export"\n'
    pc.write_site(text.replace("smb://kiosk@127.0.0.1:1/face", "file:///mnt/face"))
    assert pc.install("--config", "site.toml").returncode == 0
    reception = (pc.folder / UNITS / "kiosk.service.d/site.conf").read_text(encoding="utf-8")
    courier = (pc.folder / UNITS / "kiosk-courier.service.d/site.conf").read_text(encoding="utf-8")
    assert 'ReadWritePaths="-/srv/his export"\n' in reception
    assert 'ReadWritePaths="-/mnt/face"\n' in courier
    pc.write_site(SITE)
    assert pc.install("--config", "site.toml").returncode == 0
    assert not list((pc.folder / UNITS).rglob("site.conf"))


def test_the_x_server_comes_stays_at_upgrades_and_goes(pc: Pc) -> None:
    without = set(pc.tree())
    parts = {
        f"{UNITS}/kiosk-x.service", f"{UNITS}/kiosk.service.d/display.conf",
        f"{UNITS}/multi-user.target.wants/kiosk-x.service", "etc/X11/xorg.conf.d/kiosk.conf",
    }  # fmt: skip
    for arguments, more in ((["--display", "x11"], parts), ([], parts), (["--display", "kms"], set())):
        assert pc.install(*arguments).returncode == 0
        assert set(pc.tree()) == without | more


# --- uninstalling -----------------------------------------------------------------------------------------------------


def test_uninstalling_leaves_settings_and_data_and_nothing_else(pc: Pc) -> None:
    settings = {name: text for name, text in pc.tree().items() if name.startswith("etc/kiosk/")}
    ledger_with(pc.folder, "staged")
    assert pc.install("--display", "x11").returncode == 0
    done = pc.uninstall()
    assert done.returncode == 0, done.stderr
    assert "pattern 2" in done.stdout
    assert not (pc.folder / "opt/kiosk").exists()
    left = {str(path.relative_to(pc.folder)) for path in pc.folder.rglob("*") if not path.is_dir()}
    assert left == {*settings, f"var/lib/kiosk-courier/{LEDGER}"}
    assert pc.install().returncode == 0  # and takes them up again


def test_uninstalling_puts_back_nothing_that_was_not_ours(tmp_path: Path) -> None:
    pc = Pc(tmp_path)
    mine = pc.folder / UNITS / "getty@tty1.service"
    mine.parent.mkdir(parents=True)
    mine.write_text("my own", encoding="utf-8")
    done = pc.install("--config", "site.toml")
    assert done.returncode == 0, done.stderr
    assert "getty@tty1.service is there already" in done.stdout
    assert pc.uninstall("--purge").returncode == 0
    left = {str(path.relative_to(pc.folder)) for path in pc.folder.rglob("*") if not path.is_dir()}
    assert left == {f"{UNITS}/getty@tty1.service"}
    assert mine.read_text(encoding="utf-8") == "my own"


@pytest.mark.parametrize("state", ["seen", "staged", "held"])
def test_data_with_an_undelivered_file_are_deleted_by_force_only(pc: Pc, state: str) -> None:
    ledger_with(pc.folder, state)
    before = pc.tree(but="var/lib/kiosk-courier")
    done = pc.uninstall("--purge")
    assert done.returncode == 1
    assert "1 files are not delivered; nothing was changed" in done.stderr
    assert pc.tree(but="var/lib/kiosk-courier") == before
    assert pc.uninstall("--purge", "--force").returncode == 0
    assert [path for path in pc.folder.rglob("*") if not path.is_dir()] == []


def test_data_are_deleted_when_all_is_delivered(pc: Pc) -> None:
    ledger_with(pc.folder, "done")
    assert pc.uninstall("--purge").returncode == 0
    assert not (pc.folder / "var/lib/kiosk-courier").exists()


def test_a_ledger_that_cannot_be_read_is_no_reason_to_delete_it(pc: Pc) -> None:
    (pc.folder / "var/lib/kiosk-courier").mkdir(parents=True, exist_ok=True)
    (pc.folder / "var/lib/kiosk-courier" / LEDGER).write_text("no database, and longer than a header of one" * 9)
    done = pc.uninstall("--purge")
    assert done.returncode == 1
    assert "an unknown number of files" in done.stderr


def test_a_fifo_in_the_place_of_the_ledger_keeps_nobody_and_moves_nothing(pc: Pc) -> None:
    courier, old = pc.folder / "var/lib/kiosk-courier", pc.folder / "var/lib/kiosk" / LEDGER
    shutil.rmtree(courier, ignore_errors=True)
    courier.mkdir()
    os.mkfifo(courier / LEDGER)
    done = pc.uninstall("--purge")
    assert (done.returncode, "an unknown number of files" in done.stderr) == (1, True)
    shutil.rmtree(courier)
    shutil.rmtree(old.parent, ignore_errors=True)
    old.parent.mkdir()
    os.mkfifo(old)
    program = pc.release() / "deploy/move_journal.py"
    moved = pc.run(pc.release() / ".venv/bin/python", "-P", str(program), str(old.parent), "/nowhere")
    assert (moved.returncode, moved.stderr.strip().endswith("then run me again")) == (1, True)
    old.unlink()


def test_uninstalling_where_nothing_is_says_so(tmp_path: Path) -> None:
    pc = Pc(tmp_path)
    done = pc.uninstall()
    assert (done.returncode, list(pc.folder.iterdir())) == (0, [])
    assert "nothing to do" in done.stdout


@pytest.mark.parametrize("root", ["", "/"])
def test_uninstalling_from_a_folder_never_means_the_pc_itself(tmp_path: Path, root: str) -> None:
    pc = Pc(tmp_path)
    done = pc.uninstall("--purge", "--force", "--root", root)
    assert done.returncode == 2
    assert done.stderr.startswith("uninstall: --root")
