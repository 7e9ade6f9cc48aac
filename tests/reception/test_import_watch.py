"""The reception's thread that takes exports: it goes on after a fault of ours, and staff hear of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.reservations.sqlite.file import DatabaseFile
from kiosk.appointments.import_folder import ImportFolder, Taken, Trouble
from kiosk.process.event_log import EventLog
from kiosk.reception.board import Board
from kiosk.reception.import_watch import ImportWatch
from kiosk.words.problems import Problem
from tests.hospital import wait_until
from tests.site_toml import Site


def test_a_fault_in_a_poll_is_told_without_its_words_and_the_next_poll_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Site(tmp_path).load()
    folder, data = tmp_path / "exports", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    log = EventLog(data, "run", echo=False)
    board = Board(data, log)
    poll, wrong = ImportFolder.poll, [True]

    def polled(self: ImportFolder, now_monotonic: float) -> list[Taken | Trouble]:
        if wrong:
            raise IndexError("ZZCANARY")
        return poll(self, now_monotonic)

    monkeypatch.setattr(ImportFolder, "poll", polled)
    watch = ImportWatch(config, folder, DatabaseFile(data), board, log)
    watch.start()
    wait_until(lambda: "imports" in board.troubles(), "the fault is told")
    assert board.troubles()["imports"] == Problem("imports.fault", {"name": "IndexError"})
    assert "ZZCANARY" not in (data / "events-run.jsonl").read_text()
    wrong.clear()
    wait_until(lambda: not board.troubles(), "the next poll")
