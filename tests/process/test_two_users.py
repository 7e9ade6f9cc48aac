"""The reception and the courier as two users of one machine, with real user ids: what passes between them and what not.

Only root can start processes of other users; elsewhere these tests are skipped.
"""

from __future__ import annotations

import json
import os
import pwd
import re
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
from kiosk.appliance.machine.places import UNSEEN
from kiosk.config import ConfigError
from kiosk.process.courier_line import ask_once
from tests import ROOT
from tests.hospital import DEADLINE_S, PATIENT_OF, Hospital, today, wait_until
from tests.site_toml import Site, shares

pytestmark = pytest.mark.long
LEDGER = "courier.db"

# Nobody's on a Debian; they need no names. RECEPTION is the group kiosk too.
RECEPTION, COURIER, STRANGER, EXPORTER, RECEIPT = 64101, 64102, 64103, 64104, 64107
GROUPS = {"kiosk": RECEPTION, "kiosk-line": 64105, "kiosk-import": 64106}
UNITS = ROOT / "deploy/units"
NOTHING = ("--bounding-set=-all", "--inh-caps=-all")
READS_ALL = (*(f"{each},+dac_read_search" for each in NOTHING), "--ambient-caps=+dac_read_search")


def _set(unit: str, key: str) -> list[str]:
    """The words of a setting of a real unit."""
    found = re.findall(rf"^{key}=(.*)$", (UNITS / unit).read_text(encoding="utf-8"), re.MULTILINE)
    return [word for line in found for word in line.split()]


