"""A reservation database that is damaged, emptied, deleted or locked: begun anew, and no number given twice."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from drivers.reservations import NothingToRegister, ReservationsDown, csv_file
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.beside import acknowledge
from drivers.reservations.sqlite.file import DATABASE_NAME, MIGRATIONS
from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments.restore import import_again
from tests import ROOT
from tests.drivers.reservations import asking
from tests.drivers.reservations.asking import find, register, soon, trouble

JST = timezone(timedelta(hours=9))
DAY = date(2099, 1, 15)
AT = datetime(2099, 1, 15, 8, 30, tzinfo=JST)
HEADER = "patient_number,date,time,department,doctor,place,note\n"
ROW = "{},2099-01-15,9:00,内科,甲,A棟,"
# Of the real clock: when exports are imported is compared with when backups were made.
HOUR = timedelta(hours=1)


def yes() -> bool:
    return True


def put(book: SqliteReservations, *numbers: str) -> None:
    book.import_rows(csv_file.read((HEADER + "\n".join(map(ROW.format, numbers))).encode()))


def arrive(book: SqliteReservations, number: str) -> int:
    return int(asking.number(register(book, number, AT)))


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def pages(path: Path) -> None:
    """Everything but the first page: what begins to be read well."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGE = [garbage, pages, emptied, half, Path.unlink]


@pytest.fixture
def book(tmp_path: Path) -> SqliteReservations:
    made = SqliteReservations(tmp_path)
    put(made, *(str(n) for n in range(1, 300)))
    return made


def aside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{DATABASE_NAME}.broken-*"))


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_broken_is_begun_anew_from_the_backup_and_the_arrivals(
    book: SqliteReservations, tmp_path: Path, damage: Callable[[Path], None], running: bool
) -> None:
    assert arrive(book, "1") == 1
    upkeep.back_up(book.file, datetime.now(UTC) + HOUR, yes)
    assert [arrive(book, number) for number in ("2", "3")] == [2, 3]
    content = book.file.path.read_bytes()
    damage(book.file.path)
    if not running:
        book = SqliteReservations(tmp_path)
    assert trouble(book.find("299", DAY, soon())).code in ("damaged", "missing")
    assert book.file.suspected
    rebuilt = rebuild(book.file, DAY)
    assert rebuilt is not None
    assert (rebuilt.arrivals, rebuilt.backup is not None) == (3, True)
    assert [arrive(book, number) for number in ("3", "2", "1", "4")] == [3, 2, 1, 4]
    assert [a.department for a in find(book, "3", DAY).appointments] == ["内科"]
    assert rebuild(book.file, DAY) is None, "what is well is left alone"
    left = aside(tmp_path)
    assert len(left) == (0 if damage is Path.unlink else 1)
    if damage is garbage:
        assert (tmp_path / left[0]).read_bytes() == b"this is no database" * 1000
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*"))
    assert content


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_any_backup_the_numbers_go_on_and_who_arrived_is_already(
    book: SqliteReservations, damage: Callable[[Path], None]
) -> None:
    assert [arrive(book, number) for number in ("1", "2")] == [1, 2]
    damage(book.file.path)
    assert rebuild(book.file, DAY) is not None
    assert arrive(book, "2") == 2
    put(book, "3")
    assert arrive(book, "3") == 3


def test_the_highest_number_alone_keeps_a_number_from_being_given_twice(book: SqliteReservations) -> None:
    assert [arrive(book, number) for number in ("1", "2")] == [1, 2]
    for path in book.file.beside.backups.iterdir():
        path.unlink()
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    put(book, "3")
    assert arrive(book, "3") == 3


def test_an_old_copy_put_back_by_hand_does_not_give_a_number_twice(book: SqliteReservations) -> None:
    assert arrive(book, "1") == 1
    old = book.file.path.read_bytes()
    assert arrive(book, "2") == 2
    book.file.path.write_bytes(old)
    assert arrive(book, "3") == 3


