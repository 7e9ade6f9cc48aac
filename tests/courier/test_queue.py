"""Which file is delivered next: a patient's before a backlog, each by first sight, and at no cost that grows."""

from __future__ import annotations

import heapq
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Share
from kiosk.courier import queue
from kiosk.courier.ledger import FileId
from kiosk.courier.line import CourierLine
from kiosk.courier.queue import HELD_PAUSE_S, KEPT_MAX_BYTES, PAUSES_S, Parcel, Queue
from kiosk.process.courier_line import Message
from tests.courier.bench import Clock, RunningCourier, document, hooked, place, result_name
from tests.hospital import wait_until


class Bench:
    """A queue and a clock that passes when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = Queue(self.clock)
        self.parcels: dict[int, Parcel] = {}

    def add(self, *files: int, **more: Any) -> None:
        for file in files:
            self.parcels[file] = Parcel(FileId(file), **more)
            self.queue.add(self.parcels[file])

    def next(self) -> int | None:
        parcel = self.queue.next(0.0)
        return parcel.file if parcel else None

    def drain(self) -> list[int]:
        files: list[int] = []
        while (parcel := self.queue.next(0.0)) is not None:
            files.append(parcel.file)
            self.queue.finished(parcel)
        return files


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_by_first_sight_whatever_order_they_come_in(bench: Bench) -> None:
    bench.add(3, 1, 2)
    assert bench.next() == bench.next() == 1, "it is there until it is dealt with"
    assert bench.drain() == [1, 2, 3]


def test_what_a_visit_may_wait_for_goes_before_a_backlog_and_the_latest_visits_before_earlier_ones(
    bench: Bench,
) -> None:
    bench.add(1, 2)
    bench.add(3, 4, fresh=True)
    bench.queue.visit_began()
    bench.add(5)
    bench.add(6, 7, fresh=True)
    assert bench.drain() == [6, 7, 3, 4, 1, 2, 5]


def test_what_was_refused_comes_after_all_others_the_longest_ago_first(bench: Bench) -> None:
    bench.add(1, 2, fresh=True)
    for file in (2, 1):
        bench.queue.failed(bench.parcels[file], refused=True)
        bench.clock.now += 0.01
    assert bench.next() is None and bench.queue.any_refused()
    bench.add(3)
    bench.clock.now += PAUSES_S[0]
    assert bench.drain() == [3, 2, 1] and not bench.queue.any_refused()


def test_a_file_set_aside_lets_others_pass_and_comes_back_in_its_place(bench: Bench) -> None:
    bench.add(1, 2, 3)
    bench.queue.set_aside(bench.parcels[1], HELD_PAUSE_S)
    assert bench.next() == 2
    bench.clock.now += HELD_PAUSE_S
    assert bench.drain() == [1, 2, 3]


def test_pauses_grow_until_it_is_offered_again(bench: Bench) -> None:
    bench.add(1)
    for pause_s in (*PAUSES_S, PAUSES_S[-1]):
        assert bench.next() == 1
        bench.queue.failed(bench.parcels[1])
        bench.clock.now += pause_s - 0.001
        assert bench.next() is None
        bench.clock.now += 0.002
    bench.queue.failed(bench.parcels[1])
    bench.add(1)
    assert bench.next() == 1


def test_what_is_offered_while_it_is_advanced_is_advanced_once_more(bench: Bench) -> None:
    bench.add(1)
    parcel = bench.queue.next(0.0)
    assert parcel is not None
    bench.queue.add(Parcel(FileId(1)))
    bench.queue.finished(parcel)
    assert bench.drain() == [1] and bench.next() is None


def test_an_answer_wakes_those_that_asked_for_it_and_nobody_else(bench: Bench) -> None:
    bench.add(1, 2, request="req-a")
    bench.add(3, request="req-b")
    for parcel in bench.parcels.values():
        bench.queue.set_aside(parcel, HELD_PAUSE_S)
    assert bench.next() is None
    bench.queue.wake("req-a")
    assert bench.drain() == [1, 2]
    bench.queue.wake("req-a")  # they are gone
    bench.queue.wake("req-c")
    assert bench.next() is None


def test_a_backlog_leaves_room_in_memory_for_fresh_files(bench: Bench) -> None:
    half = bytes(KEPT_MAX_BYTES // 2)
    bench.add(1, 2, raw=half)
    bench.add(3, 4, raw=half, fresh=True)
    assert [file for file, parcel in bench.parcels.items() if parcel.raw] == [1, 3]
    assert bench.drain() == [3, 4, 1, 2]
    bench.add(5, raw=half)
    assert bench.parcels[5].raw


def test_who_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    waited_for = Queue(time.monotonic)
    got: list[Parcel | None] = []

    def wait() -> None:
        while (parcel := waited_for.next(600.0)) is not None:
            got.append(parcel)
            waited_for.finished(parcel)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    waited_for.add(Parcel(FileId(1)))
    wait_until(lambda: bool(got), "it comes")
    waited_for.close()
    thread.join(60)
    assert not thread.is_alive() and [each.file for each in got if each] == [1]


@pytest.mark.parametrize("waiting", [10, 10_000])
def test_no_step_looks_at_all_that_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch, waiting: int) -> None:
    """Counted: how often a file is put into a place, whoever waits."""
    bench.add(*range(1000, 1000 + waiting))
    bench.queue.set_aside(bench.parcels[1000], HELD_PAUSE_S)
    assert bench.next() == 1001
    placed: list[int] = []

    def push(heap: list[Any], entry: Any) -> None:
        placed.append(1)
        heapq.heappush(heap, entry)

    monkeypatch.setattr(queue, "heappush", push)
    for file in range(10):
        bench.add(file, fresh=True, request=f"req-{file}")
        assert bench.next() == file and not bench.queue.any_refused()
        bench.queue.failed(bench.parcels[file])
        bench.queue.wake(f"req-{file}")
        assert bench.next() == file
        bench.queue.finished(bench.parcels[file])
    assert len(placed) <= 10 * 5


def test_a_patients_file_is_published_next_though_hundreds_wait(tmp_path: Path) -> None:
    for name in ("face", "to_face"):
        (tmp_path / name).mkdir()
    for number in range(300):
        place(tmp_path / "face", result_name(number), document())
    may_go, moved, received = threading.Event(), list[str](), list[Message]()

    def wait(name: str, *_: Any) -> None:
        moved.append(name)
        may_go.wait(60)

    def wrap(role: str, share: Share) -> Share:
        return hooked(share, before_move_same=wait) if role == "source" else share

    results = (f"file://{tmp_path}/face", f"file://{tmp_path}/to_face")
    with RunningCourier(tmp_path / "data", results, wrap=wrap) as courier:
        line = CourierLine(courier.data_dir, received.append)
        wait_until(lambda: sum(courier.states().values()) == 300, "all wait")
        line.ask({"ask": "baseline", "visit": 1})
        wait_until(lambda: any(message["event"] == "baseline" for message in received), "a visit")
        place(tmp_path / "face", result_name(900), document())
        wait_until(lambda: sum(courier.states().values()) == 301, "it waits as well")
        may_go.set()
        courier.wait_done(301)
        line.close()
    assert moved.index(result_name(900)) <= 1, "only what was under way goes before it"
    assert sorted(moved) == sorted(result_name(number) for number in (*range(300), 900))
