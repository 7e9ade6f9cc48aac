"""Which shares answer: what the alarms, `kiosk status` and the start page are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.share import Refused, ShareError

ALARM_AFTER_S = 10.0
TERMINAL_DOWN_AFTER_S = 3.0
RETRY_S = 0.5
# What has been away for a minute is not back in half a second, and something else may answer in its place.
AWAY_AFTER_S = 60.0
AWAY_RETRY_S = 2.0


@dataclass(frozen=True)
class Shown:
    """State of one share: `ok`, `down` (no answer) or `refused` (a person must act); None: not tried yet.

    `message`: what the share said, in English; `code` and `parameters`: the same as a value (`ShareError`).
    """

    role: str
    state: str | None
    message: str = ""
    code: str = ""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class Health:
    """Told by every thread that uses a share; `changed(role, state, message)` is called on each change."""

    def __init__(self, roles: tuple[str, ...], clock: Callable[[], float], changed: Callable[[Shown], None]) -> None:
        self.roles = roles
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._shown = {role: Shown(role, None) for role in roles}
        self._failing_since: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}

    def works(self, role: str) -> None:
        self._note(role, Shown(role, "ok"))

    def fails(self, role: str, error: ShareError) -> None:
        state = "refused" if isinstance(error, Refused) else "down"
        self._note(role, Shown(role, state, str(error), error.code, error.parameters))

    def _note(self, role: str, now_shown: Shown) -> None:
        with self._lock:
            before = self._shown[role]
            self._shown[role] = now_shown
            if now_shown.state == "ok":
                self._failing_since.pop(role, None)
            else:
                self._failed_at[role] = self._clock()
                self._failing_since.setdefault(role, self._failed_at[role])
        if before.state != now_shown.state:
            self._changed(now_shown)

    def failing_s(self, role: str) -> float:
        """For how long it has failed without a break; 0 if it answers."""
        with self._lock:
            since = self._failing_since.get(role)
            return 0.0 if since is None else self._clock() - since

    def pause_s(self, role: str) -> float:
        """How long to wait before it is tried again."""
        return RETRY_S if self.failing_s(role) < AWAY_AFTER_S else AWAY_RETRY_S

    def gone(self, role: str) -> bool:
        """Whether patients are told: tries TERMINAL_DOWN_AFTER_S apart came to nothing, or none has ended for long.

        One try that comes to nothing, and a slow one after it that works, is a busy server: a button that went grey in
        between would send patients away. Whoever presses it meanwhile waits for a listing, or hears that none came.
        """
        with self._lock:
            since, last = self._failing_since.get(role), self._failed_at.get(role)
        if since is None or last is None:
            return False
        return last - since >= TERMINAL_DOWN_AFTER_S or self._clock() - since >= ALARM_AFTER_S

    def down(self) -> list[str]:
        """The roles that have failed long enough to tell staff."""
        return [role for role in self._shown if self.failing_s(role) > ALARM_AFTER_S]

    def status(self) -> dict[str, dict[str, Any]]:
        """Of each role, for `kiosk status`."""
        with self._lock:
            all_shown = list(self._shown.values())
        return {
            shown.role: {
                "state": shown.state,
                "message": shown.message,
                "code": shown.code,
                "parameters": dict(shown.parameters),
                "failing_s": round(self.failing_s(shown.role), 1),
            }
            for shown in all_shown
        }
