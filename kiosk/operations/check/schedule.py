"""Looking at everything at once, and reporting it in a fixed order.

Owns threads, deadlines and order. Must never wait for one thing longer than its limit, and never lose an item: what
crashes or hangs is NG.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from kiosk.operations.check.finding import Finding, Findings
from kiosk.words.problems import Problem

LIMIT_S = 45.0


@dataclass(frozen=True)
class Job:
    """Yields one finding for each of `codes`. Jobs run side by side; an `alone` one starts when its turn comes.

    `tidies`: it makes things elsewhere and must be given time to delete them.
    """

    codes: tuple[str, ...]
    work: Callable[[], Findings]
    limit_s: float = LIMIT_S
    alone: bool = False
    tidies: bool = False


class Schedule:
    """Iterate to get the findings in the order of `jobs`, each as soon as it is known; `stop` ends the jobs early."""

    def __init__(self, jobs: Sequence[Job], stop: threading.Event) -> None:
        self._running = [_Running(job, stop) for job in jobs]

    def __iter__(self) -> Iterator[Finding]:
        for each in self._running:
            if not each.job.alone:
                each.start()
        for each in self._running:
            each.start()
            yield from each.findings()

    def tidy(self, wait_s: float) -> bool:
        """Let what is under way clean up behind itself; False if it does not end. Call it before the process ends."""
        until = time.monotonic() + wait_s
        return all([each.ended(until - time.monotonic()) for each in self._running if each.job.tidies])


class _Running:
    def __init__(self, job: Job, stop: threading.Event) -> None:
        self.job = job
        self._stop = stop
        self._found: queue.Queue[Finding | Problem] = queue.Queue()
        self._until = 0.0
        # A daemon: a dead server must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=f"check-{job.codes[0]}", daemon=True)

    def start(self) -> None:
        if self._thread.ident is None:
            self._until = time.monotonic() + self.job.limit_s
            self._thread.start()

    def ended(self, wait_s: float) -> bool:
        if self._thread.ident is not None:
            self._thread.join(max(wait_s, 0.0))
        return not self._thread.is_alive()

    def findings(self) -> Iterator[Finding]:
        left = list(self.job.codes)
        why: Problem | None = None
        while why is None:
            try:
                found = self._found.get(timeout=max(self._until - time.monotonic(), 0.0))
            except queue.Empty:
                found = Problem("message.too_slow", {"limit_s": self.job.limit_s})
            if isinstance(found, Finding):
                left.remove(found.code)
                yield found
                if not left:
                    return
            else:
                why = found
        for code in left:
            yield Finding(code, "NG", why, Problem("do.run_again"))

    def _work(self) -> None:
        why = Problem("message.no_finding")
        try:
            with closing(self.job.work()) as findings:
                for finding in findings:
                    self._found.put(finding)
                    if self._stop.is_set():
                        break
        except Exception as error:  # noqa: BLE001 - a fault of ours is one NG line, not the end of the whole check
            why = Problem("message.crashed", {"error": type(error).__name__})
        self._found.put(why)
