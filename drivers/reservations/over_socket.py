"""A reservation system over a Unix socket: who may not open its database asks the process that does.

`SocketReservations` is `Reservations` for any process whose user may pass to the socket; `follow` says when something
may have changed. `Server` answers out of any `Reservations`. What is sent is in `wire`.

Must never: let a patient's data into an exception or a report; keep the owner's database waiting for a client that is
slow or gone (one that does not say in time that an arrival is still wanted, wants it no more).
"""

import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from drivers.reservations import (
    Answer,
    Arrived,
    Cancellation,
    Entry,
    Registration,
    Reservations,
    ReservationsDown,
    WalkIn,
    WalkInRegistration,
    wire,
)
from drivers.reservations.changes import Changes
from drivers.unix_path import short_path

SOCKET_NAME: Final = "reservations.sock"
# The owner's own limit is 20 s.
ANSWER_S: Final = 25.0
# A question is sent in one piece; whoever connects and does not ask is let go.
_QUESTION_S: Final = 5.0
# The database is locked meanwhile.
_WANTED_S: Final = 2.0
_ALIVE_S: Final = 10.0
_SILENT_S: Final = 3 * _ALIVE_S
_CLIENTS_MAX: Final = 32
_PAUSE_S: Final = 0.25


class SocketReservations:
    """`Reservations` whose owner listens at `folder/reservations.sock`. Any thread; a connection for each call.

    Every call raises ReservationsDown, code "owner_down", when nobody answers there within `answer_s`.
    """

    def __init__(self, folder: Path, *, answer_s: float = ANSWER_S) -> None:
        self._path = folder / SOCKET_NAME
        self._answer_s = answer_s

    def find(self, patient_number: str, day: date) -> Answer:
        """See Reservations.find."""
        found: Answer = self._ask("find", patient_number=patient_number, day=day)
        return found

    def register(self, patient_number: str, day: date, at: datetime, still_wanted: Callable[[], bool]) -> Registration:
        """See Reservations.register. `still_wanted` is called in the caller's thread."""
        registration: Registration = self._ask("register", still_wanted, patient_number=patient_number, day=day, at=at)
        return registration

    def walk_in(
        self, patient_number: str, day: date, at: datetime, what: WalkIn, still_wanted: Callable[[], bool]
    ) -> WalkInRegistration:
        """See Reservations.walk_in, and `register`."""
        registration: WalkInRegistration = self._ask(
            "walk_in", still_wanted, patient_number=patient_number, day=day, at=at, what=what
        )
        return registration

    def cancel(self, patient_number: str, number: int, day: date, at: datetime, reason: str) -> Cancellation:
        """See Reservations.cancel."""
        cancellation: Cancellation = self._ask(
            "cancel", patient_number=patient_number, number=number, day=day, at=at, reason=reason
        )
        return cancellation

    def entries(self, day: date) -> list[Entry]:
        """See Reservations.entries."""
        return list(self._ask("entries", day=day))

    def count(self, day: date) -> int:
        """See Reservations.count."""
        count: int = self._ask("count", day=day)
        return count

    def arrivals(self, day: date) -> list[Arrived]:
        """See Reservations.arrivals."""
        return list(self._ask("arrivals", day=day))

    def other(self, ask: str, **parameters: object) -> Any:
        """What the owner answers beside its reservations, as JSON has it; see Server. Raises ReservationsDown."""
        deadline = time.monotonic() + self._answer_s
        try:
            with _connected(self._path, deadline) as connection:
                line = wire.Line(connection)
                line.send({"ask": ask, **parameters}, deadline)
                return line.receive(deadline).get("answer")
        except wire.Broken as broken:
            raise _owner_down(broken) from None

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> "Follower":
        """See FollowedReservations.follow. At each connection `changed()` too: who connects again knows nothing."""
        return Follower(self._path, changed, answers)

    def _ask(self, ask: str, still_wanted: Callable[[], bool] = lambda: True, **parameters: object) -> Any:
        deadline = time.monotonic() + self._answer_s
        try:
            with _connected(self._path, deadline) as connection:
                line = wire.Line(connection)
                line.send(wire.question(ask, **parameters), deadline)
                while "asks" in (message := line.receive(deadline)):
                    line.send({"wanted": still_wanted()}, deadline)
                return wire.answer_from(ask, message)
        except wire.Broken as broken:
            raise _owner_down(broken) from None


def _owner_down(broken: wire.Broken) -> ReservationsDown:
    return ReservationsDown(f"the process that has the reservations does not answer ({broken})", "owner_down")


