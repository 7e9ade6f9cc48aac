"""Reception numbers of the embedded book: one series, or by entrance or department, the system's, a brought one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reservations import Appointment, Coded, Numbering, Reception, Registered, WalkIn, csv_file
from drivers.reservations.ports import Book
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import cancel, entries, find, number, order, register, registered, soon, sure

JST = timezone(timedelta(hours=9))
DAY = date(2099, 1, 15)
AT = datetime(2099, 1, 15, 8, 30, tzinfo=JST)
EYES = WalkIn("眼科", "甲", "2階", "12", "0001")


def put(book: SqliteReservations, *rows: str) -> None:
    book.import_rows(csv_file.read(("patient_number,date,time,department,doctor,place\n" + "\n".join(rows)).encode()))


def departments(folder: Path) -> SqliteReservations:
    """With two departments for patient 1 and one for patient 2."""
    book = SqliteReservations(folder, numbering=Numbering("department"))
    put(book, "1,2099-01-15,9:00,内科,,", "1,2099-01-15,10:00,眼科,,", "2,2099-01-15,10:00,眼科,,")
    return book


def given(book: Book, patient: str, walk_in: WalkIn | None = None) -> list[str]:
    """The department and the number of each reception."""
    return [each.department + each.number for each in registered(book, patient, AT, walk_in).receptions]


def test_each_entrance_has_a_series_with_its_letters(tmp_path: Path) -> None:
    first, second = (SqliteReservations(tmp_path, numbering=Numbering("entrance", letters)) for letters in "AB")
    assert [number(register(first, patient, AT, EYES)) for patient in ("1", "2", "1")] == ["A1", "A2", "A1"]
    assert [number(register(second, patient, AT, EYES)) for patient in ("3", "1")] == ["B1", "A1"]
    (only,) = registered(second, "1", AT).receptions
    assert (only.entrance, only.at) == ("A", AT), "who comes to another entrance hears of the first"
    assert [each.receptions[0].number for each in entries(first, DAY)] == ["A1", "A2", "B1"]
    tomorrow = AT + timedelta(days=1)
    assert number(register(first, "1", tomorrow, EYES)) == "A1"


def test_one_series_for_the_hospital_names_the_entrance(tmp_path: Path) -> None:
    for letters, patient in (("A", "1"), ("B", "2")):
        book = SqliteReservations(tmp_path, numbering=Numbering("hospital", letters))
        (only,) = registered(book, patient, AT, EYES).receptions
        assert (only.number, only.entrance) == (patient, letters)


def test_each_department_has_a_series_and_a_visit_a_number_of_each(tmp_path: Path) -> None:
    book = departments(tmp_path)
    assert given(book, "2") == ["眼科1"]
    assert given(book, "1") == ["内科1", "眼科2"]
    assert given(book, "1", WalkIn("外科")) == ["内科1", "眼科2", "外科1"]
    assert given(book, "1", WalkIn("外科")) == ["内科1", "眼科2", "外科1"]
    assert [each.key for each in find(book, "1", DAY).receptions] == ["2", "2.1", "2.2"]
    assert [(each.key, len(each.receptions)) for each in entries(book, DAY)] == [("1", 1), ("2", 3)]


def test_all_receptions_of_a_line_are_cancelled_by_any_of_them_and_no_number_comes_again(tmp_path: Path) -> None:
    book = departments(tmp_path)
    first = registered(book, "1", AT)
    answer = book.cancel("1", first.receptions[1], DAY, AT, "別の方", soon())
    assert answer == cancel(book, "1", 1, DAY, AT)
    (line,) = entries(book, DAY)
    assert line.cancelled is not None
    assert line.receptions == line.cancelled.receptions == first.receptions
    assert given(book, "2") == ["眼科2"]
    assert given(book, "1") == ["内科2", "眼科3"]


@pytest.mark.parametrize(("backup", "beside"), [(False, True), (True, True), (True, False)])
def test_after_a_loss_no_series_gives_a_number_twice(tmp_path: Path, backup: bool, beside: bool) -> None:
    book = departments(tmp_path)
    if backup:
        upkeep.back_up(book.file, datetime.now(UTC), lambda: True)
    given(book, "1", EYES)
    given(book, "9", EYES)
    cancel(book, "9", 2, DAY, AT)
    was = entries(book, DAY)
    if beside:
        book.file.path.unlink()
    else:  # what can be read of the one that is put aside
        for path in (*book.file.beside.backups.glob("arrivals-*"), book.file.data_dir / "reservations.series"):
            path.unlink()
    assert rescue.rebuild(book.file, DAY, by_hand=not beside) is not None
    assert entries(book, DAY) == was
    assert given(book, "2", EYES) == ["眼科3"]
    (again,) = (each for each in entries(book, DAY) if each.patient_number == "1")
    assert again.appointments == was[0].appointments


def test_the_highest_number_of_a_series_alone_keeps_it_from_being_given_twice(tmp_path: Path) -> None:
    book = departments(tmp_path)
    old = book.file.path.read_bytes()
    assert given(book, "1") == ["内科1", "眼科1"]
    book.file.path.write_bytes(old)  # an old copy, by hand
    assert given(book, "2") == ["眼科2"]
    for path in book.file.beside.backups.iterdir():
        path.unlink()
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert given(book, "9", WalkIn("眼科")) == ["眼科3"]
    assert given(book, "8", WalkIn("内科")) == ["内科2"]


def test_series_are_kept_for_a_few_days(tmp_path: Path) -> None:
    book = departments(tmp_path)
    for day in range(6):
        book.file.beside.keep_series(DAY + timedelta(days=day), {"department:内科": day + 1})
    known = [book.file.beside.series(DAY + timedelta(days=day)) for day in range(6)]
    assert known[-1] == {"department:内科": 6}
    assert known[0] == {}
    book.file.beside.keep_series(DAY + timedelta(days=5), {"department:内科": 2})
    assert book.file.beside.series(DAY + timedelta(days=5)) == {"department:内科": 6}, "never lower"


# --- numbers that others gave -----------------------------------------------------------------------------------------


def test_under_a_number_that_was_brought_none_of_the_series_is_used(tmp_path: Path) -> None:
    book = SqliteReservations(tmp_path)
    assert number(register(book, "1", AT, EYES)) == "1"
    asked = order("2", AT, EYES, number="K3-001")
    brought = sure(book.register(asked, soon()))
    assert number(brought) == "K3-001"
    assert number(book.register(order("3", AT, EYES, number="K3-002"), soon())) == "K3-002"
    assert book.register(asked, soon()) == brought
    cancel(book, "3", entries(book, DAY)[-1].key, DAY, AT)
    assert number(register(book, "4", AT, EYES)) == "2"
    assert [each.receptions[0].number for each in entries(book, DAY)] == ["1", "2", "K3-001", "K3-002"]
    book.file.path.unlink()
    assert rescue.rebuild(book.file, DAY) is not None
    assert number(register(book, "5", AT, EYES)) == "3"
    assert number(book.register(order("6", AT, EYES, number="K3-003"), soon())) == "K3-003"


def test_the_program_of_the_version_before_that_counted_on_from_a_brought_number_costs_no_patient(
    tmp_path: Path,
) -> None:
    book = SqliteReservations(tmp_path)
    assert number(register(book, "1", AT, EYES)) == "1"
    assert number(book.register(order("2", AT, EYES, number="K3-001"), soon())) == "K3-001"
    with closing(sqlite3.connect(book.file.path)) as connection:
        connection.execute("UPDATE reception_counter SET last = 50002")
        connection.execute("INSERT INTO arrival VALUES ('2099-01-15', '3', 50002, ?)", (AT.isoformat(),))
        connection.commit()
    book.file.beside.keep_number(DAY, 50_002)
    assert number(register(book, "4", AT, EYES)) == "2"
    assert number(book.register(order("5", AT, EYES, number="K3-002"), soon())) == "K3-002"
    assert number(register(book, "6", AT, EYES)) == "3"
    assert [each.receptions[0].number for each in entries(book, DAY) if each.patient_number == "3"] == ["50002"]


def system_has(*receptions: Reception, ours: bool = True) -> Registered:
    """What a system answers for patient 1."""
    what = Appointment(DAY, AT.time(), "内科", "乙", "", "", "採血から", department_code="01", doctor_code="0002")
    coded = replace(what, kind=Coded("03", "検査"), key="2099-01-15/08:30/0002/03")
    return Registered("1", receptions, (coded,), ours)


def test_the_systems_numbers_are_given_where_it_numbers_and_the_books_own_where_the_book_does(tmp_path: Path) -> None:
    there = (Reception("00017", AT, "内科", "00017"), Reception("00018", AT, "眼科", "00018"))
    for by_system, numbers in ((True, ["00017", "00018"]), (False, ["1"])):
        book = SqliteReservations(tmp_path / str(by_system), numbering=Numbering("hospital", "A", by_system))
        settled = sure(book.settle(order("1", AT), system_has(*there), soon()))
        assert [each.number for each in settled.receptions] == numbers
        assert {each.entrance for each in settled.receptions} == {"A"}
        assert settled.appointments == system_has().appointments
        (line,) = entries(book, DAY)
        assert (line.of_system, line.receptions) == (there, settled.receptions)
        assert line.receptions[0].key == line.key
        book.file.path.unlink()
        assert rescue.rebuild(book.file, DAY) is not None
        assert entries(book, DAY) == [line]


def test_a_system_that_gives_no_number_is_numbered_by_the_book(tmp_path: Path) -> None:
    book = SqliteReservations(tmp_path, numbering=Numbering(by_system=True))
    assert number(book.settle(order("1", AT), system_has(), soon())) == "1"
