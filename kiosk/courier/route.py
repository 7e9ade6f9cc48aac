"""One route from a source folder to a destination folder: threads that watch, one that delivers, one that beats.

Those that watch (results/lookout.py) and the one that delivers share nothing but the ledger, the queue and, for
listings, the connection to the source: a destination that hangs never keeps a patient's result from being seen. The
last keeps the mark of ownership (ownership.py), also while a big file is being delivered.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.share import Busy, Exists, Full, Missing, Refused, ShareError, Unreachable
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.deliver import Deliverer
from kiosk.courier.ends import RETRY_S, Ends, Health, Refusals
from kiosk.courier.ledger import Ledger
from kiosk.courier.line import Hub
from kiosk.courier.listeners import Precedence
from kiosk.courier.ownership import Ownership
from kiosk.courier.queue import HELD_PAUSE_S, Parcel, Queue
from kiosk.courier.sweep import sweep
from kiosk.courier.watching import Watching
from kiosk.results.lookout import Lookout, NoticeState
from kiosk.results.watch import Watcher

SWEEP_EVERY_S = 60.0
SWEEP_SOON_S = 5.0
MAY_GO_AGAIN_S = 0.2
REFUSED_PAUSE_S = 0.2
FOLDER_FULL_FILES = 500
# A destination that does not answer must not keep results from being seen; longer than one call's time-out.
DECIDED_WITHIN_S = 8.0


@dataclass(frozen=True)
class Keeper:
    """Finds out which kiosk owns the source, and what the other threads need to know of it.

    `once` is one turn, for a thread of its own.
    """

    ownership: Ownership
    ends: Ends
    health: Health
    refusals: Refusals
    notices: NoticeBoard
    _stop: threading.Event = field(default_factory=threading.Event)
    _decided: threading.Event = field(default_factory=threading.Event)
    _owned: threading.Event = field(default_factory=threading.Event)

    def once(self) -> None:
        try:
            pause_s = self.ownership.update()
            self.refusals.note("own", self.ends.destination_role, False)
            decided = self.ownership.owns or self.ownership.stands_back
        except ShareError as error:
            pause_s = self.health.pause_s(self.ends.destination_role)
            decided = not isinstance(error, Busy | Exists | Missing)  # those of one mark; else results are to be seen
            self._failed(error)
        if decided:
            self._decided.set()
        if self.ownership.owns:
            self._owned.set()
        taken = self.ownership.stands_back
        self.notices.set_alarm("source_taken", self.ends.source_role, taken)
        self.notices.set_alarm("source_shared", self.ends.source_role, self.ownership.shared and not taken)
        self._stop.wait(pause_s)

    def _failed(self, error: ShareError) -> None:
        """Without a mark nothing is delivered. A server that does not answer is reported by the other threads."""
        destination = self.ends.destination_role
        if isinstance(error, Refused | Full) and self.ends.role_of(error) == destination:
            self.health.failed(destination, error)
            self.refusals.note("own", destination, True)
            self.refusals.reconnect("destination")

    def wait_decided(self) -> None:
        """Until it is known which kiosk owns the source, or that it cannot be known for now."""
        self._decided.wait(DECIDED_WITHIN_S)

    def may_deliver(self) -> bool:
        """Waits a moment if not."""
        if not self.ownership.owns:
            self._owned.clear()
            if not self.ownership.owns and not self._stop.is_set():
                self._owned.wait(RETRY_S)
        return self.ownership.owns

    def close(self) -> None:
        self._stop.set()
        self._decided.set()
        self._owned.set()


@dataclass(eq=False)
class Route:
    """`start()` starts its threads; `close()` ends each after its current step."""

    ends: Ends
    watcher: Watcher
    queue: Queue
    ownership: Ownership
    precedence: Precedence
    ledger: Ledger
    notices: NoticeBoard
    health: Health
    hub: Hub
    relist_s: float

    def __post_init__(self) -> None:
        owner = self.ownership
        self._deliverer = Deliverer(
            self.ends, self.ledger, self.notices, lambda: owner.owns, owner.alone, owner.unrivalled
        )
        self._refusals = Refusals(self.ends, self.notices)
        self._keeper = Keeper(owner, self.ends, self.health, self._refusals, self.notices)
        self._watching = Watching(
            self.ends,
            self.watcher,
            owner,
            self._refusals,
            self.health,
            self.hub,
            self.queue,
            self._keeper.wait_decided,
        )
        self._lookout = Lookout(self.watcher, self._watching, self.relist_s)
        self._stop = threading.Event()
        self._sweep_at = 0.0
        self._foreign: frozenset[str] = frozenset()
        self._lost_destination = False
        turns = {
            "watch": self._lookout.examine_once,
            "list": self._lookout.list_once,
            "notices": self._lookout.notices_once,
            "deliver": self._deliver_once,
            "own": self._keeper.once,
        }
        self._began_at = {turn.__name__: time.monotonic() for turn in turns.values()}
        # For as long as nothing happens a notice is waited for.
        self._untimed = frozenset((self._lookout.notices_once.__name__,))
        self._threads = [
            threading.Thread(target=self._guarded, args=(turn,), name=f"{what}-{self.ends.route}", daemon=True)
            for what, turn in turns.items()
        ]

    def start(self) -> None:
        """Unfinished files go on, in order of first sight; a subsidy answer still goes before the file that asked."""
        deadline = time.monotonic() + self.precedence.wait_s
        for item in self.ledger.open_items(self.ends.route):
            self.queue.add(Parcel(item.id, item.request, deadline if item.subsidy == "waiting" else 0.0))
        for thread in self._threads:
            thread.start()

    @property
    def notice_state(self) -> NoticeState:
        """Whether the source tells us of new files, or why it is listed instead."""
        return self._lookout.notices

    def want_baseline(self, visit: int) -> None:
        """List the source folder at once, report when the listing was complete, and watch closely from now on."""
        self._watching.baselines.want(visit)
        self._lookout.visit_waits(visit)

    def visit_waits(self, visit: int) -> None:
        """Its baseline was taken before this courier was started."""
        self._lookout.visit_waits(visit)

    def visit_ended(self, visit: int) -> None:
        """The visit waits for no result any more."""
        self._lookout.visit_ended(visit)

    def unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete: how many, and since when (monotonic) the oldest."""
        return (0, None) if self.ownership.stands_back else self.watcher.unfinished

    def close(self) -> None:
        self._stop.set()
        self._keeper.close()
        self._lookout.close()
        self.queue.close()

    def join(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self.ownership.leave()

    def stuck(self, after_s: float) -> str | None:
        """The name of a step that has not ended for that long."""
        late = time.monotonic() - after_s
        late_ones = (name for name, began_at in self._began_at.items() if began_at < late)
        return next((name for name in late_ones if name not in self._untimed), None)

    def _guarded(self, once: Callable[[], None]) -> None:
        while not self._stop.is_set():
            self._began_at[once.__name__] = time.monotonic()
            try:
                once()
            except sqlite3.Error as error:
                self.notices.ledger_failed(error)
                self._stop.wait(RETRY_S)
            except Exception as error:  # noqa: BLE001 - a thread must not die unnoticed
                self.notices.broke(type(error).__name__)
                return

    # -- delivering ---------------------------------------------------------------------------------------------

    def _deliver_once(self) -> None:
        if self._lost_destination and not self._destination_answers():
            return
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            self._sweep()
        if not self._keeper.may_deliver():
            return
        parcel = self.queue.next(wait_s=1.0)
        if parcel is None:
            if self.ledger.abandoned_temps(self.ends.route):
                self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
            return
        if not self.precedence.may_go(parcel):
            # Tried again soon in any case: a wake-up that came just before would be missed.
            self.queue.set_aside(parcel, MAY_GO_AGAIN_S)
            return
        try:
            state = self._deliverer.advance(parcel.file, parcel.raw, parcel.since)
        except (Busy, Exists, Missing):
            self.queue.failed(parcel)  # this file only: another program has it open or moved it
            return
        except Unreachable as error:
            role = self.ends.role_of(error)
            self.health.failed(role, error)
            self.queue.failed(parcel)
            # The other files would meet the same: they keep their places until the server answers again.
            self._lost_destination = role == self.ends.destination_role
            self._stop.wait(self.health.pause_s(role))
            return
        except ShareError as error:
            self._note_refusal(parcel, error)
            return
        except sqlite3.Error:
            self.queue.failed(parcel)
            raise
        self._settle(parcel, state)

    def _destination_answers(self) -> bool:
        try:
            self.ends.destination.session_info()
        except ShareError as error:
            self.health.failed(self.ends.destination_role, error)
            if isinstance(error, Refused):
                self._refusals.reconnect("destination")
            self._stop.wait(self.health.pause_s(self.ends.destination_role))
            return False
        self._lost_destination = False
        # A route with nothing to deliver would count as down until the next regular sweep.
        self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
        return True

    def _note_refusal(self, parcel: Parcel, error: ShareError) -> None:
        """The server answers but refuses: perhaps this file only, so the others are tried before it is tried again."""
        role = self.ends.role_of(error)
        self.queue.failed(parcel, refused=True)
        if role == self.ends.destination_role:
            self.health.failed(role, error)  # the source's health is for the watcher to find
        self._refusals.note("deliver", role, True)
        if isinstance(error, Refused):
            self._refusals.reconnect("source" if role == self.ends.source_role else "destination")
        self._stop.wait(REFUSED_PAUSE_S)

    def _destination_succeeded(self) -> None:
        """Something succeeded at the destination; while it refuses other files, it does not count as healthy."""
        if self.queue.any_refused() or self._refusals.met("own", self.ends.destination_role):
            return
        self.health.succeeded(self.ends.destination_role)
        for role in (self.ends.source_role, self.ends.destination_role):
            self._refusals.note("deliver", role, False)

    def _settle(self, parcel: Parcel, state: str) -> None:
        if state == "held":
            self.queue.set_aside(parcel, HELD_PAUSE_S)
        elif state in ("done", "lost", "replaced"):
            self.queue.finished(parcel)
            self._destination_succeeded()
            if self.ends.route == "subsidies":
                self.precedence.answered(parcel)
        else:
            self.queue.failed(parcel)

    def _sweep(self) -> None:
        try:
            swept = sweep(self.ends, self.ledger)
            for item in swept.back:
                self._deliverer.send_again(item)
                self.queue.add(Parcel(item.id))
            self._check_destination(swept.foreign)
        except ShareError as error:
            self.health.failed(self.ends.destination_role, error)
            self._lost_destination = isinstance(error, Unreachable)
            return
        self._destination_succeeded()

    def _check_destination(self, foreign: frozenset[str]) -> None:
        """Whether the receipt computer takes its files away; `foreign`: unfinished files there that are not ours."""
        role, pattern = self.ends.destination_role, self.watcher.folder.pattern
        # Once is another program at work; what is still there in the next round has been left behind.
        self.notices.set_alarm("foreign_temps", role, not foreign.isdisjoint(self._foreign))
        self._foreign = foreign
        full = len(self.ends.destination.entries(pattern, FOLDER_FULL_FILES + 1)) > FOLDER_FULL_FILES
        self.notices.set_alarm("folder_not_emptied", role, full)
