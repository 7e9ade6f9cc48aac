"""A screen as the headless lines have it."""

from __future__ import annotations

from typing import Any, assert_never

from kiosk.screens.views import Choose, Counter, Instruct, Keys, Off, Result, Screen, Timeout, Wait


def as_json(screen: Screen) -> dict[str, Any]:
    """The fields of a JSON line, but for the time; every line has all of them."""
    line: dict[str, Any] = {
        "screen": screen.name,
        "title": screen.title,
        "lines": list(screen.lines),
        "buttons": list(screen.buttons),
        "reason": None,
        "notes": [],
        "leaving": is_leaving(screen.timeout),
        "unavailable": [],
        "staff": [],
    }
    match screen:
        case Choose():
            line |= {"unavailable": list(screen.unavailable), "staff": list(screen.staff)}
        case Result():
            line |= {"reason": screen.reason, "notes": list(screen.notes)}
        case Instruct() | Counter():
            line["reason"] = screen.reason
        case Off():
            line["staff"] = list(screen.staff)
        case Keys() | Wait():
            pass
        case _:
            assert_never(screen)
    return line


def is_leaving(timeout: Timeout | None) -> bool:
    """Whether the page says that it is about to go by itself."""
    return timeout is not None and timeout.warned
