"""What is complete, what is told, what goes as it is: a real share, and time that passes when the test says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Busy, Digest, Entry, Refused, Share, Unreachable, open_share
from drivers.simulated.terminal import TerminalWriter
from kiosk.results import names as result_files
from kiosk.results.eligibility import Reader, Reading, read_result
from kiosk.results.sightings import Sighting, Sightings
from kiosk.results.watch import LISTED_MAX, Folder, Watcher
from tests.courier.bench import Clock, document, hooked, place, result_name
from tests.hospital import vector
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers
MAX = 1_048_576
BAD = ("truncated-tag", "truncated-char", "zero-bytes", "nul-bytes", "zip", "xxe", "entity-bomb", "deep")


@dataclass
class Found:
    """A listener that remembers, by name."""

    sightings: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    completed: dict[str, tuple[Reading, Digest, bytes | None]] = field(default_factory=dict)

    def sighted(self, sighting: Sighting) -> None:
        self.sightings.append(sighting.name)

    def gone(self, sighting: Sighting) -> None:
        self.vanished.append(sighting.name)

    def unreadable(self, sighting: Sighting) -> None:
        self.reported.append(sighting.name)

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        assert sighting.name not in self.completed, "told twice"
        self.completed[sighting.name] = (reading, digest, raw)

    def others(self, number: int) -> None:
        raise AssertionError("a watcher only counts them")


class Watch:
    """A watcher and its clock; `pass_s` lets time go by in polls."""

    def __init__(self, share: Share, reader: Reader | None = None) -> None:
        self.clock, self.found = Clock(), Found()
        folder = Folder(result_files.ELIGIBILITY_PATTERN, frozenset({"eligibility"}), MAX, 0.25)
        self.watcher = Watcher(share, folder, reader or read_result, self.found, self.clock)
        self.poll()

    def list(self) -> float:
        """When the listing was complete."""
        listing = self.watcher.list_folder()
        self.watcher.take(listing)
        return listing.finished

    def poll(self) -> bool:
        self.list()
        return self.watcher.examine()

    def poll_and_finish(self) -> None:
        """As a lookout does, which goes on while there is more to examine."""
        self.poll()
        while self.watcher.behind:
            self.watcher.examine()

    def pass_s(self, seconds: float, step_s: float = 0.25, *, finish: bool = True) -> None:
        deadline = self.clock.now + seconds
        while self.clock.now < deadline:
            self.clock.now += step_s
            if finish:
                self.poll_and_finish()
            else:
                self.poll()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    with Smbd({"face": tmp_path_factory.mktemp("watch")}) as smbd:
        yield smbd


@pytest.fixture(params=["smb", "folder"])
def place_of(request: pytest.FixtureRequest, server: Smbd) -> tuple[Path, str, str]:
    """A pair of folder, url and password."""
    folder = server.shares["face"]
    for left in folder.iterdir():
        left.unlink()
    return folder, (server.url("face") if request.param == "smb" else f"file://{folder}"), server.password


def test_bad_files_are_reported_after_5_s_and_go_as_they_are_after_60_s(place_of: tuple[Path, str, str]) -> None:
    folder, url, password = place_of
    watch = Watch(open_share(url, password))
    for label in BAD:
        place(folder, *vector(label))
    big = result_name(1)
    place(folder, big, b"<" * (MAX + 1))
    names = {vector(label)[0] for label in BAD} | {big}
    watch.pass_s(4.75)
    assert not watch.found.reported and set(watch.found.sightings) == names
    watch.pass_s(1.0)
    assert set(watch.found.reported) == names and len(watch.found.reported) == len(names)
    watch.pass_s(53.0)
    assert not watch.found.completed
    watch.pass_s(3.0)
    assert set(watch.found.completed) == names
    for name, (reading, digest, raw) in watch.found.completed.items():
        assert raw is None and not reading.whole and digest.size == (folder / name).stat().st_size


def test_empty_and_oversized_files_are_never_read_whole(server: Smbd) -> None:
    folder = server.shares["face"]
    for left in folder.iterdir():
        left.unlink()

    def refuse(*_: Any) -> None:
        raise AssertionError("it was read into memory")

    def parse(*_: object) -> Reading:
        raise AssertionError("it was parsed")

    watch = Watch(hooked(open_share(server.url("face"), server.password), before_fetch=refuse), parse)
    place(folder, result_name(1), b"")
    place(folder, result_name(2), b"x" * (MAX + 1))
    watch.pass_s(61.0)
    assert set(watch.found.completed) == {result_name(1), result_name(2)}


@pytest.mark.parametrize("share", ["none", "r", "rw", "rd", "rwd"])
@pytest.mark.parametrize("content", [b"", document()[:500], document(), b"x" * (MAX + 1)])
def test_nothing_is_reported_or_complete_while_a_writer_has_the_file_open(
    server: Smbd, share: Any, content: bytes
) -> None:
    folder = server.shares["face"]
    for left in folder.iterdir():
        left.unlink()
    watch = Watch(open_share(server.url("face"), server.password))
    writer = TerminalWriter(server.url("face"), server.password)
    with writer.holding(result_name(1), share=share) as file:
        if content:
            file.write(content)
        watch.pass_s(130.0, step_s=5.0)
        assert watch.found.sightings and not watch.found.reported and not watch.found.completed
    watch.pass_s(61.0, step_s=1.0)
    writer.close()
    assert list(watch.found.completed) == [result_name(1)]


def test_a_local_writer_is_given_two_equal_listings_before_its_file_is_read(tmp_path: Path) -> None:
    watch = Watch(open_share(f"file://{tmp_path}", None))
    path = tmp_path / result_name(1)
    whole = document()
    for end in range(200, len(whole), 200):
        path.write_bytes(whole[:end])
        watch.pass_s(0.2, step_s=0.1)
        assert not watch.found.completed
    path.write_bytes(whole)
    watch.clock.now += 0.1
    watch.poll()
    assert not watch.found.completed
    watch.pass_s(0.5, step_s=0.1)
    assert watch.found.completed[result_name(1)][2] == whole


def test_a_bad_file_that_becomes_whole_is_complete_then(place_of: tuple[Path, str, str]) -> None:
    folder, url, password = place_of
    watch = Watch(open_share(url, password))
    place(folder, result_name(1), document()[:300])
    watch.pass_s(6.0)
    assert watch.found.reported
    place(folder, result_name(1), document())
    watch.pass_s(1.0)
    assert watch.found.completed[result_name(1)][2] == document()


def test_a_reader_that_fails_on_one_file_stops_no_other(tmp_path: Path) -> None:
    def read(name: str, raw: bytes, max_bytes: int) -> Reading:
        if raw == b"poison":
            raise RecursionError("a fault of ours")
        return Reading(whole=True)

    watch = Watch(open_share(f"file://{tmp_path}", None), read)
    place(tmp_path, result_name(1), b"poison")
    place(tmp_path, result_name(2), document())
    watch.pass_s(2.0)
    assert list(watch.found.completed) == [result_name(2)]
    watch.pass_s(60.0)
    assert watch.found.completed[result_name(1)][0].why == "not_understood"


@pytest.mark.parametrize("failure", [Unreachable("the server breaks off"), Refused("no right")])
def test_a_file_that_cannot_be_read_keeps_no_other_waiting(tmp_path: Path, failure: Exception) -> None:
    """Also when reading it breaks the connection, every time."""
    asked: list[str] = []

    def fail(name: str, *_: Any) -> None:
        asked.append(name)
        if name == result_name(1):
            raise failure

    watch = Watch(hooked(open_share(f"file://{tmp_path}", None), before_fetch=fail))
    for number in (1, 2, 3):
        place(tmp_path, result_name(number), document())
    refused = False
    for _ in range(40):
        watch.clock.now += 0.25
        try:
            refused = watch.poll()
        except Unreachable:
            continue
    assert set(watch.found.completed) == {result_name(2), result_name(3)}
    assert asked.count(result_name(1)) < 12, "it is asked for ever more patiently"
    assert refused == isinstance(failure, Refused)
    (tmp_path / result_name(1)).unlink()
    watch.pass_s(0.5)
    assert watch.poll() is False


def test_a_patients_file_does_not_wait_until_a_huge_one_is_hashed(tmp_path: Path) -> None:
    """The huge one is hashed a little at a time."""
    clock_of: list[Clock] = []

    def slow_pieces(name: str, *_: Any) -> Iterator[bytes]:
        for _piece in range(20):
            clock_of[0].now += 0.15  # a slow line
            yield b"x" * 1000

    share = hooked(open_share(f"file://{tmp_path}", None), instead_chunks=slow_pieces)
    watch = Watch(share)
    clock_of.append(watch.clock)
    place(tmp_path, result_name(1), b"x" * (MAX + 1))
    watch.pass_s(62.0, finish=False)
    assert not watch.found.completed
    place(tmp_path, result_name(2), document())
    watch.pass_s(1.0, finish=False)
    assert list(watch.found.completed) == [result_name(2)]
    watch.pass_s(10.0)
    assert watch.found.completed[result_name(1)][1].size == 20_000


class Slow:
    """A share whose reading takes some of the watch's time."""

    def __init__(self, folder: Path, takes_s: float = 0.05) -> None:
        self._takes_s = takes_s
        self.asked: list[str] = []
        self.watch: Watch | None = None
        self.share = hooked(open_share(f"file://{folder}", None), before_fetch=self._read)

    def _read(self, name: str, *_: Any) -> None:
        self.asked.append(name)
        if self.watch is not None:
            self.watch.clock.now += self._takes_s


