"""One at a time: a lock (flock) between the appliance's programs. The kernel releases it when its process ends."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.file_lock import lock_within


class Busy(Exception):
    """Another process or thread holds the lock."""


@contextmanager
def locked(file: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock of `file`, whose folder is made if need be. Raises Busy without `wait`, OSError."""
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not lock_within(descriptor, math.inf if wait else 0.0):
            raise Busy
        yield
    finally:
        os.close(descriptor)
