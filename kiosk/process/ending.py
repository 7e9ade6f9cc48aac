"""How a process learns that it is to end, or that one of its threads died."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress


class ThreadFaults:
    """Notices a thread of this process that dies of a fault of ours: what it did is done by nobody from then on.

    `report(name of the exception)` is called in that thread. One for a process.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.any = False
        self._report = report
        threading.excepthook = self._died

    def _died(self, arguments: threading.ExceptHookArgs) -> None:
        # Not the exception's text, nor a traceback on standard error: it may hold what a patient's file says.
        self._report(arguments.exc_type.__name__)
        self.any = True


def when_asked_to_end(do: Callable[[], None]) -> None:
    """Call `do`, in a thread, on SIGTERM or SIGINT. Only from the main thread.

    A handler runs in the midst of whatever the main thread does; if that holds a lock which `do` takes, both stand
    still for ever. So the handler only writes a byte, and the thread that reads it does the rest.
    """
    asked, ask = os.pipe()
    os.set_blocking(ask, False)

    def handle(*_: object) -> None:
        with suppress(OSError):  # full: asked often enough
            os.write(ask, b"!")

    def watch() -> None:
        os.read(asked, 1)
        do()

    threading.Thread(target=watch, name="asked-to-end", daemon=True).start()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, handle)


def when_parent_dies(parent_fd: int, do: Callable[[], None]) -> None:
    """Call `do` once the other end of the pipe is closed."""

    def watch() -> None:
        while os.read(parent_fd, 1):
            pass  # nobody writes; only the end counts
        do()

    threading.Thread(target=watch, name="parent", daemon=True).start()
