"""A Unix socket at any path: a socket's own path may hold 107 bytes only, a data folder's is often longer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_path(socket: Path) -> Iterator[str]:
    """The same socket by way of its open folder. Raises OSError: the folder cannot be opened."""
    handle = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{socket.name}"
    finally:
        os.close(handle)
