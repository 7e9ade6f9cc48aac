"""One IPP request and its answer over HTTP (RFC 8010, section 4), on a connection of its own.

Owns all waiting on the network: an exchange ends at its deadline, however slowly the far side talks.
"""

import http.client
import io
import socket
import time
from typing import Any, cast

from drivers.page_printer import Reason, ipp
from drivers.page_printer.address import IppAddress
from drivers.resolve import resolve

_ANSWER_BYTES_MAX = 4 * 1024 * 1024


class NoAnswer(Exception):
    """The exchange failed. It carries no text: what was sent belongs to a patient.

    `reason`: as the outcome of a print. `sent`: the printer may have got the whole request.
    """

    def __init__(self, reason: Reason, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


def exchange(address: IppAddress, request: bytes, *, connect_s: float, answer_s: float) -> ipp.Message:
    """Send `request` and give the answer. Raises NoAnswer within about `connect_s` twice + `answer_s`."""
    try:
        connection = _connected(address, connect_s)
    except OSError:
        raise NoAnswer("printer_offline", sent=False) from None
    with connection:
        deadline = time.monotonic() + answer_s
        try:
            connection.settimeout(answer_s)
            connection.sendall(_head(address, len(request)) + request)
            answer = _received(connection, deadline)
        except (OSError, http.client.HTTPException):
            raise NoAnswer("printer_silent", sent=True) from None
    if answer is None:
        raise NoAnswer("printer_refused", sent=False)
    try:
        return ipp.decode(answer)
    except ipp.BadMessage:
        raise NoAnswer("printer_silent", sent=True) from None


def _connected(address: IppAddress, connect_s: float) -> socket.socket:
    places = resolve(address.host, address.port, connect_s)
    deadline = time.monotonic() + connect_s
    # Printers speak IPv4; "localhost" lists ::1 first. The other places are tried while there is time.
    trouble = OSError("no place")
    for family, where in sorted(places, key=lambda place: place[0] != socket.AF_INET):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.connect(where)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as failed:
            connection.close()
            trouble = failed
        else:
            return connection
    raise trouble


def _head(address: IppAddress, length: int) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    path = address.uri.split("/", maxsplit=3)[3]
    lines = (
        f"POST /{path} HTTP/1.1",
        f"Host: {host}:{address.port}",
        "Content-Type: application/ipp",
        f"Content-Length: {length}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _received(connection: socket.socket, deadline: float) -> bytes | None:
    """The body of the answer; None when the server refuses the request as such (log-in, path, encryption)."""
    # HTTPResponse asks of a socket nothing but makefile().
    response = http.client.HTTPResponse(cast("socket.socket", _Timed(connection, deadline)), method="POST")
    response.begin()
    if response.status != http.client.OK:
        return None
    body = response.read(_ANSWER_BYTES_MAX + 1)
    if len(body) > _ANSWER_BYTES_MAX:
        raise http.client.HTTPException
    return body


class _Timed(io.RawIOBase):
    """What a connection receives, until the deadline: a time-out of the socket alone would begin anew at each byte."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._connection.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """As of a socket."""
        return io.BufferedReader(self)
