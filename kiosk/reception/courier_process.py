"""Starting the courier as a child and keeping it running; how a process hears that it is to end.

The courier is in a process group of its own, so that a Ctrl+C meant for the screen does not stop a delivery. It holds
one end of a pipe whose other end only this process has: when this process dies, however it dies, the pipe tells.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

RESTART_S = (0.2, 1.0, 2.0, 5.0)
LIVED_LONG_S = 60.0
STOP_S = 3.0
NOT_STARTED = 71  # as EX_OSERR of sysexits.h


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


class CourierProcess:
    """`restarted(exit_code)` is called, in this object's thread, whenever the courier had ended by itself."""

    def __init__(self, config: Path, restarted: Callable[[int], None]) -> None:
        self._config = config
        self._restarted = restarted
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier-process", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask it to end; after 3 s it is killed."""
        self._stop.set()
        self._thread.join(STOP_S + 2)

    def _run(self) -> None:
        deaths = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                code = self._live()
            except OSError:  # no process or pipe to be had just now; this thread must live to try again
                code = NOT_STARTED
            if self._stop.is_set():
                return
            deaths = 0 if time.monotonic() - began > LIVED_LONG_S else deaths + 1
            self._restarted(code)
            self._stop.wait(RESTART_S[min(deaths, len(RESTART_S)) - 1] if deaths else 0.0)

    def _live(self) -> int:
        theirs, ours = os.pipe()
        try:
            command = [sys.executable, "-m", "kiosk", "courier", "--config", str(self._config)]
            child = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "--parent-fd", str(theirs)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs,),
                process_group=0,
            )
            os.close(theirs)
            theirs = -1
            while True:
                try:
                    return child.wait(0.2)
                except subprocess.TimeoutExpired:
                    if self._stop.is_set():
                        return self._end(child)
        finally:
            os.close(ours)
            if theirs >= 0:
                os.close(theirs)

    @staticmethod
    def _end(child: subprocess.Popen[bytes]) -> int:
        child.terminate()
        try:
            return child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


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
