"""The names of the files in a data folder, the reception's or the courier's. Pure paths: nothing is read or made.

Names on the disk are a contract with every installed version: an update, and the way back from it, must find them. What
a driver keeps there has its name from the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers.reservations.sqlite.beside import BACKUP_FOLDER
from drivers.reservations.sqlite.trouble import DATABASE_NAME


@dataclass(frozen=True)
class DataFolder:
    """`path`: [site] data_dir or the courier's folder; without a folder of the courier's own both are the same."""

    path: Path

    # --- of each process: `courier`, `run` (the reception), `fetch`, `staff` ------------------------------------------

    def lock(self, process: str) -> Path:
        """Held (flock) while the process runs."""
        return self.path / f"{process}.lock"

    def event_log(self, process: str) -> Path:
        """One JSON object a line; older ones end in `.1` and `.2`."""
        return self.path / f"events-{process}.jsonl"

    def alarm_memory(self, process: str) -> Path:
        """Alarms that the alarm command was run for."""
        return self.path / f"alarms-told-{process}.json"

    # --- the courier's ------------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> Path:
        """The ledger of deliveries (SQLite)."""
        return self.path / "courier.db"

    @property
    def courier_socket(self) -> Path:
        """Where the courier answers."""
        return self.path / "courier.sock"

    @property
    def kiosk_id(self) -> Path:
        """Which kiosk this is, for others at the same share."""
        return self.path / "kiosk-id"

    # --- the reception's ----------------------------------------------------------------------------------------------

    @property
    def run_status(self) -> Path:
        """What the reception writes of itself; there while it runs, or when it ended by itself."""
        return self.path / "status-run.json"

    @property
    def printer_lock(self) -> Path:
        """Held (flock) by who talks to the slip printer."""
        return self.path / "printer.lock"

    @property
    def import_record(self) -> Path:
        """What the imports of appointments leave behind."""
        return self.path / "imports.json"

    @property
    def retention_start(self) -> Path:
        """The day on which old appointments are deleted for the first time."""
        return self.path / "reservations.retention"

    @property
    def reservations(self) -> Path:
        """Appointments and arrivals (SQLite)."""
        return self.path / DATABASE_NAME

    @property
    def reservations_backups(self) -> Path:
        """Backups of `reservations`, and the arrivals of the last days."""
        return self.path / BACKUP_FOLDER
