"""What the courier does beside delivery: whether a result says anything new of its patient, and its bytes for the desk.

All but a copy of its bytes in memory is done in a thread of its own, after what delivery needs. Must never hold up,
fail or end a delivery: a desk that is dead or slow, a full spool and a damaged store of patients cost the desk
something, and nobody else. Owns the courier's `known.db`; must never settle a change that staff have not confirmed.
Where there is no desk, only the reception asks: there a change is settled when the patient was sent to staff with it.

A kill at any moment costs the desk nothing: what is staged and has its row is handed over by the next process, under
the same number and moment, by which the desk knows what it has. Right between comparison and hand-over a kill makes a
patient's first result one that says the same; a change stays one.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from drivers.share import Digest
from kiosk.courier.ledger import Item, Ledger, RouteName
from kiosk.process.data_folder import DataFolder
from kiosk.process.database import DatabaseUnusable
from kiosk.process.desk_spool import Handed, SpoolWriter, Staged
from kiosk.process.event_log import EventLog
from kiosk.process.sealing import Seals, SecretUnusable, load_secret
from kiosk.results import records
from kiosk.results.changes import EligibilityChange
from kiosk.results.records import Confirmation
from kiosk.tables.known_people import KnownPeople

# By then a file is mostly delivered. What is done for the desk before would take the processor from the delivery.
AFTER_S: Final = 0.1
# What waits for the thread; beyond that the desk goes without.
JOBS_MAX: Final = 500
BYTES_MAX: Final = 32 << 20
# With so much waiting, what comes is not staged as well: the spool lies in memory.
STAGED_BYTES_MAX: Final = 8 << 20
OPEN_AGAIN_S: Final = 30.0
SPOOL_S: Final = 86_400.0
CLOSE_S: Final = 0.5
# Of the last visits, of which the reception may still speak.
REPORTED_MAX: Final = 200
_FAULTS: Final = (sqlite3.Error, OSError, DatabaseUnusable, SecretUnusable)


@dataclass(frozen=True)
class _Job:
    """`do` is due at `at`, monotonic seconds. `size`: bytes that it keeps in memory."""

    do: Callable[[], None]
    at: float
    size: int


class HandOver:
    """`folder`: the courier's own. `spool`: the desk's; None: there is none, results are only compared. `max_bytes`: of
    a result. Any thread; nothing here raises.
    """

    def __init__(self, folder: Path, spool: Path | None, max_bytes: int, log: EventLog) -> None:
        self._files, self._max_bytes, self._log = DataFolder(folder), max_bytes, log
        self._spool = SpoolWriter(spool) if spool else None
        self._marks: dict[int, str] = {}
        self._known: KnownPeople | None = None
        self._open_at = 0.0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._closing = threading.Event()
        self._wrong: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)

    def start(self, ledger: Ledger) -> None:
        """Its thread begins; first with what the process before was killed over. Before any file is offered."""
        try:
            for staged in self._spool.staged() if self._spool else ():
                of_name = ledger.of_name(staged.route, staged.name)
                item = next((each for each in of_name if each.digest == staged.digest), None)
                if item is None or item.state == "held":
                    self.drop(staged)  # without its row it is offered again, as new
                else:
                    self._do(partial(self._hand_over, staged, item, lambda _: None), 0.0, len(staged.content or b""))
        except sqlite3.Error:
            pass  # it stays for the next start
        self._thread.start()

    def close(self) -> None:
        """What waits is still handed over, if that is done at once."""
        self._closing.set()
        self._jobs.put(None)
        self._thread.join(CLOSE_S)
        if self._known is not None and not self._thread.is_alive():
            self._known.close()

    def stage(self, route: RouteName, name: str, digest: Digest, raw: bytes | None, number: str = "") -> Staged:
        """A complete file that is news, before its row is written: `hand_over` or `drop` follows.

        `number`: of the patient whose eligibility it says; "": it is compared with nothing.
        """
        staged = Staged(route, name, digest, number, datetime.now(UTC).isoformat(timespec="milliseconds"), raw)
        is_idle = self._waiting_bytes + len(raw or b"") <= STAGED_BYTES_MAX and self._jobs.qsize() < JOBS_MAX
        if self._spool is not None and is_idle:
            self._spool.stage(staged)
        return staged

    def drop(self, staged: Staged) -> None:
        """It is not to be handed over, or will be offered again."""
        if self._spool is not None:
            self._spool.unstage(staged)

    def hand_over(self, staged: Staged, item: Item, report: Callable[[EligibilityChange], None]) -> None:
        """Its row is written and it is on its way to the receipt computer.

        `report` gets what is new of the patient, in this object's thread.
        """
        job = partial(self._hand_over, staged, item, report)
        if not self._do(job, time.monotonic() + AFTER_S, len(staged.content or b"")):
            self.drop(staged)
            self._note("desk_behind", True)

    def settle(self, mark: str) -> bool:
        """Staff have confirmed the change of this mark. False: it could not be written."""
        known = self._known
        try:
            if known is not None:
                known.settle(mark)
        except sqlite3.Error:
            return False
        return known is not None

    def reported(self, sighting: int, change: EligibilityChange) -> None:
        """The reception knows of a change by the sighting of its file."""
        with self._lock:
            self._marks[sighting] = change.mark
            while len(self._marks) > REPORTED_MAX:
                del self._marks[next(iter(self._marks))]

    def accept(self, sighting: int) -> None:
        """The patient of this file was sent to staff with what is new. Where there is a desk, staff say so there."""
        with self._lock:
            mark = self._marks.get(sighting)
        if self._spool is None and mark:
            self.settle(mark)

    @property
    def was_put_aside(self) -> bool:
        """Whether what was known of patients could not be read, within a day."""
        known = self._known
        return known is not None and known.was_put_aside

    def forget(self) -> None:
        """Whom no result has named for long, and what no desk has taken within a day."""
        self._do(self._forget, 0.0, 0)

    # -- its thread -----------------------------------------------------------------------------------------------

    def _do(self, do: Callable[[], None], at: float, size: int) -> bool:
        with self._lock:
            if self._jobs.qsize() >= JOBS_MAX or self._waiting_bytes + size > BYTES_MAX:
                return False
            self._waiting_bytes += size
            self._jobs.put(_Job(do, at, size))
        return True

    def _run(self) -> None:
        self._people()
        while (job := self._jobs.get()) is not None:
            self._closing.wait(max(0.0, job.at - time.monotonic()))
            try:
                job.do()
            except Exception as error:  # noqa: BLE001 - a fault of ours in one result must cost the courier nothing
                self._log.write("desk_handover_failed", what=type(error).__name__)
            with self._lock:
                self._waiting_bytes -= job.size

    def _hand_over(self, staged: Staged, item: Item, report: Callable[[EligibilityChange], None]) -> None:
        try:
            change = self._change(staged)
            if change is not None:
                report(change)
            if self._spool is None:
                return
            dropped = self._spool.dropped
            handed = Handed(item.id, staged.route, staged.name, staged.seen_at, content=staged.content)
            if change is not None:
                handed = replace(handed, key=change.key, changed=change.changed, alarm=change.alarm, mark=change.mark)
            self._note("desk_spool_failed", not self._spool.put(handed))
            self._note("desk_behind", self._spool.dropped > dropped)
        finally:
            self.drop(staged)

    def _change(self, staged: Staged) -> EligibilityChange | None:
        """None: not known. A change that could not be noted is none: nobody could settle it."""
        if staged.content is None or not staged.number:
            return None
        confirmation, known = records.read(staged.content, self._max_bytes), self._people()
        if known is None or not isinstance(confirmation, Confirmation):
            return None
        try:
            day = datetime.fromisoformat(staged.seen_at).date()
            return known.compare(staged.number, confirmation, day, staged.file_name)
        except sqlite3.Error as error:
            self._lost(error)
            return None

    def _forget(self) -> None:
        if self._spool is not None:
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
                seals, has_desk = Seals(load_secret(self._files.known_key)), self._spool is not None
                self._known = KnownPeople(self._files.known, seals, learns_first=has_desk)
            except _FAULTS as error:
                self._note("desk_known_failed", True, type(error).__name__)
            else:
                self._note("desk_known_failed", False)
                if self._known.was_put_aside:
                    self._log.write("desk_known_begun_anew")
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
