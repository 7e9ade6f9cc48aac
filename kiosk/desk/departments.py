"""Departments (診療科) as site.toml has them: what a walk-in may choose, and where to go. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from drivers.reservations import WalkIn
from kiosk.config import Config
from kiosk.desk import pages


@dataclass(frozen=True)
class Departments:
    """`config`: of the site."""

    config: Config

    def receiving(self, now: datetime) -> tuple[pages.Department, ...]:
        """Those that receive patients without an appointment at `now` (site's time)."""
        if not self.config.open_at(now):
            return ()
        found = (each for each in self.config.departments if each.code in self.config.walk_in.departments)
        return tuple(
            pages.Department(each.code, each.name, each.doctor or self.config.walk_in.doctor)
            for each in found
            if not each.hours or any(hours.cover(now) for hours in each.hours)
        )

    def may_walk_in(self, last_day: date | None, today: date) -> bool:
        """Whether a patient who was last here on `last_day` (None: not known) is received without an appointment."""
        return self.config.walk_in.knows(last_day, today)

    def walk_in(self, code: str, now: datetime) -> WalkIn | None:
        """What is registered for `code`; None: it does not receive now."""
        chosen = next((each for each in self.receiving(now) if each.code == code), None)
        return None if chosen is None else WalkIn(chosen.name, chosen.doctor, self.place(chosen.name))

    def always(self, now: datetime) -> str | None:
        """The code of where patients without an appointment are registered by themselves at `now`; None: nowhere."""
        wanted = self.config.desk.always_department if self.config.desk else ""
        found = (each for each in self.config.departments if wanted and each.goes_by(wanted))
        return next((each.code for each in found if self.walk_in(each.code, now)), None)

    def place(self, department: str) -> str:
        """Where `department` (by name) is; "" where the site does not say."""
        own = (each for each in self.config.departments if each.goes_by(department))
        keys = {department, *(key for each in own for key in (each.code, each.name))}
        texts: Iterable[str] = (
            *(each.place for each in self.config.departments if each.goes_by(department)),
            *(each.text for each in self.config.places if each.department in keys),
        )
        return next((text for text in texts if text), "")
