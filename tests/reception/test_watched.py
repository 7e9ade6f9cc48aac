"""Who watches the reception: the service manager, and staff at the start screen."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from kiosk.operations.status import ProblemCode
from kiosk.process.event_log import EVENTS, EventLog
from kiosk.process.systemd import STEP_S, Notifier
from kiosk.reception.assembly import ServiceHeartbeat
from kiosk.reception.board import Board
from kiosk.reception.run_status import TROUBLES
from kiosk.screens.names import STAFF
from kiosk.screens.of_state import screen_of
from kiosk.screens.wording import Wording
from kiosk.visit.rules import Rules
from kiosk.visit.state import Kiosk
from kiosk.words.problems import Problem
from tests.hospital import DEADLINE_S, PATIENT_OF, Hospital, Reception, wait_until
from tests.process.test_systemd import Manager, assert_nothing_for
from tests.reception.test_loop import RecordingFace

pytestmark = pytest.mark.long

START = screen_of(Kiosk(Rules()), Wording())


class Stuck(RecordingFace):
    """A face whose picture can be made to stand still."""

    seen = False

    def alive(self, now: float) -> bool:
        return self.seen


def test_a_picture_that_nobody_sees_or_that_stands_still_is_no_sign_of_life(tmp_path: Path) -> None:
    manager, face = Manager(tmp_path, abstract=False), Stuck()
    life = ServiceHeartbeat(face, Notifier(manager.address, 1e-6))
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
        assert manager.received[:3] == [f"EXTEND_TIMEOUT_USEC={STEP_S}000000"] * 2 + ["READY=1"]
        os.kill(reception.process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{reception.process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "its standstill")
        assert_nothing_for(manager, len(manager.listen()), 4.0)
        os.kill(reception.process.pid, signal.SIGCONT)
        reception.process.terminate()
        manager.wait("STOPPING=1")
        assert manager.received.count("READY=1") == 1
        assert {line for line in manager.received if line.startswith("STATUS=")} == {"STATUS=screen: choose_card"}
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


def alarm_program(hospital: Hospital) -> Callable[[], list[str]]:
    """Makes the site's [alarm] command one that writes down its code. Returns the codes so far."""
    program, written = hospital.root / "alarm", hospital.root / "written"
    program.write_text(f'#!/bin/sh\necho "$1" >> {written}\n')
    program.chmod(0o755)
    hospital.settings["alarm"] = {"command": f'["{program}"]'}
    return lambda: written.read_text().split() if written.exists() else []


def trouble_figures(hospital: Hospital) -> dict[str, float]:
    done = hospital.kiosk("metrics", "--once")
    assert done.returncode == 0, done.stderr
    found = re.findall(r'^kiosk_trouble\{.*code="(\w+)".*\} (\S+)$', done.stdout, re.MULTILINE)
    return {code: float(value) for code, value in found}


@pytest.mark.peers
def test_a_table_of_reference_numbers_that_goes_bad_is_known_everywhere_until_it_is_mended(tmp_path: Path) -> None:
    """With no patient near, and nothing but the file to notice."""
    with Hospital(tmp_path) as hospital:
        alarms = alarm_program(hospital)
        table = tmp_path / "map.csv"
        table.write_text("reference_number,patient_number\n1,2\n")
        hospital.settings["reference_numbers"] = {"map": f'"{table}"'}
        hospital.configure()
        reception = hospital.open()
        wait_until(lambda: staff(reception) == [] and hospital.status()["ok"], "all is well")
        assert hospital.kiosk("status").returncode == 0
        assert set(trouble_figures(hospital).values()) == {0.0}
        table.write_text("reference_number,patient_number\n1,2\n1,3\n")
        wait_until(lambda: staff(reception) == ["reference_numbers_refused"], "staff are told")
        wait_until(lambda: alarms() == ["reference_numbers_refused"], "somebody outside is told")
        done = hospital.kiosk("status", "--json")
        [problem] = json.loads(done.stdout)["problems"]
        assert (done.returncode, problem["code"]) == (1, "reference_numbers_refused")
        assert f"{table}: line 3: " in problem["what"]
        assert trouble_figures(hospital)["reference_numbers_refused"] == 1.0
        table.write_text("reference_number,patient_number\n1,3\n")
        wait_until(lambda: staff(reception) == [], "it is over")
        wait_until(lambda: hospital.status()["ok"], "all is well again")
        recorded = [(event["event"], event.get("code")) for event in hospital.events("run")]
        assert recorded.count(("reference_numbers_refused", None)) == 1
        assert ("trouble_over", "reference_numbers_refused") in recorded


def test_every_trouble_has_a_sentence_words_on_the_screen_and_one_beginning(tmp_path: Path) -> None:
    assert set(TROUBLES) <= set(EVENTS) & set(STAFF) & set(get_args(ProblemCode))
    log = EventLog(tmp_path, "run", echo=False)
    board = Board(tmp_path, log)
    for code in TROUBLES:
        for reason in (Problem("program.fault", {"name": "X"}), Problem("program.fault", {"name": "X"}), None, None):
            board.set_trouble(code, reason)
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "events-run.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [each for code in TROUBLES for each in (code, "trouble_over")]
    assert board.staff() == ()


@pytest.mark.peers
def test_a_thread_that_dies_of_a_fault_ends_the_reception_but_not_a_visit(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    # A thread that dies when a file appears; only in the reception's own process.
    (tmp_path / "code/sitecustomize.py").write_text(f"""\
import pathlib, sys, threading, time

def die():
    while not pathlib.Path({str(tmp_path / "now")!r}).exists():
        time.sleep(0.05)
    raise RuntimeError("04184963")

if "run" in sys.orig_argv:
    threading.Thread(target=die, daemon=True).start()
""")
    with Hospital(tmp_path) as hospital:
        hospital.book(f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,")
        reception = hospital.open(environment={"PYTHONPATH": str(tmp_path / "code")})
        reception.choose_my_number()
        (tmp_path / "now").touch()
        wait_until(lambda: "reception_failed" in [each["event"] for each in hospital.events("run")], "it is told")
        hospital.tap("valid-utf8")
        assert reception.until("done")["reason"] is None
        reception.press("close")
        assert reception.process.wait(DEADLINE_S) == 1
        assert reception.lines[-1]["screen"] == "choose_card"
        assert "The reception (kiosk run) ended by itself" in hospital.kiosk("status").stdout
        assert "04184963" not in "".join(reception.errors)
