"""The names of the files in a data folder, the reception's or the courier's. Pure paths: nothing is read or made.

Names on the disk are a contract with every installed version: an update, and the way back from it, must find them. What
a driver keeps there has its name from the driver.
"""

from __future__ import annotations

from pathlib import Path

from drivers.reservations.sqlite.beside import BACKUP_FOLDER
from drivers.reservations.sqlite.file import DATABASE_NAME


class DataFolder:
    """`path`: [site] data_dir or the courier's folder; without a folder of the courier's own both are the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # The courier's.
        self.ledger = path / "courier.db"  # of deliveries (SQLite)
        self.courier_socket = path / "courier.sock"  # where it answers
        self.kiosk_id = path / "kiosk-id"  # which kiosk this is, for others at the same share
        # The reception's.
        self.run_status = path / "status-run.json"  # of itself; there while it runs, or when it ended by itself
        self.printer_lock = path / "printer.lock"  # held (flock) by who talks to the slip printer
        self.import_record = path / "imports.json"  # what the imports of appointments leave behind
        self.retention_start = path / "reservations.retention"  # when old appointments are first deleted: a day
        self.reservations = path / DATABASE_NAME  # appointments and arrivals (SQLite)
        self.reservations_backups = path / BACKUP_FOLDER  # of them, and the arrivals of the last days

    # Of each process: `courier`, `run` (the reception), `fetch`, `staff`.

    def lock(self, process: str) -> Path:
        """Held (flock) while the process runs."""
        return self.path / f"{process}.lock"

    def event_log(self, process: str) -> Path:
        """One JSON object a line; older ones end in `.1` and `.2`."""
        return self.path / f"events-{process}.jsonl"

    def alarm_memory(self, process: str) -> Path:
        """Alarms that the alarm command was run for."""
        return self.path / f"alarms-told-{process}.json"
