"""A ledger that fails at one statement: whoever waits hears the result all the same, and the file arrives once."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.share import Digest, Share, open_share
from kiosk.courier import queue, route
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import Ledger
from kiosk.courier.line import CourierLine, Hub
from kiosk.courier.listeners import Pairing, ResultsListener, SubsidiesListener
from kiosk.courier.queue import Queue
from kiosk.process.courier_line import Message
from kiosk.process.event_log import EventLog
from kiosk.results import examine
from kiosk.results.eligibility import read_result, read_subsidy
from kiosk.results.sightings import Sighting, SightingId
from tests.courier.bench import DEADLINE_S, LEDGER, Desk, RunningCourier, document, hooked, place, result_name
from tests.courier.test_whole import ASKER, ERRORS
from tests.hospital import vector, wait_until
from tests.peers.receipt_computer import ReceiptComputer


class Failing:
    """A connection whose `after`-th statement from now on, in threads of one kind, fails once; None: none does.

    `word`: counted are only statements with this value among their parameters.
    """

    def __init__(self, db: sqlite3.Connection, threads: str, word: str = "") -> None:
        self._db = db
        self._threads = threads
        self._word = word
        self._lock = threading.Lock()
        self.after: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        with self._lock:
            if self.after is not None and self._counts(arguments):
                self.after -= 1
                if self.after < 0:
                    self.after = None
                    raise sqlite3.OperationalError("injected")
        return self._db.execute(*arguments)

    def _counts(self, arguments: tuple[Any, ...]) -> bool:
        wanted = not self._word or (len(arguments) > 1 and self._word in arguments[1])
        return wanted and threading.current_thread().name.startswith(self._threads)


@dataclass
class Line:
    """A courier between two local folders, an instant receipt computer, and what the reception hears."""

    courier: RunningCourier
    folder: Path
    taker: ReceiptComputer
    received: list[Message] = field(default_factory=list)
    placed: int = 0

    def ledger(self, threads: str) -> Failing:
        failing = Failing(self.courier.courier.ledger._db, threads)
        self.courier.courier.ledger._db = failing  # type: ignore[assignment]
        return failing

    def of(self, event: str) -> list[Message]:
        return [each for each in self.received if each["event"] == event]

    def place(self) -> None:
        place(self.folder, result_name(self.placed), document())
        self.placed += 1

    def settled(self) -> bool:
        return self.courier.states() == {"done": self.placed} and not any(self.folder.iterdir())


@contextmanager
def line(tmp_path: Path, how: str = "move") -> Iterator[Line]:
    def wrap(role: str, share: Share) -> Share:
        return hooked(share, instead_reaches=lambda other: False) if (role, how) == ("source", "copy") else share

    for name in ("face", "to_face", "res", "to_res"):
        (tmp_path / name).mkdir()
    results, subsidies = (
        (f"file://{tmp_path / name}", f"file://{tmp_path / f'to_{name}'}") for name in ("face", "res")
    )
    with ExitStack() as stack:
        taker = stack.enter_context(ReceiptComputer(tmp_path / "to_face"))
        courier = stack.enter_context(RunningCourier(tmp_path / "data", results, subsidies, wrap=wrap))
        made = Line(courier, tmp_path / "face", taker)
        reception = CourierLine(courier.data_dir, made.received.append)
        stack.callback(reception.close)
        # A file that the first listing shows is nobody's.
        reception.ask({"ask": "baseline", "visit": 1})
        wait_until(lambda: made.of("baseline"), "the folder has been listed, and the reception hears")
        yield made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "RETRY_S", 0.01)
    monkeypatch.setattr(examine, "SETTLED_S", 0.02)
    monkeypatch.setattr(queue, "PAUSES_S", (0.01,))


@pytest.mark.parametrize("how", ["copy", "move"])
@pytest.mark.parametrize("threads", ["watch-", "deliver-"])
def test_whichever_statement_fails_the_result_is_reported_and_the_file_arrives_once(
    tmp_path: Path, how: str, threads: str
) -> None:
    with line(tmp_path, how) as made:
        ledger = made.ledger(threads)
        made.place()
        wait_until(made.settled, "a first file, so that what happens only once is over")
        for number in range(100):
            ledger.after = number
            made.place()
            wait_until(lambda: len(made.of("result")) == made.placed, f"result, statement {number}")
            wait_until(made.settled, f"delivered, statement {number}")
            if ledger.after is not None:
                break  # so many statements are not made for a file
        assert 3 < number < 99
        assert made.courier.code is None and not made.courier.alarms()
        assert made.taker.wait_for(made.placed, DEADLINE_S)
        names = [each.name for each in made.taker.taken]
        assert sorted(names) == [result_name(each) for each in range(made.placed)]
        assert len({each["file"] for each in made.of("result")}) == made.placed == len(made.of("result"))
        assert not made.of("gone")


def test_whichever_statement_fails_the_asker_learns_of_an_error_file(tmp_path: Path) -> None:
    with line(tmp_path) as made:
        ledger = made.ledger("watch-subsidies")
        place(made.folder, *vector(ASKER))
        wait_until(lambda: made.of("result"), "the asker is known")
        for number, name in enumerate(ERRORS, start=1):
            ledger.after = number  # after the reading of what is known of the name
            place(tmp_path / "res", name, b"error")
            made.placed = number
            wait_until(lambda: len(made.of("subsidy_failed")) >= made.placed, f"told of {number}")
            wait_until(lambda: ledger.after is None, "the statement that fails, before or after that")
        assert {each["file"] for each in made.of("subsidy_failed")} == {made.of("result")[0]["file"]}


class Listening:
    """Both listeners without the rest; `emit`: takes what they report."""

    def __init__(self, folder: Path, emit: Callable[[Message], None]) -> None:
        class Recorder:
            def emit(self, message: Message) -> None:
                emit(message)

        self.log = EventLog(folder, "courier", echo=False)
        self.ledger, pairing, hub = Ledger(folder / LEDGER), Pairing(), cast(Hub, Recorder())
        notices = NoticeBoard(self.ledger, self.log, threading.Event())
        self.asking = ResultsListener(self.ledger, notices, hub, Queue(time.monotonic), pairing, "9912345678", 5.0)
        self.answering = SubsidiesListener(self.ledger, notices, hub, Queue(time.monotonic), pairing)

    def result(self, number: int, digest: str = "a") -> None:
        name, content = vector(ASKER)
        reading = read_result(name, content, 1 << 20)
        self.asking.complete(self._sighting(number, name), reading, Digest(digest * 64, 9), content)

    def error_file(self, number: int) -> None:
        reading = read_subsidy(ERRORS[0], b"error", 1000)
        self.answering.complete(self._sighting(number, ERRORS[0]), reading, Digest("e" * 64, 5), b"error")

    def _sighting(self, number: int, name: str) -> Sighting:
        return Sighting(SightingId(number), name, 1.0, 1, "", 1.0, True)


def test_a_result_is_reported_when_its_row_is_written_and_not_if_other_content_of_its_name_was_sent(
    tmp_path: Path,
) -> None:
    emitted: list[tuple[object, object, int]] = []

    def emit(message: Message) -> None:
        emitted.append((message["event"], message["file"], len(made.ledger.of_name("results", vector(ASKER)[0]))))

    made = Listening(tmp_path, emit)
    made.result(1)
    assert emitted == [("result", 1, 1)]
    made.ledger.set_state(made.ledger.open_items("results")[0], "done")
    made.result(2, "b")
    assert emitted[1:] == [("gone", 2, 2)]
    made.log.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_file_that_is_read_while_its_asker_is_reported_reaches_it(tmp_path: Path, when: str) -> None:
    """Its row comes before the asker is reported, or after: one of them sees the other."""
    emitted: list[Message] = []

    def emit(message: Message) -> None:
        if message["event"] == "result" and when == "before":
            made.error_file(2)
        emitted.append(message)

    made = Listening(tmp_path, emit)
    made.result(1)
    if when == "after":
        made.error_file(2)
    assert [message["file"] for message in emitted if message["event"] == "subsidy_failed"] == [1]
    made.log.close()


def test_a_file_that_vanished_is_reported_though_the_ledger_fails_meanwhile(tmp_path: Path) -> None:
    with line(tmp_path) as made:
        broken = [place(made.folder, result_name(number), document()[:200]) for number in range(3)]
        wait_until(lambda: len(made.of("sighted")) == 3, "all are seen")
        made.ledger("watch-results").after = 0
        for each in broken:
            each.unlink()
        sighted = sorted(each["file"] for each in made.of("sighted"))
        wait_until(lambda: sorted({each["file"] for each in made.of("gone")}) == sighted, "all are gone")
        wait_until(lambda: made.courier.events().count("file_lost_to_other") == 3, "and said to be lost")


@pytest.mark.parametrize("how", ["copy", "move"])
def test_what_was_there_already_and_is_taken_while_the_ledger_fails_is_not_sent(tmp_path: Path, how: str) -> None:
    source, destination = tmp_path / "face", tmp_path / "to_face"
    for folder in (source, destination):
        folder.mkdir()
        place(folder, result_name(0), document())
    shares = [open_share(f"file://{folder}", None) for folder in (source, destination)]
    if how == "copy":
        shares[0] = hooked(shares[0], instead_reaches=lambda other: False)
    desk = Desk(tmp_path / "courier.db", *shares)
    item = desk.admit(result_name(0))
    failing = Failing(desk.ledger._db, threading.current_thread().name, "published")
    desk.ledger._db, failing.after = failing, 0  # type: ignore[assignment]
    with pytest.raises(sqlite3.OperationalError):
        desk.advance(item)
    (destination / result_name(0)).unlink()
    assert desk.advance(item) == "done"
    assert not any(destination.iterdir()) and not any(source.iterdir())
