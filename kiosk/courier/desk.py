"""The courier's side of the desk: whether a result says anything new of its patient, and its bytes into the spool.

All of it is done in a thread of its own, after what delivery needs. Must never hold up, fail or end a delivery: a desk
that is dead or slow, a full spool and a damaged store of patients cost the desk something, and nobody else. Owns the
courier's `known.db`; must never settle a change that staff have not confirmed.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from kiosk.courier.ledger import Item
from kiosk.process.data_folder import DataFolder
from kiosk.process.database import DatabaseUnusable
from kiosk.process.desk_spool import Handed, SpoolWriter
from kiosk.process.event_log import EventLog
from kiosk.process.sealing import Seals, SecretUnusable, load_secret
from kiosk.results import records
from kiosk.results.changes import EligibilityChange
from kiosk.results.eligibility import Outcome, Reading
from kiosk.results.known import KnownPeople
from kiosk.results.records import Confirmation

# A result is reported without what is new of the patient rather than later than this.
VERDICT_S: Final = 0.05
# What waits for the thread; beyond that the desk goes without.
JOBS_MAX: Final = 500
BYTES_MAX: Final = 32 << 20
OPEN_AGAIN_S: Final = 30.0
SPOOL_S: Final = 86_400.0
CLOSE_S: Final = 0.5
_FAULTS: Final = (sqlite3.Error, OSError, DatabaseUnusable, SecretUnusable)


@dataclass(eq=False)
class Look:
    """One result to be compared. `change`: once it is `done`; None: nothing could be compared."""

    number: str = field(repr=False)
    raw: bytes = field(repr=False)
    change: EligibilityChange | None = field(repr=False, default=None)
    done: threading.Event = field(repr=False, default_factory=threading.Event)


class HandOver:
    """`folder`: the courier's own. `spool`: the desk's. `max_bytes`: of a result. Any thread; nothing here raises."""

    def __init__(self, folder: Path, spool: Path, max_bytes: int, log: EventLog) -> None:
        self._files, self._max_bytes, self._log = DataFolder(folder), max_bytes, log
        self._spool = SpoolWriter(spool)
        self._known: KnownPeople | None = None
        self._open_at = 0.0
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._lags = False  # somebody waited in vain; until the thread has caught up nobody waits
        self._wrong: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self) -> None:
        """Its thread begins."""
        self._thread.start()

    def close(self) -> None:
        """What waits is still handed over, if that is done at once."""
        self._jobs.put(None)
        self._thread.join(CLOSE_S)
        if self._known is not None and not self._thread.is_alive():
            self._known.close()

    def look(self, reading: Reading, raw: bytes | None) -> Look | None:
        """Begin to compare a result with what is known of its patient. None: there is no patient number in it."""
        result = reading.result
        if result is None or result.outcome is not Outcome.usable or not result.reference_number or raw is None:
            return None
        look = Look(result.reference_number, raw)
        return look if self._do(partial(self._compare, look), len(raw)) else None

    def verdict(self, look: Look) -> str:
        """`EligibilityChange.key`; "" where it is not known in time."""
        if not look.done.wait(0.0 if self._lags else VERDICT_S):
            self._lags = True
        return look.change.key if look.change is not None else ""

    def hand_over(self, item: Item, raw: bytes | None, look: Look | None = None) -> None:
        """Its row is written and it is on its way to the receipt computer. `look`: what `look` gave for it."""
        now = datetime.now(UTC)
        if not self._do(partial(self._put, item, raw, look, now), len(raw or b"")):
            self._note("desk_behind", True)

    def settle(self, file: int) -> bool:
        """Staff have confirmed the change that this file brought. False: it could not be written."""
        known = self._known
        try:
            if known is not None:
                known.settle(file)
        except sqlite3.Error:
            return False
        return known is not None

    def forget(self) -> None:
        """Whom no result has named for long, and what no desk has taken within a day."""
        self._do(self._forget, 0)

    # -- its thread -----------------------------------------------------------------------------------------------

    def _do(self, job: Callable[[], None], size: int) -> bool:
        with self._lock:
            if self._jobs.qsize() >= JOBS_MAX or self._waiting_bytes + size > BYTES_MAX:
                return False
            self._waiting_bytes += size
            self._jobs.put((job, size))
        return True

    def _run(self) -> None:
        self._people()
        while (taken := self._jobs.get()) is not None:
            job, size = taken
            try:
                job()
            except Exception as error:  # noqa: BLE001 - a fault of ours in one result must cost the courier nothing
                self._log.write("desk_handover_failed", what=type(error).__name__)
            with self._lock:
                self._waiting_bytes -= size
            if self._jobs.empty():
                self._lags = False

    def _compare(self, look: Look) -> None:
        try:
            confirmation = records.read(look.raw, self._max_bytes)
            known = self._people()
            if known is not None and isinstance(confirmation, Confirmation):
                look.change = known.look(look.number, confirmation)
        except sqlite3.Error as error:
            self._lost(error)
        finally:
            look.done.set()

    def _put(self, item: Item, raw: bytes | None, look: Look | None, at: datetime) -> None:
        change = look.change if look is not None else None
        if look is not None and change is not None and not self._noted(look.number, change, item.id, at):
            change = None  # the desk must not ask for what nobody could settle
        dropped = self._spool.dropped
        handed = Handed(
            item.id,
            item.route,
            item.name,
            at.isoformat(timespec="milliseconds"),
            change.key if change else "",
            change.changed if change else (),
            change is not None and change.alarm,
            raw,
        )
        self._note("desk_spool_failed", not self._spool.put(handed))
        self._note("desk_behind", self._spool.dropped > dropped)

    def _noted(self, number: str, change: EligibilityChange, file: int, at: datetime) -> bool:
        known = self._people()
        if known is None:
            return False
        try:
            known.note(number, change, file, at.date())
        except sqlite3.Error as error:
            self._lost(error)
            return False
        return True

    def _forget(self) -> None:
        self._spool.forget(time.time() - SPOOL_S)
        known = self._people()
        if known is not None:
            try:
                known.forget(datetime.now(UTC).date())
            except sqlite3.Error as error:
                self._lost(error)

    def _people(self) -> KnownPeople | None:
        """None: the store cannot be opened, for now."""
        if self._known is None and time.monotonic() >= self._open_at:
            self._open_at = time.monotonic() + OPEN_AGAIN_S
            try:
                self._known = KnownPeople(self._files.known, Seals(load_secret(self._files.known_key)))
            except _FAULTS as error:
                self._note("desk_known_failed", True, type(error).__name__)
            else:
                self._note("desk_known_failed", False)
        return self._known

    def _lost(self, error: sqlite3.Error) -> None:
        """Opened again after a while: a full disk heals, and a damaged store is put aside then."""
        known, self._known = self._known, None
        self._open_at = time.monotonic() + OPEN_AGAIN_S
        if known is not None:
            known.close()
        self._note("desk_known_failed", True, type(error).__name__)

    def _note(self, code: str, wrong: bool, what: str = "") -> None:
        """An event for each change of state."""
        if wrong == (code in self._wrong):
            return
        (self._wrong.add if wrong else self._wrong.discard)(code)
        self._log.write(code if wrong else _OVER[code], **({"what": what} if what else {}))


_OVER: Final = {
    "desk_known_failed": "desk_known_up",
    "desk_spool_failed": "desk_spool_up",
    "desk_behind": "desk_caught_up",
}
