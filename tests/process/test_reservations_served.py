"""`kiosk reservations serve` as a process: beside a kiosk that registers, killed in between, and as another user's."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from drivers.reservations import (
    Cancellation,
    Cancelled,
    Order,
    Reception,
    Registered,
    Registration,
    Trouble,
    WalkIn,
    csv_file,
)
from drivers.reservations.over_socket import SOCKET_NAME, SocketReservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests import ROOT
from tests.book import answers, arrive, entries, order, soon
from tests.drivers.reservations.test_storm import REGISTER
from tests.hospital import DEADLINE_S, wait_until
from tests.site_toml import REQUIRED, Site, with_

T = TypeVar("T")
DAY = date(2026, 1, 15)
AT = datetime(2026, 1, 15, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
EYES = WalkIn("眼科")
# Nobody's on a Debian; they need no names.
KIOSK, ASKERS, DESK, STRANGER = 64121, 64122, 64123, 64124
UNIT = (ROOT / "deploy/units/kiosk-reservations.service").read_text(encoding="utf-8")


class Served:
    """A site, and the process that has its reservations. `words`: how it is started as another user."""

    def __init__(self, root: Path, *words: str, site: str = REQUIRED) -> None:
        self.data, self.folder, self.words = root / "data", root / "run", words
        self.site = Site(root)
        self.site.load(with_("site", f'data_dir = "{self.data}"', text=site))
        self.client = SocketReservations(self.folder)

    def start(self, python: str = sys.executable) -> subprocess.Popen[bytes]:
        command = (python, "-m", "kiosk", "reservations", "serve", "--config", str(self.site.file))
        environment = {**os.environ, "KIOSK_RESERVATIONS_DIR": str(self.folder)}
        return subprocess.Popen([*self.words, *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)

    def answers(self) -> bool:
        return answers(self.client, DAY)

    def events(self) -> list[str]:
        log = self.data / "events-reservations.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line)["event"] for line in lines]


@contextmanager
def killed_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def test_it_ends_when_it_is_asked_to_and_when_nobody_can_reach_it_any_more(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with killed_at_the_end(served.start()) as process:
        wait_until(served.answers, "an answer")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert not served.answers()
    assert served.events() == ["reservations_served", "reservations_not_served"]
    with killed_at_the_end(served.start()) as process:
        wait_until(served.answers, "an answer")
        (served.folder / SOCKET_NAME).unlink()
        assert process.wait(DEADLINE_S) == 1


def test_on_a_pc_that_is_a_desk_only_it_looks_after_the_database_too(tmp_path: Path) -> None:
    tables = re.sub(r"\[(receipt_computer|printer)\]\n[^\[]*", "", REQUIRED)
    site = with_("desk", 'feed = "watch"', text=f'{tables}[reservations]\nimport_dir = "{tmp_path}/nowhere"\n')
    served = Served(tmp_path, site=site)
    with killed_at_the_end(served.start()) as process:
        wait_until(served.answers, "an answer")
        arrive(served.client, "1", DAY, AT, EYES)
        (served.data / "reservations.db").unlink()
        wait_until(served.answers, "a new database")
        wait_until(lambda: {"reservations_lost", "imports"} <= set(served.events()), "both troubles")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0


class Storm:
    """A desk that registers and cancels over the socket, whose other end is killed again and again."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.acts = 0
        self.given: dict[str, str] = {}
        self.cancelled: dict[str, str] = {}
        self._tick = threading.Event()

    def _insist(self, act: Callable[[], T | Trouble]) -> T:
        """As staff do: the same button again."""
        found: list[T] = []

        def answered() -> bool:
            answer = act()
            if isinstance(answer, Trouble):
                assert answer.code == "owner_down"
            else:
                found.append(answer)
            return bool(found)

        wait_until(answered, "an answer")
        self.acts += 1
        return found[0]

    def _register(self, wanted: Order) -> Registration:
        return self.served.client.register(wanted, soon())

    def _cancel(self, patient: str, reception: Reception) -> Cancellation:
        return self.served.client.cancel(patient, reception, DAY, AT, "誤り", soon())

    def run(self, patients: list[str]) -> None:
        for turn, patient in enumerate(patients):
            wanted = order(patient, DAY, AT, EYES)
            answer = self._insist(partial(self._register, wanted))
            assert isinstance(answer, Registered) and answer.ours, "the same attempt"
            [reception] = answer.receptions
            self.given[patient] = reception.number
            if turn % 4 == 3:
                gone = self._insist(partial(self._cancel, patient, reception))
                assert isinstance(gone, Cancelled)
                self.cancelled[patient] = self.given.pop(patient)


