"""The queue of one route: which file is to be advanced next, and when.

What a patient may be waiting for goes before a backlog; within each, order of first sight. A file that cannot go now is
set aside for a moment and never blocks the ones behind it. No call takes longer for the files that wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from kiosk.courier.ledger import FileId

# Bytes of files that are kept in memory between sighting and delivery; files beyond that are read again. Half of it is
# for fresh files alone: a backlog must not cost a patient's file another reading.
KEPT_MAX_BYTES = 32 << 20
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
HELD_PAUSE_S = 5.0


@dataclass
class Parcel:
    """`request`: the subsidy request whose answer goes first, until `deadline`.

    `refused`: the server refused this very file. `again`: it was offered again while it was being advanced.
    `since`: when it came into the queue. `fresh`: a visit may wait for it. `visit`: the visit that it came in, 0 for
    what no patient waits for. `turn`: numbers its places in the queue; only the latest counts.
    """

    file: FileId
    request: str = ""
    deadline: float = 0.0
    raw: bytes | None = field(default=None, repr=False)
    fresh: bool = False
    due: float = 0.0
    failures: int = 0
    refused: bool = False
    again: bool = False
    since: float = 0.0
    visit: int = 0
    turn: int = 0


class Queue:
    """Filled by the watcher's thread, emptied by the deliverer's.

    Two heaps: what is due, in its order, and what is set aside, by the moment at which it is due. An entry whose `turn`
    is not its parcel's is out of date, and is dropped when it comes up.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._parcels: dict[FileId, Parcel] = {}
        self._ready: list[tuple[tuple[bool, float, int, int], int, Parcel]] = []
        self._later: list[tuple[float, int, Parcel]] = []
        self._turns = count(1)
        self._asking: dict[str, set[FileId]] = {}  # by subsidy request
        self._refused: set[FileId] = set()
        self._visit = 1
        self._kept_bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def visit_began(self) -> None:
        """Fresh files from now on may be another patient's: they go before those of earlier visits that still wait."""
        with self._changed:
            self._visit += 1

    def add(self, parcel: Parcel) -> None:
        with self._changed:
            known = self._parcels.get(parcel.file)
            if known is not None:
                known.again = True
                self._place(known, 0.0)
            else:
                self._keep(parcel)
                parcel.since = self._clock()
                parcel.visit = self._visit if parcel.fresh else 0
                self._parcels[parcel.file] = parcel
                if parcel.request:
                    self._asking.setdefault(parcel.request, set()).add(parcel.file)
                self._place(parcel, parcel.due)
            self._changed.notify_all()

    def next(self, wait_s: float) -> Parcel | None:
        """The first parcel that is due; None after `wait_s` without one, or when closed."""
        deadline = self._clock() + wait_s
        with self._changed:
            while not self._closed:
                now = self._clock()
                soonest = self._bring_due(now)
                if self._ready:
                    parcel = self._ready[0][2]
                    parcel.again = False
                    return parcel
                if now >= deadline:
                    return None
                self._changed.wait(max(0.001, min(soonest, deadline) - now))
        return None

    def finished(self, parcel: Parcel) -> None:
        """It is done, unless it was offered again meanwhile."""
        with self._changed:
            if parcel.again:
                parcel.failures = 0
                self._note_refused(parcel, False)
                self._place(parcel, 0.0)
            elif self._parcels.pop(parcel.file, None) is not None:
                parcel.turn = 0
                self._kept_bytes -= len(parcel.raw or b"")
                self._note_refused(parcel, False)
                asking = self._asking.get(parcel.request, set())
                asking.discard(parcel.file)
                if not asking:
                    self._asking.pop(parcel.request, None)

    def set_aside(self, parcel: Parcel, pause_s: float) -> None:
        with self._changed:
            self._place(parcel, self._clock() + pause_s)

    def failed(self, parcel: Parcel, *, refused: bool = False) -> None:
        """Try again later, after ever longer pauses."""
        with self._changed:
            self._note_refused(parcel, refused)
            pause_s = PAUSES_S[min(parcel.failures, len(PAUSES_S) - 1)]
            parcel.failures += 1
            self._place(parcel, self._clock() + pause_s)

    def any_refused(self) -> bool:
        with self._changed:
            return bool(self._refused)

    def wake(self, request: str) -> None:
        """What the files that asked for `request` waited for has happened."""
        with self._changed:
            for file in self._asking.get(request, ()):
                self._place(self._parcels[file], 0.0)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _keep(self, parcel: Parcel) -> None:
        size, limit = len(parcel.raw or b""), KEPT_MAX_BYTES if parcel.fresh else KEPT_MAX_BYTES // 2
        if self._kept_bytes + size > limit:
            parcel.raw = None
        else:
            self._kept_bytes += size

    def _note_refused(self, parcel: Parcel, refused: bool) -> None:
        parcel.refused = refused
        (self._refused.add if refused else self._refused.discard)(parcel.file)

    def _place(self, parcel: Parcel, due: float) -> None:
        parcel.due, parcel.turn = due, next(self._turns)
        heappush(self._later, (due, parcel.turn, parcel))

    def _bring_due(self, now: float) -> float:
        """Move what is due by now to where it waits for its turn; returns when the next will be due."""
        while self._later and (self._later[0][0] <= now or self._later[0][2].turn != self._later[0][1]):
            _, turn, parcel = heappop(self._later)
            if parcel.turn == turn:
                heappush(self._ready, (_order(parcel), turn, parcel))
        while self._ready and self._ready[0][2].turn != self._ready[0][1]:
            heappop(self._ready)
        return self._later[0][0] if self._later else float("inf")


def _order(parcel: Parcel) -> tuple[bool, float, int, int]:
    """The latest visit's files, then earlier ones', then what nobody waits for; each by first sight.

    Files that were refused come after all others, the one that was tried longest ago first.
    """
    return (parcel.refused, parcel.due if parcel.refused else 0.0, -parcel.visit, parcel.file)
