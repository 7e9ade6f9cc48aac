"""Who watches the reception: the service manager, and staff at the start screen."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from kiosk.reception import Life
from kiosk.screens import Screen
from kiosk.watchdog import STEP_S, Notifier
from tests.hospital import Hospital, Reception, wait_until
from tests.test_runtime import Shown
from tests.test_watchdog import Manager, assert_nothing_for

START = Screen("choose_card", "どちらのカードをお持ちですか？", "ask")


class Stuck(Shown):
    """A face whose picture can be made to stand still."""

    seen = False

    def alive(self, now: float) -> bool:
        return self.seen


def test_a_picture_that_nobody_sees_or_that_stands_still_is_no_sign_of_life(tmp_path: Path) -> None:
    manager, face = Manager(tmp_path, abstract=False), Stuck()
    life = Life(face, Notifier(manager.address, 1e-6))
    life.beat(START)
    assert manager.listen() == []
    face.seen = True
    life.beat(START)
    assert manager.listen() == ["READY=1", "WATCHDOG=1", "STATUS=screen: choose_card"]
    face.seen = False
    life.beat(START)
    assert len(manager.listen()) == 3
    manager.close()


@pytest.mark.peers
def test_the_reception_speaks_to_the_manager_and_its_courier_does_not(tmp_path: Path) -> None:
    manager = Manager(tmp_path, abstract=False)
    with Hospital(tmp_path) as hospital:
        reception = hospital.open(environment={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "4000000"})
        reception.until("choose_card")
        hospital.courier_pid()
        manager.wait("READY=1")
        manager.wait("WATCHDOG=1", 3)
        # A slow PC is given time for each step of the start.
        assert manager.heard[:3] == [f"EXTEND_TIMEOUT_USEC={STEP_S}000000"] * 2 + ["READY=1"]
        os.kill(reception.process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{reception.process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "its standstill")
        assert_nothing_for(manager, len(manager.listen()), 4.0)
        os.kill(reception.process.pid, signal.SIGCONT)
        reception.process.terminate()
        manager.wait("STOPPING=1")
        assert manager.heard.count("READY=1") == 1
        assert {line for line in manager.heard if line.startswith("STATUS=")} == {"STATUS=screen: choose_card"}
    manager.close()


def staff(reception: Reception) -> list[str]:
    last: dict[str, Any] = reception.lines[-1] if reception.lines else {"staff": None}
    return list(last["staff"] or [])


@pytest.mark.peers
def test_staff_read_at_the_start_screen_that_paper_is_out_and_that_nothing_is_delivered(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.settings = {"printer": {"url": f'"{hospital.printer.url}"', "poll_s": "1"}}
        hospital.configure()
        hospital.printer.paper = "out"
        reception = hospital.open("--no-courier")
        wait_until(lambda: staff(reception) == ["printer"], "paper is out")
        wait_until(lambda: staff(reception) == ["courier_silent", "printer"], "no courier")
        hospital.printer.paper = "near_end"
        wait_until(lambda: staff(reception) == ["courier_silent", "paper_near_end"], "paper is in, for a while")
        hospital.printer.paper = "ok"
        hospital.open_courier()
        wait_until(lambda: staff(reception) == [], "all is well")
        assert {line["screen"] for line in reception.lines} <= {"choose_card", "out_of_service"}
