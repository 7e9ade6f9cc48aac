"""The screen's end of root's socket: one connection for each request, in a thread of its own.

Owns the protocol's frame (JSON objects, one a line; the last one has "ok"). Must never raise into the page program,
wait for ever, or keep the PIN or the key.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

LINE_MAX_BYTES: Final = 65_536
LINES_MAX: Final = 20_000
AT_ONCE_MAX: Final = 8
_CONNECT_S: Final = 5.0

Object = dict[str, Any]
NO_ANSWER: Final[Mapping[str, Any]] = {"ok": False, "reason": "no_answer"}


class RootClient:
    """`path`: root's socket; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free = threading.BoundedSemaphore(AT_ONCE_MAX)

    def ask(self, body: Mapping[str, Any], limit_s: float, on_object: Callable[[Object], None]) -> None:
        """Send a request; never waits. `on_object` gets every object of the answer, in another thread; the last one has
        "ok", and is NO_ANSWER if root gave none within `limit_s`.
        """
        if not self._free.acquire(blocking=False):
            on_object(dict(NO_ANSWER))
            return

        def run() -> None:
            try:
                last: Object = dict(NO_ANSWER)
                for each in self.answers(body, limit_s):
                    if "ok" in each:
                        last = each
                        break
                    on_object(each)
                on_object(last)
            finally:
                self._free.release()

        threading.Thread(target=run, name="staff-line", daemon=True).start()

    def answers(self, body: Mapping[str, Any], limit_s: float) -> Iterator[Object]:
        """The objects of the answer, until root hangs up, the time is over, or what comes is no protocol of ours."""
        until = time.monotonic() + limit_s
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line:
            try:
                line.settimeout(min(_CONNECT_S, limit_s))
                line.connect(str(self._path))
                line.sendall(json.dumps(dict(body)).encode() + b"\n")
                yield from _read_objects(line, until)
            except (OSError, ValueError):
                return


def _read_objects(line: socket.socket, until: float) -> Iterator[Object]:
    kept = b""
    for _ in range(LINES_MAX):
        while b"\n" not in kept:
            left = until - time.monotonic()
            if left <= 0 or len(kept) > LINE_MAX_BYTES:
                return
            line.settimeout(left)
            data = line.recv(LINE_MAX_BYTES)
            if not data:
                return
            kept += data
        text, _, kept = kept.partition(b"\n")
        each = json.loads(text)
        if isinstance(each, dict):
            yield each
