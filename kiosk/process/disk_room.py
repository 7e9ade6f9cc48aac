"""Whether a folder of the kiosk still has room: `disk_low` while there is time to make some, `disk_full` when not.

Each process checks the folder it writes to (`DiskRoom`), by what is free and by its own writes that failed; `kiosk
status` looks for itself (`now`), because a process on a full disk cannot write down what it knows. Must never raise.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, get_args

DiskTrouble = Literal["disk_low", "disk_full"]
DISK_TROUBLES: Final[tuple[DiskTrouble, ...]] = get_args(DiskTrouble)

# A day's most: an export of 32 MiB becomes some 100 MB of database, with its rollback journal and a copy each night,
# and 30 MB of event logs. Of a large disk not the usual 5 %: 50 GB free are no trouble.
_LOW_MIN: Final = 200_000_000
_LOW_MAX: Final = 1_000_000_000
_LOW_SHARE: Final = 0.05
_LOW_OF_A_SMALL_DISK: Final = 0.25  # else one that was made small would be low from its first day
# A database may need a page here and there and its journal; below this one write succeeds and the next does not.
_FULL: Final = 4_000_000
_INODES_LOW, _INODES_FULL = 500, 20
_OVER: Final = 1.25
_FAILED_LATELY_S: Final = 15.0  # the reception writes what it sees every ten


class DiskRoom:
    """One folder, checked again and again. `write_failed` may be called by any thread, `check` by one."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._failed_at: float | None = None
        self._now: DiskTrouble | None = None

    def write_failed(self) -> None:
        """A write that should have gone well did not."""
        self._failed_at = self._clock()

    def check(self) -> dict[DiskTrouble, str]:
        """What is wrong, if anything, with the `what` of the trouble, which stays the same as long as it is."""
        failed = self._failed_at is not None and self._clock() - self._failed_at < _FAILED_LATELY_S
        self._now = "disk_full" if failed or _is_read_only(self._folder) else now(self._folder, self._now)
        return {self._now: way_out(self._folder)} if self._now else {}


def way_out(folder: Path) -> str:
    """For people, as `what` of the trouble."""
    return f"make room on the disk of {folder}"


def _is_read_only(folder: Path) -> bool:
    """A file system that found a fault in itself. Of one's own folder only: walls may show it so to other services."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def now(folder: Path, before: DiskTrouble | None = None) -> DiskTrouble | None:
    """What is wrong at this moment, by what is free alone; None also for a folder that cannot be asked.

    `before`: what was wrong before; it is over only when there is clearly more room.
    """
    try:
        seen = os.statvfs(folder)
    except OSError:
        return None
    free, size = seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize
    # A file system that makes inodes as it needs them says 0 of them in all.
    inodes = seen.f_favail if seen.f_files else _INODES_LOW * 2
    low = min(max(_LOW_MIN, min(size * _LOW_SHARE, _LOW_MAX)), size * _LOW_OF_A_SMALL_DISK)
    full_below, low_below = (_OVER if before == "disk_full" else 1.0), (_OVER if before else 1.0)
    if free < _FULL * full_below or inodes < _INODES_FULL * full_below:
        return "disk_full"
    if free < low * low_below or inodes < _INODES_LOW * low_below:
        return "disk_low"
    return None
