"""The hand-over of results to the desk: whole, bounded, and of no consequence to who hands over."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from drivers.share import Digest
from kiosk.process import desk_spool, safe_files
from kiosk.process.desk_spool import Handed, SpoolReader, SpoolWriter, Staged

AT = "2026-01-15T09:01:02.345+09:00"


def handed(file: int, content: bytes | None = b"<XmlMsg/>") -> Handed:
    return Handed(file, "results", f"OQSsiquc01res_face_{file}.xml", AT, "changed", ("Address",), True, "m", content)


def test_what_is_put_is_taken_as_it_was_and_stays_until_it_is_kept(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path), SpoolReader(tmp_path)
    contents = (b"<XmlMsg/>", b"", b"\n{}\n\0\xff", None)
    for number, content in enumerate(contents, 1):
        assert writer.put(handed(number, content))
    found = list(reader.waiting())
    assert found == [handed(number, content) for number, content in enumerate(contents, 1)]
    assert list(reader.waiting()) == found, "a desk that ended before it kept them finds them again"
    for each in found:
        reader.taken(each)
    assert list(reader.waiting()) == []
    assert list(tmp_path.iterdir()) == []


def test_names_and_values_printed_hold_nothing_of_a_patient(tmp_path: Path) -> None:
    SpoolWriter(tmp_path).put(handed(7))
    assert [each.name for each in tmp_path.iterdir()] == ["000000000007.handed"]
    assert "face" not in repr(handed(7))
    assert "XmlMsg" not in repr(handed(7))


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_spool, "FILES_MAX", 3)
    writer = SpoolWriter(tmp_path)
    for number in range(1, 6):
        assert writer.put(handed(number))
    assert [each.file for each in SpoolReader(tmp_path).waiting()] == [3, 4, 5]
    assert writer.dropped == 2


def test_the_oldest_go_when_they_are_too_big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_spool, "BYTES_MAX", 1000)
    writer = SpoolWriter(tmp_path)
    for number in range(1, 4):
        writer.put(handed(number, b"x" * 300))
    assert [each.file for each in SpoolReader(tmp_path).waiting()] == [2, 3]


def test_what_may_not_be_read_is_no_reason_to_delete_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "refused")

    SpoolWriter(tmp_path).put(handed(1))
    with monkeypatch.context() as patch:
        patch.setattr(safe_files, "opened", refused)
        with pytest.raises(PermissionError):
            list(SpoolReader(tmp_path).waiting())
    assert [each.file for each in SpoolReader(tmp_path).waiting()] == [1]


def test_what_no_desk_has_taken_for_long_is_forgotten_and_so_is_what_was_left_unfinished(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    for number in (1, 2):
        writer.put(handed(number))
    os.utime(tmp_path / "000000000001.handed", (1000, 1000))
    (tmp_path / ".3.part").write_bytes(b"half")
    writer.forget(2000)
    assert [each.name for each in tmp_path.iterdir()] == ["000000000002.handed"]
    assert SpoolReader(tmp_path).numbers() == {2}
    SpoolWriter(tmp_path / "missing").forget(2000)


def test_what_the_desk_takes_while_it_is_counted_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer, scan = SpoolWriter(tmp_path), os.scandir
    assert writer.put(handed(1))

    def scandir(folder: Path) -> list[os.DirEntry[str]]:
        found = list(scan(folder))
        (tmp_path / "000000000001.handed").unlink()
        return found

    monkeypatch.setattr(os, "scandir", scandir)
    assert writer.put(handed(2))
    assert not writer.fails
    monkeypatch.undo()
    assert [each.file for each in SpoolReader(tmp_path).waiting()] == [2]


@pytest.mark.parametrize("wrong", ["missing", "file"])
def test_a_folder_that_cannot_be_written_is_no_error_and_is_noted(tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "in"
    if wrong == "file":
        folder.write_bytes(b"")
    writer = SpoolWriter(folder)
    assert (writer.put(handed(1)), writer.fails) == (False, True)
    folder.unlink(missing_ok=True)
    folder.mkdir()
    assert (writer.put(handed(2)), writer.fails) == (True, False)
    assert [each.file for each in SpoolReader(folder).waiting()] == [2]


def test_what_is_no_hand_over_is_taken_away(tmp_path: Path) -> None:
    for name, content in {"000000000001": b"", "000000000002": b"[]\n", "000000000003": b"{}\n", "x": b"y"}.items():
        (tmp_path / f"{name}.handed").write_bytes(content)
    (tmp_path / "000000000004.handed").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "000000000005.handed")
    SpoolWriter(tmp_path).put(handed(6))
    (tmp_path / "000000000006.handed").rename(tmp_path / "000000000009.handed")  # another number than it says
    assert list(SpoolReader(tmp_path).waiting()) == []
    assert list(tmp_path.iterdir()) == []


# --- before it is handed over ----------------------------------------------------------------------------------------


def staged(number: int, content: bytes | None = b"<XmlMsg/>") -> Staged:
    at = f"2026-01-15T09:01:0{9 - number}.000+00:00"
    return Staged("results", f"face_{number}.xml", Digest("5" * 64, len(content or b"12")), "00012", at, content)


def test_what_was_staged_is_found_again_in_order_of_first_sight(tmp_path: Path) -> None:
    writer, wanted = SpoolWriter(tmp_path), [staged(3), staged(2, None), staged(1, b"\n{}\n\0\xff")]
    for each in reversed(wanted):
        writer.stage(each)
        writer.stage(each)  # offered again
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600] * 3
    assert not any("face" in path.name for path in tmp_path.iterdir())
    assert SpoolWriter(tmp_path).staged() == wanted
    assert list(SpoolReader(tmp_path).waiting()) == [], "it is not the desk's yet"
    for each in wanted:
        writer.unstage(each)
        writer.unstage(each)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_whole_or_not_ours_is_not_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter(tmp_path)
    for number in range(1, 6):
        writer.stage(staged(number))
    cut, moved, empty, fifo, other = (tmp_path / staged(number).file_name for number in range(1, 6))
    cut.write_bytes(cut.read_bytes()[:-1])
    moved.rename(tmp_path / ".another.staged")
    empty.write_bytes(b"")
    fifo.unlink()
    os.mkfifo(fifo)
    assert writer.staged() == [staged(5)]
    assert [path.name for path in tmp_path.iterdir()] == [other.name]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert writer.staged() == []
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_staged_nothing_is(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "missing")
    writer.stage(staged(1))
    writer.unstage(staged(1))
    assert writer.staged() == []


def test_a_file_that_the_courier_before_handed_over_is_read(tmp_path: Path) -> None:
    head = {
        "file": 7, "route": "results", "name": "a.xml", "seen_at": "2026-01-15T00:00:00+00:00", "key": "changed",
        "changed": ["Name"], "alarm": True, "read": True,
    }  # fmt: skip
    (tmp_path / "000000000007.handed").write_bytes(json.dumps(head).encode() + b"\n<XmlMsg/>")
    expected = Handed(7, "results", "a.xml", "2026-01-15T00:00:00+00:00", "changed", ("Name",), True, "", b"<XmlMsg/>")
    assert list(SpoolReader(tmp_path).waiting()) == [expected]
