"""What the reception notices of the courier: a courier that is silent, shares that are down, files that wait."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kiosk.courier.ends import ALARM_AFTER_S
from kiosk.courier.summary import Overview, RaisedAlarm
from kiosk.process.event_log import EVENTS, EventLog
from kiosk.reception.delivery_watch import CODES, DeliveryWatch, codes_of
from kiosk.screens.names import STAFF
from tests.hospital import Hospital, wait_until

WELL: dict[str, Any] = {"state": "ok", "message": "", "failing_s": 0.0}


def answer(oldest_s: float | None = None, **failing_s: float) -> dict[str, Any]:
    """A courier's `status`; `terminal_results=20.0`: that share fails for so long."""
    roles = [f"{end}.{route}" for end in ("terminal", "receipt_computer") for route in ("results", "subsidies")]
    failing = {role: failing_s.get(role.replace(".", "_"), 0.0) for role in roles}
    return {"shares": {role: {**WELL, "failing_s": s} for role, s in failing.items()}, "oldest_unfinished_s": oldest_s}


def seen(*alarms: tuple[str, str], oldest_s: float | None = None) -> Overview:
    return Overview(1, oldest_s, tuple(RaisedAlarm(code, subject, "", "") for code, subject in alarms))


@pytest.mark.parametrize(
    ("silent", "answered", "ledger", "codes"),
    [
        (False, answer(), seen(), ()),
        (False, answer(), None, ()),
        (True, {}, None, ("courier_silent",)),
        (False, answer(), seen(oldest_s=59), ()),
        (False, answer(oldest_s=61), seen(oldest_s=3), ("delivery_waits",)),
        (False, answer(oldest_s=61), None, ()),
        (False, answer(terminal_results=ALARM_AFTER_S + 1), seen(), ("share_terminal",)),
        (False, answer(terminal_results=ALARM_AFTER_S - 1), seen(), ()),
        (False, answer(receipt_computer_subsidies=99), None, ("share_receipt_computer",)),
        (False, answer(), seen(("share_refused", "receipt_computer.results")), ("share_receipt_computer",)),
        # A row of a route that this site no longer has.
        (False, {"shares": {"terminal.results": WELL}}, seen(("share_down", "terminal.subsidies")), ()),
        (False, answer() | {"disk": {"disk_low": "x"}}, seen(), ("disk_low",)),
        (False, answer() | {"journal_fails": True}, seen(), ("disk_full",)),
        (False, answer(), seen(("folder_not_emptied", "receipt_computer.results")), ("alarms",)),
        # What the courier said before it fell silent is too old to be shown.
        (True, {}, seen(("share_down", "terminal.results")), ("courier_silent",)),
        (False, {"shares": {"terminal.results": {"state": "down", "message": ""}}}, seen(), ()),  # an older courier
    ],
)
def test_what_holds_is_told_in_a_fixed_order(
    silent: bool, answered: dict[str, Any], ledger: Overview | None, codes: tuple[str, ...]
) -> None:
    known = answered if ledger is None else {**answered, "overview": {**asdict(ledger), "files": {}, "subsidies": {}}}
    assert codes_of(silent, answered if silent else known) == codes


@pytest.mark.parametrize("overview", [None, {}, {"fails": "DatabaseError"}, {"waiting": 1, "oldest_s": 61.0}, [], "?"])
def test_an_overview_that_is_not_there_or_not_whole_says_nothing_and_breaks_nothing(overview: object) -> None:
    """A courier of the version before tells none; one whose ledger is broken alarms by itself."""
    assert codes_of(False, answer(terminal_results=ALARM_AFTER_S + 1) | {"overview": overview}) == ("share_terminal",)


def test_every_code_has_words_on_the_screen() -> None:
    assert set(CODES) <= set(STAFF)


# -- beside a real courier ----------------------------------------------------------------------------------------


