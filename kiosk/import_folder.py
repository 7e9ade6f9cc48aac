"""The watched folder (`[reservations] import_dir`): a CSV export put there is imported and moved to done or failed.

Owns the way of such a file: seen twice unchanged → claimed (renamed to a hidden name, so that nobody replaces it while
it is read) → imported → marked → moved to `done/` or `failed/`, there with the time in front of its name and, when it
failed, a `.txt` beside it. The hidden name says how far it came, so that a start after a crash goes on from there.

Must never: lose a file, overwrite one, let an older export undo a newer one because of a retry, or raise because of
what is in the folder. Personal data stays in the files: messages hold line numbers and reasons.
"""

import contextlib
import errno
import os
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import MAX_BYTES, BadCsv, Parsed, read
from drivers.reservations.sqlite import Imported

SETTLE_S = 1.0
# A file without content is most likely one that is about to be written.
EMPTY_SETTLE_S = 30.0
RETRY_S = 5.0
_MAX_FILES_A_POLL = 5
_MAX_SAME_NAME = 1000
_MAX_LISTED = 10_000
_TAKEN, _DONE, _FAILED = ".kiosk-taken-", ".kiosk-done-", ".kiosk-failed-"
_MARK_CHARS = 9  # eight characters of a uuid and a hyphen
_MAX_NAME_BYTES = 180

Stamp = tuple[int, int, int]


class Importer(Protocol):
    """What the folder needs of a reservation system."""

    def import_rows(self, parsed: Parsed, progress: Callable[[int, int], None] = ...) -> Imported:
        """See SqliteReservations.import_rows."""
        ...


@dataclass(frozen=True)
class Taken:
    """A file came to its end: imported (`ok`) or refused. `name` is where it lies now, below the folder."""

    name: str = field(repr=False)
    rows: int
    days: int
    ok: bool
    message: str


@dataclass(frozen=True)
class Trouble:
    """Something keeps files from being taken; they stay where they are and are tried again. Given once per change."""

    message: str


@dataclass(frozen=True)
class _Seen:
    stamp: Stamp
    since: float


