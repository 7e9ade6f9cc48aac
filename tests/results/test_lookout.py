"""A lookout's three threads beside a real server: notices are quick, listings sure, and neither waits for the other.

Where a test wants to see that a notice did it, the next listing is a minute away; where it wants to see a listing do
it, notices are refused, or reported to nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from drivers.share import Changes, Digest, Refused, Share, ShareError, Unreachable, Unsupported, open_share
from drivers.simulated.terminal import TerminalWriter
from kiosk.results.eligibility import Reading, read_result
from kiosk.results.lookout import UNNOTICED_S, Lookout
from kiosk.results.names import ELIGIBILITY_PATTERN
from kiosk.results.sightings import Sighting
from kiosk.results.watch import Folder, Watcher
from tests.courier.bench import document, hooked, place, result_name
from tests.hospital import wait_until
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers
FAR_S = 60.0


class Running:
    """A lookout at work, and what its owner heard. A context manager."""

    def __init__(self, watched: Share, listed: Share, *, poll_s: float = FAR_S, relist_s: float = FAR_S) -> None:
        folder = Folder(ELIGIBILITY_PATTERN, frozenset({"eligibility"}), 1_048_576, poll_s)
        self.watcher = Watcher(watched, folder, read_result, self, time.monotonic, listed)
        self.lookout = Lookout(self.watcher, self, relist_s)
        self.sightings: list[str] = []
        self.complete_names: list[str] = []
        self.listings: list[float] = []
        self.failures: list[ShareError] = []
        self.counted: list[int] = []
        self.stands_back = False
        self.asked = 0
        self._stop = threading.Event()
        turns = (self.lookout.examine_once, self.lookout.list_once, self.lookout.notices_once)
        self._threads = [threading.Thread(target=self._loop, args=(turn,), daemon=True) for turn in turns]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self.lookout.close()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "each turn ends when it is closed"

    def _loop(self, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            turn()

    def wait_in_force(self) -> None:
        """Notices are asked for after the first listing, and followed by another."""
        lookout = self.lookout
        wait_until(lambda: lookout.notices == "in_force" and lookout._listed_since_armed, "in force, and listed since")

    # -- kiosk.results.lookout.Owner

    def may_watch(self) -> bool:
        self.asked += 1
        return not self.stands_back

    def answered(self) -> None:
        pass

    def listed(self, began: float, at: float) -> None:
        self.listings.append(began)

    def failed(self, error: ShareError) -> float:
        self.failures.append(error)
        return 0.2

    def examined(self, refused: bool) -> None:
        pass

    # -- and kiosk.results.watch.Listener

    def sighted(self, sighting: Sighting) -> None:
        self.sightings.append(sighting.name)

    def gone(self, sighting: Sighting) -> None:
        pass

    def unreadable(self, sighting: Sighting) -> None:
        pass

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        self.complete_names.append(sighting.name)

    def others(self, number: int) -> None:
        self.counted.append(number)


class Deaf(Changes):
    """A server that takes the request and never reports anything."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def next(self) -> dict[str, bool] | None:
        self._closed.wait()
        raise Unreachable("it was closed")

    def close(self) -> None:
        self._closed.set()


class Scripted(Deaf):
    """Reports what a test says."""

    def __init__(self, reports: list[dict[str, bool] | None]) -> None:
        super().__init__()
        self._reports = reports

    def next(self) -> dict[str, bool] | None:
        return self._reports.pop(0) if self._reports else super().next()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    with Smbd({"face": tmp_path_factory.mktemp("lookout")}) as smbd:
        yield smbd


@pytest.fixture
def folder(server: Smbd) -> Path:
    for left in server.shares["face"].iterdir():
        left.unlink()
    return server.shares["face"]


@pytest.fixture
def share(server: Smbd, folder: Path) -> Callable[[], Share]:
    return lambda: open_share(server.url("face"), server.password)


@pytest.fixture
def writer(server: Smbd, folder: Path) -> Iterator[TerminalWriter]:
    terminal = TerminalWriter(server.url("face"), server.password)
    yield terminal
    terminal.close()


def test_a_notice_brings_a_file_long_before_the_next_listing(
    share: Callable[[], Share], writer: TerminalWriter
) -> None:
    with Running(share(), share()) as running:
        running.wait_in_force()
        before = len(running.listings)
        for number in range(20):
            writer.write(result_name(number), document())
        wait_until(lambda: len(running.complete_names) == 20, "all are complete")
        assert running.sightings == running.complete_names == [result_name(number) for number in range(20)]
        assert len(running.listings) <= before + 1, "the one after notices have come into force"