def test_until_the_day_is_imported_again_nobody_is_told_that_there_is_no_appointment(
    book: SqliteReservations, tmp_path: Path
) -> None:
    upkeep.back_up(book.file, datetime.now(UTC) - HOUR, yes)  # of the night; the export came in the morning
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    for again in (book, SqliteReservations(tmp_path)):  # a restart does not end it
        assert len(find(again, "5", DAY).appointments) == 1, "who is found goes on"
        for answer in (again.find("999", DAY, soon()), register(again, "999", AT), again.day_list(DAY, soon())):
            assert "not all there again" in trouble(answer).what
    other = csv_file.read((HEADER + "1,2099-01-16,9:00,内科,,,").encode())
    book.import_rows(other)
    assert trouble(book.find("999", DAY, soon())).code == "unsure"
    put(book, "999")
    assert len(find(book, "999", DAY).appointments) == 1
    assert find(book, "5", DAY).appointments == ()
    assert register(book, "5", AT) == NothingToRegister("5")


def test_a_backup_that_holds_the_last_import_of_the_day_is_enough(book: SqliteReservations) -> None:
    book.file.beside.importing([DAY], datetime.now(UTC) - HOUR)
    upkeep.back_up(book.file, datetime.now(UTC), yes)
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert find(book, "999", DAY).appointments == ()


def test_what_was_imported_before_this_version_is_only_sure_in_a_backup_since(book: SqliteReservations) -> None:
    """An older version did not note its imports."""
    (book.file.data_dir / "reservations.imports").unlink()
    book.begin_keeping(DAY, datetime.now(UTC))
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert trouble(book.find("999", DAY, soon())).code == "unsure"


def done(folder: Path, at: datetime, *rows: str) -> Path:
    (folder / "done").mkdir(parents=True, exist_ok=True)
    path = folder / "done" / f"{at:%Y%m%dT%H%M%SZ}-export.csv"
    path.write_text(HEADER + "\n".join(rows))
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_the_exports_in_done_bring_the_day_back(book: SqliteReservations, tmp_path: Path) -> None:
    now, folder = datetime.now(UTC), tmp_path / "in"
    book.file.beside.importing([DAY], now - 2 * HOUR)
    done(folder, now - 3 * HOUR, ROW.format("1"))
    done(folder, now - 2 * HOUR, ROW.format("2"), ROW.format("7").replace("01-15", "01-16"))
    done(folder, now - HOUR, ROW.format("8").replace("01-15", "01-17"))
    (folder / "done" / f"{now:%Y%m%dT%H%M%SZ}-link.csv").symlink_to(book.file.path)
    (folder / "done" / f"{now:%Y%m%dT%H%M%SZ}-large.csv").touch()
    os.truncate(folder / "done" / f"{now:%Y%m%dT%H%M%SZ}-large.csv", 200 * 2**20)
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert import_again(book, folder, DAY) == 2
    assert len(find(book, "2", DAY).appointments) == 1, "the newest export of the day"
    assert find(book, "1", DAY).appointments == ()
    assert len(find(book, "7", DAY + timedelta(1)).appointments) == 1
    assert len(find(book, "8", DAY + timedelta(2)).appointments) == 1


def test_an_export_in_done_undoes_nothing_newer_and_is_not_enough_if_another_way_was_last(
    book: SqliteReservations, tmp_path: Path
) -> None:
    now, folder = datetime.now(UTC), tmp_path / "in"
    done(folder, now - HOUR, ROW.format("2"))  # and then, by the command line, what `book` holds
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    import_again(book, folder, DAY)
    assert len(find(book, "2", DAY).appointments) == 1
    assert trouble(book.find("3", DAY, soon())).code == "unsure"
    put(book, "3")
    import_again(book, folder, DAY)
    assert len(find(book, "3", DAY).appointments) == 1
    assert find(book, "2", DAY).appointments == ()


YEAR = timedelta(days=365)


@pytest.mark.parametrize("ahead", [HOUR, YEAR], ids=["an hour", "a year"])
def test_a_backup_whose_name_is_still_to_come_is_no_word_on_how_new_it_is(
    book: SqliteReservations, tmp_path: Path, ahead: timedelta
) -> None:
    now, folder = datetime.now(UTC), tmp_path / "in"
    upkeep.back_up(book.file, now + ahead, yes)  # the clock was ahead for that night
    put(book, "777")
    book.file.path.unlink()
    rebuilt = rebuild(book.file, DAY)
    assert rebuilt is not None
    assert "nobody knows from when" in str(rebuilt)
    assert len(find(book, "5", DAY).appointments) == 1, "it is all there is"
    assert trouble(book.find("777", DAY, soon())).code == "unsure"
    done(folder, datetime.now(UTC), ROW.format("777"))
    assert import_again(book, folder, DAY) == 1
    assert len(find(book, "777", DAY).appointments) == 1
    assert find(book, "5", DAY).appointments == ()


