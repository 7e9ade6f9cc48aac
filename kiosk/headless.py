"""The face for testers: Screen values as JSON lines on stdout, commands as lines on stdin."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import IO

from kiosk.screens import Screen

LINE_MAX = 1000


class Headless:
    """`started`: monotonic seconds at which `t` is 0. Commands are read by a thread of this object's."""

    def __init__(self, started: float, clock: Callable[[], float], out: IO[str], lines: IO[str]) -> None:
        self._started = started
        self._clock = clock
        self._out = out
        self._lines = lines
        self._shown: Screen | None = None

    def show(self, screen: Screen) -> None:
        """Write a line if the screen changed."""
        if screen == self._shown:
            return
        self._shown = screen
        line = {
            "screen": screen.name,
            "title": screen.title,
            "lines": list(screen.lines),
            "buttons": list(screen.buttons),
            "reason": screen.reason,
            "notes": list(screen.notes),
            "t": round(self._clock() - self._started, 3),
        }
        print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Start reading commands; the end of input means quit."""
        threading.Thread(target=self._read, args=(press, quit_), name="stdin", daemon=True).start()

    def _read(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        while line := self._lines.readline(LINE_MAX):
            words = line.split()
            if words == ["quit"]:
                break
            if len(words) == 2 and words[0] == "press":
                press(words[1])
            elif words:
                complain(f"not understood: {line.strip()[:60]!r}; expected `press BUTTON` or `quit`")
        quit_()


def complain(message: str) -> None:
    """A line on stderr for the tester."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the contract
