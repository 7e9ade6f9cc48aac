"""Notices what others wrote into the book: a thread that asks the server once a second."""

import threading
import time
from collections.abc import Callable
from typing import Final

from drivers.reservations.postgresql.failures import Failed
from drivers.reservations.postgresql.hosts import Hosts

_LOOK_S: Final = 1.0
_ANSWER_S: Final = 5.0


class Follower:
    """Calls `changed()` at the beginning and after every change, `answers(yes)` when that is another, until `close`.

    `hosts`: its own, and closed with it. Also what brings a kiosk that nobody comes to into touch with a server that
    took over.
    """

    def __init__(self, hosts: Hosts, changed: Callable[[], None], answers: Callable[[bool], None]) -> None:
        self._hosts = hosts
        self._changed = changed
        self._answers = answers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="book-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No call begins after this."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        answering: bool | None = None
        seen: object = None
        first = True
        while not self._stop.is_set():
            revision = self._revision()
            if self._stop.is_set():
                break
            if (revision is not None) is not answering:
                answering = revision is not None
                self._answers(answering)
            if first or revision not in (None, seen):
                self._changed()
            first, seen = False, revision or seen
            self._stop.wait(_LOOK_S)
        self._hosts.close()

    def _revision(self) -> object:
        """None: it does not answer."""
        try:
            answer = self._hosts.ask("revision", None, time.monotonic() + _ANSWER_S)
        except Failed:
            return None
        return answer["timeline"], answer.get("revision")
