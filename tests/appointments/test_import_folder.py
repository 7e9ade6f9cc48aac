"""The watched import folder: settled files are imported once and moved; nothing is lost, whatever goes wrong."""

import contextlib
import errno
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import MAX_BYTES
from drivers.reservations.sqlite import rescue
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments import import_record
from kiosk.appointments.import_child import Outcome, import_raw
from kiosk.appointments.import_folder import (
    REFUSED_BEFORE,
    UNENDED,
    UNENDED_BEFORE,
    ImportFolder,
    Imports,
    Taken,
    Trouble,
)
from kiosk.appointments.import_record import OLDER, Written
from kiosk.process import safe_files
from kiosk.words.problems import Problem, in_english
from tests.book import count, due
from tests.hospital import DEADLINE_S

DAY = date(2026, 1, 15)
HEADER = "patient_number,date,time,department,doctor,place\n"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


class Desk:
    """A folder, a database and a clock that is turned by hand."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "imports"
        self.path.mkdir()
        self.data = tmp_path / "data"
        self.reservations = SqliteReservations(self.data)
        self.now_s = 100.0
        self.folder = self.restarted()

    def restarted(self, importer: Imports | None = None, **settings: bool) -> ImportFolder:
        self.folder = ImportFolder(self.path, importer or self.importer(), utc_now=lambda: NOW, **settings)
        return self.folder

    def importer(self, shrunk_day: str = "import", today: date = DAY) -> Imports:
        return Here(self.data, today, shrunk_day)

    def put(self, name: str, *patients: str, mtime: float | None = None) -> Path:
        file = self.path / name
        file.write_text(rows(*patients), encoding="utf-8")
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        return file

    def poll(self, after_s: float = 1.0) -> list[Taken | Trouble]:
        self.now_s += after_s
        return self.folder.poll(self.now_s)

    def settle(self) -> list[Taken | Trouble]:
        return [*self.poll(), *self.poll(10.1)]

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def patients(self) -> list[str]:
        return [n for n in ("1", "2", "3") if due(self.reservations, n, DAY)]


@dataclass(frozen=True)
class Here:
    """Imports in this process: a child for each of a hundred files takes its time."""

    data: Path
    today: date
    shrunk_day: str

    def import_file(self, file: int, *, again: bool) -> Outcome:
        status = os.fstat(file)
        export = Written(status.st_mtime_ns, status.st_ino, again)
        return import_raw(os.pread(file, MAX_BYTES, 0), export, self.data, self.today, self.shrunk_day)


class Broken:
    """An importer in front of the real one that does something first."""

    def __init__(self, inner: Imports, first: Callable[[], None]) -> None:
        self.inner, self.first = inner, first

    def import_file(self, file: int, *, again: bool) -> Outcome:
        self.first()
        return self.inner.import_file(file, again=again)


def rows(*patients: str, day: str = "2026-01-15") -> str:
    return HEADER + "".join(f"{patient},{day},9:00,内科,甲,A\n" for patient in patients)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_settled_export_is_imported_and_moved_to_done(desk: Desk) -> None:
    desk.put("export.CSV", "1", "2")
    assert desk.settle() == [
        Taken("done/20260115T093000Z-export.CSV", 2, 1, True, Problem("imports.done", {"rows": 2, "days": 1})),
    ]
    assert desk.names() == ["done/20260115T093000Z-export.CSV"]
    assert desk.patients() == ["1", "2"]
    assert desk.settle() == []


def test_a_file_that_still_changes_is_left_alone(desk: Desk) -> None:
    desk.put("export.csv", "1")
    assert desk.poll() == []
    assert desk.poll(9.5) == [], "two polls, but less than ten seconds apart"
    desk.put("export.csv", "1", "2")
    assert desk.poll(0.6) == []
    assert desk.poll(9.5) == []
    assert desk.patients() == []
    assert len(desk.poll(0.6)) == 1
    assert desk.patients() == ["1", "2"]


def test_an_empty_file_is_given_time_to_be_written(desk: Desk) -> None:
    (desk.path / "export.csv").write_bytes(b"")
    assert desk.settle() == []
    assert desk.poll(10) == []
    (taken,) = desk.poll(30)
    assert isinstance(taken, Taken)
    assert (taken.ok, in_english(taken.reason)) == (False, "the file is empty")


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
    assert in_english(taken.reason) == "line 3: date is not in the calendar"
    note = (desk.path / f"{taken.name}.txt").read_text(encoding="utf-8")
    assert "取り込めませんでした" in note
    assert "3 行目: 日付（date）が、ない日です" in note
    assert "line 3" in note
    assert "ZZCANARY" not in note + in_english(taken.reason)
    assert desk.patients() == ["1"]


def test_a_bad_file_does_not_stop_the_good_ones(desk: Desk) -> None:
    (desk.path / "a.csv").write_bytes(b"\xff\xfe\x00\n")
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
    assert (taken.ok, in_english(taken.reason)) == (True, "no appointments in the file: nothing changed")
    assert desk.patients() == ["1"]


def test_a_file_waits_until_the_database_is_well_and_the_trouble_is_reported_once(desk: Desk) -> None:
    well = False

    def refuse() -> None:
        if not well:
            raise ReservationsDown("reservations.db: the disk is full")

    desk.restarted(Broken(desk.importer(), refuse))
    desk.put("export.csv", "1")
    assert desk.settle() == [Trouble(Problem("database.down", {"what": "reservations.db: the disk is full"}))]
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

    desk.restarted(Broken(desk.importer(), crash))
    desk.put("export.csv", "1")
    desk.poll()
    with pytest.raises(KeyboardInterrupt):
        desk.poll(10.1)
    assert [name.startswith(".kiosk-taken-") for name in desk.names()] == [True]
    desk.restarted()
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert taken.name == "done/20260115T093000Z-export.csv"
    assert desk.patients() == ["1"]


def test_a_file_whose_import_broke_off_at_two_starts_is_not_imported_at_the_third(desk: Desk) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    desk.put("a.csv", "1")
    for _ in range(2):
        desk.restarted(Broken(desk.importer(), crash))
        desk.poll()
        with pytest.raises(KeyboardInterrupt):
            desk.poll(10.1)
    desk.restarted(Broken(desk.importer(), crash))
    desk.put("b.csv", "2")
    desk.poll()
    with pytest.raises(KeyboardInterrupt):  # the one behind it
        desk.poll(10.1)
    (refused,) = [name for name in desk.names() if name.endswith("a.csv")]
    assert refused == "failed/20260115T093000Z-a.csv"


def test_files_that_cannot_be_read_do_not_hide_those_behind_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        desk.put(f"{number}.csv", "1", mtime=1000 + number)
    desk.put("good.csv", "2")
    readable = safe_files.opened

    def refuse(path: Path) -> BinaryIO:
        if path.name != "good.csv":
            raise PermissionError(errno.EACCES, "")
        return readable(path)

    monkeypatch.setattr(safe_files, "opened", refuse)
    desk.settle()
    assert desk.patients() == ["2"]


def test_an_imported_file_that_cannot_be_moved_is_not_imported_again_over_a_newer_one(desk: Desk) -> None:
    (desk.path / "done").write_text("a file where the folder should be")
    desk.put("a.csv", "1")
    first, trouble = desk.settle()
    assert isinstance(first, Taken)
    assert isinstance(trouble, Trouble)
    assert first.ok
    desk.put("b.csv", "2")
    desk.poll(6)
    (second,) = desk.poll(11)
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

        desk.restarted(Broken(desk.importer(), go_on))
        assert desk.settle() == []
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert (taken.rows, desk.patients()) == (2, ["1", "2"])


# --- exports that are not whole ---------------------------------------------------------------------------------------


def test_a_writer_that_pauses_for_seconds_does_not_empty_the_day(desk: Desk) -> None:
    desk.put("old.csv", "1", "2", "3")
    desk.settle()
    with (desk.path / "export.csv").open("w", encoding="utf-8") as writer:
        writer.write(rows("1"))
        writer.flush()
        assert [desk.poll(), desk.poll(2.6), desk.poll(6.9)] == [[], [], []]
        writer.write(rows("2", "3").removeprefix(HEADER))
    assert desk.patients() == ["1", "2", "3"]
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert taken.rows == 3


@pytest.mark.parametrize("end", ["", "\r"])
def test_of_all_cuts_of_an_export_only_those_at_the_end_of_a_line_are_imported(desk: Desk, end: str) -> None:
    whole = rows("1", "2").replace("\n", f"{end}\n").encode()
    for length in range(len(HEADER) + 2, len(whole)):
        (desk.path / f"{length}.csv").write_bytes(whole[:length])
    desk.poll()
    taken: list[str] = []
    while (out := desk.poll(31)) or not taken:
        assert {in_english(each.reason) for each in out if isinstance(each, Taken) and not each.ok} <= {
            in_english(UNENDED)
        }
        taken += [each.name for each in out if isinstance(each, Taken) and each.ok]
    for name in taken:
        assert (desk.path / name).read_bytes()[-1:] in (b"\r", b"\n")
    assert len(desk.names()) == 2 * (len(whole) - len(HEADER) - 2) - len(taken), "a file each, and a note if it failed"


def test_an_export_without_a_last_line_end_waits_and_is_refused_with_the_way_out(desk: Desk) -> None:
    desk.put("old.csv", "1", "2")
    desk.settle()
    (desk.path / "cut.csv").write_text(rows("1").rstrip("\n"), encoding="utf-8")
    assert [desk.poll(), desk.poll(10.1), desk.poll(19)] == [[], [], []]
    (taken,) = desk.poll(1)
    assert isinstance(taken, Taken)
    assert (taken.ok, in_english(taken.reason)) == (False, in_english(UNENDED))
    assert 'final_line_end = "optional"' in (desk.path / f"{taken.name}.txt").read_text(encoding="utf-8")
    assert desk.patients() == ["1", "2"]


def test_where_the_last_line_end_is_optional_the_file_is_taken_after_a_longer_wait(desk: Desk) -> None:
    desk.restarted(unended_taken=True)
    (desk.path / "export.csv").write_text(rows("1").rstrip("\n"), encoding="utf-8")
    assert [desk.poll(), desk.poll(31), desk.poll(28)] == [[], [], []]
    (taken,) = desk.poll(2)
    assert isinstance(taken, Taken)
    assert (taken.ok, desk.patients()) == (True, ["1"])


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("where", ["done", "failed"])
def test_a_file_that_is_written_to_after_it_was_put_away_is_imported_again(
    desk: Desk, restarts: bool, where: str
) -> None:
    with (desk.path / "export.csv").open("w", encoding="utf-8") as writer:
        writer.write(rows("1") + ("" if where == "done" else "2,2026-01"))
        writer.flush()
        assert [desk.poll(), len(desk.poll(31))] == [[], 1]
        assert desk.names()[0].startswith(f"{where}/")
        writer.write("2,2026-01-15,9:00,内科,甲,A\n" if where == "done" else "-15,9:00,内科,甲,A\n")
    if restarts:
        desk.restarted()
    (taken,) = [*desk.poll(), *desk.settle()]
    assert isinstance(taken, Taken)
    assert (taken.rows, desk.patients()) == (2, ["1", "2"])
    assert desk.names() == ["done/20260115T093000Z-export.csv"]
    desk.restarted()
    assert [desk.poll(), desk.settle()] == [[], []], "once"


def test_a_file_from_a_clock_that_runs_ahead_is_imported_once(desk: Desk) -> None:
    desk.put("export.csv", "1", mtime=time.time() + 3600)
    assert len(desk.settle()) == 1
    for _ in range(2):
        desk.restarted()
        assert [desk.poll(), desk.settle()] == [[], []]


def test_an_update_says_that_exports_as_they_came_until_now_will_be_refused(desk: Desk) -> None:
    desk.restarted(unended_taken=True)
    (desk.path / "export.csv").write_text(rows("1").rstrip("\n"), encoding="utf-8")
    assert [desk.poll(), len(desk.poll(61))] == [[], 1]
    desk.restarted(unended_taken=True).poll(desk.now_s)
    warnings = [desk.folder.warning]
    desk.restarted()
    desk.poll()
    warnings.append(desk.folder.warning)
    desk.put("export.csv", "1")
    assert len(desk.settle()) == 1
    assert [*warnings, desk.folder.warning] == [None, UNENDED_BEFORE, None], "the option is set; not; a good one came"


def test_that_the_last_export_was_refused_is_reported_after_a_restart_too(desk: Desk) -> None:
    warnings: list[Problem | None] = []
    for lines in (rows("1"), HEADER + "1,someday,9:00,a,b,c\n", rows("1")):
        (desk.path / "export.csv").write_text(lines, encoding="utf-8")
        desk.settle()
        desk.restarted()
        desk.poll()
        warnings.append(desk.folder.warning)
    assert warnings == [None, REFUSED_BEFORE, None]


# --- what others plant in the folder ----------------------------------------------------------------------------------


def test_a_link_in_place_of_the_note_of_a_refused_file_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    """Somebody who may write to the folder sees the claimed name and so knows the name of the note."""
    target = tmp_path / "reservations.db"
    target.write_bytes(b"precious")

    def plant() -> None:
        (claimed,) = desk.path.glob(".kiosk-taken-*")
        (desk.path / f"{claimed.name.replace('taken', 'failed')}.txt").symlink_to(target)

    desk.restarted(Broken(desk.importer(), plant))
    (desk.path / "bad.csv").write_text(HEADER + "1,someday,9:00,a,b,c\n")
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert target.read_bytes() == b"precious"
    note = desk.path / f"{taken.name}.txt"
    assert not note.is_symlink()
    assert "line 2" in note.read_text(encoding="utf-8")
    assert stat.S_IMODE(note.stat().st_mode) == 0o640


def test_a_planted_name_that_only_resembles_ours_is_left_alone(desk: Desk) -> None:
    rests = (".csv", "x.csv", "0123456.csv", "0123456x.csv", "0123456g-a.csv", "0123456X-a.csv", "012345678-a.csv")
    planted = [f".kiosk-{mark}-{rest}" for mark in ("taken", "done", "failed") for rest in rests]
    for name in planted:
        desk.put(name, "1")
    desk.put("export.csv", "2")
    assert [isinstance(each, Taken) and each.rows for each in desk.settle()] == [1]
    assert desk.names() == [*sorted(planted), "done/20260115T093000Z-export.csv"]


@pytest.mark.parametrize("last", ["7", "f", "x"])
@pytest.mark.parametrize(("mark", "patients"), [("taken", ["1"]), ("done", []), ("failed", [])])
def test_what_a_version_before_this_one_had_taken_goes_on_its_way(
    desk: Desk, mark: str, patients: list[str], last: str
) -> None:
    desk.put(f".kiosk-{mark}-0a1b2c3{last}-my export\n.CSV", "1")
    desk.settle()
    where = "failed" if mark == "failed" else "done"
    assert desk.names() == [f"{where}/20260115T093000Z-my export\n.CSV"]
    assert desk.patients() == patients


@pytest.mark.parametrize("where", ["done", "failed"])
def test_a_link_in_place_of_a_folder_of_ours_is_not_followed(desk: Desk, tmp_path: Path, where: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (desk.path / where).symlink_to(tmp_path / "elsewhere")
    (desk.path / "export.csv").write_text(rows("1") if where == "done" else HEADER + "1,someday,9:00,a,b,c\n")
    taken, trouble = desk.settle()
    assert isinstance(taken, Taken)
    assert isinstance(trouble, Trouble)
    assert in_english(trouble.reason) == f"a file cannot be moved to {where}: Not a directory"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (desk.path / where).unlink()
    assert len(desk.poll(6)) == 0
    assert any(name.startswith(f"{where}/") for name in desk.names())


def test_a_pipe_in_place_of_an_export_hangs_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put there between the listing and the opening."""
    file = desk.put("export.csv", "1")
    desk.poll()
    names = desk.folder._names()
    file.unlink()
    os.mkfifo(file)
    monkeypatch.setattr(desk.folder, "_names", lambda: names)
    done = threading.Event()

    def work() -> None:
        desk.poll(31)
        desk.poll(31)
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(DEADLINE_S)
    assert desk.folder.trouble == Problem("imports.file", {"why": "Invalid argument"})


