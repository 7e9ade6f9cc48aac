"""One courier and one reception per data folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from drivers.file_lock import lock_within
from kiosk.process.data_folder import DataFolder

WAIT_S = 10.0
_POLL_S = 0.1


class Held(Exception):
    """Another process has the lock; the message says which."""


class Unusable(Exception):
    """The data folder cannot be used; the message says which and why."""


class DataLock:
    """An exclusive lock that ends with the process, however it ends. `what`: `courier` or `run`."""

    def __init__(self, folder: Path, what: str, wait_s: float = WAIT_S) -> None:
        path = DataFolder(folder).lock(what)
        try:
            self._file: IO[str] = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise Unusable(f"{path} cannot be opened ({error.strerror}); check the data folder and its owner") from None
        if not lock_within(self._file.fileno(), wait_s, _POLL_S):
            holder = path.read_text(encoding="utf-8").strip() or "an unknown process"
            self._file.close()
            raise Held(
                f"{folder} is in use: {holder} holds {path.name}. "
                f"Only one `kiosk {what}` may work on a data folder; stop the other one first."
            )
        # By the descriptor: what a buffer could not write to a full disk would fail again at every close.
        with suppress(OSError):  # who holds it is only said to the next one; a full disk is no reason not to start
            self._file.truncate(0)
            os.write(self._file.fileno(), f"kiosk {what}, process {os.getpid()}\n".encode())

    def release(self) -> None:
        self._file.close()


def is_held(folder: Path, what: str) -> bool:
    """Whether a process has the lock now. Looks without taking it: /proc/locks names the file by device and inode."""
    try:
        stat = DataFolder(folder).lock(what).stat()
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return False
    device = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    return any(device in line.split() for line in locks.splitlines() if "FLOCK" in line)
