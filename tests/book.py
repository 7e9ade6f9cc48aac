"""The book as tests ask it, which have time: answers that are none fail the test."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, date, datetime, timedelta

from drivers.reservations import (
    Appointment,
    Cancelled,
    Count,
    Entry,
    Found,
    Order,
    Register,
    Registered,
    Trouble,
    WalkIn,
)
from drivers.reservations.ports import Reservations

ANSWER_S = 60.0


def soon() -> float:
    """Until when an answer is waited for."""
    return time.monotonic() + ANSWER_S


def order(patient: str, day: date, at: datetime, walk_in: WalkIn | None = None) -> Order:
    """A new attempt, at `at` of whatever clock, wanted for an hour."""
    not_after = max(at, datetime.now(UTC)) + timedelta(hours=1)
    return Order(str(uuid.uuid4()), patient, day, at, not_after, walk_in=walk_in)


def arrive(book: Reservations, patient: str, day: date, at: datetime, walk_in: WalkIn | None = None) -> Registered:
    """Register the patient."""
    answer = book.register(order(patient, day, at, walk_in), soon())
    assert isinstance(answer, Registered), answer
    return answer


def due(book: Reservations, patient: str, day: date) -> tuple[Appointment, ...]:
    """What the patient is here for."""
    answer = book.find(patient, day, soon())
    assert isinstance(answer, Found), answer
    return answer.appointments


def entries(book: Reservations, day: date) -> tuple[Entry, ...]:
    """The day's register."""
    answer = book.entries(day, soon())
    assert isinstance(answer, Register), answer
    return answer.entries


def arrived(book: Reservations, day: date) -> list[Entry]:
    """The same without what was cancelled."""
    return [each for each in entries(book, day) if each.cancelled is None]


def cancel(book: Reservations, patient: str, day: date, at: datetime, reason: str = "left") -> Cancelled:
    """Undo the arrival of the patient."""
    [line] = (each for each in arrived(book, day) if each.patient_number == patient)
    answer = book.cancel(patient, line.receptions[0], day, at, reason, soon())
    assert isinstance(answer, Cancelled), answer
    return answer


def count(book: Reservations, day: date) -> int:
    """How many appointments of the day are held."""
    answer = book.count(day, soon())
    assert isinstance(answer, Count), answer
    return answer.appointments


def answers(book: Reservations, day: date) -> bool:
    """Whether it answers now."""
    return not isinstance(book.count(day, soon()), Trouble)