# --- exports that are older than what is there ------------------------------------------------------------------------


def test_an_export_that_is_older_than_what_was_imported_is_put_away_unimported_also_after_a_restart(desk: Desk) -> None:
    desk.put("new.csv", "1", mtime=2000)
    desk.settle()
    for _ in range(2):
        desk.put("old.csv", "2", mtime=1000)
        (taken,) = desk.settle()
        assert isinstance(taken, Taken)
        assert taken.name.startswith("done/")
        assert (taken.rows, taken.ok) == (0, True)
        assert in_english(taken.reason) == in_english(OLDER)
        assert desk.patients() == ["1"]
        desk.restarted()
    desk.put("newer.csv", "3", mtime=3000)
    desk.settle()
    assert desk.patients() == ["3"]


def test_of_an_older_export_the_days_that_nothing_newer_is_known_of_are_imported(desk: Desk) -> None:
    desk.put("new.csv", "1", mtime=2000)
    desk.settle()
    file = desk.path / "old.csv"
    file.write_text(rows("2") + rows("2", day="2026-01-16").removeprefix(HEADER), encoding="utf-8")
    os.utime(file, (1000, 1000))
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    assert (
        in_english(taken.reason)
        == "1 appointments of 1 days; 1 days left out: a newer export of them was imported before"
    )
    assert desk.patients() == ["1"]
    assert due(desk.reservations, "2", date(2026, 1, 16))


