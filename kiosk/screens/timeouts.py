"""The time of a stage that waits for a person, as pages say it."""

from __future__ import annotations

from kiosk.screens.names import MORE_TIME, SCREENS
from kiosk.screens.views import Timeout
from kiosk.visit import idle


def timeout_of(stage: idle.TimedStage) -> Timeout:
    """When the page goes by itself."""
    return Timeout(stage.deadline, stage.warned)


def buttons_of(name: str, stage: idle.TimedStage) -> tuple[str, ...]:
    """All that the screen can have."""
    return with_more_time(SCREENS[name], stage)


def with_more_time(buttons: tuple[str, ...], stage: idle.TimedStage) -> tuple[str, ...]:
    """`buttons`, and more time while it is offered."""
    return (MORE_TIME, *buttons) if idle.may_extend(stage) else buttons
