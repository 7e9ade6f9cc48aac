"""Visits that wait for a listing of the source folder that began after their question.

Owns the queue of questions between the hub's thread and the watching one. Must never answer by an earlier listing: a
result that lay there already would be taken for the patient's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

GIVE_UP_S = 8.0


class Baselines:
    """`report(visit, at)`: when the listing was complete; None: there was none in time."""

    def __init__(self, report: Callable[[int, float | None], None]) -> None:
        self._report = report
        self._wanted: list[tuple[int, float]] = []  # visit, moment of the question
        self._wake = threading.Condition()
        self._closed = False

    def want(self, visit: int) -> None:
        with self._wake:
            self._wanted.append((visit, time.monotonic()))
            self._wake.notify_all()

    def answer(self, began: float, listed_at: float) -> None:
        """A listing that ran from `began` to `listed_at`."""
        self._end(lambda asked: asked <= began, listed_at)

    def give_up(self, after_s: float = GIVE_UP_S) -> None:
        """There was no listing: reported to visits that have waited for `after_s`."""
        late = time.monotonic() - after_s
        self._end(lambda asked: asked < late, None)

    def _end(self, ends: Callable[[float], bool], at: float | None) -> None:
        with self._wake:
            ended = [visit for visit, asked in self._wanted if ends(asked)]
            self._wanted = [(visit, asked) for visit, asked in self._wanted if not ends(asked)]
        for visit in ended:
            self._report(visit, at)

    def pause(self, pause_s: float) -> None:
        """Wait, unless a visit wants a listing."""
        with self._wake:
            if not self._wanted and not self._closed:
                self._wake.wait(max(0.0, pause_s))

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify_all()
