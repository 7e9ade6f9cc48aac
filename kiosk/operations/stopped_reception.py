"""What a reception that does not run would report of its files: for `kiosk status`, and so for the technician's page,
for which the reception is stopped. Reads; must never write, nor wait for long.
"""

from __future__ import annotations

import contextlib
from datetime import datetime

from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.file import Damaged, DatabaseFile, DatabaseTrouble, require_ours
from kiosk.appointments import import_record
from kiosk.appointments.reference_numbers import BadMap, ReferenceNumbers
from kiosk.config import Config
from kiosk.reception.run_status import Trouble
from kiosk.words.problems import Problem

_BUSY_S = 1.0


def troubles(config: Config) -> dict[Trouble, Problem]:
    """What is wrong, and why."""
    today = datetime.now(config.site.zone).date()
    found: dict[Trouble, Problem | None] = {
        "imports": import_record.unsettled(config.site.data_dir, today),
        "reservations_down": _damage(DatabaseFile(config.site.data_dir), today.isoformat()),
    }
    try:
        ReferenceNumbers.load(config.reference_numbers.map)
    except BadMap as error:
        found["reference_numbers_refused"] = Problem("reference_numbers.stopped", {"problem": error.problem})
    return {code: reason for code, reason in found.items() if reason}


def _damage(file: DatabaseFile, today: str) -> Problem | None:
    """What a look at the database finds; that it is busy, or was never made, is nothing wrong."""
    try:
        if not file.path.exists():
            return _down(str(DatabaseTrouble.MISSING.down("gone"))) if file.beside.traces() else None
        with file.translated(), contextlib.closing(file.connect("ro", busy_s=_BUSY_S)) as connection:
            require_ours(connection)
            connection.execute("SELECT count(*) FROM appointment WHERE day = ?", (today,)).fetchone()
    except Damaged as error:
        return _down(str(error))
    except (ReservationsDown, OSError):
        pass
    return None


def _down(what: str) -> Problem:
    return Problem("database.down", {"what": what})
