"""A deadline that works on calls that cannot be interrupted: a thread that pulls the plug.

No library's time-out is one: it begins again with every byte that drips in.

Owns the watching thread of one connection. Must never know what is being done.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType


class Deadline:
    """`with deadline:` calls `pull` from a thread of its own if the block takes longer than `deadline_s`.

    One block at a time. `late` stays True once it has pulled. `stop` ends the thread.
    """

    def __init__(self, deadline_s: float, pull: Callable[[], None]) -> None:
        self.deadline_s = deadline_s
        self.late = False
        self._pull = pull
        self._due: float | None = None
        self._stopped = False
        self._changed = threading.Condition()
        # A daemon: a frozen server must not keep the process from ending.
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def __enter__(self) -> None:
        with self._changed:
            self._due = time.monotonic() + self.deadline_s
            self._changed.notify()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._changed:
            self._due = None

    def stop(self) -> None:
        """End the thread; nothing is pulled any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._stopped:
                left_s = None if self._due is None else self._due - time.monotonic()
                if left_s is not None and left_s <= 0:
                    self.late = True
                    break
                self._changed.wait(left_s)
        if self.late:
            self._pull()
