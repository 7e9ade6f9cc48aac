"""One connection to one PostgreSQL server by pg8000, with a deadline on everything that is done with it.

Owns sockets, TLS and the settings of a session. A call is one prepared statement: one round trip. Must never: wait
beyond `until`, whatever the other side does; let what was sent or answered into an exception.
"""

import contextlib
import json
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection, PreparedStatement

from drivers.deadline import Deadline
from drivers.reservations import Trouble
from drivers.reservations.postgresql.address import Address, is_loopback
from drivers.reservations.postgresql.failures import Failed, refused, unreachable
from drivers.resolve import resolve

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
# Unsent data is thrown away when a connection is given up: nothing arrives late.
_THROW_AWAY: Final = struct.pack("ii", 1, 0)
_TERMINATE: Final = b"X\0\0\0\4"
_GOODBYE_S: Final = 0.1
# A server whose machine is gone is noticed in idle time, and in a call soon enough for another one to be asked.
_ALIVE: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000),
)
# A row lock is waited for 2 s; who is frozen in an open transaction loses it after 2; who is gone is noticed.
_SESSION: Final = {
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
    "statement_timeout": "12s",
    "client_connection_check_interval": "500ms",
    "tcp_keepalives_idle": "20",
    "TimeZone": "UTC",
    "client_min_messages": "error",
}


@dataclass(frozen=True)
class Server:
    """Where the book is, and how one gets in. `ca_file`: PEM; None: the machine's list."""

    address: Address
    password: str = field(default="", repr=False)
    ca_file: Path | None = None


class Line:
    """A connection to `host`, open after the constructor. Raises Failed."""

    def __init__(self, server: Server, host: tuple[str, int], until: float) -> None:
        self._socket = _connected(host, until)
        self._deadline = Deadline(0.0, self._pull)
        self._statements: dict[str, PreparedStatement] = {}
        self._connection: Connection | None = None
        # In the middle of a call, or after one that failed.
        self._broken = True
        try:
            with self._within(until):
                if not is_loopback(host[0]):
                    # In two steps: the deadline must find the socket that shakes hands.
                    self._socket = encrypted = _encrypted(self._socket, host[0], server.ca_file)
                    _shake_hands(encrypted)
                self._connection = Connection(
                    server.address.role,
                    sock=self._socket,
                    ssl_context=False,
                    database=server.address.database,
                    password=server.password,
                    application_name="kiosk",
                    startup_params=dict(_SESSION),
                )
        except BaseException:
            self.close()
            raise

    @property
    def writable(self) -> bool:
        """The server said so when it was connected to: it is no standby."""
        status = {} if self._connection is None else self._connection.parameter_statuses
        return status.get("in_hot_standby") != "on" and status.get("default_transaction_read_only") != "on"

    @property
    def is_encrypted(self) -> bool:
        """False on this machine, where nobody else can listen."""
        return isinstance(self._socket, ssl.SSLSocket)

    def usable(self) -> bool:
        """Nobody has ended it meanwhile: on an idle connection there is nothing to read."""
        return not self._deadline.late and not select.select([self._socket], [], [], 0)[0]

    def call(self, name: str, question: dict[str, Any] | None, until: float) -> tuple[dict[str, Any], datetime]:
        """What the function `name` of the schema answers, and the server's time. Raises Failed."""
        with self._within(until, sent=True):
            statement = self._statements.get(name)
            if statement is None:
                statement = self._statements[name] = self._prepared(name, asks=question is not None)
            parameters = {} if question is None else {"q": _written(question)}
            ((text, now),) = statement.run(**parameters)
            answer = json.loads(text)
            if not isinstance(answer, dict):
                raise TypeError
            return answer, datetime.fromisoformat(now)

    def run(self, statement: str, until: float) -> list[list[Any]]:
        """A statement of ours. Raises Failed."""
        with self._within(until, sent=True):
            return list(self._open.run(statement) or ())

    def close(self) -> None:
        """It is not used again."""
        self._deadline.stop()
        with contextlib.suppress(OSError):
            if self._broken:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _THROW_AWAY)
            else:
                self._socket.settimeout(_GOODBYE_S)
                self._socket.sendall(_TERMINATE)
        if self._connection is not None:
            self._connection._sock = None  # noqa: SLF001 - pg8000 would say goodbye first, and wait for a dead peer
        with contextlib.suppress(OSError):
            socket.socket.close(self._socket)

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise unreachable("not connected")
        return self._connection

    def _prepared(self, name: str, *, asks: bool) -> PreparedStatement:
        argument = "CAST(:q AS jsonb)" if asks else ""
        return self._open.prepare(
            f"SELECT CAST(kiosk.{name}({argument}) AS text), "
            "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"
        )

    @contextlib.contextmanager
    def _within(self, until: float, *, sent: bool = False) -> Iterator[None]:
        """`sent`: a write may be done when nothing is answered."""
        left_s = until - time.monotonic()
        if left_s <= 0 or self._deadline.late:
            raise unreachable("no time left", "late")
        self._deadline.deadline_s = left_s
        self._broken = True
        try:
            with self._deadline:
                yield
            self._broken = False
        except Failed:
            raise
        except DatabaseError as error:
            failed = refused(error.args[0] if error.args else None)
            self._broken = not failed.kept
            raise failed from None
        except (ValueError, TypeError, KeyError, LookupError, struct.error) as error:
            if not self._deadline.late:
                what = f"the book's server: an answer that is none ({type(error).__name__})"
                raise Failed(Trouble("misunderstood", what, sent, "misunderstood")) from None
            raise unreachable("no answer in time", "late", maybe_done=sent) from None
        except Exception as error:  # noqa: BLE001 - pg8000 lets many kinds out when a connection ends in the middle
            late = self._deadline.late
            why = "no answer in time" if late else f"the connection ended ({type(error).__name__})"
            raise unreachable(why, "late" if late else "unreachable", maybe_done=sent) from None

    def _pull(self) -> None:
        with contextlib.suppress(OSError):
            # The class's own: that of a TLS socket would begin to speak again.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _written(question: dict[str, Any]) -> str:
    text = json.dumps(question, ensure_ascii=False)
    if "\\u0000" in text:
        # The server takes no NUL, and its log would say in which text.
        raise Failed(Trouble("refused", "a NUL character", code="failed"))
    return text


