"""The two ends of a route: their folders, which of them answer, and which refuse us while they serve others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from drivers.share import Refused, Share, ShareError
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import RouteName

RECONNECT_EVERY_S = 5.0
ALARM_AFTER_S = 10.0
TERMINAL_DOWN_AFTER_S = 3.0
RETRY_S = 0.5
# What has been away for a minute is not back in half a second, and something else may answer in its place.
AWAY_AFTER_S = 60.0
AWAY_RETRY_S = 2.0


@dataclass(frozen=True)
class Ends:
    """The folders of one route. `staging` is where unfinished files lie; it is on `destination`'s share.

    `watched` is `source` by a connection of its own: watcher and deliverer do not wait for each other.
    A role is the name of one end in messages and alarms, such as `terminal.results`.
    """

    route: RouteName
    watched: Share
    source: Share
    destination: Share
    staging: Share

    @property
    def source_role(self) -> str:
        return f"terminal.{self.route}"

    @property
    def destination_role(self) -> str:
        return f"receipt_computer.{self.route}"

    @property
    def moves(self) -> bool:
        """One share: the file itself can be renamed across, and no copy is needed."""
        return self.source.reaches(self.destination)

    def role_of(self, error: ShareError) -> str:
        """Which end failed; a share's message names its place."""
        return self.source_role if str(error).startswith(self.source.where + ":") else self.destination_role


class Refusals:
    """Which end refuses us, and which of the route's threads met that: the alarm `share_refused` of each role.

    Any thread of the route. Must never clear what another thread met.
    """

    def __init__(self, ends: Ends, notices: NoticeBoard) -> None:
        self._ends, self._notices = ends, notices
        source, destination = ends.source_role, ends.destination_role
        met = (("look", source), ("deliver", source), ("deliver", destination), ("own", destination))
        # None: not known yet, an alarm of an earlier run may stand.
        self._met: dict[tuple[str, str], bool | None] = dict.fromkeys(met)
        self._reconnected_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, by: str, role: str, wrong: bool) -> None:
        """`wrong`: the server at `role` did not let the thread `by` do something."""
        with self._lock:
            if not wrong and self._met[by, role] is False:
                return
            self._met[by, role] = wrong
            any_wrong = any(value for (_, at), value in self._met.items() if at == role)
        self._notices.set_alarm("share_refused", role, any_wrong)

    def met(self, by: str, role: str) -> bool:
        return bool(self._met[by, role])

    def reconnect(self, end: Literal["watched", "source", "destination"]) -> None:
        """Connect again now and then: a server that was mended may go on refusing on an older connection.

        Samba does so when the shared folder was removed and made again.
        """
        now = time.monotonic()
        if now - self._reconnected_at.get(end, 0.0) > RECONNECT_EVERY_S:
            self._reconnected_at[end] = now
            ends = self._ends
            shares = {"watched": [ends.watched], "source": [ends.source]}.get(end, [ends.destination, ends.staging])
            for share in shares:
                share.drop()


@dataclass(frozen=True)
class ShareState:
    """State of one share: `ok`, `down` (no answer) or `refused` (a person must act); None: not tried yet.

    `message`: what the share said, in English; `code` and `parameters`: the same as a value (`ShareError`).
    """

    state: str | None
    message: str = ""
    code: str = ""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(eq=False)
class Health:
    """Which shares answer: for the alarms, `kiosk status` and the start page. Any thread.

    Every thread that uses a share reports here; `changed(role, state, message)` is called on each change of state.
    """

    roles: tuple[str, ...]
    clock: Callable[[], float]
    changed: Callable[[str, str, str], None]

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._states = dict.fromkeys(self.roles, ShareState(None))
        self._failing_since: dict[str, float] = {}
        self._failed_at: dict[str, float] = {}

    def succeeded(self, role: str) -> None:
        self._note(role, ShareState("ok"))

    def failed(self, role: str, error: ShareError) -> None:
        state = "refused" if isinstance(error, Refused) else "down"
        self._note(role, ShareState(state, str(error), error.code, error.parameters))

    def _note(self, role: str, share: ShareState) -> None:
        with self._lock:
            before = self._states[role]
            self._states[role] = share
            if share.state == "ok":
                self._failing_since.pop(role, None)
            else:
                self._failed_at[role] = self.clock()
                self._failing_since.setdefault(role, self._failed_at[role])
        if share.state is not None and before.state != share.state:
            self.changed(role, share.state, share.message)

    def failing_s(self, role: str) -> float:
        """For how many seconds it has failed without a break; 0 if it answers."""
        with self._lock:
            since = self._failing_since.get(role)
            return 0.0 if since is None else self.clock() - since

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
        return last - since >= TERMINAL_DOWN_AFTER_S or self.clock() - since >= ALARM_AFTER_S

    def down(self) -> list[str]:
        """The roles that have failed long enough to alarm staff."""
        return [role for role in self._states if self.failing_s(role) > ALARM_AFTER_S]

    def status(self) -> dict[str, dict[str, Any]]:
        """Of each role, for `kiosk status`."""
        with self._lock:
            states = dict(self._states)
        return {role: {**asdict(state), "failing_s": round(self.failing_s(role), 1)} for role, state in states.items()}