def test_many_fresh_files_are_read_a_little_at_a_time_and_what_a_visit_waits_for_first(tmp_path: Path) -> None:
    slow = Slow(tmp_path)
    watch = slow.watch = Watch(slow.share)
    for number in range(60):
        place(tmp_path, result_name(number), document())
    watch.poll()
    watch.clock.now += 0.25  # they are settled
    watch.poll()
    assert (1 <= len(slow.asked) <= 6, watch.watcher.behind) == (True, True)
    watch.clock.now += 0.01
    watch.watcher.visit_began(watch.list())
    watch.clock.now += 0.01
    place(tmp_path, result_name(99), document())
    watch.poll()
    watch.clock.now += 0.25
    before = len(slow.asked)
    watch.poll()
    assert slow.asked[before] == result_name(99)
    for _ in range(30):
        watch.poll()
    others = [name for name in watch.found.completed if name != result_name(99)]
    assert others == [result_name(number) for number in range(60)], "in order of first sight"
    assert (len(slow.asked), watch.watcher.behind) == (61, False)


def test_however_slow_the_share_each_look_reads_a_file(tmp_path: Path) -> None:
    slow = Slow(tmp_path, 60.0)
    watch = slow.watch = Watch(slow.share)
    for number in range(3):
        place(tmp_path, result_name(number), document())
    watch.poll()
    watch.clock.now += 0.25
    for done in (1, 2, 3):
        watch.poll()
        assert len(watch.found.completed) == done


