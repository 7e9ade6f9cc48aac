"""A file is replaced whole or not at all; what is written durably is on the disk, and so is its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from drivers.durable import sync_file, sync_folder, write_durably, write_whole


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced and renamed, in order."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        done.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    return done


def test_content_then_name_then_folder(tmp_path: Path, steps: list[str]) -> None:
    file = tmp_path / "kept"
    write_durably(file, b"one", 0o640)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"one", 0o640)
    assert steps == ["content", "name", "folder"]
    write_whole(file, b"two")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"two", 0o600)
    assert steps[3:] == ["name"], "what need not outlive a power cut waits for no disk"
    sync_file(file)
    sync_folder(tmp_path)
    assert steps[4:] == ["content", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_a_killed_writer_left_is_no_hindrance_and_a_link_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"untouched")
    (tmp_path / ".kept.new").symlink_to(tmp_path / "other")
    write_durably(tmp_path / "kept", b"one")
    assert (tmp_path / "other").read_bytes() == b"untouched"
    assert (tmp_path / "kept").read_bytes() == b"one"
    assert not (tmp_path / "kept").is_symlink()


def test_after_a_failure_the_file_is_the_old_one_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kept"
    write_durably(file, b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_durably(file, b"two")
    assert file.read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with pytest.raises(OSError):
        write_durably(tmp_path / "kept", b"one")
    write_durably(tmp_path / "file", b"one")
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")
