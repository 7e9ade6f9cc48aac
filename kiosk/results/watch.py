"""Watching one source folder: which files are there, which are complete, what they say.

A file is complete when it can be opened with a share mode that refuses writers and is a whole document; where that
test cannot decide, when besides two listings at least 250 ms apart are equal. Empty, oversized or broken files that
no program has open any more: reported as unreadable after 5 s, complete as they are after 60 s. Must never write to the
folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from drivers.share import Busy, Digest, Missing, Share, ShareError, TooLarge, Unreachable
from drivers.share.protocol import ENTRIES_MAX
from kiosk.results import names as result_files
from kiosk.results.eligibility import Reader, Reading
from kiosk.results.sightings import Sighting, Sightings, SlowDigest

SETTLED_S = 0.25
UNREADABLE_AFTER_S = 5.0
AS_IT_IS_AFTER_S = 60.0
READ_AGAIN_S = 1.0
EXAMINE_BUDGET_S = 0.2
OTHERS_EVERY_S = 60.0


class NotTaken(Exception):
    """A complete file could not be taken now; it is to be offered again, and the others are to go on."""


class Listener(Protocol):
    """Takes what the watcher finds. Called in the watcher's thread; must not block on the network."""

    def sighted(self, sighting: Sighting) -> None: ...

    def gone(self, sighting: Sighting) -> None:
        """May raise; it is then called again."""

    def unreadable(self, sighting: Sighting) -> None: ...

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        """`raw` is None for a file that is delivered as it is, unread. May raise NotTaken."""

    def others(self, number: int) -> None: ...


@dataclass(frozen=True)
class Folder:
    """What to look for: `pattern` filters on the server, `kinds` decides."""

    pattern: str
    kinds: frozenset[str]
    max_bytes: int
    poll_s: float


