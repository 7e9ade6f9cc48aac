"""Killed at every boundary of a delivery: no result is displayed twice, and each that never came is counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.courier import summary
from kiosk.desk import feed_courier
from kiosk.desk.feed_courier import CourierFeed
from kiosk.process.data_folder import DataFolder
from kiosk.process.desk_spool import SpoolReader
from tests.courier.bench import place
from tests.courier.test_crash import RUNS_MAX, Zygote
from tests.courier.test_desk import PERSON, Taps
from tests.desk.feeding import Desk
from tests.hospital import wait_until
from tests.peers.receipt_computer import ReceiptComputer

FILES = 2
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


def displayed(spool: Path, courier: Path) -> Desk:
    """What a desk makes of the spool; it was started anew, and takes all there is."""
    desk, feed = Desk(), CourierFeed(courier, spool)
    feed.start(desk)
    wait_until(lambda: not SpoolReader(spool).numbers(), "all is taken")
    feed.close()
    return desk


def test_a_courier_killed_anywhere_hands_each_result_over_once_or_is_found_out(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_courier, "POLL_S", 0.005)
    came = 0
    for kill_at in range(1, RUNS_MAX):
        root = tmp_path / f"run{kill_at}"
        for name in ("face", "to_face", "in", "data"):
            (root / name).mkdir(parents=True)
        taps = Taps()
        files = {made.name: made.content for made in (taps(PERSON).result for _ in range(FILES))}
        for name, content in files.items():
            place(root / "face", name, content)
        command = {
            "url": {"source": f"file://{root / 'face'}", "destination": f"file://{root / 'to_face'}"},
            "password": "", "data_dir": str(root / "data"), "desk_spool": str(root / "in"), "files": FILES,
        }  # fmt: skip
        with ReceiptComputer(root / "to_face") as computer:
            killed = zygote.run({**command, "kill_at": kill_at})["killed"]
            before = displayed(root / "in", root / "data")
            if killed:
                assert zygote.run({**command, "kill_at": 0})["finished"]
            assert computer.wait_for(FILES, 60)
            assert {each.name for each in computer.taken} == set(files)
        after = displayed(root / "in", root / "data")
        found = before.results + after.results
        assert len({each.name for each in found}) == len(found), f"displayed twice, killed at {kill_at}"
        assert all(files[each.name] == each.raw for each in found)
        ledger = DataFolder(root / "data").ledger
        missing = set(summary.results_seen(ledger, LONG_AGO, datetime.now(UTC))) - {each.file for each in found}
        assert len(missing) + len(found) == FILES, f"neither displayed nor missing, killed at {kill_at}"
        came += len(found)
        if not killed:
            assert kill_at > FILES, "the run had fewer boundaries than it has files"
            assert came, "some were displayed"
            return
    raise AssertionError("no run passed untouched")
