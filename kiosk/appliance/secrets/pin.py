"""The technician's PIN: what is wrong with a new one, and the session after the right one.

Owns the session key. Its record and the tries are as those of all people: `process.secret_hash`, `process.tries`. Must
never log, return or store a PIN.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from kiosk.process import pins
from kiosk.words.problems import Problem

KEY_S: Final = 60.0


def fault(pin: str) -> Problem | None:
    """What is wrong with `pin` as a new PIN, or None. Never repeats it."""
    if not pins.fits(pin):
        return Problem("new_pin.digits", {"least": pins.MIN_DIGITS, "most": pins.MAX_DIGITS})
    if pins.is_weak(pin):
        return Problem("new_pin.weak")
    return None


class Session:
    """One technician at a time: a key that is good for KEY_S after its last use. `now`: seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._key: str | None = None
        self._until = 0.0

    def begin(self) -> str:
        """A new key; the previous one is invalid from now on."""
        self._key = secrets.token_hex(16)
        self._until = self._now() + KEY_S
        return self._key

    def use(self, key: object) -> bool:
        """Whether `key` is good; then it stays good for KEY_S from now."""
        if self._key is None or not isinstance(key, str) or self._now() > self._until:
            return False
        if not hmac.compare_digest(key.encode("utf-8", "replace"), self._key.encode()):
            return False
        self._until = self._now() + KEY_S
        return True

    def renew(self) -> None:
        """A long request of this session has just ended: KEY_S counts from now."""
        self._until = self._now() + KEY_S

    def end(self) -> None:
        """End the session."""
        self._key = None
