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
    status = os.fstat(folder)
    return f"{machine}/{status.st_dev:x}/{status.st_ino:x}"


def give_to_group(file: int, folder: int) -> None:
    """What the folder's group may do in the folder, it may do with a file of ours; nobody else may anything.

    Whatever the process's umask: the receipt computer's program is another user. A file that is not of the folder's
    group (a folder without set-group-ID) stays ours alone: its group is the kiosk's own, and has no business there.
    """
    theirs, ours = os.fstat(folder), os.fstat(file)
    if theirs.st_gid == ours.st_gid:
        with suppress(PermissionError):  # not our file, or a disk that keeps no rights
            os.fchmod(file, 0o600 | theirs.st_mode & 0o060)


def stamp(status: os.stat_result) -> str:
    """Differs when a file was written to, or is another one."""
    return f"{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_ino:x}"