def test_neither_a_clock_that_ran_ahead_nor_a_database_rebuilt_makes_every_export_an_old_one(desk: Desk) -> None:
    desk.put("ahead.csv", "1", mtime=time.time() + 7 * 86_400)
    desk.settle()
    desk.put("export.csv", "2", mtime=time.time() + 1)
    desk.settle()
    assert desk.patients() == ["2"]
    desk.reservations.file.path.unlink()
    rescue.rebuild(desk.reservations.file, DAY)
    desk.reservations = SqliteReservations(desk.data)
    desk.put("older.csv", "3", mtime=1000)
    desk.settle()
    assert desk.patients() == ["3"]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("paused_again", [False, True])
def test_a_copy_that_pauses_and_keeps_the_time_of_its_original_is_not_older_than_its_own_beginning(
    desk: Desk, restarts: bool, paused_again: bool
) -> None:
    with (desk.path / "export.csv").open("w", encoding="utf-8") as writer:
        for part in (rows("1"), *(["2,2026-01-15,9:00,内科,甲,A\n"] if paused_again else [])):
            writer.write(part)
            writer.flush()
            assert len([*desk.poll(), *desk.settle()]) == 1
        writer.write("3,2026-01-15,9:00,内科,甲,A\n")
        writer.flush()
        assert desk.poll() == [], "taken back, and not quiet"
        os.utime(writer.fileno(), (1000, 1000))
    if restarts:
        desk.restarted()
    (taken,) = [*desk.poll(), *desk.settle()]
    assert isinstance(taken, Taken)
    assert (taken.rows, count(desk.reservations, DAY)) == (2 + paused_again,) * 2
    assert unsettled(desk) is None


