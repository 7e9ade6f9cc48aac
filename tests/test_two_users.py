"""The reception and the courier as two users of one machine, with real user ids: what passes between them and what not.

Only root can start processes of other users; elsewhere these tests are skipped.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kiosk import config
from kiosk.appliance.places import UNSEEN
from kiosk.config import ConfigError
from kiosk.courier.overview import LEDGER
from tests.hospital import DEADLINE_S, PATIENT_OF, ROOT, Hospital, wait_until
from tests.site_toml import Site, shares

# Nobody's on a Debian; they need no names.
RECEPTION, COURIER, STRANGER = 64101, 64102, 64103
NOTHING = ("--bounding-set=-all", "--inh-caps=-all")
READS_ALL = (*(f"{each},+dac_read_search" for each in NOTHING), "--ambient-caps=+dac_read_search")


def _as(user: int, courier: Path, python: str, rights: tuple[str, ...] = NOTHING) -> tuple[str, ...]:
    """What, before a command line that begins with a Python, runs it as `user`, as the units and `sudo kiosk` do."""
    group = f"--regid={STRANGER if user == STRANGER else RECEPTION}"
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    return (
        "setpriv", f"--reuid={user}", group, "--clear-groups", "--no-new-privs", *rights,
        "env", f"KIOSK_COURIER_DIR={courier}", f"PYTHONPATH={path}", "HOME=/nonexistent",
        # This run's own interpreter may lie in a folder of root's.
        "sh", "-c", f'umask 077; shift; exec {python} "$@"', "sh",
    )  # fmt: skip


@cache
def _python() -> str | None:
    """An interpreter that another user can start, with this run's packages."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*_as(STRANGER, Path("/nowhere"), python), "-", "-c", "import kiosk.__main__"]
        if subprocess.run(command, cwd=ROOT, capture_output=True, timeout=DEADLINE_S, check=False).returncode == 0:
            return python
    return None


