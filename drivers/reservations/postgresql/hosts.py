"""The book's server among several hosts: the one that takes writes, and is not one that was replaced.

Owns the connection that is kept between calls, the difference of the clocks, and the offer of what this kiosk was told
to a server that took over. One thread at a time.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from drivers.reservations import Trouble
from drivers.reservations.adapter import Clock
from drivers.reservations.postgresql.connection import Line, Server
from drivers.reservations.postgresql.copies import Copies
from drivers.reservations.postgresql.failures import TOO_LATE, Failed, unreachable

# A server that is started again is waited for, within the caller's time.
_RESTART_S: Final = 3.0
_PAUSE_S: Final = 0.2
_OFFERED_AT_ONCE: Final = 50

Message = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Who asks: `name` of the kiosk, its aware `clock`, and what it was told; None: it registers nobody."""

    name: str
    clock: Clock
    copies: Copies | None


class Hosts:
    """See above. Connects by itself when it is asked."""

    def __init__(self, server: Server, caller: Caller) -> None:
        self._server = server
        self._caller = caller
        self._hosts = list(server.address.hosts)
        self._line: Line | None = None
        # The server's clock less ours.
        self._ahead = timedelta()

    def ask(self, name: str, question: Message | None, until: float) -> Message:
        """The answer of the function `name`, which bears to be asked twice. Raises Failed.

        Asked again, once, when the connection broke: every function recognises the attempt that it has done already.
        """
        try:
            return self._ask(name, question, until)
        except Failed as failed:
            if not failed.trouble.maybe_done:
                raise
        try:
            return self._ask(name, question, until)
        except Failed as failed:
            # What came too late was not done before either: the server looks for that first.
            maybe_done = failed.state != TOO_LATE
            raise Failed(replace(failed.trouble, maybe_done=maybe_done), failed.state, kept=failed.kept) from None

    def _ask(self, name: str, question: Message | None, until: float) -> Message:
        line = self.line(until)
        try:
            answer, now = line.call(name, self._stamped(question, until), until)
        except Failed as failed:
            if not failed.kept:
                self.close()
            raise
        self._ahead = now - self._caller.clock()
        return answer

    def line(self, until: float) -> Line:
        """The kept connection, or a new one. Raises Failed."""
        if self._line is not None and not self._line.usable():
            self.close()
        patience = min(time.monotonic() + _RESTART_S, until)
        while self._line is None:
            try:
                self._line = self._connected(until)
            except Failed as failed:
                stopped = failed.trouble.code in ("connection_refused", "shutting_down", "read_only")
                if not stopped or time.monotonic() + _PAUSE_S > patience:
                    raise
                time.sleep(_PAUSE_S)
        return self._line

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _connected(self, until: float) -> Line:
        failures: list[Failed] = []
        for left, host in zip(range(len(self._hosts), 0, -1), list(self._hosts), strict=True):
            now = time.monotonic()
            with self._noted(failures):
                line = self._greeted(host, now + (until - now) / left, until)
                # The next time first.
                self._hosts.remove(host)
                self._hosts.insert(0, host)
                return line
        # A server that refuses says more than one that does not answer.
        raise next((each for each in failures if each.trouble.kind != "unreachable"), failures[0])

    @contextlib.contextmanager
    def _noted(self, failures: list[Failed]) -> Iterator[None]:
        try:
            yield
        except Failed as failed:
            failures.append(failed)

    def _greeted(self, host: tuple[str, int], connect_until: float, until: float) -> Line:
        line = Line(self._server, host, connect_until)
        try:
            if not line.writable:
                raise unreachable(f"{host[0]}:{host[1]} takes no writes", "read_only")
            sent = self._caller.clock()
            hello, now = line.call("hello", None, until)
            self._ahead = now - (sent + (self._caller.clock() - sent) / 2)
            self._offer(line, str(hello["timeline"]), until)
        except Failed as failed:
            line.close()
            # Nothing that anybody asked for was sent yet.
            raise Failed(replace(failed.trouble, maybe_done=False), failed.state) from None
        except BaseException:
            line.close()
            raise
        return line

    def _offer(self, line: Line, timeline: str, until: float) -> None:
        """What we were told by the server before: once to each that takes over, before it is asked anything."""
        copies = self._caller.copies
        if copies is None:
            return
        if not copies.accepts(timeline):
            what = "the book's server was replaced by another one, and must not be used any more"
            raise Failed(Trouble("refused", what, code="old_primary"))
        if copies.offered(timeline):
            return
        everything, offered, restored = copies.everything(), 0, 0
        while some := list(islice(everything, _OFFERED_AT_ONCE)):
            offered += len(some)
            restored += self._offer_some(line, some, until)
        self._call_offer(line, {"copies": [], "last": True, "offered": offered, "restored": restored}, until)
        copies.note_offered(timeline)

    def _offer_some(self, line: Line, some: list[Message], until: float) -> int:
        """How many were missing. What the server cannot read must not keep it from the rest."""
        try:
            return int(self._call_offer(line, {"copies": some, "last": False}, until)["restored"])
        except Failed as failed:
            if not failed.kept or failed.trouble.kind == "busy":
                raise
            return 0 if len(some) == 1 else sum(self._offer_some(line, [each], until) for each in some)

    def _call_offer(self, line: Line, question: Message, until: float) -> Message:
        day = self._caller.clock().date().isoformat()
        return line.call("offer", {**question, "host": self._caller.name, "day": day}, until)[0]

    def _stamped(self, question: Message | None, until: float) -> Message | None:
        """With our time, and until when a write is wanted by the server's clock: nobody waits after `until`."""
        if question is None:
            return None
        now = self._caller.clock()
        not_after = now + timedelta(seconds=until - time.monotonic())
        order = question.get("order")
        if isinstance(order, dict):
            not_after = min(not_after, datetime.fromisoformat(order["not_after"]))
        return {
            **question,
            "now": now.isoformat(),
            "host": self._caller.name,
            "not_after": (not_after + self._ahead).isoformat(),
        }
