"""A reservation system over a Unix socket: who may not open its database asks the process that does.

`SocketReservations` is `Reservations` for any process whose user may pass to the socket; `follow` tells it when
something may have changed. `Server` answers them out of any `Reservations`. The lines between them are in `wire`.

Must never: let a patient's data into an exception or a log; keep the owner's database waiting for a client that is slow
or gone (a client that does not say in time that an arrival is still wanted, wants it no more).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from drivers.reservations import (
    Answer,
    Arrived,
    Cancellation,
    Entry,
    Registration,
    WalkIn,
    WalkInRegistration,
)

SOCKET_NAME = "reservations.sock"
# The owner's own limit is 20 s.
ANSWER_S = 25.0


class SocketReservations:
    """`Reservations` whose owner listens at `folder/reservations.sock`. Any thread; a connection for each call.

    Every call raises ReservationsDown, code "owner_down", when nobody answers there within `answer_s`.
    """

    def __init__(self, folder: Path, *, answer_s: float = ANSWER_S) -> None: ...

    def find(self, patient_number: str, day: date) -> Answer:
        """See Reservations.find."""
        raise NotImplementedError

    def register(self, patient_number: str, day: date, at: datetime, still_wanted: Callable[[], bool]) -> Registration:
        """See Reservations.register. `still_wanted` is called in the caller's thread."""
        raise NotImplementedError

    def walk_in(
        self, patient_number: str, day: date, at: datetime, what: WalkIn, still_wanted: Callable[[], bool]
    ) -> WalkInRegistration:
        """See Reservations.walk_in."""
        raise NotImplementedError

    def cancel(self, patient_number: str, number: int, day: date, at: datetime, reason: str) -> Cancellation:
        """See Reservations.cancel."""
        raise NotImplementedError

    def entries(self, day: date) -> list[Entry]:
        """See Reservations.entries."""
        raise NotImplementedError

    def count(self, day: date) -> int:
        """See Reservations.count."""
        raise NotImplementedError

    def arrivals(self, day: date) -> list[Arrived]:
        """See Reservations.arrivals."""
        raise NotImplementedError

    def follow(self, changed: Callable[[], None], connected: Callable[[bool], None]) -> Follower:
        """Call `changed()` at each connection and after every change, whoever made it, until the follower is closed.

        `connected(yes)`: whether the owner answers, at the beginning and when that changes. Both in one thread of the
        follower's own; they must not raise.
        """
        raise NotImplementedError


class Follower:
    """A subscription to changes. Connects again by itself."""

    def close(self) -> None:
        """No call comes after this one has returned."""
