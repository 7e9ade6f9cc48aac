"""Attempts in the embedded book: who may ask the system, what came of it, and the list of staff; through crashes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reservations import (
    Appointment,
    Coded,
    DayList,
    Found,
    InCustody,
    Kept,
    NothingToRegister,
    Numbering,
    Order,
    Reception,
    Registered,
    Registration,
    Taken,
    Trouble,
    UnknownPatient,
    Unsettled,
    WalkIn,
    Withdrawn,
)
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import arrived, entries, find, order, register, soon, sure, trouble, unsettled

JST = timezone(timedelta(hours=9))
DAY = date(2099, 1, 15)
AT = datetime(2099, 1, 15, 8, 30, tzinfo=JST)
INTERNAL = Appointment(DAY, time(9, 0), "内科", "乙", "", "", department_code="01", key="a")
EYES = Appointment(DAY, time(10, 0), "眼科", "甲", "", "", department_code="12", kind=Coded("01", "診察"), key="b")
LOST = Trouble("unreachable", "the answer did not come", maybe_done=True)
REFUSED = Trouble("refused", "the department is not known there")
LEASE_S = 10.0


class Clock:
    """Goes by hand."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> SqliteReservations:
    return SqliteReservations(tmp_path, clock=clock)


def take(book: SqliteReservations, asked: Order) -> Taken | Registered | Trouble:
    return book.take(asked, LEASE_S, soon())


def there(*appointments: Appointment, ours: bool = True, at: datetime = AT) -> Registered:
    """The system has the patient."""
    return Registered("1", (Reception("00017", at, "内科", "00017"),), appointments or (INTERNAL,), ours)


# --- who may ask ------------------------------------------------------------------------------------------------------


def test_one_attempt_at_a_time_has_the_patient_until_its_lease_ends(book: SqliteReservations, clock: Clock) -> None:
    first, second = order("1", AT), order("1", AT)
    assert take(book, first) == Taken(ask_first=False)
    busy = trouble(take(book, second))
    assert (busy.kind, busy.code, busy.maybe_done, busy.parameters) == ("busy", "taken", False, {"wait_s": LEASE_S})
    assert take(book, order("2", AT)) == Taken(), "another patient does not wait"
    assert take(book, replace(first, day=DAY + timedelta(days=1))) == Taken()
    clock.pass_s(LEASE_S)
    assert take(book, second) == Taken(ask_first=True), "the first may have reached the system"
    assert trouble(take(book, first)).kind == "busy"


def test_the_same_attempt_after_a_crash_asks_first(book: SqliteReservations, tmp_path: Path, clock: Clock) -> None:
    asked = order("1", AT)
    assert take(book, asked) == Taken()
    assert take(SqliteReservations(tmp_path, clock=clock), asked) == Taken(ask_first=True)


def test_a_clock_that_was_set_back_keeps_nobody_away(book: SqliteReservations, clock: Clock) -> None:
    take(book, order("1", AT))
    clock.pass_s(-3600)
    assert take(book, order("1", AT)) == Taken(ask_first=True)


def test_who_is_registered_is_not_taken_again_but_for_what_is_not(book: SqliteReservations) -> None:
    asked = order("1", AT)
    take(book, asked)
    settled = sure(book.settle(asked, there(), soon()))
    assert take(book, asked) == settled
    assert take(book, order("1", AT)) == replace(settled, ours=False)
    assert take(book, replace(order("1", AT), appointments=(INTERNAL,))) == replace(settled, ours=False)
    assert take(book, order("1", AT, WalkIn("内科"))) == replace(settled, ours=False)
    more = replace(order("1", AT), appointments=(INTERNAL, EYES))
    assert take(book, more) == Taken()
    also = sure(book.settle(more, there(INTERNAL, EYES), soon()))
    assert (also.receptions, also.appointments) == (settled.receptions, (INTERNAL, EYES))
    assert take(book, order("1", AT, WalkIn("外科"))) == Taken()


