"""Answers of root -> state. Pure; the rest of `step`. Must never trust an answer to have the right shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from kiosk.appliance.technician.state import (
    OPTIONS_MAX,
    Answered,
    Choice,
    Menu,
    Option,
    Pin,
    Report,
    State,
    Working,
    plain,
    texts_in,
)

# Root does not know the key (any more).
NO_SESSION: Final = "no_session"


def answered(state: State, event: Answered, now: float) -> State:
    """The state after an answer; a late one, to an abandoned ask, changes nothing."""
    stage, body = state.stage, event.body
    if isinstance(stage, Pin) and stage.asked == event.ask:
        return _unlocked(state, body, now)
    if not isinstance(stage, Working) or stage.asked != event.ask:
        return state
    state = replace(state, touched_at=now, used_at=now)
    if body.get("reason") == NO_SESSION and state.requested.kind == "technician":
        return replace(state, stage=Pin(outcome="ended"), key="")
    rows = stage.rows or texts_in(body.get("lines"))
    if body.get("ok") is not True:
        reason = plain(body.get("text", "")) or plain(body.get("reason", ""))
        return replace(state, stage=Report(stage.job, False, reason, rows))
    listed = _LISTS.get(stage.job)
    if listed is not None:
        return replace(state, stage=listed(body))
    # The job was done, and what it found is not well.
    well = body.get("well", True) is not False and not body.get("wrong")
    return replace(state, stage=Report(stage.job, True, plain(body.get("text", "")), rows, well=well))


def _unlocked(state: State, body: Mapping[str, Any], now: float) -> State:
    key = body.get("key")
    if body.get("ok") is True and isinstance(key, str):
        return replace(state, stage=Menu(), key=key, touched_at=now, used_at=now)
    match body.get("reason"):
        case "wrong_pin":
            return replace(state, stage=Pin(outcome="wrong_pin", number=_whole(body.get("left"))))
        case "locked":
            return replace(state, stage=Pin(outcome="locked", number=-(-_whole(body.get("wait_s")) // 60)))
        case _:
            return replace(state, stage=Pin(outcome="failed"))


def _bundles(body: Mapping[str, Any]) -> Choice:
    return Choice("update", _options(body.get("bundles"), lambda each: (each.get("version"), each.get("source"))))


def _disks(body: Mapping[str, Any]) -> Choice:
    return Choice("write_disk", _options(body.get("disks"), lambda each: (each.get("model"), _size(each.get("size")))))


def _options(listed: object, label: Callable[[dict[str, Any]], tuple[object, ...]]) -> tuple[Option, ...]:
    """What can be chosen; an entry without a name cannot."""
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return tuple(
        Option(each["name"], "　".join(part for part in map(plain, (*label(each), f"（{each['name']}）")) if part))
        for each in entries[:OPTIONS_MAX]
        if isinstance(each.get("name"), str)
    )


def _size(value: object) -> str:
    """Bytes as the maker of a disk counts them."""
    if not isinstance(value, int) or value <= 0:
        return ""
    return f"{value / 1e9:.0f} GB" if value < 1e12 else f"{value / 1e12:.1f} TB"


def _whole(value: object) -> int:
    return max(0, min(round(value), 1_000_000)) if isinstance(value, int | float) else 0


_LISTS: Final[dict[str, Callable[[Mapping[str, Any]], Choice]]] = {"updates": _bundles, "disks": _disks}
