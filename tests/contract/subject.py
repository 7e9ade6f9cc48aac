"""What is asked: an implementation of the port, and what can be done at its system's own side."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from drivers import reservations as rs
from drivers.reservations.ports import Ability, Book, Reservations, SystemOfRecord
from drivers.simulated.tcp_proxy import Proxy
from tests.contract.scene import ZONE, Department, Patient, Scene

# What a system may do to an adapter. A seed offers those that its system, or a simulator of it, can be made to do; each
# for one patient, or for all where the system knows no better, until the context ends.
Fault = Literal[
    "busy",  # it says that somebody else is at this patient: try again in a moment
    "busy_twice",  # the same, but two times only
    "held",  # a kiosk that froze in the middle of its own registration holds what the next one needs
    "login",  # it does not accept user and password
    "refuses",  # it understands every registration and takes none
    "refuses_one",  # it takes all departments of a visit but the last in time
    "someone_else",  # its answers are about another patient
    "unknown_code",  # its answers have a code that nobody knows
    "nonsense",  # its answers are well framed and mean nothing
    "huge",  # its answers are 9 MiB
    "hostile",  # its answers hold what a parser must refuse: a DOCTYPE, an entity
    "error",  # its answers are an error of its transport: HTTP 500
    "not_there",  # the address is wrong: HTTP 404, no such database
    "wrong_clock",  # its clock is a day off
    "wrong_day",  # its answers are about another day than it was asked
    "meanwhile",  # staff register the patient after the adapter has looked, and before it writes
    "reply_lost",  # it registers, and its reply gets lost
    "warnings",  # it does all that was asked and says so with warnings
    "other_zeros",  # it says "well" in another way: "0000" for "00"
    "stub",  # it says "no appointment" with an empty row
    "cut_list",  # it gives the first rows of an answer and says that there were more
    "padded",  # it answers a number of patient with other leading zeros than it was asked
]
Role = Literal["system", "reservations", "book"]


@dataclass(frozen=True)
class Peer:
    """What a seed gives back: what the suite can do at the system without the adapter. What is None is not asked.

    `registered(patient_number, day)`: how many receptions count there; `by_department`: a visit has one for each of its
    departments. `register_at_window(patient_number, department)`: staff register a patient for the day of the suite.
    `faults`: from the patient's number to a context in which the system does it.
    """

    registered: Callable[[str, date], int] | None = None
    by_department: bool = False
    register_at_window: Callable[[str, Department], None] | None = None
    faults: Mapping[Fault, Callable[[str], AbstractContextManager[None]]] = field(default_factory=dict)


class Died(BaseException):
    """The process of this kiosk has ended; nothing of it runs any more, so that no `except Exception` may stop it."""


@dataclass
class Fuse:
    """Burns by one at the beginning and at the end of each step of a kiosk at its book or system."""

    steps: int

    def burn(self) -> None:
        """One step further. Raises Died at the last."""
        self.steps -= 1
        if self.steps == 0:
            raise Died


class Dying:
    """Calls of `target`, a book or a system, each of which burns the fuse before it and after it."""

    def __init__(self, target: object, fuse: Fuse) -> None:
        self._target, self._fuse = target, fuse

    def __getattr__(self, name: str) -> object:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def step(*arguments: object) -> object:
            self._fuse.burn()
            answer = found(*arguments)
            self._fuse.burn()
            return answer

        return step


@dataclass
class Subject:
    """One implementation with its system. `open()`: another connection, as another kiosk has.

    `role`: which protocol of `drivers.reservations.ports` it keeps. `line`: the proxy between adapter and system, where
    there is a network. `without_gaps`: it numbers receptions itself, from 1, one series for all. `numbered`: opens a
    kiosk that numbers in another way; `dying`: one that dies when its fuse has burnt. `patience_s`: how long is waited
    for what has to come; `late_s`: how much later than its `until` an answer may come on a busy machine.
    """

    name: str
    open: Callable[[], SystemOfRecord]
    scene: Scene
    role: Role = "system"
    peer: Peer = field(default_factory=Peer)
    line: Proxy | None = None
    without_gaps: bool = False
    numbered: Callable[[rs.Numbering], SystemOfRecord] | None = None
    dying: Callable[[Fuse], SystemOfRecord] | None = None
    patience_s: float = 20.0
    late_s: float = 2.5
    opened: list[SystemOfRecord] = field(default_factory=list)

    @property
    def system(self) -> SystemOfRecord:
        """The connection that behaviours use one after another."""
        return self.opened[0] if self.opened else self.another()

    def another(self) -> SystemOfRecord:
        """A further connection; `close` closes it."""
        self.opened.append(self.open())
        return self.opened[-1]

    @property
    def reservations(self) -> Reservations:
        """`system`, where it is what receptions and desks talk to."""
        assert self.role != "system"
        return self.system  # type: ignore[return-value]  # `role` says so

    @property
    def book(self) -> Book:
        """`system`, where it is a book."""
        assert self.role == "book"
        return self.system  # type: ignore[return-value]  # `role` says so

    @property
    def ability(self) -> Ability:
        return self.system.ability

    @property
    def day(self) -> date:
        return self.scene.day

    def close(self) -> None:
        """Close every connection that was opened."""
        while self.opened:
            self.opened.pop().close()


def until(seconds: float = 8.0) -> float:
    """A moment of time.monotonic() so many seconds from now."""
    return time.monotonic() + seconds


def now() -> datetime:
    """The site's time."""
    return datetime.now(ZONE)


def order(patient: Patient, day: date, **changes: object) -> rs.Order:
    """Register what is due for the patient on `day`, with an attempt of its own, within a minute."""
    at = now()
    plain = rs.Order(str(uuid.uuid4()), patient.number, day, at, at + timedelta(minutes=1))
    return rs.Order(**{**vars(plain), **changes})


def today() -> date:
    """The day of the suite."""
    return now().date()
