"""The database's night: a backup, the deletion of what is old, space given back; in steps, and nobody waits for it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import Registered, ReservationsDown, csv_file
from drivers.reservations.sqlite import rescue, upkeep
from drivers.reservations.sqlite.beside import Kept
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments import retention
from kiosk.config import Config
from kiosk.reception import reservations_guard
from kiosk.reception.reservations_guard import Guard
from kiosk.words.problems import Problem, in_english
from tests import ROOT
from tests.drivers.reservations.asking import arrived, count, register
from tests.hospital import wait_until
from tests.site_toml import REQUIRED, Site, with_

HEADER = "patient_number,date,time,department,doctor,place,note\n"
TODAY = date(2026, 6, 1)
AT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


def yes() -> bool:
    return True


def put(book: SqliteReservations, days: list[date], each: int) -> None:
    rows = [f"{n:07},{day},9:00,内科,佐藤一郎,A棟1階2番窓口の奥の廊下," for day in days for n in range(each)]
    book.import_rows(csv_file.read((HEADER + "\n".join(rows)).encode()))


def arrive(book: SqliteReservations, number: int, day: date) -> None:
    assert isinstance(register(book, f"{number:07}", datetime.combine(day, AT.timetz())), Registered)


def counted(path: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = ("appointment", "arrival", "registered_appointment", "reception_counter")
        return {each: connection.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteReservations:
    monkeypatch.setattr(upkeep, "_STEP_PAGES", 8)
    made = SqliteReservations(tmp_path / "data")
    put(made, [TODAY - timedelta(days=back) for back in (200, 100, 91, 90, 1, 0, -1)], 300)
    for day in (TODAY - timedelta(days=100), TODAY - timedelta(days=90), TODAY):
        for number in range(5):
            arrive(made, number, day)
    return made


BEFORE = TODAY - timedelta(days=90)


def test_what_is_older_goes_and_what_is_not_stays(book: SqliteReservations) -> None:
    assert upkeep.oldest_day(book.file) == TODAY - timedelta(days=200)
    assert upkeep.prune(book.file, BEFORE, yes) == 3 * 300 + 5 + 5 + 1 + 5 + 5
    assert counted(book.file.path) == {
        "appointment": 4 * 300, "arrival": 10, "registered_appointment": 10, "reception_counter": 2,
    }  # fmt: skip
    assert upkeep.oldest_day(book.file) == BEFORE
    assert len(arrived(book, TODAY)) == 5


def test_space_is_given_back_also_by_a_file_of_an_older_version(book: SqliteReservations, tmp_path: Path) -> None:
    old = SqliteReservations(tmp_path / "old")
    with contextlib.closing(sqlite3.connect(old.file.path)) as connection:
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
    put(old, [TODAY - timedelta(days=back) for back in range(100, 0, -1)], 60)
    arrive(old, 1, TODAY - timedelta(days=1))
    for each in (book, old):
        before = each.file.path.stat().st_size
        upkeep.prune(each.file, TODAY - timedelta(days=1), yes)
        upkeep.give_back(each.file, yes)
        with contextlib.closing(sqlite3.connect(each.file.path)) as connection:
            assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
            assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert each.file.path.stat().st_size < before * 0.7
        assert each.file.path.stat().st_mode & 0o077 == 0
    assert counted(old.file.path)["appointment"] == 60
    assert len(arrived(old, TODAY - timedelta(days=1))) == 1
    arrive(old, 2, TODAY - timedelta(days=1))
    assert sorted(path.name for path in old.file.data_dir.iterdir() if path.name.startswith(".")) == []


def test_an_arrival_during_the_rebuilding_is_not_lost(tmp_path: Path) -> None:
    old = SqliteReservations(tmp_path / "old")
    with contextlib.closing(sqlite3.connect(old.file.path)) as connection:
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
    put(old, [TODAY], 3000)
    asked = 0

    def go_on() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            arrive(old, 1, TODAY)
        return True

    for _ in range(2):  # the second time nobody comes
        with contextlib.suppress(upkeep.Stopped):
            upkeep.give_back(old.file, go_on)
    assert asked > 2
    assert len(arrived(old, TODAY)) == 1
    assert counted(old.file.path)["appointment"] == 3000


@pytest.mark.parametrize("work", ["back_up", "prune", "give_back"])
def test_each_work_stops_between_two_steps(book: SqliteReservations, work: str) -> None:
    if work == "give_back":
        upkeep.prune(book.file, BEFORE, yes)
    works: dict[str, Callable[[Callable[[], bool]], object]] = {
        "back_up": lambda go_on: upkeep.back_up(book.file, AT, go_on),
        "prune": lambda go_on: upkeep.prune(book.file, BEFORE, go_on),
        "give_back": lambda go_on: upkeep.give_back(book.file, go_on),
    }
    asked = iter([True, False])
    with pytest.raises(upkeep.Stopped):
        works[work](lambda: next(asked))
    assert counted(book.file.path)["arrival"] >= 10
    assert rescue.backups(book.file.beside.backups) == []
    assert not [path for path in book.file.data_dir.rglob("*") if path.name.endswith((".new.db", ".rebuilt"))]


def test_a_backup_is_whole_private_and_one_moment(book: SqliteReservations) -> None:
    wrote = False

    def go_on() -> bool:
        nonlocal wrote
        if not wrote:
            arrive(book, 9, TODAY)
            wrote = True
        return True

    made = upkeep.back_up(book.file, AT, go_on)
    assert counted(made) == counted(book.file.path)
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700


def test_a_backup_of_a_damaged_database_does_not_count_and_is_noticed(book: SqliteReservations) -> None:
    whole = book.file.path.read_bytes()
    at = whole.rindex("佐藤一郎".encode()) // 4096 * 4096
    book.file.path.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])
    with pytest.raises(ReservationsDown):
        upkeep.back_up(book.file, AT, yes)
    assert book.file.suspected
    assert list(book.file.beside.backups.glob("*.db")) == []


def test_without_room_there_is_no_backup_and_nothing_is_left(
    book: SqliteReservations, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(book.file.data_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(ReservationsDown, match="no room"):
        upkeep.back_up(book.file, AT, yes)
    assert list(book.file.beside.backups.glob("*.db")) == []


def test_a_disk_that_fills_up_meanwhile_leaves_no_half_backup(book: SqliteReservations) -> None:
    script = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite import upkeep
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import arrived, count, register
book = SqliteReservations(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    upkeep.back_up(book.file, datetime.now(UTC), lambda: True)
except ReservationsDown as error:
    print("down:", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(book.file.data_dir)], capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout.startswith("down: reservations.db: ")
    assert list(book.file.beside.backups.glob("*.db")) == []
    assert counted(book.file.path)["arrival"] == 15


def test_backups_arrivals_and_what_was_put_aside_are_kept_for_a_while(book: SqliteReservations) -> None:
    folder, data = book.file.beside.backups, book.file.data_dir
    for day in range(1, 12):
        (folder / f"reservations-202605{day:02}T010000Z.db").touch()
    (folder / "reservations-20260101T010000Z.db").touch()
    for name in ("20260101T010000Z", "20260530T010000Z", "20260530T010000Z-2"):
        (data / f"reservations.db.broken-{name}").touch()
        (data / f"reservations.db.broken-{name}-journal").touch()
    book.file.beside.keep_arrivals("2026-03-02", [Kept("2026-03-02", "1", 1, AT.isoformat(), ())])
    upkeep.forget(book.file, TODAY, 90)
    assert [at.day for at, _ in rescue.backups(folder)] == [11, 10, 9, 8, 7, 6, 5]
    assert not (folder / "arrivals-2026-03-02.jsonl").exists()
    assert (folder / f"arrivals-{TODAY}.jsonl").exists()
    assert len(list(data.glob("reservations.db.broken-*"))) == 4
    upkeep.forget(book.file, TODAY + timedelta(days=200), 90)
    assert list(folder.iterdir()) == []
    assert list(data.glob("reservations.db.broken-*")) == []


def test_backups_that_a_clock_ahead_named_go_last_and_are_not_kept_beside_a_right_one(book: SqliteReservations) -> None:
    folder, now, day = book.file.beside.backups, datetime.now(UTC), timedelta(days=1)
    upkeep.back_up(book.file, now + 365 * day, yes)
    for back in range(2, 6):
        (folder / f"reservations-{now - back * day:{rescue.STAMP}}.db").touch()
    upkeep.forget(book.file, now.date(), 90)
    assert len(rescue.backups(folder)) == 5, "perhaps it is the newest"
    right = upkeep.back_up(book.file, now, yes)
    upkeep.forget(book.file, now.date(), 90)
    assert next(path for _, path in rescue.backups(folder)) == right
    assert len(rescue.backups(folder)) == 5


# --- exports and the week before --------------------------------------------------------------------------------------


def test_the_first_deletion_is_announced_a_week_before_and_survives(tmp_path: Path) -> None:
    assert retention.announce(tmp_path, None, 90, TODAY) is None
    assert retention.announce(tmp_path, TODAY - timedelta(days=80), 90, TODAY) is None
    start = retention.announce(tmp_path, TODAY - timedelta(days=400), 90, TODAY)
    assert start == TODAY + timedelta(days=7) == retention.starts_on(tmp_path)
    assert retention.announce(tmp_path, TODAY - timedelta(days=400), 90, TODAY + timedelta(days=3)) == start


def test_exports_of_staff_are_kept_for_keep_days_and_links_are_not_followed(tmp_path: Path) -> None:
    for folder in ("done", "failed"):
        (tmp_path / folder).mkdir()
        for name in ("20260101T000000Z-a.csv", "20260530T000000Z-a.csv", "a.csv"):
            (tmp_path / folder / name).touch()
    (tmp_path / "failed" / "20260101T000000Z-a.csv.txt").touch()
    (tmp_path / "done" / "20260101T000000Z-l.csv").symlink_to(tmp_path / "done" / "a.csv")
    (tmp_path / "done" / "20260101T000000Z-fetched-0123456789abcdef.csv").touch()
    assert retention.oldest_export(tmp_path) == date(2026, 1, 1)
    assert retention.forget_exports(tmp_path, BEFORE) == 3
    assert len(list(tmp_path.rglob("*.*"))) == 6
    assert retention.forget_exports(None, BEFORE) == 0


# --- the guard --------------------------------------------------------------------------------------------------------


class Watched:
    """A guard over a book, with a clock that the test sets and no waiting for quiet."""

    def __init__(self, config: Config, book: SqliteReservations, local: datetime) -> None:
        self.local = local
        self.troubles: list[tuple[str, str]] = []
        self.now: dict[str, str] = {}
        self.reported: list[str] = []
        self.asked = 0
        self.guard = Guard(config, book, self._clock, self._set_trouble, lambda event, **_: self.reported.append(event))

    def _clock(self) -> datetime:
        self.asked += 1
        return self.local

    def _set_trouble(self, code: str, reason: Problem | None) -> None:
        self.now.pop(code, None)
        if reason is not None:
            self.troubles.append((code, in_english(reason)))
            self.now[code] = in_english(reason)


@contextlib.contextmanager
def watched(book: SqliteReservations, tmp_path: Path, clock: str, *more: str) -> Iterator[Watched]:
    site = Site(tmp_path)
    text = REQUIRED.replace("/nowhere/kiosk", str(book.file.data_dir))
    config = site.load(with_("reservations", *more, text=text) if more else text)
    made = Watched(config, book, datetime.combine(TODAY, datetime.strptime(clock, "%H:%M").time(), config.site.zone))
    try:
        yield made
    finally:
        made.guard.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations_guard, "TICK_S", 0.02)
    monkeypatch.setattr(reservations_guard, "AGAIN_S", 0.05)
    monkeypatch.setattr(reservations_guard, "QUIET_S", 0.1)


def test_the_night_makes_a_backup_and_deletes_only_from_the_announced_day_on(
    book: SqliteReservations, tmp_path: Path
) -> None:
    folder = book.file.data_dir
    # A database that is made now has nothing of the night to come; the clock of the backups is the real one.
    with watched(book, tmp_path, "02:00") as night:
        wait_until(lambda: rescue.backups(book.file.beside.backups), "the backup")
        wait_until(lambda: retention.starts_on(folder) is not None, "the announcement")
        assert counted(book.file.path)["appointment"] == 7 * 300
    (folder / "reservations.retention").write_text(f"{TODAY}\n")
    with watched(book, tmp_path, "02:00") as night:
        wait_until(lambda: "reservations_pruned" in night.reported, "the deletion")
    assert counted(book.file.path)["appointment"] == 4 * 300


def test_a_clock_that_is_years_ahead_costs_nothing(book: SqliteReservations, tmp_path: Path) -> None:
    (book.file.data_dir / "reservations.retention").write_text(f"{TODAY}\n")
    upkeep.back_up(book.file, AT, yes)
    with watched(book, tmp_path, "02:00") as night:
        night.local = night.local.replace(year=2040)
        wait_until(lambda: "reservations_pruned" in night.reported, "what is old in any case is deleted")
        wait_until(lambda: night.guard.pruned_on == night.local.date(), "the rest of it")
    assert counted(book.file.path)["appointment"] == 4 * 300
    assert len(arrived(book, TODAY)) == 5
    assert len(list(book.file.beside.backups.glob("*"))) >= 2
    (book.file.data_dir / "reservations.retention").write_text("2040-01-01\n")  # decided by such a clock
    assert retention.announce(book.file.data_dir, BEFORE, 90, TODAY) == TODAY + timedelta(days=7)


def test_after_a_night_with_the_clock_ahead_the_next_night_makes_a_backup(
    book: SqliteReservations, tmp_path: Path
) -> None:
    upkeep.back_up(book.file, datetime.now(UTC) + timedelta(days=365), yes)
    with watched(book, tmp_path, "02:00"):
        soon = datetime.now(UTC) + timedelta(days=1)
        wait_until(lambda: any(at < soon for at, _ in rescue.backups(book.file.beside.backups)), "a backup")


def test_nights_without_a_backup_are_told_until_there_is_one(
    book: SqliteReservations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations_guard, "LOOK_S", 0.05)
    monkeypatch.setattr(reservations_guard, "FAILED_AGAIN_S", 0.05)
    usage = shutil.disk_usage(tmp_path)
    free = [1000]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free[0]))
    imports = book.file.data_dir / "reservations.imports"
    imports.unlink()
    book.file.beside.begin_imports(datetime.now(UTC) - timedelta(days=1))
    code = "reservations_backup_old"
    with watched(book, tmp_path, "02:00") as night:
        wait_until(lambda: "reservations_upkeep_failed" in night.reported, "a failure")
        wait_until(lambda: night.asked > 30, "some looks")
        assert code not in night.now, "one night is not yet too many"
        imports.unlink()
        book.file.beside.begin_imports(datetime.now(UTC) - timedelta(days=3))
        wait_until(lambda: "no room" in night.now.get(code, ""), "that there is none, and why")
        free[0] = usage.free
        wait_until(lambda: code not in night.now, "the end of it")
        assert rescue.backups(book.file.beside.backups)


def test_a_backup_of_days_ago_is_told_where_nights_are_missed(book: SqliteReservations, tmp_path: Path) -> None:
    upkeep.back_up(book.file, datetime.now(UTC) - timedelta(days=3), yes)
    with watched(book, tmp_path, "10:00") as day:
        wait_until(lambda: "the newest is of" in day.now.get("reservations_backup_old", ""), "the age")


def test_a_quiet_time_by_day_is_enough_for_a_backup(
    book: SqliteReservations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations_guard, "QUIET_OPEN_S", 0.1)
    with watched(book, tmp_path, "10:00"):
        wait_until(lambda: rescue.backups(book.file.beside.backups), "the backup")


def test_a_fault_of_the_guard_itself_is_told_until_it_looks_well_again(
    book: SqliteReservations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations_guard, "LOOK_S", 0.05)
    look = book.file.look

    def broken() -> None:
        raise RuntimeError("x")

    monkeypatch.setattr(book.file, "look", broken)
    with watched(book, tmp_path, "10:00") as guarded:
        wait_until(lambda: guarded.now.get("reservations_down") == "RuntimeError", "the fault")
        wait_until(lambda: "reservations_failed" in guarded.reported, "its event")
        monkeypatch.setattr(book.file, "look", look)
        wait_until(lambda: "reservations_down" not in guarded.now, "the end of it")


def test_a_fault_in_the_work_of_the_night_keeps_no_patient_away(
    book: SqliteReservations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("x")

    monkeypatch.setattr(upkeep, "back_up", broken)
    with watched(book, tmp_path, "02:00") as night:
        wait_until(lambda: "reservations_upkeep_failed" in night.reported, "the failure")
        assert ("reservations_down", "RuntimeError") not in night.troubles


@pytest.mark.parametrize(("clock", "screen"), [("10:00", "choose_card"), ("02:00", "tap_reader")])
def test_nothing_is_deleted_by_day_or_while_somebody_is_there(
    book: SqliteReservations, tmp_path: Path, clock: str, screen: str
) -> None:
    (book.file.data_dir / "reservations.retention").write_text(f"{TODAY - timedelta(days=1)}\n")
    with watched(book, tmp_path, clock) as day:

        def rounds() -> bool:
            day.guard.screen(screen)
            return day.asked > 60

        wait_until(rounds, "some rounds of the guard")
    assert counted(book.file.path)["appointment"] == 7 * 300
    assert rescue.backups(book.file.beside.backups) == []


def test_a_visit_stops_the_deletion_at_once_and_it_goes_on_afterwards(book: SqliteReservations, tmp_path: Path) -> None:
    (book.file.data_dir / "reservations.retention").write_text(f"{TODAY}\n")
    put(book, [TODAY - timedelta(days=back) for back in range(300, 297, -1)], 600)
    with watched(book, tmp_path, "02:00") as night:
        wait_until(lambda: count(book, TODAY - timedelta(days=300)) < 600, "the first steps")
        night.guard.screen("tap_reader")
        time.sleep(0.05)  # the step that had begun
        left = counted(book.file.path)["appointment"]
        assert left > 4 * 300
        wait_until(lambda: "reservations_pruned" in night.reported, "the rest")
    assert counted(book.file.path)["appointment"] == 4 * 300


@pytest.mark.parametrize("clock", ["10:00", "02:00"])
def test_a_guard_tells_a_damage_that_no_patient_met(book: SqliteReservations, tmp_path: Path, clock: str) -> None:
    """By day what patients of today would meet, by night, for the backup, all of it."""
    whole = book.file.path.read_bytes()
    day = TODAY if clock == "10:00" else TODAY - timedelta(days=90)
    at = whole.index(f"{day}000010009:00".encode()) // 4096 * 4096
    book.file.path.write_bytes(whole[:at] + b"\xff" * 4096 + whole[at + 4096 :])
    with watched(book, tmp_path, clock) as guarded:
        wait_until(lambda: any(code == "reservations_lost" for code, _ in guarded.troubles), "the loss")
    assert len(arrived(book, TODAY)) == 5
