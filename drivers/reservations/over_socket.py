"""A book or a system over a Unix socket: who may not open it asks the process that does.

`SocketBook` is every role of the port for any process whose user may pass to the socket; `follow` says when something
may have changed. `Server` answers out of any of them. What is sent is in `wire`.

Must never: let a patient's data into an exception or a report; keep the owner waiting for a client that is slow or
gone.
"""

import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from drivers.reservations import (
    ReservationsDown,
    Trouble,
    wire,
)
from drivers.reservations.asking import Asking
from drivers.reservations.changes import Changes
from drivers.reservations.ports import Ability, Book, Reservations, SystemOfRecord
from drivers.reservations.values import NoValue
from drivers.unix_path import short_path

SOCKET_NAME: Final = "reservations.sock"
# Of the process that has a book on a server.
BOOK_SOCKET: Final = "book.sock"
# Of what is asked beside the port.
ANSWER_S: Final = 25.0
_ABILITY_S: Final = 2.0
_EVERY_CALL: Final = Ability(cancels=True, lists_day=True, walk_in=True)
_WAY_S: Final = 0.1
# A question is sent in one piece; whoever connects and does not ask is let go.
_QUESTION_S: Final = 5.0
_ALIVE_S: Final = 10.0
_SILENT_S: Final = 3 * _ALIVE_S
_CLIENTS_MAX: Final = 32
_PAUSE_S: Final = 0.25


class SocketBook(Asking):
    """A book, `Reservations` or a system of record whose owner listens at `folder/name`, as far as the owner answers
    that. Any thread; a connection for each call.

    Every call is answered Trouble, code "owner_down", when nobody answers there in time.
    """

    def __init__(self, folder: Path, name: str = SOCKET_NAME) -> None:
        self._path = folder / name
        self._ability: Ability | None = None

    @property
    def ability(self) -> Ability:
        """The owner's. While it does not answer, every call: what is asked then is trouble, and not left out."""
        if self._ability is None:
            answer = self._ask(wire.ABILITY, time.monotonic() + _ABILITY_S)
            self._ability = answer if isinstance(answer, Ability) else None
        return self._ability or _EVERY_CALL

    def close(self) -> None:
        """There is nothing to close between two calls."""

    def other(self, ask: str, within_s: float = ANSWER_S, **parameters: object) -> Any:
        """What the owner answers beside its reservations, as JSON has it; see Server. Raises ReservationsDown."""
        deadline = time.monotonic() + within_s
        try:
            with _connected(self._path, deadline) as connection:
                line = wire.Line(connection)
                line.send({"ask": ask, **parameters}, deadline)
                return line.receive(deadline).get("answer")
        except wire.Broken as broken:
            raise ReservationsDown(_owner_down(broken), "owner_down") from None

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> "Follower":
        """See Reservations.follow. At each connection `changed()` too: who connects again knows nothing."""
        return Follower(self._path, changed, answers)

    def _ask(self, name: str, until: float, **parts: Any) -> Any:
        asked = False
        if time.monotonic() >= until:
            return Trouble("unreachable", "no time was left to ask", code="late")
        try:
            with _connected(self._path, until) as connection:
                line = wire.Line(connection)
                # A little less, so that the owner's own answer comes before nobody waits for it.
                within_s = max(until - time.monotonic() - _WAY_S, 0.0)
                message = wire.question(name, within_s, **parts)
                asked = name in wire.WRITES
                line.send(message, until)
                return wire.answer_from(name, line.receive(until))
        except wire.Broken as broken:
            return Trouble("unreachable", _owner_down(broken), asked, "owner_down")
        except NoValue:
            return Trouble("misunderstood", _owner_down("no answer"), asked, "owner_down")


# The same thing under the names of what is behind it.
SocketReservations = SocketSystem = SocketBook


def _owner_down(why: object) -> str:
    return f"the process that has the reservations does not answer ({why})"


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

    `revision()`: another value after every change of what `target` holds, whoever made it; cheap, never raises.
    `report(name)`: a fault of ours, by the name of its exception. `others`: what is answered beside the port, by the
    word that asks for it, out of the whole question; JSON. `name`: of the socket. `asks`: the calls that `target` has.
    """

    def __init__(
        self,
        target: SystemOfRecord | Reservations | Book,
        folder: Path,
        revision: Callable[[], object],
        report: Callable[[str], None],
        others: Mapping[str, Callable[[wire.Message], object]] | None = None,
        *,
        name: str = SOCKET_NAME,
        asks: frozenset[str] = wire.RESERVATIONS_ASKS,
    ) -> None:
        self._others = others or {}
        self._target = target
        self._asks = asks
        self._path = folder / name
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
                    answer = wire.answered(self._target, self._asks, message)
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
