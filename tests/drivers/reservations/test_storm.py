"""The reservation database under several processes, kills and a full disk: no double, no gap, nothing lost."""

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from drivers.reservations import csv_file
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests import ROOT
from tests.drivers.reservations.asking import arrived, number, register

DAY = date(2026, 1, 15)
AT = datetime(2026, 1, 15, 9, tzinfo=UTC)
HEADER = "patient_number,date,time,department,doctor,place\n"

# Registers the given patients in an order of its own and says each number as soon as it has it.
REGISTER = """
import random, sys
from datetime import UTC, datetime
from pathlib import Path
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import registered
reservations = SqliteReservations(Path(sys.argv[1]), lock_wait_s=60)
patients = [str(n) for n in range(int(sys.argv[2]), int(sys.argv[3]))]
random.Random(int(sys.argv[4])).shuffle(patients)
print("ready", flush=True)
sys.stdin.readline()
for patient in patients:
    answer = registered(reservations, patient, datetime(2026, 1, 15, 9, tzinfo=UTC))
    print("ours" if answer.ours else "theirs", patient, answer.receptions[0].number, flush=True)
"""


def put(data_dir: Path, patients: int, time: str = "9:00") -> None:
    lines = "".join(f"{n},2026-01-15,{time},内科,甲,A棟\n" for n in range(patients))
    SqliteReservations(data_dir).import_rows(csv_file.read((HEADER + lines).encode()))


def registering(data_dir: Path, first: int, end: int, seed: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", REGISTER, str(data_dir), str(first), str(end), str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def assert_whole(data_dir: Path) -> dict[str, int]:
    """No gap, no double, no damage. The day's numbers by patient."""
    numbers = {patient: int(last) for patient, last in arrived(SqliteReservations(data_dir), DAY)}
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    with contextlib.closing(sqlite3.connect(data_dir / "reservations.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        last = connection.execute("SELECT last FROM reception_counter").fetchall()
        assert last == ([(len(numbers),)] if numbers else [])
        registered = "SELECT count(DISTINCT patient_number) FROM registered_appointment"
        assert connection.execute(registered).fetchone() == (len(numbers),)
    return numbers


def test_eight_processes_with_the_same_patients_agree_on_every_number(tmp_path: Path) -> None:
    put(tmp_path, 25)
    processes = [registering(tmp_path, 0, 25, seed) for seed in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers: list[list[str]] = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    # An import in the middle of it replaces every appointment and no arrival.
    put(tmp_path, 25, "10:00")
    for process in processes:
        answers += [line.split() for line in process.communicate(timeout=120)[0].splitlines()]
        assert process.returncode == 0
    numbers = assert_whole(tmp_path)
    assert len(answers) == 8 * 25
    assert all(numbers[patient] == int(number) for _, patient, number in answers)
    assert sorted(patient for kind, patient, _ in answers if kind == "ours") == sorted(numbers)
    assert len(numbers) == 25


def test_a_process_killed_at_any_moment_leaves_no_gap_and_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    put(tmp_path, 400)
    chance = random.Random(7)
    given: dict[str, int] = {}
    for turn in range(8):
        process = registering(tmp_path, turn * 50, turn * 50 + 50, turn)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        for _ in range(chance.randrange(1, 30)):
            _, patient, number = process.stdout.readline().split()
            given[patient] = int(number)
        process.send_signal(signal.SIGKILL)
        for line in process.communicate(timeout=60)[0].splitlines(keepends=True):
            if line.endswith("\n"):
                _, patient, number = line.split()
                given[patient] = int(number)
        numbers = assert_whole(tmp_path)
        assert {patient: numbers.get(patient) for patient in given} == given
    assert len(given) >= 8


def test_a_full_disk_is_reported_and_the_database_stays_whole(tmp_path: Path) -> None:
    put(tmp_path, 50)
    # A limit on the size of files stands for the full disk; the first arrival fits, the import does not.
    script = """
import resource, sys
from datetime import UTC, date, datetime
from pathlib import Path
from drivers.reservations import ReservationsDown
from drivers.reservations import csv_file
from tests.drivers.reservations.asking import count, register
AT = datetime(2026, 1, 15, 9, tzinfo=UTC)
from drivers.reservations.sqlite.reservations import SqliteReservations
reservations = SqliteReservations(Path(sys.argv[1]))
size = (Path(sys.argv[1]) / "reservations.db").stat().st_size
text = "patient_number,date,time,department,doctor,place\\n"
text += "".join(f"{n},2026-01-15,9:00,D,E,F\\n" for n in range(20000))
parsed = csv_file.read(text.encode())
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 65536, size + 65536))
print(type(register(reservations, "1", AT)).__name__)
try:
    reservations.import_rows(parsed)
except ReservationsDown as error:
    print("down:", error)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, size + 65536))
print("down:", register(reservations, "2", AT).what)
print(count(reservations, date(2026, 1, 15)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    first, refused, refused_too, count = done.stdout.splitlines()
    assert (first, count) == ("Registered", "50")
    assert refused.startswith("down: reservations.db: ")
    assert refused_too.startswith("down: reservations.db: ")
    assert assert_whole(tmp_path) == {"1": 1}
    assert number(register(SqliteReservations(tmp_path), "2", AT)) == "2"
