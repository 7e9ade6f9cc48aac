"""The card reader's thread at a real pseudo terminal: whose card it is, faults of the card, faults of the plug."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.card_reader import CardEvent, CardRead, CardUnreadable, ReaderDown, ReaderUp, SerialCardReader
from drivers.card_reader.frames import End
from drivers.simulated.card_reader import SimulatedCardReader

SITE = re.compile(r"^([0-9A-Za-z-]{1,20})$")
DEADLINE_S = 20.0


class Inbox:
    """Where the reader posts to; waits for conditions, never for times."""

    def __init__(self) -> None:
        self.events: list[CardEvent] = []
        self._changed = threading.Condition()

    def post(self, event: CardEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, what: Callable[[list[CardEvent]], bool]) -> list[CardEvent]:
        with self._changed:
            assert self._changed.wait_for(lambda: what(self.events), DEADLINE_S), self.events
            return list(self.events)

    def cards(self) -> list[tuple[int, str]]:
        return [(event.visit, event.number) for event in self.events if isinstance(event, CardRead)]

    def wait_cards(self, *cards: tuple[int, str]) -> None:
        self.wait(lambda _: len(self.cards()) >= len(cards))
        assert self.cards() == list(cards)


class Bench:
    """A simulated reader behind a name that stays, and the driver at it."""

    def __init__(self, folder: Path) -> None:
        self.device = SimulatedCardReader(link=folder / "reader")
        self.inbox = Inbox()
        self.reader = SerialCardReader(self.device.url, "CR", SITE, self.inbox.post)

    def started(self) -> "Bench":
        self.reader.start()
        self.inbox.wait(lambda events: ReaderUp() in events)
        return self


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    with bench.device:
        yield bench
        bench.reader.stop()


def test_a_card_is_posted_with_the_visit_it_was_asked_for(bench: Bench) -> None:
    bench.started().reader.arm(7)
    before = time.monotonic()
    bench.device.insert("00123")
    bench.inbox.wait_cards((7, "00123"))
    (card,) = [event for event in bench.inbox.events if isinstance(event, CardRead)]
    assert before <= card.at <= time.monotonic()
    assert "00123" not in repr(card)


def test_a_card_before_arm_is_nobodys(bench: Bench) -> None:
    bench.started()
    bench.device.insert("111")
    bench.reader.arm(1)
    bench.device.insert("222")
    bench.inbox.wait_cards((1, "222"))
    bench.reader.disarm()
    bench.device.insert("333")
    bench.reader.arm(2)
    bench.device.insert("444")
    bench.inbox.wait_cards((1, "222"), (2, "444"))


def test_a_card_that_waits_in_the_buffer_when_armed_is_dropped(bench: Bench) -> None:
    """The reader's thread is kept busy, so that the bytes are still with the system when arm() is called."""
    busy, free = threading.Event(), threading.Event()

    def post(event: CardEvent) -> None:
        bench.inbox.post(event)
        if isinstance(event, CardRead) and event.number == "1":
            busy.set()
            free.wait(DEADLINE_S)

    bench.reader = SerialCardReader(bench.device.url, "CR", SITE, post, gap_s=DEADLINE_S)
    bench.started().reader.arm(1)
    bench.device.insert("1")
    assert busy.wait(DEADLINE_S)
    bench.device.insert("222")
    bench.device.insert_raw(b"33")
    bench.reader.arm(2)
    free.set()
    bench.device.insert_raw(b"44\r")
    bench.device.insert("555")
    bench.inbox.wait_cards((1, "1"), (2, "555"))


def test_the_second_half_of_a_card_is_not_taken_for_a_card(bench: Bench) -> None:
    bench.reader = SerialCardReader(bench.device.url, "CR", SITE, bench.inbox.post, gap_s=DEADLINE_S)
    bench.started().reader.arm(1)
    bench.device.insert_raw(b"9912")
    bench.reader.arm(2)
    bench.device.insert_raw(b"345\r")
    bench.device.insert("777")
    bench.inbox.wait_cards((2, "777"))
    assert not [event for event in bench.inbox.events if isinstance(event, CardUnreadable)]


def test_the_same_card_twice_is_posted_once_per_arm(bench: Bench) -> None:
    bench.started().reader.arm(1)
    for number in ("123", "123", "456", "456"):
        bench.device.insert(number)
    bench.inbox.wait_cards((1, "123"), (1, "456"))
    bench.reader.arm(2)
    bench.device.insert("456")
    bench.inbox.wait_cards((1, "123"), (1, "456"), (2, "456"))


@pytest.mark.parametrize("garble", ["noise", "half"])
def test_a_garbled_card_is_unreadable_once_and_the_next_one_is_read(bench: Bench, garble: str) -> None:
    bench.started().reader.arm(3)
    bench.device.garble = "noise" if garble == "noise" else "half"
    bench.device.insert("00123456")
    events = bench.inbox.wait(lambda events: isinstance(events[-1], CardUnreadable))
    assert isinstance(events[-1], CardUnreadable)
    assert events[-1].visit == 3
    bench.device.garble = "none"
    bench.device.insert("00123456")
    bench.inbox.wait_cards((3, "00123456"))
    assert sum(isinstance(event, CardUnreadable) for event in bench.inbox.events) == 1