class Machine:
    """A hospital whose kiosk is two users."""

    def __init__(self, hospital: Hospital, python: str) -> None:
        self.hospital = hospital
        self.courier_dir = hospital.root / "courier"
        self._python = python

    def by(self, user: int, rights: tuple[str, ...] = NOTHING) -> tuple[str, ...]:
        return _as(user, self.courier_dir, self._python, rights)

    def kiosk(self, user: int, *words: str, rights: tuple[str, ...] = NOTHING) -> subprocess.CompletedProcess[str]:
        command = [*self.by(user, rights), *self.hospital.command(*words)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def may(self, user: int, *paths: Path) -> dict[str, str]:
        """Which of `paths` this user can read, list, write into or connect to: name → what."""
        program = (
            "import os, pathlib, socket, sys\n"
            "def listed(p): os.listdir(p)\n"
            "def written(p): os.open(p / 'new', os.O_CREAT | os.O_WRONLY)\n"
            "def read(p): os.open(p, os.O_RDONLY)\n"
            "def reached(p): socket.socket(socket.AF_UNIX).connect(str(p))\n"
            "for p in map(pathlib.Path, sys.argv[1:]):\n"
            "    for do in (listed, written, read, reached):\n"
            "        try: do(p); print(p.name, do.__name__)\n"
            "        except OSError: pass\n"
        )
        command = [*self.by(user), "-", "-c", program, *map(str, paths)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        found: dict[str, str] = {}
        for line in done.stdout.splitlines():
            name, what = line.split()
            found[name] = f"{found.get(name, '')} {what}".strip()
        return found


@pytest.fixture
def machine() -> Iterator[Machine]:
    with _laid_out() as made:
        yield made


@contextmanager
def _laid_out() -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root starts processes of other users")
    python = _python()
    if python is None:
        pytest.skip("no Python with our packages that another user may start")
    # Not pytest's folder: that is its user's alone.
    with TemporaryDirectory(prefix="kiosk-users-") as place:
        root = Path(place)
        root.chmod(0o755)
        with Hospital(root) as hospital:
            hospital.book(f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,")
            made = Machine(hospital, python)
            made.courier_dir.mkdir()
            os.chown(made.courier_dir, COURIER, RECEPTION)
            made.courier_dir.chmod(0o2710)
            for path in (hospital.data_dir, *hospital.data_dir.iterdir()):
                os.chown(path, RECEPTION, RECEPTION)
            os.chown(hospital.site, 0, RECEPTION)
            hospital.site.chmod(0o640)
            for name in ("terminal.secret", "receipt_computer.secret"):
                os.chown(root / name, COURIER, RECEPTION)
            yield made


@pytest.mark.peers
def test_a_visit_and_a_delivery_pass_between_two_users_and_nothing_else_does(machine: Machine) -> None:
    hospital, folder = machine.hospital, machine.courier_dir
    hospital.open_courier(by=machine.by(COURIER))
    reception = hospital.open("--no-courier", by=machine.by(RECEPTION))
    reception.choose_my_number()
    hospital.tap("valid-utf8")
    done = reception.until("done", "counter")
    assert (done["screen"], done["reason"]) == ("done", None)
    hospital.wait_delivered("valid-utf8")
    assert hospital.printer.wait_for_job(DEADLINE_S)

    private = [path for path in folder.iterdir() if path.name != "courier.sock"]
    secrets = [hospital.root / "terminal.secret", hospital.root / "receipt_computer.secret"]
    assert {"courier.db", "courier.lock", "events-courier.jsonl"} <= {path.name for path in private}
    assert [path.name for path in private if path.stat().st_mode & 0o077] == []
    everything = [folder, folder / "courier.sock", *private, *secrets]
    assert machine.may(RECEPTION, *everything) == {"courier.sock": "reached"}
    assert machine.may(STRANGER, *everything, hospital.site, hospital.data_dir) == {}
    assert machine.may(COURIER, hospital.data_dir, hospital.data_dir / "reservations.db") == {}
    assert list(hospital.data_dir.glob("courier*")) == []

    said = machine.kiosk(RECEPTION, "status", "--json")
    facts = json.loads(said.stdout)
    assert (said.returncode, facts["wrong"]) == (0, [])
    assert facts["delivery"]["files"] == {"done": 1}


@pytest.mark.peers
def test_what_the_receptions_user_cannot_know_without_a_courier_is_said_and_root_is_told_it(machine: Machine) -> None:
    hospital = machine.hospital
    hospital.receipt_server.kill()
    for stop in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
        courier = hospital.open_courier(by=machine.by(COURIER))
        hospital.place("valid-utf8")
        wait_until(lambda: _undelivered(machine) == 1, "the courier has seen it")
        courier.send_signal(stop)
        if stop != signal.SIGSTOP:
            courier.wait(DEADLINE_S)
        silent = "has just started, or hangs" if stop == signal.SIGSTOP else "is not running"
        said = machine.kiosk(RECEPTION, "status")
        assert said.returncode == 1
        assert silent in said.stdout
        assert "undelivered: UNKNOWN" in said.stdout
        # A courier that has ended well leaves no -wal that a reader could share; one that was killed leaves it.
        told = json.loads(machine.kiosk(RECEPTION, "status", "--json", rights=READS_ALL).stdout)
        assert told["delivery"]["undelivered"] == 1, stop
        courier.kill()
        courier.wait(DEADLINE_S)


def _undelivered(machine: Machine) -> object:
    facts = json.loads(machine.kiosk(RECEPTION, "status", "--json").stdout)
    return (facts["delivery"] or {}).get("undelivered")


@contextmanager
def _running(machine: Machine, rights: tuple[str, ...]) -> Iterator[Path]:
    """The folder in /proc of an idle process of the reception's user with these `rights`."""
    process = subprocess.Popen(
        [*machine.by(RECEPTION, rights), "-", "-c", "import sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    try:
        yield Path(f"/proc/{process.pid}")
    finally:
        process.communicate(timeout=DEADLINE_S)


@pytest.mark.peers
def test_the_check_that_may_read_everything_finds_nothing_wrong_and_the_reception_cannot_take_it_over(
    machine: Machine,
) -> None:
    machine.hospital.open_courier(by=machine.by(COURIER))
    wait_until(lambda: _undelivered(machine) == 0, "the courier at work")
    found = json.loads(machine.kiosk(RECEPTION, "check", "--json", rights=READS_ALL).stdout)
    results = {each["code"]: each["result"] for each in found["checks"]}
    for code in ("site_toml", "secrets", "data_dir", "reservations", "receipt_write", "printer", "courier_running"):
        assert results[code] == "OK", found
    without = machine.kiosk(RECEPTION, "check", "--json")
    assert without.returncode == 2
    assert "Permission denied" in without.stdout
    inside = ("mem", "environ", "fd/1")
    with _running(machine, READS_ALL) as proc:
        assert machine.may(RECEPTION, *(proc / name for name in inside)) == {}
        ours = machine.may(RECEPTION, *(Path("/proc/self") / name for name in inside))
        assert {name for name, what in ours.items() if "read" in what} >= {"mem", "environ"}  # so that says something


@pytest.mark.peers
def test_what_root_runs_as_the_receptions_user_is_no_door_in_the_screens_walls(machine: Machine) -> None:
    """Outside of them a process of that user sees every folder of the PC by its own names."""
    for rights, seen in ((NOTHING, {"passwd": "read"}), (UNSEEN, {})):
        with _running(machine, rights) as proc:
            assert machine.may(RECEPTION, proc / "root" / "etc/passwd") == seen


@pytest.mark.peers
def test_a_courier_folder_that_is_too_open_is_closed_but_for_the_way_to_the_socket(machine: Machine) -> None:
    machine.courier_dir.chmod(0o2775)
    courier = machine.hospital.open_courier(by=machine.by(COURIER))
    socket = machine.courier_dir / "courier.sock"
    wait_until(lambda: socket.exists() and socket.stat().st_mode & 0o777 == 0o660, "the socket for the group")
    assert machine.courier_dir.stat().st_mode & 0o777 == 0o710
    assert socket.stat().st_gid == RECEPTION
    courier.terminate()
    assert courier.wait(DEADLINE_S) == 0


@pytest.mark.peers
def test_the_journal_moves_to_its_new_owner_and_no_link_of_the_old_one_is_followed() -> None:
    if os.geteuid() != 0 or _python() is None:
        pytest.skip("only root gives files to another user")
    with TemporaryDirectory(prefix="kiosk-users-") as place:
        Path(place).chmod(0o755)
        old, new, roots = (Path(place) / name for name in ("old", "new", "roots.jsonl"))
        old.mkdir()
        new.mkdir()
        with closing(sqlite3.connect(old / LEDGER)) as db:
            db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, state TEXT)")
        roots.write_text("root's")
        (old / "events-courier.jsonl").symlink_to(roots)
        (old / "alarms-told-courier.json").hardlink_to(roots)
        for path in (old, old / LEDGER):
            os.chown(path, RECEPTION, RECEPTION)
        script = [str(ROOT / "deploy/move_journal.py"), str(old), str(new), "daemon"]
        modules = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
        subprocess.run([str(_python()), *script], env={"PYTHONPATH": modules}, check=True, timeout=DEADLINE_S)
        facts = (new / LEDGER).stat()
        assert (facts.st_uid, facts.st_mode & 0o777) == (pwd.getpwnam("daemon").pw_uid, 0o600)
        assert {path.name for path in new.iterdir()} == {LEDGER}
        assert (roots.read_text(), roots.stat().st_uid) == ("root's", 0)


# -- settings -----------------------------------------------------------------------------------------------------


def test_without_passwords_no_password_file_is_looked_for(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.load(shares())  # writes it
    for secret in tmp_path.glob("*.secret"):
        secret.unlink()
    loaded = config.load(site.file, {}, passwords=False)
    assert (loaded.terminal.password, loaded.receipt_computer.password) == (None, None)
    with pytest.raises(ConfigError, match="there is no such file"):
        config.load(site.file, {})


def test_the_couriers_folder_is_the_data_folder_unless_the_environment_names_one(tmp_path: Path) -> None:
    site = Site(tmp_path)
    loaded = site.load()
    assert loaded.courier_dir == loaded.site.data_dir
    assert config.load(site.file, {"KIOSK_COURIER_DIR": ""}).courier_dir == loaded.site.data_dir
    assert config.load(site.file, {"KIOSK_COURIER_DIR": "/srv/courier"}).courier_dir == Path("/srv/courier")
    with pytest.raises(ConfigError, match="KIOSK_COURIER_DIR"):
        config.load(site.file, {"KIOSK_COURIER_DIR": "courier"})
