"""One SMB connection: TCP, negotiation, logon and tree, with a deadline on everything.

Owns the smbprotocol objects and what we demand of a server: SMB 3, signing always, encryption whenever it can, no
guest. Must never use smbclient (its cache is shared by threads and logs off politely at exit, which hung for twenty
minutes against a frozen server), and must never let an exception of the library through.
"""

import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from smbprotocol import Dialects
from smbprotocol.exceptions import SMBAuthenticationError, SMBResponseException
from smbprotocol.header import Commands, NtStatus
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from drivers.deadline import Deadline
from drivers.resolve import resolve
from drivers.share.address import SmbAddress
from drivers.share.failures import LogonRefused, ShareError, failure, fault, folder_fault, logon_fault
from drivers.share.logon_gate import LogonGate
from drivers.share.protocol import SessionInfo
from drivers.share.smb.connection import StrictConnection, Untrusted, watch_the_line

T = TypeVar("T")
Step = tuple[Any, Callable[[Any], Any]]
"""One command of a compound: the message and the library's function that takes its answer apart."""

SPAN_MAX = 1 << 20
CREDIT_SPAN = 1 << 16
_CHAINED = b"\xff" * 16  # the FileId that stands for what the first command of a compound opens
# What a server that knows no compounds may answer to the rest of one whose first command it carried out.
_NO_COMPOUND = frozenset(
    {
        0xC0000002,  # NOT_IMPLEMENTED
        0xC0000008,  # INVALID_HANDLE
        0xC000000D,  # INVALID_PARAMETER
        0xC0000010,  # INVALID_DEVICE_REQUEST
        0xC00000BB,  # NOT_SUPPORTED
        0xC0000128,  # FILE_CLOSED
    }
)
_DIALECTS = {Dialects.SMB_3_0_0: "SMB 3.0", Dialects.SMB_3_0_2: "SMB 3.0.2", Dialects.SMB_3_1_1: "SMB 3.1.1"}


class Status(int):
    """An NTSTATUS that came instead of an answer."""


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
        self._takes_compounds = True  # until it turns out otherwise
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
            return self._guarded(lambda: self._exchange(steps))

    def post(self, message: Any) -> Any:
        """Send one request that the server answers when it has something to say; its answer is for `answer`."""
        with self._lock:
            return self._guarded(lambda: self._send(message)[0])

    def pending(self, request: Any) -> bool:
        """Wait until the server has a posted request in hand; False when it has answered it at once."""

        def wait() -> bool:
            # Not by `receive`, which would forget a request that it was not to wait for.
            with self._deadline:
                request.response_event.wait()
            if request.response is None:
                self._connection.receive(request)  # raises what ended the connection
            return bool(_status(request) == NtStatus.STATUS_PENDING)

        with self._lock:
            return self._guarded(wait)

    def answer(self, request: Any) -> Any:
        """The answer to a posted request, however long it takes, or a Status. Raises as `exchange`."""
        return self._guarded(lambda: _taken(partial(self._connection.receive, timeout=math.inf), request))

    def _guarded(self, call: Callable[[], T]) -> T:
        if self._closed:
            raise failure("connection_dropped", self._where)
        try:
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
        if len(steps) > 1 and not self._takes_compounds:
            return self._one_by_one(steps)
        with self._deadline:
            requests = self._send(*(message for message, _ in steps))
            answers = [_taken(receiver, request) for (_, receiver), request in zip(steps, requests, strict=True)]
        statuses = [_status(request) for request in requests]
        if steps[1:] and statuses[0] == NtStatus.STATUS_SUCCESS and _NO_COMPOUND.issuperset(statuses[1:]):
            # What was refused was not done, and the handle is open: the rest can still be done with it.
            self._takes_compounds = False
            return answers[:1] + self._one_by_one(steps[1:], _handle(requests[0]))
        return answers

    def _one_by_one(self, steps: Sequence[Step], handle: bytes = _CHAINED) -> list[Any]:
        """The answers a compound would have given: what cannot be opened refuses all that was to be done with it."""
        answers: list[Any] = []
        for message, receiver in steps:
            opens = message.COMMAND == Commands.SMB2_CREATE
            if not opens and message["file_id"].get_value() == _CHAINED:
                message["file_id"] = handle
            with self._deadline:
                [request] = self._send(message)
                answers.append(_taken(receiver, request))
            if opens and isinstance(answers[-1], Status):
                return answers * len(steps)
            if opens:
                handle = _handle(request)
        return answers

    def _send(self, *messages: Any) -> list[Any]:
        session_id, tree_id = self._session.session_id, self.tree.tree_connect_id
        sent: list[Any] = self._connection.send_compound(list(messages), session_id, tree_id, related=len(messages) > 1)
        return sent

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
            connection = StrictConnection(str(address), self.address.port, self._deadline_s + 2)
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
            watch_the_line(connection.transport._sock, self._deadline_s)
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
        if isinstance(error, Untrusted):
            return failure("unsigned_answer", self._where)
        if self._deadline.late or isinstance(error, TimeoutError):
            return failure("no_answer", self._where, seconds=f"{self._deadline_s:g}")
        return failure("no_connection", self._where)


def _taken(receiver: Callable[[Any], Any], request: Any) -> Any:
    """What a request was answered, or the Status with which it was refused."""
    try:
        return receiver(request)
    except SMBResponseException as refusal:
        return Status(refusal.status)


def _status(request: Any) -> int:
    return int(request.response["status"].get_value())


def _handle(opening: Any) -> bytes:
    """The FileId in the answer to a CREATE, [MS-SMB2] 2.2.14."""
    return bytes(opening.response["data"].get_value()[64:80])
