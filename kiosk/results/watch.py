"""Watching one source folder: which files are there, which are complete, what they say.

What is there is learnt from listings, and from notices of single names (`noticed`), which are then looked up.

A file is complete when it can be opened with a share mode that refuses writers and is a whole document; where that
test cannot decide, when besides two listings at least 250 ms apart are equal. Empty, oversized or broken files that
no program has open any more: reported as unreadable after 5 s, complete as they are after 60 s. Must never write to the
folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from drivers.share import Busy, Digest, Entry, Missing, Share, ShareError, Unreachable
from kiosk.results import names as result_files
from kiosk.results.eligibility import Reader, Reading
from kiosk.results.sightings import UNKNOWN, Sighting, Sightings, SlowDigest

SETTLED_S = 0.25
UNREADABLE_AFTER_S = 5.0
AS_IT_IS_AFTER_S = 60.0
READ_AGAIN_S = 1.0
# Then a listing or a notice is due: a visit may wait for it.
EXAMINE_BUDGET_S = 0.05
OTHERS_EVERY_S = 60.0
COUNT_EVERY_S = 1.0
# A terminal that is connected after weeks: 100,000 results wait. More are listed when these are gone.
LISTED_MAX = 150_000


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


@dataclass(frozen=True)
class Listing:
    """Files of the wanted kinds; `cut`: there may be more. It ran from `started` to `finished`, monotonic seconds."""

    entries: list[Entry]
    started: float
    finished: float
    cut: bool


@dataclass(eq=False)
class Watcher:
    """`list_folder` and `count_others` may be called by another thread than the rest. `clock`: monotonic seconds.

    `lister`: the folder by a connection of its own, so that no look waits for a long listing; None: `share`.
    """

    share: Share
    folder: Folder
    reader: Reader
    listener: Listener
    clock: Callable[[], float]
    lister: Share | None = None

    def __post_init__(self) -> None:
        self._sightings = Sightings(self.folder.poll_s)
        self._vanished: list[Sighting] = []  # still to be reported
        # Names to be looked up, and when their first notice came: since the last visit began, and before.
        self._noticed: dict[str, float] = {}
        self._noticed_before: dict[str, float] = {}
        self._plan: list[Sighting] = []  # what is still to be examined in this round, the next one last
        self._others_at: float | None = None
        self._examine_deadline = 0.0
        self._examined_at = self._counted_at = float("-inf")
        self._refused = self._hashing = False
        self._visit_at = float("inf")
        self._young: list[Sighting] = []  # came while we watched, and is not known to be bad
        self.behind = False  # the last `examine` ended before it had come to every file
        self.wants_listing = False  # a file is not where it was; only a listing tells what became of it
        # Seen but not yet complete: how many, and since when the oldest. Replaced whole, so any thread may read it.
        self.unfinished: tuple[int, float | None] = (0, None)

    def list_folder(self) -> Listing:
        """List the folder; raises ShareError."""
        started = self.clock()
        entries = (self.lister or self.share).entries(self.folder.pattern, LISTED_MAX)
        mine = [entry for entry in entries if self._is_mine(entry.name)]
        return Listing(mine, started, self.clock(), len(entries) >= LISTED_MAX)

    def take(self, listing: Listing) -> list[Sighting]:
        """Listings are taken in the order in which they were made. Returns what was seen for the first time."""
        new, gone = self._sightings.listed(listing.entries, listing.started, listing.finished, cut=listing.cut)
        for sighting in new:
            self._sighted(sighting)
        self._vanished += [sighting for sighting in gone if not sighting.handled]
        if gone:
            lost = {sighting.id for sighting in gone}
            self._young = [each for each in self._young if each.id not in lost]
        if new or gone:
            self._plan = []
        self.wants_listing = False
        return new

    def poll(self) -> float:
        """List and take; returns when the listing was complete. Raises ShareError."""
        listing = self.list_folder()
        self.take(listing)
        return listing.finished

    def noticed(self, names: Iterable[str], at: float) -> None:
        """Something happened to these files; `at`: when the notice came. They are looked up by the next `examine`."""
        for name in names:
            if self._is_mine(name):
                self._noticed.setdefault(name, at)

    def visit_began(self, at: float) -> None:
        """From `at` on, the end of a listing, a visit may wait for what a later one shows: that is read first."""
        self._visit_at = at
        self._noticed_before |= self._noticed
        self._noticed = {}

    def examine(self) -> bool:
        """Look up what was noticed, then what is not yet known to be complete: at least one file, and as many as
        EXAMINE_BUDGET_S allows; see `behind`.

        Returns whether there are files that the server does not let us read. No file waits behind a bad one.
        Raises Unreachable.
        """
        while self._vanished:
            self.listener.gone(self._vanished[0])
            del self._vanished[0]
        self._examine_deadline = self.clock() + EXAMINE_BUDGET_S
        self._hashing = False
        done = self._look_up_noticed() and self._examine_young() and self._examine_planned()
        self.behind = self._hashing or not done
        self._count_unfinished()
        return self._refused

    def due_at(self) -> float | None:
        """When the next `examine` can find out something without a notice or a listing; None: there is nothing."""
        if self.behind:
            return self.clock()
        if not self.unfinished[0]:
            return None
        paused = (each.not_before for each in self._sightings.unfinished() if each.not_before > self._examined_at)
        return min([*paused, self._examined_at + self.folder.poll_s])

    def count_others(self) -> int | None:
        """Now and then: how many files of other kinds lie there; None: not now. Raises ShareError."""
        now = self.clock()
        if self._others_at is not None and now - self._others_at < OTHERS_EVERY_S:
            return None
        self._others_at = now
        names = [entry.name for entry in (self.lister or self.share).entries("*")]
        return sum(result_files.kind(name) is None for name in names)

    def _is_mine(self, name: str) -> bool:
        return result_files.kind(name) in self.folder.kinds

    def _look_up_noticed(self) -> bool:
        """False: there are more."""
        while noticed := self._noticed or self._noticed_before:
            name = next(iter(noticed))
            self._look_up(name, noticed.pop(name))
            if self.clock() > self._examine_deadline:
                return not (self._noticed or self._noticed_before)
        return True

    def _look_up(self, name: str, noticed_at: float) -> None:
        known = self._sightings.get(name)
        if known is None:
            self._look_for(name, noticed_at)
        elif known.handled:
            return  # mostly it was ourselves who deleted it; the next listing shows anything else
        elif known.read_at is None:
            self._examine(known)
        else:
            known.stable_since = self.clock()  # somebody writes to it: `_worth_reading` waits for the end

    def _look_for(self, name: str, noticed_at: float) -> None:
        """A name that is not known."""
        fetched: tuple[Entry, bytes | None] | None = None
        try:
            fetched = self.share.fetch(name, self.folder.max_bytes)
        except Missing:
            self._sightings.looked_up(name, self.clock())
            return
        except Busy:
            pass
        except Unreachable:
            self._noticed_before[name] = noticed_at
            raise
        except ShareError:
            self.wants_listing = True  # whether it is there at all
            return
        now = self.clock()
        self._sightings.looked_up(name, now)
        sighting = self._sightings.found(name, noticed_at, now)
        sighting.examined_at = now
        self._sighted(sighting)
        if fetched is None:
            sighting.written_to(now)
            return
        with self._setting_aside(sighting):
            self._take_content(sighting, *fetched)

    def _sighted(self, sighting: Sighting) -> None:
        if sighting.fresh:
            self._young.append(sighting)
        self.listener.sighted(sighting)

    def _examine_young(self) -> bool:
        """What came while we watched; each time, as it may have settled meanwhile. What a visit may be waiting for is
        first. False: there are more.
        """
        self._examined_at = self.clock()
        left = [each for each in self._young if not (each.handled or each.given_up or each.was_broken)]
        self._young = sorted(left, key=lambda each: (each.first_seen < self._visit_at, each.id))
        return all(self._examine_if_due(sighting) for sighting in self._young)

    def _examine_planned(self) -> bool:
        """Everything, a part at a time. False: there is more."""
        if not self._plan:
            self._plan = self._sightings.in_order()[::-1]
        while self._plan:
            if not self._examine_if_due(self._plan[-1]):
                return False
            self._plan.pop()
        return True

    def _examine_if_due(self, sighting: Sighting) -> bool:
        """False: the time is over."""
        now = self.clock()
        if sighting.handled or now < sighting.not_before:
            return True
        if now > self._examine_deadline:
            return False
        self._examine(sighting)
        return True

    def _examine(self, sighting: Sighting) -> None:
        sighting.examined_at = self.clock()
        with self._setting_aside(sighting):
            self._examine_file(sighting)

    @contextmanager
    def _setting_aside(self, sighting: Sighting) -> Iterator[None]:
        """What goes wrong with this file must not keep the others waiting. Raises Unreachable."""
        now = self.clock()
        try:
            yield
        except Unreachable:
            # If it is this file that breaks the connection, it must not do so each time.
            sighting.set_aside(now, refused=False)
            raise
        except ShareError:
            sighting.set_aside(now, refused=True)
        except NotTaken:
            sighting.set_aside(now, refused=False)

    def _count_unfinished(self) -> None:
        """While there is much to examine, now and then."""
        now = self.clock()
        if self.behind and now - self._counted_at < COUNT_EVERY_S:
            return
        self._counted_at = now
        left = self._sightings.unfinished()
        self.unfinished = (len(left), min((each.sighted_at for each in left), default=None))
        self._refused = any(sighting.refused for sighting in left)

    def _examine_file(self, sighting: Sighting) -> None:
        if sighting.size != UNKNOWN and not 0 < sighting.size <= self.folder.max_bytes:
            self._handle_incomplete(sighting, Reading(whole=False, why="empty" if sighting.size == 0 else "too_large"))
            sighting.clear_failures()
            return
        if not self._worth_reading(sighting):
            return
        try:
            fetched = self.share.fetch(sighting.name, self.folder.max_bytes)
        except Busy:
            self._sightings.looked_up(sighting.name, self.clock())
            sighting.written_to(self.clock())
            return
        except Missing:
            self.wants_listing = True  # perhaps it is the folder that is gone
            return
        self._sightings.looked_up(sighting.name, self.clock())
        self._take_content(sighting, *fetched)

    def _take_content(self, sighting: Sighting, entry: Entry, raw: bytes | None) -> None:
        sighting.read_at = self.clock()
        self._sightings.read(sighting, entry, sighting.read_at)
        if raw is None or not raw:
            reading = Reading(whole=False, why="empty" if raw is not None else "too_large")
        else:
            reading = self._reading_of(sighting.name, raw)
        sighting.read_whole = reading.whole
        if not reading.whole or raw is None:
            self._handle_incomplete(sighting, reading)
        elif (self.share.denies_writers and reading.provable) or self._settled(sighting):
            digest = Digest(hashlib.sha256(raw).hexdigest(), len(raw))
            self.listener.complete(sighting, reading, digest, raw)
            sighting.handled = True
        sighting.clear_failures()

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
        changed = sighting.stable_since > sighting.read_at
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
            self._hashing = True  # there is more; other files first
            return
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
