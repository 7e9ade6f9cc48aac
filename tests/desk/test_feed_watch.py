"""The feed of a clinic without a kiosk: everything once, nobody else disturbed, what is missed counted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Digest, Share, open_share
from drivers.simulated.terminal import How, TerminalWriter
from kiosk.desk import feed_watch
from kiosk.desk.feed import Feed
from kiosk.desk.feed_courier import CourierFeed
from kiosk.desk.feed_watch import Source, WatchFeed
from kiosk.desk.feeds import open_feed
from kiosk.desk.taken_files import KEEP_DAYS, KEEP_UNDATED_DAYS, TakenFiles
from kiosk.process.data_folder import DeskFolder
from kiosk.process.sealing import Seals
from kiosk.results import examine
from kiosk.tables.known_people import KnownPeople
from tests import ROOT
from tests.courier.bench import hooked, place
from tests.desk.feeding import CODE, PERSON, Desk, tap_now
from tests.hospital import wait_until
from tests.peers.samba import Smbd
from tests.site_toml import REQUIRED, Site, shares

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MOVED = replace(PERSON, kana="ｶｸｳ ﾊﾅ")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "SETTLED_S", 0.02)
    monkeypatch.setattr(feed_watch, "PAUSES_S", (0.01,))
    monkeypatch.setattr(feed_watch, "IDLE_S", 0.02)
    monkeypatch.setattr(feed_watch, "RETRY_S", 0.05)
    monkeypatch.setattr(feed_watch, "UNDER_WAY", timedelta(0))


class Clinic:
    """A terminal's two folders and a desk's own one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("face", "res"):
            (root / name).mkdir(exist_ok=True)
        self.urls = {name: f"file://{root / name}" for name in ("face", "res")}
        self.password = ""
        self.poll_s, self.relist_s = 0.05, 0.05
        self.wrap: Callable[[Share], Share] = lambda share: share

    def come(self, person: Any = PERSON, ago: timedelta = timedelta(0)) -> str:
        made = tap_now(person, ago)
        if made.subsidy is not None:
            place(self.root / "res", made.subsidy.name, made.subsidy.content)
        place(self.root / "face", made.result.name, made.result.content)
        return made.result.name

    @contextmanager
    def feed(self, desk: Desk) -> Iterator[WatchFeed]:
        known = KnownPeople(self.root / "known.db", Seals(b"s" * 32))

        def source(route: feed_watch.RouteName, name: str) -> Source:
            shares = [open_share(self.urls[name], self.password) for _ in range(2)]
            return Source(route, self.wrap(shares[0]), shares[1], self.poll_s, self.relist_s, 1 << 20)

        sources = [source("results", "face"), source("subsidies", "res")]
        feed = WatchFeed(sources, known, TakenFiles(self.root / "watched.db"), CODE, UTC)
        feed.start(desk)
        wait_until(lambda: all(watch.lookout._began_at > 0 for watch in feed._watches), "the folders are listed")
        yield feed
        feed.close()
        known.close()


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


def problem_of(feed: Feed) -> str:
    problem = feed.state.problem
    return problem.code if problem else ""


def test_each_file_is_given_once_and_stays_as_it_is(clinic: Clinic) -> None:
    desk = Desk()
    with clinic.feed(desk):
        clinic.come(replace(PERSON, subsidy="fetched"))
        clinic.come(replace(PERSON, subsidy="failed"))
        wait_until(lambda: len(desk.results) == len(desk.subsidies) == 2, "both taps")
    fetched, failed = sorted(desk.subsidies, key=lambda each: each.raw is None)
    (content,) = [each.read_bytes() for each in (clinic.root / "res").glob("*.xml")]
    assert (fetched.raw, failed.raw) == (content, None)
    assert fetched.request.startswith("pmhsimsm01req_")
    assert len(desk.threads) == 1
    for result in desk.results:
        assert result.raw == (clinic.root / "face" / result.name).read_bytes()
        assert datetime.now(UTC) - result.at < timedelta(minutes=10)
    again = Desk()
    with clinic.feed(again):
        last = clinic.come()
        wait_until(lambda: again.results, "the new one")
    assert again.names == [last], "what was given before is not given again"
    assert not again.subsidies


