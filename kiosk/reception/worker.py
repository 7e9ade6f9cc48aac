"""One thread a device: commands in, exactly one event out for each, whatever the device does.

A worker turns a return value or an exception into an event; the visit's own deadlines make sure that a worker that
hangs holds up nobody, and a job with a limit is left to its own thread when it outlives that. Nothing here decides what
a patient sees.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from kiosk.reception.run_status import Trouble
from kiosk.words.problems import Problem

QUEUE_MAX = 100
Job = Callable[[], None]
Report = Callable[..., None]  # EventLog.write
SetTrouble = Callable[[Trouble, Problem | None], None]  # Board.set_trouble


@dataclass(frozen=True)
class Limited:
    """`job` in a thread of its own. After `limit_s` it is abandoned: `over()` is called, the next job is begun, and
    whatever it still does, it does beside that one.
    """

    job: Job
    limit_s: float
    over: Job

    def __call__(self) -> None:
        thread = threading.Thread(target=self.job, name=threading.current_thread().name, daemon=True)
        thread.start()
        thread.join(self.limit_s)
        if thread.is_alive():
            self.over()


class Worker:
    """Runs jobs one after the other; `idle()` is called after `idle_s` without one (0: never)."""

    def __init__(self, name: str, idle_s: float, idle: Job) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(QUEUE_MAX)
        self._idle_s = idle_s
        self._idle = idle
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Job) -> bool:
        """False if too much is waiting already."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def close(self, wait_s: float) -> None:
        self._jobs.put(None)
        self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_s or None)
            except queue.Empty:
                job = self._idle
            if job is None:
                return
            job()
