"""A visit told as events, played against step() as the runtime would."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Rules
from kiosk.visit.state import AtCounter, Candidate, Kiosk, VisitAppointment, VisitReception
from kiosk.visit.step import TRANSITIONS, next_deadline, step

DAY = date(2026, 1, 15)
AT_13 = VisitAppointment(time(13), "内科", "佐藤", "A棟1階2番窓口")
RECEPTIONS = (VisitReception("7"),)
CLEAN = Rules(unclean_s=0)


def candidate(file: int = 1, outcome: str = "usable", number: str = "0012K", born: str = "19560321") -> Candidate:
    return Candidate(file, outcome, number if outcome == "usable" else None, born, ())


def arrived(file: int = 1, first_seen: float = 110.0, **more: str) -> e.ResultArrived:
    return e.ResultArrived(first_seen, candidate(file, **more))


# What the table says may happen: stage, event, next stage.
DRAWN = {(row.stage, row.event, after) for row in TRANSITIONS for after in row.leads_to}


class Story:
    """Plays events at given moments against step(), ticking as the runtime would."""

    def __init__(self, rules: Rules = CLEAN, now: float = 100.0) -> None:
        self.now = now
        self.kiosk: Kiosk = switched_on(rules, now)
        self.commands: list[c.Command] = []

    def at(self, now: float, *events: e.Event) -> Story:
        while (due := next_deadline(self.kiosk)) is not None and due <= now:
            before = self.kiosk
            self._step(e.Ticked(), max(due, self.now))
            if self.kiosk == before:
                break
        self.now = now
        for event in events:
            self._step(event, now)
        return self

    def _step(self, event: e.Event, now: float) -> None:
        before = type(self.kiosk.stage)
        self.kiosk, commands = step(self.kiosk, event, now)
        self.commands += commands
        if type(self.stage) is not before:
            assert (before, type(event), type(self.stage)) in DRAWN

    @property
    def stage(self) -> Any:
        return self.kiosk.stage

    def asked(self, kind: type) -> list[c.Command]:
        return [command for command in self.commands if isinstance(command, kind)]

    def waiting_for_tap(self, at: float = 100.0) -> Story:
        visit = self.kiosk.last_visit + 1
        return self.at(at, e.Pressed("mynumber"), e.BaselineTaken(visit, at))

    def reason(self) -> str:
        assert isinstance(self.stage, AtCounter)
        return self.stage.reason


def found(
    visit: int = 1, *appointments: VisitAppointment, local_time: time = time(12, 50), **more: object
) -> e.AppointmentsFound:
    return e.AppointmentsFound(visit, DAY, local_time, "0012K", appointments or (AT_13,), **more)  # type: ignore[arg-type]


def registered(visit: int = 1, again: bool = False) -> e.ArrivalRegistered:
    return e.ArrivalRegistered(visit, DAY, time(12, 50), "0012K", RECEPTIONS, (AT_13,), again)
