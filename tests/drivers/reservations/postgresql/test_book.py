"""The calls of a book on a real server: look-up, registration, numbers, cancelling, the register of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from drivers.reservations import (
    Appointment,
    Cancelled,
    Count,
    Found,
    NothingToRegister,
    NotRegistered,
    Numbering,
    Register,
    Trouble,
    WalkIn,
    Withdrawn,
)
from drivers.reservations.postgresql.book import PostgresBook
from tests.peers import postgresql
from tests.peers.postgres_kiosks import AT, DAY, line, order, put, registered
from tests.peers.postgresql import Database, soon

pytestmark = pytest.mark.peers


@pytest.fixture
def database() -> Database:
    return postgresql.shared().database()


@pytest.fixture
def book(database: Database, tmp_path: Path) -> Iterator[PostgresBook]:
    made = database.book(tmp_path / "kiosk-01")
    yield made
    made.close()


def test_appointments_of_the_day_in_time_order_the_next_day_and_the_last(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    later, before = DAY + timedelta(3), DAY - timedelta(40)
    put(
        database, tmp_path,
        line("00012", "11:00", "眼科"), line("00012", "9:00", "内科𠮷髙"), line("12", "8:00", "外科"),
        line("00012", "10:00", "外科", later), line("00012", "9:30", "眼科", later),
        line("00012", "9:00", "外科", before),
    )  # fmt: skip
    found = book.find("00012", DAY, soon())
    assert isinstance(found, Found), found
    assert [(each.time, each.department, each.message, each.note) for each in found.appointments] == [
        (time(9), "内科𠮷髙", "採尿へ", "memo"),
        (time(11), "眼科", "採尿へ", "memo"),
    ]
    assert (found.next_day, found.next_departments) == (later, ("眼科", "外科"))
    assert (found.last_day, found.last_arrival, found.receptions) == (before, None, ())
    assert book.count(DAY, soon()) == Count(3)
    assert "00012" not in repr(found)


def test_the_first_gets_one_and_asking_again_gives_the_same_number(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"), line("1", "13:00", "外科"), line("2", "9:00", "内科"))
    what = order("1")
    first = registered(book, what)
    assert ([each.number for each in first.receptions], first.receptions[0].at, first.ours) == (["1"], AT, True)
    assert len(first.appointments) == 2
    assert registered(book, what) == first  # the same attempt, whose answer was lost
    assert registered(book, order("1")) == replace(first, ours=False)
    assert registered(book, order("2")).receptions[0].number == "2"
    found = book.find("1", DAY, soon())
    assert isinstance(found, Found)
    assert found.receptions == first.receptions


def test_at_another_kiosk_the_patient_hears_when_and_at_which_entrance(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"))
    at_a = database.book(tmp_path / "a", "kiosk-a", Numbering(entrance="A"))
    at_b = database.book(tmp_path / "b", "kiosk-b", Numbering(entrance="B"))
    registered(at_a, order("1"))
    (reception,) = registered(at_b, order("1")).receptions
    assert (reception.number, reception.at, reception.entrance) == ("1", AT, "A")
    at_a.close()
    at_b.close()


def test_nothing_is_registered_and_no_number_used_without_an_appointment_or_too_late(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"))
    assert book.register(order("9"), soon()) == NothingToRegister("9")
    late = order("1", not_after=datetime.now(UTC) - timedelta(seconds=1))
    assert book.register(late, soon()) == Withdrawn("1")
    assert book.entries(DAY, soon()) == Register(())
    assert registered(book, order("1")).receptions[0].number == "1"


def test_a_walk_in_is_registered_and_added_to_who_has_arrived(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"))
    first = registered(book, order("1"))
    more = registered(book, order("1", walk_in=WalkIn("外科", "乙", "1F", "03", "10001")))
    assert (more.receptions, more.ours) == (first.receptions, False)
    assert [(each.department, each.walk_in, each.department_code) for each in more.appointments] == [
        ("外科", True, "03"),
        ("内科", False, ""),
    ]
    alone = registered(book, order("7", walk_in=WalkIn("内科")))
    assert ([each.time for each in alone.appointments], alone.receptions[0].number) == ([AT.time()], "2")


def test_appointments_of_the_order_are_registered_with_their_codes(book: PostgresBook) -> None:
    brought = Appointment(DAY, time(10), "眼科", "丙", "", "", department_code="26", key="7")
    answer = registered(book, order("3", appointments=(brought,)))
    assert answer.appointments == (brought,)


def test_who_cancels_may_register_anew_and_the_number_is_gone(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"))
    (reception,) = registered(book, order("1", walk_in=WalkIn("外科"))).receptions
    at = AT + timedelta(minutes=5)
    assert book.cancel("2", reception, DAY, at, "wrong", soon()) == NotRegistered("2")
    cancelled = book.cancel("1", reception, DAY, at, "帰宅", soon())
    assert cancelled == Cancelled("1", (reception,), at, "帰宅")
    assert book.cancel("1", reception, DAY, at + timedelta(1), "again", soon()) == cancelled
    anew = registered(book, order("1"))
    assert ([each.department for each in anew.appointments], anew.receptions[0].number) == (["内科"], "2")
    register = book.entries(DAY, soon())
    assert isinstance(register, Register)
    assert [(each.receptions[0].number, each.cancelled, len(each.appointments)) for each in register.entries] == [
        ("1", cancelled, 0),
        ("2", None, 1),
    ]
    assert [int(each.key) for each in register.entries] == sorted(int(each.key) for each in register.entries)


def test_series_of_entrances_and_departments(database: Database, tmp_path: Path) -> None:
    put(database, tmp_path, *(line(patient, "9:00", "内科") for patient in "1234"), line("4", "8:30", "眼科"))
    at_a, at_b = (database.book(tmp_path / each, "k", Numbering("entrance", each)) for each in "AB")
    numbers = [registered(book, order(patient)).receptions[0].number for book, patient in ((at_a, "1"), (at_b, "2"))]
    assert numbers == ["A1", "B1"]
    each = database.book(tmp_path / "d", "k", Numbering("department"))
    assert registered(each, order("3")).receptions[0].number == "1"
    both = registered(each, order("4"))
    assert [(one.department, one.number) for one in both.receptions] == [("眼科", "1"), ("内科", "2")]
    assert len({one.key for one in both.receptions}) == 2
    second = both.receptions[1]
    assert isinstance(each.cancel("4", second, DAY, AT, "", soon()), Cancelled)
    for book in (at_a, at_b, each):
        book.close()


def test_numbers_begin_at_one_on_the_next_day(database: Database, book: PostgresBook, tmp_path: Path) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"), line("2", "9:00", "内科", DAY + timedelta(1)))
    assert registered(book, order("1")).receptions[0].number == "1"
    assert registered(book, order("2", day=DAY + timedelta(1))).receptions[0].number == "1"


def test_who_brought_a_number_keeps_it_and_uses_none_of_the_day(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"), line("2", "9:00", "内科"))
    assert registered(book, order("1", number="K3-001")).receptions[0].number == "K3-001"
    assert registered(book, order("2")).receptions[0].number == "1"


def test_a_clock_that_is_far_off_is_refused(database: Database, book: PostgresBook, tmp_path: Path) -> None:
    put(database, tmp_path, line("1", "9:00", "内科"))
    wrong = database.book(tmp_path / "w", "kiosk-w")
    wrong.close()
    ahead = PostgresBook(
        database.url("kiosk-w"),
        replace(wrong.settings, clock=lambda: datetime.now(UTC) + timedelta(seconds=90)),
    )
    answer = ahead.register(order("1"), soon())
    assert isinstance(answer, Trouble)
    assert (answer.kind, answer.code, answer.maybe_done) == ("refused", "clock_differs", False)
    assert 80 < answer.parameters["seconds"] < 100
    assert isinstance(ahead.find("1", DAY, soon()), Found)
    ahead.close()
