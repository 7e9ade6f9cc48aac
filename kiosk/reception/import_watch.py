"""The reception's thread that takes exports from the import folder, and what staff see of it.

Owns the poll, the events and the notice `imports`: what keeps exports away, a refused file until a good one comes, a
day that shrank or an export put away as an older one until somebody looked at it. Must never hold up a visit, or end
while the reception runs.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from drivers.reservations.sqlite.file import DatabaseFile
from kiosk.appointments import import_record
from kiosk.appointments.fetch import trouble_of
from kiosk.appointments.import_folder import ImportFolder, Taken, Trouble
from kiosk.appointments.importer import Importer
from kiosk.config import Config
from kiosk.process.event_log import EventLog
from kiosk.reception.board import Board
from kiosk.words.problems import Problem, in_english

POLL_S: Final = 1.0


class ImportWatch:
    """One import folder. `start` once; the thread ends with the process. `database`: the one that is looked after."""

    def __init__(self, config: Config, folder: Path, database: DatabaseFile, board: Board, log: EventLog) -> None:
        self._settings = config.reservations
        self._zone = config.site.zone
        self._folder = folder
        self._database = database
        self._board = board
        self._log = log
        self._refused: Problem | None = None  # until a good file comes
        importer = Importer(
            database.data_dir,
            lambda: datetime.now(self._zone).date(),
            self._settings.shrunk_day,
            self._damaged,
            None if self._settings.is_embedded else config.his_run_dir,
        )
        self._imports = ImportFolder(folder, importer, unended_taken=self._settings.final_line_end == "optional")

    def start(self) -> None:
        threading.Thread(target=self._watch, name="imports", daemon=True).start()

    def _damaged(self) -> None:
        """An import met what no patient of today may meet; whoever looks after the database decides."""
        self._database.suspected = True

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(POLL_S):
            try:
                for outcome in self._imports.poll(time.monotonic()):
                    self._report(outcome)
                self._board.set_trouble("imports", self._imports.trouble or self._to_look_at())
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end the reception at each start
                # Its kind alone: what it says may hold what a file does.
                self._board.set_trouble("imports", Problem("imports.fault", {"name": type(error).__name__}))

    def _report(self, outcome: Taken | Trouble) -> None:
        if isinstance(outcome, Trouble):
            self._log.write("import_folder_failed", what=in_english(outcome.reason))
            return
        event = "import_done" if outcome.ok else "import_failed"
        self._log.write(event, count=outcome.rows, what=in_english(outcome.reason))
        self._refused = None if outcome.ok else outcome.reason

    def _to_look_at(self) -> Problem | None:
        """What keeps no file from being imported, and staff should know of; the most urgent."""
        fetching = trouble_of(self._folder) if self._settings.share else None
        today = datetime.now(self._zone).date()
        return (
            fetching
            or self._refused
            or self._imports.warning
            or import_record.unsettled(self._database.data_dir, today)
        )