def _connected(host: tuple[str, int], until: float) -> socket.socket:
    trouble = unreachable(f"{host[0]}:{host[1]} does not answer")
    try:
        places = resolve(*host, max(until - time.monotonic(), 0.01))
    except TimeoutError:
        raise unreachable("the name server does not answer", "name_server") from None
    except OSError:
        raise unreachable(f"{host[0]} is not known to the name server", "unknown_host") from None
    for left, (family, place) in zip(range(len(places), 0, -1), places, strict=True):
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(max((until - time.monotonic()) / left, 0.01))
            connection.connect(place)
            connection.settimeout(None)
            for level, option, value in _ALIVE:
                connection.setsockopt(level, option, value)
        except ConnectionRefusedError:
            trouble = unreachable(f"{host[0]}:{host[1]} refuses connections", "connection_refused")
            connection.close()
        except OSError:
            connection.close()
        else:
            return connection
    raise trouble


def _encrypted(plain: socket.socket, host: str, ca_file: Path | None) -> ssl.SSLSocket:
    """Whose certificate has to be of `host`, and of somebody trusted; hands are not shaken. Raises Failed, OSError."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Failed(
            Trouble("login", f"the certificates of ca_file cannot be read ({error.strerror})", code="ca_file")
        ) from None
    plain.sendall(_SSL_REQUEST)
    if plain.recv(1) != b"S":
        raise Failed(Trouble("login", "the book's server speaks no TLS: ssl = on", code="no_tls"))
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _shake_hands(encrypted: ssl.SSLSocket) -> None:
    """Raises Failed, OSError."""
    try:
        encrypted.do_handshake()
    except ssl.SSLCertVerificationError as error:
        what = f"the book's server is not trusted ({error.verify_message})"
        raise Failed(Trouble("login", what, code="certificate")) from None
