"""The feed of a hospital with a kiosk: from the spool to the desk, once, whatever ends in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from kiosk.courier.line import Hub
from kiosk.desk import feed_courier
from kiosk.desk.feed import Feed
from kiosk.desk.feed_courier import CourierFeed
from kiosk.process.courier_line import Message
from kiosk.process.desk_spool import Handed, SpoolReader, SpoolWriter
from kiosk.words.problems import Problem, in_english, in_japanese
from tests.desk.feeding import Desk
from tests.hospital import wait_until

AT = "2026-01-15T09:01:02.345+09:00"
NAME = "OQSsiquc01res_face_9912345678{}_20260115090102.xml"
SUBSIDY = "PMHsimsm01res_9912345678ABCDEF2026011509010200_face.xml"
REQUEST = "pmhsimsm01req_9912345678abcdef2026011509010200_face.xml"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_courier, "POLL_S", 0.01)
    monkeypatch.setattr(feed_courier, "PAUSES_S", (0.01,))
    monkeypatch.setattr(feed_courier, "ASK_EVERY_S", 0.02)
    monkeypatch.setattr(feed_courier, "ANSWER_S", 30.0)


@contextmanager
def running(folder: Path, desk: Desk) -> Iterator[CourierFeed]:
    feed = CourierFeed(folder, folder / "in")
    feed.start(desk)
    yield feed
    feed.close()


def handed(file: int, content: bytes | None = b"<XmlMsg/>", **more: Any) -> Handed:
    return Handed(file, "results", NAME.format(file), AT, content=content, **more)


class Courier:
    """A courier's socket with answers of the test's."""

    def __init__(self, folder: Path, answer: Callable[[Message], Message | None]) -> None:
        self._hub = Hub(folder)
        self.asked: list[Message] = []
        self.put_aside = False

        def keep(ask: Message) -> Message | None:
            self.asked.append(ask)
            return {"event": "known", "put_aside": self.put_aside} if ask["ask"] == "known" else answer(ask)

        self._hub.open(keep, lambda: {"event": "terminal", "answers": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.close()
        self._hub._socket.close()


def problem_of(feed: Feed) -> str:
    problem = feed.state.problem
    return problem.code if problem else ""


def test_what_lies_in_the_spool_is_handed_on_in_order_and_taken_out(tmp_path: Path) -> None:
    desk = Desk()
    with running(tmp_path, desk):
        writer = SpoolWriter(tmp_path / "in")
        writer.put(handed(1, key="changed", changed=("Address",), alarm=True, mark="m"))
        writer.put(handed(2, None, key="first"))
        writer.put(handed(3, key="newer than this version"))
        wait_until(lambda: len(desk.results) == 3, "all three")
        wait_until(lambda: not list((tmp_path / "in").iterdir()), "taken out")
    assert [(each.file, each.name, each.raw) for each in desk.results] == [
        (1, NAME.format(1), b"<XmlMsg/>"), (2, NAME.format(2), None), (3, NAME.format(3), b"<XmlMsg/>"),
    ]  # fmt: skip
    assert {each.at for each in desk.results} == {datetime.fromisoformat(AT)}
    first, second, third = (each.change for each in desk.results)
    assert first is not None
    assert second is not None
    assert (first.key, first.changed, first.alarm, first.mark) == ("changed", ("Address",), True, "m")
    assert (second.key, second.changed, second.alarm) == ("first", (), False)
    assert third is None
    assert len(desk.threads) == 1
    assert "face" not in repr(desk.results[0])


def test_subsidies_and_their_error_files(tmp_path: Path) -> None:
    desk, error = Desk(), SUBSIDY.replace("res_", "req_") + ".err"
    with running(tmp_path, desk):
        writer = SpoolWriter(tmp_path / "in")
        for number, (name, content) in enumerate(
            [(SUBSIDY, b"<XmlMsg/>"), (SUBSIDY, None), (error, None), (error, b"why"), ("other.xml", b"")], 1
        ):
            writer.put(Handed(number, "subsidies", name, AT, content=content))
        wait_until(lambda: not list((tmp_path / "in").iterdir()), "taken out")
    assert [(each.file, each.request, each.raw) for each in desk.subsidies] == [
        (1, REQUEST, b"<XmlMsg/>"), (2, REQUEST, b""), (3, REQUEST, None), (4, REQUEST, None),
    ]  # fmt: skip


def test_what_cannot_be_kept_is_offered_again_before_what_came_after_it(tmp_path: Path) -> None:
    desk = Desk(failures=3)
    with running(tmp_path, desk) as feed:
        writer = SpoolWriter(tmp_path / "in")
        with Courier(tmp_path, lambda _: None):
            writer.put(handed(1))
            writer.put(handed(2))
            wait_until(lambda: len(desk.results) == 2, "both")
            wait_until(lambda: not problem_of(feed), "well again")
    assert [each.file for each in desk.results] == [1, 2]


def test_it_says_what_is_wrong_while_nothing_can_be_kept(tmp_path: Path) -> None:
    desk = Desk(failures=10**9)
    with Courier(tmp_path, lambda _: None), running(tmp_path, desk) as feed:
        SpoolWriter(tmp_path / "in").put(handed(1))
        wait_until(lambda: problem_of(feed) == "feed.store", "it is known")
        since = feed.state.since
        desk.failures = 0
        wait_until(lambda: not problem_of(feed), "and over")
        assert feed.state.since > since


def test_a_desk_that_ends_before_it_took_it_out_is_offered_the_same_again(tmp_path: Path) -> None:
    """By number and moment it knows that it has it."""
    (tmp_path / "in").mkdir()
    SpoolWriter(tmp_path / "in").put(handed(1))
    first, second = Desk(), Desk()
    taking, ended = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        taking.set()
        ended.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpoolReader, "taken", hang)
        with running(tmp_path, first):
            wait_until(taking.is_set, "it has it")
            feed = CourierFeed(tmp_path, tmp_path / "in")
            patch.undo()
            feed.start(second)
            wait_until(lambda: second.results, "and so has the next")
            feed.close()
            ended.set()
    assert [(each.file, each.at) for each in first.results] == [(each.file, each.at) for each in second.results]
    assert not list((tmp_path / "in").iterdir())


def test_a_fault_in_one_result_does_not_keep_the_others_back(tmp_path: Path) -> None:
    class Faulty(Desk):
        def result(self, result: Any) -> None:
            if result.file == 1:
                raise RuntimeError("injected")
            super().result(result)

    desk = Faulty()
    with Courier(tmp_path, lambda _: None), running(tmp_path, desk) as feed:
        for number in (1, 2):
            SpoolWriter(tmp_path / "in").put(handed(number))
        wait_until(lambda: desk.results, "the other")
        wait_until(lambda: problem_of(feed) == "feed.fault", "it is known")


def test_a_spool_that_is_gone_is_reported_and_comes_back(tmp_path: Path) -> None:
    desk = Desk()
    with Courier(tmp_path, lambda _: None), running(tmp_path, desk) as feed:
        (tmp_path / "in").rmdir()
        wait_until(lambda: problem_of(feed) == "feed.spool", "it is known")
        (tmp_path / "in").mkdir()
        SpoolWriter(tmp_path / "in").put(handed(1))
        wait_until(lambda: desk.results and not problem_of(feed), "and over")


def test_a_courier_that_is_away_is_reported_and_what_it_owes_is_asked_for_again(tmp_path: Path) -> None:
    done = [False]
    with running(tmp_path, Desk()) as feed:
        wait_until(lambda: problem_of(feed) == "feed.courier", "nobody answers")
        assert feed.settle("7") is False
        with Courier(tmp_path, lambda _: {"event": "settled", "done": done[0]}) as courier:
            wait_until(lambda: not problem_of(feed), "it answers")
            wait_until(lambda: {"ask": "settle", "mark": "7"} in courier.asked, "asked again")
            assert feed.settle("8") is False
            done[0] = True
            wait_until(lambda: feed._owed == set(), "both are settled")
            marks = {ask["mark"] for ask in courier.asked if ask["ask"] == "settle"}
            assert marks == {"7", "8"}
            assert feed.settle("9") is True


def test_what_the_courier_knew_and_could_not_read_is_known_here(tmp_path: Path) -> None:
    with Courier(tmp_path, lambda _: None) as courier, running(tmp_path, Desk()) as feed:
        wait_until(lambda: len(courier.asked) > 1, "asked")
        assert not feed.was_put_aside
        courier.put_aside = True
        wait_until(lambda: feed.was_put_aside, "it is known")
    assert feed.was_put_aside, "while nobody answers, too"


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ({"files": [1, 2, 3, 4]}, (1, 3)), ({"files": []}, ()), ({"files": None}, ()), ({"files": ["1", None]}, ()),
        ({}, ()),
    ],
)  # fmt: skip
def test_missing_is_what_the_courier_saw_and_neither_desk_nor_spool_has(
    tmp_path: Path, answer: Message, missing: tuple[int, ...]
) -> None:
    (tmp_path / "in").mkdir()
    SpoolWriter(tmp_path / "in").put(handed(4))
    feed, since = CourierFeed(tmp_path, tmp_path / "in"), datetime(2026, 1, 15, tzinfo=UTC)
    with Courier(tmp_path, lambda _: {"event": "results_since", **answer}) as courier:
        assert feed.missing({2}, since) == missing
        assert courier.asked == [{"ask": "results_since", "seen_at": since.isoformat()}]


def test_without_a_courier_nothing_is_known_of_what_is_missing(tmp_path: Path) -> None:
    assert CourierFeed(tmp_path, tmp_path / "in").missing(set(), datetime.now(UTC)) == ()


@pytest.mark.parametrize(
    "problem",
    [
        Problem("feed.courier"), Problem("feed.spool", {"why": "No such file"}), Problem("feed.fault", {"name": "X"}),
        Problem("feed.store", {"why": "OSError"}), Problem("feed.refused", {"where": "smb://h/s"}),
        Problem("feed.share", {"where": "smb://h/s", "why": "smb://h/s: no answer"}),
    ],
    ids=lambda problem: problem.code,
)  # fmt: skip
def test_each_problem_has_words(problem: Problem) -> None:
    assert in_english(problem)
    assert in_japanese(problem)