def test_a_copy_that_keeps_its_time_in_the_middle_of_its_import_is_imported_whole(desk: Desk) -> None:
    writer = (desk.path / "export.csv").open("w", encoding="utf-8")
    writer.write(rows("1"))
    writer.flush()

    class Between:
        """The writer goes on once an import of what was there has ended."""

        def import_file(self, file: int, *, again: bool) -> Outcome:
            outcome = desk.importer().import_file(file, again=again)
            if not writer.closed:
                writer.write("2,2026-01-15,9:00,内科,甲,A\n")
                writer.close()
                os.utime(file, (1000, 1000))
            return outcome

    desk.restarted(Between())
    assert desk.settle() == []
    desk.restarted()
    assert len(desk.settle()) == 1
    assert desk.patients() == ["1", "2"]


def test_an_export_that_grew_does_not_undo_a_newer_one_that_came_in_between(desk: Desk) -> None:
    with (desk.path / "export.csv").open("w", encoding="utf-8") as writer:
        writer.write(rows("1"))
        writer.flush()
        desk.settle()
        desk.put("newer.csv", "3")
        desk.settle()
        writer.write("2,2026-01-15,9:00,内科,甲,A\n")
        writer.flush()
        os.utime(writer.fileno(), (1000, 1000))
    assert [in_english(each.reason) for each in [*desk.poll(), *desk.settle()]] == [in_english(OLDER)]
    assert desk.patients() == ["3"]


