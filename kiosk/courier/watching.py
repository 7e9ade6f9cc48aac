"""The watching half of a route: what its lookout finds, passed on to visits, alarms and the share's health."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drivers.share import Refused, ShareError
from kiosk.courier.ends import RETRY_S, Ends, Health, Refusals
from kiosk.courier.line import Hub
from kiosk.courier.ownership import Ownership
from kiosk.courier.queue import Queue
from kiosk.results.watch import Watcher

GIVE_UP_S = 8.0  # a visit waits for a listing


class Baselines:
    """Visits that wait for a listing of the source folder that began after their question.

    An earlier listing must never answer: a result that lay there already would be taken for the patient's.
    `report(visit, at)`: when the listing was complete; None: there was none in time.
    """

    def __init__(self, report: Callable[[int, float | None], None]) -> None:
        self._report = report
        self._wanted: list[tuple[int, float]] = []  # visit, moment of the question
        self._lock = threading.Lock()

    def want(self, visit: int) -> None:
        with self._lock:
            self._wanted.append((visit, time.monotonic()))

    def answer(self, began: float, listed_at: float) -> None:
        """A listing that ran from `began` to `listed_at`."""
        self._end(lambda asked: asked <= began, listed_at)

    def give_up(self, after_s: float = GIVE_UP_S) -> None:
        """There was no listing: reported to visits that have waited for `after_s`."""
        late = time.monotonic() - after_s
        self._end(lambda asked: asked < late, None)

    def _end(self, ends: Callable[[float], bool], at: float | None) -> None:
        with self._lock:
            ended = [visit for visit, asked in self._wanted if ends(asked)]
            self._wanted = [(visit, asked) for visit, asked in self._wanted if not ends(asked)]
        for visit in ended:
            self._report(visit, at)


@dataclass(eq=False)
class Watching:
    """The owner of a route's lookout; see `results.lookout.Owner`.

    `wait_decided()`: until it is known which kiosk owns the source.
    """

    ends: Ends
    watcher: Watcher
    ownership: Ownership
    refusals: Refusals
    health: Health
    hub: Hub
    queue: Queue
    wait_decided: Callable[[], None]

    def __post_init__(self) -> None:
        self.baselines = Baselines(self._answer_baseline)
        self._from_afar_at = 0.0
        self._afar = threading.Lock()

    def may_watch(self) -> bool:
        self.wait_decided()
        if not self.ownership.stands_back:
            return True
        self._watch_from_afar()
        return False

    def answered(self) -> None:
        self.health.succeeded(self.ends.source_role)

    def listed(self, began: float, at: float) -> None:
        self.baselines.answer(began, at)

    def failed(self, error: ShareError) -> float:
        self.health.failed(self.ends.source_role, error)
        if isinstance(error, Refused):
            self.refusals.reconnect("watched")
            self.refusals.reconnect("source")
        self.baselines.give_up()
        return self.health.pause_s(self.ends.source_role)

    def examined(self, refused: bool) -> None:
        self.refusals.note("look", self.ends.source_role, refused)

    def _watch_from_afar(self) -> None:
        """The files and their patients are another kiosk's; only whether the share answers is of interest."""
        self.baselines.give_up(0.0)
        with self._afar:  # several threads ask, one finds out
            if time.monotonic() < self._from_afar_at + RETRY_S:
                return
            try:
                self.watcher.share.session_info()
                self.health.succeeded(self.ends.source_role)
            except ShareError as error:
                self.health.failed(self.ends.source_role, error)
            self._from_afar_at = time.monotonic()

    def _answer_baseline(self, visit: int, at: float | None) -> None:
        if at is not None:
            self.watcher.visit_began(at)
            self.queue.visit_began()
            self.hub.emit({"event": "baseline", "visit": visit, "at": at})
        else:
            self.hub.emit({"event": "baseline_failed", "visit": visit})
