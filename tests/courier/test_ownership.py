"""One source folder, several kiosks: one of them drains it, whoever comes, sleeps, dies or returns, and all say so."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Refused, Share, ShareError, Unreachable, open_share
from kiosk.courier.ledger import TEMP_PATTERN
from kiosk.courier.line import CourierLine
from kiosk.courier.ownership import DEAD_S, PATTERN, UNRIVALLED_S, Mark, Ownership, kiosk_id
from kiosk.process.courier_line import Message
from tests import ROOT
from tests.courier.bench import (
    DEADLINE_S,
    Clock,
    RunningCourier,
    document,
    hooked,
    place,
    result_name,
    wait_for_count,
)
from tests.hospital import vector, wait_until
from tests.peers.receipt_computer import ReceiptComputer
from tests.peers.samba import Smbd

FILE = "kiosk-id"

BEAT_S = DEAD_S / 6
A, B, C = "a" * 16, "b" * 16, "c" * 16


class Yard:
    """One source and one staging folder of this machine, and a clock that passes when the test says so."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.staging = root / "staging"
        self.sources = root
        self.staging.mkdir()

    def kiosk(self, name: str, source: str = "face", **hooks: Any) -> Ownership:
        (self.sources / source).mkdir(exist_ok=True)
        staging = hooked(open_share(f"file://{self.staging}", None), **hooks)
        face = open_share(f"file://{self.sources / source}", None)
        return Ownership("results", name, face, staging, clock=self.clock)

    def marks(self) -> list[Mark]:
        found = (Mark.of(path.name) for path in self.staging.glob(PATTERN))
        return [mark for mark in found if mark is not None]

    def pass_s(self, seconds: float, *kiosks: Ownership) -> None:
        """The kiosks beat meanwhile."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now += BEAT_S
            for kiosk in kiosks:
                settle(kiosk)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def settle(kiosk: Ownership) -> Ownership:
    """Turns that are due at once."""
    while kiosk.update() == 0:
        pass
    return kiosk


def now(kiosk: Ownership) -> str:
    return "owns" if kiosk.owns else "waits" if kiosk.stands_back else "tries"


def test_a_kiosk_alone_goes_at_once_and_beats_in_one_file_that_says_nothing_of_the_site(yard: Yard) -> None:
    one = yard.kiosk(A)
    assert one.update() == 0 and now(one) == "tries", "a second listing must show nobody else"
    assert now(settle(one)) == "owns" and not one.shared
    beats = []
    for _ in range(4):
        [mark] = yard.marks()
        beats.append(mark.beat)
        yard.pass_s(BEAT_S, one)
    assert beats == sorted(set(beats)) and one.owns
    [path] = yard.staging.iterdir()
    assert path.read_bytes() == b"" and "face" not in path.name
    one.leave()
    assert not list(yard.staging.iterdir())


def test_ones_own_mark_never_waits(yard: Yard) -> None:
    settle(yard.kiosk(A))
    again = yard.kiosk(A)  # killed and started again
    again.update()
    assert again.owns and len(yard.marks()) == 1


def test_the_newcomer_stands_back_as_long_as_the_first_beats_and_both_know(yard: Yard) -> None:
    first = settle(yard.kiosk(B))
    newcomer = settle(yard.kiosk(A))  # its id is the lesser one: it is the first that counts
    yard.pass_s(300, first, newcomer)
    assert first.owns and first.shared and newcomer.stands_back and not newcomer.owns
    restarted = settle(yard.kiosk(A))
    assert restarted.stands_back
    newcomer.leave()
    yard.pass_s(DEAD_S + 2 * BEAT_S, first)
    assert first.owns and not first.shared


def test_after_the_first_ones_death_the_newcomer_takes_over_and_the_first_stands_back_when_it_returns(
    yard: Yard,
) -> None:
    first, newcomer = settle(yard.kiosk(A)), settle(yard.kiosk(B))
    yard.pass_s(DEAD_S - BEAT_S, newcomer)
    assert newcomer.stands_back
    yard.pass_s(2 * BEAT_S, newcomer)
    assert newcomer.owns and not first.owns
    assert settle(first).stands_back and not first.owns, "it was frozen and comes back"
    settle(newcomer)
    assert newcomer.owns and newcomer.shared


def test_who_comes_back_gives_way_also_where_its_dead_mark_could_not_be_removed(yard: Yard) -> None:
    def refuse(*_: Any) -> None:
        raise Refused("each account may remove its own files only")

    first, newcomer = settle(yard.kiosk(A)), settle(yard.kiosk(B, before_remove=refuse))
    yard.pass_s(DEAD_S + 2 * BEAT_S, newcomer)
    assert newcomer.owns and [mark.wish for mark in yard.marks()] == ["own", "own"]
    assert now(settle(first)) == "waits" and now(settle(yard.kiosk(A))) == "waits"
    yard.pass_s(BEAT_S, newcomer, first)
    assert newcomer.owns and newcomer.shared


def test_a_mark_that_was_left_by_a_kiosk_that_is_gone_is_removed_whichever_source_it_had(yard: Yard) -> None:
    settle(yard.kiosk(B, source="other"))
    one = settle(yard.kiosk(A))
    yard.pass_s(DEAD_S - BEAT_S, one)
    assert len(yard.marks()) == 2
    yard.pass_s(2 * BEAT_S, one)
    assert len(yard.marks()) == 1 and one.owns and not one.shared


def test_a_mark_that_was_removed_is_written_again_and_is_no_death(yard: Yard) -> None:
    first, newcomer = settle(yard.kiosk(B)), settle(yard.kiosk(A))
    for number in range(40):
        for path in yard.staging.iterdir():
            path.unlink()
        yard.pass_s(BEAT_S, *((newcomer, first) if number % 4 else (first, newcomer)))
        assert first.owns and newcomer.stands_back and len(yard.marks()) == 2


def test_where_every_mark_is_removed_at_once_a_kiosk_delivers_all_the_same(yard: Yard) -> None:
    def eat(*_: Any) -> None:
        for path in yard.staging.iterdir():
            path.unlink()

    one = settle(yard.kiosk(A, before_entries=eat))
    yard.pass_s(60, one)
    assert one.owns


def test_a_time_in_which_nobody_could_look_is_no_death(yard: Yard) -> None:
    """The destination does not answer for ten minutes; both kiosks come back to it, the newcomer first."""
    down: list[int] = []

    def fail(*_: Any) -> None:
        if down:
            raise Unreachable("down")

    first, newcomer = (settle(yard.kiosk(each, before_entries=fail)) for each in (B, A))
    down.append(1)
    for _ in range(60):
        yard.clock.now += BEAT_S
        for kiosk in (first, newcomer):
            with pytest.raises(Unreachable):
                kiosk.update()
    assert now(first) == "tries", "it could not show that it lives: nothing is sent before it has looked again"
    down.clear()
    assert now(settle(newcomer)) == "waits" and now(settle(first)) == "owns"
    yard.pass_s(120, newcomer, first)
    assert first.owns and newcomer.stands_back


def test_a_source_that_does_not_answer_does_not_cost_its_owner_anything(yard: Yard, tmp_path: Path) -> None:
    first, newcomer = settle(yard.kiosk(A)), settle(yard.kiosk(B))
    (tmp_path / "face").rename(tmp_path / "away")
    yard.pass_s(300, first, newcomer)
    assert first.owns and newcomer.stands_back


def test_a_source_that_is_made_again_still_has_one_owner(yard: Yard, tmp_path: Path) -> None:
    first, newcomer = settle(yard.kiosk(B)), settle(yard.kiosk(A))
    (tmp_path / "face").rename(tmp_path / "old")
    (tmp_path / "face").mkdir()
    yard.pass_s(BEAT_S, newcomer)
    assert newcomer.stands_back and first.owns
    yard.pass_s(300, newcomer, first)
    assert first.owns and newcomer.stands_back


def test_routes_and_sources_do_not_meet(yard: Yard) -> None:
    kiosks = [yard.kiosk(each, source) for each, source in ((A, "one"), (B, "two"), (C, "three"))]
    subsidies = Ownership(
        "subsidies", C, kiosks[0].source, open_share(f"file://{yard.staging}", None), clock=yard.clock
    )
    for kiosk in (*kiosks, subsidies):
        settle(kiosk)
    yard.pass_s(300, *kiosks, subsidies)
    assert all(kiosk.owns and not kiosk.shared for kiosk in (*kiosks, subsidies)) and len(yard.marks()) == 4


def test_a_kiosk_that_met_nobody_knows_that_it_was_alone_once_it_has_listed_again(yard: Yard) -> None:
    one = yard.kiosk(A)
    one.update()
    before = yard.clock.now
    yard.clock.now += 0.2
    settle(one)
    since = yard.clock.now = yard.clock.now + 0.2
    assert one.alone(before, since) is False, "it was not its source yet"
    assert one.alone(since, since) is None, "nobody has looked since"
    yard.pass_s(300, one)
    assert one.alone(since, yard.clock.now - 1) is True
    other = settle(yard.kiosk(B))
    yard.pass_s(BEAT_S, one, other)
    assert one.alone(since, yard.clock.now - 1) is False
    other.leave()
    yard.pass_s(DEAD_S - 2 * BEAT_S, one)
    assert one.alone(yard.clock.now - 1, yard.clock.now - 1) is False, "its mark may only have been eaten"
    yard.pass_s(3 * BEAT_S, one)
    since = yard.clock.now
    yard.pass_s(BEAT_S, one)
    assert one.alone(since, since) is True
    again = yard.kiosk(A)
    again.update()
    assert again.owns and again.alone(since, since) is False, "what was while it was away is not known"


def test_a_kiosk_whose_mark_was_gone_for_a_moment_was_perhaps_not_alone(yard: Yard) -> None:
    one = settle(yard.kiosk(A))
    since = yard.clock.now
    for path in yard.staging.iterdir():
        path.unlink()
    yard.pass_s(BEAT_S, one)
    assert one.owns and one.alone(since, since) is False


def test_nobody_is_near_only_after_a_listing_with_our_own_mark_and_without_another_kiosk(yard: Yard) -> None:
    one = yard.kiosk(A)
    assert not one.unrivalled(yard.clock.now)
    settle(one)
    assert not one.unrivalled(yard.clock.now), "its mark says so since, and nobody has looked"
    before = yard.clock.now - 1
    yard.pass_s(BEAT_S, one)
    assert one.unrivalled(yard.clock.now) and not one.unrivalled(before), "it was not its source yet"
    other = settle(yard.kiosk(B))
    yard.pass_s(BEAT_S, one, other)
    assert one.owns and not one.unrivalled(yard.clock.now), "another one waits"
    other.leave()
    yard.pass_s(2 * DEAD_S, one)
    assert one.unrivalled(yard.clock.now)
    for path in yard.staging.iterdir():
        path.unlink()
    yard.pass_s(BEAT_S, one)
    assert one.owns and not one.unrivalled(yard.clock.now), "its mark was gone"


def test_the_marks_are_listed_for_what_was_read_a_while_ago_once_for_all_of_a_moment(yard: Yard) -> None:
    listings: list[str] = []
    one = settle(yard.kiosk(A, before_entries=lambda *_: listings.append("")))
    yard.pass_s(2 * BEAT_S, one)
    listings.clear()
    read_at = yard.clock.now
    yard.clock.now += UNRIVALLED_S / 2
    assert one.unrivalled(read_at) and one.unrivalled(yard.clock.now) and not listings, "just read"
    yard.clock.now += BEAT_S / 2
    assert all(one.unrivalled(read_at) for _ in range(50)) and len(listings) == 1
    yard.clock.now += UNRIVALLED_S
    for path in yard.staging.iterdir():
        path.unlink()
    assert not one.unrivalled(read_at) and len(listings) == 2, "another kiosk may have come"
    assert not one.unrivalled(read_at) and len(listings) == 2


class Baton:
    """Lets one of several threads go on at a time, from share call to share call, in an order of a seed's choosing."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._waiting: list[str] = []
        self._playing = 0
        self._changed = threading.Condition()

    def pause(self, *_: Any) -> None:
        mine = threading.current_thread().name
        with self._changed:
            self._waiting.append(mine)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: mine not in self._waiting, DEADLINE_S)

    def play(self, *parts: Callable[[], None]) -> None:
        def run(part: Callable[[], None], later: int) -> None:
            for _ in range(later):
                self.pause()
            part()
            with self._changed:
                self._playing -= 1
                self._changed.notify_all()

        self._playing = len(parts)
        for number, part in enumerate(parts):
            later = self._chance.randrange(20)
            threading.Thread(target=run, args=(part, later), name=f"part {number}", daemon=True).start()
        with self._changed:
            while self._playing:
                assert self._changed.wait_for(lambda: len(self._waiting) == self._playing, DEADLINE_S)
                if self._waiting:
                    self._waiting.remove(self._chance.choice(sorted(self._waiting)))
                self._changed.notify_all()


