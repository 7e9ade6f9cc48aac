"""Results that come while the delivery ledger cannot be written: shown to the patient all the same, once, and only what
is new; delivered once when it can. tests/process/test_full_disk.py has the real full disk; here the ledger
refuses each write and answers each question, as it does then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.courier.line import CourierLine
from kiosk.process.courier_line import Message
from tests.courier.bench import RunningCourier, document, place, result_name
from tests.hospital import vector, wait_until


class Bench:
    """A courier between two local folders, and all that a reception hears of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source, self.destination = root / "face", root / "to_face"
        for name in ("face", "to_face", "res", "to_res"):
            (root / name).mkdir()
        self.received: list[Message] = []

    @contextmanager
    def courier(self, *, refuses: bool = False) -> Iterator[RunningCourier]:
        face, res = ((f"file://{self.root}/{name}", f"file://{self.root}/to_{name}") for name in ("face", "res"))
        running = RunningCourier(self.root / "data", face, res)
        if refuses:
            refuse(running)
        greeted = len(self.kinds("terminal"))
        line = CourierLine(running.data_dir, self.received.append)
        wait_until(lambda: len(self.kinds("terminal")) > greeted, "its greeting: whatever is said from now on is heard")
        with running:
            yield running
        line.close()

    def kinds(self, *events: str) -> list[Message]:
        return [message for message in list(self.received) if message["event"] in events]

    def wait_results(self, count: int) -> None:
        wait_until(lambda: len(self.kinds("result")) >= count, f"{count} results told")

    def listed(self, running: RunningCourier) -> None:
        """The folder has been listed, and what is in it looked at, since now."""
        for _ in range(2):
            visit = len(self.kinds("baseline")) + 1
            running.courier.answer({"ask": "baseline", "visit": visit})
            wait_until(lambda visit=visit: len(self.kinds("baseline")) >= visit, "a listing")  # type: ignore[misc]


def refuse(running: RunningCourier, refuses: bool = True) -> None:
    ledger = running.courier.ledger
    with ledger._lock:
        ledger._db.execute(f"PRAGMA query_only={int(refuses)}")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_results_are_reported_once_and_go_once_when_the_ledger_can_be_written(bench: Bench) -> None:
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        for number in range(3):  # the first keeps none of the others waiting
            place(bench.source, result_name(number), document())
        bench.wait_results(3)
        assert {message["outcome"] for message in bench.kinds("result")} == {"usable"}
        wait_until(lambda: running.courier.monitor.status()["journal_fails"], "the trouble")
        assert list(bench.destination.glob("OQS*")) == []
        refuse(running, False)
        running.wait_done(3)
        assert len(bench.kinds("result")) == 3 and len({message["file"] for message in bench.kinds("result")}) == 3
        assert running.events().count("file_published") == 3


def test_a_file_that_was_delivered_before_and_comes_back_is_not_reported(bench: Bench) -> None:
    with bench.courier() as running:
        bench.listed(running)
        place(bench.source, result_name(0), document())
        running.wait_done(1)
        refuse(running)
        place(bench.source, result_name(0), document())
        wait_until(lambda: bench.kinds("gone"), "it is known")
        refuse(running, False)
        wait_until(lambda: not list(bench.source.iterdir()), "it is deleted again")
        wait_until(lambda: running.states() == {"done": 1}, "its end")
        assert len(bench.kinds("result")) == 1 and "file_reappeared" in running.events()


def test_other_content_under_a_name_that_was_delivered_is_not_reported(bench: Bench) -> None:
    with bench.courier() as running:
        bench.listed(running)
        place(bench.source, result_name(0), document())
        running.wait_done(1)
        refuse(running)
        place(bench.source, result_name(0), document("shuffled"))
        wait_until(lambda: running.courier.monitor.status()["journal_fails"], "it was looked at")
        refuse(running, False)
        wait_until(lambda: "file_held" in running.alarms(), "it is held, as ever")
        assert len(bench.kinds("result")) == 1


def test_a_file_that_goes_and_comes_back_meanwhile_is_reported_once(bench: Bench) -> None:
    """Another visit may have begun: nobody but this courier knows the file yet."""
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        place(bench.source, result_name(0), document())
        bench.wait_results(1)
        (bench.source / result_name(0)).unlink()
        wait_until(lambda: bench.kinds("gone"), "it is gone")
        place(bench.source, result_name(0), document())
        wait_until(lambda: len(bench.kinds("sighted")) == 2, "it is back")
        bench.listed(running)
        refuse(running, False)
        running.wait_done(1)
        assert len(bench.kinds("result")) == 1


def test_after_a_new_start_what_lies_there_is_nobodys(bench: Bench) -> None:
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        place(bench.source, result_name(0), document())
        bench.wait_results(1)
    with bench.courier(refuses=True) as running:
        wait_until(lambda: running.courier.monitor.status()["journal_fails"], "it was looked at")
        bench.listed(running)
        # Not even if it goes and comes back, as if it were new.
        (bench.source / result_name(0)).rename(bench.root / "aside")
        wait_until(lambda: bench.kinds("gone"), "it is gone")
        (bench.root / "aside").rename(bench.source / result_name(0))
        wait_until(lambda: bench.kinds("sighted")[1:], "it is back")
        bench.listed(running)
        refuse(running, False)
        running.wait_done(1)
    assert len(bench.kinds("result")) == 1


def test_other_content_under_a_name_that_was_reported_is_another_file(bench: Bench) -> None:
    """So that a patient who waits has two candidates, and is asked, instead of the wrong one."""
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        place(bench.source, result_name(0), document())
        bench.wait_results(1)
        place(bench.source, result_name(0), document("shuffled"))
        bench.wait_results(2)
        first, second = bench.kinds("result")
        assert first["file"] != second["file"] and first["reference_number"] != second["reference_number"]
        refuse(running, False)
        running.wait_done(1)
        assert len(bench.kinds("result")) == 2
        assert (bench.destination / result_name(0)).read_bytes() == document("shuffled")


@pytest.mark.parametrize("first", ["answer", "asker"])
def test_a_subsidy_that_failed_is_reported_to_its_asker(bench: Bench, first: str) -> None:
    answer = vector("pmh-err-result")
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        if first == "answer":
            place(bench.root / "res", *answer)
            wait_until(lambda: running.courier.monitor.status()["journal_fails"], "it was looked at")
        place(bench.source, vector("pmh-err")[0], document("pmh-err"))
        bench.wait_results(1)
        if first == "asker":
            place(bench.root / "res", *answer)
            wait_until(lambda: bench.kinds("subsidy_failed"), "it is told later")
        else:
            assert bench.kinds("result")[0]["notes"][-1] == "subsidy_failed"
        refuse(running, False)
        running.wait_done(2)
        assert len(bench.kinds("result")) == 1


def test_an_alarm_that_could_not_be_written_is_raised_when_it_can(bench: Bench) -> None:
    with bench.courier() as running:
        bench.listed(running)
        refuse(running)
        place(bench.source, result_name(0), document())
        bench.wait_results(1)
        (bench.source / result_name(0)).unlink()  # another program took it
        wait_until(lambda: bench.kinds("gone"), "it is gone")
        wait_until(lambda: "file_lost_to_other" in running.events(), "the alarm")
        assert running.alarms() == set()
        refuse(running, False)
        wait_until(lambda: "file_lost_to_other" in running.alarms(), "staff can see it")
        assert not list(bench.destination.glob("OQS*"))
