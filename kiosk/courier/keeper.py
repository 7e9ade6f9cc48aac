"""The thread that finds out whose a route's source is, and what the route's other threads need to know of it.

Must never deliver or watch. What the mark means is ownership.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from drivers.share import Busy, Exists, Full, Missing, Refused, ShareError
from kiosk.courier.ends import Ends
from kiosk.courier.ownership import Ownership
from kiosk.courier.refusals import Refusals
from kiosk.courier.share_health import RETRY_S, Health

# A destination that does not answer must not keep results from being seen; longer than one call's deadline.
JUDGED_WITHIN_S = 8.0


class Keeper:
    """`once` is one turn, for a thread of its own; `looked(ownership)` is called after each."""

    def __init__(
        self,
        ownership: Ownership,
        ends: Ends,
        destination: str,
        health: Health,
        refusals: Refusals,
        looked: Callable[[Ownership], None],
    ) -> None:
        self.ownership = ownership
        self._ends = ends
        self._destination = destination
        self._health = health
        self._refusals = refusals
        self._looked = looked
        self._stop = threading.Event()
        self._judged, self._owned = threading.Event(), threading.Event()

    def once(self) -> None:
        try:
            pause_s = self.ownership.turn()
            self._refusals.note("own", self._destination, False)
            judged = self.ownership.owns or self.ownership.stands_back
        except ShareError as error:
            pause_s = self._health.pause_s(self._destination)
            judged = not isinstance(error, Busy | Exists | Missing)  # those of one mark; else results are to be seen
            self._failed(error)
        if judged:
            self._judged.set()
        if self.ownership.owns:
            self._owned.set()
        self._looked(self.ownership)
        self._stop.wait(pause_s)

    def _failed(self, error: ShareError) -> None:
        """Without a mark nothing is delivered. A server that does not answer, the other threads tell of."""
        if isinstance(error, Refused | Full) and not str(error).startswith(self._ends.source.where + ":"):
            self._health.fails(self._destination, error)
            self._refusals.note("own", self._destination, True)
            self._refusals.afresh("destination", self._ends.destination, self._ends.staging)

    def wait_judged(self) -> None:
        """Until it is known whose the source is, or that it cannot be known for now."""
        self._judged.wait(JUDGED_WITHIN_S)

    def may_deliver(self) -> bool:
        """Waits a moment if not."""
        if not self.ownership.owns:
            self._owned.clear()
            if not self.ownership.owns and not self._stop.is_set():
                self._owned.wait(RETRY_S)
        return self.ownership.owns

    def close(self) -> None:
        self._stop.set()
        self._judged.set()
        self._owned.set()
