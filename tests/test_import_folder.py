"""The watched import folder: settled files are imported once and moved; nothing is lost, whatever goes wrong."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import Parsed
from drivers.reservations.sqlite import Imported, SqliteReservations
from kiosk.import_folder import ImportFolder, Taken, Trouble

DAY = date(2026, 1, 15)
HEADER = "patient_number,date,time,department,doctor,place\n"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


class Desk:
    """A folder, a database and a clock that is turned by hand."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "imports"
        self.path.mkdir()
        self.reservations = SqliteReservations(tmp_path / "data")
        self.now_s = 100.0
        self.folder = self.restarted()

    def restarted(self) -> ImportFolder:
        self.folder = ImportFolder(self.path, self.reservations, utc_now=lambda: NOW)
        return self.folder

    def put(self, name: str, *patients: str, mtime: float | None = None) -> Path:
        file = self.path / name
        file.write_text(HEADER + "".join(f"{patient},2026-01-15,9:00,内科,甲,A\n" for patient in patients))
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        return file

    def poll(self, after_s: float = 1.0) -> list[Taken | Trouble]:
        self.now_s += after_s
        return self.folder.poll(self.now_s)

    def settle(self) -> list[Taken | Trouble]:
        return [*self.poll(), *self.poll(1.1)]

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def patients(self) -> list[str]:
        return [n for n in ("1", "2", "3") if self.reservations.find(n, DAY).appointments]


class Broken:
    """An importer in front of the real one that does something first."""

    def __init__(self, inner: SqliteReservations, first: Callable[[], None]) -> None:
        self.inner, self.first = inner, first

    def import_rows(self, parsed: Parsed, progress: Callable[[int, int], None] = lambda done, total: None) -> Imported:
        self.first()
        return self.inner.import_rows(parsed, progress)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_settled_export_is_imported_and_moved_to_done(desk: Desk) -> None:
    desk.put("export.CSV", "1", "2")
    assert desk.settle() == [
        Taken("done/20260115T093000Z-export.CSV", 2, 1, True, "2 appointments of 1 days"),
    ]
    assert desk.names() == ["done/20260115T093000Z-export.CSV"]
    assert desk.patients() == ["1", "2"]
    assert desk.settle() == []


def test_a_file_that_still_changes_is_left_alone(desk: Desk) -> None:
    desk.put("export.csv", "1")
    assert desk.poll() == []
    assert desk.poll(0.5) == [], "two polls, but less than a second apart"
    desk.put("export.csv", "1", "2")
    assert desk.poll(0.6) == []
    assert desk.patients() == []
    assert len(desk.poll(1.1)) == 1
    assert desk.patients() == ["1", "2"]


def test_an_empty_file_is_given_time_to_be_written(desk: Desk) -> None:
    (desk.path / "export.csv").write_bytes(b"")
    assert desk.settle() == []
    assert desk.poll(10) == []
    (taken,) = desk.poll(30)
    assert isinstance(taken, Taken)
    assert (taken.ok, taken.message) == (False, "the file is empty")


