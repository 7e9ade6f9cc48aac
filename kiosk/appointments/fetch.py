"""`kiosk reservations fetch`: copies exports of appointments from a share ([reservations] share) into import_dir.

A process of its own, for a user of its own: the reception's user then needs no password of the hospital's servers, and
an appliance without a shell still gets its appointments. The share is only read, so that an account without further
rights will do and the export program finds its files as it left them. A file is copied when its size or time changed
since the last copy and is the same in two rounds. The newest are looked at, the oldest of them first; a copy has the
time of its export, by which the reception knows what is newer.

Must never give a half-written export to the reception, hold a whole file in memory, let one file keep others from being
fetched, or let a share that does not answer stop anything else.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

from drivers.reservations.csv_file import MAX_BYTES
from drivers.share import Busy, Entry, Missing, Share, ShareError, TooLarge, Unreachable, open_share
from drivers.share.protocol import ENTRIES_MAX
from kiosk.config import Config, password
from kiosk.process import json_values, safe_files
from kiosk.process.ending import when_asked_to_end
from kiosk.process.event_log import EventLog
from kiosk.process.locks import Unusable
from kiosk.process.stderr import complain
from kiosk.process.systemd import Notifier
from kiosk.words.problems import Problem, in_english

EVERY_S: Final = 5.0
LOG_AGAIN_S: Final = 60.0  # a share may fail in another way each round
FILES_MAX: Final = 1_000
KEEP_DAYS: Final = 14
CUT: Final = Problem("fetch.many", {"count": ENTRIES_MAX})
LARGE: Final = Problem("fetch.large", {"size": MAX_BYTES >> 20})
# What import_folder makes of the name of a copy.
_COPY: Final = re.compile(r"\d{8}T\d{6}Z-(?:\d+-)?fetched-[0-9a-f]{16}\.csv", re.ASCII)
_STATE: Final = ".kiosk-fetch.json"
_STATE_MAX_BYTES: Final = 4 << 20  # some 100 bytes for each of FILES_MAX files
_MODE: Final = 0o640
_PART: Final = ".kiosk-fetch.part"
# Rounds may take long on a slow share; a process that is gone says nothing at all.
_SILENT_S: Final = 300.0


def run(config: Config) -> int:
    """Fetch until SIGTERM; 0 at once when no share is set. Only from the main thread. Raises ConfigError, Unusable."""
    settings = config.reservations
    notifier = Notifier.from_environment()
    if not settings.share or settings.import_dir is None:
        complain("[reservations] share is not set: nothing is fetched")
        notifier.ready()  # an end before this word would be a failure of the service
        return 0
    secret = password(config, "reservations", settings.share, settings.password_file)
    stop = threading.Event()
    when_asked_to_end(stop.set)
    try:
        log = EventLog(settings.import_dir, "fetch")
    except OSError as error:
        raise Unusable(f"{settings.import_dir}: cannot be used ({error.strerror})") from None
    fetcher = Fetcher(open_share(settings.share, secret.reveal() if secret else None), settings.import_dir, log)
    notifier.ready()
    while not stop.is_set():
        fetcher.round()
        notifier.alive()
        stop.wait(EVERY_S)
    notifier.stopping()
    log.close()
    return 0


@dataclass(frozen=True)
class _State:
    """What is read of the file that a round leaves."""

    reason: Problem | None = None


class Fetcher:
    """One share and one folder. `folder`: import_dir, which is there; it also holds what was copied last."""

    def __init__(self, share: Share, folder: Path, log: EventLog) -> None:
        self._share = share
        self._folder = folder
        self._log = log
        copied = _state(folder).get("copied")
        self._copied: dict[str, str] = copied if isinstance(copied, dict) else {}
        self._seen: dict[str, str] = {}  # in the round before
        self._trouble: Problem | None = None  # as it was logged last
        self._logged_at = 0.0
        self._crowded = False
        with suppress(OSError):  # of a process that was killed
            (folder / _PART).unlink(missing_ok=True)

    def round(self) -> int:
        """Copy what changed; how many files. Never raises for anything about the share or the folder."""
        trouble: Problem | None = None
        count = 0
        try:
            count, trouble = self._copy_changed()
        except ShareError as error:
            trouble = _of_share(error)
        except OSError as error:
            trouble = Problem("imports.folder", {"why": os.strerror(error.errno or 0)})
        what = in_english(trouble) if trouble else None
        if bool(trouble) != bool(self._trouble) or (
            trouble != self._trouble and monotonic() - self._logged_at > LOG_AGAIN_S
        ):
            self._trouble, self._logged_at = trouble, monotonic()
            self._log.write("appointments_share_failed" if trouble else "appointments_share_up", what=what or "")
        state = {**json_values.timestamp(), "trouble": what, "reason": trouble, "copied": self._copied}
        with suppress(OSError):  # a full disk: the trouble is in the log, and what was copied is copied once more
            safe_files.write_new(self._folder / _PART, json_values.encode(state).encode(), _MODE)
            (self._folder / _PART).replace(self._folder / _STATE)
        return count

    def _copy_changed(self) -> tuple[int, Problem | None]:
        """How many files were copied, and what kept others from it."""
        count = 0
        chosen, trouble = self._chosen()
        present: dict[str, str] = {}
        before, self._seen = self._seen, {}
        for entry in chosen:
            # Not the name itself: what staff call their exports is not ours to keep.
            key = hashlib.sha256(entry.name.encode()).hexdigest()[:16]
            stamp = f"{entry.size} {entry.stamp}"
            present[key], self._seen[key] = self._copied.get(key, ""), stamp
            if entry.size > MAX_BYTES:
                trouble = trouble or LARGE
            # A writer may close the file between two pieces: it must be the same in two rounds.
            if present[key] == stamp or before.get(key) != stamp:
                continue
            try:
                size = self._copy(entry, f"fetched-{key}.csv")
            except (Busy, Missing):
                continue  # being written, or replaced: the next round sees it
            except TooLarge:
                self._log.write("appointments_too_large", count=MAX_BYTES)
            except Unreachable:
                raise
            except ShareError as error:
                trouble = trouble or _of_share(error)
                continue
            else:
                self._log.write("appointments_fetched", count=size)
                count += 1
            present[key] = self._copied[key] = stamp
        self._copied = present
        return count, trouble

    def _chosen(self) -> tuple[list[Entry], Problem | None]:
        """The newest exports, in the order in which they were written; and what is wrong with the listing."""
        found = self._share.entries("*.csv", ENTRIES_MAX)
        if (crowded := len(found) > FILES_MAX) and not self._crowded:
            self._log.write("appointments_listing_cut", count=len(found))
        self._crowded = crowded
        oldest_first = sorted(found, key=lambda entry: (entry.written_ns, entry.name))
        return oldest_first[-FILES_MAX:], CUT if len(found) >= ENTRIES_MAX else None

    def _copy(self, entry: Entry, name: str) -> int:
        """Copy a file, whole or not at all, readable for the folder's group: the reception takes it from here.

        How many bytes. Raises ShareError and OSError.
        """
        part, total = self._folder / _PART, 0
        if entry.size > MAX_BYTES:
            raise TooLarge
        try:
            with os.fdopen(safe_files.create(part, _MODE), "wb") as copy:
                for piece in self._share.chunks(entry.name):
                    if (total := total + len(piece)) > MAX_BYTES:
                        raise TooLarge
                    copy.write(piece)
                copy.flush()
                written_ns = max(0, entry.written_ns)
                os.utime(copy.fileno(), ns=(written_ns, written_ns))
                os.fsync(copy.fileno())
            part.replace(self._folder / name)
        except BaseException:
            with suppress(OSError):  # nobody would take half a file away
                part.unlink(missing_ok=True)
            raise
        return total


def _of_share(error: ShareError) -> Problem:
    return Problem("fetch.share", {"what": str(error)})


def trouble_of(folder: Path) -> Problem | None:
    """What keeps exports from being fetched, for staff; None: nothing. `folder`: import_dir."""
    state = _state(folder)
    if json_values.age_s(state) > _SILENT_S:
        return Problem("fetch.not_running")
    if (reason := json_values.from_parts(state, _State).reason) is not None:
        return reason
    trouble = state.get("trouble")  # of an older version
    return Problem("fetch.share", {"what": trouble}) if isinstance(trouble, str) else None


def is_copy(name: str) -> bool:
    """Whether a file in `done` or `failed` is a copy of ours, or the note beside one."""
    return _COPY.match(name) is not None


def forget_copies(folder: Path, now: datetime) -> int:
    """Delete copies that were imported or refused more than KEEP_DAYS ago; how many. `now`: UTC.

    The exports themselves are on the hospital's share. A copy that stayed would be patient data at rest without a use.
    """
    # Names begin with the time at which they were put away, see import_folder.
    before = (now - timedelta(days=KEEP_DAYS)).strftime("%Y%m%dT%H%M%SZ")
    count = 0
    for kept in (folder / "done", folder / "failed"):
        with suppress(OSError):
            for path in () if kept.is_symlink() else kept.iterdir():
                if is_copy(path.name) and path.name < before:
                    path.unlink(missing_ok=True)
                    count += 1
    return count


def _state(folder: Path) -> dict[str, Any]:
    state = safe_files.json_of(folder / _STATE, _STATE_MAX_BYTES)
    return state if isinstance(state, dict) else {}
