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
        self.known = path / "known.db"  # each patient's eligibility as confirmed last, in hashes (SQLite); with [desk]
        self.known_key = path / "known.key"  # of those hashes, where there is no systemd credential of that name
        # The reception's.
        self.run_status = path / "status-run.json"  # of itself; there while it runs, or when it ended by itself
        self.printer_lock = path / "printer.lock"  # held (flock) by who talks to the slip printer
        self.import_record = path / "imports.json"  # what the imports of appointments leave behind
        self.retention_start = path / "reservations.retention"  # when old appointments are first deleted: a day
        self.unserved = path / "unserved"  # who could not be registered, a file for each day; gone the next night
        self.staff_call = path / "staff-call.json"  # when staff were called to the kiosk last
        self.reservations = path / DATABASE_NAME  # appointments and arrivals (SQLite)
        self.his = path / "his.db"  # the last day list of the hospital's system, and numbers of custody (SQLite)
        self.reservations_backups = path / BACKUP_FOLDER  # of them, and the arrivals of the last days

    # Of each process: `courier`, `run` (the reception), `reservations` (who serves them; its lock is
    # `reservations-serve`), `fetch`, `staff`.

    def lock(self, process: str) -> Path:
        """Held (flock) while the process runs."""
        return self.path / f"{process}.lock"

    def event_log(self, process: str) -> Path:
        """One JSON object a line; older ones end in `.1` and `.2`."""
        return self.path / f"events-{process}.jsonl"

    def alarm_memory(self, process: str) -> Path:
        """Alarms that the alarm command was run for."""
        return self.path / f"alarms-told-{process}.json"


class DeskFolder:
    """`path`: what the desk keeps beyond a day (KIOSK_DESK_DIR, else data_dir/desk). `run`: its folder in memory
    (KIOSK_DESK_RUN_DIR), gone with the power.
    """

    def __init__(self, path: Path, run: Path) -> None:
        self.path = path
        self.run = run
        self.lock = path / "desk.lock"  # held (flock) while the desk runs
        self.key = path / "desk.key"  # what values are sealed with, where there is no systemd credential of that name
        self.accepted = path / "accepted.db"  # keys, folded fields and subsidies that staff accepted (SQLite, sealed)
        self.known = path / "known.db"  # as the courier's; where there is no courier
        self.registrations = path / "registrations.db"  # requests for reference numbers (SQLite, sealed)
        self.people = path / "people.db"  # accounts, and the chain of acts (SQLite)
        self.people_tries = path / "people-tries"  # wrong passwords, a file for each account
        self.kept_day = path / "day.db"  # today's visits where [desk] keep_days is not 0 (SQLite, sealed)
        self.event_log = path / "events-desk.jsonl"  # one JSON object a line; older ones end in .1 and .2
        self.alarm_memory = path / "alarms-told-desk.json"  # alarms that the alarm command was run for
        self.kept_watched = path / "watched.db"  # as `watched`, where [desk] keep_days is not 0
        self.day = run / "day.db"  # today's visits (SQLite, sealed)
        self.watched = run / "watched.db"  # what was taken from the terminal's folders, in hashes (SQLite)
        self.spool = run / "in"  # what the courier hands over
        self.status = run / "status-desk.json"  # of itself; for everybody, no patient's data