def test_a_backup_of_a_right_clock_comes_before_one_of_a_clock_that_was_ahead(book: SqliteReservations) -> None:
    right = datetime.now(UTC).replace(microsecond=0) - HOUR
    upkeep.back_up(book.file, right + YEAR, yes)
    put(book, "777")
    upkeep.back_up(book.file, right, yes)
    book.file.path.unlink()
    rebuilt = rebuild(book.file, DAY)
    assert rebuilt is not None
    assert rebuilt.backup == right
    assert len(find(book, "777", DAY).appointments) == 1


def test_an_import_that_a_clock_ahead_noted_does_not_keep_the_day_unsure(book: SqliteReservations) -> None:
    beside = book.file.beside
    beside.importing([DAY], datetime.now(UTC) + YEAR)
    book.begin_keeping(DAY, datetime.now(UTC))  # the clock is right again
    beside.note_rebuilt(datetime.now(UTC), DAY)
    assert beside.is_sure(DAY)


def test_what_a_clock_ahead_says_is_held_is_believed_only_of_what_it_imported(book: SqliteReservations) -> None:
    beside, next_day = book.file.beside, DAY + timedelta(days=1)
    beside.note_rebuilt(datetime.now(UTC) + YEAR, DAY)  # as a version before this one noted it
    beside.importing([next_day], datetime.now(UTC) + YEAR)
    beside.imported([next_day], datetime.now(UTC) + YEAR)
    book.begin_keeping(DAY, datetime.now(UTC))
    assert (beside.held_since(DAY), beside.is_sure(DAY)) == ("", False)
    assert beside.is_sure(next_day)


def test_a_day_that_is_past_only_to_a_clock_ahead_is_not_sure_by_what_is_older(book: SqliteReservations) -> None:
    beside, day = book.file.beside, datetime.now(UTC).date()
    (book.file.data_dir / "reservations.imports").unlink()
    beside.begin_imports(datetime.now(UTC) - 3 * HOUR)
    beside.importing([day], datetime.now(UTC) - HOUR)
    beside.importing([DAY], datetime.now(UTC) + YEAR)
    beside.note_rebuilt(datetime.now(UTC) - 2 * HOUR, DAY)
    assert not beside.is_sure(day)


def test_an_export_that_a_clock_ahead_put_away_undoes_no_newer_one(book: SqliteReservations, tmp_path: Path) -> None:
    now, folder = datetime.now(UTC), tmp_path / "in"
    done(folder, now + YEAR, ROW.format("1"), ROW.format("7").replace("01-15", "01-16"))
    done(folder, now, ROW.format("2"))
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert import_again(book, folder, DAY) == 2
    assert len(find(book, "2", DAY).appointments) == 1
    assert find(book, "1", DAY).appointments == ()
    assert len(find(book, "7", DAY + timedelta(1)).appointments) == 1, "it is all that is known of that day"


def test_exports_that_kill_the_reception_are_tried_twice(book: SqliteReservations) -> None:
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert [book.file.beside.take_exports_due() for _ in range(4)] == [True, True, False, False]


def test_a_bad_backup_is_passed_over(book: SqliteReservations) -> None:
    good = upkeep.back_up(book.file, datetime.now(UTC) - 2 * HOUR, yes)
    bad = upkeep.back_up(book.file, datetime.now(UTC) - HOUR, yes)
    pages(bad)
    garbage(book.file.path)
    rebuilt = rebuild(book.file, DAY)
    assert rebuilt is not None
    assert rebuilt.backup == rescue.backups(good.parent)[1][0]
    assert len(find(book, "5", DAY).appointments) == 1


