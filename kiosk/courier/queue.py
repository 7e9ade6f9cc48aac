"""The queue of one route: which file is to be advanced next, and when.

Order of first sight; a file that cannot go now is set aside for a moment and never blocks the ones behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.courier.ledger import FileId

# Bytes of files that are kept in memory between sighting and delivery; files beyond that are read again.
KEPT_MAX_BYTES = 32 << 20
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)
HELD_PAUSE_S = 5.0


@dataclass
class Parcel:
    """`request`: the subsidy request whose answer goes first, until `deadline`.

    `refused`: the server refused this very file. `again`: it was offered again while it was being advanced.
    `since`: when it came into the queue.
    """

    file: FileId
    request: str = ""
    deadline: float = 0.0
    raw: bytes | None = field(default=None, repr=False)
    due: float = 0.0
    failures: int = 0
    refused: bool = False
    again: bool = False
    since: float = 0.0


class Queue:
    """Filled by the watcher's thread, emptied by the deliverer's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._parcels: dict[FileId, Parcel] = {}
        self._kept_bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def add(self, parcel: Parcel) -> None:
        with self._changed:
            known = self._parcels.get(parcel.file)
            if known is not None:
                known.due, known.again = 0.0, True
            else:
                if parcel.raw is not None and self._kept_bytes + len(parcel.raw) > KEPT_MAX_BYTES:
                    parcel.raw = None
                self._kept_bytes += len(parcel.raw or b"")
                parcel.since = self._clock()
                self._parcels[parcel.file] = parcel
            self._changed.notify_all()

    def next(self, wait_s: float) -> Parcel | None:
        """The first parcel that is due; None after `wait_s` without one, or when closed."""
        deadline = self._clock() + wait_s
        with self._changed:
            while not self._closed:
                now = self._clock()
                due = [parcel for parcel in self._parcels.values() if parcel.due <= now]
                if due:
                    parcel = min(due, key=_order)
                    parcel.again = False
                    return parcel
                if now >= deadline:
                    return None
                soonest = min((parcel.due for parcel in self._parcels.values()), default=deadline)
                self._changed.wait(max(0.001, min(soonest, deadline) - now))
        return None

    def finished(self, parcel: Parcel) -> None:
        """It is done, unless it was offered again meanwhile."""
        with self._changed:
            if parcel.again:
                parcel.due, parcel.failures, parcel.refused = 0.0, 0, False
            elif self._parcels.pop(parcel.file, None) is not None:
                self._kept_bytes -= len(parcel.raw or b"")

    def set_aside(self, parcel: Parcel, pause_s: float) -> None:
        with self._changed:
            parcel.due = self._clock() + pause_s

    def failed(self, parcel: Parcel, *, refused: bool = False) -> None:
        """Try again later, after ever longer pauses."""
        parcel.refused = refused
        pause_s = PAUSES_S[min(parcel.failures, len(PAUSES_S) - 1)]
        parcel.failures += 1
        self.set_aside(parcel, pause_s)

    def any_refused(self) -> bool:
        with self._changed:
            return any(parcel.refused for parcel in self._parcels.values())

    def wake(self, matches: Callable[[Parcel], bool]) -> None:
        """What these parcels waited for has happened."""
        with self._changed:
            for parcel in self._parcels.values():
                if matches(parcel):
                    parcel.due = 0.0
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _order(parcel: Parcel) -> tuple[float, int]:
    """By first sight. Files that were refused come after all others, the one that was tried longest ago first."""
    return (parcel.due if parcel.refused else -1.0, parcel.file)