def test_sixteen_attempts_for_one_patient_and_one_gets_the_row(book: SqliteReservations) -> None:
    answers = [take(book, order("1", AT)) for _ in range(16)]
    assert [isinstance(each, Taken) for each in answers].count(True) == 1


# --- what came of it --------------------------------------------------------------------------------------------------


def test_what_the_system_registered_is_kept_and_the_same_attempt_is_ours_again(book: SqliteReservations) -> None:
    asked = order("1", AT)
    take(book, asked)
    outcome = replace(there(INTERNAL), left_out=(EYES,))
    settled = sure(book.settle(asked, outcome, soon()))
    assert (settled.ours, settled.left_out, settled.appointments) == (True, (EYES,), (INTERNAL,))
    assert book.settle(asked, outcome, soon()) == settled
    assert sure(book.settle(order("1", AT), there(), soon())).ours is False
    assert arrived(book, DAY) == [("1", "1")]


def test_who_was_registered_at_the_window_is_not_ours_and_has_the_time_of_there(book: SqliteReservations) -> None:
    asked, early = order("1", AT), AT - timedelta(hours=1)
    take(book, asked)
    settled = sure(book.settle(asked, there(ours=False, at=early), soon()))
    assert (settled.ours, settled.receptions[0].at) == (False, early)
    assert take(book, asked) == settled


def test_an_outcome_that_comes_after_the_lease_is_kept_all_the_same(book: SqliteReservations, clock: Clock) -> None:
    late, second = order("1", AT), order("1", AT)
    take(book, late)
    clock.pass_s(LEASE_S)
    assert take(book, second) == Taken(ask_first=True)
    assert sure(book.settle(late, there(), soon())).ours
    assert sure(book.settle(second, there(ours=False), soon())).ours is False
    assert arrived(book, DAY) == [("1", "1")]


@pytest.mark.parametrize(
    "outcome",
    [NothingToRegister("1"), UnknownPatient("1"), Withdrawn("1"), REFUSED, InCustody("1", "K3-001", AT, ())],
    ids=lambda each: type(each).__name__,
)
def test_anything_else_frees_the_row_and_writes_no_line(book: SqliteReservations, outcome: Registration) -> None:
    asked = order("1", AT)
    take(book, asked)
    assert book.settle(asked, outcome, soon()) == outcome
    assert take(book, order("1", AT)) == Taken(ask_first=False)
    assert (entries(book, DAY), unsettled(book, DAY)) == ([], [])


def test_of_an_outcome_that_is_not_known_staff_hear_and_the_next_attempt_asks_first(
    book: SqliteReservations, clock: Clock
) -> None:
    asked, second = replace(order("1", AT), appointments=(INTERNAL,)), order("1", AT)
    take(book, asked)
    assert book.settle(asked, LOST, soon()) == LOST
    assert unsettled(book, DAY) == [Unsettled("unknown", asked, AT, what=LOST.what)]
    clock.pass_s(1)
    assert take(book, second) == Taken(ask_first=True), "at once"
    assert book.settle(second, Trouble("unreachable", "nobody answers"), soon())
    assert take(book, second) == Taken(ask_first=True), "that answered nothing"
    book.settle(second, Withdrawn("1"), soon())
    assert take(book, second) == Taken(ask_first=True)
    book.settle(second, NothingToRegister("1"), soon())
    assert take(book, second) == Taken(), "it was asked"
    assert [each.order.attempt for each in unsettled(book, DAY)] == [asked.attempt]


@pytest.mark.parametrize("outcome", [NothingToRegister("1"), there()])
def test_what_is_settled_later_is_on_the_list_no_more(book: SqliteReservations, outcome: Registration) -> None:
    asked = order("1", AT)
    take(book, asked)
    book.settle(asked, LOST, soon())
    book.settle(asked, replace(LOST, what="still not"), soon())
    assert [(each.since, each.what) for each in unsettled(book, DAY)] == [(AT, "still not")]
    book.settle(asked, REFUSED, soon())
    assert len(unsettled(book, DAY)) == 1, "that may be of another call"
    book.settle(asked, outcome, soon())
    assert unsettled(book, DAY) == []
    assert take(book, order("1", AT)) == (Taken() if isinstance(outcome, NothingToRegister) else settled_of(book))


