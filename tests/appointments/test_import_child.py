"""Exports are imported in a child process: what one does to it never reaches the reception, or the next file."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import MAX_LINES
from drivers.reservations.sqlite.file import LOCK_NAME
from kiosk.appointments.import_child import TOO_MUCH
from kiosk.appointments.import_folder import BROKEN_OFF, Taken, Trouble
from kiosk.appointments.importer import Importer
from kiosk.words.problems import in_english
from tests import ROOT
from tests.appointments.test_import_folder import DAY, HEADER, Desk
from tests.hospital import alive, wait_until

pytestmark = pytest.mark.peers  # real processes


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.restarted(Importer(desk.data, lambda: DAY))
    return desk


def taken(desk: Desk, count: int = 1) -> list[Taken]:
    """The next `count` files that come to their end."""
    found: list[Taken] = []
    for _ in range(count * 3 + 2):
        found += [each for each in desk.poll(11) if isinstance(each, Taken)]
        if len(found) >= count:
            return found
    raise AssertionError(desk.names())


@contextmanager
def held_up(desk: Desk) -> Iterator[None]:
    """Who writes to the reservations waits, ten seconds."""
    with (desk.data / LOCK_NAME).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def importing(parent: int) -> list[int]:
    """The pids of a process's children that import."""
    found = []
    for each in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            ppid = (each / "stat").read_text().rpartition(")")[2].split()[1]
            if int(ppid) == parent and b"kiosk.import_child" in (each / "cmdline").read_bytes():
                found.append(int(each.name))
    return found


@contextmanager
def all_killed(by: int = signal.SIGKILL) -> Iterator[None]:
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05):
            for pid in importing(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, by)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


def test_a_huge_export_is_refused_and_the_ones_behind_it_are_taken(desk: Desk) -> None:
    with (desk.path / "a.csv").open("wb") as huge:
        huge.truncate(254 * 2**20)
        huge.seek(0, os.SEEK_END)
        huge.write(b"\n")
    (desk.path / "b.csv").write_bytes(HEADER.encode() + b"x\n" * (MAX_LINES + 1))
    desk.put("c.csv", "1")
    assert {each.name.rpartition("-")[2]: in_english(each.reason) for each in taken(desk, 3)} == {
        "a.csv": "larger than 32 MB",
        "b.csv": f"line {MAX_LINES + 2}: more than 1,000,000 lines",
        "c.csv": "1 appointments of 1 days",
    }
    assert desk.patients() == ["1"]


def test_an_import_that_needs_too_much_memory_is_a_refused_file(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "python"
    small.write_text(f'#!/bin/sh\nulimit -v 80000\nexec {sys.executable} "$@"\n')
    small.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(small))
    desk.put("export.csv", *map(str, range(200_000)))
    (refused,) = taken(desk)
    assert (refused.ok, refused.reason) == (False, TOO_MUCH)
    desk.put("export.csv", "1")
    assert taken(desk)[0].ok


def test_an_import_that_is_killed_is_tried_once_more_and_then_refused(desk: Desk) -> None:
    desk.put("a.csv", "1")
    with held_up(desk), all_killed():
        (refused,) = taken(desk)
    assert (refused.ok, refused.reason) == (False, BROKEN_OFF)
    desk.put("b.csv", "2")
    assert taken(desk)[0].ok
    assert desk.patients() == ["2"]


def test_a_service_that_is_stopped_in_the_middle_of_an_import_is_no_fault_of_the_file(desk: Desk) -> None:
    desk.put("a.csv", "1")
    with held_up(desk), all_killed(signal.SIGTERM):
        for _ in range(4):
            assert all(isinstance(each, Trouble) for each in desk.poll(11))
    assert taken(desk)[0].ok


def test_reservations_that_are_down_are_no_fault_of_the_file(desk: Desk) -> None:
    desk.put("a.csv", "1")
    desk.poll()
    (desk.data / "reservations.db").write_bytes(b"no database" * 100)
    for _ in range(4):
        assert all(isinstance(each, Trouble) for each in desk.poll(11))
        assert desk.folder.trouble and in_english(desk.folder.trouble).startswith("reservations.db: ")
    (desk.data / "reservations.db").unlink()
    assert taken(desk)[0].ok


def test_a_child_ends_with_the_process_that_started_it(desk: Desk) -> None:
    export = desk.put("a.csv", "1")
    source = (
        "import os, sys; from datetime import date; from pathlib import Path; "
        "from kiosk.appointments.importer import Importer; "
        "Importer(Path(sys.argv[1]), date.today).import_file(os.open(sys.argv[2], os.O_RDONLY))"
    )
    with held_up(desk):
        parent = subprocess.Popen([sys.executable, "-c", source, str(desk.data), str(export)], cwd=ROOT)
        try:
            wait_until(lambda: importing(parent.pid), "the import")
            (child,) = importing(parent.pid)
        finally:
            parent.kill()
            parent.wait()
        wait_until(lambda: not alive(child), "the end of the child")


def test_a_child_says_nothing_of_what_is_in_the_file(desk: Desk, tmp_path: Path) -> None:
    """Its answer goes to the log."""
    (desk.path / "a.csv").write_text(HEADER + "ZZCANARY1,2026-01-15,9:00,ZZCANARY2,x,y,z\n", encoding="utf-8")
    with (desk.path / "a.csv").open("rb") as file:
        outcome = Importer(desk.data, lambda: DAY).import_file(file.fileno())
        with pytest.raises(ReservationsDown) as down:
            (tmp_path / "file").touch()
            file.seek(0)
            (desk.path / "a.csv").write_text(HEADER + "ZZCANARY1,2026-01-15,9:00,ZZCANARY2,x,y\n", encoding="utf-8")
            Importer(tmp_path / "file", lambda: DAY).import_file(file.fileno())
    assert "line 2" in in_english(outcome.reason)
    assert "ZZCANARY" not in in_english(outcome.reason) + str(down.value)


def test_a_reception_of_the_version_before_is_answered_as_it_knows(desk: Desk) -> None:
    """A release is replaced beneath a running reception: name, arguments and answer are what it was made with."""
    with desk.put("a.csv", "1").open("rb") as export:
        done = subprocess.run(
            [sys.executable, "-m", "kiosk.import_child", str(os.getpid()), str(desk.data), "2026-01-15", "report"],
            stdin=export, cwd=ROOT, capture_output=True, check=True, timeout=180,
        )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer.keys() == {"ok", "rows", "days", "message"}
    assert answer["ok"] and answer["message"].startswith("1 appointments of 1 days")
