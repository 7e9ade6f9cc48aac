"""The courier's messages as events of the visit. Pure.

A message may be of another version, lack what this one reads, or be no message at all. Then nothing of it is used, and
it must cost neither the connection nor the patient who waits: see `instead`.
"""

from __future__ import annotations

from typing import Final, TypeVar

from kiosk.courier.line import GARBLED, Message
from kiosk.visit import events as e
from kiosk.visit.state import Candidate

MOMENT_MAX_S: Final = 1e12
KINDS: Final = (
    "sighted", "gone", "result", "subsidy_failed", "terminal", "baseline", "baseline_failed", GARBLED,
)  # fmt: skip
T = TypeVar("T")


class Unclear(Exception):
    """It lacks something, or has it in another form."""


def event_of(message: Message, connection: int) -> e.Event | None:
    """None for an answer to another client, and for an event that only a newer version knows. Raises Unclear."""
    match message.get("event"):
        case "sighted":
            return e.ResultSighted(_file(message, connection), _moment(message, "first_seen"))
        case "gone":
            return e.ResultGone(_file(message, connection))
        case "result":
            return e.ResultArrived(_moment(message, "first_seen"), _candidate(message, connection))
        case "subsidy_failed":
            return e.SubsidyFailed(_file(message, connection))
        case "terminal":
            return e.TerminalChanged(_of(message, "answers", bool))
        case "baseline":
            return e.BaselineTaken(_of(message, "visit", int), _moment(message, "at"))
        case "baseline_failed":
            return e.BaselineFailed(_of(message, "visit", int))
        case str(kind) if kind != GARBLED:
            return None
    raise Unclear


def instead(message: Message, connection: int, number: int, now: float) -> e.Event | None:
    """The event that an unclear message, the `number`-th of them, counts as.

    If it may have been about a result, nobody can tell whose: it counts as one that cannot be read, and sends the
    patient who waits to the counter at once.
    """
    match message.get("event"):
        case "sighted" | "result" | "garbled":
            try:
                file = _file(message, connection)
            except Unclear:
                file = ("unclear", number)
            try:
                first_seen = _moment(message, "first_seen")
            except Unclear:
                first_seen = now
            return e.ResultArrived(first_seen, Candidate(file, "unreadable", None, None))
        case "baseline":
            try:
                return e.BaselineFailed(_of(message, "visit", int))
            except Unclear:
                return None  # the visit's own deadline remains
    return None


def kind_of(message: Message) -> str:
    """A code for the event log, whatever the message contains."""
    return next((kind for kind in KINDS if kind == message.get("event")), "other")


def _candidate(message: Message, connection: int) -> Candidate:
    notes = _of(message, "notes", list)
    if not all(isinstance(note, str) for note in notes):
        raise Unclear
    return Candidate(
        _file(message, connection),
        _of(message, "outcome", str),
        _text(message, "reference_number"),
        _text(message, "birthdate"),
        tuple(notes),
    )


def _of(message: Message, name: str, kind: type[T]) -> T:
    value = message.get(name)
    if type(value) is not kind:  # exactly: a bool is an int, and no number
        raise Unclear
    return value


def _text(message: Message, name: str) -> str | None:
    """None must be given explicitly."""
    if name in message and message[name] is None:
        return None
    return _of(message, name, str)


def _file(message: Message, connection: int) -> tuple[str, int]:
    """A courier that was started again counts its files from 1 again: its file 1 is not its predecessor's file 1."""
    number = _of(message, "file", int)
    if number < 0:
        raise Unclear
    # An older version sends no run: each connection may be to another courier.
    return (_of(message, "run", str) if "run" in message else f"connection {connection}"), number


def _moment(message: Message, name: str) -> float:
    value = message.get(name)
    if type(value) not in (int, float) or not -MOMENT_MAX_S < value < MOMENT_MAX_S:  # type: ignore[operator]
        raise Unclear
    return float(value)  # type: ignore[arg-type]
