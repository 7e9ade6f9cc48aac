"""The face for testers: screens as JSON lines on stdout, commands as lines on stdin."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from kiosk.process.stderr import complain
from kiosk.screens.headless_lines import as_json
from kiosk.screens.views import Screen

LINE_MAX = 1000
READ_BYTES = 65_536


class Headless:
    """`t` of a line: seconds since this was made. Commands are read from the descriptor `commands` by a thread."""

    def __init__(self, out: IO[str], commands: int) -> None:
        self._started = time.monotonic()
        self._out = out
        self._commands = commands
        self._newest: dict[str, Any] = {}
        self._quit: Callable[[], None] = lambda: None

    def show(self, screen: Screen) -> None:
        """Write a line if the screen changed. A tester who no longer reads has quit."""
        described = as_json(screen)
        if described == self._newest:  # what only a window draws changes no line
            return
        self._newest = described
        line = {**described, "t": round(time.monotonic() - self._started, 3)}
        try:
            print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)
        except OSError:
            self._lost()

    def prepare(self, screens: Sequence[Screen]) -> None:
        """A line needs nothing to be ready."""

    def serve(self, work: Callable[[], None]) -> None:
        """Run the reception; nothing else has to run."""
        work()

    def alive(self, now: float) -> bool:
        """A face without a window is never stuck."""
        return True

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Start reading commands; the end of input means quit."""
        self._quit = quit_
        threading.Thread(target=self._read, args=(press, quit_), name="stdin", daemon=True).start()

    def _lost(self) -> None:
        complain("nobody reads the screens any more: quit")
        with suppress(OSError):  # what is still buffered must not fail again at the end of the program
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
        self._quit()

    def _read(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        for line in lines_of(self._commands):
            words = line.split()
            if words == ["quit"]:
                break
            if len(words) == 2 and words[0] == "press":
                press(words[1])
            elif words:
                complain(f"not understood: {line.strip()[:60]!r}; expected `press BUTTON` or `quit`")
        quit_()


def lines_of(descriptor: int) -> Iterator[str]:
    """Lines of UTF-8 text until the end; bytes that are none show as U+FFFD; a line too long is cut, not split.

    Read without Python's buffered streams: a thread that waits inside one of them makes the program abort at its end.
    """
    kept, cut = b"", False
    while True:
        try:
            data = os.read(descriptor, READ_BYTES)
        except OSError:
            data = b""  # a terminal that hung up
        *whole, kept = (kept + data).split(b"\n")
        for line in whole:
            if not cut:
                yield line[:LINE_MAX].decode("utf-8", "replace")
            cut = False
        if len(kept) > LINE_MAX:
            if not cut:
                yield kept[:LINE_MAX].decode("utf-8", "replace")
            kept, cut = b"", True
        if not data:
            if kept and not cut:
                yield kept.decode("utf-8", "replace")
            return
