"""Names in the data folders: each version finds its files by them, before an update and after the way back."""

from __future__ import annotations

from pathlib import Path

from kiosk.process.data_folder import DataFolder

FOLDER = Path("/var/lib/kiosk")


def test_names_on_the_disk_stay_as_they_are() -> None:
    folder = DataFolder(FOLDER)
    names = {
        folder.ledger: "courier.db",
        folder.courier_socket: "courier.sock",
        folder.kiosk_id: "kiosk-id",
        folder.run_status: "status-run.json",
        folder.printer_lock: "printer.lock",
        folder.import_record: "imports.json",
        folder.retention_start: "reservations.retention",
        folder.reservations: "reservations.db",
        folder.reservations_backups: "reservations-backup",
        folder.lock("run"): "run.lock",
        folder.event_log("courier"): "events-courier.jsonl",
        folder.alarm_memory("run"): "alarms-told-run.json",
    }
    assert {path: FOLDER / name for path, name in names.items()} == {path: path for path in names}
