"""Reading a file out of a folder that somebody else may write to, such as another service's, for whom root looks at it.

Owns how such a file is opened: what stands there may be a FIFO, which would keep its reader for ever, a link to what
the folder's user may not read himself, or a file without an end. Must never wait for another process, or follow a link
unless its caller says so.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

JSON_BYTES_MAX: Final = 64 * 1024


class NotAFile(OSError):
    """A folder, a FIFO or a device stands there."""


def opened(path: Path | str, *, follow: bool = False, folder: int | None = None) -> BinaryIO:
    """The plain file `path`, to be read. Raises OSError, NotAFile for what else stands there.

    `follow`: links are followed, for a name that an administrator chose. `folder`: as `dir_fd`.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=folder)
    try:
        # Asked of what was opened: a name can be given to something else in between.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFile(errno.EINVAL, "is not a file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read(path: Path, limit: int) -> bytes:
    """The first `limit` bytes. Raises OSError."""
    with opened(path) as file:
        return file.read(limit)


def tail(path: Path, limit: int) -> bytes:
    """The last `limit` bytes. Raises OSError."""
    with opened(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        return file.read(limit)


def json_of(path: Path, limit: int = JSON_BYTES_MAX) -> object:
    """What the JSON in the file says; None when it cannot be read, is none, or has more than `limit` bytes."""
    try:
        return json.loads(read(path, limit))
    except (OSError, ValueError, RecursionError):
        return None
