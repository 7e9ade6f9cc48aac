"""Looks after the reservations while the reception runs: reports trouble, begins a damaged one again, keeps it small.

A thread of its own. It looks every few seconds, patients or none, and when somebody met damage; the night's work
(backup, deletion of what is old) waits until nobody is at the kiosk and stops when somebody comes.

Must never hold the database for longer than a step of `upkeep`, or end because of what the database does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from drivers.reservations import ReservationsDown, Trouble
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.file import Damaged, DatabaseTrouble, disk_trouble
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments import retention
from kiosk.appointments.fetch import forget_copies
from kiosk.appointments.restore import import_again
from kiosk.config import Config
from kiosk.reception.staff_door import OPEN_ON
from kiosk.reception.worker import Report, SetTrouble
from kiosk.words.problems import Problem

TICK_S: Final = 1.0
LOOK_S: Final = 5.0
ANSWER_S: Final = 20.0
# Nobody at the kiosk for so long; during the hours of reception it must be longer.
QUIET_S = 60.0
QUIET_OPEN_S = 600.0
AGAIN_S: Final = 60.0
FAILED_AGAIN_S: Final = 3600.0
_NIGHT: Final = range(1, 5)  # hours, where the site has no [[hours]]

# Nobody notices that there is none until it is needed. One missed night is no trouble yet.
BACKUP_OLD: Final = timedelta(days=2)


@dataclass
class Guard:
    """`clock()`: the site's aware local time. `screen()` may be called from any thread, the others from one."""

    config: Config
    book: SqliteReservations
    clock: Callable[[], datetime]
    set_trouble: SetTrouble
    report: Report

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._busy_at = time.monotonic()
        self._look_at = self._work_at = 0.0
        self._kept_on: date | None = None
        self.pruned_on: date | None = None
        self._well = False
        self._fault = self._night_fault = ""
        self._thread = threading.Thread(target=self._run, name="reservations-guard", daemon=True)
        self._thread.start()

    def screen(self, name: str) -> None:
        """What the kiosk shows; called about once a second."""
        if name not in OPEN_ON:
            self._busy_at = time.monotonic()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            try:
                self._tick(time.monotonic())
            except Exception as error:  # noqa: BLE001 - a fault of ours must not leave the database without a guard
                if type(error).__name__ != self._fault:
                    self._fault = type(error).__name__
                    self.report("reservations_failed", what=self._fault)
                # Until it looks again nobody knows whether patients can be received.
                self.set_trouble("reservations_down", Problem("program.fault", {"name": self._fault}))

    def _tick(self, now: float) -> None:
        if self.book.file.suspected or now >= self._look_at:
            # All that may fail comes first: a trouble that ended and began again each second would fill the log.
            trouble, old = self._trouble(), self._backup_trouble()
            self._well = trouble is None
            self.set_trouble("reservations_down", trouble)
            self._fault = ""
            self.set_trouble("reservations_backup_old", old)
            self._look_at = time.monotonic() + LOOK_S
        loss = self.book.file.beside.loss()
        self.set_trouble("reservations_lost", Problem("database.lost", {"what": loss}) if loss else None)
        if self._well and now >= self._work_at:
            self._work_at = now + AGAIN_S
            self._work()

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _trouble(self) -> Problem | None:
        """What keeps patients from being received, after what could be done about it; None: nothing."""
        file, today = self.book.file, self.clock().date()
        try:
            if not file.suspected:
                with suppress(Damaged):
                    file.look()
                    # What patients of today would meet.
                    until = time.monotonic() + ANSWER_S
                    for answer in (self.book.count(today, until), self.book.entries(today, until)):
                        if isinstance(answer, Trouble) and not file.suspected:
                            return Problem("database.down", {"what": answer.what})
            if file.suspected:
                rescue.rebuild(file, today)
            self._import_again()
            if self._kept_on != today:
                self._begin_day(today)
                self._kept_on = today
        except ReservationsDown as error:
            return Problem("database.down", {"what": str(error)})
        # A day on which nobody comes has no export, and nobody misses it.
        if self.config.opens_on(today) and not self.book.is_sure(today):
            return Problem("database.down", {"what": str(DatabaseTrouble.UNSURE.down("lost"))})
        return None

    def _import_again(self) -> None:
        beside = self.book.file.beside
        with self.book.file.exclusive(), disk_trouble():
            due = beside.take_exports_due()
        if due:
            import_again(self.book, self.config.reservations.import_dir, self.clock().date())
            with self.book.file.exclusive(), disk_trouble():
                beside.exports_done()

    def _begin_day(self, today: date) -> None:
        """Once at a start, and at midnight."""
        rescue.sweep(self.book.file)
        upkeep.sweep(self.book.file)
        self.book.begin_keeping(today, datetime.now(UTC))
        settings = self.config.reservations
        days = (upkeep.oldest_day(self.book.file), retention.oldest_export(settings.import_dir))
        oldest = min((day for day in days if day is not None), default=None)
        with disk_trouble():
            retention.announce(self.config.site.data_dir, oldest, settings.keep_days, today)

    def _backup_trouble(self) -> Problem | None:
        """Why what a loss would cost grows by the day; None: it does not."""
        beside, now = self.book.file.beside, datetime.now(UTC)
        made = rescue.newest_backup(beside.backups, now)
        since = made or beside.begun()
        if since is None or now - since <= BACKUP_OLD:
            return None
        newest = Problem("backup.newest", {"day": f"{made:%Y-%m-%d}"}) if made else Problem("backup.none")
        fault = self._night_fault
        return Problem("backup.failed", {"newest": newest, "why": fault}) if fault else newest

    # --- the night ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """What is due, if nobody is here."""
        try:
            self._back_up_if_due()
            self._prune_if_due()
            self._night_fault = ""
        except upkeep.Stopped:
            return
        except Exception as error:  # noqa: BLE001 - patients can be received all the same
            # A backup that fails for days is told by _backup_trouble.
            self._night_fault = str(error) if isinstance(error, ReservationsDown) else type(error).__name__
            self.report("reservations_upkeep_failed", what=self._night_fault)
            self._work_at = time.monotonic() + FAILED_AGAIN_S

    def _back_up_if_due(self) -> None:
        """One a day, and before anything is deleted."""
        file, local = self.book.file, self.clock()
        made = rescue.newest_backup(file.beside.backups, datetime.now(UTC))
        if made is not None and made.astimezone(local.tzinfo).date() >= local.date():
            return
        if self._may_copy():
            upkeep.back_up(file, datetime.now(UTC), self._may_copy)

    def _prune_if_due(self) -> None:
        file, settings, today = self.book.file, self.config.reservations, self.clock().date()
        if self.pruned_on == today or not self._may_prune():
            return
        last = min(today, upkeep.last_day(file) or today)
        before = last - timedelta(days=settings.keep_days)
        start = retention.starts_on(self.config.site.data_dir)
        if start is not None and start <= today:
            count = upkeep.prune(file, before, self._may_prune)
            upkeep.give_back(file, self._may_prune)
            retention.forget_exports(settings.import_dir, before)
            if count:
                self.report("reservations_pruned", count=count)
        upkeep.forget(file, last, settings.keep_days)
        if settings.share and settings.import_dir is not None:
            forget_copies(settings.import_dir, datetime.now(UTC))
        self.pruned_on = today

    def _is_quiet(self, for_s: float) -> bool:
        return not self._stop.is_set() and time.monotonic() - self._busy_at >= for_s

    def _is_night(self) -> bool:
        local = self.clock()
        return not self.config.open_at(local) or (not self.config.hours and local.hour in _NIGHT)

    def _may_copy(self) -> bool:
        return self._is_quiet(QUIET_S if self._is_night() else QUIET_OPEN_S)

    def _may_prune(self) -> bool:
        return self._is_night() and self._is_quiet(QUIET_S)
