"""Which pages may come next, so that they can be drawn before they are wanted. Pure.

Pressing is tried on the visit as it stands: what comes of it is thrown away, and nothing of it reaches a device.
"""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.screens.names import KEYS
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Screen
from kiosk.screens.wording import Wording
from kiosk.visit.events import BaselineTaken, Pressed
from kiosk.visit.state import Kiosk, Preparing
from kiosk.visit.step import step

_TOOLS = ("language",)


def expected(kiosk: Kiosk, wording: Wording, now: float) -> tuple[Screen, ...]:
    """The pages that a touch leads to, those of the buttons first; each once, and not the present one.

    `now`: of the kiosk's clock. Digits are left out: what they change is drawn in no time.
    """
    present = screen_of(kiosk, wording)
    found: list[Screen] = []
    for after in _after_a_touch(kiosk, present, now):
        screen = screen_of(after, wording)
        if screen != present and screen not in found:
            found.append(screen)
    return tuple(found)


def _after_a_touch(kiosk: Kiosk, present: Screen, now: float) -> Iterator[Kiosk]:
    buttons = [button for button in present.buttons if button not in KEYS]
    for button in (*buttons, *(tool for tool in _TOOLS if tool in present.tools)):
        after, _ = step(kiosk, Pressed(button), now)
        stage = after.stage
        if isinstance(stage, Preparing):  # for milliseconds only
            after, _ = step(after, BaselineTaken(stage.visit, now), now)
        yield after