@pytest.mark.parametrize("seed", [*range(60), 125, 302, 520, 1717, 2525])
def test_in_whatever_order_their_calls_fall_one_kiosk_owns_and_never_two(tmp_path: Path, seed: int) -> None:
    """Three kiosks start at once, or (odd seeds) two find the first one dead while it comes back."""
    yard, baton = Yard(tmp_path), Baton(seed)
    playing: list[bool] = []

    def pause(*_: Any) -> None:
        if playing:
            baton.pause()

    hooks = {f"before_{call}": pause for call in ("entries", "put", "rename_new", "remove")}
    names = random.Random(seed).sample([A, B, C], 3)
    kiosks = [yard.kiosk(name, "face", **hooks) for name in names]
    if seed % 2:
        for kiosk in kiosks:
            settle(kiosk)
        yard.pass_s(DEAD_S - BEAT_S, *kiosks[1:])
        yard.clock.now += BEAT_S
    two: list[int] = []

    def run(kiosk: Ownership) -> None:
        for _ in range(15):
            kiosk.update()
            two.append(sum(each.owns for each in kiosks))

    playing.append(True)
    baton.play(*(lambda kiosk=kiosk: run(kiosk) for kiosk in kiosks))
    assert max(two) == 1 and [kiosk.owns for kiosk in kiosks].count(True) == 1
    assert sorted(mark.wish for mark in yard.marks()) == ["own", "wait", "wait"]


