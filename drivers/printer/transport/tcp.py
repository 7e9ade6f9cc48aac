"""A printer on the network, normally port 9100.

Owns one socket. Must never block longer than the caller allows, name resolution included.
"""

import contextlib
import fcntl
import select
import socket
import struct
import termios

from drivers.printer.address import TcpAddress
from drivers.printer.transport.wire import WireLost
from drivers.resolve import resolve

CONNECT_S = 5.0
_RECEIVE_BYTES = 4096


class TcpWire:
    """A connected socket with TCP_NODELAY: without it an answer to DLE EOT waits up to 300 ms for Nagle."""

    keeps_state = False

    def __init__(self, address: TcpAddress, connect_s: float = CONNECT_S) -> None:
        """Connect, or raise WireLost within about twice `connect_s` (looking the name up, connecting)."""
        try:
            places = resolve(address.host, address.port, connect_s)
        except OSError:
            raise WireLost from None
        # Printers speak IPv4; "localhost" lists ::1 first, and only one place is tried.
        family, where = min(places, key=lambda place: place[0] != socket.AF_INET)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(connect_s)
            self._socket.connect(where)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise WireLost from None

    def send(self, data: bytes, wait_s: float) -> int:
        if not select.select([], [self._socket], [], wait_s)[1]:
            return 0
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        if not select.select([self._socket], [], [], wait_s)[0]:
            return b""
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            raise WireLost from None
        if not data:
            raise WireLost
        return data

    def unsent(self) -> int:
        """Not acknowledged by the far side (SIOCOUTQ): a send that succeeds only fills our own kernel's buffer."""
        try:
            answer = fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4)
        except OSError:
            raise WireLost from None
        return int(struct.unpack("i", answer)[0])

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(OSError):
            if abandon:
                # Linger 0: the kernel forgets the data; else it would go on for minutes and print a dead slip.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._socket.shutdown(socket.SHUT_WR)
                # An answer left unread would turn our close into a reset, and a reset may cost the printer the job.
                self._socket.recv(_RECEIVE_BYTES)
        self._socket.close()
