"""Watching one source folder: which files are there, which are complete, what they say.

What is there is learnt from listings, and from notices of single names (`noticed`), which are then looked up.
Owns the order in which files are examined (examine.py): no patient's file waits behind others, none behind a bad one.
Must never write to the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from drivers.share import Busy, Entry, Missing, Share, ShareError, Unreachable
from kiosk.results import names as result_files
from kiosk.results.eligibility import Reader
from kiosk.results.examine import Examiner, Listener, NotTaken
from kiosk.results.sightings import Sighting, Sightings, name_order

# Then a listing or a notice is due: a visit may wait for it.
EXAMINE_BUDGET_S = 0.05
# A file that was only just created is left to its writer for so long.
CREATED_PAUSE_S = 0.05
OTHERS_EVERY_S = 60.0
COUNT_EVERY_S = 1.0
# A terminal that is connected after weeks: 100,000 results wait. More are listed when these are gone.
LISTED_MAX = 150_000


@dataclass(frozen=True)
class Folder:
    """What to look for: `pattern` filters on the server, `kinds` decides.

    `beside`: the files are meant for other programs, which must never be kept from anything; see examine.py. `is_old`:
    which files that lie there at the start are left alone, by their names.
    """

    pattern: str
    kinds: frozenset[str]
    max_bytes: int
    poll_s: float
    beside: bool = False
    is_old: Callable[[str], bool] = lambda _: False


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

    `lister`: the folder by a connection of its own, so that no look waits for a long listing; None: `share`. `missed`
    is called for a file of which only a notice was seen: it was gone when it was looked up.
    """

    share: Share
    folder: Folder
    reader: Reader
    listener: Listener
    clock: Callable[[], float]
    lister: Share | None = None
    missed: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self._sightings = Sightings(self.folder.poll_s)
        self._vanished: list[Sighting] = []  # still to be reported
        # Names to be looked up, and when their first notice came: since the last visit began, and before.
        self._noticed: dict[str, float] = {}
        self._noticed_before: dict[str, float] = {}
        self._created: dict[str, float] = {}
        self._plan: list[Sighting] = []  # what is still to be examined in this round, the next one last
        self._others_at: float | None = None
        self._examiner = Examiner(
            self.share,
            self.folder.max_bytes,
            self.reader,
            self.listener,
            self._sightings,
            self.clock,
            beside=self.folder.beside,
        )
        self._examined_at = self._counted_at = float("-inf")
        self._refused = False
        self._visit_at = float("inf")
        self._young: list[Sighting] = []  # came while we watched, and is not known to be bad
        self.behind = False  # the last `examine` ended before it had come to every file
        # Seen but not yet complete: how many, and since when the oldest. Replaced whole, so any thread may read it.
        self.unfinished: tuple[int, float | None] = (0, None)

    @property
    def wants_listing(self) -> bool:
        """Only a listing tells what became of a file."""
        return self._examiner.folder_doubted

    def list_folder(self) -> Listing:
        """List the folder; raises ShareError."""
        started = self.clock()
        self._sightings.listing_begun(started)
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
        self._examiner.folder_doubted = False
        return new

    def noticed(self, names: Mapping[str, bool], at: float) -> None:
        """Something happened to these files (see `Changes.next`); `at`: when the notice came.

        What was written is looked up by the next `examine`; what was only created, a moment later, and without opening
        it while it is empty.
        """
        for name, written in sorted(names.items(), key=lambda each: name_order(each[0])):
            if not self._is_mine(name):
                continue
            known = self._sightings.get(name)
            if written:
                first_at = self._noticed_before.pop(name, self._created.pop(name, at))
                self._noticed.setdefault(name, first_at)
            elif known is None:
                self._created.setdefault(name, at)
            elif not known.handled:
                self._examiner.folder_doubted = True  # mostly it was deleted

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
        self._examiner.deadline = self.clock() + EXAMINE_BUDGET_S
        self._examiner.hashing = False
        done = self._look_up_noticed() and self._look_up_created() and self._examine_young() and self._examine_planned()
        self.behind = self._examiner.hashing or not done
        self._count_unfinished()
        return self._refused

    def due_at(self) -> float | None:
        """When the next `examine` can find out something without a notice or a listing; None: there is nothing."""
        if self.behind:
            return self.clock()
        due = [at + CREATED_PAUSE_S for at in self._created.values()]
        if self.unfinished[0]:
            due.append(self._examined_at + self.folder.poll_s)
            due += [each.not_before for each in self._sightings.unfinished() if each.not_before > self._examined_at]
        return min(due, default=None)

    def count_others(self) -> int | None:
        """Now and then: how many files of other kinds lie there; None: not now. Raises ShareError."""
        now = self.clock()
        if self._others_at is not None and now - self._others_at < OTHERS_EVERY_S:
            return None
        self._others_at = now
        entries = (self.lister or self.share).entries("*")
        return sum(result_files.kind(entry.name) is None for entry in entries)

    def _is_mine(self, name: str) -> bool:
        return result_files.kind(name) in self.folder.kinds

    def _look_up_noticed(self) -> bool:
        """False: there are more."""
        while noticed := self._noticed or self._noticed_before:
            name = next(iter(noticed))
            self._look_up(name, noticed.pop(name))
            if self.clock() > self._examiner.deadline:
                return not (self._noticed or self._noticed_before)
        return True

    def _look_up_created(self) -> bool:
        """False: there are more."""
        ripe = [name for name, at in self._created.items() if self.clock() >= at + CREATED_PAUSE_S]
        for name in ripe:
            noticed_at = self._created.pop(name)
            if self._sightings.get(name) is None and self._lies_there(name):
                self._look_for(name, noticed_at)
            if self.clock() > self._examiner.deadline:
                return name == ripe[-1]
        return True

    def _lies_there(self, name: str) -> bool:
        """Whether it may be opened. An empty one may be opened again by its writer: a later listing tells of it."""
        try:
            found = [entry for entry in self.share.entries(name) if entry.name == name]
        except Unreachable:
            raise
        except ShareError:
            found = []
        if any(entry.size == 0 for entry in found):
            self._examiner.folder_doubted = True
        return any(entry.size > 0 for entry in found)

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
            fetched = self._examiner.fetch(name)
        except Missing:
            self._sightings.looked_up(name, self.clock())
            self.missed(name)
            return
        except Busy:
            pass
        except Unreachable:
            self._noticed_before[name] = noticed_at
            raise
        except ShareError:
            self._examiner.folder_doubted = True  # whether it is there at all
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
            self._examiner.take_content(sighting, *fetched)

    def _sighted(self, sighting: Sighting) -> None:
        if not sighting.fresh and self.folder.is_old(sighting.name):
            sighting.handled = True
            return
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
        if now > self._examiner.deadline:
            return False
        self._examine(sighting)
        return True

    def _examine(self, sighting: Sighting) -> None:
        sighting.examined_at = self.clock()
        with self._setting_aside(sighting):
            self._examiner.examine(sighting)

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
