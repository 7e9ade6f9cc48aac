"""Files in folders that somebody else may write to, such as another service's: read there, or made there by us.

Owns how such a file is opened: what stands there may be a FIFO, which would keep its reader for ever, a link to what
the folder's user may not read himself, or a file without an end. And how one of ours is made: whatever has its name is
taken away first, then it is created and nothing else is opened. Must never wait for another process, follow a link
unless its caller says so, or open a file for writing that it did not create, but a log that is a plain file with one
name.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

JSON_BYTES_MAX: Final = 64 * 1024
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


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


def create(path: Path, mode: int) -> int:
    """A new file in place of whatever has the name, with exactly these rights; its descriptor, for writing."""
    with suppress(FileNotFoundError):
        path.unlink()
    file = os.open(path, _CREATE, mode)
    os.fchmod(file, mode)  # whatever the umask is
    return file


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Create `path` as `create` does with `content`, on the disk when this returns."""
    with os.fdopen(create(path, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def open_log(path: Path, mode: int) -> int:
    """A log to append to: the one that is there if it is a plain file with one name, else a new one in its place."""
    with suppress(OSError):
        file = os.open(path, _APPEND)
        opened = os.fstat(file)
        if stat.S_ISREG(opened.st_mode) and opened.st_nlink == 1:
            return file
        os.close(file)
    return create(path, mode)


def sub_folder(parent: Path, name: str, mode: int | None) -> int:
    """The descriptor of a folder in `parent`. Raises OSError, also for a link.

    `mode`: make it with these rights if it is not there; None: it is not made.
    """
    made = False
    if mode is not None:
        with suppress(FileExistsError):
            (parent / name).mkdir(mode=mode)
            made = True
    folder = os.open(parent / name, _FOLDER)
    if made and mode is not None:
        # Whatever the umask is. Without the bit that hands the group on (setgid), which the service may not set.
        os.fchmod(folder, mode)
    return folder
