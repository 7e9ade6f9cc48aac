"""Jobs that may still lie at a printer and must not be printed any more: cancelled as soon as it answers.

Owns the names of jobs, by which this run's are told from those that an earlier run left when it was killed. Its thread
is there only while something is left.
"""

import secrets
import threading
import time
from contextlib import suppress
from typing import Final

from drivers.page_printer.ipp import JobState
from drivers.page_printer.requests import Requests
from drivers.page_printer.transport import NoAnswer

PREFIX: Final = "kiosk-"
"""Beginning of every job's name; chance follows, and nothing of the page."""

RETRY_S: Final = 5.0
GIVE_UP_S: Final = 24 * 3600.0
"""A printer that is off for a day and prints what it got before would be one that stores jobs on a disk."""


def cancelled(requests: Requests, name: str, job_id: int | None) -> int | None:
    """Cancel a job; its final state, or None while it is not over. `job_id`: None, where only its name is known.

    Raises NoAnswer.
    """
    if job_id is None:
        job_id = requests.unfinished(name).get(name)
        if job_id is None:
            return JobState.CANCELED
    requests.cancel(job_id)
    job = requests.job(job_id)
    if job is None:
        return JobState.CANCELED
    return job.state if job.state > JobState.PROCESSING_STOPPED else None


class Leftovers:
    """What is left at one printer. Its methods return at once and may be called from any thread."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._run = f"{PREFIX}{secrets.token_hex(4)}-"
        self._changed = threading.Lock()
        self._left: dict[str, tuple[int | None, float]] = {}
        self._earlier_until = 0.0
        self._working = False

    def new_name(self) -> str:
        """A name for a job of this run."""
        return self._run + secrets.token_hex(4)

    def add(self, name: str, job_id: int | None) -> None:
        """Cancel this job; `job_id` None: only its name is known."""
        with self._changed:
            self._left[name] = (job_id, time.monotonic() + GIVE_UP_S)
            self._start()

    def clear(self) -> None:
        """Cancel all that earlier runs left."""
        with self._changed:
            self._earlier_until = time.monotonic() + GIVE_UP_S
            self._start()

    def _start(self) -> None:
        if not self._working:
            self._working = True
            # A daemon: what it cannot end, the next run clears.
            threading.Thread(target=self._work, name="page-printer-leftovers", daemon=True).start()

    def _work(self) -> None:
        while True:
            with suppress(NoAnswer):
                self._cancel_all()
            with self._changed:
                now = time.monotonic()
                self._left = {name: each for name, each in self._left.items() if each[1] > now}
                if not self._left and self._earlier_until <= now:
                    self._working = False
                    return
            time.sleep(RETRY_S)

    def _cancel_all(self) -> None:
        """Raises NoAnswer."""
        if self._earlier_until:
            earlier = self._requests.unfinished(PREFIX)
            with self._changed:
                until, self._earlier_until = self._earlier_until, 0.0
                self._left |= {name: (each, until) for name, each in earlier.items() if not name.startswith(self._run)}
        for name, (job_id, _) in list(self._left.items()):
            if cancelled(self._requests, name, job_id) is not None:
                with self._changed:
                    self._left.pop(name, None)
