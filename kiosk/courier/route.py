"""One route from a source folder to a destination folder: a thread that watches and a thread that delivers.

They share nothing but the ledger and the queue, each has connections of its own, and so a destination that hangs never
keeps a patient's result from being seen.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.share import Busy, Exists, Missing, Refused, Share, ShareError, Unreachable
from kiosk.courier.deliver import Deliverer, Ends, Notices
from kiosk.courier.health import Health
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.parcels import HELD_PAUSE_S, Parcel, Parcels
from kiosk.courier.sweep import Swept, sweep
from kiosk.courier.watch import Watcher

SWEEP_EVERY_S = 60.0
SWEEP_SOON_S = 5.0
MAY_GO_AGAIN_S = 0.2
RETRY_S = 0.5
REFUSED_PAUSE_S = 0.2
AFRESH_S = 5.0
BASELINE_GIVE_UP_S = 8.0


@dataclass(frozen=True)
class Roles:
    """The names of the route's two ends in messages: such as `terminal.results`."""

    source: str
    destination: str


class RouteListener(Notices, Protocol):
    """What a route reports besides the notices about single files."""

    def may_go(self, parcel: Parcel) -> bool: ...

    def delivered(self, route: RouteName, parcel: Parcel) -> None: ...

    def swept(self, route: RouteName, swept: Swept, ends: Ends) -> None:
        """May raise ShareError."""

    def refused(self, role: str, wrong: bool) -> None:
        """Whether there are files that the server at `role` does not let us handle, while it serves others."""

    def baseline(self, visit: int, at: float | None) -> None: ...

    def ledger_failed(self, error: sqlite3.Error) -> None: ...

    def broke(self, error: BaseException) -> None: ...


