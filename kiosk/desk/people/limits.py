"""How many log-ins may be tried, from one address and at all: each costs a core 50 ms. Pure but for its state."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

# All who begin at eight in the morning; and one PC that several share.
ALL_AT_ONCE: Final = 40
ALL_EVERY_S: Final = 2.0
ADDRESS_AT_ONCE: Final = 12
ADDRESS_EVERY_S: Final = 5.0
_ADDRESSES: Final = 1000


class LogInLimit:
    """Counts by address. `now`: seconds that never go back. Any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        # For each, when it will be full again: what is in the bucket follows from it.
        self._all = now()
        self._addresses: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """0: go ahead, this one was counted. Else the seconds until the next may be tried from `address`."""
        with self._lock:
            now = self._now()
            of_address = max(self._addresses.get(address, now), now)
            of_all = max(self._all, now)
            wait = max(
                of_address - now - (ADDRESS_AT_ONCE - 1) * ADDRESS_EVERY_S,
                of_all - now - (ALL_AT_ONCE - 1) * ALL_EVERY_S,
                0.0,
            )
            if wait:
                return wait
            self._all = of_all + ALL_EVERY_S
            self._addresses[address] = of_address + ADDRESS_EVERY_S
            self._addresses.move_to_end(address)
            while len(self._addresses) > _ADDRESSES:
                self._addresses.popitem(last=False)
            return 0.0
