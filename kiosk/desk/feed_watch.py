"""The feed of a clinic without a kiosk: the terminal's folders are looked at, beside the program they are meant for.

Only ever lists and glances at files, so that no other program's open, rename or delete fails by us. Another program may
take a file away as soon as it is there: what was gone before it was read is counted, and cannot be had.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

from drivers.share import Digest, Refused, Share, ShareError
from kiosk.desk.feed import FeedState, Result, Sink, State, Subsidy
from kiosk.desk.taken_files import TakenFiles
from kiosk.results import names, records
from kiosk.results.changes import EligibilityChange
from kiosk.results.eligibility import Outcome, Reading, read_result, read_subsidy
from kiosk.results.examine import NotTaken
from kiosk.results.lookout import Lookout
from kiosk.results.records import Confirmation
from kiosk.results.sightings import Sighting
from kiosk.results.watch import Folder, Watcher
from kiosk.tables.known_people import KnownPeople
from kiosk.words.problems import Problem

RouteName = Literal["results", "subsidies"]
# What was read and waits for the desk's store.
WAITING_MAX: Final = 200
WAITING_BYTES_MAX: Final = 32 << 20
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)  # after what could not be kept
RETRY_S: Final = 1.0
RETRY_MAX_S: Final = 8.0
RECONNECT_EVERY_S: Final = 30.0
IDLE_S: Final = 1.0
FORGET_EVERY_S: Final = 3600.0
CLOSE_S: Final = 2.0
# Younger than this a file may still be on its way to the desk.
UNDER_WAY: Final = timedelta(seconds=10)
DAY_ENDS_AT: Final = timedelta(hours=4)


@dataclass(frozen=True)
class Source:
    """One folder of the terminal's. `watched` and `listed`: two connections to it; `relist_s`: with notices."""

    route: RouteName
    watched: Share
    listed: Share
    poll_s: float
    relist_s: float
    max_bytes: int


@dataclass(eq=False)
class _Found:
    """A file that was read, or (`digest` None) was gone before."""

    route: RouteName
    name: str = field(repr=False)
    at: datetime
    digest: Digest | None
    raw: bytes | None = field(repr=False, default=None)
    reading: Reading | None = field(repr=False, default=None)
    compared: bool = False
    change: EligibilityChange | None = field(repr=False, default=None)


