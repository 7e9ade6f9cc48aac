"""A small file system of its own, for tests of a full disk. Only root can mount one; elsewhere the test is skipped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MB = 1_000_000


class SmallDisk:
    """`path`: where it is mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    @property
    def free(self) -> int:
        seen = os.statvfs(self.path)
        return seen.f_bavail * seen.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Until `leave` bytes are free; 0: until nothing more can be written."""
        with self._filler.open("ab") as filler, suppress(OSError):
            os.posix_fallocate(filler.fileno(), 0, os.fstat(filler.fileno()).st_size + self.free - leave)
        if leave:
            return
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True)

    def limit_inodes(self, used: int, left: int) -> None:
        """So many more files, and room for so many."""
        for number in range(used):
            (self.path / f"file-{number}").touch()
        seen = os.statvfs(self.path)
        self.remount(f"nr_inodes={seen.f_files - seen.f_ffree + left}")

    def empty(self) -> None:
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size_mb: int = 64) -> Iterator[SmallDisk]:
    """Mounted at `path`, which is made."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = f"size={size_mb * MB},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "kiosk-test", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)
