"""A folder of this machine (or mounted on it).

Owns the same promises as an SMB share, as far as a local folder can keep them: exclusive create, fsync of file and
folder, rename that never replaces. It cannot keep writers away while reading; `denies_writers` says so. Must never
follow a symbolic link to a file.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from drivers.share.address import FolderAddress
from drivers.share.failures import ShareError, failure
from drivers.share.folder_changes import FolderChanges, mount_of
from drivers.share.operations import ShareOperations
from drivers.share.protocol import Changes, Entry, SessionInfo, Share, folder_parts, name_fault, pattern_of

# O_NONBLOCK: a FIFO that somebody left there must not stop us for ever.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE = 0o600  # patient data; see _give_to_group
_RENAME_NOREPLACE = 1
_libc = ctypes.CDLL(None, use_errno=True)
_MEANINGS = {
    "local_in_use": {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN},
    "local_full": {errno.ENOSPC, errno.EDQUOT, errno.EFBIG},
    "disk_silent": {
        errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT,
    },
    "local_name_not_accepted": {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL},
}  # fmt: skip


class _OpenFile:
    """See `OpenedFile`. `name` in `folder`, open as `descriptor`."""

    def __init__(self, folder: int, name: str, descriptor: int, where: str) -> None:
        self._folder = folder
        self._where = where
        self.descriptor = descriptor
        self.name = name

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    @property
    def entry(self) -> Entry:
        return _entry(self.name, os.fstat(self.descriptor))

    def pieces(self, size: int) -> Iterator[bytes]:
        before, total = os.fstat(self.descriptor), 0
        while piece := os.read(self.descriptor, size):
            total += len(piece)
            yield piece
            if total > before.st_size:
                break
        after = os.fstat(self.descriptor)
        if total != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise failure("changed", self._where)

    def check_unchanged(self) -> None:
        """Busy unless the name still means this file: only by its name can it be renamed or deleted."""
        held, named = os.fstat(self.descriptor), os.stat(self.name, dir_fd=self._folder, follow_symlinks=False)
        if (held.st_dev, held.st_ino, held.st_size) != (named.st_dev, named.st_ino, named.st_size):
            raise failure("replaced", self._where)


class _NewFile(_OpenFile):
    """See `NewFile`."""

    def append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def flush(self) -> None:
        _give_to_group(self.descriptor, self._folder)
        os.fsync(self.descriptor)
        os.lseek(self.descriptor, 0, os.SEEK_SET)


class FolderShare(ShareOperations[int, _OpenFile]):
    """See `Share`. Made by `open_share`. Keeps nothing open between calls: the place of one is the open folder."""

    denies_writers = False

    def __init__(self, address: FolderAddress) -> None:
        self._address = address
        self._path = Path(address.path)

    @property
    def where(self) -> str:
        """file:///folder."""
        return self._address.where

    def reaches(self, other: Share) -> bool:
        """Both folders exist in one mount; on one disk they may be mounts of their own (systemd's ReadWritePaths)."""
        with suppress(OSError, ShareError):
            return isinstance(other, FolderShare) and self._mount() == other._mount()
        return False

    def _mount(self) -> str:
        with self._place() as folder:
            return mount_of(folder)

    def watch(self) -> Changes:
        """By inotify(7), where the disk is this machine's own."""
        with self._place() as folder:
            return FolderChanges(folder, self.where)

    def identity(self) -> str:
        """See `Share.identity`. Of a network's folder that is mounted here, other machines know another one."""
        machine = ""
        with suppress(OSError, UnicodeDecodeError):
            machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        with self._place() as folder:
            status = os.fstat(folder)
        return f"{machine}/{status.st_dev:x}/{status.st_ino:x}"

    def at(self, folder: str) -> "FolderShare":
        parts = folder_parts(folder, self.where)
        root = "/" if folder.startswith("/") else self._address.path
        return FolderShare(FolderAddress(PurePosixPath(root, *parts)))

    def session_info(self) -> SessionInfo:
        """A local folder is not signed or encrypted; it has our own clock."""
        with self._place():
            return SessionInfo(self.where, "folder", False, False, None)

    def drop(self) -> None:
        """Nothing is kept."""

    # --- the core -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _place(self) -> Iterator[int]:
        """The folder's descriptor; turns every OSError of the block into a ShareError."""
        try:
            folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._folder_fault(error) from None
        try:
            yield folder
        except OSError as error:
            raise self._fault(error) from None
        finally:
            os.close(folder)

    def _list(self, folder: int, pattern: str, limit: int) -> list[Entry]:
        """Symbolic links are not files."""
        wanted = pattern_of(pattern)
        found: list[Entry] = []
        with os.scandir(folder) as listing:
            for item in listing:
                if len(found) >= limit:
                    break
                if not wanted.fullmatch(item.name) or name_fault(item.name):
                    continue
                with suppress(FileNotFoundError):  # taken by somebody else in this moment
                    status = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        found.append(_entry(item.name, status))
        return found

    @contextmanager
    def _open(self, folder: int, name: str, *, change: bool = False) -> Iterator[_OpenFile]:
        """A local file is opened alike for both: nobody can be kept away from it."""
        descriptor = os.open(name, _READ, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise failure("not_a_file", self.where)
            yield _OpenFile(folder, name, descriptor, self.where)
        finally:
            os.close(descriptor)

    @contextmanager
    def _create(self, folder: int, name: str) -> Iterator[_NewFile]:
        descriptor = os.open(name, _CREATE, _FILE_MODE, dir_fd=folder)
        try:
            yield _NewFile(folder, name, descriptor, self.where)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(descriptor)
        os.fsync(folder)

    def _rename(self, folder: int, name: str, target: "FolderShare", new_name: str) -> None:
        with target._place() as goal:
            if target is not self:
                with self._open(folder, name) as file:
                    _give_to_group(file.descriptor, goal)
            self._rename_noreplace(folder, name, goal, new_name)

    def _rename_opened(self, folder: int, file: _OpenFile, target: "FolderShare", new_name: str) -> None:
        with target._place() as goal:
            file.check_unchanged()
            self._rename_noreplace(folder, file.name, goal, new_name)

    def _rename_noreplace(self, folder: int, name: str, goal: int, new_name: str) -> None:
        """renameat2(2), then both folders are synced."""
        ctypes.set_errno(0)
        if _libc.renameat2(folder, os.fsencode(name), goal, os.fsencode(new_name), _RENAME_NOREPLACE) == 0:
            os.fsync(goal)
            os.fsync(folder)
            return
        number = ctypes.get_errno()
        if number in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise failure("cannot_rename", self.where, errno=errno.errorcode[number])
        raise OSError(number, "rename")

    def _unlink(self, folder: int, name: str) -> None:
        os.unlink(name, dir_fd=folder)
        os.fsync(folder)

    def _unlink_opened(self, folder: int, file: _OpenFile) -> None:
        file.check_unchanged()
        self._unlink(folder, file.name)

    # --- what went wrong ----------------------------------------------------------------------------------------------

    def _folder_fault(self, error: OSError) -> ShareError:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return failure("local_folder_missing", self.where)
        return self._fault(error)

    def _fault(self, error: OSError) -> ShareError:
        """What an errno means. The error's own text is not repeated: it holds the file's name."""
        number = error.errno or 0
        if number == errno.ENOENT:
            # Only a folder that is still there can say that a file is not.
            return failure("no_such_file" if self._path.is_dir() else "local_folder_gone", self.where)
        if number == errno.EEXIST:
            return failure("name_taken", self.where)
        code = next((code for code, numbers in _MEANINGS.items() if number in numbers), "system_refused")
        return failure(code, self.where, errno=errno.errorcode.get(number, "unknown"))


def _entry(name: str, status: os.stat_result) -> Entry:
    stamp = f"{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_ino:x}"
    return Entry(name, status.st_size, stamp, status.st_mtime_ns)


def _give_to_group(file: int, folder: int) -> None:
    """What the folder's group may do in the folder, it may do with a file of ours; nobody else may anything.

    Whatever the process's umask: the receipt computer's program is another user. A file that is not of the folder's
    group (a folder without set-group-ID) stays ours alone: its group is the kiosk's own, and has no business there.
    """
    theirs, ours = os.fstat(folder), os.fstat(file)
    if theirs.st_gid == ours.st_gid:
        with suppress(PermissionError):  # not our file, or a disk that keeps no rights
            os.fchmod(file, 0o600 | theirs.st_mode & 0o060)
