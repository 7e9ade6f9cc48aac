"""The line of the simulated ORCA: one connection a thread, each answer written at once, or spoilt as asked."""

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.message import Message
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from drivers.simulated.orca.faults import Fault
from drivers.simulated.orca.formats import HEAD
from drivers.simulated.orca.manners import Manners

_HUGE_BYTES: Final = 9 << 20
_PAGE: Final = "<!DOCTYPE html><html><body><h1>ログイン</h1></body></html>".encode()


@dataclass(frozen=True)
class Reply:
    """A whole answer, and the fault that it meets on its way."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None


class Device(Protocol):
    """Who is at the end of the line."""

    manners: Manners
    connections: int
    ended: threading.Event

    def reply(self, method: str, target: str, headers: Message, body: bytes) -> Reply:
        """What a request is answered with, and how that goes wrong."""


def server_tls(certificate: Path, *, clients: Path | None = None) -> ssl.SSLContext:
    """Of a PEM file with certificate and key. `clients`: whose certificates a client must have one of."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=clients)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def open_line(device: Device, port: int, tls: ssl.SSLContext | None) -> "Server":
    """Answer at 127.0.0.1 with what `device` says; 0: a free port."""

    class Handler(_Handler):
        pass

    Handler.device = device
    server = Server(("127.0.0.1", port), Handler, tls)
    threading.Thread(target=server.serve_forever, args=(0.02,), name="orca", daemon=True).start()
    return server


def spoilt(answer: bytes, fault: Fault | None) -> bytes:
    """The body that is sent in place of `answer`."""
    match fault.kind if fault is not None else "":
        case "page":
            return _PAGE
        case "empty":
            return b""
        case "garbage":
            return b"\x00\xff\xfe<xmlio2" + answer[:20]
        case "doctype":
            return answer.replace(HEAD.encode(), HEAD.encode() + b'<!DOCTYPE xmlio2 [<!ENTITY name "x">]>', 1)
        case "huge":
            return answer + b" " * _HUGE_BYTES
    return answer


class Server(ThreadingHTTPServer):
    """Knows its open connections, so that it can be switched off as a machine is."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type["_Handler"], tls: ssl.SSLContext | None) -> None:
        super().__init__(address, handler)
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is not None:  # the handshake is the connection's own thread's
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: who asked has gone, or never wanted to speak TLS."""

    def switch_off(self) -> None:
        """Close the port and shut what is open, so that a thread that reads comes back."""
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    device: ClassVar[Device]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.device.connections += 1
        super().setup()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        reply = self.device.reply(self.command, self.path, self.headers, body)
        head, content = self._written(reply)
        try:
            self._send(head, content, reply.fault)
        except OSError:  # who asked has gone
            self.close_connection = True

    def _written(self, reply: Reply) -> tuple[bytes, bytes]:
        """Head and body as they stand on the line."""
        moment = format_datetime(self.device.manners.clock().astimezone(UTC), usegmt=True)
        chunked = self.device.manners.chunked and reply.status == HTTPStatus.OK and reply.body
        length = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(reply.body)))
        status = HTTPStatus(reply.status)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {text}" for name, text in (("Date", moment), length, *reply.headers)]
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(reply.body), reply.body) if chunked else reply.body
        return "\r\n".join((*lines, "", "")).encode("latin-1"), body

    def _send(self, head: bytes, body: bytes, fault: Fault | None) -> None:
        ended = self.device.ended
        match fault.kind if fault is not None else "":
            case "mute":
                ended.wait()
                self.close_connection = True
                return
            case "lost":
                self.close_connection = True
                return
            case "half":
                self.connection.sendall(head + body[: len(body) // 2])
                self.close_connection = True
                return
        if fault is not None and fault.kind == "delay":
            ended.wait(fault.seconds)
        whole = head + body
        if fault is not None and fault.kind in ("drip_head", "drip_body"):
            at_once = b"" if fault.kind == "drip_head" else head
            self.connection.sendall(at_once)
            for index in range(len(at_once), len(whole)):
                if ended.wait(fault.seconds):
                    break
                self.connection.sendall(whole[index : index + 1])
            return
        self.connection.sendall(whole)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: a request line holds a patient's number, and standard error is the program's."""
