"""A kiosk whose site keeps orders while the hospital's system is away, with a system in memory."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import Numbering, Order, Trouble, WalkIn
from drivers.reservations.adapter import Settings as AdapterSettings
from drivers.reservations.sqlite.adapter import open_sqlite
from kiosk.his import background, front
from kiosk.his.background import Background
from kiosk.his.custody import Custody
from kiosk.his.front import Front, Settings
from kiosk.his.store import Store
from kiosk.words.problems import Problem
from tests.his.system_double import SystemDouble, appointment, until

DAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 8, 50, tzinfo=UTC)


@dataclass
class Site:
    """`troubles`: as on the board."""

    folder: Path
    now: datetime = NOW
    events: list[tuple[str, str]] = field(default_factory=list)
    troubles: dict[str, Problem | None] = field(default_factory=dict)
    late: str = "keep"

    def __post_init__(self) -> None:
        clock = lambda: self.now  # noqa: E731
        self.system = SystemDouble(clock)
        self.system.appointments = {
            "00012": (appointment(DAY, "09:00", "内科", "01"), appointment(DAY, "11:00", "眼科", "26")),
            "00013": (appointment(DAY, "09:30", "内科", "01"),),
        }
        self.restart()

    def restart(self) -> None:
        """As a process that was started again."""
        clock = lambda: self.now  # noqa: E731
        self.book = open_sqlite("sqlite", AdapterSettings(self.folder, Numbering(), clock))
        self.store = Store(self.folder)
        custody = Custody(self.book, self.store, timedelta(hours=12), "K3-", clock, self._report)
        self.front = Front(self.book, self.system, self.book, custody, Settings(2.0, 4.0), clock, self._report)
        settings = background.Settings("cancel" if self.late == "cancel" else "keep", timedelta(minutes=10))
        self.background = Background(self.front, self.store, settings, clock, self._report, self.troubles.__setitem__)

    def _report(self, event: str, **fields: object) -> None:
        self.events.append((event, str(fields.get("code") or fields.get("what") or "")))

    def tick(self, times: int = 1) -> None:
        """The background's rounds, whenever they are due."""
        for _ in range(times):
            self.background.tick(float("inf"))

    def order(self, patient: str = "00012", walk_in: WalkIn | None = None) -> Order:
        return Order(str(uuid.uuid4()), patient, DAY, self.now, self.now + timedelta(seconds=12), walk_in=walk_in)

    def register(self, patient: str = "00012", walk_in: WalkIn | None = None) -> object:
        """As a visit does: look up, then register."""
        found = self.front.find(patient, DAY, until())
        if isinstance(found, Trouble):
            return found
        return self.front.register(self.order(patient, walk_in), until())

    def listed(self) -> list[tuple[str, str, str]]:
        listed = self.front.unsettled(DAY, until())
        assert not isinstance(listed, Trouble)
        return [(each.kind, each.number, each.what) for each in listed.unsettled]


@contextmanager
def custody_site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """One that has the day list."""
    monkeypatch.setattr(background, "DOWN_S", 0.0)
    monkeypatch.setattr(front, "AGAIN_S", 0.02)
    monkeypatch.setattr(front, "ASK_S", 0.2)
    made = Site(folder)
    made.tick()  # keeps the day list
    yield made
    made.store.close()


def leave_unknown(site: Site, patient: str = "00012") -> None:
    """The system has it, and the patient was sent to the counter."""
    site.system.lose = 1
    site.system.after = lambda: setattr(site.system, "down", True)
    answer = site.register(patient)
    assert isinstance(answer, Trouble)
    assert answer.maybe_done
    site.system.down, site.system.after = False, lambda: None
    site.now += timedelta(seconds=front.LEASE_S + 1)