@contextmanager
def _connected(path: Path, deadline: float) -> Iterator[socket.socket]:
    """Raises Broken."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        try:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            with short_path(path) as short:
                connection.connect(short)
        except OSError as error:
            raise wire.Broken(type(error).__name__) from None
        yield connection


class Follower:
    """A subscription over the socket; connects again by itself. See SocketReservations.follow."""

    def __init__(self, path: Path, changed: Callable[[], None], answers: Callable[[bool], None]) -> None:
        self._path = path
        self._changed = changed
        self._answers = answers
        self._answering: bool | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="reservations-follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No call begins after this."""
        with self._lock:
            self._stop.set()
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(wire.Broken), _connected(self._path, time.monotonic() + _QUESTION_S) as connection:
                self._listen(connection)
            self._note(answering=False)
            self._stop.wait(_PAUSE_S)

    def _listen(self, connection: socket.socket) -> None:
        with self._lock:
            self._connection = connection
        line = wire.Line(connection)
        try:
            line.send(wire.FOLLOW, time.monotonic() + _QUESTION_S)
            while not self._stop.is_set():
                message = line.receive(time.monotonic() + _SILENT_S)
                self._note(answering=True)
                if message.get("event") == "changed" and not self._stop.is_set():
                    self._changed()
        finally:
            with self._lock:
                self._connection = None

    def _note(self, *, answering: bool) -> None:
        if answering is not self._answering and not self._stop.is_set():
            self._answering = answering
            self._answers(answering)


class Server:
    """The owner's end: answers from `open` to `close`, each connection in a thread of its own.

    `revision()`: another value after every change of what `reservations` holds, whoever made it; cheap, never raises.
    `report(name)`: a fault of ours, by the name of its exception. `others`: what is answered beside the reservations,
    by the word that asks for it, out of the whole question; JSON.
    """

    def __init__(
        self,
        reservations: Reservations,
        folder: Path,
        revision: Callable[[], object],
        report: Callable[[str], None],
        others: Mapping[str, Callable[[wire.Message], object]] | None = None,
    ) -> None:
        self._others = others or {}
        self._reservations = reservations
        self._path = folder / SOCKET_NAME
        self._revision = revision
        self._report = report
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._places = threading.Semaphore(_CLIENTS_MAX)
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._changes = 0

    def open(self) -> None:
        """Who calls holds a lock that says that nobody else uses the socket. Raises OSError."""
        self._path.unlink(missing_ok=True)
        with short_path(self._path) as short:
            self._listening.bind(short)
        # Another user comes by the folder's group, which needs no more than x on it.
        self._path.chmod(0o660 if self._path.parent.stat().st_mode & stat.S_IXGRP else 0o600)
        self._listening.listen(_CLIENTS_MAX)
        threading.Thread(target=self._accept, name="reservations-accept", daemon=True).start()
        self._look_out = Changes(self._revision, self._note_change)

    def close(self) -> None:
        """What is being answered may still be answered."""
        self._stop.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._look_out.close()
        with self._news:
            self._news.notify_all()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                # Closed, or no descriptor is free for a moment.
                self._stop.wait(_PAUSE_S)
                continue
            if not self._places.acquire(blocking=False):
                connection.close()
                continue
            try:
                threading.Thread(
                    target=self._serve, args=(connection,), name="reservations-client", daemon=True
                ).start()
            except RuntimeError:  # the limit of threads; who asked asks again
                self._places.release()
                connection.close()

    def _note_change(self, revision: object) -> None:
        with self._news:
            self._changes += 1
            self._news.notify_all()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(wire.Broken):
                line = wire.Line(connection)
                message = line.receive(time.monotonic() + _QUESTION_S)
                other = self._others.get(str(message.get("ask")))
                if message == wire.FOLLOW:
                    self._say_changes(line)
                elif other is not None:
                    line.send({"answer": other(message)}, time.monotonic() + _QUESTION_S)
                else:
                    answer = wire.answered(self._reservations, message, lambda: _still_wanted(line))
                    line.send(answer, time.monotonic() + _QUESTION_S)
        except Exception as error:  # noqa: BLE001 - one question that meets a fault of ours must not end the others
            self._report(type(error).__name__)
        finally:
            self._places.release()

    def _say_changes(self, line: wire.Line) -> None:
        """Until the client is gone. At first as if something had changed."""
        seen, event = self._changes, "changed"
        while not self._stop.is_set():
            line.send({"event": event}, time.monotonic() + _QUESTION_S)
            with self._news:
                if self._changes == seen:
                    self._news.wait(_ALIVE_S)
                event = "alive" if self._changes == seen else "changed"
                seen = self._changes


def _still_wanted(line: wire.Line) -> bool:
    deadline = time.monotonic() + _WANTED_S
    with suppress(wire.Broken):
        line.send(wire.STILL_WANTED, deadline)
        return line.receive(deadline).get("wanted") is True
    return False
