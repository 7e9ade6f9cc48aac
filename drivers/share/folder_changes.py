"""What changes in a folder of this machine, as the kernel reports it.

Owns one inotify(7) instance. Must never watch a disk that other machines change too: the kernel reports only what is
done through itself, and a caller would wait for files that came long ago.
"""

import ctypes
import errno
import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path

from drivers.share.failures import failure
from drivers.share.protocol import name_fault

# Written by this machine alone, whatever lies below.
_OWN_DISKS = frozenset(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "ramfs", "tmpfs", "vfat",
     "xfs", "zfs"}
)  # fmt: skip
# <sys/inotify.h>
_CLOSE_WRITE = 0x00000008
_MOVED_FROM = 0x00000040
_MOVED_TO = 0x00000080
_CREATE = 0x00000100  # a hard link is complete with it, and nothing else follows
_DELETE = 0x00000200
_DELETE_SELF = 0x00000400
_MOVE_SELF = 0x00000800
_UNMOUNT = 0x00002000
_Q_OVERFLOW = 0x00004000
_IGNORED = 0x00008000  # the watch has gone, of itself or because we ended it
_ONLYDIR = 0x01000000
_ISDIR = 0x40000000
# Not MODIFY: a file written in a hundred parts would wake us a hundred times.
_WATCHED = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _ONLYDIR
_GONE = _DELETE_SELF | _MOVE_SELF | _UNMOUNT | _IGNORED
_WRITTEN = _CLOSE_WRITE | _MOVED_TO
_EVENT = struct.Struct("=iIII")  # struct inotify_event less its name
_READ_MAX = 1 << 16
_libc = ctypes.CDLL(None, use_errno=True)


class FolderChanges:
    """See `Changes`. `folder`: an open descriptor, needed only while this is made."""

    def __init__(self, folder: int, where: str) -> None:
        self._where = where
        filesystem = _filesystem(mount_of(folder))
        if filesystem not in _OWN_DISKS:
            raise failure("no_notices_from_disk", where, filesystem=filesystem)
        self._ended = ""
        self._closing = threading.Lock()
        self._reading = threading.Lock()
        self._notices, self._watch = self._watched(folder)

    def _watched(self, folder: int) -> tuple[int, int]:
        notices = int(_libc.inotify_init1(os.O_CLOEXEC))
        # By the descriptor: whatever has the folder's name by now, this is the one that was opened.
        path = f"/proc/self/fd/{folder}".encode()
        if notices >= 0 and (watch := int(_libc.inotify_add_watch(notices, path, _WATCHED))) >= 0:
            return notices, watch
        number = ctypes.get_errno()
        if notices >= 0:
            os.close(notices)
        raise failure("no_notices_from_system", self._where, errno=errno.errorcode.get(number, "unknown"))

    def next(self) -> Mapping[str, bool] | None:
        with self._reading:
            names: Mapping[str, bool] | None = {}
            while names is not None and not names:
                names = self._read()
            return names

    def close(self) -> None:
        with self._closing:
            if self._ended == "connection_dropped":
                return
            self._ended = "connection_dropped"
            # Wakes the reader, with IGNORED; or the queue is full, and then it does not sleep.
            _libc.inotify_rm_watch(self._notices, self._watch)
            with self._reading:
                os.close(self._notices)

    def _read(self) -> Mapping[str, bool] | None:
        events = [] if self._ended else _events(os.read(self._notices, _READ_MAX))
        if any(mask & _GONE for mask, _ in events):
            self._ended = self._ended or "local_folder_gone"
        if self._ended:
            raise failure(self._ended, self._where)
        if any(mask & _Q_OVERFLOW for mask, _ in events):
            return None
        names: dict[str, bool] = {}
        for mask, name in events:
            if not mask & _ISDIR and not name_fault(name):
                names[name] = bool(mask & _WRITTEN) or names.get(name, False)
        return names


def _events(answer: bytes) -> list[tuple[int, str]]:
    events: list[tuple[int, str]] = []
    offset = 0
    while offset < len(answer):
        _, mask, _, length = _EVENT.unpack_from(answer, offset)
        offset += _EVENT.size
        events.append((mask, os.fsdecode(answer[offset : offset + length].rstrip(b"\0"))))
        offset += length
    return events


def mount_of(folder: int) -> str:
    """The number of the mount in which an open folder lies; proc(5), fdinfo."""
    fdinfo = Path(f"/proc/self/fdinfo/{folder}").read_text(encoding="ascii")
    return next(line.split()[1] for line in fdinfo.splitlines() if line.startswith("mnt_id:"))


def _filesystem(mount: str) -> str:
    """The kind of a mount, such as "ext4"; "unknown" when the system does not say. proc(5), mountinfo."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(" ")
        if fields[0] == mount:
            return fields[fields.index("-") + 1]
    return "unknown"
