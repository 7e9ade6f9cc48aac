"""Departments (診療科) for the desk: what a walk-in may choose, by the site's own rules (`Config`). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from drivers.reservations import WalkIn
from kiosk.config import Config
from kiosk.desk import pages


@dataclass(frozen=True)
class Departments:
    """`config`: of the site."""

    config: Config

    def receiving(self, now: datetime) -> tuple[pages.Department, ...]:
        """Those that receive patients without an appointment at `now` (site's time)."""
        found = self.config.walk_in_departments(now)
        return tuple(pages.Department(each.code, each.name, self.config.doctor_of(each)) for each in found)

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
        department = self.config.department(wanted)
        return department.code if department and self.walk_in(department.code, now) else None

    def place(self, department: str) -> str:
        """Where `department` (by code or name) is, as the kiosk says it; "" where the site does not say."""
        return self._places.get(department, "")

    @cached_property
    def _places(self) -> Mapping[str, str]:
        return self.config.places_by_department()