def test_a_journal_whose_database_is_gone_never_meets_the_new_one(book: SqliteReservations, tmp_path: Path) -> None:
    upkeep.back_up(book.file, datetime.now(UTC) + HOUR, yes)
    (tmp_path / f"{DATABASE_NAME}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\x01" * 3000)
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert [name.endswith("-journal") for name in aside(tmp_path)] == [True]
    assert len(find(book, "5", DAY).appointments) == 1


def test_what_a_new_database_would_not_mend_is_told_and_left_alone(book: SqliteReservations, tmp_path: Path) -> None:
    for statement, undo, text in (
        ("PRAGMA user_version=99", f"PRAGMA user_version={len(MIGRATIONS)}", "newer version"),
        ("PRAGMA application_id=7", f"PRAGMA application_id={0x53414B41}", "another program"),
    ):
        for each in (statement, undo):
            with contextlib.closing(sqlite3.connect(book.file.path)) as connection:
                connection.execute(each)
                connection.commit()
            if each == statement:
                with pytest.raises(ReservationsDown, match=text):
                    book.file.look()
                with pytest.raises(ReservationsDown, match=text):
                    rebuild(book.file, DAY)
    book.file.look()
    assert aside(tmp_path) == []


@pytest.mark.parametrize("kind", ["EXCLUSIVE", "IMMEDIATE", "read", "lock"])
def test_a_lock_that_is_not_given_back_is_seen_by_a_look(book: SqliteReservations, tmp_path: Path, kind: str) -> None:
    book.file.look()
    with contextlib.ExitStack() as held:
        if kind == "lock":
            fcntl.flock(held.enter_context((tmp_path / "reservations.lock").open("rb")), fcntl.LOCK_EX)
        else:
            connection = held.enter_context(contextlib.closing(sqlite3.connect(book.file.path, isolation_level=None)))
            connection.execute("BEGIN" if kind == "read" else f"BEGIN {kind}")
            connection.execute("SELECT count(*) FROM appointment").fetchone()
        with pytest.raises(ReservationsDown, match=r"busy|another writer held"):
            book.file.look(lock_wait_s=0.2, busy_s=0.2)
    book.file.look()
    assert not book.file.suspected


def test_an_arrival_is_not_told_when_its_number_cannot_be_kept(book: SqliteReservations, tmp_path: Path) -> None:
    (tmp_path / ".reservations.number.new").mkdir()  # stands for a disk that refuses
    answer = trouble(register(book, "1", AT))
    assert (answer.code, answer.maybe_done) == ("folder", True)
    (tmp_path / ".reservations.number.new").rmdir()
    assert arrive(book, "1") == 1
    book.file.path.unlink()
    assert rebuild(book.file, DAY) is not None
    assert arrive(book, "1") == 1


@pytest.mark.parametrize("left", [b"", b'{"2099-01-15": 1}', None])
def test_a_power_cut_that_cost_the_number_file_costs_no_number(
    book: SqliteReservations, tmp_path: Path, left: bytes | None
) -> None:
    assert [arrive(book, str(patient)) for patient in (1, 2, 3)] == [1, 2, 3]
    number = tmp_path / "reservations.number"
    number.unlink()
    if left is not None:
        number.write_bytes(left)
    garbage(book.file.path)
    assert rebuild(book.file, DAY) is not None
    put(book, "4")
    assert arrive(book, "4") == 4


def test_half_a_line_of_the_kept_arrivals_costs_that_line_alone(book: SqliteReservations) -> None:
    arrive(book, "1")
    [kept] = book.file.beside.backups.glob("arrivals-*.jsonl")
    with kept.open("ab") as file:
        file.write(b'["9", 9, "20')
    arrive(book, "2")
    with kept.open("ab") as file:
        file.write(b'["9", -1, "x", []]\n[1]\n\xff\n["9", 9, "2099-01-15T08:30:00+09:00", [["a"]]]\n')
    book.file.path.unlink()
    rebuilt = rebuild(book.file, DAY)
    assert rebuilt is not None
    assert rebuilt.arrivals == 2


def test_what_an_older_version_registered_today_is_kept_too(book: SqliteReservations) -> None:
    arrive(book, "1")
    for path in (*book.file.beside.backups.iterdir(), book.file.data_dir / "reservations.number"):
        path.unlink()
    book.begin_keeping(DAY, datetime.now(UTC))
    garbage(book.file.path)
    assert rebuild(book.file, DAY) is not None
    assert arrive(book, "1") == 1


