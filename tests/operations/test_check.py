"""`kiosk check` as a technician runs it: real servers, printer and reader, all well and with each fault once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.share import LogonGate, SessionInfo, Share, open_share
from kiosk.config import load
from kiosk.operations.check import plan
from kiosk.operations.check.finding import Finding
from kiosk.operations.check.schedule import Schedule
from tests import ROOT
from tests.hospital import DEADLINE_S, FILE_OF, Hospital, vector, wait_until
from tests.peers import need
from tests.peers.receipt_computer import ReceiptComputer
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers

SHARE = ("share", "signing", "encryption", "list")
TARGET = (*SHARE, "write", "untouched", "same_folder", "clock")
# The contract: these codes, in this order.
CODES = [
    *("site_toml", "secrets", "data_dir", "disk"),
    *(f"terminal_{end}" for end in (*SHARE, "notices", "delete", "clock")),
    *(f"terminal_subsidies_{end}" for end in (*SHARE, "notices", "delete", "clock")),
    *(f"receipt_{end}" for end in TARGET),
    *(f"receipt_subsidies_{end}" for end in TARGET),
    *("printer", "paper", "test_slip", "card_reader", "card_read"),
    *("reservations", "appointments_today", "import_dir", "appointments_share", "reference_numbers"),
    *("screen", "letters", "reach", "alarm", "courier_running", "reception_running", "fonts", "clock_sync"),
]
# What depends on the machine the tests run on.
OF_THE_MACHINE = {"screen", "clock_sync"}
PATIENT = "04184963"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with Hospital(tmp_path_factory.mktemp("site"), card_reader=True, own_servers=True) as site:
        site.book(f"{PATIENT},{{today}},13:00,内科,佐藤,A棟1階2番窓口")
        yield site


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    """A server without encryption; `looked` is a share that refuses changes."""
    root = tmp_path_factory.mktemp("plain")
    shares = {"free": root / "free", "looked": root / "looked"}
    with Smbd(shares, encryption="off", read_only=("looked",)) as smbd:
        yield smbd


@contextmanager
def changed(hospital: Hospital, **tables: dict[str, str]) -> Iterator[None]:
    """The site with other settings, for one test."""
    hospital.settings = tables
    hospital.configure()
    try:
        yield
    finally:
        hospital.settings = {}
        hospital.configure()


def look(hospital: Hospital, **options: Any) -> dict[str, Finding]:
    """All findings by code, in this process and without the long look at the unfinished file."""
    chosen = plan.Options(print_slip=False, ask=None, stop=threading.Event(), untouched_s=0.2)
    jobs = plan.jobs(load(hospital.site), replace(chosen, **options))
    return {finding.code: finding for finding in Schedule(jobs, chosen.stop)}


def wrong(found: dict[str, Finding]) -> set[str]:
    return {code for code, finding in found.items() if finding.result == "NG" and code not in OF_THE_MACHINE}


def empty(hospital: Hospital) -> bool:
    """No probe of ours is left anywhere."""
    folders = ("face", "res", "to_face", "to_res")
    return not [item for name in folders for item in hospital.folder(name).iterdir() if "check" in item.name]


def parsed(text: str) -> dict[str, str]:
    return {line.split()[1]: line.split()[0] for line in text.splitlines()}


# --- all well ------------------------------------------------------------------------------------------------------


def test_a_person_at_the_terminal_sees_every_line_and_reads_a_card(hospital: Hospital, tmp_path: Path) -> None:
    slips = len(hospital.printer.jobs)
    assert hospital.cards
    ours, theirs = os.openpty()
    try:
        check = subprocess.Popen(
            hospital.command("check", "--print"),
            cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        assert check.stderr
        assert "カードを1枚入れてください" in check.stderr.readline()
        hospital.cards.insert(PATIENT)
        out, _ = check.communicate(timeout=DEADLINE_S)
    finally:
        os.close(ours)
        os.close(theirs)
    results = parsed(out)
    assert list(results) == CODES
    skipped = {code for code, result in results.items() if result == "SKIP"} - OF_THE_MACHINE
    of_the_site = {"import_dir", "appointments_share", "reference_numbers", "alarm", "reach"}
    assert skipped == {*of_the_site, "courier_running", "reception_running"}
    assert "NG" not in {result for code, result in results.items() if code not in OF_THE_MACHINE}
    assert "8 文字" in out and PATIENT not in out
    assert "secret-of-kiosk" not in out
    assert hospital.printer.wait_for_job(DEADLINE_S, slips + 1)
    hospital.printer.jobs[slips].picture.save(tmp_path / "slip.png")
    read = subprocess.run(
        [need("zbarimg"), "-q", "--raw", tmp_path / "slip.png"], capture_output=True, text=True, check=True, timeout=60
    )
    assert read.stdout.split() == ["0000000000"]
    assert empty(hospital)


def test_json_tells_the_same_codes_in_one_object(hospital: Hospital) -> None:
    done = hospital.kiosk("check", "--json")
    answer = json.loads(done.stdout)
    assert [each["code"] for each in answer["checks"]] == CODES
    assert {frozenset(each) for each in answer["checks"]} == {frozenset({"code", "result", "message", "do"})}
    assert answer["ok"] == (done.returncode == 0)
    assert answer["ok"] == ("NG" not in {each["result"] for each in answer["checks"]})


def test_files_of_patients_are_left_alone_and_not_named(hospital: Hospital) -> None:
    name, content = vector(_labels()[0])
    files = [hospital.folder(folder) / name for folder in ("face", "to_face")]
    for file in files:
        file.write_bytes(content)
    try:
        found = look(hospital)
        assert [file.read_bytes() for file in files] == [content, content]
        assert "結果ファイル 1 件" in found["terminal_list"].message
        assert "変更通知" in found["terminal_notices"].message
        assert name[:30] not in "".join(finding.line() for finding in found.values())
    finally:
        for file in files:
            file.unlink()


def _labels() -> list[str]:
    return [label for label, name in FILE_OF.items() if name.startswith("OQS")]


def test_beside_a_running_reception_nothing_is_disturbed(tmp_path: Path) -> None:
    with Hospital(tmp_path, card_reader=True) as site:
        kiosk = site.open()
        kiosk.until("choose_card")
        status = site.data_dir / "status-run.json"
        wait_until(lambda: status.exists() and '"card_reader": "up"' in status.read_text(), "the card reader")
        site.courier_pid()
        done = site.kiosk("check")
        results = parsed(done.stdout)
        assert not {code for code, result in results.items() if result == "NG"} - OF_THE_MACHINE, done.stdout
        assert results["courier_running"] == results["reception_running"] == "OK"
        assert (results["card_reader"], results["card_read"]) == ("OK", "SKIP")
        label = _labels()[0]
        site.place(label)
        site.wait_delivered(label)
        assert "foreign_temps" not in json.dumps(site.events())


# --- one fault each ------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_reported_and_tried_once(hospital: Hospital) -> None:
    with changed(hospital):
        (hospital.root / "terminal.secret").write_text("wrong\n")
        found = look(hospital)
    assert {"terminal_share", "terminal_subsidies_share"} == wrong(found)
    assert "ログオンできません" in found["terminal_share"].message
    assert "ログオンできません" in found["terminal_subsidies_share"].message
    assert found["terminal_delete"].result == "SKIP"


@pytest.mark.parametrize(
    ("share", "words"), [("nosuch", "その名前の共有がありません"), ("face/nosuch", "フォルダーがありません")]
)
def test_a_missing_share_and_a_missing_folder_are_distinguished(hospital: Hospital, share: str, words: str) -> None:
    with changed(hospital, terminal={"results": f'"{hospital.terminal.url(share)}"'}):
        found = look(hospital)
    assert wrong(found) == {"terminal_share"}
    assert words in found["terminal_share"].message
    assert found["terminal_share"].do()


def test_a_closed_port_and_an_unknown_host_are_distinguished(hospital: Hospital) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    addresses = {"results": f'"smb://kiosk@127.0.0.1:{port}/face"', "subsidies": '"smb://kiosk@kiosk.invalid/face"'}
    with changed(hospital, terminal=addresses):
        found = look(hospital)
    assert f"ポート {port} が閉じています" in found["terminal_share"].message
    assert "見つかりません" in (message := found["terminal_subsidies_share"].message) or "DNS" in message
    # Whether the folders are one cannot be known, which is no fault of the receipt computer's.
    assert found["receipt_write"].result == "OK"
    assert found["receipt_same_folder"].result == "SKIP"


def test_a_folder_that_may_only_be_read_is_found(hospital: Hospital, plain: Smbd) -> None:
    url = f'"{plain.url("looked")}"'
    with changed(hospital, terminal={"results": url}):
        found = look(hospital)
    assert wrong(found) == {"terminal_delete"}
    assert "変更" in found["terminal_delete"].do()
    assert found["terminal_encryption"].result == "OK" and found["terminal_encryption"].do()
    assert found["terminal_signing"].result == "OK"
    with changed(hospital, receipt_computer={"results": url}):
        found = look(hospital)
    assert wrong(found) == {"receipt_write"}
    assert "権利がありません" in found["receipt_write"].message
    assert {found[f"receipt_{end}"].result for end in ("untouched", "same_folder")} == {"SKIP"}


def test_a_server_that_speaks_only_smb_2_is_named(hospital: Hospital, tmp_path: Path) -> None:
    options: dict[str, Any] = {"encryption": "off", "min_protocol": "SMB2_02", "max_protocol": "SMB2_10"}
    with ExitStack() as stack:
        old = stack.enter_context(Smbd({"face": tmp_path / "face"}, **options))
        stack.enter_context(changed(hospital, terminal={"results": f'"{old.url("face")}"'}))
        found = look(hospital)
    assert wrong(found) == {"terminal_share"}
    assert "SMB 3" in found["terminal_share"].do()


def test_a_program_that_takes_every_file_at_once_is_found(hospital: Hospital) -> None:
    with ReceiptComputer(hospital.folder("to_face"), patterns=("*",)) as greedy:
        found = look(hospital, untouched_s=1.0)
        assert greedy.taken
    assert wrong(found) <= {"receipt_write", "receipt_untouched"}
    assert wrong(found)
    assert any("staging" in found[code].do() for code in wrong(found))
    assert empty(hospital)


def test_a_program_that_takes_unfinished_files_after_a_while_is_found(hospital: Hospital) -> None:
    folder = hospital.folder("to_face")
    with ReceiptComputer(folder, patterns=(".k-check-*",), after_s=2.5) as slow:
        found = look(hospital, untouched_s=8.0)
        assert slow.taken
    assert wrong(found) == {"receipt_untouched"}
    assert "staging" in found["receipt_untouched"].do()


def test_with_a_staging_folder_the_unfinished_file_lies_there(hospital: Hospital) -> None:
    folders = [hospital.folder(name) / "unfinished" for name in ("to_face", "to_res")]
    for folder in folders:
        folder.mkdir()
    try:
        with ReceiptComputer(hospital.folder("to_face"), patterns=("*.tmp",)) as greedy:
            with changed(hospital, receipt_computer={"staging": '"unfinished"'}):
                found = look(hospital)
            assert not greedy.taken
        assert not wrong(found)
    finally:
        for folder in folders:
            folder.rmdir()  # fails if a probe was left


def test_one_folder_under_two_names_is_found(hospital: Hospital) -> None:
    again = hospital.terminal.url("face").replace("127.0.0.1", "localhost")
    with changed(hospital, receipt_computer={"results": f'"{again}"'}):
        found = look(hospital)
    assert wrong(found) == {"receipt_same_folder"}
    assert empty(hospital)


class _Said:
    """A share that says other facts, for what Samba cannot be made to say; everything else is the real share's."""

    def __init__(self, share: Share, **facts: Any) -> None:
        self._share, self._facts = share, facts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._share, name)

    def rename_new(self, name: str, new_name: str, into: Share) -> None:
        self._share.rename_new(name, new_name, into=cast(_Said, into)._share)

    def session_info(self) -> SessionInfo:
        return replace(self._share.session_info(), **self._facts)


