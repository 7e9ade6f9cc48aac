"""Kiosks of the part `book`, in processes of their own: each looks a patient up and registers him, again and again.

`OURS` is the program's book, `PLAIN` what one would write with psycopg: a transaction of statements on tables like
ours.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from drivers.reservations import Order, Registered
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.book import PostgresBook

OURS: Final = "the kiosk's book"
PLAIN: Final = "psycopg, plain SQL"
PLAIN_TABLES: Final = """
CREATE TABLE plain_appointment (day date, patient text, at time, department text, doctor text,
    PRIMARY KEY (day, patient, at, department));
CREATE TABLE plain_counter (day date PRIMARY KEY, last integer NOT NULL);
CREATE TABLE plain_arrival (day date, patient text, number integer NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (day, patient), UNIQUE (day, number));
CREATE TABLE plain_registered (LIKE plain_appointment INCLUDING ALL);
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO kiosk_register;
"""
_PROCESSES: Final = 8


@dataclass(frozen=True)
class Round:
    """`kiosks` kiosks, each with `each` patients of its own from number `first` on. `url`: with the role."""

    way: str
    url: str
    password: str
    folder: Path
    day: date
    kiosks: int
    each: int
    first: int


def run(what: Round) -> tuple[list[float], float]:
    """Milliseconds of each visit, and the seconds that all took. No kiosk begins before every one is connected."""
    processes = min(_PROCESSES, what.kiosks)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(what.kiosks + 1), context.Queue()
    parts = [range(number, what.kiosks, processes) for number in range(processes)]
    children = [context.Process(target=_process, args=(what, list(part), barrier, results)) for part in parts]
    for child in children:
        child.start()
    barrier.wait(300)
    began = time.monotonic()
    found = [each for _ in range(what.kiosks) for each in results.get(timeout=600)]
    took = time.monotonic() - began
    for child in children:
        child.join(60)
    return found, took


def _process(what: Round, kiosks: list[int], barrier: threading.Barrier, results: object) -> None:
    threads = [threading.Thread(target=_kiosk, args=(what, number, barrier, results)) for number in kiosks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _kiosk(what: Round, number: int, barrier: threading.Barrier, results: object) -> None:
    visit = _ours(what, number) if what.way == OURS else _plain(what)
    visit("nobody")
    barrier.wait(300)
    took = []
    for each in range(what.each):
        patient = str(what.first + number * what.each + each)
        began = time.perf_counter()
        assert visit(patient)
        took.append((time.perf_counter() - began) * 1000)
    results.put(took)  # type: ignore[attr-defined]  # a queue of multiprocessing


def _ours(what: Round, number: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    book = PostgresBook(what.url, Settings(what.folder / str(number), password=what.password, name=f"kiosk-{number}"))

    def visit(patient: str) -> bool:
        until = time.monotonic() + 60
        book.find(patient, what.day, until)
        at = datetime.now(UTC)
        answer = book.register(Order(f"a{patient}", patient, what.day, at, at + timedelta(minutes=1)), until)
        return isinstance(answer, Registered) and answer.ours

    return visit


def _plain(what: Round):  # type: ignore[no-untyped-def]  # noqa: ANN202
    connection = psycopg.connect(what.url, password=what.password)

    def visit(patient: str) -> bool:
        of = (what.day, patient)
        known = "SELECT * FROM plain_appointment WHERE day = %s AND patient = %s ORDER BY at"
        connection.execute(known, of).fetchall()
        connection.execute("SELECT number FROM plain_arrival WHERE day = %s AND patient = %s", of).fetchone()
        connection.execute("SELECT min(day) FROM plain_appointment WHERE day > %s AND patient = %s", of).fetchone()
        connection.commit()
        due = connection.execute(known, of).fetchall()
        if not due:
            connection.rollback()
            return False
        (number,) = connection.execute(
            "INSERT INTO plain_counter AS c VALUES (%s, 1) "
            "ON CONFLICT (day) DO UPDATE SET last = c.last + 1 RETURNING last",
            (what.day,),
        ).fetchone() or (0,)
        connection.execute("INSERT INTO plain_arrival VALUES (%s, %s, %s, now())", (*of, number))
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO plain_registered VALUES (%s, %s, %s, %s, %s)", due)
        connection.commit()
        return True

    return visit
