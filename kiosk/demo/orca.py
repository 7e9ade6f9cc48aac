"""The hospital's own system of a demo: a simulated ORCA with the visitors' appointments, and what can be wrong with it.

Owns the simulated server and its part of site.toml. Must never use a port that other machines reach.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from drivers.simulated.orca import Hospital, Patient, Received, SimulatedOrca
from kiosk.demo.people import VISITORS, Visitor

OrcaState = Literal["up", "slow", "busy", "off"]
SLOW_S: Final = 3.0
# As site.toml of the demo has them, and two that nobody can walk into.
DEPARTMENTS: Final = {"01": "内科", "02": "眼科", "03": "整形外科", "04": "循環器内科", "05": "小児科"}
DOCTORS: Final = {"10001": "佐藤", "10002": "鈴木", "10003": "高橋", "10004": "田中", "10005": "伊藤"}
_DIGITS: Final = 8


class Orca:
    """A context manager. `today`: the site's date at the beginning; tomorrow's appointments are there, too."""

    def __init__(self, today: date) -> None:
        self.simulated = SimulatedOrca(hospital=Hospital(DEPARTMENTS, DOCTORS))
        self.simulated.manners.patient_digits = _DIGITS
        self.simulated.manners.serialises = True
        self._state: OrcaState = "up"
        for visitor in VISITORS:
            if visitor.insured.number is not None:
                self._add(visitor, visitor.insured.number, today)

    def __enter__(self) -> Self:
        self.simulated.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.simulated.stop()

    def site_toml(self, folder: Path) -> str:
        """Its tables of site.toml. `folder`: that of site.toml, for the password."""
        secret = folder / "his.secret"
        secret.touch(mode=0o600)
        secret.write_text(self.simulated.password + "\n", encoding="utf-8")
        return f"""\
[his]
url = "{self.simulated.url}"
password_file = "{secret.name}"
numbers = "his"
doctor = "{next(iter(DOCTORS))}"
when_down = "cached"
[numbering]
offline_prefix = "K1-"
"""

    @property
    def state(self) -> OrcaState:
        """What is wrong with it."""
        return self._state

    @state.setter
    def state(self, state: OrcaState) -> None:
        was, self._state = self._state, state
        self.simulated.heal()
        if state == "slow":
            self.simulated.fail("delay", seconds=SLOW_S)
        elif state == "busy":
            self.simulated.fail("result", "acceptmodv2", code="90")
        if state == "off":
            self.simulated.stop()
        elif was == "off":
            self.simulated.start()

    def staff_register(self, visitor: Visitor) -> None:
        """A window registers a visitor for what is booked today, before the kiosk does."""
        now = self.simulated.manners.clock()
        for booked in self.simulated.hospital.bookings_of(now.date(), (visitor.insured.number or "").lstrip("0")):
            if not booked.visited:
                at = now.time().replace(microsecond=0)
                self.simulated.hospital.staff_register(booked.number, booked.day, at, booked.department, booked.doctor)

    def receptions(self, visitor: Visitor | None = None) -> list[Received]:
        """Those of a visitor, or all, in the order of their numbers."""
        number = None if visitor is None else (visitor.insured.number or "").lstrip("0")
        return [one for one in self.simulated.hospital.receptions if number in (None, one.number)]

    def listed(self) -> str:
        """Its receptions, a JSON object each line, for who looks at what the demo left."""
        return "".join(
            json.dumps(
                {
                    "patient": one.number.zfill(_DIGITS), "acceptance_id": one.acceptance_id,
                    "at": f"{datetime.combine(one.day, one.at):%Y-%m-%dT%H:%M:%S}",
                    "department": DEPARTMENTS[one.department], "by_staff": one.by_staff,
                },
                ensure_ascii=False,
            )
            + "\n"
            for one in self.receptions()
        )  # fmt: skip

    def _add(self, visitor: Visitor, number: str, today: date) -> None:
        insured, codes = visitor.insured, {name: code for code, name in DEPARTMENTS.items()}
        doctors = {name: code for code, name in DOCTORS.items()}
        birth = datetime.strptime(insured.birthdate, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        sex: Literal["1", "2"] = "2" if insured.sex == "2" else "1"
        self.simulated.hospital.add(Patient(number, insured.name, insured.kana, birth, sex))
        days = (8,) if visitor.another_day else (0, 1)
        for day in (today + timedelta(days=each) for each in days):
            for at, department, doctor, _ in visitor.booked:
                self.simulated.hospital.book(
                    number, day, time.fromisoformat(at), codes[department], doctors[doctor], note="前回の検査結果を確認"
                )
