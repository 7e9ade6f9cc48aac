"""Patient cards: frames byte by byte, numbers, addresses, and the thread at a real pseudo terminal."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.card_reader import (
    BadAddress,
    BadFrame,
    CardEvent,
    CardRead,
    CardUnreadable,
    End,
    FrameDecoder,
    ReaderDown,
    ReaderUp,
    SerialAddress,
    SerialCardReader,
    number_of,
    parse_url,
)
from drivers.simulated.card_reader import SimulatedCardReader

SITE = re.compile(r"^([0-9A-Za-z-]{1,20})$")
DEADLINE_S = 20.0


# --- frames -----------------------------------------------------------------------------------------------------------

Frames = list[bytes | BadFrame]


@pytest.mark.parametrize(
    ("end", "data", "frames"),
    [
        ("CR", b"0123\r", [b"0123"]),
        ("CR", b"0123\r\n456\r\n", [b"0123", b"456"]),
        ("CR", b"\r\r\n\r", []),
        ("CR", b"0123", []),
        ("CR", b"01\n23\r4\r", [BadFrame("control"), b"4"]),
        ("CR", b"01\x0723\x00\r4\r", [BadFrame("control"), b"4"]),
        ("CR", b"0\x7f1\r", [BadFrame("control")]),
        ("CR", b"x" * 64 + b"\r", [b"x" * 64]),
        ("CR", b"x" * 500 + b"\r4\r", [BadFrame("overlong"), b"4"]),
        ("LF", b"0123\n456\r\n", [b"0123", b"456"]),
        ("LF", b"01\r23\n4\n", [BadFrame("control"), b"4"]),
        ("LF", b"\n\r\n", []),
        ("CRLF", b"0123\r\n456\r\n", [b"0123", b"456"]),
        ("CRLF", b"0123\n456\r\n7\r\n", [BadFrame("control"), b"7"]),
        ("CRLF", b"0123\r456\r\n7\r\n", [BadFrame("control"), b"7"]),
        ("CRLF", b"0123\r\r\n7\r\n", [BadFrame("control"), b"7"]),
        ("CRLF", b"\n\r\n", []),
        ("STX-ETX", b"\x020123\x03", [b"0123"]),
        ("STX-ETX", b"xx\r\n\x020123\x03J\x02456\x03", [b"0123", b"456"]),
        ("STX-ETX", b"\x020123\x03\x02\x02456\x03\x02", [b"0123", b"456"]),
        ("STX-ETX", b"\x0201\x0223\x03", [BadFrame("control"), b"23"]),
        ("STX-ETX", b"\x02\x03", []),
        ("STX-ETX", b"0123\r\n", []),
    ],
)
def test_frames_do_not_depend_on_how_the_bytes_are_split(end: End, data: bytes, frames: Frames) -> None:
    assert FrameDecoder(end).feed(data, 0.0) == frames
    decoder = FrameDecoder(end)
    assert [frame for byte in data for frame in decoder.feed(bytes((byte,)), 0.0)] == frames


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.sampled_from(["CR", "LF", "CRLF", "STX-ETX"]))
def test_any_bytes_in_any_pieces_give_the_same_clean_frames(data: bytes, cuts: list[int], end: End) -> None:
    whole = FrameDecoder(end).feed(data, 0.0)
    decoder, pieces = FrameDecoder(end), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        pieces += decoder.feed(data[start:stop], 0.0)
    assert pieces == whole
    for frame in whole:
        assert isinstance(frame, BadFrame) or (0 < len(frame) <= 64 and not re.search(rb"[\x00-\x1f\x7f]", frame))


def test_silence_in_the_middle_breaks_a_frame_off_once() -> None:
    decoder = FrameDecoder("CR", gap_s=0.3)
    assert decoder.feed(b"012", 1.0) == []
    assert decoder.feed(b"", 1.25) == []
    assert decoder.feed(b"", 1.35) == [BadFrame("silence")]
    assert decoder.feed(b"", 9.0) == []
    assert decoder.feed(b"345\r", 9.1) == [b"345"]


def test_the_rest_of_a_spoilt_frame_ends_with_silence() -> None:
    decoder = FrameDecoder("CR", gap_s=0.3)
    assert decoder.feed(b"x" * 70, 0.0) == [BadFrame("overlong")]
    assert decoder.feed(b"123\r", 1.0) == [b"123"]


def test_a_check_byte_that_looks_like_a_start_is_no_broken_card() -> None:
    decoder = FrameDecoder("STX-ETX", gap_s=0.3)
    assert decoder.feed(b"\x02123\x03\x02", 0.0) == [b"123"]
    assert decoder.feed(b"", 1.0) == []


def test_an_abandoned_frame_is_dropped_to_its_end() -> None:
    for end, first, rest, good in (("CR", b"12", b"34\r", b"5\r"), ("STX-ETX", b"\x0212", b"34\x03", b"\x025\x03")):
        decoder = FrameDecoder(end)  # type: ignore[arg-type]
        assert decoder.feed(first, 0.0) == []
        decoder.abandon()
        assert decoder.feed(rest + good, 0.0) == [b"5"]
    decoder = FrameDecoder("CR")
    decoder.feed(b"12\r", 0.0)
    decoder.abandon()
    assert decoder.feed(b"5\r", 0.0) == [b"5"], "nothing was on its way"


def test_reset_forgets_everything() -> None:
    decoder = FrameDecoder("CR")
    decoder.feed(b"x" * 70, 0.0)
    decoder.reset()
    assert decoder.feed(b"5\r", 0.0) == [b"5"]


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "pattern", "number"),
    [
        (b"00123", SITE, "00123"),
        (b"00-12", SITE, "00-12"),
        (b"0012   ", SITE, "0012"),
        (b"A0012A", re.compile(r"[A-D](\d+)[A-D]"), "0012"),
        (b"A0012A", re.compile(r"[A-D]\d+[A-D]"), "A0012A"),
        (b"A0012", re.compile(r"(?:A(\d+)|B)"), "0012"),
        (b"B", re.compile(r"(?:A(\d+)|B)"), None),
        ("００１２３".encode(), SITE, "00123"),
        ("００１２３".encode("cp932"), SITE, "00123"),
        ("①②".encode(), re.compile(r"\d+"), "12"),
        ("漢字".encode(), re.compile(r".*"), None),
        (b"\xff\xfe", re.compile(r".*"), None),
        (b"123;", SITE, None),
        (b"1" * 21, SITE, None),
        (b"1" * 51, re.compile(r".*"), None),
        (b"x123", re.compile(r"\d+"), None),
        (b"   ", re.compile(r".*?(\d*)"), None),
    ],
)
def test_a_number_is_what_the_sites_pattern_says(frame: bytes, pattern: re.Pattern[str], number: str | None) -> None:
    assert number_of(frame, pattern) == number


# --- addresses --------------------------------------------------------------------------------------------------------


def test_an_address_is_read_with_its_settings() -> None:
    assert parse_url("serial:///dev/ttyS0?baudrate=9600") == SerialAddress("/dev/ttyS0", 9600, 8, "N", 1)
    url = "serial:///dev/serial/by-id/usb-Maker%20One-if00?baudrate=115200&bytesize=7&parity=e&stopbits=2"
    assert parse_url(url) == SerialAddress("/dev/serial/by-id/usb-Maker One-if00", 115200, 7, "E", 2)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "must begin with serial://"),
        ("/dev/ttyS0", "must begin with serial://"),
        ("tcp://192.0.2.1:1", "must begin with serial://"),
        ("serial://dev/ttyS0", "three slashes"),
        ("serial:///dev/ttyS0#x", "three slashes"),
        ("serial:ttyS0", "absolute path"),
        ("serial:///", "absolute path"),
        ("serial:///dev/tty%00S0", "absolute path"),
        ("serial:///dev/ttyS0?baudrate=9601", "baudrate must be one of"),
        ("serial:///dev/ttyS0?baudrate=", "baudrate must be one of"),
        ("serial:///dev/ttyS0?baud=9600", "perhaps baudrate"),
        ("serial:///dev/ttyS0?baudrate=9600&baudrate=9600", "given twice"),
        ("serial:///dev/ttyS0?parity=X", "parity must be"),
        ("serial:///dev/ttyS0?bytesize=9", "bytesize must be"),
        ("serial:///dev/ttyS0?stopbits", "expected serial:///dev/ttyS0"),
        ("serial:///" + "x" * 2000, "longer than"),
        ("serial://[::1", "expected serial:///dev/ttyS0"),
    ],
)
def test_a_bad_address_says_what_was_expected(url: str, expected: str) -> None:
    with pytest.raises(BadAddress, match=re.escape(expected)):
        parse_url(url)


# --- the thread -------------------------------------------------------------------------------------------------------


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
