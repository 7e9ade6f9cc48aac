"""Events, alarms, and the fault that ends the courier.

Must never raise into the thread that reports: an alarm that cannot be written is no reason to lose a file.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from kiosk.courier.ledger import Item, Ledger
from kiosk.process.event_log import EventLog

# After these nothing that was written can be trusted; every other error (full, locked) may heal.
_BROKEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOG_AGAIN_S = 60.0
FULL_RECENTLY_S = 15.0  # what waits to be written is tried again within ten
OWED_MAX = 200


class Notices(Protocol):
    """Takes what happened to a file; `code` is an id of the event log."""

    def event(self, code: str, item: Item, why: str = "") -> None: ...

    def alarm(self, code: str, item: Item) -> None: ...

    def all_clear(self, item: Item) -> None: ...


class NoticeBoard:
    """Any thread. `ending` is set when the process must end; `failure` says why, None: it was asked to."""

    def __init__(self, ledger: Ledger, log: EventLog, ending: threading.Event) -> None:
        self._ledger = ledger
        self._log = log
        self.ending = ending
        self._full_logged_at: float | None = None
        self._full_at: float | None = None
        self._owed: dict[tuple[str, str], bool] = {}  # alarms that could not be written: to raise or to clear
        self.failure: str | None = None
        self.others = 0

    def event(self, code: str, item: Item | None = None, why: str = "") -> None:
        self._log.write(code, **({"file": item.id} if item else {}), **({"code": why} if why else {}))

    def other_files(self, number: int) -> None:
        changed, self.others = number != self.others, number
        if changed:
            self._log.write("other_files", count=number)

    def alarm(self, code: str, item: Item | None = None) -> None:
        subject = f"file {item.id}" if item else ""
        if not self.with_ledger(lambda: self._ledger.raise_alarm(code, subject)):
            self._owe(code, subject, True)
        self._log.write(code, **({"file": item.id} if item else {}))

    def all_clear(self, item: Item) -> None:
        for code in ("file_held", "temp_lost"):
            self.set_alarm(code, f"file {item.id}", False)

    def set_alarm(self, code: str, subject: str, wrong: bool) -> None:
        """Raise or clear; raising is written to the log once."""

        def write() -> None:
            if not wrong:
                self._ledger.clear_alarm(code, subject)
            elif self._ledger.raise_alarm(code, subject):
                self._log.write(code, where=subject)

        self._owed.pop((code, subject), None)
        if not self.with_ledger(write):
            self._owe(code, subject, wrong)

    def share_changed(self, role: str, state: str, message: str) -> None:
        """A share answers, no longer does, or refuses."""
        code = {"ok": "share_up", "down": "share_down", "refused": "share_refused"}[state]
        self._log.write(code, where=role, **({"what": message} if message else {}))

    def acknowledge(self) -> None:
        """A person has seen all alarms."""

        def clear() -> None:
            for code, subject, _ in self._ledger.alarms():
                self._ledger.clear_alarm(code, subject)

        self.with_ledger(clear)

    def settle(self) -> None:
        """Write what a full disk has kept out of the ledger: an alarm about one file is raised only once."""
        for (code, subject), wrong in list(self._owed.items()):
            write = self._ledger.raise_alarm if wrong else self._ledger.clear_alarm
            if not self.with_ledger(partial(write, code, subject)):
                return
            self._owed.pop((code, subject), None)

    def _owe(self, code: str, subject: str, wrong: bool) -> None:
        if len(self._owed) < OWED_MAX:
            self._owed[code, subject] = wrong

    def with_ledger(self, write: Callable[[], object]) -> bool:
        """Whether it was written."""
        try:
            write()
        except sqlite3.Error as error:
            self.ledger_failed(error)
            return False
        return True

    def ledger_failed(self, error: sqlite3.Error) -> None:
        """A full disk may heal. After an I/O error nothing written can be trusted: the process ends and rereads."""
        now = self._full_at = time.monotonic()
        if self._full_logged_at is None or now - self._full_logged_at > LOG_AGAIN_S:
            self._full_logged_at = now
            self._log.write("journal_full", what=type(error).__name__)
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            self._end("journal_io")

    def ledger_fails(self) -> bool:
        """Whether it could not be written lately; then alarms are missing from it as well."""
        return self._full_at is not None and time.monotonic() - self._full_at < FULL_RECENTLY_S

    def broke(self, what: str) -> None:
        """A fault of the program, in whichever thread: the process ends with exit code 1 and is started again."""
        if self.failure is None:
            self._log.write("courier_failed", what=what)
        self._end("fault")

    def stuck(self, thread: str) -> None:
        self._log.write("courier_failed", what=f"{thread} does not come back")
        self._end("stuck")

    def _end(self, why: str) -> None:
        self.failure = self.failure or why
        self.ending.set()