def test_that_an_older_export_was_put_away_is_reported_until_the_next_good_one_or_a_person_says_so(desk: Desk) -> None:
    for way in ("import", "acknowledge", "by hand"):
        desk.put("new.csv", "1")
        desk.settle()
        assert unsettled(desk) is None
        desk.put("old.csv", "2", mtime=1000)
        desk.settle()
        import_record.settle(desk.data, DAY, (date(2026, 1, 16),))
        assert (unsettled(desk) or "").startswith(
            f"an export of 2026-01-15 is {in_english(OLDER)}; if not, acknowledge it"
        )
        assert unsettled(desk, date(2026, 1, 16)) is None, "the day is past"
        if way != "import":
            notice = unsettled(desk)
            settled = import_record.settle(desk.data, DAY, None if way == "acknowledge" else (DAY,))
            assert settled and in_english(settled) == notice
            assert unsettled(desk) is None


# --- days that shrink -------------------------------------------------------------------------------------------------


def unsettled(desk: Desk, day: date = DAY) -> str | None:
    found = import_record.unsettled(desk.data, day)
    return in_english(found) if found else None


def many(desk: Desk, count: int, *, name: str = "export.csv") -> Taken:
    desk.put(name, *map(str, range(count)))
    (taken,) = desk.settle()
    assert isinstance(taken, Taken)
    return taken


