"""A screen as the headless lines have it: plain text and codes, every line with all fields. deploy/CONTRACT.md."""

from __future__ import annotations

from typing import Any, assert_never

from kiosk.screens.views import (
    Ask,
    Choose,
    Counter,
    Custody,
    Instruct,
    Keys,
    Off,
    Pick,
    Result,
    Screen,
    Wait,
    is_leaving,
)
from kiosk.typography.ruby import plain


def as_json(screen: Screen) -> dict[str, Any]:
    """A screen as the headless lines have it, but for the time; every line has all fields."""
    line: dict[str, Any] = {
        "screen": screen.name,
        "title": plain(screen.title),
        "lines": [plain(each) for each in screen.lines],
        "buttons": list(screen.buttons),
        "reason": None,
        "notes": [],
        "leaving": is_leaving(screen.timeout),
        "unavailable": [],
        "staff": [],
        "language": screen.look.language,
        "theme": screen.look.theme,
        "size": screen.look.size,
        "tools": list(screen.tools),
        "next": [each.code for each in screen.next],
        "staff_code": screen.staff_code,
        "numbers": [],
    }
    match screen:
        case Choose():
            line |= {"unavailable": list(screen.unavailable), "staff": list(screen.staff)}
        case Result():
            line |= {"reason": screen.reason, "notes": list(screen.notes), "numbers": list(screen.numbers)}
        case Custody():
            line |= {"reason": screen.reason, "notes": list(screen.notes), "numbers": list(screen.numbers)}
        case Ask():
            line |= {"reason": screen.reason, "unavailable": list(screen.unavailable)}
        case Pick():
            grey = [each.button for each in screen.choices if not each.available]
            line |= {"reason": screen.reason, "unavailable": grey}
        case Instruct() | Counter():
            line["reason"] = screen.reason
        case Off():
            line["staff"] = list(screen.staff)
        case Keys() | Wait():
            pass
        case _:
            assert_never(screen)
    return line
