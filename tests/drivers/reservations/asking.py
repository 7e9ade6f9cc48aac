"""The port's calls as tests ask them: with time enough, and an answer of the kind that is expected."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from uuid import uuid4

from drivers.reservations import (
    Cancellation,
    Count,
    Entry,
    Found,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    Trouble,
    Unsettled,
    UnsettledList,
    WalkIn,
)
from drivers.reservations.ports import Book, Reservations

DEADLINE_S = 60.0


def soon() -> float:
    """A moment of the monotonic clock that no call reaches."""
    return time.monotonic() + DEADLINE_S


def order(patient: str, at: datetime, walk_in: WalkIn | None = None, *, attempt: str = "", number: str = "") -> Order:
    """By an attempt of its own, unless one is named; of the day of `at`, and wanted for ever."""
    not_after = at + timedelta(days=365 * 100)
    return Order(attempt or str(uuid4()), patient, at.date(), at, not_after, (), walk_in, number)


def register(book: Reservations, patient: str, at: datetime, walk_in: WalkIn | None = None) -> Registration:
    return book.register(order(patient, at, walk_in), soon())


def registered(book: Reservations, patient: str, at: datetime, walk_in: WalkIn | None = None) -> Registered:
    return sure(register(book, patient, at, walk_in))


def sure(answer: Registration | Trouble) -> Registered:
    assert isinstance(answer, Registered), answer
    return answer


def number(answer: Registration) -> str:
    """Of the only reception."""
    (only,) = sure(answer).receptions
    return only.number


def find(book: Reservations, patient: str, day: date) -> Found:
    answer = book.find(patient, day, soon())
    assert isinstance(answer, Found), answer
    return answer


def cancel(
    book: Reservations, patient: str, line: int | str, day: date, at: datetime, reason: str = ""
) -> Cancellation:
    """The reception with the key `line`."""
    return book.cancel(patient, Reception("", at, key=str(line)), day, at, reason, soon())


def entries(book: Reservations, day: date) -> list[Entry]:
    answer = book.entries(day, soon())
    assert isinstance(answer, Register), answer
    return list(answer.entries)


def arrived(book: Reservations, day: date) -> list[tuple[str, str]]:
    """Patient and number of everybody who is registered."""
    return [(each.patient_number, each.receptions[0].number) for each in entries(book, day) if each.cancelled is None]


def count(book: Reservations, day: date) -> int:
    answer = book.count(day, soon())
    assert isinstance(answer, Count), answer
    return answer.appointments


def unsettled(book: Book, day: date) -> list[Unsettled]:
    answer = book.unsettled(day, soon())
    assert isinstance(answer, UnsettledList), answer
    return list(answer.unsettled)


def trouble(answer: object) -> Trouble:
    assert isinstance(answer, Trouble), answer
    return answer
