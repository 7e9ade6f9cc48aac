"""Reservations that break while the reception runs: who is told, what patients see, and what mends itself."""

from __future__ import annotations

import fcntl
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hospital import Hospital, Reception, today, wait_until

pytestmark = pytest.mark.long

HEADER = "patient_number,date,time,department,doctor,place"


class Desk:
    """A hospital whose exports come into a watched folder, and its reception."""

    def __init__(self, hospital: Hospital, exports: Path) -> None:
        self.hospital = hospital
        self.exports = exports
        self.reception: Reception = hospital.open()

    def export(self, *patients: str, tomorrow: int = 0) -> None:
        """Put an export of today there, and of so many patients of tomorrow, and wait until it is imported."""
        before = len(list(self.exports.glob("done/*.csv")))
        rows = [f"{number},{today()},13:00,内科,佐藤,A棟1階" for number in patients]
        next_day = today() + timedelta(days=1)
        rows += [f"{number:07},{next_day},13:00,内科,佐藤,A棟1階" for number in range(1000, 1000 + tomorrow)]
        part = self.exports / "export.part"
        part.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        part.rename(self.exports / f"export{before}.csv")
        wait_until(lambda: len(list(self.exports.glob("done/*.csv"))) > before, "the import")

    def visit(self, number: str) -> dict[str, Any]:
        """One visit with a patient card, to its last screen."""
        assert self.hospital.cards is not None
        self.reception.until("choose_card")
        self.reception.press("patient_card")
        self.reception.until("insert_card")
        self.hospital.cards.insert(number)
        last = self.reception.until("done", "already", "counter")
        self.reception.press("close")
        return last

    def troubles(self) -> dict[str, str]:
        try:
            status = json.loads((self.hospital.data_dir / "status-run.json").read_text())
        except (OSError, ValueError):
            return {}
        return dict(status.get("troubles", {}))

    def wait_trouble(self, code: str, *, over: bool = False) -> None:
        wait_until(lambda: (code in self.troubles()) is not over, f"{code} {'over' if over else 'told'}")


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    exports = tmp_path / "exports"
    exports.mkdir()
    settings = {"reservations": {"import_dir": f'"{exports}"'}}
    with Hospital(tmp_path, card_reader=True, settings=settings) as hospital:
        yield Desk(hospital, exports)


@pytest.mark.peers
def test_a_database_that_breaks_is_begun_anew_and_staff_hear_of_it_until_they_acknowledge(desk: Desk) -> None:
    database = desk.hospital.data_dir / "reservations.db"
    desk.export("0000001", "0000002")
    assert "受付番号 1" in desk.visit("0000001")["lines"]
    database.write_bytes(b"this is no database" * 1000)
    desk.wait_trouble("reservations_lost")
    desk.wait_trouble("reservations_down", over=True)
    again, next_one = desk.visit("0000001"), desk.visit("0000002")
    assert (again["screen"], "受付番号 1" in again["lines"]) == ("already", True)
    assert (next_one["screen"], "受付番号 2" in next_one["lines"]) == ("done", True)
    assert [path.read_bytes()[:4] for path in database.parent.glob("reservations.db.broken-*")] == [b"this"]
    desk.hospital.kiosk("status", "--acknowledge")
    desk.wait_trouble("reservations_lost", over=True)


@pytest.mark.peers
def test_damage_that_only_an_import_meets_is_mended_and_the_export_is_taken(desk: Desk) -> None:
    database, next_day = desk.hospital.data_dir / "reservations.db", str(today() + timedelta(days=1)).encode()
    desk.export("0000001", tomorrow=500)
    raw = database.read_bytes()
    size = int.from_bytes(raw[16:18], "big")
    pages = [raw[at : at + size] for at in range(0, len(raw), size)]
    # A patient of today meets none of these.
    of_tomorrow = [n for n, page in enumerate(pages) if page.count(next_day) > 30 and str(today()).encode() not in page]
    with database.open("r+b") as file:
        file.seek(of_tomorrow[2] * size)
        file.write(b"\xff" * 8)
    desk.export("0000001", "0000002", tomorrow=500)
    desk.wait_trouble("reservations_lost")
    assert "受付番号 1" in desk.visit("0000002")["lines"]


@pytest.mark.peers
def test_after_a_deletion_nobody_hears_no_appointment_until_the_day_is_there_again(desk: Desk) -> None:
    desk.export("0000001", "0000002")
    assert desk.visit("0000009")["reason"] == "no_appointment"
    assert "受付番号 1" in desk.visit("0000001")["lines"]
    for path in desk.exports.glob("done/*"):
        path.unlink()
    (desk.hospital.data_dir / "reservations.db").unlink()
    desk.wait_trouble("reservations_down")
    assert desk.visit("0000002")["reason"] == "reservations_down"
    assert desk.visit("0000001")["screen"] == "already"
    desk.export("0000002", "0000003")
    assert "受付番号 2" in desk.visit("0000002")["lines"]
    assert desk.visit("0000009")["reason"] == "no_appointment"
    desk.wait_trouble("reservations_down", over=True)


@pytest.mark.peers
def test_a_lock_that_is_not_given_back_is_told_without_a_patient_and_ends_by_itself(desk: Desk) -> None:
    desk.reception.until("choose_card")
    with (desk.hospital.data_dir / "reservations.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        desk.wait_trouble("reservations_down")
    desk.wait_trouble("reservations_down", over=True)
    assert not list(desk.hospital.data_dir.glob("reservations.db.broken-*"))
