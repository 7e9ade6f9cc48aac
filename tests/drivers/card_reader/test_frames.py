"""Patient cards without a device: frames byte by byte, numbers, addresses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bad_address import BadAddress
from drivers.card_reader.frames import ENDS, BadFrame, End, FrameDecoder, number_of
from drivers.card_reader.line import SerialAddress, parse_url

SITE = re.compile(r"^([0-9A-Za-z-]{1,20})$")

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


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.sampled_from(ENDS))
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
    ends: tuple[tuple[End, bytes, bytes, bytes], ...] = (
        ("CR", b"12", b"34\r", b"5\r"),
        ("STX-ETX", b"\x0212", b"34\x03", b"\x025\x03"),
    )
    for end, first, rest, good in ends:
        decoder = FrameDecoder(end)
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
        ("serial:///dev/ttyS0?parity=X", "parity must be one of N, E, O"),
        ("serial:///dev/ttyS0?bytesize=9", "bytesize must be"),
        ("serial:///dev/ttyS0?stopbits", "expected serial:///dev/ttyS0"),
        ("serial:///" + "x" * 2000, "longer than"),
        ("serial://[::1", "expected serial:///dev/ttyS0"),
    ],
)
def test_a_bad_address_says_what_was_expected(url: str, expected: str) -> None:
    with pytest.raises(BadAddress, match=re.escape(expected)):
        parse_url(url)
