"""Moves between stages that several stages share: beginning and ending a visit, sending to the counter, looking up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import TypeVar

from kiosk.visit import events as e
from kiosk.visit.commands import Command, KeepUnserved, LookUp, PrintCounterSlip, Record, TellStaff
from kiosk.visit.idle import duration_s
from kiosk.visit.marks import Served
from kiosk.visit.reasons import LISTED_REASONS, code_of
from kiosk.visit.state import (
    AskingForCard,
    AtCounter,
    Came,
    Candidate,
    ChoosingDepartment,
    ConfirmingDepartment,
    Kiosk,
    LookingUp,
    OtherDay,
    Registering,
    Stage,
    Start,
)

C = TypeVar("C", Candidate, Came)
Step = tuple[Kiosk, tuple[Command, ...]]
# In these the patient is known, or has no card that could be at the face reader.
_LEAVE_NO_RESULT = AskingForCard | LookingUp | OtherDay | ChoosingDepartment | ConfirmingDepartment | Registering


def stay(kiosk: Kiosk) -> Step:
    return kiosk, ()


def go(kiosk: Kiosk, stage: Stage, *commands: Command) -> Step:
    return replace(kiosk, stage=stage), commands


def first(*commands: Command, then: Step) -> Step:
    """The same step, after `commands`."""
    return then[0], (*commands, *then[1])


def begin(kiosk: Kiosk) -> tuple[Kiosk, int]:
    """A new visit and its number."""
    return replace(kiosk, last_visit=kiosk.last_visit + 1), kiosk.last_visit + 1


def make_unclean(kiosk: Kiosk, now: float) -> Kiosk:
    """A visit ended without its own result: that result may still come and must not meet the next patient."""
    return replace(kiosk, unclean_until=max(kiosk.unclean_until, now + kiosk.rules.unclean_s))


def to_start(kiosk: Kiosk, now: float, visit: int, code: str) -> Step:
    # Whoever was served last may have held the card to the reader until this moment, however long the page was kept.
    served = tuple(replace(each, expires_at=now + kiosk.rules.unclean_s) for each in kiosk.served[-1:])
    kiosk = replace(kiosk, served=kiosk.served[:-1] + served)
    return go(kiosk, Start(), Record("visit_ended", visit, code))


def to_counter(
    kiosk: Kiosk,
    now: float,
    visit: int,
    reason: str,
    *,
    next_day: date | None = None,
    next_departments: tuple[str, ...] = (),
    appointment_at: time | None = None,
) -> Step:
    """Every problem ends here: with staff, and with a reason only staff need to understand."""
    before, code = kiosk.stage, code_of(reason, visit)
    counter = AtCounter(
        visit,
        now + duration_s(kiosk.rules, AtCounter),
        reason,
        next_day,
        next_departments,
        appointment_at,
        unidentified=not isinstance(before, _LEAVE_NO_RESULT),
    )
    commands: list[Command] = [Record("sent_to_counter", visit, reason, code)]
    # Whom nobody could look up is on a list for staff, under the code of the slip.
    kept = _unserved(before, visit, reason, code) if reason in LISTED_REASONS else None
    if kept is not None:
        commands.append(kept)
    if kept is not None or kiosk.rules.counter_slip:
        commands.append(PrintCounterSlip(visit, reason, code, kiosk.look.language))
    return go(kiosk, counter, *commands)


def _unserved(stage: Stage, visit: int, reason: str, code: str) -> KeepUnserved | None:
    match stage:
        case LookingUp():
            return KeepUnserved(visit, stage.came.way, stage.number, reason, code)
        case Registering():
            return KeepUnserved(visit, "patient_card", stage.patient_number, reason, code)
    return None


def call_staff(kiosk: Kiosk, now: float, visit: int) -> tuple[Kiosk, tuple[Command, ...]]:
    """A patient asks for staff; whoever asked within two minutes has them on the way already."""
    last = kiosk.staff_called_at
    if last is not None and now < last + kiosk.rules.call_every_s:
        return kiosk, ()
    return replace(kiosk, staff_called_at=now), (Record("staff_called", visit), TellStaff(visit, "call"))


def remember_served(kiosk: Kiosk, now: float, number: str) -> Kiosk:
    """Who held the card twice may have a second result under way; it must not meet the next patient."""
    mark, expires_at = hash(number), now + kiosk.rules.unclean_s
    others = tuple(each for each in kiosk.served if each.expires_at > now and each.mark != mark)
    return replace(kiosk, served=(*others, Served(mark, expires_at))[-kiosk.rules.served_max :])


def served_lately(kiosk: Kiosk, now: float, number: str | None) -> bool:
    return any(each.mark == hash(number) and now < each.expires_at for each in kiosk.served)


def look_up(kiosk: Kiosk, now: float, visit: int, came: Came, number: str) -> Step:
    kiosk = remember_served(kiosk, now, number)
    stage = LookingUp(visit, now + kiosk.rules.look_up_s, came, number)
    return go(kiosk, stage, Record("identified", visit, came.way), LookUp(visit, came.way, number))


def with_news(of: C, event: e.SubsidyFailed | e.ResultCompared) -> C:
    """What became known of a result after it came."""
    if isinstance(event, e.SubsidyFailed):
        return replace(of, notes=with_note(of.notes, "subsidy_failed"))
    is_new = event.key != "unchanged"
    return replace(of, key=event.key, notes=with_note(of.notes, "insurance_check") if is_new else of.notes)


def with_note(notes: tuple[str, ...], note: str) -> tuple[str, ...]:
    return notes if note in notes else (*notes, note)
