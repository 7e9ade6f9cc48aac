"""`Memory` at the other end of a line: a server with the peer's faults, and the adapter that is asked about it.

Both are planted with faults too: `MemoryBook.planted` are those an adapter may have.
"""

from __future__ import annotations

import logging
import pickle
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from drivers import reservations as rs
from drivers.deadline import Deadline
from drivers.reservations.ports import Ability
from tests.contract.memory import HOSPITAL, Memory

_MAX_BYTES = 8 * 1024 * 1024
_WRITES = ("register", "cancel", "take", "settle", "note", "noted_done")


def _send(sock: socket.socket, value: object) -> None:
    body = pickle.dumps(value)
    sock.sendall(b"CS" + struct.pack(">I", len(body)) + body)


def _receive(sock: socket.socket) -> tuple[Any, Any]:
    """Call and arguments, or code and answer."""
    head = _exactly(sock, 6)
    length = struct.unpack(">I", head[2:])[0]
    if head[:2] != b"CS" or length > _MAX_BYTES:
        raise ValueError("no answer of this server")
    first, second = pickle.loads(_exactly(sock, length))  # noqa: S301  # of a server that this test started
    return first, second


def _exactly(sock: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        piece = sock.recv(length - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


class MemoryServer:
    """Answers (call, arguments) with (code, answer) out of `memory`. `doing`: faults of the peer, now."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.doing: set[str] = set()
        self.busy = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="memory", daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    @contextmanager
    def does(self, fault: str) -> Generator[None, None, None]:
        """While it lasts the server does it to whoever asks."""
        self.doing.add(fault)
        try:
            yield
        finally:
            self.doing.discard(fault)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), name="memory", daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            while True:
                call, arguments = _receive(sock)
                code, answer = self._answer(call, arguments)
                if code == "lost":
                    return
                _send(sock, (code, answer))

    def _answer(self, call: str, arguments: tuple[Any, ...]) -> tuple[str, object]:
        for code in ("busy", "login", "error", "not_there", "nonsense", "hostile"):
            if code in self.doing:
                return code, None
        refused = self._refused() if call == "register" else ""
        if refused:
            return refused, None
        if "huge" in self.doing:
            return "ok", b"9" * (9 * 1024 * 1024)
        if call == "register" and "meanwhile" in self.doing:
            self.memory.register(replace(arguments[0], attempt="of the window"))
        if call == "register" and self.doing & {"wrong_day", "wrong_clock"}:
            order, *rest = arguments
            arguments = (replace(order, day=order.day + timedelta(1), at=order.at + timedelta(1)), *rest)
        with nullcontext() if "race" in self.memory.planted else self.memory.lock:
            answer = getattr(self.memory, call)(*arguments)
        if call in _WRITES:
            self.memory.changes += 1
            if "reply_lost" in self.doing:
                return "lost", None
        return self._spoiled(call, answer)

    def _refused(self) -> str:
        """The code by which a registration is refused now."""
        if "held" in self.doing:
            time.sleep(1.5)
            return "busy"
        if "busy_twice" in self.doing:
            self.busy += 1
            return "busy" if self.busy <= 2 else ""
        return "refuses" if "refuses" in self.doing else ""

    def _spoiled(self, call: str, answer: object) -> tuple[str, object]:
        if "someone_else" in self.doing and hasattr(answer, "patient_number"):
            answer = replace(answer, patient_number="99999")  # type: ignore[type-var]  # every answer is a dataclass
        if "padded" in self.doing and hasattr(answer, "patient_number"):
            answer = replace(answer, patient_number=answer.patient_number.zfill(9))  # type: ignore[type-var]
        if "stub" in self.doing and isinstance(answer, rs.Found):
            stub = rs.Appointment(date.min, datetime.min.time(), "", "", "", "")
            answer = replace(answer, appointments=(stub,))
        if "cut_list" in self.doing and isinstance(answer, rs.Found):
            return "cut", replace(answer, appointments=answer.appointments[:1])
        if "refuses_one" in self.doing and isinstance(answer, rs.Registered):
            left = answer.appointments[-1:]
            answer = replace(answer, appointments=answer.appointments[:-1], left_out=left)
        codes = {"unknown_code": "zz", "warnings": "ok with warnings", "other_zeros": "OK"}
        return next((code for fault, code in codes.items() if fault in self.doing), "ok"), answer


_TROUBLES: dict[str, rs.Trouble] = {
    "busy": rs.Trouble("busy", "another terminal is at this patient"),
    "login": rs.Trouble("login", "user or password"),
    "refuses": rs.Trouble("refused", "the system takes no registration"),
    "error": rs.Trouble("unreachable", "an error of the server", maybe_done=True),
    "not_there": rs.Trouble("unreachable", "wrong address"),
}


class MemoryBook:
    """The adapter: `Book` over one kept connection to `port`."""

    def __init__(
        self, port: int, planted: frozenset[str], ability: Ability, numbering: rs.Numbering = HOSPITAL
    ) -> None:
        self.ability, self._numbering = ability, numbering
        self._port = port
        self._planted = planted
        self._sock: socket.socket | None = None
        self._thread = threading.get_ident()
        self._before: object = None

    def find(self, patient_number: str, day: date, until: float) -> rs.Answer:
        answer = self._ask("find", until, patient_number, day)
        if "mixed_up" in self._planted and isinstance(answer, rs.Found):
            before, self._before = self._before, answer
            if isinstance(before, rs.Found):
                return replace(before, patient_number=patient_number)
        return answer  # type: ignore[return-value]  # what `Memory.find` says

    def register(self, order: rs.Order, until: float) -> rs.Registration:
        answer = self._ask("register", until, order, self._numbering)
        if "retries" in self._planted and isinstance(answer, rs.Trouble):
            again = replace(order, attempt=order.attempt + "-2")
            answer = self._ask("register", until + 1, again, self._numbering)
        other_day = isinstance(answer, rs.Registered) and any(each.day != order.day for each in answer.appointments)
        if other_day and "believes_day" not in self._planted:
            return rs.Trouble("misunderstood", "registered for another day", maybe_done=True)
        return answer  # type: ignore[return-value]  # what `Memory.register` says

    def cancel(
        self, patient_number: str, reception: rs.Reception, day: date, at: datetime, reason: str, until: float
    ) -> rs.Cancellation:
        return self._ask("cancel", until, patient_number, reception, day, at, reason)  # type: ignore[return-value]

    def day_list(self, day: date, until: float) -> rs.DayList | rs.Trouble:
        return self._ask("day_list", until, day)  # type: ignore[return-value]

    def departments(self, day: date, until: float) -> rs.Departments | rs.Trouble:
        return self._ask("departments", until, day)  # type: ignore[return-value]

    def entries(self, day: date, until: float) -> rs.Register | rs.Trouble:
        return self._ask("entries", until, day)  # type: ignore[return-value]

    def count(self, day: date, until: float) -> rs.Count | rs.Trouble:
        return self._ask("count", until, day)  # type: ignore[return-value]

    def unsettled(self, day: date, until: float) -> rs.UnsettledList | rs.Trouble:
        return self._ask("unsettled", until, day)  # type: ignore[return-value]

    def take(self, order: rs.Order, lease_s: float, until: float) -> rs.Taken | rs.Registered | rs.Trouble:
        return self._ask("take", until, order, lease_s)  # type: ignore[return-value]

    def settle(self, order: rs.Order, outcome: rs.Registration, until: float) -> rs.Registration:
        return self._ask("settle", until, order, outcome)  # type: ignore[return-value]

    def note(self, unsettled: rs.Unsettled, until: float) -> rs.Kept | rs.Trouble:
        return self._ask("note", until, unsettled)  # type: ignore[return-value]

    def noted_done(self, order: rs.Order, until: float) -> rs.Kept | rs.Trouble:
        return self._ask("noted_done", until, order)  # type: ignore[return-value]

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _ask(self, call: str, until: float, *arguments: object) -> object:
        number = str(getattr(arguments[0], "patient_number", arguments[0]))
        if "own_thread" in self._planted and self._thread != threading.get_ident():
            return rs.Trouble("unreachable", "another thread")
        if "logs" in self._planted:
            logging.getLogger("memory").info("%s of %s", call, arguments[0])
        left = until - time.monotonic()
        if left <= 0 and "asks_late" not in self._planted:
            return rs.Trouble("unreachable", "no time left")
        sent = False
        if self._planted & {"hangs", "hangs_on"}:
            left += 1
        if "impatient" in self._planted:
            left = 0.1
        pull = self._pull if "keeps_late" not in self._planted else lambda: None
        deadline = Deadline(max(left, 0.1), pull)
        try:
            with deadline:
                sock = self._connected()
                sent = True
                sock.settimeout(left if "keeps_late" in self._planted else None)
                _send(sock, (call, arguments))
                code, answer = _receive(sock)
        except Exception as error:  # noqa: BLE001  # pickle raises anything for garbage
            if "keeps_late" not in self._planted:
                self._drop()
            return self._failed(call, number, error, sent=sent)
        finally:
            deadline.stop()
        return self._understood(call, number, code, answer)

    def _failed(self, call: str, number: str, error: Exception, *, sent: bool) -> object:
        if "lost_is_none" in self._planted and call == "cancel":
            return rs.NotRegistered(number)
        if "believes_garbage" in self._planted and call == "find":
            return rs.Found(number, (), None)
        lost = sent and call in _WRITES and "not_done" not in self._planted
        who = number if "says_who" in self._planted else ""
        kind: rs.TroubleKind = "unreachable" if isinstance(error, (OSError, EOFError)) else "misunderstood"
        return rs.Trouble(kind, f"{type(error).__name__}{who}", maybe_done=lost)

    def _understood(self, call: str, number: str, code: str, answer: object) -> object:
        if code in _TROUBLES:
            known = _TROUBLES[code]
            if f"{code}_is_down" in self._planted:
                known = replace(known, kind="unreachable")
            if f"{code}_is_empty" in self._planted and call == "find":
                return rs.Found(number, (), None)
            return replace(known, maybe_done=known.maybe_done and call in _WRITES)
        if code == {"no_zeros": "OK", "no_warnings": "ok with warnings"}.get(next(iter(self._planted), "")):
            return rs.Trouble("misunderstood", "a code that is not known")
        if code == "cut" and "believes_cut" not in self._planted:
            return rs.Trouble("misunderstood", "the list was cut")
        if code not in {"ok", "OK", "ok with warnings", "cut"} and "believes_codes" not in self._planted:
            return rs.Trouble("misunderstood", "a code that is not known", maybe_done=call in _WRITES)
        whose = getattr(answer, "patient_number", number)
        if whose != number and "believes_all" not in self._planted:
            if whose.lstrip("0") != number.lstrip("0") or "no_padding" in self._planted:
                return rs.Trouble("misunderstood", "an answer about somebody else", maybe_done=call in _WRITES)
            answer = replace(answer, patient_number=number)  # type: ignore[type-var]
        if isinstance(answer, rs.Registered) and "forgets_left_out" in self._planted:
            answer = replace(answer, left_out=())
        if isinstance(answer, rs.Found) and "believes_stubs" not in self._planted:
            answer = replace(answer, appointments=tuple(each for each in answer.appointments if each.department))
        return answer

    def _connected(self) -> socket.socket:
        if self._sock is not None and _is_closed(self._sock) and not self._planted & {"stale", "keeps_late"}:
            self._drop()
        if self._sock is None:
            self._sock = socket.create_connection(("127.0.0.1", self._port), 5)
            self._sock.settimeout(None)
        return self._sock

    def _pull(self) -> None:
        if self._sock is not None:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if "keeps_dead" not in self._planted:
            self.close()

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> _Following:
        following = _Following(self._port, changed, "deaf" in self._planted)
        answers(True)
        return following


def _is_closed(sock: socket.socket) -> bool:
    """Whatever can be read before something was asked is the end, or is nobody's answer."""
    return bool(select.select([sock], [], [], 0)[0])


class _Following:
    """Asks for changes until it is closed."""

    def __init__(self, port: int, changed: Callable[[], None], deaf: bool) -> None:
        self._ended = threading.Event()
        self._changed = changed
        self._deaf = deaf
        threading.Thread(target=self._run, name="memory-follow", daemon=True).start()

    def _run(self) -> None:
        self._changed()
        while not self._ended.wait(0.02):
            if not self._deaf:
                self._changed()

    def close(self) -> None:
        self._ended.set()
