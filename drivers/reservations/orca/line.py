"""One connection to ORCA, and everything of HTTP: who asks gets the bytes of an answer, or Failed, in time.

Owns the socket and the password. Head and body of a request leave in one piece, since what waits for the other piece
costs 40 ms on a kept connection. A connection that was idle is not used again: firewalls forget such lines without a
word, and a request over one would wait until its end.
"""

import base64
import http.client
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from drivers.deadline import Deadline
from drivers.reservations import Trouble, TroubleKind
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.address import Address
from drivers.resolve import resolve

ANSWER_BYTES_MAX: Final = 8 << 20
_IDLE_S: Final = 15.0
_GATEWAYS: Final = (502, 503, 504)  # a proxy answers for an ORCA that does not


class Failed(Exception):
    """There is no answer: `trouble`. Never leaves this package."""

    def __init__(self, kind: TroubleKind, what: str, code: str, *, maybe_done: bool = False, number: int = 0) -> None:
        super().__init__(what)
        self.trouble = Trouble(kind, f"ORCA: {what}", maybe_done, code, {"number": number} if number else {})


@dataclass(frozen=True)
class Reply:
    """An answer of HTTP. `date`: its header, "" where there is none."""

    status: int
    date: str
    body: bytes = field(repr=False)


class _Stale(Exception):
    """A kept connection was closed before anything came over it."""