# -- who and what ------------------------------------------------------------------------------------------------------


class Machine:
    """What belongs to a machine and tells it apart."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.networks, self.id = root / "net", root / "machine-id"
        self.networks.mkdir()
        self.id.write_text("a" * 32 + "\n")
        monkeypatch.setattr("kiosk.courier.ownership._NETWORKS", self.networks)
        monkeypatch.setattr("kiosk.courier.ownership._MACHINE_ID", self.id, raising=False)

    def has(self, **cards: str) -> None:
        shutil.rmtree(self.networks)
        self.networks.mkdir()
        for name, address in cards.items():
            (self.networks / name / "device").mkdir(parents=True)
            (self.networks / name / "address").write_text(f"{address}\n")


def test_a_kiosk_knows_itself_again_and_a_copy_of_its_data_folder_elsewhere_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, monkeypatch)
    mine = kiosk_id(tmp_path)
    assert re.fullmatch("[0-9a-f]{16}", mine) and (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    machine.has(eth0="02:00:00:00:00:01")
    assert kiosk_id(tmp_path) == mine, "its driver was late at the first start"
    copy = (tmp_path / FILE).read_bytes()
    machine.has(eth0="02:00:00:00:00:02")
    cloned = kiosk_id(tmp_path)
    (tmp_path / FILE).write_bytes(copy)
    machine.has(eth0="02:00:00:00:00:01")
    machine.id.write_text("b" * 32 + "\n")
    assert len({mine, cloned, kiosk_id(tmp_path)}) == 3
    assert kiosk_id(tmp_path) == kiosk_id(tmp_path)
    (tmp_path / FILE).write_text("")  # as a power cut may leave it
    assert kiosk_id(tmp_path) == kiosk_id(tmp_path)


def test_a_network_card_that_comes_goes_or_changes_its_address_makes_no_other_kiosk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, monkeypatch)
    wired, modem = "02:00:00:00:00:01", "00:00:00:00:00:00"
    machine.has(eth0=wired, wlan0="02:00:00:00:0a:01", wwan0=modem)
    mine = kiosk_id(tmp_path)
    for cards in ({"eth0": wired, "wlan0": "02:00:00:00:0a:02"}, {"eth0": wired, "usb0": "02:00:00:00:0b:01"}, {}):
        machine.has(**cards)
        assert kiosk_id(tmp_path) == mine, cards
    machine.has(eth0="02:00:00:00:00:02", wwan0=modem)
    assert kiosk_id(tmp_path) != mine, "every modem has that one"


def test_a_kiosk_keeps_the_id_that_it_had_before_its_machine_was_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path, monkeypatch)
    (tmp_path / FILE).write_text("c" * 32 + "\n")
    machine.has(eth0="02:00:00:00:00:01")
    before = hashlib.sha256("/".join(("c" * 32, "02:00:00:00:00:01", "a" * 32)).encode()).hexdigest()[:16]
    assert kiosk_id(tmp_path) == before
    machine.has(eth0="02:00:00:00:00:01", usb0="02:00:00:00:0b:01")
    assert kiosk_id(tmp_path) == before


@pytest.mark.peers
def test_one_folder_is_one_source_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "oqs" / "face").mkdir(parents=True)
    (tmp_path / "oqs" / "res").mkdir()
    with Smbd({"face": tmp_path / "oqs" / "face", "oqs": tmp_path / "oqs", "c": tmp_path}) as server:

        def identity(folder: str, host: str = "127.0.0.1") -> str:
            share = open_share(server.url(folder).replace("127.0.0.1", host), server.password)
            try:
                return share.identity()
            finally:
                share.drop()

        spelled = {identity(folder) for folder in ("face", "FACE", "oqs/face", "OQS/Face", "c/oqs/face")}
        assert spelled == {identity("face", "localhost")}
        assert not spelled & {identity("oqs/res"), identity("oqs")}
        with pytest.raises(ShareError):
            identity("oqs/none")


# -- whole couriers ----------------------------------------------------------------------------------------------------


class Site:
    """One terminal with three folders, one receipt computer with one folder for all, and kiosks."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("oqs/face", "oqs/second", "oqs/third", "usual"):
            (root / name).mkdir(parents=True)
        self.server = Smbd({"oqs": root / "oqs", "face": root / "oqs" / "face", "usual": root / "usual"})

    def kiosk(
        self, name: str, source: str = "oqs/face", subsidies: tuple[str, str] | None = None, **options: Any
    ) -> RunningCourier:
        urls = (self.server.url(source), self.server.url("usual"))
        return RunningCourier(self.root / name, urls, subsidies, password=self.server.password, **options)

    def write(self, numbers: range, source: str = "face") -> None:
        for number in numbers:
            place(self.root / "oqs" / source, result_name(number), content(number))


