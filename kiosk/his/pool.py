"""One adapter for several threads: each call borrows an instance of its own, so that a patient waits behind nobody.

Owns the instances. Must never lend one to two threads, or keep more of them open than a moment needed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from drivers.reservations import Trouble
from drivers.reservations.asking import Asking
from drivers.reservations.ports import Ability, Subscription, SystemOfRecord

T = TypeVar("T", bound=SystemOfRecord)
IDLE_MAX: Final = 2
AT_ONCE_MAX: Final = 8


class Pool(Asking, Generic[T]):
    """Every call of the role that `opened()` makes an instance of. At most AT_ONCE_MAX calls at a time; who does not
    get a place before its `until` is answered Trouble("busy").
    """

    def __init__(self, opened: Callable[[], T]) -> None:
        self._opened = opened
        self._idle = [opened()]
        self._lock = threading.Lock()
        self._places = threading.Semaphore(AT_ONCE_MAX)

    @property
    def ability(self) -> Ability:
        """Of each of them."""
        instance = self._borrowed()
        try:
            return instance.ability
        finally:
            self._give_back(instance)

    def _ask(self, name: str, until: float, **parts: Any) -> Any:
        if not self._places.acquire(timeout=max(0.0, until - time.monotonic())):
            return Trouble("busy", "too many calls at a time")
        try:
            instance = self._borrowed()
            try:
                return getattr(instance, name)(**parts, until=until)
            finally:
                self._give_back(instance)
        finally:
            self._places.release()

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """See Reservations.follow: by an instance of its own."""
        instance: Any = self._opened()
        subscription: Subscription = instance.follow(changed, answers)
        return subscription

    def close(self) -> None:
        """Close those that nobody has."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _borrowed(self) -> T:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._opened()

    def _give_back(self, instance: T) -> None:
        with self._lock:
            keep = len(self._idle) < IDLE_MAX
            if keep:
                self._idle.append(instance)
        if not keep:
            instance.close()