class Watched:
    """A watch, quicker than in a hospital, and what it has called back."""

    def __init__(self, hospital: Hospital) -> None:
        self.codes: list[tuple[str, ...]] = []
        self.program = hospital.root / "alarm"
        self.program.write_text(f'#!/bin/sh\necho "$1: $2" >> "{hospital.root}/told"\n')
        self.program.chmod(0o755)
        self._file = hospital.root / "told"
        log = EventLog(hospital.data_dir, "run", echo=False)
        self.watch = DeliveryWatch(
            hospital.data_dir, hospital.data_dir, (str(self.program),), log, self.codes.append,
            every_s=0.2, silent_after_s=2.0,
        )  # fmt: skip

    def until(self, *codes: str) -> None:
        wait_until(lambda: self.now == codes, f"{codes}")

    @property
    def now(self) -> tuple[str, ...]:
        return self.codes[-1] if self.codes else ()

    def alarms(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []


def open_courier(hospital: Hospital) -> subprocess.Popen[bytes]:
    """A courier that serves: on a slow machine its start may take longer than these watches are patient."""
    before = len(hospital.events())
    courier = hospital.open_courier()
    wait_until(lambda: "courier_started" in [event["event"] for event in hospital.events()[before:]], "its start")
    return courier


@contextmanager
def watching(hospital: Hospital) -> Iterator[Watched]:
    watched = Watched(hospital)
    try:
        yield watched
    finally:
        watched.watch.close()


def age_rows(hospital: Hospital) -> None:
    """While no courier runs: one that does counts the seconds of its own files by itself."""
    with closing(sqlite3.connect(hospital.data_dir / "courier.db", timeout=60)) as db, db:
        db.execute("UPDATE files SET seen_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-90 seconds')")


@pytest.mark.peers
@pytest.mark.parametrize("how", ["hangs", "died"])
def test_a_courier_that_is_silent_is_noticed_and_told_and_so_is_its_return(tmp_path: Path, how: str) -> None:
    with Hospital(tmp_path) as hospital:
        courier = open_courier(hospital)
        with watching(hospital) as watched:
            fall_silent(hospital, courier, watched, how)


def fall_silent(hospital: Hospital, courier: subprocess.Popen[bytes], watched: Watched, how: str) -> None:
    os.kill(courier.pid, signal.SIGSTOP if how == "hangs" else signal.SIGKILL)
    watched.until("courier_silent")
    wait_until(watched.alarms, "somebody is told")
    assert watched.alarms() == [f"courier_silent: {EVENTS['courier_silent']}"]
    if how == "hangs":
        os.kill(courier.pid, signal.SIGCONT)
    else:
        courier.wait()
        open_courier(hospital)
    watched.until()
    events = [event["event"] for event in hospital.events("run")]
    assert [each for each in events if each != "alarm_told"][-2:] == ["courier_silent", "courier_heard"]


@pytest.mark.peers
def test_a_courier_that_is_only_starting_or_restarting_is_not_silent(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        log = EventLog(hospital.data_dir, "run", echo=False)
        codes: list[tuple[str, ...]] = []
        watch = DeliveryWatch(hospital.data_dir, hospital.data_dir, (), log, codes.append, every_s=0.2)
        for _ in range(2):
            courier = open_courier(hospital)
            courier.kill()
            courier.wait()
        assert codes == []
        watch.close()


@pytest.mark.peers
def test_shares_and_files_that_wait_are_noticed_but_the_telling_is_left_to_the_courier(tmp_path: Path) -> None:
    with Hospital(tmp_path, own_servers=True) as hospital:
        hospital.receipt_server.kill()
        courier = open_courier(hospital)
        hospital.place("valid-utf8")
        wait_until(lambda: "file_seen" in [event["event"] for event in hospital.events()], "it is in the event log")
        courier.terminate()
        courier.wait()
        age_rows(hospital)
        courier = open_courier(hospital)
        with watching(hospital) as watched:
            go_down_and_come_back(hospital, watched)
        assert courier.poll() is None
        assert watched.alarms() == []


def go_down_and_come_back(hospital: Hospital, watched: Watched) -> None:
    watched.until("delivery_waits", "share_receipt_computer")
    hospital.receipt_server.start()
    watched.until()
    hospital.terminal.kill()
    watched.until("share_terminal")


@pytest.mark.peers
def test_alarms_are_noticed_until_staff_acknowledge_them(tmp_path: Path) -> None:
    with Hospital(tmp_path, settings={"site": {"institution_code": '"1111111111"'}}) as hospital:
        open_courier(hospital)
        with watching(hospital) as watched:
            hospital.place("valid-utf8")
            watched.until("alarms")
            hospital.kiosk("status", "--acknowledge")
            watched.until()
            assert watched.codes == [("alarms",), ()], "told when it changes and not otherwise"


def test_the_receptions_own_troubles_are_told_and_that_the_telling_fails_is_known(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "run", echo=False)
    codes: list[tuple[str, ...]] = []
    watch = DeliveryWatch(
        tmp_path, tmp_path, ("/bin/false",), log, codes.append, troubles=lambda: ["disk_low"], every_s=0.1
    )
    wait_until(lambda: codes == [("alarm_command_failed",)], "the failure")
    watch.close()
    watched = [json.loads(line) for line in (tmp_path / "events-run.jsonl").read_text().splitlines()]
    assert {"event": "alarm_command_failed", "code": "disk_low"}.items() <= watched[-1].items()


def test_closing_waits_for_nobody(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "run", echo=False)
    watch = DeliveryWatch(tmp_path, tmp_path, (), log, lambda codes: None, every_s=600.0)
    began = time.monotonic()
    watch.close()
    assert time.monotonic() - began < 60
    assert list(tmp_path.glob("alarms-told*")) == []


def test_a_desk_that_is_gone_is_told_after_a_while_and_its_return_too(tmp_path: Path) -> None:
    program, told = tmp_path / "alarm", tmp_path / "told"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >>"{told}"\n')
    program.chmod(0o700)
    log, runs = EventLog(tmp_path, "run", echo=False), [True]
    watch = DeliveryWatch(
        tmp_path, tmp_path, (str(program),), log, lambda _: None, desk_runs=lambda: runs[0], every_s=0.05,
        silent_after_s=600, desk_gone_after_s=0.3,
    )  # fmt: skip

    def events() -> list[str]:
        lines = (tmp_path / "events-run.jsonl").read_text(encoding="utf-8").splitlines()
        return [event for line in lines if (event := json.loads(line)["event"]) != "alarm_told"]

    try:
        runs[0] = False
        wait_until(told.exists, "somebody is told")
        assert told.read_text() == "desk_gone\n" and events() == ["desk_gone"]
        runs[0] = True
        wait_until(lambda: events() == ["desk_gone", "desk_back"], "its return is seen")
    finally:
        watch.close()
