"""A folder that only its owner looks into, made or closed.

Must never open a folder to anybody, and never close somebody else's by force: what is inside says what is missing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


class Strange(OSError):
    """There is something else of that name, or a folder of another user that anybody could have put there."""


def make(folder: Path, mode_max: int = 0o700, *, own: bool = False) -> bool:
    """Make `folder` where it is not there, and take away what of its mode is beyond `mode_max`. True: there was more.

    `own`: for places where anybody may make a folder (/dev/shm): it must be this user's, and no link. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat() if own else folder.stat()
    if own and (not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid()):
        raise Strange(0, "it is another user's")
    too_much = 0o077 & ~mode_max
    if not found.st_mode & too_much:
        return False
    with suppress(PermissionError):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~too_much)
    return True
