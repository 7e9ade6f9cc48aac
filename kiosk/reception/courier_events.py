"""The courier's messages as events of the visit, and its absence as a terminal that does not answer.

A message may be of another version, lack what this one reads, or be no message at all. Then nothing of it is used, and
it must cost neither the connection nor the patient who waits: see `instead`.
"""

from __future__ import annotations

import time
from typing import Final, TypeVar

from kiosk.process.courier_line import GARBLED, Message
from kiosk.process.event_log import EventLog
from kiosk.reception.loop import Inbox
from kiosk.visit import events as e
from kiosk.visit.state import Candidate, KeyVerdict

LINE_LOST_S = 3.0
# At the start the courier may be starting too; a button that goes grey and comes back sends patients away. A patient
# who presses it meanwhile waits for a listing, or learns that there is none.
FIRST_LINE_S = 15.0
MOMENT_MAX_S: Final = 1e12
KINDS: Final = (
    "sighted", "gone", "result", "subsidy_failed", "compared", "terminal", "baseline", "baseline_failed", GARBLED,
)  # fmt: skip
# The courier's word for what is new of a patient, and the visit's.
VERDICTS: Final[dict[str, KeyVerdict]] = {
    "same": "unchanged",
    "changed": "changed",
    "unknown": "missing",
    "first": "first",
}
T = TypeVar("T")


class CourierEvents:
    """Turns the courier's messages into events, and its absence into TerminalChanged.

    `key_check`: whether patients are to hear that their insurance is new; a courier with a desk always compares.
    """

    def __init__(self, inbox: Inbox, log: EventLog, *, key_check: bool = False) -> None:
        self._inbox = inbox
        self._log = log
        self._key_check = key_check
        self._lost_at: float | None = time.monotonic()
        self._connections = 0
        self._unclear = 0
        self._logged: set[str] = set()

    def on_message(self, message: Message) -> None:
        kind = message.get("event")
        if kind == "connected":
            self._lost_at = None
            if self._connections:
                self._inbox.post(e.CourierReturned())
            self._connections += 1
        elif kind == "disconnected":
            self._lost_at = time.monotonic()
        elif (kind != "compared" or self._key_check) and (event := self._event(message)) is not None:
            self._inbox.post(event)

    def _event(self, message: Message) -> e.Event | None:
        try:
            return event_of(message, self._connections)
        except Unclear:
            self._unclear += 1
            kind = kind_of(message)
            if kind not in self._logged:
                self._logged.add(kind)
                self._log.write("courier_unclear", code=kind)
            return instead(message, self._connections, self._unclear, time.monotonic())

    def check_absence(self, now: float) -> None:
        """A courier that stays away is like a terminal that does not answer."""
        limit_s = LINE_LOST_S if self._connections else FIRST_LINE_S
        if self._lost_at is not None and now - self._lost_at > limit_s:
            self._lost_at = None
            self._inbox.post(e.TerminalChanged(False))


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
        case "compared":
            verdict = VERDICTS.get(_of(message, "eligibility", str))
            return e.ResultCompared(_file(message, connection), verdict) if verdict else None
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
