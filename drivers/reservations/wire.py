"""What `over_socket` sends: one JSON object a line, and a patient's data in it.

client -> owner   {"ask": NAME OF A CALL OF THE PORT, …, "within_s": seconds} · {"ask": "ability"} · {"ask": "follow"}
owner -> client   {"is": NAME, "answer": …} · {"event": "changed"} · {"event": "alive"}

A question has the names of the port's parameters, and in `within_s` how long the caller waits; an answer is as `values`
has it. What is not known is passed over, so that both ends may be of different versions.

Must never: wait beyond a deadline; let what was on a line into an exception.
"""

import json
import socket
import time as clock
from datetime import date, datetime
from typing import Any, Final

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Kept,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
)
from drivers.reservations.ports import Ability, Book, Reservations, SystemOfRecord
from drivers.reservations.values import NoValue, decoded, encoded, named, of_name

Message = dict[str, Any]
# A day of a large hospital has 5,000 arrivals of some 500 bytes each.
LINE_MAX: Final = 8 * 1024 * 1024
FOLLOW: Final[Message] = {"ask": "follow"}
ABILITY: Final = "ability"
_READ: Final = 65_536
# Nobody waits longer for an answer of the port.
WITHIN_MAX_S: Final = 30.0

_OF_SYSTEM: Final[dict[str, Any]] = {
    "find": Answer,
    "register": Registration,
    "cancel": Cancellation,
    "day_list": DayList | Trouble,
    "departments": Departments | Trouble,
}
_OF_RESERVATIONS: Final[dict[str, Any]] = {
    **_OF_SYSTEM,
    "entries": Register | Trouble,
    "count": Count | Trouble,
    "unsettled": UnsettledList | Trouble,
    "noted_done": Kept | Trouble,
}
# What each call is answered with; those of a book have all.
ANSWERS: Final[dict[str, Any]] = {
    **_OF_RESERVATIONS,
    "take": Taken | Registered | Trouble,
    "settle": Registration,
    "note": Kept | Trouble,
}
SYSTEM_ASKS: Final = frozenset(_OF_SYSTEM)
RESERVATIONS_ASKS: Final = frozenset(_OF_RESERVATIONS)
BOOK_ASKS: Final = frozenset(ANSWERS)
# Of an answer to these that did not come, nobody knows whether it was done.
WRITES: Final = frozenset(("register", "cancel", "noted_done", "take", "settle", "note"))
_PARAMETERS: Final[dict[str, Any]] = {
    "patient_number": str,
    "day": date,
    "at": datetime,
    "reason": str,
    "reception": Reception,
    "order": Order,
    "lease_s": float,
}
_NAMED_PARAMETERS: Final[dict[str, Any]] = {"outcome": Registration, "unsettled": Unsettled}


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


def question(ask: str, within_s: float, **parameters: object) -> Message:
    """A question of the port."""
    coded = {name: (named if name in _NAMED_PARAMETERS else encoded)(value) for name, value in parameters.items()}
    return {"ask": ask, **coded, "within_s": within_s}


def answer_from(ask: str, message: Message) -> Any:
    """The answer in `message`. Raises NoValue: it is no answer to that."""
    return of_name(Ability if ask == ABILITY else ANSWERS[ask], message)


def answered(target: SystemOfRecord | Reservations | Book, asks: frozenset[str], message: Message) -> Message:
    """Ask `target` the question in `message`, which is one of `asks`. Raises Broken: it is none, nobody was asked."""
    ask = message.get("ask")
    if ask == ABILITY:
        return named(target.ability)
    if not isinstance(ask, str) or ask not in asks:
        raise Broken("no question")
    try:
        parameters = {name: decoded(_PARAMETERS[name], message[name]) for name in _PARAMETERS.keys() & message.keys()}
        for name in _NAMED_PARAMETERS.keys() & message.keys():
            parameters[name] = of_name(_NAMED_PARAMETERS[name], message[name])
        within_s = decoded(float, message.get("within_s", WITHIN_MAX_S))
    except NoValue:
        raise Broken("no question") from None
    return named(getattr(target, ask)(**parameters, until=clock.monotonic() + min(within_s, WITHIN_MAX_S)))
