"""The embedded reservation database as one process sees it: look-up, arrival, import, and what trouble looks like."""

import contextlib
import fcntl
import sqlite3
import subprocess
import sys
import threading
import time as clock
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reservations import Found, Imported, NothingToRegister, Registered, ReservationsDown, Withdrawn, csv_file
from drivers.reservations.ports import Reservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import (
    arrived,
    count,
    entries,
    find,
    number,
    order,
    register,
    registered,
    soon,
    sure,
    trouble,
)

DAY = date(2026, 1, 15)
JST = timezone(timedelta(hours=9))
AT = datetime(2026, 1, 15, 8, 30, tzinfo=JST)
HEADER = "patient_number,date,time,department,doctor,place,note\n"


def put(reservations: SqliteReservations, *lines: str) -> Imported:
    return reservations.import_rows(csv_file.read((HEADER + "\n".join(lines)).encode()))


@pytest.fixture
def reservations(tmp_path: Path) -> SqliteReservations:
    return SqliteReservations(tmp_path)


def test_appointments_of_the_day_come_in_time_order_and_the_next_day_is_named(reservations: SqliteReservations) -> None:
    put(
        reservations,
        "00123,2026/1/15,13:00,外科,髙橋,B棟,memo",
        "00123,2026-01-15,9:00,内科,𠮷田,A棟,",
        "00123,2026-01-20,9:00,内科,𠮷田,A棟,",
        "00123,2026-01-14,9:00,内科,𠮷田,A棟,",
        "123,2026-01-15,10:00,眼科,甲,C棟,",
    )
    found = find(reservations, "00123", DAY)
    assert found.patient_number == "00123"
    assert [(a.time, a.department, a.doctor, a.place, a.note) for a in found.appointments] == [
        (time(9, 0), "内科", "𠮷田", "A棟", ""),
        (time(13, 0), "外科", "髙橋", "B棟", "memo"),
    ]
    assert (found.next_day, found.receptions) == (date(2026, 1, 20), ())
    assert count(reservations, DAY) == 3


def test_a_message_to_the_patient_comes_with_the_appointment_until_another_import(
    reservations: SqliteReservations,
) -> None:
    day = "1,2026-01-15,9:00,内科,,,memo"
    text = f"{HEADER[:-1]},message\n{day},採尿してから診察へ\n1,2026-01-15,13:00,外科,,,,\n"
    reservations.import_rows(csv_file.read(text.encode()))
    for found in (find(reservations, "1", DAY), registered(reservations, "1", AT), entries(reservations, DAY)[0]):
        assert [(a.message, a.note, a.walk_in) for a in found.appointments] == [
            ("採尿してから診察へ", "memo", False),
            ("", "", False),
        ]
    put(reservations, day)
    assert [a.message for a in find(reservations, "1", DAY).appointments] == [""]