def test_a_file_that_is_being_written_is_complete_soon_after_its_writer_has_closed_it(
    share: Callable[[], Share], writer: TerminalWriter
) -> None:
    with Running(share(), share()) as running:
        running.wait_in_force()
        with writer.holding(result_name(1), share="r") as file:
            file.write(document()[:700])
            wait_until(lambda: running.sightings == [result_name(1)], "it is sighted")
            file.write(document()[700:])
            assert not running.complete_names
        wait_until(lambda: running.complete_names == [result_name(1)], "it is complete")


def test_a_listing_that_does_not_end_keeps_no_file_waiting(share: Callable[[], Share], writer: TerminalWriter) -> None:
    hanging, go_on, begun = threading.Event(), threading.Event(), threading.Event()

    def hang(*_: Any) -> None:
        if hanging.is_set():
            begun.set()
            go_on.wait(60)

    running = Running(share(), hooked(share(), before_entries=hang))
    with running:
        running.wait_in_force()
        hanging.set()
        running.lookout.visit_waits(1)
        assert begun.wait(60)
        writer.write(result_name(1), document())
        wait_until(lambda: running.complete_names == [result_name(1)], "it is complete")
        go_on.set()


def test_a_listing_older_than_a_look_changes_nothing(share: Callable[[], Share], writer: TerminalWriter) -> None:
    """It began before the file was there, and ends after it was read."""
    hanging, go_on, begun = threading.Event(), threading.Event(), threading.Event()

    def hang(pattern: str, *_: Any) -> None:
        if hanging.is_set() and pattern == ELIGIBILITY_PATTERN:  # not where other files are counted
            begun.set()
            go_on.wait(60)

    running = Running(share(), hooked(share(), after_entries=hang), poll_s=0.05)
    with running:
        running.wait_in_force()
        hanging.set()
        running.lookout.visit_waits(1)
        assert begun.wait(60)
        writer.write(result_name(1), document())
        wait_until(lambda: running.complete_names == [result_name(1)], "it is complete")
        count = len(running.listings)
        go_on.set()
        wait_until(lambda: len(running.listings) > count + 3, "further listings")
        assert running.sightings == running.complete_names == [result_name(1)]


def test_a_server_that_refuses_notices_is_listed_at_the_poll_interval(tmp_path: Path) -> None:
    with Smbd({"face": tmp_path}, options=("change notify = no",)) as server:
        ends = [open_share(server.url("face"), server.password) for _ in range(2)]
        with Running(ends[0], ends[1], poll_s=0.05) as running:
            wait_until(lambda: running.lookout.notices == "refused", "refused")
            writer = TerminalWriter(server.url("face"), server.password)
            writer.write(result_name(1), document())
            wait_until(lambda: running.complete_names == [result_name(1)], "it is complete")
            writer.close()


def test_a_server_whose_notices_do_not_come_counts_as_one_without(
    share: Callable[[], Share], writer: TerminalWriter
) -> None:
    with Running(hooked(share(), instead_watch=Deaf), share(), poll_s=0.05, relist_s=0.05) as running:
        running.wait_in_force()
        for number in range(3):
            wait_until(lambda: running.lookout.notices in ("in_force", "silent"), "asked for anew")
            count = len(running.listings)
            wait_until(lambda before=count: len(running.listings) > before + 2, "listed since")  # type: ignore[misc]
            writer.write(result_name(number), document())
            wait_until(lambda many=number: len(running.complete_names) > many, "listings find it")  # type: ignore[misc]
            wait_until(lambda: running.lookout.notices != "in_force", "nobody told of it")
        wait_until(lambda: running.lookout.notices == "silent", "not to be relied on")


def test_more_than_the_server_can_name_is_listed(share: Callable[[], Share], writer: TerminalWriter) -> None:
    reports: list[dict[str, bool] | None] = []
    with Running(hooked(share(), instead_watch=lambda: Scripted(reports)), share()) as running:
        running.wait_in_force()
        writer.write(result_name(1), document())
        reports.append(None)
        running.lookout._drop_notices()  # it is asked for notices anew, and the answer is that there are too many
        wait_until(lambda: running.complete_names == [result_name(1)], "it was listed")


def test_notices_are_asked_for_again_when_the_server_is_back(tmp_path: Path) -> None:
    with Smbd({"face": tmp_path}) as server:
        ends = [open_share(server.url("face"), server.password) for _ in range(2)]
        with Running(ends[0], ends[1], relist_s=0.2) as running:
            running.wait_in_force()
            server.kill()
            wait_until(lambda: running.lookout.notices == "down" and bool(running.failures), "noticed")
            server.start()
            running.listings.clear()
            running.wait_in_force()
            writer = TerminalWriter(server.url("face"), server.password)
            writer.write(result_name(1), document())
            wait_until(lambda: running.complete_names == [result_name(1)], "it is complete")
            writer.close()


