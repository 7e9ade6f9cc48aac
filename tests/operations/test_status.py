"""`kiosk status`: what it says is wrong, for people and as JSON, beside processes that it must not disturb."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.simulated.printer import SimulatedPrinter
from kiosk.appointments.import_record import ImportRecord, Shrunk
from kiosk.process import locks
from tests import ROOT
from tests.hospital import FILE_OF, PATIENT_OF, Hospital, today, wait_until

LEDGER = "courier.db"
RUN_STATUS = "status-run.json"

pytestmark = [pytest.mark.peers, pytest.mark.long]
HEADER = "patient_number,date,time,department,doctor,place\n"


def status_of(hospital: Hospital) -> tuple[int, dict[str, Any]]:
    """Exit code and content of `kiosk status --json`."""
    done = hospital.kiosk("status", "--json")
    assert "Traceback" not in done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["ok"] is (done.returncode == 0)
    assert report["ok"] is (not report["wrong"])
    assert len(report["wrong"]) == len(report["problems"]) + len(report.get("alarms", []))
    return done.returncode, report


def settled(hospital: Hospital, true: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The facts of the real command as soon as they are as wanted; it is started when there is hope."""
    seen: list[dict[str, Any]] = []

    def look() -> object:
        if not true(hospital.status()):
            return False
        seen.append(status_of(hospital)[1])
        return true(seen[-1])

    wait_until(look, "the state that was to come", every_s=0.1)
    return seen[-1]


def all_well(report: dict[str, Any]) -> bool:
    return bool(report["ok"] and all(share["state"] == "ok" for share in report["shares"].values()))