def test_many_bad_files_keep_no_good_one_waiting(tmp_path: Path) -> None:
    """They are read again each second, which may take longer than a second."""
    slow = Slow(tmp_path)
    watch = slow.watch = Watch(slow.share)
    for number in range(100):
        place(tmp_path, result_name(number), document("truncated-tag"))
    for _ in range(10):
        watch.clock.now += 0.25
        watch.poll_and_finish()
    place(tmp_path, result_name(200), document())
    for _ in range(14):
        watch.clock.now += 0.25
        watch.poll()
    assert list(watch.found.completed) == [result_name(200)]
    for _ in range(60):
        watch.clock.now += 0.25
        watch.poll()
    assert set(slow.asked) == {result_name(number) for number in (*range(100), 200)}
    assert len(watch.found.reported) == 100


def test_a_busy_moment_in_the_middle_of_hashing_begins_the_wait_again(tmp_path: Path) -> None:
    busy = [True]

    def pieces(name: str, size: int = 0) -> Iterator[bytes]:
        yield b"x"
        if size != 4096 and busy:
            busy.clear()
            raise Busy("a writer came")
        yield b"y"

    watch = Watch(hooked(open_share(f"file://{tmp_path}", None), instead_chunks=pieces))
    place(tmp_path, result_name(1), b"x" * (MAX + 1))
    watch.pass_s(62.0)
    assert not busy and not watch.found.completed
    watch.pass_s(61.0)
    assert watch.found.completed[result_name(1)][1].size == 2


