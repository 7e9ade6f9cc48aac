"""A printer on the network, normally port 9100.

Owns one socket. Must never wait longer than told, name resolution included.
"""

import contextlib
import fcntl
import select
import socket
import struct
import termios
import threading

from drivers.printer.address import TcpAddress
from drivers.printer.transport.wire import WireLost

CONNECT_S = 5.0
_RECEIVE_BYTES = 4096

_Found = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class TcpWire:
    """A connected socket with TCP_NODELAY: without it an answer to DLE EOT waits up to 300 ms for Nagle."""

    keeps_state = False

    def __init__(self, address: TcpAddress, connect_s: float = CONNECT_S) -> None:
        """Connect, or raise WireLost within about twice `connect_s` (looking the name up, connecting)."""
        family, where = _look_up(address, connect_s)
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


def _look_up(address: TcpAddress, wait_s: float) -> _Found:
    """The first address of the host. A resolver has no time-out of ours, so a name is looked up by a side thread."""
    found: list[_Found] = []

    def ask(flags: socket.AddressInfo | int) -> None:
        with contextlib.suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
            found.extend((family, where) for family, _, _, _, where in answers)

    ask(socket.AI_NUMERICHOST)
    if not found:
        worker = threading.Thread(target=ask, args=(0,), daemon=True, name="printer-name")
        worker.start()
        worker.join(wait_s)
    # Printers speak IPv4; "localhost" lists ::1 first and a refused first answer must not hide the second.
    ordered = sorted(list(found), key=lambda one: one[0] != socket.AF_INET)
    if not ordered:
        raise WireLost
    return ordered[0]
