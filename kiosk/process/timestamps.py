"""A timestamp that one process leaves in a file, and how old it is for another, whatever becomes of the clock.

The clock may be set back or ahead by an hour, by a time server or by hand; the seconds since the machine's start
(CLOCK_MONOTONIC) are the same for all its processes and only grow.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

_SINCE_START = "since_start_s"


def now() -> dict[str, float]:
    """What to leave, in seconds; `at` is for people and for programs of other versions."""
    return {"at": time.time(), _SINCE_START: time.monotonic()}


def age_s(left: Mapping[str, object]) -> float:
    """Seconds; endless for what was left before the machine's last start, or has no timestamp."""
    since_start_s, at = left.get(_SINCE_START), left.get("at")
    if isinstance(since_start_s, int | float):
        age = time.monotonic() - since_start_s
        return age if age >= 0 else math.inf
    # Of a program of the version before: a clock that was set back must not keep it fresh.
    return abs(time.time() - at) if isinstance(at, int | float) else math.inf
