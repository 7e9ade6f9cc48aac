"""A lock that processes take on an open file, with a deadline: flock(2) waits for ever or not at all."""

import fcntl
import time


def lock_within(descriptor: int, wait_s: float, retry_s: float = 0.02) -> bool:
    """Take the exclusive lock, held until the file is closed; False: somebody else had it for `wait_s`.

    Also between threads of one process, if each opened the file for itself. Raises OSError: the disk has no locks.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(retry_s)
        else:
            return True
