"""Root's helper: who may ask what, the PIN and its lock, the log, and that nothing of the client reaches a program."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kiosk.appliance.machine import event_log as events
from kiosk.appliance.machine import screen_owner
from kiosk.appliance.root import server as staff
from kiosk.appliance.root import verbs
from kiosk.appliance.secrets import pin, sealed
from kiosk.appliance.words import worded
from kiosk.process import event_log, pins, secret_hash, tries
from kiosk.words.problems import Problem, to_json
from kiosk.words.texts import event_sentences
from tests import ROOT
from tests.appliance.staff_machine import PIN, Machine, machine, script
from tests.hospital import wait_until
from tests.process.test_safe_files import answered

# systemd-creds seals for root alone.
pytestmark = pytest.mark.peers

Answer = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def kiosk(tmp_path: Path) -> Machine:
    """A machine with a PIN, a site.toml that nobody reads, and the reception on the screen."""
    made = machine(tmp_path / "m")
    site = made.places.sites / "1"
    (site / sealed.FOLDER).mkdir(parents=True)
    made.places.site.symlink_to("1")
    (site / "site.toml").write_text("")
    sealed.seal(made.places, sealed.PIN_NAME, secret_hash.record(PIN), sealed.pin_file(made.places))
    screen_owner.show(None, made.places)
    return made


class Helper:
    """`Verbs` with clocks of the test."""

    def __init__(self, kiosk: Machine) -> None:
        self.places = kiosk.places
        self.clock = Clock()
        gate = tries.Tries(kiosk.places.appliance / "pin.json", now=self.clock, boot="this start")
        self.verbs = verbs.Verbs(kiosk.places, events.StaffLog(kiosk.places), now=self.clock, gate=gate)

    def ask(self, do: str, **more: object) -> list[Answer]:
        return list(self.verbs.answer({"do": do, **more}))

    def last(self, do: str, **more: object) -> Answer:
        return self.ask(do, **more)[-1]

    def key(self) -> str:
        return str(self.last("unlock", pin=PIN)["key"])


@pytest.fixture
def helper(kiosk: Machine) -> Helper:
    return Helper(kiosk)


# --- the PIN ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weak",
    ["12345", "1234567890123", "123456", "654321", "000000", "121212", "123123", "112233", "135791", "４５６７８９", "",
     "80426a", "334433", "24682468",
     "123321", "123450", "010203", "121314", "147258", "198001", "975310",
     "123789", "999111", "852147", "357159", "147852", "260718", "19801231", "12311980", "19801981", "102030", "100101",
     "8675309", "31415926", "987650"],
)  # fmt: skip
def test_a_weak_pin_is_refused_without_being_repeated(weak: str) -> None:
    fault = pin.fault(weak)
    assert fault
    assert not weak or weak not in worded(fault)


@pytest.mark.parametrize("good", [PIN, "901735", "118274650293", "730481", "269718", "99887601", "147092"])
def test_a_good_pin_is_taken(good: str) -> None:
    assert pin.fault(good) is None


@pytest.mark.parametrize(("digits", "most"), [(6, 0.10), (8, 0.02)])
def test_few_of_the_pins_that_nobody_chose_are_refused(digits: int, most: float) -> None:
    dice = random.Random(11)
    drawn = [f"{dice.randrange(10**digits):0{digits}}" for _ in range(20_000)]
    refused = sum(pin.fault(each) is not None for each in drawn) / len(drawn)
    assert most / 4 < refused < most  # 8.5 % of six digits


def test_the_list_of_the_most_used_holds_pins_alone_and_each_once() -> None:
    listed = (ROOT / "assets/pins/most-used.txt").read_text(encoding="ascii").splitlines()
    assert len(set(listed)) == len(listed) > 3000
    assert all(pins.fits(each) and pin.fault(each) for each in listed)


def test_what_is_kept_of_a_pin_is_not_the_pin() -> None:
    kept = secret_hash.record(PIN)
    assert PIN.encode() not in kept
    assert kept != secret_hash.record(PIN)
    assert secret_hash.matches(PIN, kept)
    assert not secret_hash.matches("804264", kept)
    assert not secret_hash.matches(PIN, b"{}")


class TestTries:
    """Five wrong ones lock; nothing makes the wait shorter."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def gate(self, tmp_path: Path, clock: Clock) -> Callable[[str], tries.Tries]:
        return lambda boot: tries.Tries(tmp_path / "pin.json", now=clock, boot=boot)

    def wrong(self, gate: tries.Tries, times: int) -> list[object]:
        return [gate.attempt("111112", secret_hash.record(PIN)) for _ in range(times)]

    def test_five_wrong_ones_lock_for_a_quarter_of_an_hour(
        self, gate: Callable[[str], tries.Tries], clock: Clock
    ) -> None:
        one = gate("a")
        assert self.wrong(one, 5) == [*(tries.Wrong(left) for left in (4, 3, 2, 1)), tries.Locked(900.0)]
        clock.now += 899
        assert one.attempt(PIN, secret_hash.record(PIN)) == tries.Locked(1.0)
        clock.now += 1
        assert one.attempt(PIN, secret_hash.record(PIN)) == tries.Right()

    def test_each_lock_is_twice_as_long_up_to_four_hours(
        self, gate: Callable[[str], tries.Tries], clock: Clock
    ) -> None:
        one = gate("a")
        waits = []
        for _ in range(6):
            self.wrong(one, 5)
            waits.append(one.locked_s())
            clock.now += waits[-1]
        assert waits == [900, 1800, 3600, 7200, 14400, 14400]

    def test_the_right_one_forgives_the_wrong_ones(self, gate: Callable[[str], tries.Tries]) -> None:
        one = gate("a")
        self.wrong(one, 4)
        assert one.attempt(PIN, secret_hash.record(PIN)) == tries.Right()
        assert self.wrong(one, 1) == [tries.Wrong(4)]

    def test_another_process_counts_on(self, gate: Callable[[str], tries.Tries]) -> None:
        self.wrong(gate("a"), 3)
        assert self.wrong(gate("a"), 1) == [tries.Wrong(1)]

    def test_a_restart_begins_the_wait_again_and_keeps_the_count(
        self, gate: Callable[[str], tries.Tries], clock: Clock
    ) -> None:
        self.wrong(gate("a"), 5)
        clock.now = 3.0
        assert gate("b").locked_s() == 900
        clock.now += 100
        assert gate("b").locked_s() == 800

    def test_a_damaged_count_is_a_lock(self, gate: Callable[[str], tries.Tries], tmp_path: Path) -> None:
        (tmp_path / "pin.json").write_bytes(b"\0\0\0")
        assert gate("a").locked_s() == 900

    def test_an_attempt_is_on_the_disk_before_it_is_compared(
        self, gate: Callable[[str], tries.Tries], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def compared(given: str, kept: bytes) -> bool:
            seen.append(json.loads((tmp_path / "pin.json").read_text())["wrong"])
            raise KeyboardInterrupt

        monkeypatch.setattr(tries, "matches", compared)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                gate("a").attempt(PIN, b"")
        assert seen == [1, 2]


def test_a_key_ends_a_minute_after_its_last_use() -> None:
    clock = Clock()
    session = pin.Session(clock)
    key = session.begin()
    clock.now += 60
    assert session.use(key)
    clock.now += 60
    assert session.use(key)
    clock.now += 60.1
    assert not session.use(key)


def test_there_is_one_key_at_a_time() -> None:
    session = pin.Session()
    first = session.begin()
    assert session.use(session.begin())
    assert not session.use(first)
    session.end()
    assert not session.use(first)


# --- the verbs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [{}, {"do": "rm"}, {"do": ["state"]}, {"do": None}, {"do": "State"}])
def test_what_is_not_on_the_list_is_refused(helper: Helper, request_: Answer) -> None:
    assert list(helper.verbs.answer(request_)) == [{"ok": False, "reason": "unknown"}]


@pytest.mark.parametrize(
    "do",
    ["keep", "status", "acknowledge", "network", "events", "check", "print", "restart", "updates", "update", "previous",
     "restore", "desk_chief", "reboot", "poweroff"],
)  # fmt: skip
def test_nothing_is_done_without_the_pin(helper: Helper, kiosk: Machine, do: str) -> None:
    before = kiosk.calls
    for key in ({}, {"key": ""}, {"key": "0" * 32}, {"key": 1}):
        assert helper.ask(do, **key) == [{"ok": False, "reason": "no_session"}]
    assert kiosk.calls == before


def test_state_tells_the_machine(helper: Helper) -> None:
    assert helper.last("state") == {
        "ok": True, "page": {"page": "reception"}, "site": True, "technician": True, "locked_s": 0, "var": "ok",
        "stick": False, "version": "1.2", "slot": "A", "desk": False,
    }  # fmt: skip


def test_the_page_learns_of_a_desk_when_the_site_has_one(helper: Helper, kiosk: Machine) -> None:
    assert helper.last("state")["desk"] is False
    file = kiosk.places.site / "site.toml"
    terminal = '[terminal]\nresults = "file:///face"\n'
    kept = 'name = "架空医院"\ninstitution_code = "9912345678"\npattern = 1\ndata_dir = "/var/lib/kiosk"\n'
    file.write_text(f'[site]\n{kept}{terminal}[desk]\nfeed = "watch"\n', encoding="utf-8")
    assert helper.last("state")["desk"] is True
    file.write_text("no site", encoding="utf-8")
    assert helper.last("state")["desk"] is False


def test_the_desks_chief_gets_a_password_that_only_the_screen_has(helper: Helper, kiosk: Machine, capfd: Any) -> None:
    key = helper.key()
    answers_status(kiosk, "chief abcd-efgh-jkmn-pq23\n", 0)
    *lines, last = helper.ask("desk_chief", key=key)
    assert [each["line"] for each in lines] == ["利用者名: chief", "仮パスワード: abcd-efgh-jkmn-pq23"]
    assert last == {"ok": True}
    logged = "".join(file.read_text(encoding="utf-8") for file in kiosk.places.appliance.glob("events-staff.jsonl"))
    assert "desk_chief" in logged
    assert "abcd" not in logged + capfd.readouterr().err


@pytest.mark.parametrize(
    ("printed", "code"), [("", 1), ("chief abcd-efgh-jkmn-pq23", 1), ("chief 1 patient's name", 0), ("", 0)]
)
def test_what_is_no_password_of_ours_is_not_passed_on(helper: Helper, kiosk: Machine, printed: str, code: int) -> None:
    key = helper.key()
    answers_status(kiosk, printed, code)
    assert helper.ask("desk_chief", key=key) == [
        {"ok": False, "reason": "failed", "text": f"できませんでした（{code}）"}
    ]
    (kiosk.places.site / "site.toml").unlink()
    assert helper.last("desk_chief", key=key)["reason"] == "no_site"


def test_the_chiefs_password_is_made_by_the_desks_own_user(helper: Helper, kiosk: Machine) -> None:
    helper.ask("desk_chief", key=helper.key())
    [call] = [call for call in kiosk.calls if call.startswith("setpriv") and " desk user chief " in call]
    assert "--reuid=kiosk-desk --regid=kiosk " in call
    assert f"KIOSK_DESK_DIR={kiosk.places.desk}" in call


def test_the_corner_opens_the_page_and_leaving_brings_the_reception_back(helper: Helper, kiosk: Machine) -> None:
    assert helper.last("open") == {"ok": True}
    assert screen_owner.current_page(kiosk.places) == {"page": "technician"}
    assert not kiosk.places.reception.exists()
    assert helper.last("leave") == {"ok": True}
    assert screen_owner.current_page(kiosk.places) == {"page": "reception"}
    assert [call for call in kiosk.calls if "--no-block start" in call][-2:] == [
        "systemctl --no-block start kiosk-page.service",
        "systemctl --no-block start kiosk.service",
    ]


def test_without_a_pin_the_corner_does_nothing(helper: Helper, kiosk: Machine) -> None:
    sealed.pin_file(kiosk.places).unlink()
    assert helper.last("open") == {"ok": False, "reason": "no_pin"}
    assert helper.last("unlock", pin=PIN) == {"ok": False, "reason": "no_pin"}
    assert screen_owner.current_page(kiosk.places) == {"page": "reception"}


@pytest.mark.parametrize(("do", "asked"), [("status", False), ("acknowledge", True)])
def test_alarms_are_over_only_when_a_technician_says_so(helper: Helper, kiosk: Machine, do: str, asked: bool) -> None:
    helper.last(do, key=helper.last("unlock", pin=PIN)["key"])
    [call] = [call for call in kiosk.calls if " status --config " in call]
    assert call.endswith("--acknowledge") is asked


def answers_status(kiosk: Machine, report: str, code: int) -> None:
    """`kiosk status` writes `report` and ends with `code` from now on."""
    (kiosk.places.root / "told").write_text(report, encoding="utf-8")
    script(kiosk.places.root / "usr/bin/setpriv", f'cat "{kiosk.places.root}/told"\nexit {code}\n')


@pytest.mark.parametrize("do", ["status", "acknowledge"])
def test_the_state_begins_with_the_version_and_is_japanese(helper: Helper, kiosk: Machine, do: str) -> None:
    key = helper.key()
    for code, problems, first in (
        (0, [], "OK 異常はありません"),
        (1, [{"code": "courier_gone"}], "NG 配送プログラムが動いていません"),
    ):
        answers_status(kiosk, json.dumps({"wrong": ["English"] * code, "problems": problems}), code)
        *lines, last = helper.ask(do, key=key)
        answers = [each["line"] for each in lines if not each["line"].startswith("使っていない USB 機器")]
        assert answers[0] == "版 1.2（スロット A、鍵 development）"
        assert answers[1] == "記録の領域: 暗号化していません"
        assert answers[2].startswith(first)
        assert last == {"ok": True, "well": code == 0}


@pytest.mark.parametrize(
    ("report", "code"), [('{"wrong": []}', 2), ('{"wrong": []}', 124), ("OK  nothing", 0), ("", 1)]
)
def test_a_state_that_cannot_be_read_is_reported(helper: Helper, kiosk: Machine, report: str, code: int) -> None:
    key = helper.key()
    answers_status(kiosk, report, code)
    last = helper.last("status", key=key)
    assert last == {"ok": False, "reason": "failed", "text": f"状態を調べられません（{code}）"}


def test_a_restore_says_in_japanese_what_came_back_and_what_is_left_to_do(helper: Helper, kiosk: Machine) -> None:
    key = helper.key()
    backup = Problem("restored.backup", {"year": 2026, "month": 1, "day": 15, "hour": 1, "minute": 0})
    said = "".join(f"{to_json(each)}\n" for each in (backup, Problem("restored.arrivals", {"count": 3})))
    said += "ZZ a patient\n"
    for code, more in ((0, ""), (1, f"{to_json(Problem('restored.incomplete'))}\n")):
        answers_status(kiosk, said + more, code)
        *lines, last = helper.ask("restore", key=key)
        assert last == {"ok": True, "well": code == 0}
        assert [each["line"] for each in lines][:2] == [
            "予約: 2026-01-15 01:00 の控えから戻しました",
            "今日の受付: 3 人。受付番号は続きからです",
        ]
        assert len(lines) == 2 + code, "what is no sentence of ours may be a patient's"
    answers_status(kiosk, "", 1)
    assert helper.last("restore", key=key)["text"] == "復元できませんでした（1）"
    (kiosk.places.site / "site.toml").unlink()
    assert helper.last("restore", key=key)["reason"] == "no_site"


def test_a_pin_that_is_no_text_is_a_wrong_pin(helper: Helper) -> None:
    assert helper.last("unlock", pin="\ud800")["reason"] == "wrong_pin"


def test_wrong_pins_lock_and_the_right_one_does_not_help_then(helper: Helper) -> None:
    answers = [helper.last("unlock", pin="804264") for _ in range(5)]
    assert [each.get("left") for each in answers] == [4, 3, 2, 1, None]
    assert helper.last("unlock", pin=PIN) == {"ok": False, "reason": "locked", "wait_s": 900}
    assert helper.last("state")["locked_s"] == 900


def test_every_use_is_logged_and_no_pin_or_key_is(helper: Helper, kiosk: Machine, capfd: Any) -> None:
    helper.last("unlock", pin="804264")
    key = helper.key()
    helper.ask("network", key=key)
    helper.ask("format", key=key)
    helper.last("leave", key=key)
    log = (kiosk.places.appliance / "events-staff.jsonl").read_text()
    report = [(line["event"], line.get("what"), line.get("code")) for line in map(json.loads, log.splitlines())]
    assert ("staff_used", "network", "ok") in report
    assert ("staff_used", "format", "not_confirmed") in report
    assert {"staff_wrong_pin", "staff_unlocked"} <= {event for event, _, _ in report}
    for secret in (PIN, "804264", key):
        assert secret not in log + capfd.readouterr().err
        assert not any(secret in call for call in kiosk.calls)


def test_reboot_and_power_off_go_to_the_service_manager(helper: Helper, kiosk: Machine) -> None:
    for what in ("reboot", "poweroff"):
        assert helper.last(what, key=helper.key()) == {"ok": True}
        assert kiosk.calls[-1] == f"systemctl --no-block {what}"


def test_formatting_wants_two_confirmations_and_the_pin(helper: Helper, kiosk: Machine) -> None:
    key = helper.key()
    assert helper.last("format", key=key, confirmed=1)["reason"] == "not_confirmed"
    assert helper.last("format", confirmed=2)["reason"] == "no_session"
    assert not any("grub-editenv" in call for call in kiosk.calls)
    assert helper.last("format", key=key, confirmed=2) == {"ok": True}
    assert kiosk.calls[-2:] == [
        f"grub-editenv {kiosk.places.grubenv} set kiosk_format=1",
        "systemctl --no-block reboot",
    ]


def test_a_broken_var_may_be_formatted_with_a_stick_in_place_of_the_pin(helper: Helper, kiosk: Machine) -> None:
    kiosk.places.var_broken.write_text("fsck\n")
    assert helper.last("format", confirmed=2)["reason"] == "no_session"
    kiosk.places.stick_link.parent.mkdir(parents=True)
    kiosk.places.stick_link.write_text("")
    assert helper.last("format", confirmed=2) == {"ok": True}


def test_a_stick_alone_formats_nothing(helper: Helper, kiosk: Machine) -> None:
    kiosk.places.stick_link.parent.mkdir(parents=True)
    kiosk.places.stick_link.write_text("")
    assert helper.last("format", confirmed=2)["reason"] == "no_session"


def test_the_paper_test_tells_of_printer_and_paper_alone(helper: Helper, kiosk: Machine) -> None:
    answer = ["NG   clock    x", "OK   printer    x", "NG   paper    x → y", "SKIP test_slip    x", "NG   print_x   x"]
    answers_of_check = kiosk.places.root / "answer"
    answers_of_check.write_text("".join(f"{line}\n" for line in answer))
    script(kiosk.places.root / "usr/bin/systemctl", f'cp "{answers_of_check}" "{kiosk.places.run}/check-answer"\n')
    answers = helper.ask("print", key=helper.key())
    assert [each["line"] for each in answers[:-1]] == answer[1:4]
    assert answers[-1] == {"ok": True, "wrong": 1}


@pytest.mark.parametrize("name", ["../x", "kiosk-9.raucb", 5, None])
def test_an_update_that_was_not_listed_is_refused(helper: Helper, name: object) -> None:
    assert helper.last("update", key=helper.key(), name=name) == {"ok": False, "reason": "unknown"}


@pytest.mark.parametrize("do", ["disks", "write_disk"])
def test_an_installed_machine_overwrites_no_disk(helper: Helper, do: str) -> None:
    assert helper.last(do, key=helper.key(), name="sda", confirmed=2) == {"ok": False, "reason": "not_installing"}


def test_only_one_long_job_runs(helper: Helper, kiosk: Machine) -> None:
    key = helper.key()
    running = helper.verbs.answer({"do": "check", "key": key})
    assert "line" in next(running)
    assert helper.last("print", key=key) == {"ok": False, "reason": "busy"}
    assert helper.last("leave", key=key) == {"ok": False, "reason": "busy"}
    running.close()  # type: ignore[attr-defined]
    assert helper.last("state")["ok"]


def test_the_check_streams_its_lines_and_counts_what_is_wrong(helper: Helper) -> None:
    """The site.toml of this machine is empty: the check says so."""
    answers = helper.ask("check", key=helper.key())
    lines = [each["line"] for each in answers[:-1]]
    site = [line for line in lines if line.startswith("NG   site_toml")]
    assert "site.toml: [site] name: 書かれていません。1～60 文字の文字列を書いてください → " in site[0]
    assert not any("missing" in line or "expected" in line for line in site)
    assert answers[-1]["ok"]
    assert answers[-1]["wrong"] == sum(line.startswith("NG") for line in lines)


def test_a_forgotten_page_gives_the_screen_back(helper: Helper, kiosk: Machine) -> None:
    helper.last("open")
    helper.clock.now += verbs.FORGOTTEN_S - 1
    helper.verbs.close_idle_page()
    assert screen_owner.current_page(kiosk.places)["page"] == "technician"
    helper.clock.now += 1
    helper.verbs.close_idle_page()
    assert screen_owner.current_page(kiosk.places)["page"] == "reception"


def test_the_last_events_of_all_programs_come_in_one_list(helper: Helper, kiosk: Machine) -> None:
    def line(at: str, event: str, **more: object) -> str:
        return json.dumps({"at": f"2026-01-15T{at}+00:00", "process": "x", "event": event, **more}) + "\n"

    (kiosk.places.data / "events-run.jsonl").write_text(line("01:00:00", "kiosk_started") + '{"at": "20')
    (kiosk.places.courier / "events-courier.jsonl").write_text(
        "half a line\n" + line("00:59:59", "share_down", where="smb://192.0.2.10/face") + line("01:00:01", "new_id")
    )
    kiosk.places.his.mkdir(parents=True)
    (kiosk.places.his / "events-his.jsonl").write_text(line("01:00:02", "his_served"))
    answers = [each["line"] for each in helper.ask("events", key=helper.key())[:-1]]
    assert answers[-4:] == [
        f"01-15 10:00:02 {event_sentences()['his_served']}",
        "01-15 10:00:01 new_id",
        "01-15 10:00:00 受付が始まりました",
        "01-15 09:59:59 共有フォルダーが応答しません（smb://192.0.2.10/face）",
    ]
    assert "技術者用の画面が開かれました" in answers[0]


@pytest.mark.parametrize("name", ["events-run.jsonl", "events-courier.jsonl", "events-his.jsonl"])
def test_no_log_of_a_service_keeps_roots_helper_or_makes_it_show_another_file(
    helper: Helper, kiosk: Machine, name: str
) -> None:
    places, key = kiosk.places, helper.key()
    folder = {"events-run.jsonl": places.data, "events-courier.jsonl": places.courier}.get(name, places.his)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / name
    os.mkfifo(log)
    assert answered(lambda: helper.last("events", key=key)) == {"ok": True}
    secret = places.root / "secret.jsonl"
    secret.write_text('{"at": "2026-01-15T01:00:00+00:00", "event": "himitsu"}\n')
    log.unlink()
    log.symlink_to(secret)
    answers = helper.ask("events", key=key)
    assert (answers[-1], "himitsu" in str(answers)) == ({"ok": True}, False)


def test_no_line_of_a_log_ends_roots_helper(helper: Helper, kiosk: Machine) -> None:
    good = '{"at": "2026-01-15T01:00:00+00:00", "event": "kiosk_started"}'
    bad = [
        "[" * 60_000,
        '{"at": "0001-01-01T00:00:00+14:00", "event": "x"}',
        '{"at": "9999-12-31T23:59:59-12:00", "event": "x"}',
        '{"at": 1}', "[]", "1", '{"at": "2026-01-15T01:00:00+00:00", "event": {"a": []}, "what": [1]}',
    ]  # fmt: skip
    (kiosk.places.data / "events-run.jsonl").write_text("\n".join([good, *bad, good]))
    answers = helper.ask("events", key=helper.key())
    assert answers[-1] == {"ok": True}
    assert sum("受付が始まりました" in str(each) for each in answers) == 2


def test_every_event_has_a_japanese_sentence() -> None:
    assert set(event_sentences()) == {*event_log.EVENTS, *events.EVENTS}


# --- after a start ----------------------------------------------------------------------------------------------------


def test_what_the_screen_shows_after_a_start(kiosk: Machine) -> None:
    places = kiosk.places
    assert screen_owner.usual_page(places) is None
    places.site_wrong.write_text("site.toml: [site] name: missing\n")
    assert screen_owner.usual_page(places) == {"page": "no_site", "wrong": ["site.toml: [site] name: missing"]}
    (places.site / "site.toml").unlink()
    assert screen_owner.usual_page(places) == {"page": "no_site"}
    places.var_broken.write_text("unlock\n")
    assert screen_owner.usual_page(places) == {"page": "recovery", "reason": "unlock"}
    places.cmdline.write_text("quiet kiosk.installer\n")
    assert screen_owner.usual_page(places) == {"page": "installer"}


# --- the socket -------------------------------------------------------------------------------------------------------


@pytest.fixture
def socket_path(kiosk: Machine) -> Iterator[Path]:
    log = events.StaffLog(kiosk.places)
    with staff.StaffServer(kiosk.places, verbs.Verbs(kiosk.places, log), frozenset({os.geteuid()})) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield kiosk.places.staff_socket
        server.shutdown()


def talk(path: Path, sent: bytes) -> list[Answer]:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(str(path))
        try:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            return []
        with line.makefile("rb") as answers:
            try:
                return [json.loads(each) for each in answers]
            except ConnectionResetError:
                return []


def test_requests_come_and_go_line_by_line(socket_path: Path) -> None:
    answers = talk(socket_path, b'{"do": "state"}\nnot json\n{"do": "keep"}\n')
    assert answers[0]["version"] == "1.2"
    assert [each.get("reason") for each in answers[1:]] == ["unknown", "no_session"]
    assert socket_path.stat().st_mode & 0o777 == 0o660


def test_a_request_without_end_is_not_waited_for(socket_path: Path) -> None:
    assert talk(socket_path, b'{"do": "state", "x": "' + b"x" * (staff.MAX_REQUEST + 10)) == []
    assert talk(socket_path, b'{"do": "state"}\n')[0]["ok"]


def test_more_clients_than_the_limit_are_turned_away_and_room_comes_back(socket_path: Path) -> None:
    held = [socket.socket(socket.AF_UNIX) for _ in range(staff.MAX_CLIENTS)]
    for each in held:
        each.settimeout(60)
        each.connect(str(socket_path))
        each.sendall(b'{"do": "state"}\n')
        assert each.recv(10)
    assert talk(socket_path, b'{"do": "state"}\n') == []
    for each in held:
        each.close()
    until = threading.Event()
    assert any(talk(socket_path, b'{"do": "state"}\n') or until.wait(0.05) for _ in range(600))


def test_another_user_hears_nothing(kiosk: Machine) -> None:
    log = events.StaffLog(kiosk.places)
    others = frozenset({os.geteuid() + 1})
    with staff.StaffServer(kiosk.places, verbs.Verbs(kiosk.places, log), others) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        assert talk(kiosk.places.staff_socket, b'{"do": "state"}\n') == []
        server.shutdown()


def test_the_helper_runs_as_a_process_and_ends_when_asked(kiosk: Machine) -> None:
    command = [sys.executable, "-m", "kiosk.appliance", "staff", "--root", str(kiosk.places.root)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        answer: list[Answer] = []

        def look() -> bool:
            with suppress(OSError):  # there is no socket yet, or there is one and nobody listens at it yet
                answer.extend(talk(kiosk.places.staff_socket, b'{"do": "state"}\n'))
            return bool(answer) or process.poll() is not None

        wait_until(look, "the helper")
        assert answer[0]["ok"]
        process.terminate()
        assert process.wait(60) == 0
