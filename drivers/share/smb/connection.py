"""The library's connection, stricter: what it would let through, wait out or report in its own words.

Owns the repairs of smbprotocol's `Connection`. Must never decide what an answer means.
"""

import logging
import math
import socket
import struct
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from smbprotocol.connection import Connection
from smbprotocol.exceptions import MoreProcessingRequired, SMBException
from smbprotocol.header import Commands, NtStatus, Smb2Flags
from smbprotocol.transport import Tcp

# The library writes file names at INFO (result files are named after patients' visits), and a traceback for each answer
# that it does not understand: a hundred lines a second where no SMB server answers.
for _name in ("smbprotocol", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Untrusted(SMBException):  # type: ignore[misc]  # the library is untyped
    """An answer without the signature or encryption that was agreed."""


class _Tcp(Tcp):  # type: ignore[misc]  # the library is untyped
    """The library's line. [MS-SMB2] 2.1: a frame has less than 16 MiB; what says more is no SMB server."""

    def _recv(self, length: int, timeout: float) -> Any:
        if length > self.MAX_SIZE:  # it would set aside so much memory, up to 4 GiB
            raise SMBException("a frame of an impossible length")
        return super()._recv(length, timeout)


class StrictConnection(Connection):  # type: ignore[misc]  # the library is untyped
    """The library's connection, stricter. What goes wrong is raised to who uses it."""

    _tcp: _Tcp | None = None

    def __init__(self, server: str, port: int, receive_max_s: float) -> None:
        super().__init__(uuid.uuid4(), server, port, require_signing=True)
        self._receive_max_s = receive_max_s
        self.skew_s: float | None = None
        self.computer = ""  # the server's own name, from its logon challenge

    def receive(self, request: Any, wait: bool = True, timeout: float | None = None, **_: Any) -> Any:
        # The time-out is a second belt: the deadline's thread normally comes first. Symbolic links are never
        # followed, because they could lead a rename or a delete to another folder.
        limit_s = None if timeout == math.inf else timeout or self._receive_max_s
        try:
            return super().receive(request, wait, limit_s, resolve_symlinks=False)
        except MoreProcessingRequired as challenge:
            self.computer = _computer_name(challenge.header["data"].get_value()) or self.computer
            raise

    def verify_signature(self, header: Any, session_id: int, force: bool = False) -> None:
        # The library checks a signature only when the answer says that it has one, so whoever sits in between
        # could strip it. [MS-SMB2] 3.2.5.1.3: unsigned answers of a signed session are discarded.
        session = self.session_table.get(session_id)
        if (
            session is not None
            and header["command"].get_value() != Commands.SMB2_SESSION_SETUP
            and header["status"].get_value() != NtStatus.STATUS_PENDING
            and (session.encrypt_data or not header["flags"].has_flag(Smb2Flags.SMB2_FLAGS_SIGNED))
        ):
            raise Untrusted("an answer came without the agreed protection")
        super().verify_signature(header, session_id, force)

    def _send_smb2_negotiate(self, *arguments: Any) -> Any:
        # The only place where the server says its time without being asked for a file.
        response = super()._send_smb2_negotiate(*arguments)
        server_time = response["system_time"].get_value()
        if isinstance(server_time, datetime) and server_time.year > 1970:
            self.skew_s = (server_time.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        return response

    @property
    def transport(self) -> Any:
        return self._tcp

    @transport.setter
    def transport(self, made: Tcp | None) -> None:
        """`connect` makes the library's own kind."""
        self._tcp = None if made is None else _Tcp(made.server, made.port, made.timeout)

    @property
    def misunderstood(self) -> bool:
        """Whether something was answered that is no SMB."""
        return self._t_exc is not None and not isinstance(self._t_exc, OSError)

    def _process_message_thread(self) -> None:
        with suppress(Exception):  # a lost connection is noticed, and reported, by its user
            super()._process_message_thread()
        # Wake everybody once more, under the lock: whoever found "pending" and is about to sleep again would miss the
        # library's own waking, and one who waits without a time-out would sleep for ever.
        for request in list(self.outstanding_requests.values()):
            with request.response_event_lock:
                request.response_event.set()


def watch_the_line(sock: socket.socket, deadline_s: float) -> None:
    """Let the kernel find a dead line: unacknowledged data within the deadline, an idle line within about 2 × it."""
    probe_s = max(1, int(deadline_s / 3))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(deadline_s)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, probe_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(deadline_s * 1000))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _computer_name(challenge: bytes) -> str:
    """MsvAvNbComputerName in an NTLM challenge ([MS-NLMP] 2.2.1.2, 2.2.2.1), wherever it lies; "": there is none."""
    start = challenge.find(b"NTLMSSP\0\2\0\0\0")
    with suppress(struct.error, UnicodeDecodeError):
        length, _, offset = struct.unpack_from("<HHI", challenge, start + 40)
        at, end = start + offset, start + offset + length
        while start >= 0 and at < end:
            kind, size = struct.unpack_from("<HH", challenge, at)
            if kind == 1:
                return challenge[at + 4 : at + 4 + size].decode("utf-16-le").casefold()
            at += 4 + size
    return ""
