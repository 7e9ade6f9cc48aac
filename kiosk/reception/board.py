"""The state of printer, card reader and delivery as the reception sees it, its troubles, and the counts of its visits.

Written by the threads of the devices, read by the loop about once a second. Must never hold a patient's data.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from kiosk.process.disk_room import DISK_TROUBLES, DiskRoom
from kiosk.process.event_log import EventLog
from kiosk.reception import run_status
from kiosk.reception.run_status import TROUBLES, HisState, PrinterState, RunStatus, Trouble
from kiosk.reception.tally import Tally
from kiosk.screens.names import STAFF
from kiosk.words.problems import Problem, in_english

BOARD_EVERY_S = 10.0


class Board:
    """What the reception knows of its surroundings, for `kiosk status` and for staff at the start screen."""

    def __init__(self, folder: Path, log: EventLog) -> None:
        self._folder = folder
        self._log = log
        self._printer: PrinterState | None = None
        self.card_reader: str | None = None  # up or down
        self._disk = DiskRoom(folder)
        self._troubles: dict[Trouble, Problem] = {}
        self._troubles_lock = threading.Lock()
        self.delivery: tuple[str, ...] = ()  # what the delivery watch says
        self.his: Callable[[], HisState | None] = lambda: None
        self._written: tuple[object, ...] = ()
        self._written_at = 0.0
        self._tally = Tally(time.monotonic())
        # A visit's events, all of them from the loop's thread; the tally passes over those of devices.
        log.listen(lambda event, fields: self._tally.on_event(event, fields, time.monotonic()))

    def printer(self, state: str, paper_near_end: bool) -> None:
        """How the printer is now. Any thread."""
        before, self._printer = self._printer, PrinterState(state, paper_near_end, at=time.time())
        if before is None or before.state != state:
            self._log.write("printer_state", code=state)
        if paper_near_end and not (before and before.paper_near_end):
            self._log.write("paper_near_end")

    def set_trouble(self, code: Trouble, reason: Problem | None) -> None:
        """Something is wrong, or (None) no longer. Any thread, as often as it likes.

        `reason`: of assets/texts/*/troubles.toml, without a patient's data; it may change while the trouble lasts.
        """
        with self._troubles_lock:
            before = self._troubles.pop(code, None)
            if reason is not None:
                self._troubles[code] = reason
        if reason is not None and reason != before:
            self._log.write(code, what=in_english(reason))
        elif reason is None and before is not None:
            self._log.write("trouble_over", code=code)

    def troubles(self) -> dict[Trouble, Problem]:
        """What is wrong now, the worst first. Any thread."""
        with self._troubles_lock:
            return {code: self._troubles[code] for code in TROUBLES if code in self._troubles}

    def delivery_changed(self, codes: tuple[str, ...]) -> None:
        """What the delivery watch says. Any thread."""
        self.delivery = codes

    def staff(self) -> tuple[str, ...]:
        """What staff should look at, as codes of `screens.STAFF`, in that order."""
        codes = {*self.delivery, *self.troubles()}
        if self._printer is not None:
            near_end = {"paper_near_end"} if self._printer.paper_near_end else set()
            codes |= {"printer"} if self._printer.state != "ready" else near_end
        return tuple(code for code in STAFF if code in codes)

    def write(self, screen: str) -> None:
        """Called about once a second; written when something changed, and now and then."""
        self._check_disk()
        now = time.monotonic()
        reasons = self.troubles()
        troubles = {str(code): in_english(reason) for code, reason in reasons.items()}
        alarm_fails = "alarm_command_failed" in self.delivery
        known = (screen, self._printer, self.card_reader, troubles, alarm_fails, self._tally.changes)
        if known == self._written and now - self._written_at < BOARD_EVERY_S:
            return
        self._written, self._written_at = known, now
        status = RunStatus(
            screen=screen,
            card_reader=self.card_reader,
            troubles=troubles,
            reasons=dict(reasons.items()),
            imports=troubles.get("imports"),
            alarm_fails=alarm_fails,
            counts=self._tally.counts(now),
            printer=self._printer,
            his=self.his(),
        )
        if not run_status.write(self._folder, status):
            self._disk.write_failed()
            self._check_disk()

    def _check_disk(self) -> None:
        wrong = self._disk.check()
        reason = Problem("disk.make_room", {"folder": str(self._folder)})
        for code in DISK_TROUBLES:
            self.set_trouble(code, reason if code in wrong else None)
