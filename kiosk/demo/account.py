"""What a demo reports: each step and its seconds, what was checked, and where the pictures are.

Owns order and timing. Must never say that something happened because a step came to its end: that is for evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from kiosk.demo.words import word


class Account:
    """Lines as they come, through `say` and kept in `text`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lines: list[str] = []
        self._began = time.monotonic()
        self.failed = False
        now = datetime.now(ZoneInfo("Asia/Tokyo"))  # as the slips say
        self.write(word("account.title", now=f"{now:%Y-%m-%d %H:%M}"))
        self.write(word("account.clean_start"))

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"

    def write(self, line: str) -> None:
        """One line."""
        self._lines.append(line)
        self._say(line)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time what happens inside; a step that fails has a line as well."""
        began = time.monotonic()
        done = False
        try:
            yield
            done = True
        finally:
            code = "account.step" if done else "account.step_failed"
            self.write(word(code, seconds=time.monotonic() - began, what=what))

    def check(self, what: str, holds: bool) -> None:
        """Something that must hold."""
        self.failed = self.failed or not holds
        self.write(f"   {'OK' if holds else 'NG'}  {what}")

    def wrong(self, what: str) -> None:
        """Why the demo is not what it was to be."""
        self.failed = True
        self.write(f"   NG  {what}")

    def close(self, out: Path) -> None:
        """The last lines. `out`: where everything is."""
        self.write(word("account.where", folder=out.resolve()))
        self.write(word("account.whole", seconds=time.monotonic() - self._began))
        self.write(word("account.failed" if self.failed else "account.passed"))
