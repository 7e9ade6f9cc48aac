"""What is known of the files in one source folder from one listing to the next. In memory only.

Owns the rule of first sight: a file came somewhere between the last listing that lacked it and the one that shows it.
If listings follow closely, the second moment is true to a poll; after a gap (a share that was away) only the first is
safe, because the file may be older than a visit that began meanwhile.
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
# Counts the files of one folder, as they are sighted, from 1 at each start. Not the ledger's number of a file.
SightingId = NewType("SightingId", int)
GAP_S = 1.0  # longer than this between two listings, and the time of first sight is not trusted


@dataclass
class Sighting:
    """One file. Moments are monotonic seconds; `first_seen` 0: it was there when the courier started."""

    id: SightingId
    name: str = field(repr=False)
    first_seen: float
    size: int
    stamp: str
    stable_since: float
    fresh: bool  # not there when the courier started
    sighted_at: float = 0.0  # when it was first listed
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
    refused: bool = False  # the server did not let us look
    hashing: SlowDigest | None = field(repr=False, default=None)

    def set_aside(self, now: float, refused: bool) -> None:
        """Examining it failed: the next time it must not keep the others waiting."""
        self.failures += 1
        self.refused = refused
        self.not_before = now + min(LOOK_PAUSE_S * 2 ** min(self.failures - 1, 10), LOOK_PAUSE_MAX_S)
        self.hashing = None

    def clear_failures(self) -> None:
        self.failures, self.refused, self.not_before = 0, False, 0.0


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


class Sightings:
    """All files of one folder, by their exact names: where case matters, two spellings are two files.

    `poll_s`: how often it is listed.
    """

    def __init__(self, poll_s: float) -> None:
        self._gap_s = max(GAP_S, 4 * poll_s)
        self._known: dict[str, Sighting] = {}
        self._ids = map(SightingId, count(1))
        self._listed_at: float | None = None
        self._cut = False
        self._whole_at = 0.0  # when the last listing that was not cut ended

    def unfinished(self) -> list[Sighting]:
        """What is not yet in the ledger."""
        return [each for each in self._known.values() if not each.handled]

    def in_order(self, visit_at: float | None) -> list[Sighting]:
        """The order in which to examine them: first what the visit that began at `visit_at` may be waiting for; then
        what was never read, fresh files before those that no patient waits for; then bad ones in rotation.
        """

        def order(each: Sighting) -> tuple[bool, bool, bool, float, int]:
            waited_for = visit_at is not None and each.fresh and each.first_seen >= visit_at
            bad = each.read_at is not None or each.given_up
            return (not waited_for, bad, not each.fresh, each.examined_at, each.id)

        return sorted(self.unfinished(), key=order)

    def listed(
        self, entries: list[Entry], started: float, finished: float, *, cut: bool = False
    ) -> tuple[list[Sighting], list[Sighting]]:
        """Take in one listing that ran from `started` to `finished`; `cut`: there may be more files than it shows.

        Returns the files seen for the first time and those that vanished.
        """
        new: list[Sighting] = []
        for entry in sorted(entries, key=lambda each: (each.name[-18:], each.name)):
            known = self._known.get(entry.name)
            if known is None:
                sighting = self._first_sight(entry, started)
                self._known[entry.name] = sighting
                new.append(sighting)
            elif (known.size, known.stamp) != (entry.size, entry.stamp):
                self._changed(known, entry, started)
        gone: list[Sighting] = []
        if not cut:  # a cut listing proves nothing about what it does not show
            present = {entry.name for entry in entries}
            gone = [self._known.pop(key) for key in self._known.keys() - present]
        self._listed_at, self._cut = finished, cut
        if not cut:
            self._whole_at = finished
        return new, gone

    def _first_sight(self, entry: Entry, started: float) -> Sighting:
        if self._listed_at is None:
            first_seen = 0.0
        elif self._cut:
            first_seen = self._whole_at  # the cut may have hidden it all the time
        elif started - self._listed_at > self._gap_s:
            first_seen = self._listed_at
        else:
            first_seen = started
        return Sighting(
            next(self._ids), entry.name, first_seen, entry.size, entry.stamp, started, first_seen > 0, started
        )

    def _changed(self, known: Sighting, entry: Entry, started: float) -> None:
        known.size, known.stamp, known.stable_since = entry.size, entry.stamp, started
        known.hashing = None
        known.clear_failures()
        if known.handled or known.reported:
            # Other content under a name that was read already: a visit that waits must see it as another file.
            known.id, known.handled, known.reported = next(self._ids), False, False
            known.given_up, known.news = False, None