def test_a_visit_that_waits_is_listed_for_and_only_while_it_waits(share: Callable[[], Share]) -> None:
    with Running(share(), share(), poll_s=0.02, relist_s=FAR_S) as running:
        running.wait_in_force()
        asked = time.monotonic()
        running.lookout.visit_waits(7)
        wait_until(lambda: sum(began >= asked for began in running.listings) > 10, "listed at the poll interval")
        running.lookout.visit_ended(6)  # of another visit
        count = len(running.listings)
        wait_until(lambda: len(running.listings) > count + 10, "still")
        running.lookout.visit_ended(7)
        ended = time.monotonic()
        pause = threading.Event()
        for _ in range(10):  # ten poll intervals and more
            pause.wait(0.05)
        assert sum(began > ended + 0.3 for began in running.listings) <= 1


def test_what_came_before_notices_were_in_force_is_listed_at_once(share: Callable[[], Share], folder: Path) -> None:
    def come(*_: Any) -> None:
        wait_until(lambda: running.listings, "the first listing")
        place(folder, result_name(1), document())

    running = Running(hooked(share(), before_watch=come), share())
    with running:
        wait_until(lambda: running.complete_names == [result_name(1)], "it is complete", FAR_S / 3)


def test_a_visit_that_begins_is_listed_for_at_once(share: Callable[[], Share]) -> None:
    with Running(share(), share()) as running:
        running.wait_in_force()
        wait_until(lambda: running.lookout._listed_since_armed and not running.lookout._wanted, "all is quiet", 20)
        asked_at = time.monotonic()
        running.lookout.visit_waits(1)
        wait_until(lambda: running.listings[-1] > asked_at, "a listing that began after the question", FAR_S / 3)


def test_a_folder_that_is_anothers_is_not_looked_at(share: Callable[[], Share], writer: TerminalWriter) -> None:
    with Running(share(), share(), poll_s=0.05, relist_s=0.05) as running:
        running.wait_in_force()
        running.stands_back = True
        wait_until(lambda: running.lookout.notices == "down", "no notices are asked for")
        writer.write(result_name(1), document())
        count = len(running.listings)
        assert not running.complete_names
        running.stands_back = False
        wait_until(lambda: running.complete_names == [result_name(1)], "it is ours again")
        assert len(running.listings) >= count


def test_what_was_left_unfinished_costs_nothing_while_the_folder_is_anothers(
    share: Callable[[], Share], writer: TerminalWriter
) -> None:
    with Running(share(), share(), poll_s=0.05, relist_s=0.05) as running:
        running.wait_in_force()
        writer.write(result_name(1), b"<broken")
        wait_until(lambda: running.watcher.unfinished[0] == 1, "a file that is not complete")
        running.stands_back = True
        wait_until(lambda: running.lookout.notices == "down", "no notices are asked for")
        asked = running.asked
        threading.Event().wait(1.0)
        assert running.asked - asked < 20, "three threads, each of which asks now and then"
        writer.write(result_name(2), document())
        running.stands_back = False
        wait_until(lambda: running.complete_names == [result_name(2)], "it is ours again")


def test_a_folder_that_stays_missing_is_not_watched_for_with_a_logon_every_moment(share: Callable[[], Share]) -> None:
    asked: list[float] = []

    def missing() -> Changes:
        asked.append(time.monotonic())
        raise Unreachable("not there")

    with Running(hooked(share(), instead_watch=missing), share(), poll_s=0.05):
        wait_until(lambda: len(asked) == 4, "it is asked for again")
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[2] > 1.5 > pauses[0], "after ever longer pauses"


def test_a_file_whose_look_was_refused_has_been_noticed_all_the_same(
    share: Callable[[], Share], writer: TerminalWriter
) -> None:
    watched: list[None] = []

    def refuse(name: str, limit: int) -> None:
        if name == result_name(1):
            raise Refused("not this one")

    at_work = hooked(share(), before_fetch=refuse, before_watch=lambda: watched.append(None))
    with Running(at_work, share(), poll_s=0.05, relist_s=0.05) as running:
        running.wait_in_force()
        wait_until(lambda: len(running.listings) > 2, "listings since notices are in force")
        writer.write(result_name(1), document())
        wait_until(lambda: running.sightings == [result_name(1)], "the listing shows it")
        listings = len(running.listings)
        # As long as an unnoticed file is waited for, and a listing more.
        wait_until(lambda: time.monotonic() > running.listings[listings - 1] + UNNOTICED_S + 0.5, "some time")
        assert running.lookout.notices == "in_force" and len(watched) == 1


def test_a_server_may_refuse_only_the_question_for_notices(share: Callable[[], Share], writer: TerminalWriter) -> None:
    def refuse() -> Changes:
        raise Unsupported("not here")

    with Running(hooked(share(), instead_watch=refuse), share(), poll_s=0.05) as running:
        wait_until(lambda: running.lookout.notices == "refused", "refused")
        writer.write(result_name(1), document())
        wait_until(lambda: running.complete_names == [result_name(1)], "listings find it")
        assert not running.failures, "that is no fault of the share"
