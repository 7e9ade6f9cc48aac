"""IPP messages as bytes, both ways (RFC 8010; operations and states: RFC 8011).

Owns the encoding of the few attribute types that printing a page needs. Must never connect to anything. Of attributes
of other types (collections, dates, ranges) the names are kept, without values.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

VERSION: Final = b"\x01\x01"
"""1.1: an IPP/2 printer must take it too."""


class Operation(IntEnum):
    """Operations of RFC 8011 that are used here."""

    PRINT_JOB = 0x0002
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B


class Status(IntEnum):
    """Answers that are told from others; all below `ERROR` are success."""

    OK = 0x0000
    ERROR = 0x0100
    NOT_POSSIBLE = 0x0404
    NOT_FOUND = 0x0406
    GONE = 0x0407
    DEVICE_ERROR = 0x0504
    TEMPORARY_ERROR = 0x0505
    NOT_ACCEPTING_JOBS = 0x0506
    BUSY = 0x0507


class JobState(IntEnum):
    """`job-state`; what comes after `PROCESSING_STOPPED` is final."""

    PENDING = 3
    PENDING_HELD = 4
    PROCESSING = 5
    PROCESSING_STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


class PrinterState(IntEnum):
    """`printer-state`."""

    IDLE = 3
    PROCESSING = 4
    STOPPED = 5


class Group(IntEnum):
    """Tags that begin a group of attributes."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class Tag(IntEnum):
    """Types of values."""

    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    BEGIN_COLLECTION = 0x34
    TEXT_WITH_LANGUAGE = 0x35
    NAME_WITH_LANGUAGE = 0x36
    END_COLLECTION = 0x37
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MEDIA_TYPE = 0x49


_VALUES_MIN = 0x10  # tags below begin groups
_OUT_OF_BAND_MAX = 0x1F  # "unsupported", "unknown", "no value": as if it were not there
_INTEGERS = (Tag.INTEGER, Tag.ENUM)
_TEXTS = (Tag.TEXT, Tag.NAME, Tag.KEYWORD, Tag.URI, Tag.CHARSET, Tag.LANGUAGE, Tag.MEDIA_TYPE, 0x46)

Value: TypeAlias = int | bool | str
Attributes: TypeAlias = dict[str, tuple[Value, ...]]


class BadMessage(ValueError):
    """These bytes are no IPP message. It carries no text: they may be a patient's page."""


@dataclass(frozen=True)
class Attribute:
    """One attribute of a message to be sent."""

    name: str
    tag: Tag
    values: tuple[Value, ...] = field(repr=False)


@dataclass(frozen=True)
class Message:
    """A message that was received. `code`: the operation of a request, the status of an answer.

    `groups`: tag and attributes, in the order of the message; `data`: what follows the attributes.
    """

    code: int
    request_id: int
    groups: tuple[tuple[int, Attributes], ...] = field(repr=False)
    data: bytes = field(default=b"", repr=False)

    def group(self, tag: Group) -> Attributes:
        """The attributes of the first such group; none if there is none."""
        return next((attributes for each, attributes in self.groups if each == tag), {})


def attribute(name: str, tag: Tag, *values: Value) -> Attribute:
    """An attribute of one or more values."""
    return Attribute(name, tag, values)


def encode(code: int, request_id: int, groups: Sequence[tuple[Group, Iterable[Attribute]]], data: bytes = b"") -> bytes:
    """The bytes of a request or an answer. Charset and language are put first into the operation group."""
    parts = [VERSION, struct.pack(">HI", code, request_id)]
    for tag, attributes in groups:
        parts.append(bytes((tag,)))
        if tag == Group.OPERATION:
            parts.append(_encoded(attribute("attributes-charset", Tag.CHARSET, "utf-8")))
            parts.append(_encoded(attribute("attributes-natural-language", Tag.LANGUAGE, "en")))
        parts.extend(_encoded(each) for each in attributes)
    return b"".join((*parts, bytes((Group.END,)), data))


def _encoded(one: Attribute) -> bytes:
    name = one.name.encode("ascii")
    parts = []
    for place, value in enumerate(one.values):
        own = name if place == 0 else b""  # a further value of the same attribute has no name
        raw = _raw(one.tag, value)
        parts.append(struct.pack(">BH", one.tag, len(own)) + own + struct.pack(">H", len(raw)) + raw)
    return b"".join(parts)


def _raw(tag: Tag, value: Value) -> bytes:
    if tag == Tag.BOOLEAN:
        return bytes((bool(value),))
    return struct.pack(">i", value) if tag in _INTEGERS else str(value).encode("utf-8")


def decode(message: bytes) -> Message:
    """The message in these bytes. Raises BadMessage."""
    try:
        _, code, request_id = struct.unpack_from(">2sHI", message)
        groups, end = _groups(message)
    except (struct.error, IndexError, UnicodeError):
        raise BadMessage from None
    return Message(code, request_id, tuple((tag, _tuples(values)) for tag, values in groups), message[end:])


def _groups(message: bytes) -> tuple[list[tuple[int, dict[str, list[Value]]]], int]:
    groups: list[tuple[int, dict[str, list[Value]]]] = []
    place, depth, name = 8, 0, ""
    while (tag := message[place]) != Group.END:
        if tag < _VALUES_MIN:
            groups.append((tag, {}))
            place += 1
            continue
        own, place = _field(message, place + 1)
        raw, place = _field(message, place)
        name = own.decode("ascii") or name
        if not groups:
            raise BadMessage
        depth += (tag == Tag.BEGIN_COLLECTION) - (tag == Tag.END_COLLECTION)
        if depth == 0 and tag > _OUT_OF_BAND_MAX:
            values = groups[-1][1].setdefault(name, [])
            if (value := _value(tag, raw)) is not None:
                values.append(value)
    return groups, place + 1


def _field(message: bytes, place: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", message, place)
    end = place + 2 + length
    if end > len(message):
        raise BadMessage
    return message[place + 2 : end], end


def _value(tag: int, raw: bytes) -> Value | None:
    if tag in _INTEGERS:
        return int(struct.unpack(">i", raw)[0])
    if tag == Tag.BOOLEAN:
        return raw != b"\0"
    if tag in (Tag.TEXT_WITH_LANGUAGE, Tag.NAME_WITH_LANGUAGE):
        _, place = _field(raw, 0)
        raw, _ = _field(raw, place)
    elif tag not in _TEXTS:
        return None
    return raw.decode("utf-8", "replace")


def _tuples(values: dict[str, list[Value]]) -> Attributes:
    return {name: tuple(each) for name, each in values.items()}
