"""Notices that a reservation system holds something else than before, by looking: a thread, and four looks a second.
Must never miss a change for good: who is called late is called with what is there then.
"""

import threading
from collections.abc import Callable
from typing import Final

_LOOK_S: Final = 0.25


class Changes:
    """Calls `changed(revision)` at once and whenever `revision()` is another, until it is closed.

    In a thread of its own; `revision` must not raise, `changed` neither raise nor wait for long.
    """

    def __init__(self, revision: Callable[[], object], changed: Callable[[object], None]) -> None:
        self._revision = revision
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reservations-changes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No call begins after this."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        seen = self._revision()
        self._changed(seen)
        while not self._stop.wait(_LOOK_S):
            if (now := self._revision()) != seen:
                seen = now
                self._changed(now)