def test_a_first_start_makes_a_database_and_loses_nothing(tmp_path: Path) -> None:
    book = SqliteReservations(tmp_path / "data")
    assert find(book, "1", DAY).appointments == ()
    book.file.look()
    assert book.file.beside.loss() is None


def test_the_loss_is_told_until_it_is_acknowledged(book: SqliteReservations, tmp_path: Path) -> None:
    garbage(book.file.path)
    rebuild(book.file, DAY)
    again = SqliteReservations(tmp_path).file.beside
    assert DATABASE_NAME in str(again.loss())
    acknowledge(tmp_path)
    assert again.loss() is None


def test_by_hand_a_database_that_is_well_is_only_replaced_by_a_backup(book: SqliteReservations, tmp_path: Path) -> None:
    arrive(book, "1")
    with pytest.raises(ReservationsDown, match="nothing was changed"):
        rebuild(book.file, DAY, by_hand=True)
    assert arrive(book, "2") == 2
    upkeep.back_up(book.file, datetime.now(UTC) + HOUR, yes)
    put(book, "3")
    assert rebuild(book.file, DAY, by_hand=True) is not None
    assert len(find(book, "5", DAY).appointments) == 1
    assert (arrive(book, "2"), arrive(book, "5")) == (2, 3)
    assert book.file.beside.loss() is None, "who did it knows"
    assert len(aside(tmp_path)) == 1


# Several processes meet the damage at once; each says whether it was the one.
RESCUE = """
import sys
from datetime import date
from pathlib import Path
from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
book = SqliteReservations(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(rebuild(book.file, date(2099, 1, 15), wait_s=60) is not None, flush=True)
"""


def test_of_several_processes_one_puts_the_damaged_database_aside(book: SqliteReservations, tmp_path: Path) -> None:
    garbage(book.file.path)
    command = [sys.executable, "-c", RESCUE, str(tmp_path)]
    peers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)
    ]
    for peer in peers:
        assert peer.stdout is not None
        assert peer.stdout.readline() == "ready\n"
    for peer in peers:
        assert peer.stdin is not None
        peer.stdin.write("go\n")
        peer.stdin.flush()
    answer = sorted(peer.communicate(timeout=120)[0] for peer in peers)
    assert answer == ["False\n"] * 3 + ["True\n"]
    assert len(aside(tmp_path)) == 1


# Ends itself at the Nth call of a function, for every N: a power cut at any moment, as far as order goes.
KILLED = """
import os, shutil, sys
from datetime import date
from pathlib import Path
from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import arrived, find
template, work, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
at = 0
while True:
    at += step
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)
    child = os.fork()
    if child == 0:
        left = at
        def count(frame, event, argument):
            global left
            left -= event in ("call", "c_call")
            if left <= 0:
                os.kill(os.getpid(), 9)
        book = SqliteReservations(work)
        sys.setprofile(count)
        rebuild(book.file, date(2099, 1, 15))
        sys.setprofile(None)
        os._exit(0)
    ended = os.waitpid(child, 0)[1] == 0
    book = SqliteReservations(work)
    rebuild(book.file, date(2099, 1, 15))
    numbers = dict(arrived(book, date(2099, 1, 15)))
    aside = [path.name for path in work.glob("reservations.db.broken-*") if not path.name.endswith("-journal")]
    assert numbers == {"1": "1", "2": "2"}, (at, numbers)
    assert len(aside) == 1, (at, aside)
    assert book.file.beside.loss(), at
    assert len(find(book, "5", date(2099, 1, 15)).appointments) == 1, at
    if ended:
        break
print(at)
"""


def test_killed_at_any_moment_while_it_begins_anew_the_next_one_ends_it(
    book: SqliteReservations, tmp_path: Path
) -> None:
    arrive(book, "1")
    upkeep.back_up(book.file, datetime.now(UTC) + HOUR, yes)
    arrive(book, "2")
    garbage(book.file.path)
    (tmp_path / f"{DATABASE_NAME}-journal").write_bytes(b"\x01" * 600)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(tmp_path.parent / "killed"), "7"],
        capture_output=True, text=True, cwd=ROOT, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
