"""`--screens-to FILE`: for a tester outside: what has been drawn, and where its buttons are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.config import ConfigError
from kiosk.process.stderr import complain
from kiosk.ui.items import Box


class ScreenLog:
    """Writes a line for each screen that differs from the one before. Raises ConfigError if the file cannot be made."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        try:
            # It holds what patients read. Without waiting: a pipe that nobody empties must not hold the window up.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
            self._out = os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigError(f"--screens-to: {path} cannot be written ({error.strerror}); name another file") from None
        self._clock = clock
        self._began = clock()
        self._newest: dict[str, Any] = {}
        self._waiting: dict[str, Any] | None = None
        self._lost = False

    def record(self, screen: dict[str, Any], boxes: dict[str, Box]) -> None:
        """A frame of this screen is on the display. `screen`: as JSON; `boxes`: in pixels, top left corner first.

        The line waits for `flush`, so that a tester who reads it can touch at once; `t` is the time of the frame.
        """
        line = {**screen, "boxes": {name: _whole(box) for name, box in boxes.items()}}
        if line == self._newest or self._lost:
            return
        self.flush()
        self._newest = line
        self._waiting = {**line, "t": round(self._clock() - self._began, 3)}

    def flush(self) -> None:
        """Write what waits."""
        line, self._waiting = self._waiting, None
        if line is None or self._lost:
            return
        try:
            print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)
        except OSError as error:  # a tester's full disk is no reason to send patients away
            self._lost = True
            complain(f"--screens-to: nothing is written any more ({error.strerror})")

    def close(self) -> None:
        self.flush()
        try:
            self._out.close()
        except OSError:
            return


def _whole(box: Box) -> list[int]:
    left, top = round(box.x), round(box.y)
    return [left, top, round(box.right) - left, round(box.bottom) - top]
