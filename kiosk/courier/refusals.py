"""Which ends of a route refuse us while they serve others, and by whom that was met; connections made afresh for it.

Any thread of the route. Must never clear what another thread met.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from drivers.share import Share

AFRESH_S = 5.0


class Refusals:
    """`tell(role, wrong)`: whether there is something that the server at `role` does not let us do."""

    def __init__(self, met: tuple[tuple[str, str], ...], tell: Callable[[str, bool], None]) -> None:
        # By whom at which end; None: not known yet, an alarm of an earlier run may stand.
        self._met: dict[tuple[str, str], bool | None] = dict.fromkeys(met)
        self._tell = tell
        self._afresh_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, by: str, role: str, wrong: bool) -> None:
        with self._lock:
            if not wrong and self._met[by, role] is False:
                return
            self._met[by, role] = wrong
            any_wrong = any(value for (_, at), value in self._met.items() if at == role)
        self._tell(role, any_wrong)

    def met(self, by: str, role: str) -> bool:
        return bool(self._met[by, role])

    def afresh(self, end: str, *shares: Share) -> None:
        """Connect anew now and then: a server may go on refusing on a connection from before somebody mended it.

        Samba does so when the shared folder was removed and made again.
        """
        now = time.monotonic()
        if now - self._afresh_at.get(end, 0.0) > AFRESH_S:
            self._afresh_at[end] = now
            for share in shares:
                share.drop()
