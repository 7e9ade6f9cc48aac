"""Going back to the start by itself, with a warning before: who is slow says so with one touch and has the time again.

Owns the stages that wait for a person. Must never extend a stage that waits for a device.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit.state import AtCounter, AwaitingBirthday, AwaitingCard, AwaitingTap, Done, Kiosk, Rules

MayBeLeft = AwaitingTap | AwaitingBirthday | AwaitingCard | Done | AtCounter
MAY_BE_LEFT = (AwaitingTap, AwaitingBirthday, AwaitingCard, Done, AtCounter)
# WCAG 2.2.1: at least ten times. A limit, so that a forgotten object on the glass does not hold a page for ever.
EXTENSIONS_MAX = 10


def end_of(stage: MayBeLeft) -> float:
    """When the stage ends by itself."""
    return stage.until if isinstance(stage, Done | AtCounter) else stage.deadline


def may_extend(stage: MayBeLeft) -> bool:
    """Whether もう少し待つ is offered now."""
    return stage.warned and stage.extended < EXTENSIONS_MAX


def warned_at(kiosk: Kiosk, stage: MayBeLeft) -> float:
    """When the warning is due: a third of the time before the end, 20 s at most."""
    return end_of(stage) - min(kiosk.rules.warn_s, _time_of(kiosk.rules, stage) / 3)


def judged(kiosk: Kiosk, now: float) -> Kiosk:
    """The warning, as soon as it is due."""
    stage = kiosk.stage
    if not isinstance(stage, MAY_BE_LEFT) or stage.warned or now < warned_at(kiosk, stage):
        return kiosk
    return replace(kiosk, stage=replace(stage, warned=True))


def more_time(kiosk: Kiosk, now: float) -> Kiosk:
    """The patient is still there: the time of this stage begins anew."""
    stage = kiosk.stage
    if not isinstance(stage, MAY_BE_LEFT) or not may_extend(stage):
        return kiosk
    end = now + _time_of(kiosk.rules, stage)
    longer = replace(stage, warned=False, extended=stage.extended + 1)
    if isinstance(longer, Done | AtCounter):
        return replace(kiosk, stage=replace(longer, until=end))
    return replace(kiosk, stage=replace(longer, deadline=end))


def _time_of(rules: Rules, stage: MayBeLeft) -> float:
    match stage:
        case AwaitingTap():
            return rules.result_wait_s
        case AwaitingBirthday():
            return rules.birthday_wait_s
        case AwaitingCard():
            return rules.card_wait_s
        case Done():
            return rules.done_s
        case AtCounter():
            return rules.counter_s
