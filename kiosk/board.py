"""The state of printer, card reader, imports and delivery as the reception sees it, and the counts of its visits.

Written by the threads of the devices, read by the loop about once a second. Must never hold a patient's data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kiosk import status
from kiosk.journal import EventLog
from kiosk.tally import Tally

BOARD_EVERY_S = 10.0


class Board:
    """What the reception knows of its surroundings, for `kiosk status` and for staff at the start screen."""

    def __init__(self, folder: Path, log: EventLog) -> None:
        self._folder = folder
        self._log = log
        self._printer: tuple[str, bool, float] | None = None
        self.card_reader: str | None = None  # up or down
        self.refused_import: str | None = None  # until a good file comes
        self.import_trouble: str | None = None
        self.delivery: tuple[str, ...] = ()  # what the delivery watch says
        self._written: tuple[object, ...] = ()
        self._written_at = 0.0
        self._tally = Tally(time.monotonic())
        log.listen(self._count)

    def _count(self, event: str, fields: Mapping[str, Any]) -> None:
        """The flow's events, all of them from the loop's thread; the tally passes over those of devices."""
        self._tally.heard(event, fields, time.monotonic())

    def printer(self, state: str, paper_near_end: bool) -> None:
        """How the printer is now. Any thread."""
        before, self._printer = self._printer, (state, paper_near_end, time.time())
        if before is None or before[0] != state:
            self._log.write("printer_state", code=state)
        if paper_near_end and not (before and before[1]):
            self._log.write("paper_near_end")

    def delivery_changed(self, codes: tuple[str, ...]) -> None:
        """What the delivery watch says. Any thread."""
        self.delivery = codes

    def staff(self) -> tuple[str, ...]:
        """What staff should look at, as codes of `screens.STAFF`, the worst first."""
        codes = [*self.delivery]
        if self._printer is not None:
            state, near_end, _ = self._printer
            codes += ["printer"] if state != "ready" else ["paper_near_end"] if near_end else []
        if self.import_trouble or self.refused_import:
            codes.append("imports")
        return tuple(codes)

    def write(self, screen: str) -> None:
        """Called about once a second; written when something changed, and now and then."""
        now = time.monotonic()
        imports = self.import_trouble or self.refused_import
        known = (screen, self._printer, self.card_reader, imports, self._tally.changes)
        if known == self._written and now - self._written_at < BOARD_EVERY_S:
            return
        self._written, self._written_at = known, now
        facts: dict[str, object] = {"screen": screen, "card_reader": self.card_reader, "imports": imports}
        facts["counts"] = self._tally.facts(now)
        if self._printer is not None:
            state, near_end, at = self._printer
            facts["printer"] = {"state": state, "paper_near_end": near_end, "at": at}
        status.write_run_status(self._folder, facts)
