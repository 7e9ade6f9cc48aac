"""The thread that finds out which kiosk owns a route's source, and what the route's other threads need to know of it.

Must never deliver or watch. What the mark means is ownership.py's.
"""

from __future__ import annotations

import threading

from drivers.share import Busy, Exists, Full, Missing, Refused, ShareError
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ends import Ends, Refusals
from kiosk.courier.ownership import Ownership
from kiosk.courier.share_health import RETRY_S, Health

# A destination that does not answer must not keep results from being seen; longer than one call's time-out.
DECIDED_WITHIN_S = 8.0


class Keeper:
    """`once` is one turn, for a thread of its own."""

    def __init__(
        self, ownership: Ownership, ends: Ends, health: Health, refusals: Refusals, notices: NoticeBoard
    ) -> None:
        self.ownership = ownership
        self._ends = ends
        self._health = health
        self._refusals = refusals
        self._notices = notices
        self._stop = threading.Event()
        self._decided, self._owned = threading.Event(), threading.Event()

    def once(self) -> None:
        try:
            pause_s = self.ownership.update()
            self._refusals.note("own", self._ends.destination_role, False)
            decided = self.ownership.owns or self.ownership.stands_back
        except ShareError as error:
            pause_s = self._health.pause_s(self._ends.destination_role)
            decided = not isinstance(error, Busy | Exists | Missing)  # those of one mark; else results are to be seen
            self._failed(error)
        if decided:
            self._decided.set()
        if self.ownership.owns:
            self._owned.set()
        taken = self.ownership.stands_back
        self._notices.set_alarm("source_taken", self._ends.source_role, taken)
        self._notices.set_alarm("source_shared", self._ends.source_role, self.ownership.shared and not taken)
        self._stop.wait(pause_s)

    def _failed(self, error: ShareError) -> None:
        """Without a mark nothing is delivered. A server that does not answer is reported by the other threads."""
        destination = self._ends.destination_role
        if isinstance(error, Refused | Full) and self._ends.role_of(error) == destination:
            self._health.failed(destination, error)
            self._refusals.note("own", destination, True)
            self._refusals.reconnect("destination", self._ends.destination, self._ends.staging)

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