class WatchFeed:
    """A `Feed`. `institution`: results of another one are compared with nothing. `zone`: the site's."""

    def __init__(
        self, sources: Sequence[Source], known: KnownPeople, taken: TakenFiles, institution: str, zone: tzinfo
    ) -> None:
        self._known, self._taken, self._institution, self._zone = known, taken, institution, zone
        self._state = State()
        self._stop = threading.Event()
        self._found: queue.SimpleQueue[_Found | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._owed: set[str] = set()
        self._forget_at = 0.0
        self._watches = [_Watch(source, self) for source in sources]
        self._threads: list[threading.Thread] = []

    @property
    def state(self) -> FeedState:
        """See Feed."""
        return self._state.now

    @property
    def was_put_aside(self) -> bool:
        """See Feed."""
        return self._known.was_put_aside

    def start(self, sink: Sink) -> None:
        """See Feed."""
        turns = [turn for watch in self._watches for turn in watch.turns]
        self._threads = [
            threading.Thread(target=self._run, args=(sink,), name="feed", daemon=True),
            *(threading.Thread(target=self._guarded, args=(turn,), name=turn.__name__, daemon=True) for turn in turns),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """See Feed."""
        self._stop.set()
        for watch in self._watches:
            watch.lookout.close()
        self._found.put(None)
        deadline = time.monotonic() + CLOSE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._taken.close()

    def settle(self, mark: str) -> bool:
        """See Feed."""
        try:
            self._known.settle(mark)
        except sqlite3.Error:
            with self._lock:
                self._owed.add(mark)
            return False
        with self._lock:
            self._owed.discard(mark)
        return True

    def missing(self, displayed: AbstractSet[int], since: datetime) -> tuple[int, ...]:
        """See Feed."""
        try:
            files = self._taken.missing("results", since, datetime.now(UTC) - UNDER_WAY)
        except sqlite3.Error:
            return ()
        return tuple(file for file in files if file not in displayed)

    # -- for its watches ------------------------------------------------------------------------------------------

    def report(self, concern: str, problem: Problem | None) -> None:
        """What is wrong with a folder; None: nothing any more."""
        self._state.set(concern, problem)

    def found(self, found: _Found) -> bool:
        """False: too much waits; to be found again."""
        size = len(found.raw or b"")
        with self._lock:
            if self._found.qsize() >= WAITING_MAX or self._bytes + size > WAITING_BYTES_MAX:
                return False
            self._bytes += size
        self._found.put(found)
        return True

    def is_old(self, name: str) -> bool:
        """Of a day that is over, as its name says."""
        today = (datetime.now(self._zone) - DAY_ENDS_AT).strftime("%Y%m%d")
        return "" < names.made_at(name)[:8] < today

    def moment(self, name: str, *, fresh: bool) -> datetime:
        """When it came: now, if we watched; else as its name says, unless that is still to come."""
        now = datetime.now(UTC)
        if fresh:
            return now
        try:
            made = datetime.strptime(names.made_at(name), "%Y%m%d%H%M%S").replace(tzinfo=self._zone)
        except ValueError:
            return now
        return min(now, made.astimezone(UTC))

    # -- its thread -----------------------------------------------------------------------------------------------

    def _run(self, sink: Sink) -> None:
        while not self._stop.is_set():
            self._look_after()
            try:
                found = self._found.get(timeout=IDLE_S)
            except queue.Empty:
                continue
            if found is not None:
                self._give_until_taken(found, sink)
                with self._lock:
                    self._bytes -= len(found.raw or b"")

    def _give_until_taken(self, found: _Found, sink: Sink) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._give(found, sink)
            except (sqlite3.Error, OSError) as error:
                self._state.set("store", Problem("feed.store", {"why": type(error).__name__}))
                self._stop.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                continue
            except Exception as error:  # noqa: BLE001 - a fault of ours in one result must not stop all others
                self._state.set("fault", Problem("feed.fault", {"name": type(error).__name__}))
            self._state.set("store", None)
            return

    def _give(self, found: _Found, sink: Sink) -> None:
        dated = bool(names.made_at(found.name))
        if found.digest is None:
            self._taken.missed(found.route, found.name, found.at, dated=dated)
            return
        numbered = self._taken.offered(found.route, found.name, found.digest, found.at, dated=dated)
        if numbered.given:
            return
        if found.route == "results":
            self._compare(found)
            sink.result(Result(numbered.number, found.name, numbered.at, found.raw, found.change))
        elif (request := names.request_key(found.name)) is not None:
            failed = names.kind(found.name) == "subsidy_error"
            sink.subsidy(Subsidy(numbered.number, request, None if failed else found.raw or b"", numbered.at))
        self._taken.given(numbered.number)

    def _compare(self, found: _Found) -> None:
        """Once, however often it is offered."""
        result = found.reading.result if found.reading is not None else None
        if found.compared or result is None or found.raw is None or result.outcome is not Outcome.usable:
            return
        confirmation = records.read(found.raw, len(found.raw))
        ours = result.institution_code in (None, self._institution)
        if ours and result.reference_number and isinstance(confirmation, Confirmation):
            day = found.at.astimezone(self._zone).date()
            file = f"{found.name} {found.digest}"
            found.change = self._known.compare(result.reference_number, confirmation, day, file)
        found.compared = True

    def _look_after(self) -> None:
        """What is owed, and what is past."""
        with self._lock:
            owed = sorted(self._owed)
        for mark in owed:
            self.settle(mark)
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY_S
            now = datetime.now(UTC)
            try:
                self._taken.forget(now)
                self._known.forget(now.astimezone(self._zone).date())
            except sqlite3.Error as error:
                self._state.set("store", Problem("feed.store", {"why": type(error).__name__}))

    def _guarded(self, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                turn()
            except Exception as error:  # noqa: BLE001 - a thread must not end unnoticed
                self._state.set("fault", Problem("feed.fault", {"name": type(error).__name__}))
                self._stop.wait(RETRY_S)


class _Watch:
    """One folder: the owner of its lookout, and the listener of its watcher."""

    def __init__(self, source: Source, feed: WatchFeed) -> None:
        self._source, self._feed = source, feed
        results = source.route == "results"
        folder = Folder(
            names.ELIGIBILITY_PATTERN if results else names.SUBSIDY_PATTERN,
            frozenset({"eligibility"} if results else {"subsidy_result", "subsidy_error"}),
            source.max_bytes,
            source.poll_s,
            beside=True,
            is_old=feed.is_old,
        )
        reader = read_result if results else _read_subsidy
        watcher = Watcher(source.watched, folder, reader, self, time.monotonic, source.listed, self._missed)
        self.lookout = Lookout(watcher, self, source.relist_s)
        self.turns = (self.lookout.examine_once, self.lookout.list_once, self.lookout.notices_once)
        self._retry_s = RETRY_S
        self._reconnected_at = 0.0

    # results.lookout.Owner

    def may_watch(self) -> bool:
        return True

    def answered(self) -> None:
        self._retry_s = RETRY_S
        self._feed.report(f"share {self._source.route}", None)

    def listed(self, began: float, at: float) -> None:
        pass

    def failed(self, error: ShareError) -> float:
        where = self._source.watched.where
        self._feed.report(f"share {self._source.route}", Problem("feed.share", {"where": where, "why": str(error)}))
        if isinstance(error, Refused):
            self._reconnect()
        pause_s, self._retry_s = self._retry_s, min(2 * self._retry_s, RETRY_MAX_S)
        return pause_s

    def examined(self, refused: bool) -> None:
        problem = Problem("feed.refused", {"where": self._source.watched.where}) if refused else None
        self._feed.report(f"files {self._source.route}", problem)

    # results.examine.Listener

    def sighted(self, sighting: Sighting) -> None:
        pass

    def gone(self, sighting: Sighting) -> None:
        self._missed(sighting.name)

    def unreadable(self, sighting: Sighting) -> None:
        pass  # it is given as it is, in a minute

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        at = self._feed.moment(sighting.name, fresh=sighting.fresh)
        if not self._feed.found(_Found(self._source.route, sighting.name, at, digest, raw, reading)):
            raise NotTaken

    def others(self, number: int) -> None:
        pass

    def _missed(self, name: str) -> None:
        self._feed.found(_Found(self._source.route, name, datetime.now(UTC), None))

    def _reconnect(self) -> None:
        """A server that was mended may go on refusing on an older connection."""
        now = time.monotonic()
        if now - self._reconnected_at > RECONNECT_EVERY_S:
            self._reconnected_at = now
            self._source.watched.drop()
            self._source.listed.drop()


def _read_subsidy(name: str, raw: bytes, max_bytes: int) -> Reading:
    """Of an error file nothing is read here: that it is there is all there is to it."""
    reading = read_subsidy(name, raw, max_bytes)
    return replace(reading, provable=True) if reading.failed else reading