def test_a_day_that_shrinks_by_more_than_a_third_is_imported_and_reported_until_it_has_grown_again(desk: Desk) -> None:
    assert in_english(many(desk, 31).reason) == "31 appointments of 1 days"
    assert in_english(many(desk, 21).reason) == "21 appointments of 1 days", "not more than a third"
    assert unsettled(desk) is None
    assert in_english(many(desk, 13).reason) == "13 appointments of 1 days; 2026-01-15: 13 appointments instead of 21"
    assert "2026-01-15: 13 appointments instead of 21" in (unsettled(desk) or "")
    desk.restarted()
    many(desk, 13)
    assert unsettled(desk), "the same export once more says nothing new"
    assert unsettled(desk, date(2026, 1, 16)) is None, "the day is past"
    many(desk, 14)
    assert unsettled(desk) is None


def test_what_shrank_is_reported_until_it_is_acknowledged_or_imported_by_hand(desk: Desk) -> None:
    for day in (None, (DAY,)):
        many(desk, 31)
        many(desk, 3)
        assert unsettled(desk)
        import_record.settle(desk.data, DAY, (date(2026, 1, 16),))
        assert unsettled(desk), "another day"
        import_record.settle(desk.data, DAY, day)
        assert unsettled(desk) is None
        many(desk, 3)
        assert unsettled(desk) is None


def test_a_shrunk_day_is_refused_where_the_site_says_so_and_nothing_changes(desk: Desk) -> None:
    many(desk, 31)
    desk.restarted(desk.importer("refuse"))
    taken = many(desk, 20)
    assert not taken.ok
    assert in_english(taken.reason).startswith(
        '2026-01-15: 20 appointments instead of 31 ([reservations] shrunk_day = "refuse")'
    )
    assert count(desk.reservations, DAY) == 31
    assert unsettled(desk) is None, "the refused file is the notice"


def test_quiet_days_and_past_days_may_shrink(desk: Desk) -> None:
    many(desk, 5)
    assert in_english(many(desk, 1).reason) == "1 appointments of 1 days"
    desk.restarted(desk.importer("refuse", date(2026, 1, 16)))
    many(desk, 31)
    assert many(desk, 1).ok
    assert unsettled(desk) is None


def test_a_missing_folder_is_reported_once_and_used_when_it_is_there(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "later"
    desk.path = path
    desk.restarted()
    assert desk.poll() == [Trouble(Problem("imports.folder", {"why": "No such file or directory"}))]
    assert desk.poll(6) == []
    path.mkdir()
    desk.put("export.csv", "1")
    desk.poll(6)
    assert len(desk.poll(10.1)) == 1
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
            assert desk.settle() == [Trouble(Problem("imports.folder", {"why": "Permission denied"}))]
        assert desk.names() == ["export.csv"]
        desk.path.chmod(0o755)
        assert len(desk.poll(6)) == 1
    assert desk.patients() == ["1"]


def test_a_file_that_may_not_be_read_stays_and_does_not_stop_the_others(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        desk.path = Path(place)
        desk.data = Path(place) / "data"
        desk.reservations = SqliteReservations(desk.data)
        for path in (Path(place) / "data").iterdir():
            path.chmod(0o666)
        (Path(place) / "data").chmod(0o777)
        desk.restarted()
        desk.put("a.csv", "1").chmod(0o000)
        desk.put("b.csv", "2")
        with ordinary_user():
            trouble = [item for item in desk.settle() if isinstance(item, Trouble)]
        assert trouble == [Trouble(Problem("imports.file", {"why": "Permission denied"}))]
        assert "a.csv" in desk.names()
        assert desk.patients() == ["2"]
