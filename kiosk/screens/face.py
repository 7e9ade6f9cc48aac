"""What shows screens and passes presses on: a window, headless lines, later voice and keypad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kiosk.screens.views import Screen


class Face(Protocol):
    """Window or headless. `show` never waits, and may be called from any thread."""

    def show(self, screen: Screen) -> None: ...

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Pass on presses of buttons, and the wish to end, from now on."""

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` until it returns; a face that needs the main thread for itself runs it in another."""

    def alive(self, now: float) -> bool:
        """Whether what was shown last can be seen: False before the first picture, and when drawing is stuck."""
