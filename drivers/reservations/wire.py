"""What `over_socket` sends: one JSON object a line, and a patient's data in it.

client -> owner   {"ask": "find" | "register" | "walk_in" | "cancel" | "entries" | "count" | "arrivals", …} ·
                  {"wanted": bool} · {"ask": "follow"}
owner -> client   {"asks": "still_wanted"} · {"is": NAME, "answer": …} · {"down": text, "code": …, "parameters": {…}} ·
                  {"event": "changed"} · {"event": "alive"}

A question has the names of the port's parameters, an answer those of its class (NAME) and its fields; days, times and
moments are ISO 8601. What is not known is passed over, so that both ends may be of different versions.

Must never: wait beyond a deadline; let what was on a line into an exception.
"""

import json
import socket
import time as clock
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from functools import cache
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from drivers.reservations import (
    AlreadyRegistered,
    Arrived,
    Cancelled,
    Entry,
    Found,
    NothingToRegister,
    NotRegistered,
    Registered,
    Reservations,
    ReservationsDown,
    Unknown,
    WalkIn,
    Withdrawn,
)

Message = dict[str, Any]
# A day of a large hospital has 5,000 arrivals of some 500 bytes each.
LINE_MAX: Final = 8 * 1024 * 1024
FOLLOW: Final[Message] = {"ask": "follow"}
STILL_WANTED: Final[Message] = {"asks": "still_wanted"}
_READ: Final = 65_536

# What each question may be answered with.
ANSWERS: Final[dict[str, tuple[Any, ...]]] = {
    "find": (Found, Unknown),
    "register": (Registered, AlreadyRegistered, NothingToRegister, Withdrawn),
    "walk_in": (Registered, AlreadyRegistered, Withdrawn),
    "cancel": (Cancelled, NotRegistered),
    "entries": (tuple[Entry, ...],),
    "arrivals": (tuple[Arrived, ...],),
    "count": (int,),
}
_PARAMETERS: Final[dict[str, Any]] = {
    "patient_number": str,
    "number": int,
    "day": date,
    "at": datetime,
    "reason": str,
    "what": WalkIn,
}
# Those that are asked whether the arrival is still wanted.
_ASKED_BACK: Final = ("register", "walk_in")


class Broken(Exception):
    """The other end is gone, silent for too long, or says what is no message. The text holds nothing of it."""


class Line:
    """One end of a connection. A deadline is a moment of the monotonic clock."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = bytearray()

    def send(self, message: Message, deadline: float) -> None:
        """Raises Broken."""
        try:
            self._connection.settimeout(max(deadline - clock.monotonic(), 0.001))
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Broken(type(error).__name__) from None

    def receive(self, deadline: float) -> Message:
        """Raises Broken."""
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > LINE_MAX:
                raise Broken("line too long")
            self._unread += self._read(deadline - clock.monotonic())
        text = bytes(self._unread[:end])
        del self._unread[: end + 1]
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise Broken("no message")
        return message

    def _read(self, within_s: float) -> bytes:
        try:
            self._connection.settimeout(max(within_s, 0.001))
            read = self._connection.recv(_READ)
        except OSError as error:
            raise Broken(type(error).__name__) from None
        if not read:
            raise Broken("closed")
        return read


def question(ask: str, **parameters: object) -> Message:
    """A question of the port."""
    return {"ask": ask} | {name: _part(value) for name, value in parameters.items()}


def answer_from(ask: str, message: Message) -> Any:
    """The answer in `message`. Raises ReservationsDown, as the owner did, and Broken: it is no answer to that."""
    if "down" in message:
        raise _down_from(message)
    for kind in ANSWERS[ask]:
        if message.get("is") == _name(kind):
            return _value(kind, message.get("answer"))
    raise Broken("no answer")


def answered(reservations: Reservations, message: Message, still_wanted: Callable[[], bool]) -> Message:
    """Ask `reservations` the question in `message`. Raises Broken: it is none, nobody was asked."""
    ask = message.get("ask")
    if not isinstance(ask, str) or ask not in ANSWERS:
        raise Broken("no question")
    parameters = {name: _value(_PARAMETERS[name], message[name]) for name in _PARAMETERS.keys() & message.keys()}
    if ask in _ASKED_BACK:
        parameters["still_wanted"] = still_wanted
    try:
        answer = getattr(reservations, ask)(**parameters)
    except ReservationsDown as down:
        return {"down": str(down), "code": down.code, "parameters": down.parameters}
    kind = next(each for each in ANSWERS[ask] if get_origin(each) is not None or isinstance(answer, each))
    return {"is": _name(kind), "answer": _part(answer)}


def _down_from(message: Message) -> ReservationsDown:
    parameters = message.get("parameters")
    known = parameters.items() if isinstance(parameters, dict) else ()
    numbers = {
        name: value
        for name, value in known
        if isinstance(value, int | float) and name.isidentifier() and name not in ("self", "text", "code")
    }
    return ReservationsDown(str(message["down"]), str(message.get("code", "failed")), **numbers)


# --- values -----------------------------------------------------------------------------------------------------------


def _name(kind: Any) -> str:
    return f"{get_args(kind)[0].__name__}s" if get_origin(kind) is tuple else str(kind.__name__)


def _part(value: object) -> object:
    if is_dataclass(value):
        return {each.name: _part(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        return [_part(each) for each in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _value(kind: Any, part: Any) -> Any:
    """Raises Broken: `part` is none."""
    try:
        return _built(kind, part)
    except (ValueError, TypeError):
        raise Broken("no value") from None


def _built(kind: Any, part: Any) -> Any:
    if isinstance(kind, UnionType):
        kinds = [each for each in get_args(kind) if each is not type(None)]
        return None if part is None else _built(kinds[0], part)
    if get_origin(kind) is tuple:
        if not isinstance(part, list):
            raise TypeError
        return tuple(_built(get_args(kind)[0], each) for each in part)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _built(hints[name], part[name]) for name in hints.keys() & dict(part).keys()})
    if kind in (date, time, datetime):
        return kind.fromisoformat(part)
    if type(part) is not kind:
        raise TypeError
    return part


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