def content(number: int) -> bytes:
    return document() + f"<!-- {number} -->".encode()


def expected(numbers: range) -> list[tuple[str, str]]:
    return [(result_name(number), hashlib.sha256(content(number)).hexdigest()) for number in numbers]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with site.server:
        yield site


def owns(courier: RunningCourier) -> bool:
    return courier.courier.routes["results"].ownership.owns


@pytest.mark.peers
@pytest.mark.parametrize(("phase", "files"), [("at once", 400), ("in between", 150), ("restarts", 150)])
def test_two_kiosks_on_one_folder_deliver_each_file_once_and_both_call_staff(
    site: Site, phase: str, files: int
) -> None:
    """The receipt computer takes at once: what is sent twice shows. One kiosk spells the folder in another way."""
    numbers = range(files)
    with ReceiptComputer(site.root / "usual") as consumer:
        one, two = site.kiosk("one"), site.kiosk("two", "face")
        site.write(range(50))
        with one:
            if phase != "at once":
                wait_until(lambda: len(consumer.taken) > 20, "the first one at work")
            with two:
                site.write(range(50, 100))
                if phase == "restarts":
                    two.__exit__(None, None, None)
                    two = site.kiosk("two", "face")
                    two.__enter__()
                site.write(range(100, files))
                wait_for_count(lambda: len(consumer.taken), files, "files taken")
                wait_until(lambda: not list((site.root / "oqs/face").iterdir()), "the source is empty")
                couriers = sorted((one, two), key=owns, reverse=True)
                wait_until(lambda: "source_shared" in couriers[0].alarms(), "the owner calls staff")
                wait_until(lambda: "source_taken" in couriers[1].alarms(), "the newcomer calls staff")
                assert phase == "at once" or couriers[0] is one
                couriers[0].wait_done(files)
                rows = {courier.data_dir.name: courier.states() for courier in couriers}
                two.__exit__(None, None, None)
    assert sorted((file.name, file.sha256) for file in consumer.taken) == expected(numbers)
    assert rows == {couriers[0].data_dir.name: {"done": files}, couriers[1].data_dir.name: {}}
    assert not list((site.root / "usual").iterdir()), "both took their marks with them"


