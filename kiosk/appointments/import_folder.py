"""The watched folder (`[reservations] import_dir`): a CSV export put there is imported and moved to done or failed.

Owns the way of such a file: quiet for some seconds and ended by a line end → claimed (renamed to a hidden name, so that
nobody replaces it while it is read) → imported → marked → moved to `done/` or `failed/` (`Shelf`), where a failed
one has a `.txt` beside it. The hidden name says how far it came, so that a start after a crash goes on from there. What
is written to after all, because its writer had only paused, is imported again.

Must never: lose a file, overwrite one, let an older export undo a newer one because of a retry, wait for what somebody
planted, or raise because of what is in the folder. Personal data stays in the files: messages hold line numbers and
reasons.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from drivers.reservations import ReservationsDown
from kiosk.appointments import hidden_names
from kiosk.appointments.answers import CATALOGUE
from kiosk.appointments.import_child import Outcome
from kiosk.appointments.imported_files import DONE, FAILED, NOTE_MODE, Shelf, Stamp, stamp_of
from kiosk.appointments.importer import BrokenOff
from kiosk.process import safe_files
from kiosk.words.problems import Problem, in_english, in_japanese, word

RETRY_S = 5.0
_MAX_FILES_A_POLL = 5
_MAX_LISTED = 10_000
_MARKED: Final = (hidden_names.DONE, hidden_names.FAILED)
QUIET_S: Final = 10.0
# A file without content is most likely one that is about to be written.
EMPTY_S: Final = 30.0
UNENDED_S: Final = 30.0
# Where the last line end is optional: such a file is taken, so it gets more time.
UNENDED_TAKEN_S: Final = 60.0

UNENDED = Problem("imports.unended")
UNENDED_BEFORE = Problem("imports.last_unended")
REFUSED_BEFORE = Problem("imports.last_refused")
BROKEN_OFF = Problem("imports.broken_off")


class Imports(Protocol):
    """What the folder needs of an importer."""

    def import_file(self, file: int, *, again: bool) -> Outcome:
        """See importer.Importer."""
        ...


@dataclass(frozen=True)
class Taken:
    """A file came to its end: imported (`ok`) or refused. `name` is where it lies now, below the folder."""

    name: str = field(repr=False)
    rows: int
    days: int
    ok: bool
    reason: Problem


@dataclass(frozen=True)
class Trouble:
    """Something keeps files from being taken; they stay where they are and are tried again. Given once per change."""

    reason: Problem


class ImportFolder:
    """Call `poll` every second or so, from one thread. `path` need not exist yet; it is not made.

    `unended_taken`: a file whose last line has no end is taken after a longer wait instead of refused.
    """

    def __init__(
        self,
        path: Path,
        importer: Imports,
        *,
        unended_taken: bool = False,
        quiet_s: float = QUIET_S,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = path
        self._importer = importer
        self._unended_taken = unended_taken
        self._quiet = Quiet(path, quiet_s, unended_taken=unended_taken)
        self._shelf = Shelf(path, utc_now)
        self._imported: dict[str, Outcome] = {}
        self._reported: set[str] = set()
        self._not_before = float("-inf")
        self._looked = False
        self.trouble: Problem | None = None
        # Until a good file comes: the last one was refused before our start, or the next one will be, after an update.
        self.warning: Problem | None = None

    def poll(self, now_monotonic: float) -> list[Taken | Trouble]:
        """Take what is ready; `now_monotonic` in seconds. Never raises for anything in or about the folder."""
        if now_monotonic < self._not_before:
            return []
        out: list[Taken | Trouble] = []
        trouble: Problem | None = None
        try:
            names = self._names()
            self._look_at_what_was_put_away(now_monotonic)
            trouble = self._finish_marked(names, now_monotonic, out)
            trouble = self._take_ready(names, now_monotonic, out) or trouble
        except OSError as error:
            trouble = _of_folder(error)
        except ReservationsDown as error:
            trouble = Problem("database.down", {"what": str(error)})
        if trouble is not None:
            self._not_before = now_monotonic + RETRY_S
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble is not None:
                out.append(Trouble(trouble))
        return out

    def _look_at_what_was_put_away(self, now: float) -> None:
        if not self._looked:
            self._looked = True
            self._shelf.look(now)
            with contextlib.suppress(OSError):
                self.warning = self._warning()
        self._shelf.take_back(now)

    def _warning(self) -> Problem | None:
        if self._shelf.last_was_refused():
            return REFUSED_BEFORE
        last = None if self._unended_taken else self._shelf.newest_done()
        if last is None:
            return None
        with last:
            return UNENDED_BEFORE if unended(last.fileno()) else None

    def _names(self) -> list[str]:
        names: list[str] = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                ours = not entry.name.startswith(".") or hidden_names.is_ours(entry.name)
                # A symbolic link could lead anywhere; an export is a file.
                if ours and entry.name.lower().endswith(".csv") and entry.is_file(follow_symlinks=False):
                    names.append(entry.name)
                if len(names) >= _MAX_LISTED:
                    break
        return names

    # --- claimed files ------------------------------------------------------------------------------------------------

    def _finish_marked(self, names: Iterable[str], now: float, out: list[Taken | Trouble]) -> Problem | None:
        """Move away what was imported or refused before, by a process that crashed or when it could not be moved.

        A file that cannot be moved even now keeps nothing else from being imported.
        """
        trouble: Problem | None = None
        for name in sorted(names):
            if not name.startswith(_MARKED):
                continue
            ok = name.startswith(hidden_names.DONE)
            try:
                where = self._put_away(name, now)
            except OSError as error:
                trouble = _not_moved(name, error)
                continue
            if name not in self._reported:
                out.append(Taken(where, 0, 0, ok, Problem(f"imports.{'imported' if ok else 'refused'}_before")))
            self._reported.discard(name)
        return trouble

    def _take_ready(self, names: Iterable[str], now: float, out: list[Taken | Trouble]) -> Problem | None:
        """Take quiet files, the claimed first, then by age. What one file suffers does not stop the others."""
        trouble: Problem | None = None
        taken = 0
        ready = self._quiet.look((name for name in names if not name.startswith(_MARKED)), now)
        for name in sorted(ready, key=lambda name: not name.startswith(hidden_names.TAKEN)):
            if taken >= _MAX_FILES_A_POLL:
                break
            try:
                file = safe_files.opened(self._path / name)
            except FileNotFoundError:
                continue  # taken away by whoever put it there
            except OSError as error:
                trouble = Problem("imports.file", {"why": _why(error)})
                continue
            taken += 1
            with file:
                try:
                    claimed = name
                    if not name.startswith(hidden_names.TAKEN):
                        claimed = self._renamed(name, hidden_names.taken(name))
                    trouble = self._import(claimed, file.fileno(), now, out) or trouble
                except OSError as error:
                    trouble = _of_folder(error)
        return trouble

    def _renamed(self, name: str, new_name: str) -> str:
        (self._path / name).rename(self._path / new_name)
        self._quiet.renamed(name, new_name)
        return new_name

    def _import(self, claimed: str, file: int, now: float, out: list[Taken | Trouble]) -> Problem | None:
        """Import once; raises ReservationsDown and OSError (the file then stays claimed and is tried again)."""
        seen = self._quiet.stamp(claimed)
        result = self._imported.get(claimed)
        if result is None:
            # Someone still writing into it, or another file: it has to be quiet again, under its hidden name.
            if stamp_of(os.fstat(file)) != seen:
                return None
            claimed, result = self._outcome(claimed, file)
            if result is None:
                return None
            self._imported[claimed] = result
        if stamp_of((self._path / claimed).lstat()) != seen:
            # A writer that had only paused: what was imported is not all of it. It is imported again.
            del self._imported[claimed]
            self._renamed(claimed, hidden_names.taken(hidden_names.original(claimed), again=True))
            return None
        # From here on the name says that it is imported: a crash cannot make it undo a newer export later.
        marked = (hidden_names.DONE if result.ok else hidden_names.FAILED) + claimed.removeprefix(hidden_names.TAKEN)
        if not result.ok:
            self._explain(marked, result.reason)
        (self._path / claimed).rename(self._path / marked)
        del self._imported[claimed]
        if result.ok:
            self.warning = None
        where = os.fsencode(marked).decode("utf-8", errors="replace")
        trouble: Problem | None = None
        try:
            where = self._put_away(marked, now)
        except OSError as error:
            self._reported.add(marked)
            trouble = _not_moved(marked, error)
        out.append(Taken(where, result.rows, result.days, result.ok, result.reason))
        return trouble

    def _outcome(self, claimed: str, file: int) -> tuple[str, Outcome | None]:
        """Its name now, and what became of it; None: the import broke off, and is to be tried once more.

        The name has how often an import was begun that did not end, be it by the child's end or by our own.
        """
        if not self._unended_taken and unended(file):
            return claimed, Outcome(False, UNENDED)
        if hidden_names.begun(claimed) == hidden_names.BEGUN_MAX:
            return claimed, Outcome(False, BROKEN_OFF)
        name = self._renamed(claimed, hidden_names.begun_again(claimed))
        try:
            return name, self._importer.import_file(file, again=hidden_names.may_be_imported(claimed))
        except BrokenOff:
            return name, None
        except (OSError, ReservationsDown):
            self._renamed(name, claimed)  # nothing that the file could help
            raise

    def _explain(self, marked: str, reason: Problem) -> None:
        """A note for staff beside the refused file. A full disk must not keep the file from being moved."""
        lines = (Problem("refusal.heading"), Problem("refusal.reason", {"reason": in_japanese(reason)}))
        text = "".join(f"{word(each, CATALOGUE, 'ja')}\n" for each in lines) + f"{in_english(reason)}\n"
        with contextlib.suppress(OSError):
            safe_files.write_new(self._path / f"{marked}.txt", text.encode(), NOTE_MODE)

    def _put_away(self, marked: str, now: float) -> str:
        return self._shelf.put_away(marked, _folder_of(marked), hidden_names.original(marked), now)


def _folder_of(marked: str) -> str:
    return DONE if marked.startswith(hidden_names.DONE) else FAILED


def _of_folder(error: OSError) -> Problem:
    return Problem("imports.folder", {"why": _why(error)})


def _not_moved(marked: str, error: OSError) -> Problem:
    return Problem("imports.move", {"folder": _folder_of(marked), "why": _why(error)})


def _why(error: OSError) -> str:
    # Not str(error): that holds the file's name, which an export program may have made of anything.
    return os.strerror(error.errno) if error.errno is not None else "it failed"


# --- quiet files ------------------------------------------------------------------------------------------------------


class Quiet:
    """The files of `path` as they were seen. `unended_taken`: see ImportFolder. One thread.

    Export programs pause between two writes, and what is taken too early is not the whole day: a pause is never taken
    for the end of a file, so one whose last line has no end waits longer.
    """

    def __init__(self, path: Path, quiet_s: float, *, unended_taken: bool) -> None:
        self._path = path
        self._quiet_s = quiet_s
        self._unended_s = UNENDED_TAKEN_S if unended_taken else UNENDED_S
        self._seen: dict[str, tuple[Stamp, float]] = {}  # and since when it is so

    def look(self, names: Iterable[str], now: float) -> list[str]:
        """Those of `names` that have been quiet for long enough, the one that was written first at the front."""
        seen: dict[str, tuple[Stamp, float]] = {}
        ready: list[tuple[int, str]] = []
        for name in names:
            try:
                stamp = stamp_of((self._path / name).lstat())
            except FileNotFoundError:
                continue
            before, since = self._seen.get(name, (None, now))
            same = before == stamp
            seen[name] = (stamp, since if same else now)
            quiet_s = now - seen[name][1]
            if same and quiet_s >= self._quiet_s and quiet_s >= self._patience_s(name, stamp):
                ready.append((stamp[1], name))
        self._seen = seen
        return [name for _, name in sorted(ready)]

    def stamp(self, name: str) -> Stamp:
        """What the file was like when it was looked at."""
        return self._seen[name][0]

    def renamed(self, name: str, new_name: str) -> None:
        """The file has another name now, and has been quiet as long."""
        self._seen[new_name] = self._seen.pop(name)

    def _patience_s(self, name: str, stamp: Stamp) -> float:
        if not stamp[0]:
            return EMPTY_S
        try:
            file = safe_files.opened(self._path / name)
        except OSError:
            return 0.0  # whoever takes it says why that cannot be
        with file:
            return self._unended_s if unended(file.fileno()) else 0.0


def unended(file: int) -> bool:
    """Whether the last line of an open file has no end. Of an empty file: no."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) not in (b"\n", b"\r")