class Line:
    """Asks one thing at a time; calls of several threads wait for each other, within their time."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._settings = settings
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def ask(self, target: str, body: bytes | None, until: float, *, writes: bool = False) -> Reply:
        """Send `body` (None: GET) to `target`, a path below the prefix. Raises Failed by `until` (time.monotonic()).

        `writes`: the request changes something, so that an answer that does not come leaves the outcome open, and
        it is sent once only.
        """
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise _late(writes=False)
        try:
            return self._ask(self._request(target, body), until, writes)
        finally:
            self._lock.release()

    def close(self) -> None:
        """The next request opens a new connection; one that is under way ends without an answer."""
        connection = self._connection
        if self._lock.acquire(blocking=False):
            self._drop()
            self._lock.release()
        elif connection is not None:
            connection.pull()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, request: bytes, until: float, writes: bool) -> Reply:
        if time.monotonic() >= until:
            raise _late(writes=False)
        kept = self._connection
        # A write goes over a new one: of a kept one that is being closed nobody knows whether it took the request.
        if kept is not None and (writes or not kept.is_usable):
            self._drop()
            kept = None
        connection = kept or _Connection(self._address, self._settings, until)
        self._connection = connection
        try:
            reply, ends = connection.exchange(request, until, writes)
        except _Stale:
            self._drop()
            return self._ask(request, until, writes)
        except BaseException:
            self._drop()
            raise
        if ends:
            self._drop()
        return self._checked(reply, writes)

    def _checked(self, reply: Reply, writes: bool) -> Reply:
        match reply.status:
            case http.client.OK:
                return reply
            case http.client.UNAUTHORIZED | http.client.FORBIDDEN:
                raise Failed("login", "refuses user or password", "orca_login")
            case http.client.NOT_FOUND if not reply.body:
                raise Failed("login", "has nothing for this user: not known, or another path", "orca_user")
            case http.client.NOT_FOUND | http.client.METHOD_NOT_ALLOWED:
                what = "has nothing under this path: WebORCA wants /api at the end of the address, others nothing"
                raise Failed("refused", what, "orca_path", number=reply.status)
        kind: TroubleKind = "unreachable" if reply.status in _GATEWAYS else "misunderstood"
        what = f"answered HTTP {reply.status}"
        raise Failed(kind, what, "orca_http", maybe_done=writes, number=reply.status)

    def _request(self, target: str, body: bytes | None) -> bytes:
        pair = f"{self._address.user}:{self._settings.password}".encode()
        lines = [
            f"{'GET' if body is None else 'POST'} {self._address.prefix}{target} HTTP/1.1",
            f"Host: {self._address.authority}",
            f"Authorization: Basic {base64.b64encode(pair).decode()}",
            "Accept: application/xml",
        ]
        if body is not None:
            lines += ["Content-Type: application/xml", f"Content-Length: {len(body)}"]
        return "\r\n".join((*lines, "", "")).encode("ascii") + (body or b"")


class _Connection:
    """Made by connecting; raises Failed. Dead after the first failure."""

    def __init__(self, address: Address, settings: Settings, until: float) -> None:
        self._used_at = 0.0
        context = _context(settings) if address.tls else None
        try:
            self._socket = _connected(address, until)
        except OSError as error:
            raise Failed("unreachable", f"cannot be reached ({_reason(error)})", "orca_unreachable") from None
        self._deadline = Deadline(0, self.pull)
        if context is None:
            return
        try:
            self._secure(context, address.host, until)
        except BaseException:
            self.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Not idle for long, and without anything to read: an end, from servers that close without having said so."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return time.monotonic() - self._used_at < _IDLE_S and not poll.poll(0)

    def exchange(self, request: bytes, until: float, writes: bool) -> tuple[Reply, bool]:
        """The answer, and whether the connection ends with it. Raises Failed, _Stale."""
        reused = self._used_at > 0
        response = http.client.HTTPResponse(self._socket)
        self._begin(until)
        try:
            with self._deadline:
                self._socket.sendall(request)
                response.begin()
                body = response.read(ANSWER_BYTES_MAX + 1)
        except (http.client.RemoteDisconnected, ConnectionError):
            if self._deadline.late:
                raise _late(writes=writes) from None
            if reused:
                raise _Stale from None
            raise _broken(writes) from None
        except ssl.SSLError as error:
            raise Failed("unreachable", _no_tls(error), "orca_tls", maybe_done=writes) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise (_late(writes=writes) if self._deadline.late else _broken(writes)) from None
        finally:
            response.close()
        if self._deadline.late:
            raise _late(writes=writes)
        if len(body) > ANSWER_BYTES_MAX:
            raise Failed("misunderstood", "answered more than 8 MiB", "orca_garbled", maybe_done=writes)
        if response.length:
            raise _broken(writes)
        self._used_at = time.monotonic()
        return Reply(response.status, response.getheader("Date", ""), body), response.will_close

    def close(self) -> None:
        self._deadline.stop()
        self._socket.close()

    def _secure(self, context: ssl.SSLContext, host: str, until: float) -> None:
        self._begin(until)
        try:
            # In two steps: the deadline must find the socket that shakes hands, not the one that it was made of.
            self._socket = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
            with self._deadline:
                self._socket.do_handshake()
        except ssl.SSLCertVerificationError as error:
            what = f"its certificate is not accepted ({error.verify_message})"
            raise Failed("unreachable", what, "orca_certificate") from None
        except (OSError, ValueError) as error:
            what = "began no TLS in time" if self._deadline.late else _no_tls(error)
            raise Failed("unreachable", what, "orca_tls") from None

    def _begin(self, until: float) -> None:
        self._deadline.deadline_s = until - time.monotonic()
        if self._deadline.deadline_s <= 0:
            raise _late(writes=False)

    def pull(self) -> None:
        """Have whoever waits on it wait no more. Any thread."""
        # Past TLS, which would answer the other side first.
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _connected(address: Address, until: float) -> socket.socket:
    places = resolve(address.host, address.port, max(0.0, until - time.monotonic()))
    trouble = OSError("no address")
    for number, (family, where) in enumerate(places):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.001, (until - time.monotonic()) / (len(places) - number)))
            connection.connect(where)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(None)
        except OSError as failed:
            connection.close()
            trouble = failed
        else:
            return connection
    raise trouble


def _context(settings: Settings) -> ssl.SSLContext:
    """As the machine trusts, or by the files of site.toml alone. Raises Failed."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.client_certificate is not None:
            # A password would be asked for on the terminal.
            context.load_cert_chain(settings.client_certificate, password=lambda: "")
    except (OSError, ValueError) as error:
        what = f"ca_file or client_certificate_file cannot be used ({_reason(error)})"
        raise Failed("refused", what, "orca_files") from None
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _no_tls(error: Exception) -> str:
    return f"no TLS with it ({_reason(error)})"


def _late(*, writes: bool) -> Failed:
    return Failed("unreachable", "did not answer in time", "orca_late", maybe_done=writes)


def _broken(writes: bool) -> Failed:
    return Failed("unreachable", "broke off its answer", "orca_no_answer", maybe_done=writes)
