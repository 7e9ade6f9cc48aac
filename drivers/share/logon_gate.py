"""Back-off for refused logons: after a server refused an account, this process does not try it again for a while.

Owns the failed logons of the process. Must never talk to a server. Without it a kiosk that polls four times a second
with a wrong password would lock the account within seconds, for everybody who uses it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from drivers.share.failures import Refused, ShareError

HOLD_S = 60.0
# The hold doubles with each refusal: a usual lock-out rule is ten failures in ten minutes, and one per minute
# would just reach it. Not for long, because a mended password should be found without a restart.
_HOLD_GROWTH_MAX = 4

Account = tuple[str, int, str, str]


@dataclass
class _Account:
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed_until_s: float = 0.0
    refusals: int = 0
    refused: ShareError | None = None


class LogonGate:
    """Remembers refused accounts, each (host, port, domain, user), first for `hold_s` seconds (monotonic).

    Each further refusal doubles the time, up to 4 × `hold_s`; a success forgets. Safe from several threads.
    """

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self._hold_s = hold_s
        self._accounts: dict[Account, _Account] = {}
        self._lock = threading.Lock()

    def refusal(self, account: Account) -> Refused | None:
        """Why this account may not be tried now, to be raised; or None."""
        entry = self._entry(account)
        with self._lock:
            if entry.refused is None or time.monotonic() >= entry.closed_until_s:
                return None
            return Refused(str(entry.refused), entry.refused.code, entry.refused.parameters)

    @contextmanager
    def exclusive(self, account: Account, wait_s: float) -> Iterator[bool]:
        """Hold the account for one logon; False when others held it for `wait_s`.

        One at a time, so that four shares with one wrong password try once and not four times.
        """
        lock = self._entry(account).lock
        ours = lock.acquire(timeout=wait_s)
        try:
            yield ours
        finally:
            if ours:
                lock.release()

    def close(self, account: Account, refused: ShareError) -> None:
        """The server refused this account: no further logon for a while."""
        entry = self._entry(account)
        with self._lock:
            hold_s = self._hold_s * min(2**entry.refusals, _HOLD_GROWTH_MAX)
            entry.refusals = min(entry.refusals + 1, 30)
            entry.closed_until_s = time.monotonic() + hold_s
            entry.refused = refused

    def open(self, account: Account) -> None:
        """A logon succeeded: forget earlier refusals."""
        entry = self._entry(account)
        with self._lock:
            entry.closed_until_s, entry.refusals, entry.refused = 0.0, 0, None

    def _entry(self, account: Account) -> _Account:
        with self._lock:
            return self._accounts.setdefault(account, _Account())


SHARED = LogonGate()
