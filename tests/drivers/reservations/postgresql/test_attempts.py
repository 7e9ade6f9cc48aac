"""The book in front of a system: who may ask it for a patient, what came of it, and the list of staff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from threading import Event

import pytest

from drivers.reservations import (
    Appointment,
    Cancelled,
    Kept,
    NothingToRegister,
    Numbering,
    Reception,
    Register,
    Registered,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
    WalkIn,
)
from drivers.reservations.postgresql.book import PostgresBook
from tests.peers import postgresql
from tests.peers.postgres_kiosks import AT, DAY, line, order, put, registered
from tests.peers.postgresql import Database, soon

pytestmark = pytest.mark.peers

UNKNOWN = Trouble("unreachable", "no answer", maybe_done=True)
EYES = Appointment(DAY, time(11), "眼科", "𠮷田", "", "", department_code="26", doctor_code="10002", key="01")
INNER = Appointment(DAY, time(9), "内科", "髙橋", "", "", department_code="01", doctor_code="10001", key="02")
OF_ORCA = (Reception("00017", AT, "内科", "17"), Reception("00018", AT, "眼科", "18"))


@pytest.fixture
def database() -> Database:
    return postgresql.shared().database()


@pytest.fixture
def book(database: Database, tmp_path: Path) -> Iterator[PostgresBook]:
    made = database.book(tmp_path / "kiosk-01")
    yield made
    made.close()


def listed(book: PostgresBook) -> list[tuple[str, str, str]]:
    answer = book.unsettled(DAY, soon())
    assert isinstance(answer, UnsettledList), answer
    return [(each.kind, each.number, each.what) for each in answer.unsettled]


def test_one_attempt_has_the_patient_until_it_is_settled(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    other = database.book(tmp_path / "b", "kiosk-02")
    mine, theirs = order("5"), order("5")
    assert book.take(mine, 30, soon()) == Taken()
    busy = other.take(theirs, 30, soon())
    assert isinstance(busy, Trouble)
    assert (busy.kind, busy.code, busy.maybe_done) == ("busy", "taken", False)
    assert 1 < busy.parameters["wait_s"] <= 30
    done = book.settle(mine, Registered("5", OF_ORCA, (INNER, EYES), left_out=(EYES,)), soon())
    assert isinstance(done, Registered), done
    assert ([each.number for each in done.receptions], done.ours, done.left_out) == (["1"], True, (EYES,))
    assert done.appointments == (INNER, EYES)
    assert book.settle(mine, Registered("5", OF_ORCA, (INNER, EYES)), soon()) == replace(done, left_out=())
    assert other.take(theirs, 30, soon()) == replace(done, ours=False, left_out=())
    assert book.take(mine, 30, soon()) == replace(done, left_out=())
    register = book.entries(DAY, soon())
    assert isinstance(register, Register)
    assert [each.of_system for each in register.entries] == [OF_ORCA]
    assert isinstance(book.cancel("5", done.receptions[0], DAY, AT, "", soon()), Cancelled)
    other.close()


def test_a_lease_that_ended_is_taken_over_and_the_system_asked_first(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    assert book.take(order("5"), 0, soon()) == Taken()
    second = order("5")
    assert book.take(second, 30, soon()) == Taken(ask_first=True)
    # Not asked: it is still not known what the first one did there.
    assert book.settle(second, Trouble("busy", "90"), soon()) == Trouble("busy", "90")
    assert book.take(order("5"), 0, soon()) == Taken(ask_first=True)
    third = order("5")
    assert book.take(third, 30, soon()) == Taken(ask_first=True)
    assert book.settle(third, NothingToRegister("5"), soon()) == NothingToRegister("5")
    assert book.take(order("5"), 30, soon()) == Taken()


def test_an_unknown_outcome_stays_and_is_on_the_list_until_it_is_known(book: PostgresBook) -> None:
    mine = order("5")
    assert book.take(mine, 30, soon()) == Taken()
    assert book.settle(mine, UNKNOWN, soon()) == UNKNOWN
    assert listed(book) == [("unknown", "", "no answer")]
    assert book.take(order("5"), 30, soon()) == Taken(ask_first=True)
    done = book.settle(mine, Registered("5", OF_ORCA, (INNER,)), soon())
    assert isinstance(done, Registered)
    assert done.ours
    assert listed(book) == []


def test_whom_staff_registered_is_not_ours_and_has_the_systems_time(book: PostgresBook) -> None:
    mine = order("5")
    book.take(mine, 30, soon())
    at = AT - timedelta(minutes=20)
    outcome = Registered("5", (Reception("00003", at, "内科", "3"),), (INNER,), ours=False)
    done = book.settle(mine, outcome, soon())
    assert isinstance(done, Registered)
    assert (done.ours, done.receptions[0].at, done.receptions[0].number) == (False, at, "1")
    assert book.take(mine, 30, soon()) == done


def test_numbers_of_the_system_are_told_where_the_book_gives_none(database: Database, tmp_path: Path) -> None:
    book = database.book(tmp_path / "k", "kiosk-01", Numbering("hospital", "A", by_system=True))
    mine = order("5")
    book.take(mine, 30, soon())
    done = book.settle(mine, Registered("5", OF_ORCA[:1], (INNER,)), soon())
    assert isinstance(done, Registered)
    assert [(each.number, each.department, each.entrance) for each in done.receptions] == [("00017", "内科", "A")]
    more = order("5", appointments=(EYES,))
    assert book.take(more, 30, soon()) == Taken()
    both = book.settle(more, Registered("5", OF_ORCA, (INNER, EYES)), soon())
    assert isinstance(both, Registered)
    assert [each.number for each in both.receptions] == ["00017", "00018"]
    assert len({each.key for each in both.receptions}) == 2
    book.close()


def test_who_is_registered_is_taken_for_a_walk_in_of_another_department(
    database: Database, book: PostgresBook, tmp_path: Path
) -> None:
    put(database, tmp_path, line("5", "9:00", "内科"))
    registered(book, order("5"))
    assert isinstance(book.take(order("5", walk_in=WalkIn("内科")), 30, soon()), Registered)
    assert book.take(order("5", walk_in=WalkIn("外科")), 30, soon()) == Taken()


def test_the_list_of_staff_is_written_changed_and_emptied(book: PostgresBook) -> None:
    kept, since = order("5", number="K3-001"), datetime.now(UTC)
    assert book.note(Unsettled("custody", kept, since, "K3-001", "down"), soon()) == Kept()
    assert book.note(Unsettled("refused", kept, since, "K3-001", "16"), soon()) == Kept()
    answer = book.unsettled(DAY, soon())
    assert answer == UnsettledList((Unsettled("refused", kept, since, "K3-001", "16"),))
    assert book.noted_done(kept, soon()) == Kept()
    assert listed(book) == []


def test_changes_of_another_kiosk_are_noticed(database: Database, book: PostgresBook, tmp_path: Path) -> None:
    put(database, tmp_path, line("5", "9:00", "内科"))
    changed, answering = Event(), list[bool]()
    subscription = book.follow(changed.set, answering.append)
    assert changed.wait(20)
    changed.clear()
    other = database.book(tmp_path / "b", "kiosk-02")
    registered(other, order("5"))
    assert changed.wait(20)
    subscription.close()
    assert answering == [True]
    other.close()


def test_two_doctors_of_a_department_at_one_time_can_be_registered(book: PostgresBook) -> None:
    other = replace(INNER, doctor="試験", doctor_code="10009", key="03")
    mine = order("8")
    assert book.take(mine, 30, soon()) == Taken()
    settled = book.settle(mine, Registered("8", OF_ORCA[:1], (INNER, other)), soon())
    assert isinstance(settled, Registered), settled
    direct = book.register(replace(order("9"), appointments=(INNER, other)), soon())
    assert isinstance(direct, Registered), direct
