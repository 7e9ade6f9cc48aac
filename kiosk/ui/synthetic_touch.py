"""A finger made by the program: Kivy's own touch, on the way every real touch takes."""

from __future__ import annotations

import itertools
from typing import Any

from kivy.base import EventLoop
from kivy.input.motionevent import MotionEvent

_numbers = itertools.count(1)


class _Touch(MotionEvent):  # type: ignore[misc]  # Kivy ships no types
    def depack(self, args: tuple[float, float]) -> None:
        self.sx, self.sy = args
        self.profile = ["pos"]
        super().depack(args)


def touch(window: Any, at: tuple[float, float]) -> Any:
    """Put a finger down. `at`: pixels of the display from its top left corner."""
    width, height = window.system_size
    where = (at[0] / max(width - 1, 1), 1 - at[1] / max(height - 1, 1))
    finger = _Touch("kiosk", next(_numbers), where, is_touch=True, type_id="touch")
    EventLoop.post_dispatch_input("begin", finger)
    return finger


def lift(finger: Any) -> None:
    """Take it away again."""
    EventLoop.post_dispatch_input("end", finger)
