"""Files of ours in folders that others may write to: what somebody planted there is never followed, waited for or kept.

Owns how such a file is made (whatever has its name is taken away first, then it is created and nothing else is opened)
and which rights it has; safe_files reads them. Must never open a file for writing that it did not create, but a log
that is a plain file with one name.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path, mode: int) -> int:
    """A new file in place of whatever has the name, with exactly these rights; its descriptor, for writing."""
    with suppress(FileNotFoundError):
        path.unlink()
    file = os.open(path, _CREATE, mode)
    os.fchmod(file, mode)  # whatever the umask is
    return file


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Create `path` as above with `content`, on the disk when this returns."""
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