def test_what_is_new_of_a_patient_is_settled_here(clinic: Clinic) -> None:
    desk = Desk()
    with clinic.feed(desk) as feed:
        for number, person in enumerate((PERSON, MOVED, MOVED), 1):
            clinic.come(person)
            wait_until(lambda number=number: len(desk.results) == number, "the tap")  # type: ignore[misc]
        changes = [each.change for each in desk.results]
        assert [each and each.key for each in changes] == ["first", "changed", "changed"]
        assert changes[1]
        assert feed.settle(changes[1].mark) is True
        clinic.come(MOVED)
        clinic.come(replace(PERSON, number=None))
        wait_until(lambda: len(desk.results) == 5, "two more")
        assert {each.change.key if each.change else "" for each in desk.results[3:]} == {"same", ""}


def test_at_the_start_only_what_is_of_today_is_read_and_has_the_time_of_its_name(clinic: Clinic) -> None:
    ago = min(timedelta(minutes=5), datetime.now(UTC) - datetime.now(UTC).replace(hour=0, minute=0, second=0))
    clinic.come(ago=timedelta(days=3))
    today = clinic.come(ago=ago)
    undated = "OQSsiquc01res_face_ABC.xml"
    place(clinic.root / "face", undated, (clinic.root / "face" / today).read_bytes())
    desk = Desk()
    with clinic.feed(desk):
        wait_until(lambda: len(desk.results) == 2, "those that may be of today")
        late = clinic.come(ago=timedelta(days=2))
        wait_until(lambda: late in desk.names, "whatever a terminal's clock says, what comes now is of now")
    assert set(desk.names) == {today, undated, late}
    at = {each.name: each.at for each in desk.results}
    assert abs(at[today] - (datetime.now(UTC) - ago)) < timedelta(minutes=3)
    assert abs(at[late] - datetime.now(UTC)) < timedelta(minutes=3)


def test_what_cannot_be_kept_is_offered_again_with_the_same_number(clinic: Clinic) -> None:
    desk = Desk(failures=10**9)
    with clinic.feed(desk) as feed:
        name = clinic.come()
        wait_until(lambda: problem_of(feed) == "feed.store", "it is known")
        (clinic.root / "face" / name).unlink()
        desk.failures = 0
        wait_until(lambda: desk.results and not problem_of(feed), "it is in hand, wherever the file is")
        change = desk.results[0].change
        assert change is not None
        assert change.key == "first", "it was compared once"
        assert feed.missing(set(), LONG_AGO) == ()


def test_a_file_that_is_gone_before_it_was_read_is_missing_and_one_that_comes_back_is_not(clinic: Clinic) -> None:
    first = threading.Event()

    def take_away(name: str, limit: int) -> None:
        if not first.is_set():
            (clinic.root / "face" / name).unlink()
            first.set()

    clinic.wrap = lambda share: hooked(share, before_glance=take_away)
    desk = Desk()
    with clinic.feed(desk) as feed:
        made = tap_now().result
        place(clinic.root / "face", made.name, made.content)
        wait_until(lambda: len(feed.missing(set(), LONG_AGO)) == 1, "it is counted")
        (missed,) = feed.missing(set(), LONG_AGO)
        assert feed.missing({missed}, LONG_AGO) == ()
        assert feed.missing(set(), datetime.now(UTC) + timedelta(days=1)) == ()
        place(clinic.root / "face", made.name, made.content)
        wait_until(lambda: desk.results, "it is there now")
        wait_until(lambda: feed.missing(set(), LONG_AGO) == (), "and not missing")


def test_other_content_of_a_name_is_another_result(clinic: Clinic) -> None:
    desk = Desk()
    with clinic.feed(desk):
        made = tap_now().result
        place(clinic.root / "face", made.name, made.content)
        wait_until(lambda: desk.results, "the first")
        place(clinic.root / "face", made.name, made.content.replace(b"\n", b"\n\n"))
        wait_until(lambda: len(desk.results) == 2, "the second")
    assert desk.results[0].file != desk.results[1].file


def test_half_a_file_is_no_result_until_its_end_is_there(clinic: Clinic) -> None:
    desk = Desk()
    with clinic.feed(desk):
        made = tap_now().result
        with (clinic.root / "face" / made.name).open("wb") as file:
            file.write(made.content[:-8])
            file.flush()
            marker = clinic.come()
            wait_until(lambda: marker in desk.names, "what came after it")
            assert desk.names == [marker]
            file.write(made.content[-8:])
        wait_until(lambda: made.name in desk.names, "it is whole")
    assert desk.results[-1].raw == made.content