def settled_of(book: SqliteReservations) -> Registered:
    return replace(sure(register(book, "1", AT)), ours=False)


# --- the list of staff ------------------------------------------------------------------------------------------------


def test_the_list_is_oldest_first_by_attempt_and_day_until_it_is_dealt_with(book: SqliteReservations) -> None:
    first, second = order("1", AT, WalkIn("眼科", "甲")), order("2", AT)
    late = Unsettled("refused", first, AT + timedelta(minutes=1), "K3-001", "not known there")
    early = Unsettled("custody", second, AT, "K3-002")
    for each in (late, early):
        assert book.note(each, soon()) == Kept()
    assert unsettled(book, DAY) == [early, late]
    assert unsettled(book, DAY + timedelta(days=1)) == []
    changed = replace(early, kind="refused", what="the line is full")
    assert book.note(changed, soon()) == Kept()
    assert unsettled(book, DAY) == [changed, late]
    book.settle(second, NothingToRegister("2"), soon())
    assert unsettled(book, DAY) == [changed, late], "only staff take it away"
    for _ in range(2):
        assert book.noted_done(second, soon()) == Kept()
    assert unsettled(book, DAY) == [late]


def test_what_a_newer_program_has_put_on_the_list_is_passed_over(book: SqliteReservations) -> None:
    known = Unsettled("custody", order("1", AT), AT, "K3-001")
    book.note(known, soon())
    with closing(sqlite3.connect(book.file.path)) as connection:
        connection.execute("INSERT INTO unsettled VALUES ('2099-01-15', 'x', '', '{\"kind\": \"postponed\"}')")
        connection.execute("INSERT INTO unsettled VALUES ('2099-01-15', 'y', '', 'no JSON')")
        connection.commit()
    assert unsettled(book, DAY) == [known]


def test_no_patient_data_in_the_repr_of_an_order_and_what_is_listed() -> None:
    asked = order("ZZCANARY1", AT, WalkIn("ZZCANARY2", "ZZCANARY3", "ZZCANARY4", "ZZCANARY5", "ZZCANARY6"))
    assert "ZZCANARY" not in repr(Unsettled("custody", asked, AT, "K3-001"))


# --- a loss and a night -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backup", [False, True])
@pytest.mark.parametrize("gone", [False, True], ids=["put aside", "gone"])
def test_after_a_loss_the_list_is_as_it_was_and_every_attempt_asks_first(
    book: SqliteReservations, backup: bool, gone: bool
) -> None:
    done, open_ = order("1", AT), order("2", AT)
    book.note(Unsettled("custody", done, AT, "K3-001"), soon())
    if backup:
        upkeep.back_up(book.file, datetime.now(UTC), lambda: True)
    book.noted_done(done, soon())
    listed = Unsettled("custody", open_, AT, "K3-002")
    book.note(listed, soon())
    taken = order("3", AT)
    take(book, taken)
    if gone:
        book.file.path.unlink()
    else:
        with book.file.path.open("r+b") as damaged:
            damaged.write(b"\xff" * 100)
    assert rescue.rebuild(book.file, DAY) is not None
    assert unsettled(book, DAY) == [listed]
    assert take(book, order("3", AT)) == Taken(ask_first=True)
    tomorrow = AT + timedelta(days=1)
    assert take(book, order("4", tomorrow)) == Taken(), "the day after nothing is open"


