"""How the C library keeps memory that Python has freed, of the whole process. For one with large texts in threads.

Source: mallopt(3) of glibc. Another C library has no such switch, and keeps what it keeps.
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_LARGE: Final = 128 << 10


def give_back_what_is_free() -> None:
    """Large blocks go back to the system at once, and threads share one heap.

    By itself glibc keeps a heap for each thread, and after the first freed block of some MB it takes blocks of that
    size from these heaps, which then never shrink.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _LARGE)