def test_a_card_that_does_not_fit_the_pattern_is_unreadable(bench: Bench) -> None:
    bench.started().reader.arm(3)
    bench.device.insert("12;34")
    bench.inbox.wait(lambda events: isinstance(events[-1], CardUnreadable))
    assert bench.inbox.cards() == []


def test_a_slow_line_is_read_byte_by_byte(bench: Bench) -> None:
    bench.started().reader.arm(1)
    bench.device.pace_s = 0.005
    bench.device.insert("00123456789")
    bench.inbox.wait_cards((1, "00123456789"))


def test_a_babbling_line_does_not_flood_the_inbox(bench: Bench) -> None:
    bench.started().reader.arm(1)
    for number in range(200):
        bench.device.insert(f"{number:05}")
    bench.inbox.wait(lambda _: len(bench.inbox.cards()) >= 50)
    bench.reader.arm(2)
    bench.device.insert("99999")
    bench.inbox.wait(lambda _: (2, "99999") in bench.inbox.cards())
    assert len(bench.inbox.cards()) == 51


def test_a_reader_unplugged_and_back_under_its_name_is_used_again(bench: Bench) -> None:
    bench.started().reader.arm(1)
    old = bench.device.path
    bench.device.unplug()
    events = bench.inbox.wait(lambda events: isinstance(events[-1], ReaderDown))
    assert [type(event) for event in events] == [ReaderUp, ReaderDown]
    # The old number is kept busy, so that the device comes back as another one.
    keep = os.openpty()
    try:
        bench.device.plug()
        assert bench.device.path != old
        bench.inbox.wait(lambda events: isinstance(events[-1], ReaderUp))
        bench.device.insert("123")
        bench.inbox.wait_cards((1, "123"))
    finally:
        for descriptor in keep:
            os.close(descriptor)
    assert [type(event) for event in bench.inbox.events] == [ReaderUp, ReaderDown, ReaderUp, CardRead]


def test_a_name_that_leads_to_another_device_is_followed(tmp_path: Path) -> None:
    """Some adapters that were pulled never fail a read: the old device stays open here and is silent."""
    link = tmp_path / "reader"
    with SimulatedCardReader(link=link) as old, SimulatedCardReader() as new:
        inbox = Inbox()
        reader = SerialCardReader(old.url, "CR", SITE, inbox.post)
        reader.start()
        try:
            inbox.wait(lambda events: events == [ReaderUp()])
            fresh = tmp_path / "fresh"
            fresh.symlink_to(new.path)
            fresh.replace(link)
            inbox.wait(lambda events: len(events) == 3)
            reader.arm(1)
            new.insert("123")
            inbox.wait_cards((1, "123"))
        finally:
            reader.stop()


def test_a_half_card_before_the_plug_was_pulled_is_not_joined_to_the_next(bench: Bench) -> None:
    bench.started().reader.arm(1)
    bench.device.insert_raw(b"99")
    bench.device.unplug()
    bench.inbox.wait(lambda events: isinstance(events[-1], ReaderDown))
    bench.device.plug()
    bench.inbox.wait(lambda events: isinstance(events[-1], ReaderUp))
    bench.device.insert("123")
    bench.inbox.wait_cards((1, "123"))


def test_a_missing_device_is_told_once_and_opened_when_it_comes(tmp_path: Path) -> None:
    inbox = Inbox()
    link = tmp_path / "reader"
    reader = SerialCardReader(f"serial://{link}", "CR", SITE, inbox.post)
    reader.start()
    try:
        (down,) = inbox.wait(lambda events: bool(events))
        assert down == ReaderDown(f"card reader {link}: No such file or directory")
        reader.arm(5)
        with SimulatedCardReader(link=link) as device:
            assert inbox.wait(lambda events: len(events) > 1) == [down, ReaderUp()]
            device.insert("123")
            inbox.wait_cards((5, "123"))
    finally:
        reader.stop()


def test_after_stop_the_thread_is_gone_and_the_device_is_free(bench: Bench) -> None:
    bench.started().reader.arm(1)
    bench.reader.stop()
    assert "card-reader" not in [thread.name for thread in threading.enumerate()]
    seen = list(bench.inbox.events)
    bench.device.insert("123")
    assert bench.inbox.events == seen
    second = SerialCardReader(bench.device.url, "CR", SITE, bench.inbox.post)
    second.start()
    try:
        bench.inbox.wait(lambda events: events == [ReaderUp(), ReaderUp()])
    finally:
        second.stop()


@pytest.mark.parametrize("end", ["CR", "LF", "CRLF", "STX-ETX"])
def test_the_simulated_reader_speaks_every_framing(end: End) -> None:
    with SimulatedCardReader(end) as device:
        inbox = Inbox()
        reader = SerialCardReader(device.url, end, SITE, inbox.post)
        reader.start()
        try:
            inbox.wait(lambda events: events == [ReaderUp()])
            reader.arm(1)
            device.insert("A-001")
            inbox.wait_cards((1, "A-001"))
        finally:
            reader.stop()
