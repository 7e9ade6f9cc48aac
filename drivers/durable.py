"""Files that are whole, for whoever reads them and after a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_durably(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `file` so that after a power cut it is the old or the new one, whole. Raises OSError."""
    write_whole(file, content, mode, durable=True)
    sync_folder(file.parent)


def write_whole(file: Path, content: bytes, mode: int = 0o600, *, durable: bool = False) -> None:
    """Replace `file` so that whoever reads it finds the old or the new one, whole. One writer at a time.

    Raises OSError, and the file is the old one then. `durable`: its content is on the disk when this returns.
    """
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as out:
            os.fchmod(out.fileno(), mode)  # whatever the umask is
            out.write(content)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        part.replace(file)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def sync_file(file: Path) -> None:
    """Make the content of `file` durable. Raises OSError."""
    _sync(file, 0)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Raises OSError."""
    _sync(folder, os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