@pytest.mark.peers
def test_three_kiosks_with_three_sources_and_one_destination_deliver_without_an_alarm(site: Site) -> None:
    sources = ("face", "second", "third")
    with ReceiptComputer(site.root / "usual") as consumer:
        kiosks = [site.kiosk(f"kiosk {source}", f"oqs/{source}") for source in sources]
        for kiosk in kiosks:
            kiosk.__enter__()
        for number, source in enumerate(sources):
            site.write(range(number * 40, number * 40 + 40), source)
        wait_for_count(lambda: len(consumer.taken), 120, "files taken")
        for kiosk in kiosks:
            kiosk.wait_done(40)
            kiosk.courier.routes["results"]._sweep()  # a second round: whose unfinished files are these?
            assert kiosk.alarms() == set()
        for kiosk in kiosks:
            kiosk.__exit__(None, None, None)
    assert sorted((file.name, file.sha256) for file in consumer.taken) == expected(range(120))


@pytest.mark.peers
def test_two_kiosks_with_one_folder_of_subsidies_serve_their_patients_and_forward_each_answer_once(site: Site) -> None:
    asker, answer = vector("pmh-ok"), vector("pmh-ok-result")
    subsidies = (site.server.url("oqs/third"), site.server.url("usual"))
    with ReceiptComputer(site.root / "usual") as consumer, site.kiosk("one", subsidies=subsidies) as one:
        wait_until(lambda: one.courier.routes["subsidies"].ownership.owns, "the first one has both")
        with site.kiosk("two", "oqs/second", subsidies=subsidies, subsidy_wait_s=1.0) as two:
            received: list[Message] = []
            line = CourierLine(two.data_dir, received.append)
            wait_until(lambda: "source_taken" in two.alarms(), "the second one's staff are told")
            place(site.root / "oqs" / "second", *asker)
            place(site.root / "oqs" / "third", *answer)
            assert consumer.wait_for(2, DEADLINE_S)
            two.wait_done(1)
            one.wait_done(1)
            assert [each["answers"] for each in received if each["event"] == "terminal"] == [True]
            assert two.subsidies() == {"unanswered": 1}
            assert two.rows("SELECT subject FROM alarms WHERE code = 'source_taken'") == [("terminal.subsidies",)]
            line.close()
    assert sorted(file.name for file in consumer.taken) == sorted((asker[0], answer[0]))


