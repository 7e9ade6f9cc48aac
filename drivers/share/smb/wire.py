"""One SMB connection: TCP, negotiation, logon and tree, with a deadline on everything.

Owns the smbprotocol objects and what we demand of a server: SMB 3, signing always, encryption whenever it can, no
guest. Must never use smbclient (its cache is shared by threads and logs off politely at exit, which hung for twenty
minutes against a frozen server), and must never let an exception of the library through.
"""

import logging
import math
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from smbprotocol import Dialects
from smbprotocol.connection import Connection
from smbprotocol.exceptions import MoreProcessingRequired, SMBAuthenticationError, SMBException, SMBResponseException
from smbprotocol.header import Commands, NtStatus, Smb2Flags
from smbprotocol.session import Session
from smbprotocol.transport import Tcp
from smbprotocol.tree import TreeConnect

from drivers.resolve import resolve
from drivers.share.address import SmbAddress
from drivers.share.deadline import Deadline
from drivers.share.failures import LogonRefused, ShareError, failure, fault, folder_fault, logon_fault
from drivers.share.logon_gate import LogonGate
from drivers.share.protocol import SessionInfo

# The library writes file names at INFO (result files are named after patients' visits), and a traceback for each answer
# that it does not understand: a hundred lines a second where no SMB server answers.
for _name in ("smbprotocol", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

T = TypeVar("T")
Step = tuple[Any, Callable[[Any], Any]]
"""One command of a compound: the message and the library's function that takes its answer apart."""

SPAN_MAX = 1 << 20
CREDIT_SPAN = 1 << 16
_DIALECTS = {Dialects.SMB_3_0_0: "SMB 3.0", Dialects.SMB_3_0_2: "SMB 3.0.2", Dialects.SMB_3_1_1: "SMB 3.1.1"}


class Status(int):
    """An NTSTATUS that came instead of an answer."""


class _Untrusted(SMBException):  # type: ignore[misc]  # the library is untyped
    """An answer without the signature or encryption that was agreed."""


class _Tcp(Tcp):  # type: ignore[misc]  # the library is untyped
    """The library's line. [MS-SMB2] 2.1: a frame has less than 16 MiB; what says more is no SMB server."""

    def _recv(self, length: int, timeout: float) -> Any:
        if length > self.MAX_SIZE:  # it would set aside so much memory, up to 4 GiB
            raise SMBException("a frame of an impossible length")
        return super()._recv(length, timeout)


class _Connection(Connection):  # type: ignore[misc]  # the library is untyped
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
            raise _Untrusted("an answer came without the agreed protection")
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


class Wire:
    """A logged-on connection to one share. Made by connecting; any ShareError. Dead after the first lost answer."""

    def __init__(self, address: SmbAddress, password: str, deadline_s: float, gate: LogonGate) -> None:
        self.address = address
        self._password = password
        self._deadline_s = deadline_s
        self._gate = gate
        self._where = address.where
        self._lock = threading.RLock()
        self._closed = False
        self._connection: Any = None
        self._session: Any = None
        self.tree: Any = None
        self._deadline = Deadline(deadline_s, self.close)
        try:
            with self._deadline:
                self._connect()
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """False once the connection is known to be gone."""
        return not self._closed and bool(self._connection.transport.connected)

    @property
    def late(self) -> bool:
        """True when it was the deadline that ended this connection."""
        return self._deadline.late

    @property
    def server(self) -> str:
        """Which server this is, whatever it was called. Two machines made of one image differ only by their names."""
        return f"{self._connection.server_guid}/{self._connection.computer}"

    def span(self) -> int:
        """How many bytes one read or write may carry now: the server's limits, its credits, and SPAN_MAX."""
        window = self._connection.sequence_window
        credits_left = max(window["high"] - window["low"] - 4, 1)
        limit = min(self._connection.max_read_size, self._connection.max_write_size, SPAN_MAX)
        return int(max(min(limit, credits_left * CREDIT_SPAN), min(limit, CREDIT_SPAN)))

    def session_info(self, where: str) -> SessionInfo:
        """What was agreed."""
        encrypted = bool(self._session.encrypt_data or self.tree.encrypt_data)
        signed = encrypted or bool(self._session.signing_required)
        dialect = _DIALECTS.get(self._connection.dialect, f"SMB 0x{self._connection.dialect:04X}")
        return SessionInfo(where, dialect, signed, encrypted, self._connection.skew_s)

    def receive(self, request: Any) -> Any:
        """The plain answer to a request, for steps that take it apart themselves."""
        return self._connection.receive(request)

    def exchange(self, *steps: Step) -> list[Any]:
        """Send the steps as one related compound; the answers in order, a Status where the server said no.

        Unreachable or Refused when there was no whole answer; the connection is closed then, and whether the steps
        were carried out is unknown.
        """
        with self._lock:
            return self._guarded(lambda: self._exchange(steps), self._deadline)

    def post(self, message: Any) -> Any:
        """Send one request that the server answers when it has something to say; its answer is for `answer`."""
        with self._lock:
            session_id, tree_id = self._session.session_id, self.tree.tree_connect_id
            return self._guarded(lambda: self._connection.send(message, session_id, tree_id), self._deadline)

    def pending(self, request: Any) -> bool:
        """Wait until the server has a posted request in hand; False when it has answered it at once."""

        def wait() -> bool:
            # Not by `receive`, which would forget a request that it was not to wait for.
            request.response_event.wait()
            if request.response is None:
                self._connection.receive(request)  # raises what ended the connection
            return bool(request.response["status"].get_value() == NtStatus.STATUS_PENDING)

        with self._lock:
            return self._guarded(wait, self._deadline)

    def answer(self, request: Any) -> Any:
        """The answer to a posted request, however long it takes, or a Status. Raises as `exchange`."""

        def wait() -> Any:
            try:
                return self._connection.receive(request, timeout=math.inf)
            except SMBResponseException as refusal:
                return Status(refusal.status)

        return self._guarded(wait, nullcontext())

    def _guarded(self, call: Callable[[], T], within: AbstractContextManager[None]) -> T:
        if self._closed:
            raise failure("connection_dropped", self._where)
        try:
            with within:
                return call()
        except Exception as error:  # noqa: BLE001  # the library raises SMBException, ValueError, OSError, KeyError …
            problem = self._lost(error)
        except BaseException:
            self.close()  # an answer may still be on its way; nobody will fetch it
            raise
        self.close()
        raise problem

    def close(self) -> None:
        """End the connection without logging off. From any thread; wakes whoever waits on it."""
        self._closed = True
        self._deadline.stop()
        connection = self._connection
        if connection is None or connection.transport is None:
            return
        # A send that blocks on a full window holds the lock that the library's own close wants, so the socket is
        # shut down past it first.
        sock = connection.transport._sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with suppress(OSError, RuntimeError):
            connection.disconnect(close=False)

    def _exchange(self, steps: tuple[Step, ...]) -> list[Any]:
        session_id, tree_id = self._session.session_id, self.tree.tree_connect_id
        messages = [message for message, _ in steps]
        requests = self._connection.send_compound(messages, session_id, tree_id, related=len(steps) > 1)
        answers: list[Any] = []
        for (_, receiver), request in zip(steps, requests, strict=True):
            try:
                answers.append(receiver(request))
            except SMBResponseException as refusal:
                answers.append(Status(refusal.status))
        return answers

    def _connect(self) -> None:
        try:
            self._connection = self._reach()
        except Exception as error:  # noqa: BLE001  # the library raises SMBException, ValueError, OSError, KeyError …
            raise self._lost(error) from None
        if self._connection.dialect < Dialects.SMB_3_0_0:
            raise failure("smb2_only", self._where)
        self._log_on()
        try:
            self.tree = TreeConnect(self._session, rf"\\{self.address.host}\{self.address.share}")
            self.tree.connect()
            # Paths are sent as they are; a DFS share would want \\server\share in front of them.
            self.tree.is_dfs_share = False
        except SMBResponseException as refusal:
            raise folder_fault(refusal.status, self._where) from None
        except Exception as error:  # noqa: BLE001  # the library raises SMBException, ValueError, OSError, KeyError …
            raise self._lost(error) from None

    def _reach(self) -> Any:
        deadline = time.monotonic() + self._deadline_s
        last: Exception = OSError("no address")
        for _, (address, *_) in resolve(self.address.host, self.address.port, self._deadline_s):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self._closed:
                raise TimeoutError("no answer")
            connection = _Connection(str(address), self.address.port, self._deadline_s + 2)
            self._connection = connection
            try:
                connection.connect(timeout=left_s)
            except ValueError as refused:  # the library's word for a TCP connect that failed
                last = refused
                continue
            except Exception:  # the library raises SMBException, struct.error, KeyError …
                if connection.misunderstood and not self._deadline.late:
                    raise failure("no_smb_server", self._where) from None
                raise
            _watch_the_line(connection.transport._sock, self._deadline_s)
            return connection
        raise last

    def _log_on(self) -> None:
        account = self.address.account
        with self._gate.exclusive(account, self._deadline_s) as ours:
            if not ours:
                raise failure("another_logon", self._where)
            if refusal := self._gate.refusal(account):
                raise refusal
            try:
                self._session = self._new_session()
            except LogonRefused as refused:
                self._gate.close(account, refused)
                raise
            self._gate.open(account)

    def _new_session(self) -> Any:
        user = f"{self.address.domain}\\{self.address.user}" if self.address.domain else self.address.user
        encrypt = bool(self._connection.supports_encryption)
        session = Session(
            self._connection, user, self._password, require_encryption=encrypt, hostname_override=self.address.host
        )
        try:
            session.connect()
        except SMBResponseException as refusal:
            raise logon_fault(refusal.status, self._where) from None
        except SMBAuthenticationError:
            raise failure("logon_failed", self._where) from None
        except Exception as error:  # noqa: BLE001  # the library raises SMBException, ValueError, OSError, KeyError …
            # The library clears the session id exactly when it was let in as a guest or nobody.
            if session.session_id is None:
                raise failure("guest_only", self._where) from None
            raise self._lost(error) from None
        return session

    def _lost(self, error: Exception) -> ShareError:
        """What an exception of the library means. Its text is not repeated: it may hold names."""
        if isinstance(error, ShareError):
            return error
        if isinstance(error, SMBResponseException):
            return fault(error.status, self._where)
        if isinstance(error, _Untrusted):
            return failure("unsigned_answer", self._where)
        if self._deadline.late or isinstance(error, TimeoutError):
            return failure("no_answer", self._where, seconds=f"{self._deadline_s:g}")
        return failure("no_connection", self._where)


def _watch_the_line(sock: socket.socket, deadline_s: float) -> None:
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
