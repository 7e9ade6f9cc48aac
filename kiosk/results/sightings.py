"""What is known of the files in one source folder from one listing, notice and look to the next. In memory only.

Owns the rule of first sight: a file came somewhere between the last listing that lacked it and the listing or notice
that shows it. If listings follow closely, the second moment is true to a poll; after a gap (a share that was away, or
an idle one that is listed rarely) only the first is safe, because the file may be older than a visit that began
meanwhile.

A notice is never believed: it is only a reason to look a name up, so one that is late, doubled or out of order does
nothing that a listing would not do. A late one cannot make a file younger than a poll, because while a visit waits the
folder is listed at every poll as well, and what a listing has shown keeps the moment of that listing.

A listing runs while names are looked up. What it says of a name that was looked up after the listing began may be the
older news; it counts for nothing, and the next listing decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NewType

from drivers.share import Digest, Entry

LOOK_PAUSE_S = 0.25
LOOK_PAUSE_MAX_S = 10.0
# A writer still has the file open; its CLOSE is mostly a matter of milliseconds, and brings a notice if there are any.
BUSY_PAUSES_S = (0.05, 0.1, 0.25)
# The size of a file that exists and that a writer keeps to itself.
UNKNOWN = -1
# Counts the files of one folder, as they are sighted, from 1 at each start. Not the ledger's number of a file.
SightingId = NewType("SightingId", int)
GAP_S = 1.0  # longer than this between two listings, and the time of first sight is not trusted


@dataclass(slots=True, eq=False)
class Sighting:
    """One file. Moments are monotonic seconds; `first_seen` 0: it was there when the courier started.

    `size` and `stamp`: as it was listed or looked up last.
    """

    id: SightingId
    name: str = field(repr=False)
    first_seen: float
    size: int
    stamp: str
    stable_since: float
    fresh: bool  # not there when the courier started
    sighted_at: float = 0.0  # when it was first listed or found
    examined_at: float = 0.0  # when it was last examined
    handled: bool = False  # complete and in the ledger
    news: Digest | None = field(repr=False, default=None)  # what the ledger lacked when it was first offered
    reported: bool = False  # the reception has its result, perhaps before the ledger could be written
    given_up: bool = False  # the reception knows that it cannot be read
    read_at: float | None = None  # when its content was last looked at
    read_stamp: tuple[int, str] | None = None
    read_whole: bool = False  # it was whole then, but might still grow
    not_before: float = 0.0  # it failed in a way of its own; do not look again before
    failures: int = 0
    busy: int = 0  # how often in a row a writer had it open
    refused: bool = False  # the server did not let us look
    hashing: SlowDigest | None = field(repr=False, default=None)

    @property
    def was_broken(self) -> bool:
        """When it was read last."""
        return self.read_at is not None and not self.read_whole

    def set_aside(self, now: float, refused: bool) -> None:
        """Examining it failed: the next time it must not keep the others waiting."""
        self.failures += 1
        self.refused = refused
        self.not_before = now + min(LOOK_PAUSE_S * 2 ** min(self.failures - 1, 10), LOOK_PAUSE_MAX_S)
        self.hashing = None

    def written_to(self, now: float) -> None:
        """A writer has it open: look again soon, then at the usual pace."""
        self.stable_since, self.hashing = now, None
        self.not_before = now + BUSY_PAUSES_S[min(self.busy, len(BUSY_PAUSES_S) - 1)]
        self.busy += 1

    def clear_failures(self) -> None:
        self.failures, self.busy, self.refused, self.not_before = 0, 0, False, 0.0


class SlowDigest:
    """The digest of a big file, a little at a time, so that a patient's small one need not wait for it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._sha256 = hashlib.sha256()
        self._size = 0

    def go_on(self, may_go_on: Callable[[], bool]) -> Digest | None:
        """None: there is more. Any ShareError of reading."""
        for piece in self._pieces:
            self._sha256.update(piece)
            self._size += len(piece)
            if not may_go_on():
                return None
        return Digest(self._sha256.hexdigest(), self._size)


def name_order(name: str) -> tuple[str, str]:
    """By which files are sorted that are first seen together: when they were made, as far as their names say so."""
    return name[-18:], name


