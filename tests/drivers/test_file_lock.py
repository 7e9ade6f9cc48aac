"""A lock is waited for as long as it was said, and no longer."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from drivers.file_lock import lock_within


def test_a_free_lock_is_taken_at_once_also_without_waiting(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as file:
        assert lock_within(file.fileno(), 0.0)
        assert lock_within(file.fileno(), 0.0), "who has it has it"


def test_a_lock_of_another_is_waited_for_until_the_deadline_and_taken_when_it_is_given_back(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as ours:
        theirs = (tmp_path / "lock").open("a")
        assert lock_within(theirs.fileno(), 0.0)
        began = time.monotonic()
        assert not lock_within(ours.fileno(), 0.2)
        assert time.monotonic() - began >= 0.2
        threading.Timer(0.2, theirs.close).start()
        assert lock_within(ours.fileno(), 30.0)


def test_what_cannot_be_locked_is_an_error(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("a") as file:
        closed = file.fileno()
    with pytest.raises(OSError):
        lock_within(closed, 0.0)
