"""A courier that is killed between any two steps that are done for a desk: all is displayed, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.courier import summary
from kiosk.desk import feed_courier
from kiosk.desk.feed import Result
from kiosk.desk.feed_courier import CourierFeed
from kiosk.process.data_folder import DataFolder
from kiosk.process.desk_spool import SpoolReader
from tests.courier.bench import place
from tests.courier.test_crash import Zygote
from tests.courier.test_desk import PERSON, Taps
from tests.desk.feeding import Desk
from tests.hospital import wait_until
from tests.peers.receipt_computer import ReceiptComputer

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    process = Zygote()
    yield process
    process.close()


def displayed(spool: Path, courier: Path) -> list[Result]:
    """What a desk that was started anew makes of the spool."""
    desk, feed = Desk(), CourierFeed(courier, spool)
    feed.start(desk)
    wait_until(lambda: not SpoolReader(spool).numbers(), "all is taken")
    feed.close()
    return desk.results


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["stage", "add", "hand_over", "compare", "put", "unstage"])
def test_a_killed_courier_has_handed_a_result_over_once(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    monkeypatch.setattr(feed_courier, "POLL_S", 0.005)
    for name in ("face", "to_face", "in", "data"):
        (tmp_path / name).mkdir()
    made = Taps()(PERSON).result
    place(tmp_path / "face", made.name, made.content)
    spool, data_dir = tmp_path / "in", tmp_path / "data"
    command = {
        "url": {"source": f"file://{tmp_path / 'face'}", "destination": f"file://{tmp_path / 'to_face'}"},
        "password": "", "data_dir": str(data_dir), "desk_spool": str(spool), "files": 1, "kill_at": 0,
    }  # fmt: skip
    with ReceiptComputer(tmp_path / "to_face") as computer:
        assert zygote.run({**command, "dies": [step, when]})["killed"]
        before = displayed(spool, data_dir)
        assert zygote.run(command)["finished"]
        assert computer.wait_for(1, 60)
        assert [each.name for each in computer.taken] == [made.name]
    # By number and moment the desk knows what it has.
    found = {(each.file, each.at): each for each in before + displayed(spool, data_dir)}
    assert [(each.name, each.raw) for each in found.values()] == [(made.name, made.content)]
    # However often it was compared, nobody was seen before.
    assert [each.change.key for each in found.values() if each.change] == ["first"]
    assert not list(spool.iterdir())
    seen = summary.results_seen(DataFolder(data_dir).ledger, LONG_AGO, datetime.now(UTC))
    assert seen == [each.file for each in found.values()]
