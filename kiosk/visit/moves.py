"""Moves between stages that several stages share: ending a visit, sending to the counter, looking up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

from kiosk.visit.commands import Command, DisarmCardReader, LookUp, PrintCounterSlip, Record
from kiosk.visit.state import AtCounter, Candidate, Kiosk, LookingUp, Registering, Served, Stage, Start, Way

Step = tuple[Kiosk, tuple[Command, ...]]


def stay(kiosk: Kiosk) -> Step:
    return kiosk, ()


def go(kiosk: Kiosk, stage: Stage, *commands: Command) -> Step:
    return replace(kiosk, stage=stage), commands


def make_unclean(kiosk: Kiosk, now: float) -> Kiosk:
    """A visit ended without its own result: that result may still come and must not meet the next patient."""
    return replace(kiosk, unclean_until=max(kiosk.unclean_until, now + kiosk.rules.unclean_s))


def to_start(kiosk: Kiosk, now: float, visit: int, code: str, *commands: Command) -> Step:
    # Whoever was served last may have held the card to the reader until this moment, however long the page was kept.
    served = tuple(replace(each, expires_at=now + kiosk.rules.unclean_s) for each in kiosk.served[-1:])
    kiosk = replace(kiosk, served=kiosk.served[:-1] + served)
    return go(kiosk, Start(), *commands, Record("visit_ended", visit, code))


def to_counter(
    kiosk: Kiosk,
    now: float,
    visit: int,
    reason: str,
    *,
    next_day: date | None = None,
    appointment_at: time | None = None,
) -> Step:
    """Every problem ends here: with staff, and with a reason only staff need to understand."""
    identified = isinstance(kiosk.stage, LookingUp | Registering)
    stage = AtCounter(visit, now + kiosk.rules.counter_s, reason, next_day, appointment_at, unidentified=not identified)
    slip: tuple[Command, ...] = (PrintCounterSlip(visit, reason),) if kiosk.rules.counter_slip else ()
    return go(kiosk, stage, DisarmCardReader(), Record("sent_to_counter", visit, reason), *slip)


def remember_served(kiosk: Kiosk, now: float, number: str) -> Kiosk:
    """Who held the card twice may have a second result under way; it must not meet the next patient."""
    mark, expires_at = hash(number), now + kiosk.rules.unclean_s
    others = tuple(each for each in kiosk.served if each.expires_at > now and each.mark != mark)
    return replace(kiosk, served=(*others, Served(mark, expires_at))[-kiosk.rules.served_max :])


def served_lately(kiosk: Kiosk, now: float, number: str | None) -> bool:
    return any(each.mark == hash(number) and now < each.expires_at for each in kiosk.served)


def look_up(kiosk: Kiosk, now: float, visit: int, way: Way, number: str, candidate: Candidate | None) -> Step:
    kiosk = remember_served(kiosk, now, number)
    stage = LookingUp(
        visit,
        now + kiosk.rules.look_up_s,
        way,
        candidate.file if candidate else None,
        candidate.notes if candidate else (),
    )
    return go(kiosk, stage, DisarmCardReader(), Record("identified", visit, way), LookUp(visit, way, number))
