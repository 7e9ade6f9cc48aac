"""One route from a source folder to a destination folder: a thread that watches, one that delivers, one that beats.

The first two share nothing but the ledger and the queue, each has connections of its own, and so a destination that
hangs never keeps a patient's result from being seen. The third finds out whether the source is ours (ownership.py), and
beats also while a big file is on its way.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.share import Busy, Exists, Missing, Refused, ShareError, Unreachable
from kiosk.courier.alarms import Notices
from kiosk.courier.baselines import Baselines
from kiosk.courier.deliver import Deliverer
from kiosk.courier.ends import Ends
from kiosk.courier.keeper import Keeper
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.ownership import Ownership, uninterrupted
from kiosk.courier.queue import HELD_PAUSE_S, Parcel, Parcels
from kiosk.courier.refusals import Refusals
from kiosk.courier.share_health import RETRY_S, Health
from kiosk.courier.sweep import Swept, sweep
from kiosk.results.watch import Watcher

SWEEP_EVERY_S = 60.0
SWEEP_SOON_S = 5.0
MAY_GO_AGAIN_S = 0.2
REFUSED_PAUSE_S = 0.2


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

    def owned(self, role: str, ownership: Ownership) -> None:
        """Whose the source at `role` is has been looked at."""

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
        ownership: Ownership,
    ) -> None:
        self.name = name
        self.ownership = ownership
        self.parcels = Parcels(uninterrupted)
        self._roles = roles
        self._watcher, self._poll_s = watcher, poll_s
        self._ends = ends
        self._ledger = ledger
        self._health = health
        self._listener = listener
        self._deliverer = Deliverer(ends, ledger, listener, lambda: ownership.owns, ownership.alone)
        self._baselines = Baselines(self._answer_baseline)
        self._stop = threading.Event()
        self._sweep_at = 0.0
        self._lost_destination = False
        met = (
            ("look", roles.source),
            ("deliver", roles.source),
            ("deliver", roles.destination),
            ("own", roles.destination),
        )
        self._refusals = Refusals(met, listener.refused)
        self._keeper = Keeper(
            ownership, ends, roles.destination, health, self._refusals, lambda own: listener.owned(roles.source, own)
        )
        turns = {"watch": self._watch_once, "deliver": self._deliver_once, "own": self._keeper.once}
        self._turned_at = {turn.__name__: time.monotonic() for turn in turns.values()}
        self._threads = [
            threading.Thread(target=self._guarded, args=(turn,), name=f"{what}-{name}", daemon=True)
            for what, turn in turns.items()
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
        return (0, None) if self.ownership.stands_back else self._watcher.unfinished

    def close(self) -> None:
        self._stop.set()
        self._keeper.close()
        self._baselines.close()
        self.parcels.close()

    def join(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self.ownership.leave()

    def stuck(self, after_s: float) -> str | None:
        """A thread that has not come back from what it does for that long."""
        late = time.monotonic() - after_s
        return next((name for name, turned_at in self._turned_at.items() if turned_at < late), None)

    def want_baseline(self, visit: int) -> None:
        """List the source folder at once and report when the listing was complete."""
        self._baselines.want(visit)

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
        self._keeper.wait_judged()
        if self._stop.is_set():
            return
        began = time.monotonic()
        if self.ownership.stands_back:
            self._watch_from_afar()
            return
        try:
            listed_at = self._watcher.poll()
            self._health.works(self._roles.source)
            self._baselines.answer(began, listed_at)
            self._refusals.note("look", self._roles.source, self._watcher.look())
            self._watcher.count_others()
        except ShareError as error:
            self._health.fails(self._roles.source, error)
            if isinstance(error, Refused):
                self._refusals.afresh("watched", self._watcher.share)
            self._baselines.give_up()
            self._stop.wait(self._health.pause_s(self._roles.source))
            return
        self._baselines.pause(0.0 if self._watcher.behind else began + self._poll_s - time.monotonic())

    def _watch_from_afar(self) -> None:
        """The files are another kiosk's, and so are the patients; whether the share answers is still to be known."""
        self._baselines.give_up(0.0)
        try:
            self._watcher.share.facts()
            self._health.works(self._roles.source)
        except ShareError as error:
            self._health.fails(self._roles.source, error)
        self._baselines.pause(RETRY_S)

    def _answer_baseline(self, visit: int, at: float | None) -> None:
        if at is not None:
            self._watcher.visit_began(at)
        self._listener.baseline(visit, at)

    # -- delivering ---------------------------------------------------------------------------------------------

    def _deliver_once(self) -> None:
        if self._lost_destination and not self._destination_answers():
            return
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_EVERY_S
            self._sweep()
        if not self._keeper.may_deliver():
            return
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
            state = self._deliverer.advance(parcel.file, parcel.raw, parcel.since)
        except (Busy, Exists, Missing):
            self.parcels.failed(parcel)  # this file only: somebody has it open, or it moved under us
            return
        except Unreachable as error:
            role = self._role_of(error)
            self._health.fails(role, error)
            self.parcels.failed(parcel)
            # The others would meet the same: they keep their turns until the server answers again.
            self._lost_destination = role == self._roles.destination
            self._stop.wait(self._health.pause_s(role))
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
                self._refusals.afresh("destination", self._ends.destination, self._ends.staging)
            self._stop.wait(self._health.pause_s(self._roles.destination))
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
        self._refusals.note("deliver", role, True)
        if isinstance(error, Refused) and role == self._roles.source:
            self._refusals.afresh("source", self._ends.source)
        elif isinstance(error, Refused):
            self._refusals.afresh("destination", self._ends.destination, self._ends.staging)
        self._stop.wait(REFUSED_PAUSE_S)

    def _works(self) -> None:
        """Something went well at the destination; while it refuses a file, that is not the whole truth."""
        if self.parcels.any_refused() or self._refusals.met("own", self._roles.destination):
            return
        self._health.works(self._roles.destination)
        for role in (self._roles.source, self._roles.destination):
            self._refusals.note("deliver", role, False)

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
