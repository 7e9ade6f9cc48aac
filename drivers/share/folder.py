"""A folder of this machine (or mounted on it).

Owns the same promises as an SMB share, as far as a local folder can keep them: exclusive create, fsync of file and
folder, rename that never replaces. It cannot keep writers away while reading; `denies_writers` says so. Must never
follow a symbolic link to a file.
"""

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from drivers.share.address import FolderAddress
from drivers.share.local import folder_identity, give_to_group, rename_noreplace, stamp
from drivers.share.protocol import (
    ENTRIES_MAX,
    Busy,
    Digest,
    Entry,
    Exists,
    Full,
    Missing,
    Refused,
    Share,
    ShareError,
    ShareFacts,
    TooLarge,
    Unfit,
    Unreachable,
    check_name,
    check_pattern,
    folder_parts,
    name_fault,
    pattern_of,
)

_CHUNK = 1 << 20
# O_NONBLOCK: a FIFO that somebody left there must not stop us for ever.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE = 0o600  # patient data; see give_to_group
_BUSY = {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_GONE = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT}
_UNFIT = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


class FolderShare:
    """See `Share`. Made by `open_share`. Keeps nothing open between calls."""

    denies_writers = False

    def __init__(self, address: FolderAddress) -> None:
        self._address = address
        self._path = Path(address.path)

    @property
    def where(self) -> str:
        """file:///folder."""
        return self._address.where

    def entries(self, pattern: str, limit: int = ENTRIES_MAX) -> list[Entry]:
        """See `Share.entries`. Symbolic links are not files."""
        check_pattern(pattern, self.where)
        wanted = pattern_of(pattern)
        found: list[Entry] = []
        with self._folder() as folder, os.scandir(folder) as listing:
            for item in listing:
                if len(found) >= limit:
                    break
                if not wanted.fullmatch(item.name) or name_fault(item.name):
                    continue
                with suppress(FileNotFoundError):  # taken by somebody else in this moment
                    facts = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode):
                        found.append(Entry(item.name, facts.st_size, stamp(facts), facts.st_mtime_ns))
        return found

    def read(self, name: str, limit: int) -> bytes:
        """See `Share.read`."""
        whole = bytearray()
        with self._folder() as folder, self._file(folder, name) as file:
            if os.fstat(file).st_size > limit:
                raise TooLarge(f"{self.where}: a file is larger than {limit} bytes.")
            for piece in self._pieces(file, _CHUNK):
                whole += piece
                if len(whole) > limit:
                    raise TooLarge(f"{self.where}: a file is larger than {limit} bytes.")
        return bytes(whole)

    def chunks(self, name: str, size: int = _CHUNK) -> Iterator[bytes]:
        """See `Share.chunks`."""
        if size < 1:
            raise ValueError("size must be at least 1")
        with self._folder() as folder, self._file(folder, name) as file:
            yield from self._pieces(file, size)

    def digest(self, name: str) -> Digest:
        """See `Share.digest`."""
        with self._folder() as folder, self._file(folder, name) as file:
            return self._digest(file)

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        """See `Share.put`. On a failure the unfinished file is deleted."""
        check_name(name, self.where)
        sha256, size = hashlib.sha256(), 0
        with self._folder() as folder:
            file = os.open(name, _CREATE, _FILE_MODE, dir_fd=folder)
            try:
                for chunk in chunks:
                    rest = memoryview(chunk)
                    while rest:
                        rest = rest[os.write(file, rest) :]
                    sha256.update(chunk)
                    size += len(chunk)
                give_to_group(file, folder)
                os.fsync(file)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
                raise
            finally:
                os.close(file)
            os.fsync(folder)
        return Digest(sha256.hexdigest(), size)

    def rename_new(self, name: str, new_name: str, into: Share | None = None) -> None:
        """renameat2 with RENAME_NOREPLACE, then both folders are synced."""
        target = self._target(new_name, into)
        with self._folder() as folder, target._folder() as goal:
            if target is not self:
                with self._file(folder, name) as file:
                    give_to_group(file, goal)
            self._rename(folder, name, goal, new_name)

    def move_same(self, name: str, digest: Digest, new_name: str, into: Share) -> bool:
        """See `Share.move_same`. The name is checked to be still that of the hashed file just before the rename."""
        target = self._target(new_name, into)
        with self._folder() as folder, target._folder() as goal, self._file(folder, name) as file:
            if not self._is_same(file, digest):
                return False
            self._check_unchanged(folder, name, file)
            self._rename(folder, name, goal, new_name)
        return True

    def delete_same(self, name: str, digest: Digest) -> bool:
        """See `Share.delete_same`. The name is checked to be still that of the hashed file just before."""
        with self._folder() as folder, self._file(folder, name) as file:
            if not self._is_same(file, digest):
                return False
            self._check_unchanged(folder, name, file)
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        return True

    def remove(self, name: str) -> None:
        """See `Share.remove`."""
        check_name(name, self.where)
        with self._folder() as folder:
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def reaches(self, other: Share) -> bool:
        """Both folders exist in one mount; on one disk they may be mounts of their own (systemd's ReadWritePaths)."""
        with suppress(OSError, ShareError):
            return isinstance(other, FolderShare) and self._mount() == other._mount()
        return False

    def _mount(self) -> str:
        with self._folder() as folder:  # proc(5): fdinfo
            facts = Path(f"/proc/self/fdinfo/{folder}").read_text(encoding="ascii")
        return next(line for line in facts.splitlines() if line.startswith("mnt_id:"))

    def same_place(self, other: Share) -> bool:
        """Sees through links and '..' when the folders exist."""
        return isinstance(other, FolderShare) and self._path.resolve() == other._path.resolve()

    def identity(self) -> str:
        """See `Share.identity`. Of a network's folder that is mounted here, other machines know another one."""
        with self._folder() as folder:
            return folder_identity(folder)

    def at(self, folder: str) -> "FolderShare":
        """See `Share.at`."""
        parts = folder_parts(folder, self.where)
        root = "/" if folder.startswith("/") else self._address.path
        return FolderShare(FolderAddress(PurePosixPath(root, *parts)))

    def facts(self) -> ShareFacts:
        """A local folder is not signed or encrypted; it has our own clock."""
        with self._folder():
            return ShareFacts(self.where, "folder", False, False, None)

    def drop(self) -> None:
        """Nothing is kept."""

    @contextmanager
    def _folder(self) -> Iterator[int]:
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

    @contextmanager
    def _file(self, folder: int, name: str) -> Iterator[int]:
        check_name(name, self.where)
        file = os.open(name, _READ, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise Refused(f"{self.where}: something that is no file stands where a file was expected.")
            yield file
        finally:
            os.close(file)

    def _pieces(self, file: int, size: int) -> Iterator[bytes]:
        before, total = os.fstat(file), 0
        while piece := os.read(file, size):
            total += len(piece)
            yield piece
            if total > before.st_size:
                break
        after = os.fstat(file)
        if total != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise Busy(f"{self.where}: a file changed while it was read. Try again.")

    def _digest(self, file: int) -> Digest:
        sha256, size = hashlib.sha256(), 0
        for piece in self._pieces(file, _CHUNK):
            sha256.update(piece)
            size += len(piece)
        return Digest(sha256.hexdigest(), size)

    def _is_same(self, file: int, digest: Digest) -> bool:
        return os.fstat(file).st_size == digest.size and self._digest(file) == digest

    def _check_unchanged(self, folder: int, name: str, file: int) -> None:
        held, named = os.fstat(file), os.stat(name, dir_fd=folder, follow_symlinks=False)
        if (held.st_dev, held.st_ino, held.st_size) != (named.st_dev, named.st_ino, named.st_size):
            raise Busy(f"{self.where}: a file was replaced while it was read. Try again.")

    def _target(self, new_name: str, into: Share | None) -> "FolderShare":
        check_name(new_name, self.where)
        if into is None:
            return self
        if not isinstance(into, FolderShare):
            raise ValueError("a rename cannot leave its disk")
        return into

    def _rename(self, folder: int, name: str, goal: int, new_name: str) -> None:
        check_name(name, self.where)
        if rename_noreplace(folder, name, goal, new_name):
            os.fsync(goal)
            os.fsync(folder)
            return
        number = ctypes.get_errno()
        if number in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise Refused(
                f"{self.where}: this disk cannot rename there without replacing ({errno.errorcode[number]}). "
                "Use one local disk for both folders."
            )
        raise OSError(number, "rename")

    def _folder_fault(self, error: OSError) -> ShareError:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Refused(f"{self.where}: the folder does not exist. Create it or correct the setting.")
        return self._fault(error)

    def _fault(self, error: OSError) -> ShareError:
        """What an errno means. The error's own text is not repeated: it holds the file's name."""
        number = error.errno or 0
        code = errno.errorcode.get(number, "unknown")
        table: tuple[tuple[set[int], Callable[[str], ShareError], str], ...] = (
            (_BUSY, Busy, "somebody else uses the file. Try again."),
            (_FULL, Full, "disk full or quota used up. Make room."),
            (_GONE, Unreachable, "the disk does not answer. Check it."),
            (_UNFIT, Unfit, "the name is not accepted."),
            ({errno.EEXIST}, Exists, "the name is taken; nothing was overwritten."),
        )
        if number == errno.ENOENT:
            # Only a folder that is still there can say that a file is not.
            if self._path.is_dir():
                return Missing(f"{self.where}: no such file.")
            return Refused(f"{self.where}: the folder has gone. Restore it.")
        for numbers, kind, text in table:
            if number in numbers:
                return kind(f"{self.where}: {text} ({code})")
        return Refused(f"{self.where}: the system refused ({code}). Check rights and disk.")
