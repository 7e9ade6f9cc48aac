"""One at a time: the kiosk and `kiosk status` must not talk to one printer at once.

Owns the waiting for the lock file and for the other threads of this process. Must never delete the lock file: who
holds a deleted one locks nobody out.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drivers.file_lock import lock_within


@contextmanager
def exclusive(threads: threading.Lock, lock: Path | None, wait_s: float) -> Iterator[bool]:
    """Whether the printer is ours until the block ends; False when others had it for `wait_s`."""
    deadline = time.monotonic() + wait_s
    if not threads.acquire(timeout=wait_s):
        yield False
        return
    try:
        descriptor = _open(lock)
        if descriptor is None:
            yield True
            return
        try:
            ours = True
            with suppress(OSError):  # a file system without locks: as without a lock file
                ours = lock_within(descriptor, deadline - time.monotonic())
            yield ours
        finally:
            os.close(descriptor)
    finally:
        threads.release()


def _open(lock: Path | None) -> int | None:
    """The lock file; None without one, and when it cannot be made: a full disk must not cost the patient the slip."""
    if lock is None:
        return None
    with suppress(OSError):
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return None