class Route:
    """`start()` begins both threads; `close()` ends them after the step they are at."""

    def __init__(
        self,
        name: RouteName,
        roles: Roles,
        watcher: Watcher,
        poll_s: float,
        ends: Ends,
        ledger: Ledger,
        health: Health,
        listener: RouteListener,
    ) -> None:
        self.name = name
        self.parcels = Parcels(time.monotonic)
        self._roles = roles
        self._watcher = watcher
        self._poll_s = poll_s
        self._ends = ends
        self._ledger = ledger
        self._health = health
        self._listener = listener
        self._deliverer = Deliverer(ends, ledger, listener)
        self._wanted: list[tuple[int, float]] = []  # baselines: visit, asked at
        self._wake = threading.Condition()
        self._stop = threading.Event()
        self._sweep_at = 0.0
        self._lost_destination = False
        self._afresh_at: dict[str, float] = {}
        # Who met a refusal at which end; None: not known yet, an alarm of an earlier run may stand.
        self._refusing: dict[tuple[str, str], bool | None] = {
            ("look", roles.source): None, ("deliver", roles.source): None, ("deliver", roles.destination): None
        }  # fmt: skip
        self._turned_at = {self._watch_once.__name__: time.monotonic(), self._deliver_once.__name__: time.monotonic()}
        self._threads = [
            threading.Thread(target=self._guarded, args=(self._watch_once,), name=f"watch-{name}", daemon=True),
            threading.Thread(target=self._guarded, args=(self._deliver_once,), name=f"deliver-{name}", daemon=True),
        ]

    def start(self, subsidy_wait_s: float) -> None:
        """What was not finished goes on, in order of first sight; a subsidy answer still goes ahead of its asker."""
        wait_until = time.monotonic() + subsidy_wait_s
        for item in self._ledger.open_items(self.name):
            self.parcels.add(Parcel(item.id, item.request, wait_until if item.subsidy == "waiting" else 0.0))
        for thread in self._threads:
            thread.start()

    def unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete: how many, and since when (monotonic) the oldest."""
        return self._watcher.unfinished

    def close(self) -> None:
        self._stop.set()
        self.parcels.close()
        with self._wake:
            self._wake.notify_all()

    def join(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def stuck(self, after_s: float) -> str | None:
        """A thread that has not come back from what it does for that long."""
        late = time.monotonic() - after_s
        return next((name for name, turned_at in self._turned_at.items() if turned_at < late), None)

    def want_baseline(self, visit: int) -> None:
        """List the source folder at once and report when the listing was complete."""
        with self._wake:
            self._wanted.append((visit, time.monotonic()))
            self._wake.notify_all()

    def _guarded(self, once: Callable[[], None]) -> None:
        while not self._stop.is_set():
            self._turned_at[once.__name__] = time.monotonic()
            try:
                once()
            except sqlite3.Error as error:
                self._listener.ledger_failed(error)
                self._stop.wait(RETRY_S)
            except Exception as error:  # noqa: BLE001 - a thread that dies unnoticed would be the worst fault of all
                self._listener.broke(error)
                return

    # -- watching -----------------------------------------------------------------------------------------------

    def _watch_once(self) -> None:
        began = time.monotonic()
        try:
            listed_at = self._watcher.poll()
            self._health.works(self._roles.source)
            self._answer_baselines(began, listed_at)
            self._refused(self._roles.source, "look", self._watcher.look())
            self._watcher.count_others()
        except ShareError as error:
            self._health.fails(self._roles.source, error)
            if isinstance(error, Refused):
                self._afresh("watched", self._watcher.share)
            self._give_up_baselines()
            self._stop.wait(RETRY_S)
            return
        with self._wake:
            if not self._wanted and not self._stop.is_set():
                self._wake.wait(max(0.0, began + self._poll_s - time.monotonic()))

    def _answer_baselines(self, began: float, listed_at: float) -> None:
        """Only a listing that began after the question answers it; `listed_at` is when this one ended."""
        with self._wake:
            answered = [visit for visit, asked in self._wanted if asked <= began]
            self._wanted = [(visit, asked) for visit, asked in self._wanted if asked > began]
        for visit in answered:
            self._listener.baseline(visit, listed_at)

    def _give_up_baselines(self) -> None:
        late = time.monotonic() - BASELINE_GIVE_UP_S
        with self._wake:
            given_up = [visit for visit, asked in self._wanted if asked < late]
            self._wanted = [(visit, asked) for visit, asked in self._wanted if asked >= late]
        for visit in given_up:
            self._listener.baseline(visit, None)

    # -- delivering ---------------------------------------------------------------------------------------------

    def _deliver_once(self) -> None:
        if self._lost_destination and not self._destination_answers():
            return
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            self._sweep()
        parcel = self.parcels.next(wait_s=1.0)
        if parcel is None:
            if self._ledger.abandoned_temps(self.name):
                self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
            return
        if not self._listener.may_go(parcel):
            # Looked at again soon in any case: a wake-up that came just before must not be slept through.
            self.parcels.set_aside(parcel, MAY_GO_AGAIN_S)
            return
        try:
            state = self._deliverer.advance(parcel.file, parcel.raw)
        except (Busy, Exists, Missing):
            self.parcels.failed(parcel)  # this file only: somebody has it open, or it moved under us
            return
        except Unreachable as error:
            role = self._role_of(error)
            self._health.fails(role, error)
            self.parcels.failed(parcel)
            # The others would meet the same: they keep their turns until the server answers again.
            self._lost_destination = role == self._roles.destination
            self._stop.wait(RETRY_S)
            return
        except ShareError as error:
            self._refuse(parcel, error)
            return
        except sqlite3.Error:
            self.parcels.failed(parcel)
            raise
        self._judge(parcel, state)

    def _destination_answers(self) -> bool:
        try:
            self._ends.destination.facts()
        except ShareError as error:
            self._health.fails(self._roles.destination, error)
            if isinstance(error, Refused):
                self._afresh("destination", self._ends.destination, self._ends.staging)
            self._stop.wait(RETRY_S)
            return False
        self._lost_destination = False
        # A route with nothing to deliver would be taken for down until the next regular round.
        self._sweep_at = min(self._sweep_at, time.monotonic() + SWEEP_SOON_S)
        return True

    def _refuse(self, parcel: Parcel, error: ShareError) -> None:
        """The server answers but says no: perhaps to this file only, so the others are tried before it is again."""
        role = self._role_of(error)
        self.parcels.failed(parcel, refused=True)
        if role == self._roles.destination:
            self._health.fails(role, error)  # the source's health is what the watcher finds
        self._refused(role, "deliver", True)
        if isinstance(error, Refused) and role == self._roles.source:
            self._afresh("source", self._ends.source)
        elif isinstance(error, Refused):
            self._afresh("destination", self._ends.destination, self._ends.staging)
        self._stop.wait(REFUSED_PAUSE_S)

    def _afresh(self, end: str, *shares: Share) -> None:
        """Connect anew now and then: a server may go on refusing on a connection from before somebody mended it.

        Samba does so when the shared folder was removed and made again.
        """
        now = time.monotonic()
        if now - self._afresh_at.get(end, 0.0) > AFRESH_S:
            self._afresh_at[end] = now
            for share in shares:
                share.drop()

    def _refused(self, role: str, by: str, wrong: bool) -> None:
        if wrong or self._refusing[by, role] is not False:
            self._refusing[by, role] = wrong
            self._listener.refused(role, any(value for (_, at), value in self._refusing.items() if at == role))

    def _works(self) -> None:
        """Something went well at the destination; while it refuses a file, that is not the whole truth."""
        if self.parcels.any_refused():
            return
        self._health.works(self._roles.destination)
        for role in (self._roles.source, self._roles.destination):
            self._refused(role, "deliver", False)

    def _judge(self, parcel: Parcel, state: str) -> None:
        if state == "held":
            self.parcels.set_aside(parcel, HELD_PAUSE_S)
        elif state in ("done", "lost", "replaced"):
            self.parcels.finished(parcel)
            self._works()
            self._listener.delivered(self.name, parcel)
        else:
            self.parcels.failed(parcel)

    def _sweep(self) -> None:
        try:
            swept = sweep(self._ends, self._ledger, self.name)
            for item in swept.back:
                self._deliverer.send_again(item)
                self.parcels.add(Parcel(item.id))
            self._listener.swept(self.name, swept, self._ends)
        except ShareError as error:
            self._health.fails(self._roles.destination, error)
            self._lost_destination = isinstance(error, Unreachable)
            return
        self._works()

    def _role_of(self, error: ShareError) -> str:
        """Which end failed; a share's message names its place."""
        return self._roles.source if str(error).startswith(self._ends.source.where + ":") else self._roles.destination
