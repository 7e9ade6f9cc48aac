"""(state, event) -> (state, asks): what the appliance's pages do. Pure: no clock, no socket, no words.

Owns the jobs that a person can ask root for (their names are the verbs of root's socket), which button asks for what,
what an answer changes, and the idle time-outs. Root has its own list and checks every request: nothing here keeps the
machine safe. Must never trust an answer to have the right shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kiosk.appliance.technician.state import (
    OPTIONS_MAX,
    ROWS_MAX,
    Answered,
    Ask,
    Choice,
    Event,
    Front,
    Gone,
    MachinePolled,
    Menu,
    Option,
    PageSet,
    Pin,
    Pressed,
    Report,
    RequestedPage,
    Stage,
    State,
    Sure,
    Ticked,
    Working,
    percent_of,
    plain,
    texts_in,
)

WARN_S: Final = 10.0
# A refused stick must not keep a working reception closed for a day.
REFUSED_S: Final = 300.0
GONE_S: Final = 20.0
# The session at root ends 60 s after its last use; a person who only reads uses it too.
KEEP_EVERY_S: Final = 5.0
SHORT_S: Final = 10.0
PIN_MIN: Final = 6
PIN_MAX: Final = 12
# Root does not know the key (any more).
NO_SESSION: Final = "no_session"

Moved = tuple[State, tuple[Ask, ...]]


@dataclass(frozen=True)
class Job:
    """`limit_s`: time-out of the answer. `sure`: how many confirmations it takes."""

    limit_s: float
    sure: int = 0


JOBS: Final[dict[str, Job]] = {
    "status": Job(60),
    "acknowledge": Job(60, sure=1),
    "check": Job(600),
    "print": Job(120),
    "network": Job(60),
    "events": Job(60),
    "updates": Job(180),
    "update": Job(3600, sure=1),
    "previous": Job(120, sure=1),
    "restart": Job(120, sure=1),
    "restore": Job(300, sure=1),
    "desk_chief": Job(60, sure=1),
    "reboot": Job(120, sure=1),
    "poweroff": Job(120, sure=1),
    "format": Job(120, sure=2),
    "disks": Job(60),
    "write_disk": Job(7200, sure=2),
}
MENU: Final = (
    "status", "check", "print", "network", "events", "updates", "previous", "restore", "desk_chief", "restart",
    "reboot", "poweroff", "format",
)  # fmt: skip
# After these the machine goes down: their report has no buttons.
LAST_WORDS: Final = ("reboot", "poweroff", "previous", "format")


def first(requested: RequestedPage, now: float) -> State:
    """The state of a page that was just put up, without anything of the person before."""
    stage: Stage = Pin() if requested.kind == "technician" else Front()
    return State(requested, stage, now, used_at=now)


def step(state: State, event: Event, now: float) -> Moved:
    """The next state, and what root is asked."""
    match event:
        case PageSet():
            return _page_set(state, event.requested, now)
        case MachinePolled():
            return replace(state, machine=event.machine), ()
        case Pressed():
            return _pressed(replace(state, touched_at=now), event.button, now)
        case Answered():
            return (_answered(state, event, now) if "ok" in event.body else _went_on(state, event)), ()
        case Ticked():
            return _ticked(state, now)


def leaves_at(state: State) -> float | None:
    """When the idle time-out of this page ends; None: it has none."""
    if isinstance(state.stage, Working | Gone):
        return None
    if state.requested.kind == "technician":
        return None if _is_last(state.stage) else state.touched_at + state.idle_s
    if state.requested.kind == "provisioned":
        if state.requested.accepted:
            return state.touched_at + state.idle_s
        return state.touched_at + REFUSED_S if state.machine.site else None
    return None


def buttons_of_front(state: State) -> tuple[str, ...]:
    """What can be touched on the page itself, beside the parts of a list."""
    match state.requested.kind:
        case "no_site":
            if state.requested.checking:
                return ()
            return (*(("technician",) if state.machine.technician else ()), "poweroff")
        case "provisioned":
            return ("start",) if state.requested.accepted else ("leave",)
        case "recovery":
            return (("format",) if state.machine.stick else ()) + ("reboot", "poweroff")
        case "installer":
            return ("disks",)
        case _:
            return ()


def buttons_of_report(state: State, report: Report) -> tuple[str, ...]:
    """Where one can go from a report, beside the parts of a list."""
    if _is_last(report):
        return ()
    if state.requested.kind == "installer":
        return ("poweroff",) if report.ok else ("disks",)
    if report.job == "update" and report.ok:
        return ("reboot", "back")
    return ("acknowledge", "back") if report.job == "status" and report.ok and not report.well else ("back",)


def menu(state: State) -> tuple[str, ...]:
    """The jobs of the menu: those of a desk where there is one."""
    return tuple(job for job in MENU if job != "desk_chief" or state.machine.desk)


def _page_set(state: State, requested: RequestedPage, now: float) -> Moved:
    if requested.kind == state.requested.kind == "updating":
        return replace(state, requested=requested), ()
    if requested == state.requested and not isinstance(state.stage, Gone):
        return state, ()
    after = _put_up_again(state, requested, now)
    return _begin(after, "disks", None, now) if requested.kind == "installer" else (after, ())


def _put_up_again(state: State, requested: RequestedPage, now: float) -> State:
    """The page from its beginning. The count of asks goes on: a late answer must not match a new ask."""
    return replace(first(requested, now), machine=state.machine, asks=state.asks, idle_s=state.idle_s)


def _pressed(state: State, button: str, now: float) -> Moved:
    stage = state.stage
    if button == "more_time":
        return state, ()
    if button == "close" and state.requested.kind == "technician" and not isinstance(stage, Working | Gone):
        return _leave(state, now)
    if button in ("prev", "next") and isinstance(stage, Front | Report | Choice):
        return replace(state, stage=replace(stage, part=max(0, stage.part + (1 if button == "next" else -1)))), ()
    match stage:
        case Front():
            return _pressed_front(state, button, now)
        case Pin():
            return _pressed_pin(state, stage, button, now)
        case Menu():
            return _wanted(state, button, None, now) if button in menu(state) else (state, ())
        case Choice():
            return _chosen(state, stage, button, now)
        case Sure():
            return _sure(state, stage, button, now)
        case Report():
            return _pressed_report(state, stage, button, now)
        case _:
            return state, ()


def _pressed_front(state: State, button: str, now: float) -> Moved:
    if button not in buttons_of_front(state):
        return state, ()
    if button in ("leave", "start"):
        return _leave(state, now)
    if button == "technician":
        return _plain_ask(replace(state, stage=Gone(now + GONE_S)), {"do": "open"})
    return _wanted(state, button, None, now)


def _pressed_pin(state: State, pin: Pin, button: str, now: float) -> Moved:
    if pin.asked:
        return state, ()
    if button == "clear":
        return _to(state, Pin())
    if button.startswith("key_") and len(pin.digits) < PIN_MAX:
        return _to(state, Pin(pin.digits + button.removeprefix("key_")[:1]))
    if button == "ok" and len(pin.digits) < PIN_MIN:
        return _to(state, replace(pin, outcome="too_short"))
    if button == "ok":
        number = state.asks + 1
        asking = replace(state, stage=Pin(pin.digits, "waiting", asked=number), asks=number, used_at=now)
        return asking, (Ask(number, {"do": "unlock", "pin": pin.digits}, SHORT_S),)
    return state, ()


def _chosen(state: State, choice: Choice, button: str, now: float) -> Moved:
    if button == "back":
        return _to(state, _home(state))
    if button == "disks" and state.requested.kind == "installer":
        return _begin(state, "disks", None, now)
    place = button.removeprefix("option_")
    if button == place or not place.isdecimal() or int(place) >= len(choice.options):
        return state, ()
    return _wanted(state, choice.job, choice.options[int(place)], now)


def _sure(state: State, sure: Sure, button: str, now: float) -> Moved:
    if button == "no":
        return _begin(state, "disks", None, now) if state.requested.kind == "installer" else _to(state, _home(state))
    if button != "yes":
        return state, ()
    if JOBS[sure.job].sure > 1 and not sure.again:
        return _to(state, replace(sure, again=True))
    return _begin(state, sure.job, sure.option, now)


def _pressed_report(state: State, report: Report, button: str, now: float) -> Moved:
    if button not in buttons_of_report(state, report):
        return state, ()
    if button == "back":
        return _to(state, _home(state))
    return _wanted(state, button, None, now) if button == "acknowledge" else _begin(state, button, None, now)


def _wanted(state: State, job: str, option: Option | None, now: float) -> Moved:
    if JOBS[job].sure:
        return _to(state, Sure(job, option))
    return _begin(state, job, option, now)


def _begin(state: State, job: str, option: Option | None, now: float) -> Moved:
    number = state.asks + 1
    body: dict[str, Any] = {"do": job}
    if state.key:
        body["key"] = state.key
    if option is not None:
        body["name"] = option.name
    if JOBS[job].sure > 1:
        body["confirmed"] = 2
    stage = Working(job, number, now + JOBS[job].limit_s)
    return replace(state, stage=stage, asks=number, used_at=now), (Ask(number, body, JOBS[job].limit_s),)


def _leave(state: State, now: float) -> Moved:
    left = replace(state, stage=Gone(now + GONE_S), key="")
    return _plain_ask(left, {"do": "leave"} | ({"key": state.key} if state.key else {}))


def _plain_ask(state: State, body: Mapping[str, Any]) -> Moved:
    return state, (Ask(0, body, SHORT_S),)


def _kept(state: State, now: float) -> Moved:
    """Keep root's session alive: touches that ask for nothing count as use."""
    there = state.touched_at > state.used_at or isinstance(state.stage, Working)
    if not state.key or not there or now - state.used_at < KEEP_EVERY_S:
        return state, ()
    return _plain_ask(replace(state, used_at=now), {"do": "keep", "key": state.key})


