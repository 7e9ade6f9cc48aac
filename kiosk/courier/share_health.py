"""Which shares answer: for the alarms, `kiosk status` and the start page."""

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
class ShareState:
    """State of one share: `ok`, `down` (no answer) or `refused` (a person must act); None: not tried yet.

    `message`: what the share said, in English; `code` and `parameters`: the same as a value (`ShareError`).
    """

    role: str
    state: str | None
    message: str = ""
    code: str = ""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class Health:
    """Every thread that uses a share reports here; `changed(share)` is called on each change of state. Any thread."""

    def __init__(
        self, roles: tuple[str, ...], clock: Callable[[], float], changed: Callable[[ShareState], None]
    ) -> None:
        self.roles = roles
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._states = {role: ShareState(role, None) for role in roles}
        self._failing_since: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}

    def succeeded(self, role: str) -> None:
        self._note(role, ShareState(role, "ok"))

    def failed(self, role: str, error: ShareError) -> None:
        state = "refused" if isinstance(error, Refused) else "down"
        self._note(role, ShareState(role, state, str(error), error.code, error.parameters))

    def _note(self, role: str, state: ShareState) -> None:
        with self._lock:
            before = self._states[role]
            self._states[role] = state
            if state.state == "ok":
                self._failing_since.pop(role, None)
            else:
                self._failed_at[role] = self._clock()
                self._failing_since.setdefault(role, self._failed_at[role])
        if before.state != state.state:
            self._changed(state)

    def failing_s(self, role: str) -> float:
        """For how many seconds it has failed without a break; 0 if it answers."""
        with self._lock:
            since = self._failing_since.get(role)
            return 0.0 if since is None else self._clock() - since

    def pause_s(self, role: str) -> float:
        """How long to wait before it is tried again."""
        return RETRY_S if self.failing_s(role) < AWAY_AFTER_S else AWAY_RETRY_S

    def gone(self, role: str) -> bool:
        """Whether patients are sent elsewhere: tries TERMINAL_DOWN_AFTER_S apart failed, or one has not ended for long.

        One try that fails, and a slow one after it that succeeds, is a busy server: a button that went grey in between
        would send patients away. A patient who presses it meanwhile waits for a listing, or learns that there is none.
        """
        with self._lock:
            since, last = self._failing_since.get(role), self._failed_at.get(role)
        if since is None or last is None:
            return False
        return last - since >= TERMINAL_DOWN_AFTER_S or self._clock() - since >= ALARM_AFTER_S

    def down(self) -> list[str]:
        """The roles that have failed long enough to alarm staff."""
        return [role for role in self._states if self.failing_s(role) > ALARM_AFTER_S]

    def status(self) -> dict[str, dict[str, Any]]:
        """Of each role, for `kiosk status`."""
        with self._lock:
            states = list(self._states.values())
        return {
            each.role: {
                "state": each.state,
                "message": each.message,
                "code": each.code,
                "parameters": dict(each.parameters),
                "failing_s": round(self.failing_s(each.role), 1),
            }
            for each in states
        }
