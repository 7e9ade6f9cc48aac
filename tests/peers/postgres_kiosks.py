"""What tests and the bench do with a book in PostgreSQL: appointments, orders, kiosks at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from pathlib import Path
from uuid import uuid4

from drivers.reservations import Order, Registered, Registration, Trouble, csv_file
from drivers.reservations.postgresql.book import PostgresBook
from tests.peers.postgresql import Database, soon

JST = timezone(timedelta(hours=9))
DAY = datetime.now(JST).date()
AT = datetime.combine(DAY, clock(8, 52), JST)
HEADER = "patient_number,date,time,department,doctor,place,note,message\n"


def put(database: Database, folder: Path, *lines: str) -> None:
    hub = database.book(folder / "hub", "hub")
    hub.import_rows(csv_file.read((HEADER + "\n".join(lines)).encode()))
    hub.close()


def line(patient: str, clock: str, department: str, on: date = DAY, more: str = "甲,2F,memo,採尿へ") -> str:
    return f"{patient},{on.isoformat()},{clock},{department},{more}"


def order(patient: str, **changes: object) -> Order:
    made = Order(str(uuid4()), patient, DAY, AT, datetime.now(UTC) + timedelta(seconds=30))
    return replace(made, **changes)  # type: ignore[arg-type]


def registered(book: PostgresBook, what: Order) -> Registered:
    answer = book.register(what, soon())
    assert isinstance(answer, Registered), answer
    return answer


def put_many(database: Database, folder: Path, patients: int) -> None:
    hub = database.book(folder, "hub")
    lines = "\n".join(line(str(each), "9:00", "内科") for each in range(patients))
    hub.import_rows(csv_file.read((HEADER + lines).encode()))
    hub.close()


def stored(database: Database) -> dict[str, int]:
    """The day's numbers by patient, 1 to their count."""
    numbers = dict(database.rows("SELECT patient_number, n FROM kiosk.reception"))
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    return numbers


def insisting(book: PostgresBook, patient: str, seconds: float = 30) -> Registered:
    """As a reception that does not give up: the same attempt until it is answered."""
    what, end = order(patient, not_after=datetime.now(UTC) + timedelta(seconds=seconds)), time.monotonic() + seconds
    answer: Registration = Trouble("unreachable", "")
    while isinstance(answer, Trouble) and time.monotonic() < end:
        answer = book.register(what, soon(8))
    assert isinstance(answer, Registered), answer
    return answer


def at_once(kiosks: int, work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(kiosks) as pool:
        list(pool.map(work, range(kiosks)))