def test_what_nobody_can_read_is_given_as_it_is(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "UNREADABLE_AFTER_S", 0.05)
    monkeypatch.setattr(examine, "AS_IT_IS_AFTER_S", 0.1)
    desk = Desk()
    with clinic.feed(desk):
        for name, content in (("A", b""), ("B", b"<XmlMsg>"), ("C", b"x" * (2 << 20))):
            place(clinic.root / "face", f"OQSsiquc01res_face_{name}.xml", content)
        wait_until(lambda: len(desk.results) == 3, "all three")
    assert {each.raw for each in desk.results} == {None}
    assert {each.change for each in desk.results} == {None}


def test_a_folder_that_is_away_is_reported_and_comes_back(clinic: Clinic) -> None:
    desk = Desk()
    with clinic.feed(desk) as feed:
        (clinic.root / "face").rmdir()
        wait_until(lambda: problem_of(feed) == "feed.share", "it is known")
        (clinic.root / "face").mkdir()
        wait_until(lambda: not problem_of(feed), "and over")
        name = clinic.come()
        wait_until(lambda: desk.names == [name], "and it goes on")


# --- numbers ------------------------------------------------------------------------------------------------------


def test_numbers_never_begin_again_and_nothing_in_the_file_is_a_name(tmp_path: Path) -> None:
    at, digest = datetime.now(UTC), Digest("0" * 64, 1)
    taken = TakenFiles(tmp_path / "watched.db")
    one = taken.offered("results", "OQSsiquc01res_face_A.xml", digest, at, dated=False)
    two = taken.offered("results", "OQSsiquc01res_face_B.xml", digest, at, dated=False)
    assert one.number < two.number
    assert taken.offered("results", "OQSsiquc01res_face_A.xml", digest, at + timedelta(1), dated=False) == one
    taken.given(one.number)
    assert taken.offered("results", "OQSsiquc01res_face_A.xml", digest, at, dated=False) == replace(one, given=True)
    assert taken.missing("results", LONG_AGO, at) == (two.number,), "it was never given"
    assert taken.missing("subsidies", LONG_AGO, at) == ()
    taken.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"face" not in content
    (tmp_path / "watched.db").unlink()
    anew = TakenFiles(tmp_path / "watched.db")
    assert anew.offered("results", "OQSsiquc01res_face_C.xml", digest, at, dated=False).number > one.number
    anew.close()


def test_what_will_not_be_looked_at_again_is_forgotten(tmp_path: Path) -> None:
    at, taken = datetime.now(UTC), TakenFiles(tmp_path / "watched.db")
    for name, dated in (("A", True), ("B", False)):
        taken.given(taken.offered("results", name, Digest("0" * 64, 1), at, dated=dated).number)

    def known() -> set[str]:
        return {
            name for name in "AB" if taken.offered("results", name, Digest("0" * 64, 1), at, dated=name == "A").given
        }

    assert known() == {"A", "B"}
    taken.forget(at + timedelta(days=KEEP_DAYS - 1))
    assert known() == {"A", "B"}
    taken.forget(at + timedelta(days=KEEP_DAYS + 1))
    assert known() == {"B"}
    taken.forget(at + timedelta(days=KEEP_UNDATED_DAYS + 1))
    assert known() == set()
    taken.close()


# --- ended at any moment ------------------------------------------------------------------------------------------

_PROGRAM = """
import os, sqlite3, sys, threading
from datetime import UTC
from pathlib import Path
from drivers.share import open_share
from kiosk.desk.feed_watch import Source, WatchFeed
from kiosk.desk.taken_files import TakenFiles
from kiosk.process.sealing import Seals
from kiosk.tables.known_people import KnownPeople
root, dies = Path(sys.argv[1]), sys.argv[2]
class Desk:
    def result(self, result):
        if dies == "before":
            os.kill(os.getpid(), 9)
        with (root / "kept").open("a") as kept:
            kept.write(f"{result.file} {result.at.isoformat()} {result.change.key}\\n")
        if dies == "after":
            os.kill(os.getpid(), 9)
    def subsidy(self, subsidy):
        pass
share = lambda: open_share(f"file://{root / 'face'}", None)
feed = WatchFeed([Source("results", share(), share(), 0.02, 0.02, 1 << 20)],
    KnownPeople(root / "known.db", Seals(b"s" * 32)), TakenFiles(root / "watched.db"), "9912345678", UTC)
feed.start(Desk())
sys.stdin.read()
feed.close()
"""


