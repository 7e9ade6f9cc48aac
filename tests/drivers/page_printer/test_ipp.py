"""IPP messages as bytes: as RFC 8010 has them, and whatever else a far side may send."""

import random
import struct
from contextlib import suppress

import pytest

from drivers.page_printer import ipp
from drivers.page_printer.ipp import BadMessage, Group, Operation, Tag, attribute

# After RFC 8010, appendix A.1: a Print-Job request.
PRINT_JOB = (
    b"\x01\x01\x00\x02\x00\x00\x00\x01\x01"
    b"\x47\x00\x12attributes-charset\x00\x05utf-8"
    b"\x48\x00\x1battributes-natural-language\x00\x05en-us"
    b"\x45\x00\x0bprinter-uri\x00\x1fipp://printer.example.com/ipp/a"
    b"\x42\x00\x08job-name\x00\x06foobar"
    b"\x22\x00\x16ipp-attribute-fidelity\x00\x01\x01"
    b"\x02"
    b"\x21\x00\x06copies\x00\x04\x00\x00\x00\x14"
    b"\x44\x00\x05sides\x00\x13two-sided-long-edge"
    b"\x03%!PDF..."
)


def test_the_example_of_the_standard_is_read() -> None:
    message = ipp.decode(PRINT_JOB)
    assert (message.code, message.request_id) == (Operation.PRINT_JOB, 1)
    operation = message.group(Group.OPERATION)
    assert operation["job-name"] == ("foobar",)
    assert operation["ipp-attribute-fidelity"] == (True,)
    assert message.group(Group.JOB) == {"copies": (20,), "sides": ("two-sided-long-edge",)}
    assert message.group(Group.PRINTER) == {}
    assert message.data == b"%!PDF..."


def test_what_is_written_is_as_the_standard_has_it() -> None:
    wanted = attribute("requested-attributes", Tag.KEYWORD, "job-state", "job-id")
    written = ipp.encode(
        Operation.GET_JOBS, 7, [(Group.OPERATION, [attribute("my-jobs", Tag.BOOLEAN, True), wanted])], b"data"
    )
    assert written == (
        b"\x01\x01\x00\x0a\x00\x00\x00\x07\x01"
        b"\x47\x00\x12attributes-charset\x00\x05utf-8"
        b"\x48\x00\x1battributes-natural-language\x00\x02en"
        b"\x22\x00\x07my-jobs\x00\x01\x01"
        b"\x44\x00\x14requested-attributes\x00\x09job-state\x44\x00\x00\x00\x06job-id"
        b"\x03data"
    )
    assert ipp.decode(written).group(Group.OPERATION)["requested-attributes"] == ("job-state", "job-id")


def test_of_other_types_the_names_are_kept_and_texts_with_a_language_are_read() -> None:
    def value(tag: int, name: bytes, raw: bytes) -> bytes:
        return struct.pack(">BH", tag, len(name)) + name + struct.pack(">H", len(raw)) + raw

    inner = value(0x4A, b"", b"x-dimension") + value(0x21, b"", struct.pack(">i", 21000))
    nested = value(0x34, b"media-col", b"") + inner + value(0x34, b"", b"") + inner + value(0x37, b"", b"") * 2
    with_language = struct.pack(">H", 2) + b"ja" + struct.pack(">H", 6) + "受付".encode()
    message = ipp.decode(
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x04" + nested + value(0x31, b"date", b"\0" * 11)
        + value(0x36, b"printer-name", with_language) + value(0x13, b"nothing", b"") + b"\x03"
    )  # fmt: skip
    assert message.group(Group.PRINTER) == {"media-col": (), "date": (), "printer-name": ("受付",)}


def test_whatever_comes_is_a_message_or_none() -> None:
    rng = random.Random(14)
    for _ in range(3000):
        changed = bytearray(PRINT_JOB)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        with suppress(BadMessage):
            ipp.decode(bytes(changed[: rng.randint(0, len(changed))]))


def test_a_refusal_says_nothing_of_the_bytes() -> None:
    with pytest.raises(BadMessage) as refused:
        ipp.decode(PRINT_JOB[:40])
    assert str(refused.value) == ""


def test_a_message_that_is_cut_off_is_none() -> None:
    for end in range(len(PRINT_JOB) - len(b"\x03%!PDF...")):
        with pytest.raises(BadMessage):
            ipp.decode(PRINT_JOB[:end])


def test_a_value_before_any_group_is_none() -> None:
    with pytest.raises(BadMessage):
        ipp.decode(b"\x01\x01\x00\x00\x00\x00\x00\x01\x21\x00\x01a\x00\x04\x00\x00\x00\x01\x03")


def test_no_bytes_of_a_page_are_in_a_repr() -> None:
    assert "PDF" not in repr(ipp.decode(PRINT_JOB))
