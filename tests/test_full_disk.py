"""A disk that fills up under a whole kiosk: who is told, what goes on, and that nothing is lost or told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.hospital import FILE_OF, PATIENT_OF, Hospital, wait_until
from tests.peers.small_disk import MB, SmallDisk, small_disk
from tests.test_reception_watched import alarm_program, staff, trouble_figures

pytestmark = pytest.mark.peers
A_MINUTE = 60.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mounted before the hospital begins, and longer there than its processes."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def status(hospital: Hospital) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(hospital.kiosk("status", "--json").stdout)
    return facts


def codes(hospital: Hospital) -> list[str]:
    return [each["code"] for each in status(hospital)["problems"]]


def book(hospital: Hospital) -> None:
    hospital.book(*(f"{PATIENT_OF[label]},{{today}},13:00,内科,佐藤," for label in ("valid-utf8", "shift-jis")))


def test_a_data_folder_that_fills_up_is_told_before_and_when_it_is_full(tmp_path: Path, disk: SmallDisk) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.settings["site"] = {"data_dir": f'"{disk.path}"'}
        alarms = alarm_program(hospital)
        hospital.configure()
        book(hospital)
        reception = hospital.open()
        wait_until(lambda: staff(reception) == [] and status(hospital)["ok"], "all is well")
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
        wait_until(lambda: "journal_full" in codes(hospital), "the journal's trouble", A_MINUTE)
        wait_until(lambda: "journal_full" in alarms(), "the journal's trouble outside", A_MINUTE)

        disk.empty()
        hospital.wait_delivered("valid-utf8")
        reception.press("close")
        wait_until(lambda: staff(reception) == [] and status(hospital)["ok"], "all is well again")
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
    """Two folders, as two users have them. The patient's line needs no journal."""
    monkeypatch.setenv("KIOSK_COURIER_DIR", str(disk.path))
    with Hospital(tmp_path, consumer=True) as hospital:
        book(hospital)
        hospital.open_courier()
        reception = hospital.open("--no-courier")
        wait_until(lambda: staff(reception) == [] and status(hospital)["ok"], "all is well")
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
        wait_until(lambda: "journal_full" in codes(hospital), "the journal's trouble")
        assert hospital.receipt_computer is not None and hospital.receipt_computer.taken == []
        disk.empty()
        assert hospital.receipt_computer.wait_for(2, 90)
        wait_until(lambda: status(hospital)["ok"], "all is well again")
        seen = {(line["screen"], line["reason"]) for line in reception.lines[third:]}
        assert seen <= {("tap_reader", None), ("counter", "no_result"), ("choose_card", None)}, "nothing of the others"
        assert sorted(file.name for file in hospital.receipt_computer.taken) == sorted(
            FILE_OF[label] for label in ("valid-utf8", "shift-jis")
        )