def test_other_files_links_and_folders_are_left_alone(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_text(HEADER + "1,2026-01-15,9:00,内科,甲,A\n")
    (desk.path / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (desk.path / "folder.csv").mkdir()
    for name in ("notes.txt", ".hidden.csv", "export.csv.part"):
        desk.put(name, "1")
    before = desk.names()
    assert desk.settle() == []
    assert desk.names() == before
    assert desk.patients() == []


def test_a_bad_file_goes_to_failed_with_its_reason_beside_it_and_changes_nothing(desk: Desk) -> None:
    desk.put("old.csv", "1")
    desk.settle()
    (desk.path / "bad.csv").write_text(HEADER + "2,2026-01-15,9:00,内科,甲,A\nZZCANARY,2026-02-31,9:00,内科,甲,A\n")
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert (taken.name, taken.ok, taken.rows) == ("failed/20260115T093000Z-bad.csv", False, 0)
    assert taken.message == "line 3: date is not in the calendar"
    note = (desk.path / f"{taken.name}.txt").read_text(encoding="utf-8")
    assert "取り込めませんでした" in note
    assert "line 3" in note
    assert "ZZCANARY" not in note + taken.message
    assert desk.patients() == ["1"]


def test_a_bad_file_does_not_stop_the_good_ones(desk: Desk) -> None:
    (desk.path / "a.csv").write_bytes(b"\xff\xfe\x00")
    desk.put("b.csv", "2")
    assert {item.ok for item in desk.settle() if isinstance(item, Taken)} == {True, False}
    assert desk.patients() == ["2"]


def test_the_older_export_is_imported_first(desk: Desk) -> None:
    desk.put("a.csv", "2", mtime=2000)
    desk.put("b.csv", "1", mtime=1000)
    assert len(desk.settle()) == 2
    assert desk.patients() == ["2"]


def test_nothing_in_done_is_overwritten(desk: Desk) -> None:
    for patients in (("1",), ("1", "2"), ("1", "2", "3")):
        desk.put("export.csv", *patients)
        desk.settle()
    names = ["20260115T093000Z-2-export.csv", "20260115T093000Z-3-export.csv", "20260115T093000Z-export.csv"]
    assert desk.names() == [f"done/{name}" for name in names]
    sizes = [len((desk.path / "done" / name).read_text().splitlines()) for name in names]
    assert sizes == [3, 4, 2]


def test_a_header_alone_is_done_and_says_that_nothing_changed(desk: Desk) -> None:
    desk.put("old.csv", "1")
    desk.settle()
    desk.put("export.csv")
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert (taken.ok, taken.message) == (True, "no appointments in the file: nothing changed")
    assert desk.patients() == ["1"]


def test_a_file_waits_until_the_database_is_well_and_the_trouble_is_told_once(desk: Desk) -> None:
    well = False

    def refuse() -> None:
        if not well:
            raise ReservationsDown("reservations.db: the disk is full")

    desk.folder = ImportFolder(desk.path, Broken(desk.reservations, refuse), utc_now=lambda: NOW)
    desk.put("export.csv", "1")
    assert desk.settle() == [Trouble("reservations.db: the disk is full")]
    assert [desk.poll(6), desk.poll(6)] == [[], []]
    assert desk.folder.trouble is not None
    assert len(desk.names()) == 1, "the file is still there"
    well = True
    (taken,) = desk.poll(6)
    assert isinstance(taken, Taken)
    assert (taken.ok, desk.patients()) == (True, ["1"])
    assert not desk.folder.trouble


def test_a_crash_in_the_middle_of_an_import_is_made_good_at_the_next_start(desk: Desk) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    desk.folder = ImportFolder(desk.path, Broken(desk.reservations, crash), utc_now=lambda: NOW)
    desk.put("export.csv", "1")
    desk.poll()
    with pytest.raises(KeyboardInterrupt):
        desk.poll(1.1)
    assert [name.startswith(".kiosk-taken-") for name in desk.names()] == [True]
    desk.restarted()
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert taken.name == "done/20260115T093000Z-export.csv"
    assert desk.patients() == ["1"]


def test_an_imported_file_that_cannot_be_moved_is_not_imported_again_over_a_newer_one(desk: Desk) -> None:
    (desk.path / "done").write_text("a file where the folder should be")
    desk.put("a.csv", "1")
    first, trouble = desk.settle()
    assert isinstance(first, Taken)
    assert isinstance(trouble, Trouble)
    assert first.ok
    desk.put("b.csv", "2")
    desk.poll(6)
    (second,) = desk.poll(6)
    assert isinstance(second, Taken)
    assert desk.patients() == ["2"]
    (desk.path / "done").unlink()
    desk.restarted()
    moved = desk.poll()
    assert [isinstance(item, Taken) and item.ok for item in moved] == [True, True]
    assert desk.patients() == ["2"]
    assert desk.names() == ["done/20260115T093000Z-a.csv", "done/20260115T093000Z-b.csv"]


def test_a_writer_that_only_paused_is_imported_again_when_it_is_done(desk: Desk) -> None:
    with (desk.path / "export.csv").open("w", encoding="utf-8") as writer:
        writer.write(HEADER + "1,2026-01-15,9:00,内科,甲,A\n")
        writer.flush()

        def go_on() -> None:
            if not writer.closed:
                writer.write("2,2026-01-15,9:00,内科,甲,A\n")
                writer.close()

        desk.folder = ImportFolder(desk.path, Broken(desk.reservations, go_on), utc_now=lambda: NOW)
        assert desk.settle() == []
    (taken,) = [*desk.poll(), *desk.poll(1.1)]
    assert isinstance(taken, Taken)
    assert (taken.rows, desk.patients()) == (2, ["1", "2"])


def test_a_missing_folder_is_told_once_and_used_when_it_is_there(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "later"
    desk.folder, desk.path = ImportFolder(path, desk.reservations, utc_now=lambda: NOW), path
    assert desk.poll() == [Trouble("the import folder: No such file or directory")]
    assert desk.poll(6) == []
    path.mkdir()
    desk.put("export.csv", "1")
    desk.poll(6)
    assert len(desk.poll(1.1)) == 1
    assert desk.patients() == ["1"]


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Without root's rights: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_write_permission_keeps_its_files(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    # Not below tmp_path, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        desk.path = Path(place) / "imports"
        desk.path.mkdir()
        desk.restarted()
        desk.put("export.csv", "1")
        desk.path.chmod(0o555)
        with ordinary_user():
            assert desk.settle() == [Trouble("the import folder: Permission denied")]
        assert desk.names() == ["export.csv"]
        desk.path.chmod(0o755)
        assert len(desk.poll(6)) == 1
    assert desk.patients() == ["1"]


def test_a_file_that_may_not_be_read_stays_and_does_not_stop_the_others(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        desk.path = Path(place)
        desk.reservations = SqliteReservations(Path(place) / "data")
        for path in (Path(place) / "data").iterdir():
            path.chmod(0o666)
        (Path(place) / "data").chmod(0o777)
        desk.restarted()
        desk.put("a.csv", "1").chmod(0o000)
        desk.put("b.csv", "2")
        with ordinary_user():
            trouble = [item for item in desk.settle() if isinstance(item, Trouble)]
        assert trouble == [Trouble("a file in the import folder: Permission denied")]
        assert "a.csv" in desk.names()
        assert desk.patients() == ["2"]
