"""Idle time-out: a stage that waits for a person warns before it ends; one touch restarts its time.

Owns the stages that wait for a person. Must never extend a stage that waits for a device.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit.state import AtCounter, AwaitingBirthday, AwaitingCard, AwaitingTap, Done, Kiosk, Rules

TimedStage = AwaitingTap | AwaitingBirthday | AwaitingCard | Done | AtCounter
# WCAG 2.2.1: at least ten times. A limit, so that a forgotten object on the glass does not hold a page for ever.
EXTENSIONS_MAX = 10


def may_extend(stage: TimedStage) -> bool:
    """Whether `more_time` is offered now."""
    return stage.warned and stage.extended < EXTENSIONS_MAX


def warning_at(kiosk: Kiosk, stage: TimedStage) -> float:
    """When the warning is due: a third of the stage's time before its deadline, 20 s at most."""
    return stage.deadline - min(kiosk.rules.warn_s, _duration_s(kiosk.rules, stage) / 3)


def with_warning(kiosk: Kiosk, now: float) -> Kiosk:
    """The warning, as soon as it is due."""
    stage = kiosk.stage
    if not isinstance(stage, TimedStage) or stage.warned or now < warning_at(kiosk, stage):
        return kiosk
    return replace(kiosk, stage=replace(stage, warned=True))


def with_more_time(kiosk: Kiosk, now: float) -> Kiosk:
    """The patient is still there: the time of this stage starts again."""
    stage = kiosk.stage
    if not isinstance(stage, TimedStage) or not may_extend(stage):
        return kiosk
    deadline = now + _duration_s(kiosk.rules, stage)
    return replace(kiosk, stage=replace(stage, deadline=deadline, warned=False, extended=stage.extended + 1))


def _duration_s(rules: Rules, stage: TimedStage) -> float:
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
