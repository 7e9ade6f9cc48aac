"""Who comes without an appointment, and an arrival that is taken back: what is registered, and stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reservations import (
    Appointment,
    Cancelled,
    Entry,
    NothingToRegister,
    NotRegistered,
    Reception,
    WalkIn,
    Withdrawn,
    csv_file,
)
from drivers.reservations.sqlite import file as sqlite_file
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import (
    arrived,
    cancel,
    count,
    entries,
    find,
    number,
    order,
    register,
    registered,
    soon,
)

JST = timezone(timedelta(hours=9))
DAY = date(2099, 1, 15)
AT = datetime(2099, 1, 15, 8, 30, tzinfo=JST)
LATER = AT + timedelta(minutes=20)
HEADER = "patient_number,date,time,department,doctor,place\n"
EYES = WalkIn("眼科", "甲", "2階")
FIRST = (Reception("1", AT, key="1"),)


def yes() -> bool:
    return True


def put(book: SqliteReservations, *rows: str) -> None:
    book.import_rows(csv_file.read((HEADER + "\n".join(rows)).encode()))


def names(appointments: tuple[Appointment, ...]) -> list[str]:
    return [f"{each.time:%H:%M} {each.department}" for each in appointments]


@pytest.fixture
def book(tmp_path: Path) -> SqliteReservations:
    made = SqliteReservations(tmp_path)
    put(made, "1,2099-01-15,9:00,内科,乙,A棟", "2,2099-01-15,9:00,内科,乙,A棟")
    return made


# --- walk-in ----------------------------------------------------------------------------------------------------------


def test_who_has_no_appointment_gets_the_next_number_and_is_found_with_what_the_visit_is_for(
    book: SqliteReservations,
) -> None:
    register(book, "1", AT)
    answer = registered(book, "9", AT, EYES)
    assert (answer.patient_number, answer.receptions) == ("9", (Reception("2", AT, key="2"),))
    [only] = answer.appointments
    assert (f"{only.time:%H:%M}", only.department, only.doctor, only.place, only.note) == (
        "08:30",
        "眼科",
        "甲",
        "2階",
        "",
    )
    assert only.walk_in
    assert find(book, "9", DAY).appointments == answer.appointments
    assert register(book, "9", LATER) == replace(answer, ours=False)
    assert count(book, DAY) == 2, "a walk-in is no appointment of the hospital's system"


def test_asking_twice_registers_once(book: SqliteReservations) -> None:
    first = registered(book, "9", AT, EYES)
    assert register(book, "9", LATER, WalkIn("眼科")) == replace(first, ours=False)


def test_an_appointment_of_the_day_is_registered_with_the_walk_in_and_another_department_is_added(
    book: SqliteReservations,
) -> None:
    answer = registered(book, "1", AT, EYES)
    assert names(answer.appointments) == ["08:30 眼科", "09:00 内科"]
    more = registered(book, "1", LATER, WalkIn("外科"))
    assert (more.receptions, more.ours) == (answer.receptions, False)
    assert names(more.appointments) == ["08:30 眼科", "08:50 外科", "09:00 内科"]
    same = register(book, "1", LATER, WalkIn("内科"))
    assert same == more, "for that department there is an appointment"
    assert names(find(book, "1", DAY).appointments) == names(more.appointments)


def test_a_walk_in_stays_through_an_import_and_goes_into_the_appointment_that_was_made_of_it(
    book: SqliteReservations,
) -> None:
    register(book, "9", AT, EYES)
    put(book, "1,2099-01-15,9:00,内科,乙,A棟")
    assert names(find(book, "9", DAY).appointments) == ["08:30 眼科"]
    put(book, "9,2099-01-15,10:00,眼科,甲,2階")
    assert names(find(book, "9", DAY).appointments) == ["10:00 眼科"]


def test_a_walk_in_nobody_wants_any_more_uses_no_number(book: SqliteReservations) -> None:
    late = replace(order("9", AT, EYES), not_after=datetime(2001, 1, 1, tzinfo=UTC))
    assert book.register(late, soon()) == Withdrawn("9")
    assert (find(book, "9", DAY).appointments, entries(book, DAY)) == ((), [])
    assert number(register(book, "1", AT)) == "1"


def test_the_last_day_is_the_last_one_before(book: SqliteReservations) -> None:
    assert find(book, "9", DAY).last_day is None
    register(book, "9", AT - timedelta(days=40), EYES)
    put(book, "9,2098-12-01,9:00,内科,乙,A棟", "9,2099-01-20,9:00,内科,乙,A棟")
    found = find(book, "9", DAY)
    assert (found.last_day, found.next_day) == (date(2098, 12, 6), date(2099, 1, 20))
    assert find(book, "9", date(2098, 12, 6)).last_day == date(2098, 12, 1)


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_cancelled_arrival_is_none_and_its_number_is_never_used_again(book: SqliteReservations) -> None:
    first = registered(book, "1", AT)
    assert cancel(book, "1", 1, DAY, LATER, "別の方でした") == Cancelled("1", first.receptions, LATER, "別の方でした")
    found = find(book, "1", DAY)
    assert (found.receptions, names(found.appointments)) == ((), ["09:00 内科"])
    assert arrived(book, DAY) == []
    assert [number(register(book, patient, LATER)) for patient in ("2", "1")] == ["2", "3"]
    assert arrived(book, DAY) == [("2", "2"), ("1", "3")]


def test_cancelling_twice_changes_nothing_and_what_is_not_there_is_said(book: SqliteReservations) -> None:
    register(book, "1", AT)
    once = cancel(book, "1", 1, DAY, AT, "a")
    assert cancel(book, "1", 1, DAY, LATER, "b") == once
    register(book, "1", LATER)
    assert cancel(book, "1", 1, DAY, LATER, "b") == once, "an old page does not take the new arrival back"
    for patient, key in (("1", 3), ("2", 1), ("2", 2), ("7", 1), ("1", ""), ("1", "A-1"), ("1", "9" * 30), ("1", "２")):
        assert cancel(book, patient, key, DAY, LATER, "c") == NotRegistered(patient)
    assert arrived(book, DAY) == [("1", "2")]


def test_a_walk_in_goes_with_its_arrival(book: SqliteReservations) -> None:
    register(book, "9", AT, EYES)
    cancel(book, "9", 1, DAY, AT, "")
    assert (find(book, "9", DAY).appointments, find(book, "9", DAY).receptions) == ((), ())
    assert register(book, "9", LATER) == NothingToRegister("9")
    again = registered(book, "9", LATER, EYES)
    assert (number(again), names(again.appointments)) == ("2", ["08:50 眼科"])


def test_the_register_of_the_day_has_what_was_registered_and_what_was_cancelled(book: SqliteReservations) -> None:
    register(book, "1", AT)
    register(book, "9", AT, EYES)
    cancelled = cancel(book, "1", 1, DAY, LATER, "別の方でした")
    register(book, "1", LATER, EYES)
    assert isinstance(cancelled, Cancelled)
    first, second, third = entries(book, DAY)
    assert first == Entry("1", "1", FIRST, (), cancelled)
    assert (second.patient_number, names(second.appointments), second.cancelled) == ("9", ["08:30 眼科"], None)
    assert (third.receptions[0].number, names(third.appointments)) == ("3", ["08:50 眼科", "09:00 内科"])
    assert entries(book, DAY + timedelta(days=1)) == []


def test_a_naive_time_is_a_bug(book: SqliteReservations) -> None:
    naive = AT.replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        register(book, "9", naive, EYES)
    with pytest.raises(ValueError, match="aware"):
        cancel(book, "1", 1, DAY, naive, "")


def test_no_patient_data_in_reprs() -> None:
    private = ("4711", "眼科", "甲", "2階", "別の方でした")
    cancelled = Cancelled("4711", FIRST, AT, "別の方でした")
    for value in (EYES, cancelled, NotRegistered("4711"), Entry("1", "4711", FIRST, (), cancelled)):
        assert not any(each in repr(value) for each in private)


# --- a loss, a night, another version ---------------------------------------------------------------------------------


def busy_day(book: SqliteReservations) -> None:
    """Arrivals 1 (cancelled), 2, 3 (1 anew), 4 (cancelled); with walk-ins in 2 to 4."""
    register(book, "1", AT)
    cancel(book, "1", 1, DAY, AT, "a")
    register(book, "9", AT, EYES)
    register(book, "1", AT, EYES)
    register(book, "8", AT, EYES)
    cancel(book, "8", 4, DAY, AT, "b")


def before(book: SqliteReservations) -> None:
    upkeep.back_up(book.file, datetime.now(UTC), yes)


def nothing(book: SqliteReservations) -> None:
    pass


def lose_what_is_beside(book: SqliteReservations) -> None:
    for path in book.file.beside.backups.glob("arrivals-*"):
        path.unlink()


@pytest.mark.parametrize("first", [nothing, before])
@pytest.mark.parametrize("last", [nothing, before])
def test_after_a_loss_the_register_is_as_it_was(
    book: SqliteReservations,
    first: Callable[[SqliteReservations], None],
    last: Callable[[SqliteReservations], None],
) -> None:
    first(book)
    busy_day(book)
    last(book)
    was, found = entries(book, DAY), find(book, "9", DAY)
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert entries(book, DAY) == was
    assert find(book, "9", DAY).appointments == found.appointments
    put(book, "9,2099-01-15,11:00,外科,,", "8,2099-01-15,11:00,外科,,")
    assert names(find(book, "9", DAY).appointments) == ["08:30 眼科", "11:00 外科"], "it is still known as a walk-in"
    assert names(find(book, "8", DAY).appointments) == ["11:00 外科"], "a walk-in that was cancelled stays away"
    assert number(register(book, "8", LATER)) == "5"


def test_a_backup_from_before_the_cancelling_does_not_bring_the_arrival_back(book: SqliteReservations) -> None:
    register(book, "1", AT)
    before(book)
    cancelled = cancel(book, "1", 1, DAY, AT, "a")
    assert isinstance(cancelled, Cancelled)
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert (entries(book, DAY), find(book, "1", DAY).receptions) == ([Entry("1", "1", FIRST, (), cancelled)], ())
    assert cancel(book, "1", 1, DAY, LATER, "b") == cancelled


def test_what_is_only_in_the_database_that_is_put_aside_is_salvaged(book: SqliteReservations) -> None:
    before(book)
    busy_day(book)
    was, found = entries(book, DAY), find(book, "9", DAY)
    lose_what_is_beside(book)
    assert rescue.rebuild(book.file, DAY, by_hand=True) is not None
    assert entries(book, DAY) == was
    put(book, "9,2099-01-15,11:00,外科,,")
    assert names(find(book, "9", DAY).appointments) == [*names(found.appointments), "11:00 外科"]


def test_what_was_not_kept_beside_the_database_is_kept_at_the_next_start(book: SqliteReservations) -> None:
    busy_day(book)
    lose_what_is_beside(book)
    was = entries(book, DAY)
    book.begin_keeping(DAY, datetime.now(UTC))
    kept = (book.file.beside.backups / f"arrivals-{DAY}.jsonl").read_text(encoding="utf-8")
    book.begin_keeping(DAY, datetime.now(UTC))
    assert (book.file.beside.backups / f"arrivals-{DAY}.jsonl").read_text(encoding="utf-8") == kept
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert entries(book, DAY) == was


def test_lines_that_are_no_records_cost_only_themselves(book: SqliteReservations) -> None:
    busy_day(book)
    was = entries(book, DAY)
    kept = book.file.beside.backups / f"arrivals-{DAY}.jsonl"
    broken = (
        '{"cancelled": [1, "1"], "at": 5, "why": 5}\n{"cancelled": ["x", "1", "y"], "at": "z", "why": ""}\n'
        '{"cancelled": [2, "9", "then"], "at": "now", "why": ""}\n{"walk_ins": [["a"], "b"]}\n{"walk_ins": 5}\n[]\n5\n'
    )
    kept.write_text(broken + kept.read_text(encoding="utf-8") + broken, encoding="utf-8")
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert entries(book, DAY) == was


def test_the_night_deletes_walk_ins_and_cancelled_arrivals_with_their_day(book: SqliteReservations) -> None:
    busy_day(book)
    assert upkeep.oldest_day(book.file) == DAY
    upkeep.prune(book.file, DAY + timedelta(days=1), yes)
    assert upkeep.oldest_day(book.file) is None


def older_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", sqlite_file.MIGRATIONS[:-1])


def put_before(book: SqliteReservations, patient: str) -> None:
    """As the program of the version before imports."""
    with closing(sqlite3.connect(book.file.path)) as connection:
        row = ("2099-01-15", patient, "09:00", "内科", "乙", "A棟", "")
        connection.execute("INSERT INTO appointment VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.commit()


def test_a_backup_of_the_version_before_is_good(book: SqliteReservations, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as older:
        older_program(older)
        old = SqliteReservations(tmp_path / "old")
        put_before(old, "1")
        with closing(sqlite3.connect(old.file.path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (len(sqlite_file.MIGRATIONS),)
            connection.execute("INSERT INTO arrival VALUES ('2099-01-15', '1', 1, ?)", (AT.isoformat(),))
            connection.execute(
                "INSERT INTO registered_appointment VALUES ('2099-01-15', '1', '09:00', '内科', '乙', 'A棟', '')"
            )
            connection.commit()
        upkeep.back_up(old.file, datetime.now(UTC), yes)
    old.file.path.unlink()
    rebuilt = rescue.rebuild(old.file, DAY)
    assert rebuilt is not None
    assert (rebuilt.backup is not None, rebuilt.arrivals) == (True, 1)
    assert isinstance(cancel(SqliteReservations(tmp_path / "old"), "1", 1, DAY, AT, "a"), Cancelled)


def test_an_old_file_that_is_put_in_its_place_while_it_is_in_use_is_brought_up(
    book: SqliteReservations, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as older:
        older_program(older)
        old = SqliteReservations(tmp_path / "old")
        put_before(old, "7")
    old.file.path.rename(book.file.path)
    book.file.look()
    assert number(register(book, "7", AT, EYES)) == "1"


def test_what_the_program_of_the_version_before_writes_and_reads_is_good(book: SqliteReservations) -> None:
    """Its own statements, on a database of this version: it registers, and puts arrivals back."""
    busy_day(book)
    with closing(sqlite3.connect(book.file.path)) as connection:
        kept = connection.execute("SELECT patient_number FROM arrival WHERE day = '2099-01-15'").fetchall()
        assert kept == [("1",), ("9",)], "who was cancelled has not arrived there either"
        connection.execute("UPDATE reception_counter SET last = last + 1 WHERE day = '2099-01-15'")
        connection.execute("INSERT INTO arrival VALUES ('2099-01-15', '2', 5, ?)", (AT.isoformat(),))
        connection.execute(
            "INSERT OR IGNORE INTO registered_appointment VALUES ('2099-01-15', '2', '09:00', '内科', '乙', 'A棟', '')"
        )
        connection.execute("DELETE FROM arrival WHERE day < '2099-01-15'")
        connection.commit()
    assert [each.receptions[0].number for each in entries(book, DAY)] == ["1", "2", "3", "4", "5"]
    assert number(register(book, "5", LATER, EYES)) == "6"