class Sightings:
    """All files of one folder, by their exact names: where case matters, two spellings are two files.

    `poll_s`: how often it is listed while a visit waits.
    """

    def __init__(self, poll_s: float) -> None:
        self._gap_s = max(GAP_S, 4 * poll_s)
        self._known: dict[str, Sighting] = {}
        self._ids = map(SightingId, count(1))
        self._listed_at: float | None = None
        self._cut = False
        self._whole_at = 0.0  # when the last listing that was not cut ended
        self._begun_at = 0.0  # the listing that is under way, or the last one
        self._looked_at: dict[str, float] = {}  # names looked up since the last listing began, and when

    def listing_begun(self, at: float) -> None:
        """A listing begins. Also from another thread."""
        self._begun_at = at

    def get(self, name: str) -> Sighting | None:
        return self._known.get(name)

    def unfinished(self) -> list[Sighting]:
        """What is not yet in the ledger."""
        return [each for each in self._known.values() if not each.handled]

    def in_order(self) -> list[Sighting]:
        """The order in which to examine them: what is not known to be bad, then bad ones in rotation."""

        def order(each: Sighting) -> tuple[bool, float, int]:
            return (each.was_broken or each.given_up, each.examined_at, each.id)

        return sorted(self.unfinished(), key=order)

    def listed(
        self, entries: list[Entry], started: float, finished: float, *, cut: bool = False
    ) -> tuple[list[Sighting], list[Sighting]]:
        """Take in one listing that ran from `started` to `finished`; `cut`: there may be more files than it shows.

        Returns the files seen for the first time and those that vanished.
        """
        newer = {name for name, at in self._looked_at.items() if at >= started}
        new: list[Sighting] = []
        for entry in sorted(entries, key=lambda each: name_order(each.name)):
            if entry.name in newer:
                continue
            known = self._known.get(entry.name)
            if known is None:
                new.append(self._first_sight(entry.name, started, entry))
            else:
                self._compare(known, entry, started)
        gone: list[Sighting] = []
        if not cut:  # a cut listing proves nothing about what it does not show
            present = newer.union(entry.name for entry in entries)
            gone = [self._known.pop(key) for key in self._known.keys() - present]
        self._listed_at, self._cut = finished, cut
        if not cut:
            self._whole_at = finished
        self._looked_at = {name: at for name, at in self._looked_at.items() if at >= finished}
        return new, gone

    def looked_up(self, name: str, at: float) -> None:
        """A look at this name ended at `at`, whatever came of it."""
        self._looked_at[name] = at

    def found(self, name: str, noticed_at: float, looked_at: float) -> Sighting:
        """A file that no listing showed yet was found by its name, after a notice that came at `noticed_at`."""
        return self._first_sight(name, noticed_at, Entry(name, UNKNOWN, ""), looked_at)

    def read(self, sighting: Sighting, entry: Entry, at: float) -> None:
        """A look that ended at `at` found it to be `entry`."""
        read = (entry.size, entry.stamp)
        if sighting.read_stamp not in (None, read):
            self._changed(sighting, at)
        sighting.read_stamp = read

    def _first_sight(self, name: str, at: float, entry: Entry, looked_at: float | None = None) -> Sighting:
        """`at`: when the listing began, or the notice came, that shows it."""
        if self._listed_at is None:
            first_seen = 0.0
        elif self._cut:
            first_seen = self._whole_at  # the cut may have hidden it all the time
        elif at - self._listed_at > self._gap_s:
            first_seen = self._begun_at if self._follows_closely(at, self._listed_at) else self._listed_at
        else:
            first_seen = at
        sighting = Sighting(
            next(self._ids),
            name,
            first_seen,
            entry.size,
            entry.stamp,
            at if looked_at is None else looked_at,
            first_seen > 0,
            at,
        )
        self._known[name] = sighting
        return sighting

    def _follows_closely(self, at: float, listed_at: float) -> bool:
        """Whether a listing was under way at `at` that had begun soon after the last one, however long it takes."""
        return listed_at < self._begun_at < at and self._begun_at - listed_at <= self._gap_s

    def _compare(self, known: Sighting, entry: Entry, started: float) -> None:
        """A listing is compared with the one before: a server's listing may lag behind what opening the file says."""
        before, now = (known.size, known.stamp), (entry.size, entry.stamp)
        known.size, known.stamp = now
        if before == (UNKNOWN, ""):
            # The first listing that shows it. What was read is what was delivered; else it is another file.
            if known.handled and known.read_stamp != now:
                self._changed(known, started)
        elif before != now:
            self._changed(known, started)

    def _changed(self, known: Sighting, at: float) -> None:
        known.stable_since = at
        known.hashing = None
        known.clear_failures()
        if known.handled or known.reported:
            # Other content under a name that was read already: a visit that waits must see it as another file.
            known.id, known.handled, known.reported = next(self._ids), False, False
            known.given_up, known.news = False, None
