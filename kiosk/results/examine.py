"""Whether one file is complete, and what it says.

A file is complete when it can be opened with a share mode that refuses writers and is a whole document; where that
test cannot decide, when besides two looks at least 250 ms apart are equal. Empty, oversized or broken files that no
program has open any more: reported as unreadable after 5 s, complete as they are after 60 s. Must never write to the
folder.

Who looks on beside the programs that the files are for (`beside`) refuses nobody, and takes a document for complete as
soon as it is whole: its end tag is written last, and who waits for a second look may find the file gone. One that is
written to afterwards is complete once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from drivers.share import Busy, Digest, Entry, Missing, Share
from kiosk.results.eligibility import Reader, Reading
from kiosk.results.sightings import UNKNOWN, Sighting, Sightings, SlowDigest

SETTLED_S = 0.25
UNREADABLE_AFTER_S = 5.0
AS_IT_IS_AFTER_S = 60.0
READ_AGAIN_S = 1.0


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

    def others(self, number: int) -> None:
        """So many files of other kinds lie there. Called in the thread that lists."""


@dataclass(eq=False)
class Examiner:
    """For one thread. `clock`: monotonic seconds; `deadline`: until when it may go on hashing a big file."""

    share: Share
    max_bytes: int
    reader: Reader
    listener: Listener
    sightings: Sightings
    clock: Callable[[], float]
    deadline: float = 0.0
    hashing: bool = False  # a big file was not hashed to its end
    beside: bool = False  # nobody must be kept from anything
    folder_doubted: bool = False  # a file is not where it was; only a listing tells what became of it

    def fetch(self, name: str) -> tuple[Entry, bytes | None]:
        """Any ShareError."""
        return (self.share.glance if self.beside else self.share.fetch)(name, self.max_bytes)

    def examine(self, sighting: Sighting) -> None:
        """Read it if that can tell anything now. Any ShareError, and NotTaken."""
        if sighting.size != UNKNOWN and not 0 < sighting.size <= self.max_bytes:
            self._handle_incomplete(sighting, Reading(whole=False, why="empty" if sighting.size == 0 else "too_large"))
            sighting.clear_failures()
            return
        if not self._worth_reading(sighting):
            return
        try:
            fetched = self.fetch(sighting.name)
        except Busy:
            self.sightings.looked_up(sighting.name, self.clock())
            sighting.written_to(self.clock())
            return
        except Missing:
            self.folder_doubted = True  # perhaps it is the folder that is gone
            return
        self.sightings.looked_up(sighting.name, self.clock())
        self.take_content(sighting, *fetched)

    def take_content(self, sighting: Sighting, entry: Entry, raw: bytes | None) -> None:
        """What `Share.fetch` gave."""
        sighting.read_at = self.clock()
        self.sightings.read(sighting, entry, sighting.read_at)
        if raw is None or not raw:
            reading = Reading(whole=False, why="empty" if raw is not None else "too_large")
        else:
            reading = self._reading_of(sighting.name, raw)
        sighting.read_whole = reading.whole
        if not reading.whole or raw is None:
            self._handle_incomplete(sighting, reading)
        elif (self._proves and reading.provable) or self._settled(sighting):
            digest = Digest(hashlib.sha256(raw).hexdigest(), len(raw))
            self.listener.complete(sighting, reading, digest, raw)
            sighting.handled = True
        sighting.clear_failures()

    def _reading_of(self, name: str, raw: bytes) -> Reading:
        try:
            return self.reader(name, raw, self.max_bytes)
        except Exception:  # noqa: BLE001 - a fault of ours in one file must not stop all the others
            return Reading(whole=False, why="not_understood")

    def _worth_reading(self, sighting: Sighting) -> bool:
        """Our reading would lock out a writer that opens the file again: after a first read only when it is settled."""
        if sighting.read_at is None:
            return self._proves or self._settled(sighting)
        if not self._settled(sighting):
            return False
        changed = sighting.stable_since > sighting.read_at
        return changed or sighting.read_whole or self.clock() - sighting.read_at >= READ_AGAIN_S

    @property
    def _proves(self) -> bool:
        """A file that is a whole document is complete."""
        return self.share.denies_writers or self.beside

    def _settled(self, sighting: Sighting) -> bool:
        return self.clock() - sighting.stable_since >= SETTLED_S

    def _handle_incomplete(self, sighting: Sighting, reading: Reading) -> None:
        stable_s = self.clock() - sighting.stable_since
        if stable_s < UNREADABLE_AFTER_S or (sighting.given_up and stable_s < AS_IT_IS_AFTER_S):
            return
        try:
            if not sighting.given_up:
                if not self.beside:
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
            self.hashing = True  # there is more; other files first
            return
        self.listener.complete(sighting, reading, digest, None)
        sighting.handled = True

    def _digest(self, sighting: Sighting) -> Digest | None:
        if self.beside:  # what it looks like: nothing is opened for as long as reading it all would take
            looks = f"{sighting.size} {sighting.stamp}"
            return Digest(hashlib.sha256(looks.encode()).hexdigest(), max(0, sighting.size))
        if sighting.hashing is None:
            sighting.hashing = SlowDigest(self.share.chunks(sighting.name))
        digest = sighting.hashing.go_on(lambda: self.clock() < self.deadline)
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
