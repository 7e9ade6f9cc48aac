"""A desk's people in a folder, with a clock that the test moves."""

from __future__ import annotations

import json
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.desk.people.accounts import By
from kiosk.desk.people.gate import LoggedIn, Session
from kiosk.desk.people.people import People
from kiosk.desk.people.roles import Role
from kiosk.process import secret_hash
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EventLog

TOKYO = ZoneInfo("Asia/Tokyo")
HOME = "192.0.2.7"
CHIEF = "correct-horse-battery"
SATO = "staple-mountain-8"


@dataclass
class Office:
    """`chief` and `佐藤` (role desk) have accounts with passwords of their own."""

    path: Path
    patch: InitVar[pytest.MonkeyPatch]
    now: datetime = datetime(2026, 1, 15, 9, 0, tzinfo=TOKYO)
    since_start: float = 5000.0
    people: People = field(init=False)

    def __post_init__(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(secret_hash, "_COST", 2)  # what scrypt costs on a kiosk is its own matter
        self.folder = DeskFolder(self.path, self.path)
        self.log = EventLog(self.path, "desk", echo=False)
        self.start()
        accounts, by = self.people.accounts, By()
        accounts.add("chief", Role.CHIEF, by, CHIEF, first=False)
        accounts.add("佐藤", Role.DESK, by, SATO, first=False)

    def start(self) -> None:
        """The desk's process begins (again)."""
        self.people = People(self.folder, TOKYO, self.log, now=lambda: self.now, since_start=lambda: self.since_start)

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += timedelta(seconds=seconds)
        self.since_start += seconds

    def enter(self, name: str = "佐藤", password: str = SATO, address: str = HOME) -> str:
        """Log in; the cookie."""
        entered = self.people.log_in(name, password, address)
        assert isinstance(entered, LoggedIn), entered
        return entered.cookie

    def session(self, cookie: str) -> Session:
        """The session of a cookie that still holds."""
        found = self.people.session(cookie)
        assert found is not None
        return found

    def chief(self) -> Session:
        """A session of the chief."""
        return self.session(self.enter("chief", CHIEF, "192.0.2.1"))

    def acts(self) -> list[tuple[str, str, str]]:
        """User, act and outcome of every line of the audit chain, oldest first."""
        return [(line.user, line.act, line.outcome) for line in reversed(self.people.audit(count=10_000))]

    def events(self) -> list[dict[str, object]]:
        """The event log."""
        lines = self.folder.event_log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