def test_kiosk_and_desk_register_at_once_and_the_owner_is_killed_in_between(tmp_path: Path) -> None:
    served, chance = Served(tmp_path), random.Random(14)
    book = SqliteReservations(served.data)
    rows = "".join(f"{n},2026-01-15,9:00,内科,,\n" for n in range(20))
    book.import_rows(csv_file.read(f"patient_number,date,time,department,doctor,place\n{rows}".encode()))
    kiosk = subprocess.Popen(
        [sys.executable, "-c", REGISTER, str(served.data), "0", "20", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    storm = Storm(served)
    desk = threading.Thread(target=storm.run, args=([str(n) for n in range(100, 124)],), daemon=True)
    process = served.start()
    desk.start()
    for _ in range(2):
        least = min(storm.acts + chance.randrange(1, 9), 20)
        wait_until(lambda least=least: storm.acts >= least, "an act of the desk", every_s=0.001)  # type: ignore[misc]
        if kiosk.stdin and not kiosk.stdin.closed:
            kiosk.stdin.write("go\n")
            kiosk.stdin.close()
        process.kill()
        process.wait(DEADLINE_S)
        process = served.start()
    with killed_at_the_end(process):
        desk.join(DEADLINE_S)
        assert kiosk.stdout
        of_kiosk = [line.split() for line in kiosk.stdout.read().splitlines()[1:]]
        assert kiosk.wait(DEADLINE_S) == 0
    listed = {each.patient_number: (each.receptions[0].number, each.cancelled) for each in entries(book, DAY)}
    assert [number for number, _ in listed.values()] == [str(each) for each in range(1, 45)], "no gap, no double"
    here = {patient: number for patient, (number, cancelled) in listed.items() if cancelled is None}
    assert here == {patient: number for _, patient, number in of_kiosk} | storm.given
    assert {patient: number for patient, (number, cancelled) in listed.items() if cancelled} == storm.cancelled
    assert len(storm.cancelled) == 6


# --- two users --------------------------------------------------------------------------------------------------------


def of_unit(key: str) -> str:
    (value,) = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def as_user(user: int, group: int, *others: int) -> tuple[str, ...]:
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    groups = f"--groups={','.join(map(str, others))}" if others else "--clear-groups"
    rights = ("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
    return ("setpriv", f"--reuid={user}", f"--regid={group}", groups, *rights, "env", f"PYTHONPATH={path}")


def python_of_all() -> str | None:
    """An interpreter that another user can start, with our packages."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*as_user(STRANGER, STRANGER), python, "-c", "import kiosk.__main__"]
        if subprocess.run(command, cwd=ROOT, capture_output=True, timeout=DEADLINE_S, check=False).returncode == 0:
            return python
    return None


ASK = """
import os, sys, time
from datetime import date
from pathlib import Path
from drivers.reservations import Trouble
from drivers.reservations.over_socket import SocketReservations
answer = SocketReservations(Path(sys.argv[1])).count(date(2026, 1, 15), time.monotonic() + 60)
print(answer.code if isinstance(answer, Trouble) else f"count {answer.appointments}")
for path in sys.argv[1:]:
    try: os.listdir(path); print("listed")
    except OSError: pass
"""


def test_the_desks_user_may_ask_and_see_nothing_and_nobody_else_may_ask() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts processes of other users")
    python = python_of_all()
    if python is None:
        pytest.skip("no Python with our packages that another user may start")
    assert (of_unit("User"), of_unit("Group"), of_unit("SupplementaryGroups")) == (
        "kiosk",
        "kiosk-book",
        "kiosk",
    )
    with TemporaryDirectory(prefix="kiosk-served-") as place:
        root = Path(place)
        root.chmod(0o755)
        served = Served(root, *as_user(KIOSK, ASKERS, KIOSK))
        for folder, group, mode in (
            (served.data, KIOSK, 0o700),
            (served.folder, ASKERS, int(of_unit("RuntimeDirectoryMode"), 8)),
        ):
            folder.mkdir()
            os.chown(folder, KIOSK, group)
            folder.chmod(mode)
        os.chown(served.site.file, 0, KIOSK)
        served.site.file.chmod(0o640)
        with killed_at_the_end(served.start(python)):
            wait_until(served.answers, "an answer")
            for words, expected in (
                (as_user(DESK, DESK, ASKERS), "count 0\n"),
                (as_user(STRANGER, STRANGER), "owner_down\n"),
            ):
                command = [*words, python, "-c", ASK, str(served.folder), str(served.data)]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
                assert done.stdout == expected
