"""The kiosk's face as the demo watches it: what was shown, in order, and a picture of each.

Owns the list of screens. Must never change one, nor stand between a touch and the window.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kiosk.demo import word
from kiosk.screens.headless_lines import as_json
from kiosk.screens.views import Face, Keys, Screen

_SCREENS_MAX = 1000
# Longer than the window waits for a button to come.
_PRESS_AGAIN_S = 6.0


class DidNotHappen(Exception):
    """What a demo was to show and did not; the message is for the account."""


class Touchable(Face, Protocol):
    """A face whose buttons a program can touch, and which can be photographed: `kiosk.ui.window.Window`, `Blind`."""

    def press(self, button: str) -> None:
        """As a finger does. Any thread."""

    def picture(self, path: Path) -> None:
        """What is displayed, as PNG. Raises OSError."""


class Blind:
    """A face without a window, for a kiosk that nobody stands in front of but the demo's own people."""

    def __init__(self) -> None:
        self.press: Callable[[str], None] = lambda _: None

    def show(self, screen: Screen) -> None:
        """There is nothing to see."""

    def prepare(self, screens: Sequence[Screen]) -> None:
        """Nothing needs to be ready."""

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        self.press = press

    def serve(self, work: Callable[[], None]) -> None:
        work()

    def alive(self, now: float) -> bool:
        return True

    def picture(self, path: Path) -> None:
        """There is none."""


class WatchedFace:
    """Passes everything on to the window. `begin` is called once the reception listens to touches.

    `album`: the folder for a picture of every screen. The reception waits while one is taken, so that even a screen
    that lasts a moment is there. None: no pictures, nothing waits. `over`: the reception has ended.
    """

    def __init__(self, window: Touchable, album: Path | None, begin: Callable[[], None]) -> None:
        self._window = window
        self._album = album
        self._begin = begin
        self._changed = threading.Condition()
        self.over = False
        self._quit: Callable[[], None] = lambda: None
        self.screens: list[Screen] = []

    def show(self, screen: Screen) -> None:
        self._window.show(screen)
        if self._album is not None and len(self.screens) < _SCREENS_MAX:
            with suppress(OSError):  # a picture that lacks is found when they are counted
                self._window.picture(self._album / f"{len(self.screens) + 1:02}-{screen.name}.png")
        with self._changed:
            self.screens = [*self.screens, screen][-_SCREENS_MAX:]
            self._changed.notify_all()

    def prepare(self, screens: Sequence[Screen]) -> None:
        self._window.prepare(screens)

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        self._quit = quit_
        self._window.listen(press, quit_)
        self._begin()

    def serve(self, work: Callable[[], None]) -> None:
        try:
            self._window.serve(work)
        finally:
            with self._changed:
                self.over = True
                self._changed.notify_all()

    def alive(self, now: float) -> bool:
        return self._window.alive(now)

    def quit(self) -> None:
        """End the reception, as the window's close button does. Any thread."""
        self._quit()

    def count(self) -> int:
        """How many screens have been shown so far."""
        return len(self.screens)

    def wait_for(self, name: str, after: int, deadline: float) -> int:
        """The place of the first screen named `name` from the place `after` on; waits until the monotonic `deadline`.

        Raises DidNotHappen.
        """
        with self._changed:
            left_s = deadline - time.monotonic()
            self._changed.wait_for(lambda: self.over or self._find(name, after) is not None, left_s)
            at = self._find(name, after)
        if at is None:
            last = self.screens[-1] if self.screens else None
            present = f"{last.name} ({as_json(last)['reason'] or last.title})" if last else "nothing"
            raise DidNotHappen(word("failures.no_screen", name=name, present=present))
        return at

    def press(self, button: str, deadline: float) -> None:
        """Touch a button until it is answered: a touch right after a change of the page is not. DidNotHappen."""
        before = self.count()
        while time.monotonic() < deadline and not self.over:
            if before and button in self.screens[-1].buttons:
                self._window.press(button)
            with self._changed:
                self._changed.wait_for(lambda: self.over or self._answered(before), _PRESS_AGAIN_S)
                if not self.over and self._answered(before):
                    return
        raise DidNotHappen(word("failures.no_change", button=button))

    def _answered(self, before: int) -> bool:
        """Whether another page came, or a digit. The same page with another notice is no answer to a finger."""
        touched = self.screens[before - 1 : before]
        return any(_place(each) != _place(last) for last in touched for each in self.screens[before:])

    def _find(self, name: str, after: int) -> int | None:
        rows = enumerate(self.screens[after:], start=after)
        return next((at for at, screen in rows if screen.name == name), None)


def _place(screen: Screen) -> tuple[str, int]:
    return screen.name, screen.typed if isinstance(screen, Keys) else 0
