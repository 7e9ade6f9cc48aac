"""Standard error that never holds anybody up.

A tester or a terminal that does not read what is written there must not stop a delivery or a screen: a full pipe would
block whoever writes next. Owns the way to file descriptor 2 once `unblock()` was called. Must never raise, wait for the
reader, or be used for anything but what may be lost.
"""

from __future__ import annotations

import atexit
import io
import os
import queue
import sys
import threading
import time
from contextlib import suppress

WAITING_MAX = 1000  # pieces of text; more are lost
END_S = 0.5


class _Unblocked(io.TextIOBase):
    """Takes text at once; a thread of its own writes it to `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes] = queue.Queue(WAITING_MAX)
        threading.Thread(target=self._run, name="stderr", daemon=True).start()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        try:
            self._waiting.put_nowait(text.encode("utf-8", "backslashreplace"))
        except queue.Full:
            return 0
        return len(text)

    def drain(self) -> None:
        """Let what waits get out, if somebody reads it within half a second."""
        until = time.monotonic() + END_S
        with self._waiting.all_tasks_done:
            while self._waiting.unfinished_tasks and (left_s := until - time.monotonic()) > 0:
                self._waiting.all_tasks_done.wait(left_s)

    def _run(self) -> None:
        while True:
            rest = self._waiting.get()
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                pass  # nobody reads it any more
            finally:
                self._waiting.task_done()


def unblock() -> None:
    """From now on `sys.stderr` of this process takes text without ever waiting."""
    if not isinstance(sys.stderr, _Unblocked):
        sys.stderr = _Unblocked(2)
        atexit.register(drain)


def drain() -> None:
    """Before the process ends: give the last lines a moment."""
    if isinstance(sys.stderr, _Unblocked):
        sys.stderr.drain()


def complain(message: str) -> None:
    """A line on stderr for the tester."""
    with suppress(OSError, ValueError):  # nobody reads it: no reason to stop
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - the contract