def test_all_well_is_told_and_the_exit_code_is_0(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.open().until("choose_card")
        report = settled(hospital, all_well)
        assert report["wrong"] == []
        assert report["courier"]["process"] == hospital.courier_pid()
        roles = ("terminal.results", "receipt_computer.results", "terminal.subsidies", "receipt_computer.subsidies")
        assert set(report["shares"]) == set(roles)
        assert report["delivery"]["oldest_undelivered_s"] is None
        assert report["delivery"]["undelivered"] == 0
        assert report["reception"]["alive"] is True
        assert report["printer"]["state"] == "ready"
        done = hospital.kiosk("status")
        assert done.returncode == 0
        assert done.stdout.startswith("OK  ")
        for words in ("terminal.results: ok", "printer: ready", "undelivered: 0", "courier alive: True"):
            assert words in done.stdout


def test_before_the_first_start_everything_is_told_as_not_running_and_nothing_is_made(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.data_dir.rmdir()
        code, report = status_of(hospital)
        assert code == 1
        assert [report["courier"]["alive"], report["reception"]["alive"], report["delivery"]] == [False, False, None]
        assert report["printer"]["state"] == "ready"  # asked directly
        assert not hospital.data_dir.exists()


def test_a_dead_or_hanging_courier_is_wrong(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        reception = hospital.open("--no-courier")
        courier = hospital.open_courier()
        reception.until("choose_card")
        settled(hospital, all_well)
        os.kill(courier.pid, signal.SIGSTOP)
        code, report = status_of(hospital)
        assert (code, report["wrong"]) == (1, ["The courier has just started, or hangs."])
        os.kill(courier.pid, signal.SIGCONT)
        settled(hospital, all_well)
        courier.kill()
        courier.wait()
        code, report = status_of(hospital)
        assert (code, report["wrong"]) == (1, ["The courier is not running; nothing is delivered."])
        assert hospital.kiosk("status").stdout.startswith("NG  The courier is not running")


def test_shares_that_are_down_or_refuse_are_wrong_until_they_answer_again(tmp_path: Path) -> None:
    with Hospital(tmp_path, own_servers=True) as hospital:
        hospital.open().until("choose_card")
        settled(hospital, all_well)
        hospital.receipt_server.kill()
        hospital.terminal.freeze()
        hospital.place("valid-utf8")
        hospital.terminal.thaw()
        report = settled(hospital, lambda report: report["shares"]["receipt_computer.results"]["state"] == "down")
        assert not report["ok"]
        assert any(line.startswith("receipt_computer.results down: ") for line in report["wrong"])
        assert report["shares"]["terminal.results"]["state"] == "ok"
        assert report["delivery"]["undelivered"] == 1
        assert report["delivery"]["oldest_undelivered_s"] >= 0
        assert FILE_OF["valid-utf8"] not in json.dumps(report)
        hospital.receipt_server.start()
        settled(hospital, all_well)
        hospital.wait_delivered("valid-utf8")


@pytest.mark.parametrize("fault", ["paper_out", "cover_open", "printer_offline", "printer_silent"])
def test_a_printer_that_cannot_print_is_wrong(tmp_path: Path, fault: str) -> None:
    with Hospital(tmp_path) as hospital:
        break_printer(hospital.printer, fault)
        code, report = status_of(hospital)
        assert code == 1
        assert report["printer"]["state"] == fault
        assert f"The printer: {fault}." in report["wrong"]


def break_printer(printer: SimulatedPrinter, fault: str) -> None:
    printer.paper = "out" if fault == "paper_out" else "ok"
    printer.cover_open, printer.silent = fault == "cover_open", fault == "printer_silent"
    if fault == "printer_offline":
        printer.stop()


def test_what_the_reception_learns_of_the_printer_is_told_without_asking_it_again(tmp_path: Path) -> None:
    """Paper out is heard by the reception's own round of questions; near its end is a hint and nothing wrong."""
    with Hospital(tmp_path, settings={"printer": {"poll_s": "0.5"}}) as hospital:
        hospital.printer.paper = "near_end"
        hospital.open().until("choose_card")
        report = settled(hospital, lambda report: report["printer"]["paper_near_end"] and report["ok"])
        assert "near its end" in report["printer"]["hint"]
        hospital.printer.paper = "out"
        settled(hospital, lambda report: report["printer"]["state"] == "paper_out")
        hospital.printer.paper = "ok"
        settled(hospital, all_well)


def test_while_another_process_talks_to_the_printer_status_waits_for_its_turn(tmp_path: Path) -> None:
    """The lock that the reception holds while it prints: nothing of ours may come between the bytes of a slip."""
    with Hospital(tmp_path) as hospital:
        with (hospital.data_dir / "printer.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _, report = status_of(hospital)
        assert report["printer"]["state"] == "printer_offline"
        assert hospital.printer.connections == []


def test_a_file_that_waits_for_more_than_a_minute_is_wrong(tmp_path: Path) -> None:
    """The file really waits at a dead server; then its row is aged, while no courier runs, as a minute would do."""
    with Hospital(tmp_path, own_servers=True) as hospital:
        hospital.receipt_server.kill()
        courier = hospital.open_courier()
        hospital.place("valid-utf8")
        report = settled(hospital, lambda report: (report["delivery"] or {}).get("undelivered") == 1)
        assert not any("waiting for" in line for line in report["wrong"])
        courier.terminate()
        courier.wait()
        with closing(sqlite3.connect(hospital.data_dir / "courier.db")) as db, db:
            db.execute("UPDATE files SET seen_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-90 seconds')")
        code, report = status_of(hospital)
        assert code == 1
        assert 89 < report["delivery"]["oldest_undelivered_s"] < 600
        assert any(line.startswith("A file has been waiting for ") for line in report["wrong"])


def test_alarms_stay_wrong_until_staff_acknowledge_them(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"site": {"institution_code": '"1111111111"'}}) as hospital:
        hospital.open().until("choose_card")
        hospital.place("valid-utf8")
        hospital.wait_delivered("valid-utf8")
        code, report = status_of(hospital)
        assert code == 1
        [alarm] = report["alarms"]
        assert alarm["code"] == "institution_differs"
        assert any("another institution" in line for line in report["wrong"])
        assert hospital.kiosk("status").returncode == 1
        done = hospital.kiosk("status", "--acknowledge")
        assert (done.returncode, done.stdout.splitlines()[0][:2]) == (0, "OK")
        assert status_of(hospital)[1]["alarms"] == []


def test_no_subsidy_and_a_failed_subsidy_can_be_told_apart(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.open().until("choose_card")
        for label in ("valid-utf8", "pmh-err", "pmh-ok"):
            hospital.place(label)
        hospital.place("pmh-err-result", "res")
        hospital.place("pmh-ok-result", "res")
        for label in ("valid-utf8", "pmh-err", "pmh-ok"):
            hospital.wait_delivered(label)
        _, report = status_of(hospital)
        assert report["delivery"]["subsidies"] == {"none": 1, "failed": 1, "result": 1}
        assert "failed 1" in hospital.kiosk("status").stdout


def test_status_disturbs_nobody(tmp_path: Path) -> None:
    """It takes no lock, writes nothing, and a visit goes on while it is asked again and again."""
    with Hospital(tmp_path) as hospital:
        hospital.book(f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,")
        reception = hospital.open()
        reception.choose_my_number()
        settled(hospital, all_well)
        asking = [
            subprocess.Popen(hospital.command("status", "--json"), stdout=subprocess.PIPE, cwd=ROOT) for _ in range(4)
        ]
        hospital.tap("valid-utf8")
        assert reception.until("done", "counter")["screen"] == "done"
        hospital.wait_delivered("valid-utf8")
        for process in asking:
            assert json.loads(process.communicate()[0])["courier"]["alive"]
        assert locks.is_held(hospital.data_dir, "courier")
        assert locks.is_held(hospital.data_dir, "run")
        assert len(hospital.printer.jobs) == 1


def test_a_file_that_is_seen_but_not_yet_whole_counts_as_undelivered(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        reception = hospital.open()
        reception.until("choose_card")
        hospital.folder("face").joinpath("OQSsiquc01res_face_20260115090000.xml").write_bytes(b"")
        hospital.folder("face").joinpath("other.txt").write_bytes(b"x")
        report = settled(hospital, lambda report: (report["delivery"] or {}).get("undelivered") == 1)
        assert report["delivery"]["oldest_undelivered_s"] is not None
        assert reception.quit() == 0


def test_a_refused_import_and_a_dead_card_reader_are_wrong_until_they_are_mended(tmp_path: Path) -> None:
    settings = {"reservations": {"import_dir": f'"{tmp_path}/drop"'}}
    with Hospital(tmp_path, card_reader=True, settings=settings) as hospital:
        assert hospital.cards is not None
        (tmp_path / "drop").mkdir()
        reception = hospital.open()
        reception.until("choose_card")
        settled(hospital, all_well)
        (tmp_path / "drop" / "a.csv").write_text(HEADER + "1,2026-13-01,9:00,a,b,c\n")
        hospital.cards.unplug()
        report = settled(hospital, lambda report: len(report["wrong"]) == 2)
        assert report["wrong"][0] == "The card reader does not answer."
        assert report["wrong"][1].startswith("The import of appointments: ")
        reception.until("choose_card")
        reception.press("patient_card")
        assert reception.until("counter", "insert_card")["reason"] == "card_unreadable"
        (tmp_path / "drop" / "b.csv").write_text(HEADER + "1,2026-12-01,9:00,a,b,c\n")
        settled(hospital, lambda report: report["wrong"] == ["The card reader does not answer."])


def test_a_day_that_shrinks_is_wrong_until_it_is_acknowledged(tmp_path: Path) -> None:
    settings = {"reservations": {"import_dir": f'"{tmp_path}/drop"'}}
    with Hospital(tmp_path, settings=settings) as hospital:
        (tmp_path / "drop").mkdir()
        reception = hospital.open()
        reception.until("choose_card")

        def put(count: int) -> None:
            rows = "".join(f"{number},{today()},9:00,a,b,c\n" for number in range(count))
            (tmp_path / "drop" / f"{count}.csv").write_text(HEADER + rows)
            wait_until(lambda: list((tmp_path / "drop").glob(f"done/*-{count}.csv")), "the import")

        put(31)
        put(10)
        report = settled(hospital, lambda report: report["wrong"])
        shrunk = f"{today()}: 10 appointments instead of 31"
        assert [sentence.startswith(f"The import of appointments: {shrunk}") for sentence in report["wrong"]] == [True]
        wait_until(lambda: reception.lines and reception.lines[-1]["staff"] == ["imports"], "the notice for staff")
        assert hospital.kiosk("status", "--acknowledge").returncode == 0
        settled(hospital, all_well)
        assert reception.quit() == 0


def test_a_reception_that_was_killed_is_wrong_and_one_that_was_stopped_is_not(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.open_courier()
        for killed in (False, True):
            reception = hospital.open("--no-courier")
            reception.until("choose_card")
            settled(hospital, all_well)
            if killed:
                reception.kill()
                found = settled(hospital, lambda report: report["wrong"])
                assert found["wrong"] == ["The reception (kiosk run) ended by itself and is not running."]
            else:
                assert reception.quit() == 0
                settled(hospital, lambda report: not report["wrong"])


def test_when_the_data_folder_vanishes_both_processes_end(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        courier = hospital.open_courier()
        reception = hospital.open("--no-courier")
        reception.until("choose_card")
        settled(hospital, all_well)
        hospital.data_dir.rename(tmp_path / "elsewhere")
        assert courier.wait(90) == 1
        reception.process.wait(90)


@pytest.mark.parametrize("name", [RUN_STATUS, LEDGER, "reservations.retention", "reservations.lost"])
def test_a_fifo_that_a_service_left_does_not_keep_root(tmp_path: Path, name: str) -> None:
    with Hospital(tmp_path) as hospital:
        lock = locks.DataLock(hospital.data_dir, "run")
        os.mkfifo(hospital.data_dir / name)
        code, report = status_of(hospital)
        assert (code, report["reception"]["alive"]) == (1, True)
        unreadable = [each["what"] for each in report["problems"] if each["code"] == "journal_unreadable"]
        assert unreadable == (["OperationalError"] if name == LEDGER else [])
        lost = "reservations_lost" in report["troubles"]
        assert lost == (name == "reservations.lost"), "what it says is not known, but it is there"
        lock.release()


def test_what_a_stopped_reception_would_tell_is_told_without_it(tmp_path: Path) -> None:
    """The technician's page stops the reception."""
    settings = {"reference_numbers": {"map": f'"{tmp_path}/map.csv"'}}
    (tmp_path / "map.csv").write_text("reference_number,patient_number\nR1,1\n")
    with Hospital(tmp_path, settings=settings) as hospital:
        hospital.open_courier()
        hospital.book(*(f"{number},{{today}},9:00,a,b," for number in range(30)))
        settled(hospital, all_well)
        record = ImportRecord.load(hospital.data_dir)
        record.shrunk[today().isoformat()] = Shrunk(31, 10, time.time())
        record.save(today())
        (tmp_path / "map.csv").write_text("reference_number\nR1\n")
        (hospital.data_dir / "reservations.db").write_bytes(b"garbage" * 1000)
        report = settled(hospital, lambda report: len(report["wrong"]) == 3)
        assert set(report["troubles"]) == {"reservations_down", "imports", "reference_numbers_refused"}
        assert all(
            sentence.endswith(f"({code})") for sentence, code in zip(report["wrong"], report["troubles"], strict=True)
        )
        (hospital.data_dir / "reservations.db").unlink()
        assert "missing" in settled(hospital, lambda report: report["wrong"])["troubles"]["reservations_down"]
        report = json.loads(hospital.kiosk("status", "--json", "--acknowledge").stdout)
        assert "imports" not in report["troubles"]