@dataclass(eq=False)
class Watcher:
    """`poll()` lists once, `examine()` reads what is not yet complete. `clock`: monotonic seconds."""

    share: Share
    folder: Folder
    reader: Reader
    listener: Listener
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self._sightings = Sightings(self.folder.poll_s)
        self._vanished: list[Sighting] = []  # still to be reported
        self._others_at: float | None = None
        self._examine_deadline = 0.0
        self._visit_at: float | None = None
        self.behind = False  # the last `examine` ended before it had come to every file
        # Seen but not yet complete: how many, and since when the oldest. Replaced whole, so any thread may read it.
        self.unfinished: tuple[int, float | None] = (0, None)

    def poll(self) -> float:
        """List the folder. Returns when the listing was complete; raises ShareError."""
        started = self.clock()
        entries = self.share.entries(self.folder.pattern)
        finished = self.clock()
        mine = [entry for entry in entries if result_files.kind(entry.name) in self.folder.kinds]
        new, gone = self._sightings.listed(mine, started, finished, cut=len(entries) >= ENTRIES_MAX)
        for sighting in new:
            self.listener.sighted(sighting)
        self._vanished += [sighting for sighting in gone if not sighting.handled]
        return finished

    def visit_began(self, at: float) -> None:
        """From `at` on, the end of a listing, a visit may wait for what a later one shows: that is read first."""
        self._visit_at = at

    def examine(self) -> bool:
        """Examine what is not yet known to be complete: at least one file, and as many as EXAMINE_BUDGET_S allows.
        Then a listing is due, as a visit may wait for it; see `behind`.

        Returns whether there are files that the server does not let us read. No file waits behind a bad one.
        Raises Unreachable.
        """
        while self._vanished:
            self.listener.gone(self._vanished[0])
            del self._vanished[0]
        self._examine_deadline = self.clock() + EXAMINE_BUDGET_S
        self.behind = False
        for sighting in self._sightings.in_order(self._visit_at):
            now = self.clock()
            if sighting.handled or now < sighting.not_before:
                continue
            if now > self._examine_deadline:
                self.behind = True
                break
            sighting.examined_at = now
            try:
                self._examine_file(sighting)
            except Unreachable:
                # If it is this file that breaks the connection, it must not do so each time.
                sighting.set_aside(now, refused=False)
                raise
            except ShareError:
                sighting.set_aside(now, refused=True)
            except NotTaken:
                sighting.set_aside(now, refused=False)
            else:
                sighting.clear_failures()
        left = self._sightings.unfinished()
        self.unfinished = (len(left), min((each.sighted_at for each in left), default=None))
        return any(sighting.refused for sighting in left)

    def count_others(self) -> None:
        """Now and then: how many files of other kinds lie there."""
        now = self.clock()
        if self._others_at is not None and now - self._others_at < OTHERS_EVERY_S:
            return
        self._others_at = now
        names = [entry.name for entry in self.share.entries("*")]
        self.listener.others(sum(result_files.kind(name) is None for name in names))

    def _examine_file(self, sighting: Sighting) -> None:
        if not 0 < sighting.size <= self.folder.max_bytes:
            self._handle_incomplete(sighting, Reading(whole=False, why="empty" if sighting.size == 0 else "too_large"))
            return
        if not self._worth_reading(sighting):
            return
        try:
            raw = self.share.read(sighting.name, self.folder.max_bytes)
        except Busy:
            sighting.stable_since = self.clock()  # it is being written
            return
        except (Missing, TooLarge):
            return  # the next listing shows it
        sighting.read_at, sighting.read_stamp = self.clock(), (sighting.size, sighting.stamp)
        reading = self._reading_of(sighting.name, raw)
        sighting.read_whole = reading.whole
        if not reading.whole:
            self._handle_incomplete(sighting, reading)
        elif (self.share.denies_writers and reading.provable) or self._settled(sighting):
            digest = Digest(hashlib.sha256(raw).hexdigest(), len(raw))
            self.listener.complete(sighting, reading, digest, raw)
            sighting.handled = True

    def _reading_of(self, name: str, raw: bytes) -> Reading:
        try:
            return self.reader(name, raw, self.folder.max_bytes)
        except Exception:  # noqa: BLE001 - a fault of ours in one file must not stop all the others
            return Reading(whole=False, why="not_understood")

    def _worth_reading(self, sighting: Sighting) -> bool:
        """Our reading would lock out a writer that opens the file again: after a first read only when it is settled."""
        if sighting.read_at is None:
            return self.share.denies_writers or self._settled(sighting)
        if not self._settled(sighting):
            return False
        changed = sighting.read_stamp != (sighting.size, sighting.stamp)
        return changed or sighting.read_whole or self.clock() - sighting.read_at >= READ_AGAIN_S

    def _settled(self, sighting: Sighting) -> bool:
        return self.clock() - sighting.stable_since >= SETTLED_S

    def _handle_incomplete(self, sighting: Sighting, reading: Reading) -> None:
        stable_s = self.clock() - sighting.stable_since
        if stable_s < UNREADABLE_AFTER_S or (sighting.given_up and stable_s < AS_IT_IS_AFTER_S):
            return
        try:
            if not sighting.given_up:
                self._check_not_open(sighting)
                self.listener.unreadable(sighting)
                sighting.given_up = True
                return
            digest = self._digest(sighting)
        except Busy:
            sighting.stable_since, sighting.hashing = self.clock(), None
            return
        except Missing:
            sighting.hashing = None
            return
        if digest is None:
            return  # there is more; other files first
        self.listener.complete(sighting, reading, digest, None)
        sighting.handled = True

    def _digest(self, sighting: Sighting) -> Digest | None:
        if sighting.hashing is None:
            sighting.hashing = SlowDigest(self.share.chunks(sighting.name))
        digest = sighting.hashing.go_on(lambda: self.clock() < self._examine_deadline)
        if digest is not None:
            sighting.hashing = None
        return digest

    def _check_not_open(self, sighting: Sighting) -> None:
        """Raise Busy if a writer has it open; reads no more than a piece."""
        pieces = self.share.chunks(sighting.name, 4096)
        try:
            next(pieces, b"")
        finally:
            if isinstance(pieces, Generator):
                pieces.close()  # closes the file now, not when the garbage collector runs