@pytest.mark.parametrize(
    ("skew_s", "result", "hint"), [(0.4, "OK", False), (-8.0, "OK", True), (90.0, "NG", True), (-3600.0, "NG", True)]
)
def test_clocks_that_differ_are_reported(hospital: Hospital, skew_s: float, result: str, hint: bool) -> None:
    def opened(url: str, password: str | None, gate: LogonGate) -> Share:
        return cast(Share, _Said(open_share(url, password, gate=gate), server_time_skew_s=skew_s))

    found = look(hospital, open=opened)
    for code in ("terminal_clock", "receipt_clock"):
        assert (found[code].result, bool(found[code].do())) == (result, hint)


def test_a_connection_without_signature_is_refused(hospital: Hospital) -> None:
    def opened(url: str, password: str | None, gate: LogonGate) -> Share:
        return cast(Share, _Said(open_share(url, password, gate=gate), signed=False))

    assert "receipt_signing" in wrong(look(hospital, open=opened))


def test_dead_servers_and_a_dead_printer_end_the_check_within_a_minute(hospital: Hospital) -> None:
    began = time.monotonic()
    hospital.printer.silent = True
    hospital.terminal.freeze()
    hospital.receipt_server.freeze()
    try:
        found = look(hospital)
    finally:
        hospital.terminal.thaw()
        hospital.receipt_server.thaw()
        hospital.printer.silent = False
    assert time.monotonic() - began < 60
    assert list(found) == CODES
    assert wrong(found) >= {"terminal_share", "terminal_subsidies_share", "receipt_share", "printer"}
    assert "SMB の応答がありません" in found["receipt_share"].message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_check_that_is_broken_off_leaves_nothing_behind(hospital: Hospital, number: signal.Signals) -> None:
    # A child of a run that was started with SIGINT ignored (in the background of a script) would ignore it too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        check = subprocess.Popen(
            hospital.command("check"),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)
    wait_until(lambda: not empty(hospital), "a probe")
    check.send_signal(number)
    check.communicate(timeout=DEADLINE_S)
    assert check.returncode == 1
    assert empty(hospital)