def test_the_next_day_is_named_with_its_departments_and_the_last_arrival(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,", "1,2026-02-02,13:00,外科,,,", "1,2026-02-02,9:00,眼科,,,")
    register(reservations, "1", AT)
    found = find(reservations, "1", DAY + timedelta(1))
    assert (found.next_day, found.next_departments) == (date(2026, 2, 2), ("眼科", "外科"))
    assert (found.last_day, found.last_arrival) == (DAY, DAY)
    assert find(reservations, "1", DAY).last_arrival is None
    assert find(reservations, "1", date(2026, 2, 2)).next_departments == ()


def test_nobody_is_found_without_an_appointment_and_nothing_is_registered(reservations: SqliteReservations) -> None:
    port: Reservations = reservations
    assert find(port, "9", DAY) == Found("9", (), None)
    assert register(port, "9", AT) == NothingToRegister("9")
    assert arrived(port, DAY) == []


def test_the_first_arrival_gets_one_and_the_second_time_gets_the_same_number(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,", "1,2026-01-15,13:00,外科,,,", "2,2026-01-15,9:00,内科,,,")
    first = registered(reservations, "1", AT)
    (only,) = first.receptions
    assert (only.number, only.at, only.department, len(first.appointments), first.ours) == ("1", AT, "", 2, True)
    assert register(reservations, "1", AT + timedelta(hours=1)) == replace(first, ours=False)
    assert number(register(reservations, "2", AT)) == "2"
    assert arrived(reservations, DAY) == [("1", "1"), ("2", "2")]
    assert find(reservations, "1", DAY).receptions == first.receptions


def test_the_same_attempt_is_ours_however_often_it_is_asked(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    asked = order("1", AT)
    first = sure(reservations.register(asked, soon()))
    assert first.ours
    registered(reservations, "1", AT)
    assert reservations.register(asked, soon()) == first
    assert len(arrived(reservations, DAY)) == 1


def test_numbers_begin_at_one_again_after_midnight(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,", "1,2026-01-16,9:00,内科,,,", "2,2026-01-16,9:00,内科,,,")
    late = register(reservations, "1", datetime(2026, 1, 15, 23, 59, 59, tzinfo=JST))
    early = register(reservations, "2", datetime(2026, 1, 16, 0, 0, 1, tzinfo=JST))
    same = register(reservations, "1", datetime(2026, 1, 16, 0, 0, 2, tzinfo=JST))
    assert [number(late), number(early), number(same)] == ["1", "1", "2"]


def test_an_arrival_that_comes_too_late_leaves_nothing_and_uses_no_number(tmp_path: Path) -> None:
    """Judged when all is written: the clock passes the limit while it is."""
    looked = iter([AT + timedelta(seconds=seconds) for seconds in (11, 10)])
    reservations = SqliteReservations(tmp_path, clock=lambda: next(looked))
    put(reservations, "1,2026-01-15,9:00,内科,,,", "2,2026-01-15,9:00,内科,,,")
    asked = replace(order("1", AT), not_after=AT + timedelta(seconds=10))
    assert reservations.register(asked, soon()) == Withdrawn("1")
    assert arrived(reservations, DAY) == []
    in_time = sure(reservations.register(replace(asked, patient_number="2"), soon()))
    assert number(in_time) == "1"
    assert number(reservations.register(replace(asked, patient_number="2"), soon())) == "1", "what is there is said"


def test_a_call_whose_time_is_over_does_nothing(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    asked, over = order("1", AT), clock.monotonic()
    for answer in (
        reservations.register(asked, over),
        reservations.settle(asked, NothingToRegister("1"), over),
        reservations.take(asked, 10.0, over),
        reservations.find("1", DAY, over),
    ):
        assert (trouble(answer).code, trouble(answer).maybe_done) == ("late", False)
    assert arrived(reservations, DAY) == []


def test_an_arrival_and_its_appointments_survive_an_import_that_replaces_the_day(
    reservations: SqliteReservations,
) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,", "3,2026-01-16,9:00,内科,,,")
    first = registered(reservations, "1", AT)
    put(reservations, "2,2026-01-15,9:00,内科,,,")
    found = find(reservations, "1", DAY)
    assert (found.receptions, found.appointments) == (first.receptions, first.appointments)
    assert register(reservations, "1", AT) == replace(first, ours=False)
    assert len(find(reservations, "3", DAY + timedelta(1)).appointments) == 1, "a day not in the file was touched"
    assert count(reservations, DAY) == 1


def test_an_appointment_made_after_the_arrival_is_registered_under_the_same_number(
    reservations: SqliteReservations,
) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    first = registered(reservations, "1", AT)
    put(reservations, "1,2026-01-15,9:00,内科,,,", "1,2026-01-15,11:00,眼科,,,")
    again = registered(reservations, "1", AT)
    assert (again.receptions, again.ours) == (first.receptions, False)
    assert [a.department for a in again.appointments] == ["内科", "眼科"]
    put(reservations, "2,2026-01-15,9:00,内科,,,")
    assert [a.department for a in find(reservations, "1", DAY).appointments] == ["内科", "眼科"]


def test_an_import_without_rows_changes_nothing(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    assert put(reservations) == Imported(0, 0)
    assert count(reservations, DAY) == 1


def test_a_reader_during_an_import_sees_all_of_the_old_state(reservations: SqliteReservations, tmp_path: Path) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    reader = SqliteReservations(tmp_path)
    seen: list[tuple[int, int]] = []
    # More than SQLite's usual cache holds: written early, it would shut the reader out until the commit.
    lines = "\n".join(f"{n},2026-01-15,10:00,外科,,A棟1階2番窓口の右の奥の廊下の先," for n in range(30_000))
    many = csv_file.read((HEADER + lines).encode())
    reservations.import_rows(many, lambda done, total: seen.append((done, count(reader, DAY))))
    assert seen == [(done, 1) for done in range(5000, 30_001, 5000)]
    assert count(reader, DAY) == 30_000


def test_an_import_that_is_stopped_half_way_changes_nothing(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")

    def stop(done: int, total: int) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        reservations.import_rows(csv_file.read((HEADER + "2,2026-01-15,9:00,外科,,,").encode()), stop)
    assert [len(find(reservations, n, DAY).appointments) for n in ("1", "2")] == [1, 0]


def test_an_arrival_during_an_import_waits_for_it_and_is_registered(reservations: SqliteReservations) -> None:
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    answers: list[object] = []
    arriving = threading.Thread(target=lambda: answers.append(register(reservations, "1", AT)))

    def meanwhile(done: int, total: int) -> None:
        if not arriving.is_alive():
            arriving.start()
        assert answers == []

    new = csv_file.read((HEADER + "1,2026-01-15,14:00,外科,,,").encode())
    reservations.import_rows(new, meanwhile)
    arriving.join(30)
    (answer,) = answers
    assert isinstance(answer, Registered)
    assert [a.department for a in answer.appointments] == ["外科"]


def test_there_is_no_write_ahead_log_even_if_somebody_switched_it_on(tmp_path: Path) -> None:
    put(SqliteReservations(tmp_path), "1,2026-01-15,9:00,内科,,,")
    database = tmp_path / "reservations.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    assert isinstance(register(SqliteReservations(tmp_path), "1", AT), Registered)
    assert database.read_bytes()[18:20] == b"\x01\x01", "the file format is that of a rollback journal"
    assert not list(tmp_path.glob("*-wal"))
    assert database.stat().st_mode & 0o077 == 0


def test_a_commit_that_was_cut_off_is_undone_by_the_next_reader(
    reservations: SqliteReservations, tmp_path: Path
) -> None:
    """A read-only connection cannot roll back a hot journal; look-ups must not fail until the next writer comes."""
    put(reservations, *(f"{n},2026-01-15,9:00,内科,甲,A棟1階,memo" for n in range(3000)))
    # A cache of one page makes SQLite write into the file before the commit, and then it is gone.
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA journal_mode=TRUNCATE'); c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE');"
        "c.execute('UPDATE appointment SET doctor = ?', ('half',)); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "reservations.db")], check=False, timeout=60)
    assert (tmp_path / "reservations.db-journal").stat().st_size > 0, "the test did not make a hot journal"
    assert [a.doctor for a in find(reservations, "7", DAY).appointments] == ["甲"]
    assert count(reservations, DAY) == 3000


def test_a_lock_that_is_not_given_back_is_reported_in_time(tmp_path: Path) -> None:
    reservations = SqliteReservations(tmp_path, lock_wait_s=0.2)
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    with (tmp_path / "reservations.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asked = reservations.register(order("1", AT), clock.monotonic() + 0.2)
        assert "another writer held reservations.lock for 0.2 s" in trouble(asked).what
        assert not trouble(asked).maybe_done
        with pytest.raises(ReservationsDown, match="for 0\\.2 s"):
            put(reservations, "1,2026-01-15,9:00,内科,,,")
        assert count(reservations, DAY) == 1, "readers need no lock"
    assert isinstance(register(reservations, "1", AT), Registered)


@pytest.mark.parametrize("content", [b"this is not a database" * 300, b"SQLite format 3\x00" + b"\xff" * 8176])
def test_a_damaged_database_is_reported_and_kept_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reservations.db").write_bytes(content)
    reservations = SqliteReservations(tmp_path)
    assert trouble(reservations.find("1", DAY, soon())).what.startswith("reservations.db: ")
    assert trouble(register(reservations, "1", AT)).kind == "unreachable"
    assert (tmp_path / "reservations.db").read_bytes() == content


def test_pages_damaged_while_running_are_reported(reservations: SqliteReservations, tmp_path: Path) -> None:
    put(reservations, *(f"{n},2026-01-15,9:00,内科,,," for n in range(2000)))
    database = tmp_path / "reservations.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert trouble(reservations.find("1", DAY, soon())).code == "damaged"


def test_a_database_that_vanished_is_not_made_anew_while_we_run(
    reservations: SqliteReservations, tmp_path: Path
) -> None:
    """Its numbers would begin at 1 again, and a second patient would get a number that was given already."""
    put(reservations, "1,2026-01-15,9:00,内科,,,")
    (tmp_path / "reservations.db").unlink()
    for answer in (reservations.find("1", DAY, soon()), register(reservations, "1", AT)):
        assert trouble(answer).code == "missing"
    assert not (tmp_path / "reservations.db").exists()


def test_a_database_of_another_program_or_of_a_newer_kiosk_is_refused(tmp_path: Path) -> None:
    for name, statement, text in (
        ("foreign", "CREATE TABLE theirs (x)", "another program"),
        ("newer", "PRAGMA user_version=99", "newer version"),
    ):
        folder = tmp_path / name
        if name == "newer":
            SqliteReservations(folder)
        folder.mkdir(exist_ok=True)
        with contextlib.closing(sqlite3.connect(folder / "reservations.db")) as connection:
            connection.execute(statement)
            connection.commit()
        assert text in trouble(SqliteReservations(folder).find("1", DAY, soon())).what


def test_trouble_at_the_start_is_over_when_its_cause_is_gone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.write_text("a file where the folder should be")
    reservations = SqliteReservations(data_dir)
    assert trouble(reservations.find("1", DAY, soon())).code == "folder"
    data_dir.unlink()
    assert find(reservations, "1", DAY).appointments == ()


def test_a_naive_time_is_a_bug(reservations: SqliteReservations) -> None:
    with pytest.raises(ValueError, match="aware"):
        register(reservations, "1", datetime(2026, 1, 15, 8, 30))


def test_no_patient_data_in_reprs_and_errors(reservations: SqliteReservations, tmp_path: Path) -> None:
    put(reservations, "ZZCANARY1,2026-01-15,9:00,ZZCANARY2,ZZCANARY3,ZZCANARY4,ZZCANARY5")
    parsed = csv_file.read((HEADER + "ZZCANARY1,2026-01-15,9:00,ZZCANARY2,ZZCANARY3,,").encode())
    texts = [repr(parsed), repr(find(reservations, "ZZCANARY1", DAY))]
    texts += [repr(register(reservations, "ZZCANARY1", AT.astimezone(UTC))), repr(arrived(reservations, DAY))]
    (tmp_path / "reservations.db").write_bytes(b"x" * 5000)
    texts.append(repr(trouble(reservations.find("ZZCANARY1", DAY, soon()))))
    texts.append(repr(order("ZZCANARY1", AT)))
    assert "ZZCANARY" not in "".join(texts)