@pytest.mark.peers
def test_the_newcomer_takes_no_cards_and_takes_over_when_the_first_is_killed(site: Site, tmp_path: Path) -> None:
    """The minute is shorter here."""
    dead_s = 6.0
    first = subprocess.Popen(
        [sys.executable, "-m", "tests.courier.crash_courier"], cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True
    )
    (tmp_path / "first").mkdir()
    urls = {"source": site.server.url("oqs/face"), "destination": site.server.url("usual")}
    command = {"url": urls, "password": site.server.password, "data_dir": str(tmp_path / "first"), "kill_at": 0}
    received: list[Message] = []
    with ReceiptComputer(site.root / "usual") as consumer:
        assert first.stdin is not None
        first.stdin.write(json.dumps({**command, "files": 10_000, "dead_s": dead_s}).encode() + b"\n")
        first.stdin.flush()
        site.write(range(3))
        assert consumer.wait_for(3, DEADLINE_S)
        wait_until(lambda: not list((site.root / "oqs/face").iterdir()), "delivered to the end")
        with site.kiosk("newcomer", dead_s=dead_s) as newcomer:
            line = CourierLine(newcomer.data_dir, received.append)
            wait_until(lambda: {"event": "terminal", "answers": False} in received, "no My Number card here")
            line.ask({"ask": "baseline", "visit": 1})
            wait_until(lambda: {"event": "baseline_failed", "visit": 1} in received, "nor a visit already begun", 5.0)
            site.write(range(3, 6))
            assert consumer.wait_for(6, DEADLINE_S)
            assert newcomer.states() == {} and not any(message["event"] == "sighted" for message in received)
            wait_until(lambda: not list((site.root / "oqs/face").iterdir()), "delivered to the end")
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
            site.write(range(6, 9))
            newcomer.wait_done(3)
            wait_until(lambda: received[-1] == {"event": "terminal", "answers": True}, "My Number cards are taken")
            wait_until(lambda: not newcomer.alarms() & {"source_taken", "source_shared"}, "nobody is called any more")
            line.close()
    assert sorted((file.name, file.sha256) for file in consumer.taken) == expected(range(9))