def _went_on(state: State, event: Answered) -> State:
    work, body = state.stage, event.body
    if not isinstance(work, Working) or work.asked != event.ask:
        return state
    if (percent := percent_of(body.get("progress"))) is not None:
        return replace(state, stage=replace(work, percent=percent))
    added = (plain(body["line"]),) if "line" in body else ()
    return replace(state, stage=replace(work, rows=(*work.rows, *added)[-ROWS_MAX:]))


def _answered(state: State, event: Answered, now: float) -> State:
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
    if stage.job == "updates":
        listed = _options(body.get("bundles"), lambda each: (each.get("version"), each.get("source")))
        return replace(state, stage=Choice("update", listed))
    if stage.job == "disks":
        listed = _options(body.get("disks"), lambda each: (each.get("model"), _size(each.get("size"))))
        return replace(state, stage=Choice("write_disk", listed))
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


def _ticked(state: State, now: float) -> Moved:
    stage = state.stage
    if isinstance(stage, Gone) and now >= stage.until:
        return _put_up_again(state, state.requested, now), ()
    if isinstance(stage, Working):
        if now >= stage.until:
            return replace(state, stage=Report(stage.job, False, "too_long", stage.rows), touched_at=now), ()
        return _kept(state, now)
    at = leaves_at(state)
    if at is not None and now >= at:
        return _leave(state, now)
    return _kept(state, now)


def _to(state: State, stage: Stage) -> Moved:
    return replace(state, stage=stage), ()


def _home(state: State) -> Stage:
    return Menu() if state.requested.kind == "technician" else Front()


def _is_last(stage: Stage) -> bool:
    return isinstance(stage, Report) and stage.ok and stage.job in LAST_WORDS
