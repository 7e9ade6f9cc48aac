"""Idle time-out: a stage that waits for a person warns before it ends; one touch restarts its time.

Owns the stages that wait for a person, and the moment from which a patient's time and place are covered. Must never
extend a stage that waits for a device, nor what is left to be seen of a patient.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit.rules import Rules
from kiosk.visit.state import (
    AskingForCard,
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    ChoosingDepartment,
    ConfirmingDepartment,
    Done,
    Kiosk,
    OtherDay,
    Printing,
    TooEarly,
)

TimedStage = (
    AskingForCard
    | AwaitingTap
    | AwaitingBirthday
    | AwaitingCard
    | TooEarly
    | OtherDay
    | ChoosingDepartment
    | ConfirmingDepartment
    | Done
    | AtCounter
)
# WCAG 2.2.1: at least ten times. A limit, so that a forgotten object on the glass does not hold a page for ever.
EXTENSIONS_MAX = 10


def may_extend(stage: TimedStage) -> bool:
    """Whether `more_time` is offered now."""
    return stage.warned and stage.extended < EXTENSIONS_MAX


def warning_at(kiosk: Kiosk, stage: TimedStage) -> float:
    """When the warning is due: at least 20 s before the page goes, whatever it is."""
    return stage.deadline - kiosk.rules.warn_s


def with_warning(kiosk: Kiosk, now: float) -> Kiosk:
    """The warning, and the cover over a patient's time and place, as soon as they are due.

    Where nothing is covered, the appointment itself is forgotten with the warning.
    """
    stage = kiosk.stage
    if isinstance(stage, Printing | Done) and not stage.covered and now >= stage.cover_at:
        stage = replace(stage, covered=True)
    if isinstance(stage, TimedStage) and not stage.warned and now >= warning_at(kiosk, stage):
        stage = replace(_without_appointment(stage), warned=True)
    return replace(kiosk, stage=stage)


def _without_appointment(stage: TimedStage) -> TimedStage:
    """Whoever is still there has read it; it does not come back with more time."""
    match stage:
        case TooEarly():
            return replace(stage, appointment_at=None)
        case OtherDay():
            return replace(stage, known=replace(stage.known, covered=True))
        case AtCounter():
            return replace(stage, next_day=None, next_departments=(), appointment_at=None)
        case _:
            return stage


def with_more_time(kiosk: Kiosk, now: float) -> Kiosk:
    """The patient is still there: the time of this stage starts again."""
    stage = kiosk.stage
    if not isinstance(stage, TimedStage) or not may_extend(stage):
        return kiosk
    deadline = max(stage.deadline, now + duration_s(kiosk.rules, type(stage)))
    return replace(kiosk, stage=replace(stage, deadline=deadline, warned=False, extended=stage.extended + 1))


def duration_s(rules: Rules, kind: type[TimedStage]) -> float:
    """How long a stage lasts from now on if nobody does anything."""
    durations: dict[type[TimedStage], float] = {
        AwaitingTap: rules.result_wait_s,
        AwaitingBirthday: rules.birthday_wait_s,
        AwaitingCard: rules.card_wait_s,
        Done: max(rules.done_s, rules.notice_s + rules.warn_s),
        # Of a patient who is known: no longer than it takes to read.
        TooEarly: 2 * rules.warn_s,
        OtherDay: 2 * rules.warn_s,
        AtCounter: max(rules.counter_s, 2 * rules.warn_s),  # to be read in peace before it says that it goes
    }
    return durations.get(kind, rules.ask_s)
