"""A command of our own as a child that is kept running, where nothing else (systemd) starts it.

It is in a process group of its own, so that a Ctrl+C meant for the screen does not stop a delivery. It holds one end of
a pipe whose other end only this process has: when this process dies, however it dies, the pipe tells.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

RESTART_S = (0.2, 1.0, 2.0, 5.0)
LIVED_LONG_S = 60.0
STOP_S = 3.0
NOT_STARTED = 71  # as EX_OSERR of sysexits.h


class Child:
    """`kiosk WORDS… --config config`. `restarted(exit_code)` is called, in its thread, whenever it ended by itself."""

    def __init__(self, words: Sequence[str], config: Path, restarted: Callable[[int], None]) -> None:
        self._command = [sys.executable, "-m", "kiosk", *words, "--config", str(config)]
        self._restarted = restarted
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="child", daemon=True)
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
            child = subprocess.Popen(  # noqa: S603 - our own program
                [*self._command, "--parent-fd", str(theirs)],
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