def _groups(user: int) -> tuple[int, list[int]]:
    """First group and others: what the units, sysusers.conf and the guide give this user."""
    if user == EXPORTER:
        names = re.findall(r"sudo adduser yoyaku (kiosk\S*) ", (ROOT / "deploy/GUIDE.md").read_text(encoding="utf-8"))
        assert names
        return EXPORTER, [GROUPS[name] for name in names]
    if user == STRANGER:
        return STRANGER, []
    name, unit = ("kiosk", "kiosk.service") if user == RECEPTION else ("kiosk-courier", "kiosk-courier.service")
    members = re.findall(rf"^m {name} (\S+)$", (UNITS / "sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE)
    others = [*members, *_set(unit, "SupplementaryGroups")]
    return GROUPS[_set(unit, "Group")[0]], [GROUPS[each] for each in others if each in GROUPS]


@cache
def _alone(user: int) -> tuple[str, ...]:
    """What, before a command line, runs it where no other number has a name: PrivateUsers=yes of the courier's unit."""
    if user != COURIER or _set("kiosk-courier.service", "PrivateUsers") != ["yes"]:
        return ()
    words = ("unshare", f"--map-user={user}", f"--map-group={_groups(user)[0]}")
    done = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if done.returncode == 0 else ()


def _as(user: int, courier: Path, python: str, rights: tuple[str, ...] = NOTHING) -> tuple[str, ...]:
    """What, before a command line that begins with a Python, runs it as `user`, as the units and `sudo kiosk` do."""
    first, others = _groups(user)
    groups = (f"--regid={first}", f"--groups={','.join(map(str, others))}" if others else "--clear-groups")
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    return (
        "setpriv", f"--reuid={user}", *groups, "--no-new-privs", *rights, *_alone(user),
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

    def give_settings(self) -> None:
        """site.toml to the group, each password to its user, as deploy/install does."""
        site = self.hospital.site
        os.chown(site, 0, RECEPTION)
        site.chmod(0o640)
        for name in ("terminal.secret", "receipt_computer.secret"):
            os.chown(site.with_name(name), COURIER, RECEPTION)

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
        with Hospital(root, own_servers=True) as hospital:
            hospital.book(f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,")
            made = Machine(hospital, python)
            made.courier_dir.mkdir()
            # As systemd makes a StateDirectory=.
            os.chown(made.courier_dir, COURIER, _groups(COURIER)[0])
            made.courier_dir.chmod(int(_set("kiosk-courier.service", "StateDirectoryMode")[0], 8))
            for path in (hospital.data_dir, *hospital.data_dir.iterdir()):
                os.chown(path, RECEPTION, RECEPTION)
            made.give_settings()
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
    for user in (STRANGER, EXPORTER):
        assert machine.may(user, *everything, hospital.site, hospital.data_dir) == {}
    assert machine.may(RECEPTION, hospital.site) == machine.may(COURIER, hospital.site) == {"site.toml": "read"}
    assert machine.may(COURIER, hospital.data_dir, hospital.data_dir / "reservations.db") == {}
    assert list(hospital.data_dir.glob("courier*")) == []

    printed = machine.kiosk(RECEPTION, "status", "--json")
    status = json.loads(printed.stdout)
    assert (printed.returncode, status["wrong"]) == (0, [])
    assert status["delivery"]["files"] == {"done": 1}


@pytest.mark.peers
def test_an_account_that_puts_exports_there_hears_nothing_clears_no_alarm_and_its_exports_are_taken(
    machine: Machine,
) -> None:
    """The reception's user is in its group, and imports what it puts there; settings and cookie are none of its own."""
    hospital = machine.hospital
    exports, cookie = hospital.root / "exports", hospital.root / "cookie"
    exports.mkdir()
    os.chown(exports, RECEPTION, GROUPS["kiosk-import"])
    exports.chmod(0o2770)
    cookie.touch()
    os.chown(cookie, 0, RECEPTION)  # kiosk-x.service: chgrp kiosk, chmod 640
    cookie.chmod(0o640)
    hospital.settings["reservations"] = {"import_dir": f'"{exports}"'}
    hospital.configure()
    machine.give_settings()
    hospital.open_courier(by=machine.by(COURIER))
    reception = hospital.open("--no-courier", by=machine.by(RECEPTION))
    reception.until("choose_card")
    socket = machine.courier_dir / "courier.sock"
    wait_until(lambda: ask_once(machine.courier_dir, "status"), "the courier answers")
    program = (
        "import os, sys; from pathlib import Path; from kiosk.process.courier_line import ask_once; os.umask(0o027)\n"
        "Path(sys.argv[1], 'a.csv').write_text(sys.argv[2])\n"
        "for question in ('status', 'acknowledge'): print(ask_once(Path(sys.argv[3]), question))\n"
    )
    header = "patient_number,date,time,department,doctor,place\n"
    row = f"{PATIENT_OF['shuffled']},{today()},13:00,内科,佐藤,\n"
    command = [*machine.by(EXPORTER), "-", "-c", program, str(exports), header + row, str(machine.courier_dir)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert (printed.returncode, printed.stdout.split(), printed.stderr) == (0, ["None", "None"], "")
    assert machine.may(EXPORTER, socket, hospital.site, cookie, machine.courier_dir) == {}
    assert machine.may(RECEPTION, socket, cookie) == {"courier.sock": "reached", "cookie": "read"}
    wait_until(lambda: list(exports.glob("done/*a.csv")), "the export is taken")
    reception.press("mynumber")
    reception.until("tap_reader")
    hospital.tap("shuffled")
    assert reception.until("done", "counter")["screen"] == "done"


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
        printed = machine.kiosk(RECEPTION, "status")
        assert printed.returncode == 1
        assert silent in printed.stdout
        assert "undelivered: UNKNOWN" in printed.stdout
        # A courier that has ended well leaves no -wal that a reader could share; one that was killed leaves it.
        answer = json.loads(machine.kiosk(RECEPTION, "status", "--json", rights=READS_ALL).stdout)
        assert answer["delivery"]["undelivered"] == 1, stop
        courier.kill()
        courier.wait(DEADLINE_S)


def _undelivered(machine: Machine) -> object:
    status = json.loads(machine.kiosk(RECEPTION, "status", "--json").stdout)
    return (status["delivery"] or {}).get("undelivered")


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
    assert "このファイルを読めません" in without.stdout
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
    assert socket.stat().st_gid == GROUPS["kiosk-line"]
    courier.terminate()
    assert courier.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("group", [COURIER, RECEIPT], ids=["the courier is in no group of it", "and in one"])
def test_a_delivered_file_is_for_the_receipt_computers_program_and_for_no_stranger(group: int) -> None:
    """A local folder of the receipt computer's program, another user; `_as` has the units' umask of 077."""
    python = _python()
    if os.geteuid() != 0 or python is None:
        pytest.skip("only root starts processes of other users")
    with TemporaryDirectory(prefix="kiosk-users-") as place:
        folder = Path(place) / "receipt"
        folder.mkdir()
        Path(place).chmod(0o755)
        os.chown(folder, COURIER if group == COURIER else RECEIPT, RECEIPT)
        folder.chmod(0o2770)
        put = "import sys, drivers.share as s; s.open_share(sys.argv[1], None).put('a.xml', [b'made up'])"
        read = "import sys; sys.stdout.write(open(sys.argv[1]).read())"

        def run(user: int, group: int, *words: str) -> subprocess.CompletedProcess[str]:
            by = [word if not word.startswith("--regid=") else f"--regid={group}" for word in _as(user, folder, python)]
            command = [*by, "-", "-c", *words]
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)

        assert run(COURIER, group, put, folder.as_uri()).stderr == ""
        assert run(RECEIPT, RECEIPT, read, str(folder / "a.xml")).stdout == "made up"
        for user, other in ((STRANGER, STRANGER), (RECEPTION, RECEPTION)):
            refused = run(user, other, read, str(folder / "a.xml"))
            assert refused.stdout == ""
            assert "PermissionError" in refused.stderr
        assert (folder / "a.xml").stat().st_mode & 0o7777 == 0o660


@pytest.mark.peers
def test_the_ledger_moves_to_its_new_owner_and_no_link_of_the_old_one_is_followed() -> None:
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
        status = (new / LEDGER).stat()
        assert (status.st_uid, status.st_mode & 0o777) == (pwd.getpwnam("daemon").pw_uid, 0o600)
        assert {path.name for path in new.iterdir()} == {LEDGER}
        assert (roots.read_text(), roots.stat().st_uid) == ("root's", 0)


# -- settings -----------------------------------------------------------------------------------------------------


def test_without_passwords_no_password_file_is_looked_for(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.load(shares())  # writes it
    for secret in tmp_path.glob("*.secret"):
        secret.unlink()
    loaded = config.load(site.file, {}, passwords=False)
    assert loaded.receipt_computer is not None
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