def test_two_spellings_of_a_name_are_two_files_where_case_matters(tmp_path: Path) -> None:
    watch = Watch(open_share(f"file://{tmp_path}", None))
    place(tmp_path, result_name(1), document())
    place(tmp_path, result_name(1).upper(), document("shuffled"))
    watch.pass_s(1.0)
    assert {name: raw for name, (_, _, raw) in watch.found.completed.items()} == {
        result_name(1): document(),
        result_name(1).upper(): document("shuffled"),
    }


def test_a_listing_cut_at_its_limit_does_not_prove_that_files_are_gone(tmp_path: Path) -> None:
    place(tmp_path, result_name(1), document())
    share = open_share(f"file://{tmp_path}", None)
    (entry,) = share.entries("*")
    crowd = [type(entry)(f"OQSsiquc01res_face_ä{number}.xml", 1, "") for number in range(LISTED_MAX)]
    listings = [[entry], crowd, [entry]]
    watch = Watch(hooked(share, instead_entries=lambda *_: listings.pop(0) if listings else [entry]))
    watch.poll()
    assert not watch.found.vanished
    watch.pass_s(1.0)
    assert watch.found.sightings == [result_name(1)] and list(watch.found.completed) == [result_name(1)]


def test_other_kinds_of_files_are_counted_and_left_alone(tmp_path: Path) -> None:
    """Also folders, links and pipes whose names would match."""
    watch = Watch(open_share(f"file://{tmp_path}", None))
    for name in ("Thumbs.db", "OQSsiquc01req_face_1.xml", "OQSsiquc01res_face_1.xml.bak", "メモ.txt"):
        place(tmp_path, name, document())
    (tmp_path / "OQSsiquc01res_face_folder.xml").mkdir()
    (tmp_path / "OQSsiquc01res_face_link.xml").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "OQSsiquc01res_face_pipe.xml")
    before = sorted(tmp_path.iterdir())
    assert watch.watcher.count_others() == 4
    assert watch.watcher.count_others() is None, "only now and then"
    watch.pass_s(62.0, step_s=1.0)
    assert watch.watcher.count_others() == 4
    assert not watch.found.sightings and sorted(tmp_path.iterdir()) == before


def test_first_sight_is_never_later_than_the_file_though_the_share_was_away(tmp_path: Path) -> None:
    """A file that came while nothing could be listed may be older than a visit that began meanwhile."""
    watch = Watch(open_share(f"file://{tmp_path}", None))
    listed_at = watch.clock.now
    watch.clock.now += 30
    place(tmp_path, result_name(1), document())
    watch.poll()
    (sighting,) = watch.watcher._sightings.in_order()
    assert sighting.first_seen == listed_at


def test_a_file_that_a_cut_listing_may_have_hidden_is_as_old_as_the_last_whole_listing() -> None:
    """Else a file from before a visit would count as new once others were taken away."""
    first, hidden, late = (Entry(f"OQSsiquc01res_face_2026011509000{n}.xml", 1, "s") for n in (1, 2, 3))
    at_start = Sightings(0.25)
    at_start.listed([first], 1.0, 1.1, cut=True)
    [seen], _ = at_start.listed([first, hidden], 1.3, 1.4)
    assert (seen.first_seen, seen.fresh) == (0.0, False)
    later = Sightings(0.25)
    later.listed([], 1.0, 1.1)
    later.listed([first], 1.3, 1.4, cut=True)
    [seen], _ = later.listed([first, hidden], 1.6, 1.7)
    assert (seen.first_seen, seen.fresh) == (1.1, True)
    [seen], _ = later.listed([first, hidden, late], 1.9, 2.0)
    assert seen.first_seen == 1.9


def test_a_noticed_file_is_as_old_as_its_first_notice_whenever_it_is_looked_up(tmp_path: Path) -> None:
    watch = Watch(open_share(f"file://{tmp_path}", None))
    place(tmp_path, result_name(1), document())
    watch.clock.now += 0.2
    first = watch.clock.now
    watch.watcher.noticed({result_name(1): True}, first)
    watch.watcher.visit_began(first)  # what is noticed again from now on goes before what waits since earlier
    watch.clock.now += 0.3
    watch.watcher.noticed({result_name(1): True}, watch.clock.now)
    watch.clock.now += 0.3
    watch.watcher.examine()
    (sighting,) = watch.watcher._sightings.in_order()
    assert (sighting.first_seen, sighting.fresh) == (first, True)