def test_killed_before_or_after_the_desk_kept_it_it_is_the_same_result_again(clinic: Clinic) -> None:
    clinic.come()
    kept = clinic.root / "kept"

    def run(dies: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(clinic.root), dies], cwd=ROOT, stdin=subprocess.PIPE
        )

    for dies in ("before", "after"):
        assert run(dies).wait(120) == -signal.SIGKILL
    last = run("never")
    wait_until(lambda: len(kept.read_text().splitlines()) == 2, "it is offered again")
    assert last.stdin
    last.stdin.close()
    assert last.wait(60) == 0
    [line] = set(kept.read_text().splitlines())  # with the number, moment and verdict of before
    assert line.endswith(" first")
    again = Desk()
    with clinic.feed(again):
        name = clinic.come()
        wait_until(lambda: name in again.names, "a new one")
    assert again.names == [name]


# --- beside other programs, on a real server ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    root = tmp_path_factory.mktemp("clinic")
    with Smbd({"face": root / "face", "res": root / "res"}) as smbd:
        yield smbd


@pytest.fixture
def real(server: Smbd, tmp_path: Path) -> Clinic:
    clinic = Clinic(tmp_path)
    clinic.root = tmp_path
    for name in ("face", "res"):
        with suppress(OSError):
            (tmp_path / name).rmdir()
        (tmp_path / name).symlink_to(server.shares[name])
        for left in server.shares[name].iterdir():
            left.unlink()
    clinic.urls, clinic.password = {name: server.url(name) for name in ("face", "res")}, server.password
    clinic.poll_s, clinic.relist_s = 0.25, 5.0
    return clinic


@pytest.mark.peers
def test_over_smb_a_file_is_given_within_a_second_of_its_end(real: Clinic) -> None:
    desk, took = Desk(), []
    writer = TerminalWriter(real.urls["face"], real.password)
    with real.feed(desk) as feed:
        wait_until(lambda: all(watch.lookout.notices == "in_force" for watch in feed._watches), "notices")
        hows: tuple[How, ...] = ("direct", "rename", "slow")
        for number, how in enumerate(hows, 1):
            made = tap_now().result
            writer.write(made.name, made.content, how=how)
            ended = time.monotonic()
            wait_until(lambda number=number: len(desk.results) == number, "given", every_s=0.005)  # type: ignore[misc]
            took.append(time.monotonic() - ended)
    writer.close()
    assert min(took) < 1.0, took


@pytest.mark.peers
def test_over_smb_another_program_takes_its_files_as_if_nobody_looked_on(real: Clinic) -> None:
    """It writes, reads, renames and deletes at once what it finds, as a receipt computer does: never refused."""
    desk, names = Desk(), []
    consumer = open_share(real.urls["face"], real.password)
    with real.feed(desk) as feed:
        for number in range(60):
            made = tap_now().result
            names.append(made.name)
            consumer.put(made.name, [made.content])
            match number % 3:
                case 0:
                    assert consumer.read(made.name, 1 << 20) == made.content
                    consumer.remove(made.name)
                case 1:
                    consumer.rename_new(made.name, f"done{number}.xml")
                    consumer.remove(f"done{number}.xml")
                case 2:
                    assert consumer.delete_same(made.name, consumer.digest(made.name))
        wait_until(
            lambda: len(desk.results) + len(feed.missing(set(), LONG_AGO)) == len(names), "each is given or counted"
        )
        marker = tap_now().result
        consumer.put(marker.name, [marker.content])
        wait_until(lambda: marker.name in desk.names, "and it goes on")
    assert len(desk.names) == len({*desk.names})


# --- by site.toml -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep_days", "kept"), [(0, False), (1, True)])
def test_a_site_has_the_feed_that_it_names(tmp_path: Path, keep_days: int, kept: bool) -> None:
    site, seals = Site(tmp_path), Seals(b"s" * 32)
    folder = DeskFolder(tmp_path / "desk", tmp_path / "run")
    for each in (folder.path, folder.run):
        each.mkdir()
    folder.kept_watched.touch()  # of an earlier site.toml that kept days
    known = KnownPeople(folder.known, seals)
    assert isinstance(open_feed(site.load(REQUIRED + "[desk]"), folder, known), CourierFeed)
    assert not (folder.run / "watched.db").exists()
    watching = shares(
        terminal_subsidies="smb://kiosk@192.0.2.10:445/res", receipt_computer_subsidies="smb://kiosk@192.0.2.20/res"
    )
    feed = open_feed(site.load(f'{watching}[desk]\nfeed = "watch"\nkeep_days = {keep_days}'), folder, known)
    assert isinstance(feed, WatchFeed)
    assert [watch.lookout is not None for watch in feed._watches] == [True, True]
    assert (folder.kept_watched.exists(), folder.watched.exists()) == (kept, not kept)
    feed.close()
    known.close()
