"""A desk that registers reference numbers, in folders, with a simulated terminal and clocks that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drivers.share import Share, open_share
from drivers.simulated.registrations import RegistrationTerminal
from kiosk.desk.patients import Patients
from kiosk.desk.registration import Confirmation, Found
from kiosk.desk.registration_store import RegistrationStore
from kiosk.desk.registration_work import Folders, Registrations
from kiosk.desk.registrations_file import open_registrations
from kiosk.process.database import Database
from kiosk.process.event_log import EVENTS, FIELDS
from kiosk.process.sealing import Seals
from kiosk.results.eligibility import Outcome
from kiosk.results.registrations import Insurance
from kiosk.tables.reference_numbers import ReferenceNumbers

ZONE = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=ZONE)
INSURANCE = Insurance("990012", "9900", "001234", "01")
FOUND = Found(7, Outcome.not_registered, "1", 1, "9912345678", "例示　翔", "ﾚｲｼﾞ ｼﾖｳ", "20180506", INSURANCE)
CONFIRMED = Confirmation("01234", "2018-5-6", confirmed=True)
PATIENTS = "number,name,kana,birth\n01234,例示 翔,レイジ ショウ,2018-05-06\n01235,例示 空,レイジ ソラ,2018-05-06\n"


def other_person(number: int) -> Found:
    """Another tap with another insurance."""
    return replace(FOUND, visit=100 + number, insurance=replace(INSURANCE, identification=f"{number:06}"))


@dataclass
class Site:
    """The folders below `root`, made when missing. `start` is a start of the desk's program."""

    root: Path
    keep_values: bool = True
    patients: bool = False
    table: str = ""
    secret: bytes = b"s" * 32
    now: datetime = NOON
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("req", "res"):
            (self.root / name).mkdir(exist_ok=True, parents=True)
        self.terminal = RegistrationTerminal(self.url("req"), self.url("res"))

    def url(self, name: str) -> str:
        return (self.root / name).as_uri()

    def share(self, name: str) -> Share:
        return open_share(self.url(name), None)

    def path(self) -> Path:
        return self.root / "registrations.db"

    def start(self, file: Database | None = None, folders: Folders | None = None) -> Registrations:
        patients = None
        if self.patients:
            (self.root / "patients.csv").write_text(PATIENTS)
            patients = Patients(self.root / "patients.csv")
            assert patients.refresh() is None
        if self.table:
            (self.root / "map.csv").write_text(self.table)
        self.file = file or open_registrations(self.path())
        return Registrations(
            RegistrationStore(self.file, Seals(self.secret), keep_values=self.keep_values),
            folders or Folders(self.share("req"), self.share("res")),
            ReferenceNumbers.load(self.root / "map.csv" if self.table else None),
            patients,
            self.report,
            lambda: self.now,
            lambda: self.now.timestamp(),
        )

    def report(self, event: str, **fields: str | float) -> None:
        assert event in EVENTS and FIELDS.issuperset(fields)
        self.events.append((event, fields))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def requests(self) -> list[str]:
        return sorted(file.name for file in (self.root / "req").iterdir())

    def clear(self) -> None:
        for name in ("req", "res"):
            for file in (self.root / name).iterdir():
                file.unlink()
