"""The reservations' thread beside a system that is late, gone, or says what it should not."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.reservations import (
    Appointment,
    Found,
    InCustody,
    NothingToRegister,
    Order,
    Reception,
    Registered,
    Trouble,
    UnknownPatient,
    Withdrawn,
)
from drivers.reservations.ports import Reservations
from kiosk.reception.birth_days import BirthDays
from kiosk.reception.reservations_worker import LATE_S, ReservationsWorker
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.state import AppointmentsFound, VisitAppointment, VisitReception
from tests.site_toml import REQUIRED, Site

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
TODAY = NOW.date()
NOTHING = Found("12", (), None)
EYES = Appointment(TODAY, time(11), "眼科", "", "", "memo")
LOOK_UP = c.LookUp(1, "patient_card", "12")
REGISTER = c.Register(1, TODAY, "12")
WAIT_S = 60


class Played:
    """A system that answers as the test says. `hangs`: until it is set, the first call does not come back."""

    def __init__(self) -> None:
        self.found: Any = NOTHING
        self.registered: Any = NothingToRegister("12")
        self.orders: list[Order] = []
        self.hangs: threading.Event | None = None

    def find(self, patient_number: str, day: date, until: float) -> Any:
        self._hang()
        return self.found

    def register(self, order: Order, until: float) -> Any:
        self.orders.append(order)
        self._hang()
        return self.registered

    def _hang(self) -> None:
        hangs, self.hangs = self.hangs, None
        if hangs is not None:
            hangs.wait(WAIT_S)


class Asked:
    """The thread, and what it posted and reported."""

    def __init__(self, site: Site, limit_s: float) -> None:
        self.system = Played()
        self.reported: list[tuple[str, str]] = []
        self._events: queue.SimpleQueue[e.Event] = queue.SimpleQueue()
        system: Reservations = self.system  # type: ignore[assignment]  # as much of it as is asked
        self.worker = ReservationsWorker(
            system,
            ReferenceNumbers.load(None),
            BirthDays(None, lambda event, **_: None),
            site.load(REQUIRED),
            lambda: NOW,
            self._events.put,
            lambda event, **fields: self.reported.append((event, str(fields.get("what")))),
            lambda code, reason: None,
            limit_s,
            limit_s,
            "outcome_unknown",
        )

    def next(self) -> e.Event:
        return self._events.get(timeout=WAIT_S)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def asked(site: Site) -> Iterator[Asked]:
    made = Asked(site, 30.0)
    yield made
    made.worker.close()


@pytest.fixture
def hasty(site: Site) -> Iterator[Asked]:
    """Its calls may take a tenth of a second."""
    made = Asked(site, 0.1)
    yield made
    made.worker.close()


def test_a_call_that_hangs_ends_its_visit_and_delays_no_other(hasty: Asked) -> None:
    hangs = hasty.system.hangs = threading.Event()
    hasty.worker.look_up(LOOK_UP)
    assert hasty.next() == e.ReservationsFailed(1)
    assert hasty.reported == [("reservations_failed", "no answer in time")]
    hasty.worker.find_s = 30.0
    hasty.worker.look_up(replace(LOOK_UP, visit=2))
    found = hasty.next()
    assert isinstance(found, AppointmentsFound) and found.visit == 2
    hangs.set()
    late = hasty.next()
    assert isinstance(late, AppointmentsFound) and late.visit == 1


def test_what_waits_behind_a_call_that_hangs_waits_no_longer_than_that_call_may(hasty: Asked) -> None:
    hasty.worker.find_s = 1.0
    hangs = hasty.system.hangs = threading.Event()
    hasty.worker.look_up(LOOK_UP)
    hasty.worker.find_s = 30.0
    hasty.worker.look_up(replace(LOOK_UP, visit=2))
    assert [hasty.next().visit, hasty.next().visit] == [1, 2]  # type: ignore[union-attr]
    hangs.set()


def test_a_registration_that_comes_late_is_said_all_the_same(hasty: Asked) -> None:
    hangs = hasty.system.hangs = threading.Event()
    hasty.system.registered = Registered("12", (Reception("7", NOW),), (EYES,))
    hasty.worker.register(REGISTER)
    assert hasty.next() == e.ReservationsFailed(1, "outcome_unknown"), "nobody knows what becomes of it"
    hangs.set()
    late = hasty.next()
    assert isinstance(late, e.ArrivalRegistered) and late.visit == 1


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Trouble("unreachable", "gone"), "reservations_down"),
        (Trouble("login", "who are you"), "reservations_down"),
        (Trouble("busy", "90"), "his_busy"),
        (Trouble("busy", "90", maybe_done=True), "outcome_unknown"),
        (Trouble("unreachable", "cut", maybe_done=True), "outcome_unknown"),
    ],
)
def test_trouble_ends_at_the_counter_with_its_reason(asked: Asked, trouble: Trouble, reason: str) -> None:
    asked.system.registered = trouble
    asked.worker.register(REGISTER)
    assert asked.next() == e.ReservationsFailed(1, reason)  # type: ignore[arg-type]
    assert asked.reported == [("reservations_failed", trouble.what)]


def test_our_own_book_alone_has_one_reason_for_all_of_it(asked: Asked) -> None:
    asked.worker.unknown = "reservations_down"
    asked.system.registered = Trouble("unreachable", "the disk is full", maybe_done=True)
    asked.worker.register(REGISTER)
    assert asked.next() == e.ReservationsFailed(1)


def test_an_answer_about_someone_else_is_none(asked: Asked) -> None:
    asked.system.found, asked.system.registered = Found("13", (EYES,), None), Registered("13", (), ())
    asked.worker.look_up(LOOK_UP)
    assert asked.next() == e.ReservationsFailed(1)
    asked.worker.register(REGISTER)
    assert asked.next() == e.ReservationsFailed(1, "outcome_unknown")
    assert asked.reported == [("reservations_failed", "answer about someone else")] * 2


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (UnknownPatient("12"), e.PatientUnknown(1)),
        (NothingToRegister("12"), e.NothingToRegister(1)),
        (Withdrawn("12"), e.ReservationsFailed(1)),
        (
            InCustody("12", "K3-001", NOW, (EYES,)),
            e.InCustody(1, TODAY, time(9), "12", "K3-001", (VisitAppointment(time(11), "眼科", "", ""),)),
        ),
    ],
)
def test_each_answer_is_an_event(asked: Asked, answer: object, event: e.Event) -> None:
    asked.system.registered = answer
    asked.worker.register(REGISTER)
    assert asked.next() == event


def test_a_visit_has_a_reception_for_each_department_and_what_was_left_out(asked: Asked) -> None:
    receptions = (Reception("00017", NOW, "眼科", "1"), Reception("A3", NOW, "内科", "2", "東口"))
    skin = replace(EYES, department="皮膚科")
    asked.system.registered = Registered("12", receptions, (EYES,), ours=False, left_out=(skin,))
    asked.worker.register(REGISTER)
    event = asked.next()
    assert isinstance(event, e.ArrivalRegistered)
    assert event.receptions == (VisitReception("00017", "眼科"), VisitReception("A3", "内科", "東口"))
    assert (event.again, [each.department for each in event.left_out]) == (True, ["皮膚科"])


def test_what_the_system_knows_of_the_patient_goes_on(asked: Asked) -> None:
    asked.system.found = replace(NOTHING, birth_date=date(1950, 1, 2), see_staff=True)
    asked.worker.look_up(LOOK_UP)
    found = asked.next()
    assert isinstance(found, AppointmentsFound)
    assert (found.birth_date, found.see_staff) == (date(1950, 1, 2), True)


def test_each_registration_is_an_attempt_of_its_own_that_ends_before_the_visit_gives_up(asked: Asked) -> None:
    for visit in (1, 2):
        asked.worker.register(replace(REGISTER, visit=visit))
        asked.next()
    first, second = asked.system.orders
    assert first.attempt != second.attempt
    assert NOW < first.not_after <= NOW + timedelta(seconds=asked.worker.register_s)
    assert LATE_S < 1


def test_a_fault_of_ours_ends_the_visit_and_names_no_patient(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Callable[[], None]:
        raise ValueError("12")

    monkeypatch.setattr(asked.system, "find", broken)
    asked.worker.look_up(LOOK_UP)
    assert asked.next() == e.ReservationsFailed(1)
    assert asked.reported == [("reservations_failed", "ValueError")]
    monkeypatch.setattr(asked.system, "register", broken)
    asked.worker.register(replace(REGISTER, visit=2))
    assert asked.next() == e.ReservationsFailed(2, "outcome_unknown"), "it may have come after the registration"
