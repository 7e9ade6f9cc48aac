"""One at a time: the kiosk and `kiosk status` must not talk to one printer at once.

Owns the waiting for the lock file and for the other threads of this process. Must never delete the lock file: who
holds a deleted one locks nobody out.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_RETRY_S = 0.02


@contextmanager
def turn(threads: threading.Lock, lock: Path | None, wait_s: float) -> Iterator[bool]:
    """Whether it is our turn, which is then ours until the block ends; False when it did not come within `wait_s`."""
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
            yield _taken(descriptor, deadline)
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


def _taken(descriptor: int, deadline: float) -> bool:
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            pause.wait(_RETRY_S)
        except OSError:
            # A file system without locks: as without a lock file.
            return True
        else:
            return True