def test_a_destination_that_refuses_the_mark_is_an_alarm_and_nothing_is_sent(tmp_path: Path) -> None:
    for name in ("face", "usual"):
        (tmp_path / name).mkdir()
    refusing = [True]

    def refuse(name: str, *_: Any) -> None:
        if refusing and name.startswith(".k-owner-"):
            raise Refused("file:///x: denied")

    def wrap(role: str, share: Share) -> Share:
        return hooked(share, before_put=refuse) if role == "staging" else share

    place(tmp_path / "face", result_name(0), content(0))
    with RunningCourier(
        tmp_path / "data", (f"file://{tmp_path / 'face'}", f"file://{tmp_path / 'usual'}"), wrap=wrap
    ) as courier:
        wait_until(lambda: "share_refused" in courier.alarms(), "staff are called")
        assert not (tmp_path / "usual" / result_name(0)).exists()
        refusing.clear()
        courier.wait_done(1)
        wait_until(lambda: not courier.alarms(), "cleared")


@pytest.mark.parametrize("restarted", [False, True])
def test_a_terminal_folder_emptied_while_the_receipt_computer_is_away_costs_no_file(
    tmp_path: Path, restarted: bool
) -> None:
    """Whole at the destination, not yet renamed. A kiosk alone delivers it; after a restart nobody knows whether it was
    alone, so staff are called, the copy stays, and who brings the file back has it delivered.
    """
    face, usual = tmp_path / "face", tmp_path / "usual"
    for folder in (face, usual):
        folder.mkdir()
    away = [True]

    def fail(name: str, *_: Any) -> None:
        if away and name.startswith(".kiosk-"):
            raise Unreachable(f"file://{usual}: away")

    def wrap(role: str, share: Share) -> Share:
        if role in ("source", "watched"):
            return hooked(share, instead_reaches=lambda *_: False)
        return hooked(share, before_rename_new=fail)

    def courier() -> RunningCourier:
        return RunningCourier(tmp_path / "data", (f"file://{face}", f"file://{usual}"), wrap=wrap, dead_s=6.0)

    kiosk = courier()
    with kiosk:
        wait_until(lambda: owns(kiosk), "the source is ours")
        place(face, result_name(0), content(0))
        wait_until(lambda: kiosk.states() == {"staged": 1}, "whole at the destination")
        (face / result_name(0)).unlink()
        if not restarted:
            away.clear()
            kiosk.wait_done(1)
            assert not kiosk.alarms() & {"file_lost_to_other", "file_held"}
    kiosk = courier()
    with kiosk:
        if restarted:
            away.clear()
            wait_until(lambda: kiosk.states() == {"held": 1}, "held")
            wait_until(lambda: "file_lost_to_other" in kiosk.alarms(), "staff are called")
            assert [path.read_bytes() for path in usual.glob(TEMP_PATTERN)] == [content(0)]
            place(face, result_name(0), content(0))
        kiosk.wait_done(1)
    assert [(path.name, path.read_bytes()) for path in usual.iterdir()] == [(result_name(0), content(0))]
