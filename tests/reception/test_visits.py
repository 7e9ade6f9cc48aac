"""`kiosk run --headless` as a process against real peers: a tap becomes a slip and a delivered file."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from drivers.reservations import WalkIn
from drivers.reservations.over_socket import SocketReservations
from tests import ROOT
from tests.book import answers, arrive, cancel, entries
from tests.escpos_decoder import decode, read_barcodes
from tests.hospital import DEADLINE_S, FILE_OF, PATIENT_OF, ZONE, Hospital, today, vector, wait_until

pytestmark = [pytest.mark.peers, pytest.mark.long]

APPOINTMENT = "{number},{{today}},13:00,内科,佐藤,"


def appointment(label: str) -> str:
    return APPOINTMENT.format(number=PATIENT_OF[label])


@pytest.mark.parametrize("pattern", [1, 2])
def test_a_tap_becomes_a_slip_with_a_readable_barcode_and_a_delivered_file(tmp_path: Path, pattern: int) -> None:
    with Hospital(tmp_path, pattern=pattern) as hospital:
        hospital.book(appointment("valid-utf8"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8", how="slow", pause_s=0.2)
        printing = reception.until("printing")
        assert printing["lines"][0] == "13:00 内科 佐藤 先生 A棟1階2番窓口"
        assert printing["buttons"] == []
        done = reception.until("done")
        assert done["title"] == "受付が完了しました"
        assert (done["buttons"], done["reason"], done["notes"]) == (["close"], None, [])
        job = hospital.printer.wait_for_job(30)
        assert job is not None
        [page] = decode(bytes(hospital.printer.connections[-1])).pages
        assert [text for _, text in read_barcodes(page)] == [PATIENT_OF["valid-utf8"]]
        hospital.wait_delivered("valid-utf8")
        reception.press("close")
        reception.until("choose_card")
        assert reception.quit() == 0


def test_a_patient_card_goes_the_same_way_and_a_second_time_is_already_with_the_same_number(tmp_path: Path) -> None:
    with Hospital(tmp_path, card_reader=True) as hospital:
        assert hospital.cards is not None
        hospital.book("0012345,{today},9:30,整形外科,田中,B棟2階", "0012345,{today},13:00,内科,佐藤,")
        reception = hospital.open()
        for expected in ("done", "already"):
            assert reception.until("choose_card")["buttons"] == ["mynumber", "patient_card"]
            reception.press("patient_card")
            reception.until("insert_card")
            hospital.cards.insert("0012345")
            last = reception.until("done", "already")
            assert last["screen"] == expected
            assert last["lines"][:3] == [
                "09:30 整形外科 田中 先生 B棟2階",
                "13:00 内科 佐藤 先生 A棟1階2番窓口",
                "受付番号 1",
            ]
            reception.press("close")
        assert hospital.printer.wait_for_job(30, count=2) is not None
        assert reception.quit() == 0


def test_after_the_desk_cancelled_the_arrival_the_patient_is_received_anew_under_another_number(tmp_path: Path) -> None:
    with Hospital(tmp_path, card_reader=True) as hospital:
        assert hospital.cards is not None
        hospital.book("0012345,{today},9:30,整形外科,田中,B棟2階")
        reception = hospital.open()
        desk = SocketReservations(hospital.data_dir)
        serving = subprocess.Popen(hospital.command("reservations", "serve"), cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            for number in (1, 3):
                reception.until("choose_card")
                reception.press("patient_card")
                reception.until("insert_card")
                hospital.cards.insert("0012345")
                last = reception.until("done", "already", "counter")
                assert (last["screen"], last["lines"][1]) == ("done", f"受付番号 {number}")
                reception.press("close")
                if number == 1:
                    wait_until(lambda: answers(desk, today()), "an answer to the desk")
                    now = datetime.now(ZONE)
                    cancel(desk, "0012345", today(), now, "別の方の診察券")
                    walked = arrive(desk, "0067890", today(), now, WalkIn("内科"))
                    assert walked.receptions[0].number == "2"
            listed = [(each.receptions[0].number, each.cancelled is None) for each in entries(desk, today())]
            assert listed == [("1", False), ("2", True), ("3", True)]
        finally:
            serving.kill()
            serving.wait(DEADLINE_S)


def test_an_unreadable_card_is_told_and_the_third_ends_at_the_counter(tmp_path: Path) -> None:
    with Hospital(tmp_path, card_reader=True) as hospital:
        assert hospital.cards is not None
        reception = hospital.open()
        reception.until("choose_card")
        reception.press("patient_card")
        assert reception.until("insert_card")["reason"] is None
        hospital.cards.insert_raw(b"\x02??\x03\r")
        assert reception.until("insert_card")["reason"] == "card_unreadable"
        hospital.cards.insert_raw(b"\x02?!\x03\r")
        assert "あと 1 回ためせます。" in reception.until("insert_card")["lines"]
        hospital.cards.insert_raw(b"\x02!?\x03\r")
        assert reception.until("counter")["reason"] == "card_unreadable"


OUTCOMES = [
    "not_registered:reference-absent",
    "not_registered:reference-blank",
    "ambiguous:records-differ",
    "failed:segment-9",
    "failed:status-2",
    "no_qualification:validity-4",
]


def test_every_outcome_reaches_the_counter_with_its_reason_and_every_file_is_delivered(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        reception = hospital.open()
        for row in OUTCOMES:
            reason, label = row.split(":")
            reception.choose_my_number()
            hospital.tap(label)
            last = reception.until("counter")
            assert (last["reason"], last["title"]) == (reason, "まだ受付は終わっていません")
            reception.press("close")
            hospital.wait_delivered(label)
        assert not hospital.printer.jobs


def test_an_invalid_qualification_goes_on_with_a_note(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.book(appointment("validity-3"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("validity-3")
        assert reception.until("done")["notes"] == ["insurance_check"]


def test_without_an_appointment_nothing_is_registered_and_the_next_day_is_told(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.book(f"{PATIENT_OF['valid-utf8']},2199-01-20,9:00,内科,佐藤,")
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        last = reception.until("counter")
        assert last["reason"] == "no_appointment"
        assert "次のご予約は 1月20日（日） です。" in last["lines"]


def test_a_result_of_another_institution_is_delivered_never_shown_and_alarms(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"site": {"institution_code": '"1111111111"'}}) as hospital:
        hospital.book(appointment("valid-utf8"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        last = reception.until("counter")
        assert last["reason"] == "failed"
        hospital.wait_delivered("valid-utf8")
        assert hospital.kiosk("status").returncode == 1
        assert "institution_differs" in hospital.kiosk("status").stdout
        assert not any(line["screen"] in ("printing", "done") for line in reception.lines)


def test_two_results_in_one_window_show_neither_and_deliver_both(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"visit": {"settle_s": "2"}}) as hospital:
        hospital.book(appointment("valid-utf8"), appointment("shuffled"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        hospital.tap("shuffled")
        assert reception.until("counter", "printing")["reason"] == "ambiguous"
        hospital.wait_delivered("valid-utf8")
        hospital.wait_delivered("shuffled")


def test_a_result_that_was_there_before_the_visit_is_delivered_and_not_shown(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"visit": {"result_wait_s": "3"}}) as hospital:
        hospital.book(appointment("valid-utf8"))
        hospital.place("valid-utf8")
        reception = hospital.open()
        reception.choose_my_number()
        assert reception.until("counter", "printing")["reason"] == "no_result"
        hospital.wait_delivered("valid-utf8")


def test_a_result_too_early_is_delivered_and_the_patient_is_asked_once_to_tap_again(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"visit": {"reader_min_s": "4", "result_wait_s": "60"}}) as hospital:
        hospital.book(appointment("shuffled"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        again = reception.until("tap_reader", "counter", "printing")
        assert again["title"] == "もう一度カードを置いてください"
        hospital.tap("shuffled")
        assert reception.until("done", "counter")["screen"] == "done"
        hospital.wait_delivered("valid-utf8")


def test_after_a_restart_the_birth_day_is_asked_and_must_match(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"visit": {"unclean_s": "200"}}) as hospital:
        hospital.book(appointment("shuffled"), appointment("valid-utf8"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("shuffled")  # born 03-22
        assert reception.until("birthday", "printing")["screen"] == "birthday"
        reception.press("key_0", "key_3", "key_2", "key_2", "ok")
        assert reception.until("done", "counter")["screen"] == "done"
        reception.press("close")
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        reception.until("birthday")
        reception.press("key_0", "key_0", "key_0", "key_0", "ok")
        assert reception.until("counter", "printing")["reason"] == "birthday_differs"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("paper", "paper_out"), ("cover", "cover_open"), ("off", "printer_offline"), ("silent", "printer_silent")],
)
def test_a_printer_fault_leaves_the_reception_done_and_says_so(tmp_path: Path, fault: str, reason: str) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.book(appointment("valid-utf8"), appointment("shuffled"))
        knob = hospital.printer
        knob.paper = "out" if fault == "paper" else "ok"
        knob.cover_open, knob.silent = fault == "cover", fault == "silent"
        if fault == "off":
            knob.stop()
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        reception.until("printing")
        done = reception.until("done")
        assert (done["notes"], done["reason"]) == (["no_slip"], reason)
        assert "受付番号 1" in done["lines"]
        if fault == "off":
            knob.start()
        knob.paper, knob.cover_open, knob.silent = "ok", False, False
        reception.press("close")
        reception.choose_my_number()
        hospital.tap("shuffled")
        assert reception.until("done")["notes"] == []
        assert knob.wait_for_job(30) is not None


def test_a_reference_number_is_translated_by_the_table_and_an_unknown_one_goes_to_the_counter(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"reference_numbers": {"map": '"map.csv"'}}) as hospital:
        (tmp_path / "map.csv").write_text(f"reference_number,patient_number\n{PATIENT_OF['valid-utf8']},777\n")
        hospital.book("777,{today},13:00,内科,佐藤,", appointment("shuffled"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        reception.until("done")
        reception.press("close")
        reception.choose_my_number()
        hospital.tap("shuffled")
        assert reception.until("counter", "printing")["reason"] == "unknown_patient"
        [page] = decode(bytes(hospital.printer.connections[-1])).pages
        assert [text for _, text in read_barcodes(page)] == ["777"]


def test_a_press_of_a_button_that_is_not_there_is_ignored_with_a_line_on_stderr(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        reception = hospital.open()
        reception.until("choose_card")
        reception.press("close", "patient_card", "nonsense")
        reception.until_error("'close'")
        reception.until_error("'patient_card'")
        reception.until_error("'nonsense'")
        assert len(reception.lines) == 1
        assert reception.quit() == 0


def test_no_patient_is_in_any_file_or_log_that_the_kiosk_leaves(tmp_path: Path) -> None:
    """Every line that is written and every file that is left, but for the databases that must know patients."""
    with Hospital(tmp_path) as hospital:
        hospital.book(appointment("valid-utf8"))
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        reception.until("done")
        hospital.wait_delivered("valid-utf8")
        assert reception.quit() == 0
        _, content = vector("valid-utf8")
        text = content.decode()
        canaries = [str(PATIENT_OF["valid-utf8"])]
        tags = ("Name", "Birthdate", "InsuredIdentificationNumber")
        canaries += [text.split(f"<{tag}>")[1].split("<")[0] for tag in tags]
        files = [path for path in hospital.data_dir.rglob("*") if path.is_file()]
        # The arrivals as they were committed, for a database that must be begun anew.
        knows = {path for path in files if "reservations.db" in path.name or path.parent.name == "reservations-backup"}
        left = [path for path in files if path not in knows]
        assert left
        assert all(path.stat().st_mode & 0o077 == 0 for path in knows)
        for canary in canaries:
            assert canary not in "".join(reception.errors)
            for path in left:
                assert canary.encode() not in path.read_bytes(), path.name


def test_the_file_reaches_the_receipt_computer_while_printer_and_reservations_are_down(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.printer.stop()
        (hospital.data_dir / "reservations.db").write_bytes(b"this is no database" * 1000)
        reception = hospital.open()
        reception.choose_my_number()
        hospital.tap("valid-utf8")
        assert reception.until("counter")["reason"] == "reservations_down"
        hospital.wait_delivered("valid-utf8")
        assert FILE_OF["valid-utf8"] not in "".join(reception.errors)
