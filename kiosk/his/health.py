"""Whether the hospital's system answers, and how fast: for staff, metrics, and the next patient. Any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.reservations import Found, Trouble


@dataclass
class Health:
    """`report`: EventLog.write. `trouble`: why the last call was not answered; None: it was, or none was made yet."""

    report: Callable[..., None]
    trouble: Trouble | None = None
    answered_s: float | None = None
    _failed_at: float = float("-inf")
    _failing_since: float = float("inf")
    _asked_at: float = float("-inf")
    _notices: frozenset[str] = frozenset()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: object, seconds: float) -> None:
        """What a call came to, after `seconds`. A refusal, and a system that is busy, are answers."""
        now = time.monotonic()
        with self._lock:
            self._asked_at = now
            if isinstance(answer, Trouble) and answer.kind in ("unreachable", "login", "misunderstood"):
                self.trouble = answer
                self._failed_at, self._failing_since = now, min(self._failing_since, now)
            else:
                self.trouble, self.answered_s, self._failing_since = None, seconds, float("inf")
        if isinstance(answer, Found):
            self._note_notices(frozenset(each.what for each in answer.notices))

    def _note_notices(self, notices: frozenset[str]) -> None:
        with self._lock:
            new, self._notices = notices - self._notices, notices
        for what in sorted(new):
            self.report("his_notice", what=what)

    def down_for(self, within_s: float) -> bool:
        """Whether the last call met nobody, not longer ago than that."""
        with self._lock:
            unreachable = self.trouble is not None and self.trouble.kind == "unreachable"
            return unreachable and time.monotonic() - self._failed_at < within_s

    def failing_s(self) -> float:
        """For how long every call has failed; less than 0: the last one did not."""
        with self._lock:
            return time.monotonic() - self._failing_since

    @property
    def up(self) -> bool | None:
        """Whether the last call was answered; None: none was made."""
        with self._lock:
            return None if self._asked_at == float("-inf") else self.trouble is None

    def idle_s(self) -> float:
        """Since when nobody has asked."""
        with self._lock:
            return time.monotonic() - self._asked_at
