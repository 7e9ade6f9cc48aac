"""The two ends of a route, and which of them refuses us while it serves others."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from drivers.share import Share, ShareError
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import RouteName

RECONNECT_EVERY_S = 5.0


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
        self._notices = notices
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

    def reconnect(self, end: str, *shares: Share) -> None:
        """Connect again now and then: a server that was mended may go on refusing on an older connection.

        Samba does so when the shared folder was removed and made again.
        """
        now = time.monotonic()
        if now - self._reconnected_at.get(end, 0.0) > RECONNECT_EVERY_S:
            self._reconnected_at[end] = now
            for share in shares:
                share.drop()