class ImportFolder:
    """Call `poll` every second or so, from one thread. `path` need not exist yet; it is not made."""

    def __init__(
        self, path: Path, importer: Importer, *, utc_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._path = path
        self._importer = importer
        self._utc_now = utc_now
        self._seen: dict[str, _Seen] = {}
        self._imported: dict[str, Taken] = {}
        self._told: set[str] = set()
        self._not_before = float("-inf")
        self.trouble: str | None = None

    def poll(self, now_monotonic: float) -> list[Taken | Trouble]:
        """Take what is ready; `now_monotonic` in seconds. Never raises for anything in or about the folder."""
        if now_monotonic < self._not_before:
            return []
        out: list[Taken | Trouble] = []
        trouble: str | None = None
        try:
            names = self._names()
            trouble = self._finish_marked(names, out)
            trouble = self._take_ready(names, now_monotonic, out) or trouble
        except OSError as error:
            trouble = f"the import folder: {_reason(error)}"
        except ReservationsDown as error:
            trouble = str(error)
        if trouble is not None:
            self._not_before = now_monotonic + RETRY_S
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble is not None:
                out.append(Trouble(trouble))
        return out

    def _names(self) -> list[str]:
        names: list[str] = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                ours = entry.name.startswith((_TAKEN, _DONE, _FAILED)) or not entry.name.startswith(".")
                # A symbolic link could lead anywhere; an export is a file.
                if ours and entry.name.lower().endswith(".csv") and entry.is_file(follow_symlinks=False):
                    names.append(entry.name)
                if len(names) >= _MAX_LISTED:
                    break
        return names

    # --- claimed files ------------------------------------------------------------------------------------------------

    def _finish_marked(self, names: Iterable[str], out: list[Taken | Trouble]) -> str | None:
        """Move away what was imported or refused before, by a process that crashed or when it could not be moved.

        A file that cannot be moved even now keeps nothing else from being imported.
        """
        trouble: str | None = None
        for name in sorted(names):
            if not name.startswith((_DONE, _FAILED)):
                continue
            ok = name.startswith(_DONE)
            try:
                where = self._put_away(name)
            except OSError as error:
                trouble = f"a file cannot be moved to {_folder_of(name)}: {_reason(error)}"
                continue
            if name not in self._told:
                out.append(Taken(where, 0, 0, ok, "imported before, moved now" if ok else "refused before, moved now"))
            self._told.discard(name)
        return trouble

    def _take_ready(self, names: Iterable[str], now: float, out: list[Taken | Trouble]) -> str | None:
        """Take settled files, the claimed first, then by age. What one file suffers does not stop the others."""
        trouble: str | None = None
        ready = self._settled([name for name in names if not name.startswith((_DONE, _FAILED))], now)
        for name in ready[:_MAX_FILES_A_POLL]:
            try:
                descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # taken away by whoever put it there
            except OSError as error:
                trouble = f"a file in the import folder: {_reason(error)}"
                continue
            with os.fdopen(descriptor, "rb") as stream:
                claimed = self._claim(name)
                try:
                    raw = stream.read(MAX_BYTES + 1)
                except OSError as error:
                    trouble = f"a file in the import folder: {_reason(error)}"
                    continue
                # Someone still writing into it: it has to settle again, under its hidden name.
                if _stamp(os.fstat(descriptor)) != self._seen[claimed].stamp:
                    continue
            trouble = self._import(claimed, raw, out) or trouble
        return trouble

    def _settled(self, names: list[str], now: float) -> list[str]:
        seen: dict[str, _Seen] = {}
        ready: list[tuple[bool, int, str]] = []
        for name in names:
            try:
                stamp = _stamp((self._path / name).lstat())
            except FileNotFoundError:
                continue
            before = self._seen.get(name)
            same = before is not None and before.stamp == stamp
            seen[name] = before if before is not None and same else _Seen(stamp, now)
            settle_s = SETTLE_S if stamp[0] else EMPTY_SETTLE_S
            if same and now - seen[name].since >= settle_s:
                ready.append((not name.startswith(_TAKEN), stamp[1], name))
        self._seen = seen
        return [name for _, _, name in sorted(ready)]

    def _claim(self, name: str) -> str:
        """The hidden name of the file, given to it now unless it has one already."""
        if name.startswith(_TAKEN):
            return name
        claimed = f"{_TAKEN}{uuid.uuid4().hex[:8]}-{_shortened(name)}"
        (self._path / name).rename(self._path / claimed)
        self._seen[claimed] = self._seen.pop(name)
        return claimed

    def _import(self, claimed: str, raw: bytes, out: list[Taken | Trouble]) -> str | None:
        """Import once; raises ReservationsDown and OSError (the file then stays claimed and is tried again)."""
        result = self._imported.get(claimed)
        if result is None:
            result = self._imported[claimed] = self._outcome(raw)
        if _stamp((self._path / claimed).lstat()) != self._seen[claimed].stamp:
            # A writer that had only paused: what was imported is not all of it. It settles and is imported again.
            del self._imported[claimed]
            return None
        # From here on the name says that it is imported: a crash cannot make it undo a newer export later.
        marked = (_DONE if result.ok else _FAILED) + claimed.removeprefix(_TAKEN)
        if not result.ok:
            self._explain(marked, result.message)
        (self._path / claimed).rename(self._path / marked)
        del self._imported[claimed]
        try:
            out.append(replace(result, name=self._put_away(marked)))
        except OSError as error:
            self._told.add(marked)
            out.append(replace(result, name=_printable(marked)))
            return f"a file cannot be moved to {_folder_of(marked)}: {_reason(error)}"
        return None

    def _outcome(self, raw: bytes) -> Taken:
        try:
            parsed = read(raw, name="file")
        except BadCsv as error:
            return Taken("", 0, 0, False, error.reason if error.line is None else f"line {error.line}: {error.reason}")
        done = self._importer.import_rows(parsed)
        if not done.rows:
            return Taken("", 0, 0, True, "no appointments in the file: nothing changed")
        return Taken("", done.rows, done.days, True, f"{done.rows} appointments of {done.days} days")

    # --- done and failed ----------------------------------------------------------------------------------------------

    def _explain(self, marked: str, message: str) -> None:
        """A note for staff beside the refused file. A full disk must not keep the file from being moved."""
        text = f"この予約ファイルは取り込めませんでした。予約は変更されていません。\n理由: {message}\n"
        with contextlib.suppress(OSError):
            self._note(marked).write_text(text, encoding="utf-8")

    def _note(self, marked: str) -> Path:
        return self._path / f"{marked}.txt"

    def _put_away(self, marked: str) -> str:
        """Move a marked file, and the note beside it, to its folder. Its name below the import folder."""
        folder = self._path / _folder_of(marked)
        folder.mkdir(exist_ok=True)
        original = marked.removeprefix(_DONE).removeprefix(_FAILED)[_MARK_CHARS:]
        stamp = self._utc_now().strftime("%Y%m%dT%H%M%SZ")
        target = _moved_new(self._path / marked, folder, stamp, original)
        if self._note(marked).is_file():
            self._note(marked).rename(target.with_name(f"{target.name}.txt"))
        return _printable(f"{folder.name}/{target.name}")


def _folder_of(marked: str) -> str:
    return "done" if marked.startswith(_DONE) else "failed"


def _moved_new(source: Path, folder: Path, stamp: str, name: str) -> Path:
    """Move `source` to `folder` as `stamp-name`, or `stamp-2-name` … when that is taken. Nothing is overwritten."""
    for attempt in range(1, _MAX_SAME_NAME):
        target = folder / (f"{stamp}-{name}" if attempt == 1 else f"{stamp}-{attempt}-{name}")
        if target.with_name(f"{target.name}.txt").exists():
            continue
        try:
            # The name is taken with an empty file of our own, which the rename then replaces: a plain rename would
            # replace anybody's file, and a hard link does not exist on every share.
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        try:
            return source.rename(target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _shortened(name: str) -> str:
    """`name`, if need be without its end, so that a mark and a time fit in front of it."""
    raw = os.fsencode(name)
    if len(raw) <= _MAX_NAME_BYTES:
        return name
    return raw[: _MAX_NAME_BYTES - 4].decode("utf-8", errors="ignore") + ".csv"


def _printable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", errors="replace")


def _reason(error: OSError) -> str:
    # Not str(error): that holds the file's name, which an export program may have made of anything.
    return os.strerror(error.errno) if error.errno is not None else "it failed"
