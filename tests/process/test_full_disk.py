"""A disk that fills up under a whole kiosk: who is told, what goes on, and that nothing is lost or told twice."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kiosk.config.model import Config
from kiosk.courier.ledger import open_ledger
from kiosk.operations.status import collect
from kiosk.process import disk_room
from kiosk.process.disk_room import DiskRoom
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock
from kiosk.reception.board import Board
from tests.courier.bench import Clock
from tests.hospital import FILE_OF, PATIENT_OF, Hospital, wait_until
from tests.peers.small_disk import MB, SmallDisk, small_disk
from tests.reception.test_watched import alarm_program, staff, trouble_figures
from tests.site_toml import Site, with_

LEDGER = "courier.db"

pytestmark = [pytest.mark.peers, pytest.mark.long]
A_MINUTE = 60.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mounted before the hospital begins, and longer there than its processes."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def codes_of(report: dict[str, Any]) -> list[str]:
    return [each["code"] for each in report["problems"]]


def codes(hospital: Hospital) -> list[str]:
    """By the real command."""
    return codes_of(json.loads(hospital.kiosk("status", "--json").stdout))


def book(hospital: Hospital) -> None:
    hospital.book(*(f"{PATIENT_OF[label]},{{today}},13:00,内科,佐藤," for label in ("valid-utf8", "shift-jis")))


def test_a_data_folder_that_fills_up_is_told_before_and_when_it_is_full(tmp_path: Path, disk: SmallDisk) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.settings["site"] = {"data_dir": f'"{disk.path}"'}
        alarms = alarm_program(hospital)
        hospital.configure()
        book(hospital)
        reception = hospital.open()
        wait_until(lambda: staff(reception) == [] and hospital.status()["ok"], "all is well")
        assert (trouble_figures(hospital)["disk_low"], trouble_figures(hospital)["disk_full"]) == (0.0, 0.0)

        disk.fill(leave=8 * MB)
        wait_until(lambda: staff(reception) == ["disk_low"], "staff are told", A_MINUTE)
        assert codes(hospital) == ["disk_low"]
        assert hospital.kiosk("status").returncode == 1
        assert trouble_figures(hospital)["disk_low"] == 1.0
        wait_until(lambda: "disk_low" in alarms(), "somebody outside is told", A_MINUTE)

        disk.fill()
        wait_until(lambda: staff(reception)[:1] == ["disk_full"], "staff are told", A_MINUTE)
        assert "disk_full" in codes(hospital)
        assert hospital.kiosk("status").stdout.startswith("NG  The disk with the kiosk's data is full")
        assert trouble_figures(hospital)["disk_full"] == 1.0
        wait_until(lambda: "disk_full" in alarms(), "somebody outside is told", A_MINUTE)
        reception.press("mynumber")
        reception.until("tap_reader")
        hospital.place("valid-utf8")
        assert reception.until("counter", "done")["reason"] == "reservations_down"
        wait_until(lambda: "journal_full" in codes_of(hospital.status()), "the ledger's trouble", A_MINUTE)
        wait_until(lambda: "journal_full" in alarms(), "the ledger's trouble outside", A_MINUTE)

        reception.kill()  # and started again while it is full
        reception = hospital.open()
        reception.until("choose_card")
        wait_until(lambda: staff(reception)[:1] == ["disk_full"], "staff are told", A_MINUTE)

        disk.empty()
        hospital.wait_delivered("valid-utf8")
        wait_until(lambda: staff(reception) == [] and hospital.status()["ok"], "all is well again")
        assert [event["event"] for event in events(disk.path, "courier")].count("file_done") == 1


def events(folder: Path, process: str) -> list[dict[str, Any]]:
    """Lines that a full disk cut in two are nobody's loss; the next one must be whole."""
    found = []
    for line in (folder / f"events-{process}.jsonl").read_text(encoding="utf-8").splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def test_a_full_courier_folder_keeps_no_patient_waiting_and_the_file_goes_once_when_there_is_room(
    tmp_path: Path, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders, as two users have them. The patient's line needs no ledger."""
    monkeypatch.setenv("KIOSK_COURIER_DIR", str(disk.path))
    with Hospital(tmp_path, consumer=True) as hospital:
        book(hospital)
        hospital.open_courier()
        reception = hospital.open("--no-courier")
        wait_until(lambda: staff(reception) == [] and hospital.status()["ok"], "all is well")
        disk.fill()
        wait_until(lambda: staff(reception) == ["disk_full"], "staff are told", A_MINUTE)
        assert codes(hospital) == ["disk_full"]
        for label in ("valid-utf8", "shift-jis"):
            reception.press("mynumber")
            reception.until("tap_reader")
            hospital.place(label)
            assert reception.until("done", "counter")["screen"] == "done"
            reception.press("close")
            reception.until("choose_card")
        reception.press("mynumber")
        reception.until("tap_reader")
        third = len(reception.lines)
        wait_until(lambda: "journal_full" in codes_of(hospital.status()), "the ledger's trouble")
        assert hospital.receipt_computer is not None and hospital.receipt_computer.taken == []
        disk.empty()
        assert hospital.receipt_computer.wait_for(2, 90)
        wait_until(lambda: hospital.status()["ok"], "all is well again")
        seen = {(line["screen"], line["reason"]) for line in reception.lines[third:]}
        assert seen <= {("tap_reader", None), ("counter", "no_result"), ("choose_card", None)}, "nothing of the others"
        assert sorted(file.name for file in hospital.receipt_computer.taken) == sorted(
            FILE_OF[label] for label in ("valid-utf8", "shift-jis")
        )


def test_a_broken_ledger_on_a_full_disk_is_replaced_when_there_is_room_and_never_without_an_alarm(
    disk: SmallDisk,
) -> None:
    path = disk.path / LEDGER
    path.write_bytes(b"no database, " * 1000)
    log = EventLog(disk.path, "courier", echo=False)
    disk.fill()
    for _ in range(2):  # started again and again
        with pytest.raises(sqlite3.OperationalError):
            open_ledger(path, log)
    disk.empty()
    ledger = open_ledger(path, log)
    [(code, aside, _)] = ledger.alarms()
    assert code == "journal_lost" and (disk.path / aside).read_bytes().startswith(b"no database")
    ledger.close()
    assert open_ledger(path, log).alarms()[0][:2] == (code, aside)


def test_a_ledger_that_was_being_replaced_when_the_power_went_is_there_with_its_alarm(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "courier", echo=False)
    (tmp_path / LEDGER).write_bytes(b"no database, " * 1000)
    open_ledger(tmp_path / LEDGER, log).close()
    (tmp_path / LEDGER).rename(tmp_path / f"{LEDGER}.new")  # as it is for a moment
    (tmp_path / f"{LEDGER}-wal").write_bytes(b"of the broken one")
    ledger = open_ledger(tmp_path / LEDGER, log)
    assert [code for code, _, _ in ledger.alarms()] == ["journal_lost"]
    assert len(list(tmp_path.glob(f"{LEDGER}.broken-*-wal"))) == 1
    ledger.close()


@pytest.mark.parametrize("space", ["bytes", "inodes"])
def test_room_is_judged_before_it_is_gone_and_what_is_better_by_a_breath_is_not_over(
    tmp_path: Path, disk: SmallDisk, space: str
) -> None:
    room = DiskRoom(disk.path)
    assert room.check() == {} and disk_room.now(disk.path) is None
    if space == "inodes":
        disk.limit_inodes(used=100, left=400)
        assert list(room.check()) == ["disk_low"]
        disk.limit_inodes(used=0, left=10)
        assert list(room.check()) == ["disk_full"]
        return
    disk.fill(leave=15 * MB)
    assert list(room.check()) == ["disk_low"] and disk_room.now(disk.path) == "disk_low"
    disk.empty()
    disk.fill(leave=17 * MB)
    assert list(room.check()) == ["disk_low"] and disk_room.now(disk.path) is None
    disk.fill(leave=3 * MB)
    assert list(room.check()) == ["disk_full"]
    disk.empty()
    assert room.check() == {}


def test_a_write_that_failed_is_a_full_disk_for_a_while_whatever_is_said_to_be_free(tmp_path: Path) -> None:
    """A quota, or a fault of the disk."""
    clock = Clock()
    room = DiskRoom(tmp_path, clock)
    room.write_failed()
    assert list(room.check()) == ["disk_full"]
    clock.now += 60.0
    assert room.check() == {}
    assert DiskRoom(tmp_path / "nowhere").check() == {}


def test_a_file_system_that_became_read_only_is_a_full_disk(disk: SmallDisk) -> None:
    room = DiskRoom(disk.path)
    disk.remount("ro")
    assert list(room.check()) == ["disk_full"]
    disk.remount("rw")
    assert room.check() == {}


def test_a_reception_that_says_nothing_is_wrong_and_so_is_its_alarm_command(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    config = Site(tmp_path).load(with_("site", f'data_dir = "{tmp_path}/data"'))
    lock = DataLock(config.site.data_dir, "run")
    board = Board(config.site.data_dir, EventLog(config.site.data_dir, "run", echo=False))
    board.delivery_changed(("alarm_command_failed",))
    board.write("choose_card")
    assert problems(config) == ["courier_gone", "alarm_command_failed"]
    os.utime(config.site.data_dir / "run.lock", (time.time() - 61, time.time() - 61))
    written = json.loads((config.site.data_dir / "status-run.json").read_text())
    (config.site.data_dir / "status-run.json").write_text(
        json.dumps(written | {"since_start_s": written["since_start_s"] - 61})
    )
    assert problems(config) == ["courier_gone", "reception_hangs", "alarm_command_failed"]
    lock.release()


def problems(config: Config) -> list[str]:
    return [each.code for each in collect(config, acknowledge=False, ask_printer=False).problems or ()]
