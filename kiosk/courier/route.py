"""One route from a source folder to a destination folder: a thread that watches, one that delivers, one that beats.

The first two share nothing but the ledger and the queue, and each has connections of its own: a destination that hangs
never keeps a patient's result from being seen. The third keeps the mark of ownership (ownership.py), also while a big
file is being delivered.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

from drivers.share import Busy, Exists, Missing, Refused, ShareError, Unreachable
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.baselines import Baselines
from kiosk.courier.deliver import Deliverer, sweep
from kiosk.courier.ends import Ends, Refusals
from kiosk.courier.keeper import Keeper
from kiosk.courier.ledger import Ledger
from kiosk.courier.line import Hub
from kiosk.courier.listeners import Precedence
from kiosk.courier.ownership import Ownership
from kiosk.courier.queue import HELD_PAUSE_S, Parcel, Queue
from kiosk.courier.share_health import RETRY_S, Health
from kiosk.results.watch import Watcher

SWEEP_EVERY_S = 60.0
SWEEP_SOON_S = 5.0
MAY_GO_AGAIN_S = 0.2
REFUSED_PAUSE_S = 0.2
FOLDER_FULL_FILES = 500


class Route:
    """`start()` starts its threads; `close()` ends each after its current step."""

    def __init__(
        self,
        ends: Ends,
        watcher: Watcher,
        queue: Queue,
        ownership: Ownership,
        precedence: Precedence,
        *,
        ledger: Ledger,
        notices: NoticeBoard,
        health: Health,
        hub: Hub,
    ) -> None:
        self.ownership = ownership
        self._ends = ends
        self._watcher = watcher
        self._queue = queue
        self._precedence = precedence
        self._ledger = ledger
        self._notices = notices
        self._health = health
        self._hub = hub
        self._deliverer = Deliverer(ends, ledger, notices, lambda: ownership.owns, ownership.alone)
        self._refusals = Refusals(ends, notices)
        self._keeper = Keeper(ownership, ends, health, self._refusals, notices)
        self._baselines = Baselines(self._answer_baseline)
        self._stop = threading.Event()
        self._sweep_at = 0.0
        self._foreign: frozenset[str] = frozenset()
        self._lost_destination = False
        turns = {"watch": self._watch_once, "deliver": self._deliver_once, "own": self._keeper.once}
        self._began_at = {turn.__name__: time.monotonic() for turn in turns.values()}
        self._threads = [
            threading.Thread(target=self._guarded, args=(turn,), name=f"{what}-{ends.route}", daemon=True)
            for what, turn in turns.items()
        ]

    def start(self) -> None:
        """Unfinished files go on, in order of first sight; a subsidy answer still goes before the file that asked."""
        deadline = time.monotonic() + self._precedence.wait_s
        for item in self._ledger.open_items(self._ends.route):
            self._queue.add(Parcel(item.id, item.request, deadline if item.subsidy == "waiting" else 0.0))
        for thread in self._threads:
            thread.start()

    def unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete: how many, and since when (monotonic) the oldest."""
        return (0, None) if self.ownership.stands_back else self._watcher.unfinished

    def close(self) -> None:
        self._stop.set()
        self._keeper.close()
        self._baselines.close()
        self._queue.close()

    def join(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self.ownership.leave()

    def stuck(self, after_s: float) -> str | None:
        """The name of a step that has not ended for that long."""
        late = time.monotonic() - after_s
        return next((name for name, began_at in self._began_at.items() if began_at < late), None)

    def want_baseline(self, visit: int) -> None:
        """List the source folder at once and report when the listing was complete."""
        self._baselines.want(visit)

    def _guarded(self, once: Callable[[], None]) -> None:
        while not self._stop.is_set():
            self._began_at[once.__name__] = time.monotonic()
            try:
                once()
            except sqlite3.Error as error:
                self._notices.ledger_failed(error)
                self._stop.wait(RETRY_S)
            except Exception as error:  # noqa: BLE001 - a thread must not die unnoticed
                self._notices.broke(error)
                return

    # -- watching -----------------------------------------------------------------------------------------------

    def _watch_once(self) -> None:
        self._keeper.wait_decided()
        if self._stop.is_set():
            return
        began = time.monotonic()
        if self.ownership.stands_back:
            self._watch_from_afar()
            return
        try:
            listed_at = self._watcher.poll()
            self._health.succeeded(self._ends.source_role)
            self._baselines.answer(began, listed_at)
            self._refusals.note("look", self._ends.source_role, self._watcher.examine())
            self._watcher.count_others()
        except ShareError as error:
            self._health.failed(self._ends.source_role, error)
            if isinstance(error, Refused):
                self._refusals.reconnect("watched", self._watcher.share)
            self._baselines.give_up()
            self._stop.wait(self._health.pause_s(self._ends.source_role))
            return
        self._baselines.pause(0.0 if self._watcher.behind else began + self._watcher.folder.poll_s - time.monotonic())

    def _watch_from_afar(self) -> None:
        """The files and their patients are another kiosk's; only whether the share answers is of interest."""
        self._baselines.give_up(0.0)
        try:
            self._watcher.share.session_info()
            self._health.succeeded(self._ends.source_role)
        except ShareError as error:
            self._health.failed(self._ends.source_role, error)
        self._baselines.pause(RETRY_S)

    def _answer_baseline(self, visit: int, at: float | None) -> None:
        if at is not None:
            self._watcher.visit_began(at)
            self._hub.emit({"event": "baseline", "visit": visit, "at": at})
        else:
            self._hub.emit({"event": "baseline_failed", "visit": visit})

    # -- delivering ---------------------------------------------------------------------------------------------

    def _deliver_once(self) -> None:
        if self._lost_destination and not self._destination_answers():
            return
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            self._sweep()
        if not self._keeper.may_deliver():
            return
        parcel = self._queue.next(wait_s=1.0)
        if parcel is None:
            if self._ledger.abandoned_temps(self._ends.route):
                self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
            return
        if not self._precedence.may_go(parcel):
            # Tried again soon in any case: a wake-up that came just before would be missed.
            self._queue.set_aside(parcel, MAY_GO_AGAIN_S)
            return
        try:
            state = self._deliverer.advance(parcel.file, parcel.raw, parcel.since)
        except (Busy, Exists, Missing):
            self._queue.failed(parcel)  # this file only: another program has it open or moved it
            return
        except Unreachable as error:
            role = self._ends.role_of(error)
            self._health.failed(role, error)
            self._queue.failed(parcel)
            # The other files would meet the same: they keep their places until the server answers again.
            self._lost_destination = role == self._ends.destination_role
            self._stop.wait(self._health.pause_s(role))
            return
        except ShareError as error:
            self._note_refusal(parcel, error)
            return
        except sqlite3.Error:
            self._queue.failed(parcel)
            raise
        self._settle(parcel, state)

    def _destination_answers(self) -> bool:
        try:
            self._ends.destination.session_info()
        except ShareError as error:
            self._health.failed(self._ends.destination_role, error)
            if isinstance(error, Refused):
                self._refusals.reconnect("destination", self._ends.destination, self._ends.staging)
            self._stop.wait(self._health.pause_s(self._ends.destination_role))
            return False
        self._lost_destination = False
        # A route with nothing to deliver would count as down until the next regular sweep.
        self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
        return True

    def _note_refusal(self, parcel: Parcel, error: ShareError) -> None:
        """The server answers but refuses: perhaps this file only, so the others are tried before it is tried again."""
        role = self._ends.role_of(error)
        self._queue.failed(parcel, refused=True)
        if role == self._ends.destination_role:
            self._health.failed(role, error)  # the source's health is for the watcher to find
        self._refusals.note("deliver", role, True)
        if isinstance(error, Refused) and role == self._ends.source_role:
            self._refusals.reconnect("source", self._ends.source)
        elif isinstance(error, Refused):
            self._refusals.reconnect("destination", self._ends.destination, self._ends.staging)
        self._stop.wait(REFUSED_PAUSE_S)

    def _destination_succeeded(self) -> None:
        """Something succeeded at the destination; while it refuses other files, it does not count as healthy."""
        if self._queue.any_refused() or self._refusals.met("own", self._ends.destination_role):
            return
        self._health.succeeded(self._ends.destination_role)
        for role in (self._ends.source_role, self._ends.destination_role):
            self._refusals.note("deliver", role, False)

    def _settle(self, parcel: Parcel, state: str) -> None:
        if state == "held":
            self._queue.set_aside(parcel, HELD_PAUSE_S)
        elif state in ("done", "lost", "replaced"):
            self._queue.finished(parcel)
            self._destination_succeeded()
            if self._ends.route == "subsidies":
                self._precedence.answered(parcel)
        else:
            self._queue.failed(parcel)

    def _sweep(self) -> None:
        try:
            swept = sweep(self._ends, self._ledger)
            for item in swept.back:
                self._deliverer.send_again(item)
                self._queue.add(Parcel(item.id))
            self._check_destination(swept.foreign)
        except ShareError as error:
            self._health.failed(self._ends.destination_role, error)
            self._lost_destination = isinstance(error, Unreachable)
            return
        self._destination_succeeded()

    def _check_destination(self, foreign: frozenset[str]) -> None:
        """Whether the receipt computer takes its files away; `foreign`: unfinished files there that are not ours."""
        role, pattern = self._ends.destination_role, self._watcher.folder.pattern
        # Once is another program at work; what is still there in the next round has been left behind.
        self._notices.set_alarm("foreign_temps", role, not foreign.isdisjoint(self._foreign))
        self._foreign = foreign
        full = len(self._ends.destination.entries(pattern, FOLDER_FULL_FILES + 1)) > FOLDER_FULL_FILES
        self._notices.set_alarm("folder_not_emptied", role, full)
