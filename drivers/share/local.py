"""Folders of this machine: what the standard library lacks."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_RENAME_NOREPLACE = 1
_libc = ctypes.CDLL(None, use_errno=True)


def rename_noreplace(folder: int, name: str, goal: int, new_name: str) -> bool:
    """renameat2(2). On False ctypes.get_errno() tells why."""
    ctypes.set_errno(0)
    return bool(_libc.renameat2(folder, os.fsencode(name), goal, os.fsencode(new_name), _RENAME_NOREPLACE) == 0)


def folder_identity(folder: int) -> str:
    """Machine, disk and inode of an open folder."""
    machine = ""
    with suppress(OSError, UnicodeDecodeError):
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    facts = os.fstat(folder)
    return f"{machine}/{facts.st_dev:x}/{facts.st_ino:x}"
