"""A screen as the headless lines have it."""

from __future__ import annotations

from typing import Any

from kiosk.screens.screens import Screen


def facts_of(screen: Screen) -> dict[str, Any]:
    """A screen as the JSON lines tell it, but for the time."""
    return {
        "screen": screen.name,
        "title": screen.title,
        "lines": list(screen.lines),
        "buttons": list(screen.buttons),
        "reason": screen.reason,
        "notes": list(screen.notes),
        "leaving": screen.leaving,
        "unavailable": list(screen.unavailable),
        "staff": list(screen.staff),
    }
