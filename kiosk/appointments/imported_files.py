"""Where exports of the import folder go in the end: `done/` and `failed/`.

Owns the names there (the time in front, so that nothing is overwritten), and for a while what each file was like when
it was put away: a writer that still has it open writes on in it, and then it is to be imported again. After a restart
the file system knows the same: writing sets both its times at once, the move to this place only the later one.

Must never follow a link to another folder, or overwrite a file.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from kiosk.appointments import hidden_names
from kiosk.process import safe_files

DONE, FAILED = "done", "failed"
# How long a writer that still has a file open is thought of, and how many files are.
LOOK_AGAIN_S: Final = 3600.0
# A file that was put away longer ago than this says nothing of the one that comes next.
_LATELY_S: Final = 7 * 86_400.0
_OF_A_SECOND: Final = 20
_LOOKED_AT_MAX: Final = 1_000
_MAX_SAME_NAME: Final = 1_000
_PUT_AWAY: Final = re.compile(r"\d{8}T\d{6}Z-(.*)", re.DOTALL)
# The group may read why a file was refused; only the reception adds and takes away.
_FOLDER_MODE: Final = 0o750
NOTE_MODE: Final = 0o640

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _Kept:
    # None: it was written to before we saw it here.
    stamp: Stamp | None
    original: str
    until: float


class Shelf:
    """`done/` and `failed/` below `path`. One thread."""

    def __init__(self, path: Path, utc_now: Callable[[], datetime]) -> None:
        self._path = path
        self._utc_now = utc_now
        self._kept: dict[tuple[str, str], _Kept] = {}

    def put_away(self, marked: str, where: str, original: str, now: float) -> str:
        """Move `marked`, and the note beside it, to the folder `where`. Its name below the import folder."""
        with self._folder(where, make=True) as folder:
            prefix = self._utc_now().strftime("%Y%m%dT%H%M%SZ")
            stamp = stamp_of((self._path / marked).lstat())
            name = _moved_new(self._path / marked, folder, prefix, original)
            note = f"{marked}.txt"
            with suppress(FileNotFoundError):
                os.rename(self._path / note, f"{name}.txt", dst_dir_fd=folder)
        self._kept[where, name] = _Kept(stamp, original, now + LOOK_AGAIN_S)
        while len(self._kept) > _LOOKED_AT_MAX:
            del self._kept[next(iter(self._kept))]
        return os.fsencode(f"{where}/{name}").decode("utf-8", errors="replace")

    def look(self, now: float) -> None:
        """Once after a start: think of what was put away lately, before it."""
        lately = time.time() - LOOK_AGAIN_S
        for where in (DONE, FAILED):
            with suppress(OSError), self._folder(where) as folder:
                for name in sorted(_names(folder), reverse=True)[:_LOOKED_AT_MAX]:
                    found = _PUT_AWAY.fullmatch(name)
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if found is None or not _is_csv(name) or status.st_ctime < lately:
                        continue
                    written_here = status.st_ctime_ns == status.st_mtime_ns
                    stamp = None if written_here else stamp_of(status)
                    self._kept[where, name] = _Kept(stamp, found[1], now + LOOK_AGAIN_S)

    def take_back(self, now: float) -> None:
        """Put what was written to since into the import folder again, as files that are taken."""
        for (where, name), kept in list(self._kept.items()):
            with suppress(OSError), self._folder(where) as folder:
                status = self._status(folder, name)
                if status is None or now >= kept.until:
                    del self._kept[where, name]
                elif stamp_of(status) != kept.stamp:
                    taken = self._path / hidden_names.taken(kept.original, again=True)
                    os.rename(name, taken, src_dir_fd=folder)
                    del self._kept[where, name]
                    with suppress(FileNotFoundError):
                        os.unlink(f"{name}.txt", dir_fd=folder)

    def newest_done(self) -> BinaryIO | None:
        """The export that was imported last, if that was lately. Raises OSError."""
        with suppress(FileNotFoundError), self._folder(DONE) as folder:
            name, _ = self._newest(folder)
            return safe_files.opened(name, folder=folder) if name else None
        return None

    def last_was_refused(self) -> bool:
        """Whether the last export was refused, and that was lately. Raises OSError."""
        at = {DONE: 0, FAILED: 0}
        for where in at:
            with suppress(FileNotFoundError), self._folder(where) as folder:
                at[where] = self._newest(folder)[1]
        return at[FAILED] > at[DONE]

    def _newest(self, folder: int) -> tuple[str, int]:
        """The file that was put away last, and when; nothing, if that was long ago."""
        names = sorted((name for name in _names(folder) if _PUT_AWAY.fullmatch(name) and _is_csv(name)), reverse=True)
        # Those of one second are in no order.
        found = [(status.st_ctime_ns, name) for name in names[:_OF_A_SECOND] if (status := self._status(folder, name))]
        at, name = max(found, default=(0, ""))
        return (name, at) if time.time() - at / 1e9 <= _LATELY_S else ("", 0)

    @contextmanager
    def _folder(self, where: str, *, make: bool = False) -> Iterator[int]:
        """Held open, so that nobody puts a link in its place meanwhile."""
        folder = safe_files.sub_folder(self._path, where, _FOLDER_MODE if make else None)
        try:
            yield folder
        finally:
            os.close(folder)

    @staticmethod
    def _status(folder: int, name: str) -> os.stat_result | None:
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return status if stat.S_ISREG(status.st_mode) else None


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def stamp_of(status: os.stat_result) -> Stamp:
    """Differs when a file was written to, or is another one."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def _moved_new(source: Path, folder: int, prefix: str, name: str) -> str:
    """Move `source` to `folder` as `prefix-name`, or `prefix-2-name` … when that is taken. Nothing is overwritten."""
    for attempt in range(1, _MAX_SAME_NAME):
        target = f"{prefix}-{name}" if attempt == 1 else f"{prefix}-{attempt}-{name}"
        try:
            os.stat(f"{target}.txt", dir_fd=folder, follow_symlinks=False)
            continue
        except FileNotFoundError:
            pass
        try:
            # The name is taken with an empty file of our own, which the rename then replaces: a plain rename would
            # replace anybody's file, and a hard link does not exist on every share.
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(target, flags, 0o600, dir_fd=folder))
        except FileExistsError:
            continue
        try:
            os.rename(source, target, dst_dir_fd=folder)
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(target, dir_fd=folder)
            raise
        return target
    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