def test_a_notice_long_after_the_last_listing_makes_no_file_younger_than_that(tmp_path: Path) -> None:
    """It may be late, and the file older than a visit that began meanwhile."""
    watch = Watch(open_share(f"file://{tmp_path}", None))
    listed_at = watch.clock.now
    watch.clock.now += 1.5
    place(tmp_path, result_name(1), document())
    watch.watcher.noticed({result_name(1): True}, watch.clock.now)
    watch.watcher.examine()
    (sighting,) = watch.watcher._sightings.in_order()
    assert sighting.first_seen == listed_at


def test_a_listing_under_way_that_followed_closely_is_no_gap_however_long_it_takes() -> None:
    """Ten seconds for a listing of many old files must not make a patient's file older than the visit."""
    for begun_after_s, first_seen in ((0.25, 1.35), (2.0, 1.1)):
        sightings = Sightings(0.25)
        sightings.listed([], 1.0, 1.1)
        sightings.listing_begun(1.1 + begun_after_s)
        assert sightings.found(result_name(1), 9.0, 9.1).first_seen == pytest.approx(first_seen)
    early = Sightings(0.25)
    early.listed([], 1.0, 1.1)
    early.listing_begun(5.0)
    assert early.found(result_name(1), 4.0, 5.1).first_seen == 1.1, "the listing began after the notice"


def test_a_notice_after_a_cut_listing_or_before_the_first_one_proves_nothing() -> None:
    name = result_name(1)
    at_start = Sightings(0.25)
    found = at_start.found(name, 1.0, 1.1)
    assert (found.first_seen, found.fresh) == (0.0, False)
    later = Sightings(0.25)
    later.listed([], 1.0, 1.1)
    later.listed([Entry(result_name(2), 1, "s")], 1.3, 1.4, cut=True)
    assert later.found(name, 1.5, 1.6).first_seen == 1.1


def test_a_listing_says_nothing_of_names_that_were_looked_up_since_it_began() -> None:
    there, gone, changed = (result_name(number) for number in (1, 2, 3))
    known = Sightings(0.25)
    known.listed([], 1.0, 1.1)
    for name in (there, changed):
        known.found(name, 1.2, 1.3)
        known.looked_up(name, 1.3)
    known.looked_up(gone, 1.3)  # in vain
    mine = known.get(changed)
    assert mine is not None
    known.read(mine, Entry(changed, 2, "new"), 1.3)
    mine.handled = True
    before = mine.id
    assert known.listed([Entry(gone, 1, "s"), Entry(changed, 1, "old")], 1.25, 1.5) == ([], [])
    assert known.listed([Entry(there, 1, "s"), Entry(changed, 2, "new")], 1.6, 1.7) == ([], [])
    assert (mine.handled, mine.id) == (True, before)
    new, lost = known.listed([Entry(changed, 3, "newer")], 1.8, 1.9)
    assert not new and [each.name for each in lost] == [there]
    assert not mine.handled and mine.id != before, "other content under its name"


def test_a_name_that_was_looked_up_in_vain_is_sighted_by_no_listing_from_before(tmp_path: Path) -> None:
    watch = Watch(open_share(f"file://{tmp_path}", None))
    place(tmp_path, result_name(1), document())
    watch.clock.now += 0.25
    listing = watch.watcher.list_folder()
    (tmp_path / result_name(1)).unlink()
    watch.clock.now += 0.1
    watch.watcher.noticed({result_name(1): True}, watch.clock.now)
    watch.watcher.examine()
    assert watch.watcher.take(listing) == [] and not watch.found.sightings


def test_what_was_noticed_since_a_visit_began_is_looked_up_before_what_waits_since_earlier(tmp_path: Path) -> None:
    watch = Watch(open_share(f"file://{tmp_path}", None))
    for number in (1, 2):
        place(tmp_path, result_name(number), document())
    watch.clock.now += 0.2
    watch.watcher.noticed({result_name(1): True}, watch.clock.now)
    watch.watcher.visit_began(watch.clock.now)
    watch.watcher.noticed({result_name(2): True}, watch.clock.now)
    watch.watcher.examine()
    assert watch.found.sightings == [result_name(2), result_name(1)]
