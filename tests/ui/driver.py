"""Kivy inside pytest: one window that nobody sees, frames on demand, fingers that land where a test says.

Kivy's window belongs to the process, so it is made once, by the first test that needs it, and nothing else in the
process notices: no display is used, and the environment is put back for programs started later.
"""

from __future__ import annotations

import ctypes.util
import os
from collections.abc import Callable
from datetime import time
from typing import Any

import pytest

from kiosk.ui import kivy_setup
from kiosk.ui.frame import Stand
from kiosk.ui.items import Box, Viewable
from kiosk.ui.pages import layout_at

LAYOUT = layout_at(Stand("架空総合病院"))
TIME = time(8, 52)
PORTRAIT = (1080, 1920)
LANDSCAPE = (1280, 1024)
DIAGONAL = {PORTRAIT: 21.5, LANDSCAPE: 19.0}

needs_gl = [
    pytest.mark.peers,
    pytest.mark.skipif(ctypes.util.find_library("EGL") is None, reason="libegl1 is missing"),
]


def window() -> Any:
    """Kivy's window, offscreen."""
    kept = dict(os.environ)
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    try:
        kivy_setup.prepare(*PORTRAIT, fullscreen=False)
        from kivy.base import EventLoop
    finally:
        os.environ.clear()
        os.environ.update(kept)
    EventLoop.ensure_window()
    from kivy.core.window import Window

    return Window


class Clock:
    """Time as the test wants it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A view in the window, the buttons that were pressed, and fingers."""

    def __init__(self, size: tuple[int, int] = PORTRAIT) -> None:
        self.window = window()
        from kiosk.ui.view import View

        self.clock = Clock()
        self.pressed: list[str] = []
        self.view = View(LAYOUT, DIAGONAL[size], self.pressed.append, self.clock, size, time_of_day=lambda: TIME)
        for old in self.window.children[:]:
            self.window.remove_widget(old)
        self.window.add_widget(self.view)

    def show(self, screen: Viewable, *, settle: bool = True) -> None:
        self.view.show(screen)
        if settle:
            self.clock.now += 1

    def middle(self, name: str) -> tuple[float, float]:
        return self.view.buttons[name].middle

    def down(self, x: float, y: float, finger: int = 1, button: str | None = None) -> Any:
        """`x`, `y`: pixels from the top left corner."""
        touch = _touch(finger, button)
        self._move(touch, x, y)
        self.view.dispatch("on_touch_down", touch)
        return touch

    def up(self, touch: Any, x: float | None = None, y: float | None = None) -> None:
        if x is not None and y is not None:
            self._move(touch, x, y)
        self.view.dispatch("on_touch_up", touch)

    def tap(self, name: str) -> None:
        self.up(self.down(*self.middle(name)))

    def _move(self, touch: Any, x: float, y: float) -> None:
        touch.x, touch.y = x, self.view.height - y
        touch.pos = (touch.x, touch.y)


def _touch(finger: int, button: str | None) -> Any:
    from kivy.tests.common import UnitTestTouch

    touch = UnitTestTouch(0, 0)
    touch.uid = finger
    touch.profile = ["pos"] if button is None else ["pos", "button"]
    touch.button = button
    return touch


def inside(box: Box, dx: float, dy: float) -> tuple[float, float]:
    """A point `dx`, `dy` pixels beyond the lower right corner (negative: inside)."""
    return box.right + dx, box.bottom + dy


Press = Callable[[str], None]