def test_what_a_crash_kept_from_being_kept_beside_the_database_is_kept_at_the_next_start(
    book: SqliteReservations, tmp_path: Path
) -> None:
    book = SqliteReservations(tmp_path, numbering=Numbering("department"))
    kept = book.file.beside.backups / f"arrivals-{DAY}.jsonl"
    register(book, "1", AT, WalkIn("眼科"))
    before = kept.read_text(encoding="utf-8")
    register(book, "1", AT, WalkIn("内科"))
    book.note(Unsettled("custody", order("2", AT), AT, "K3-001"), soon())
    was, listed = entries(book, DAY), unsettled(book, DAY)
    kept.write_text(before, encoding="utf-8")
    for _ in range(2):
        book.begin_keeping(DAY, datetime.now(UTC))
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 2 * 3 + 1, "and once"
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert (entries(book, DAY), unsettled(book, DAY)) == (was, listed)


def test_a_book_without_appointments_of_its_own_lacks_none_after_a_loss(tmp_path: Path) -> None:
    book = SqliteReservations(tmp_path, appointments=False)
    book.begin_keeping(DAY, datetime.now(UTC))
    asked = order("1", AT)
    book.settle(asked, there(INTERNAL, EYES), soon())
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert book.is_sure(DAY)
    assert find(book, "2", DAY) == Found("2", (), None)
    assert find(book, "1", DAY).appointments == (INTERNAL, EYES)
    assert trouble(SqliteReservations(tmp_path).find("2", DAY, soon())).code == "unsure"


def test_what_a_system_registered_and_a_walk_in_are_one_visit(book: SqliteReservations) -> None:
    asked = order("1", AT)
    book.settle(asked, there(INTERNAL), soon())
    walked = replace(EYES, walk_in=True)
    settled = sure(book.settle(order("1", AT, WalkIn("眼科")), there(walked), soon()))
    assert settled.appointments == find(book, "1", DAY).appointments == (INTERNAL, walked)
    days = book.day_list(DAY, soon())
    assert isinstance(days, DayList)
    assert [each.appointments for each in days.patients] == [(INTERNAL, walked)]
    also = sure(register(book, "1", AT, WalkIn("外科")))
    assert [each.department for each in also.appointments] == ["外科", "内科", "眼科"]


def test_lines_of_the_list_that_are_no_records_cost_only_themselves(book: SqliteReservations) -> None:
    listed = Unsettled("custody", order("1", AT), AT, "K3-001")
    book.note(listed, soon())
    register(book, "9", AT, WalkIn("眼科"))
    was = entries(book, DAY)
    kept = book.file.beside.backups / f"arrivals-{DAY}.jsonl"
    broken = (
        '{"unsettled": "a", "since": "", "content": "no JSON"}\n{"unsettled": "b", "since": "", "content": 5}\n'
        '{"unsettled": "c"}\n{"line": 1, "by": "x", "receptions": [[1, 2]], "codes": [["a"]]}\n'
        '{"line": 1, "by": "x", "receptions": 5, "codes": []}\n{"line": "x", "by": "", "receptions": [], "codes": []}\n'
        '{"line": 99, "by": "x", "receptions": [], "codes": []}\n'
    )
    kept.write_text(broken + kept.read_text(encoding="utf-8") + broken, encoding="utf-8")
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert (unsettled(book, DAY), entries(book, DAY)) == ([listed], was)


def test_the_night_deletes_all_of_it_with_its_day(book: SqliteReservations) -> None:
    asked = order("1", AT, WalkIn("眼科", department_code="12"))
    take(book, asked)
    book.settle(asked, there(EYES), soon())
    take(book, order("2", AT))
    book.note(Unsettled("custody", order("3", AT), AT, "K3-001"), soon())
    assert upkeep.oldest_day(book.file) == DAY
    upkeep.prune(book.file, DAY + timedelta(days=1), lambda: True)
    assert upkeep.oldest_day(book.file) is None
    with closing(sqlite3.connect(book.file.path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = {each for each in tables if connection.execute(f"SELECT count(*) FROM {each}").fetchone() != (0,)}
    assert left == {"migration"}
