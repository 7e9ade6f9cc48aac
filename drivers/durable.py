"""Files that are whole after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `file` so that after a power cut it is the old or the new one, whole. Raises OSError."""
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as out:
        os.fchmod(out.fileno(), mode)  # whatever the umask is
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
