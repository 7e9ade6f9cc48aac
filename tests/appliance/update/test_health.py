"""After an update: a version stays only if it does what worked before; a good one is never left for a bad day."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest

from kiosk.appliance.machine import event_log
from kiosk.appliance.root import description
from kiosk.appliance.update import health, slots
from kiosk.operations.report import StatusReport, decode
from kiosk.process.data_folder import DataFolder
from tests.appliance.machine_double import IMAGE, Machine, need_programs, working
from tests.hospital import wait_until

pytestmark = pytest.mark.peers


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    need_programs()
    return Machine(tmp_path / "machine", tmp_path / "keyring.pem")


@pytest.fixture
def on_trial(machine: Machine) -> Machine:
    """1.5.0 was installed to B while all worked but the terminal's share, and is started now."""
    machine.site()
    machine.status(working(terminal="down"))
    slots.remember(machine.places, "B", "1.5.0")
    machine.grub("set", "kiosk_trial=B", "ORDER=B A", "B_TRY=1")
    machine.start("B", "second")
    return machine


GOOD = "rauc status mark-good booted"
BACK = ["rauc status mark-bad booted", "systemctl --no-block reboot"]
NEVER_AGAIN = "rauc status mark-bad other"


def test_a_new_version_that_does_what_worked_before_is_good(on_trial: Machine) -> None:
    assert health.confirm(on_trial.places, 5)
    assert on_trial.calls() == [GOOD]
    assert slots.trial(on_trial.places) is None
    assert not on_trial.places.before_update.exists()
    assert slots.read_note(on_trial.places.health)["good"] is True


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (working(terminal="down", receipt_computer="refused"), "share_receipt_computer"),
        (working() | {"printer": {"state": "no_answer"}}, "printer"),
        (working() | {"courier": {"alive": False}}, "courier"),
        (working() | {"delivery": None}, "journal"),
        (
            working()
            | {"alarms": [{"code": "journal_lost", "subject": "courier.db.broken-1", "since": "", "name": ""}]},
            "journal",
        ),
        ([], "status"),
    ],
)
def test_a_new_version_that_breaks_something_goes_back(on_trial: Machine, report: object, word: str) -> None:
    (on_trial.root / "status.json").write_text(json.dumps(report))
    assert not health.confirm(on_trial.places, 1)
    assert on_trial.calls() == BACK
    assert slots.read_note(on_trial.places.health)["missing"] == [word]
    # The version before runs again: staff are told once, with the reason, and nothing restarts.
    on_trial.start("A", "third")
    assert health.confirm(on_trial.places, 5)
    assert health.confirm(on_trial.places, 5)
    assert on_trial.calls() == [*BACK, NEVER_AGAIN]
    assert slots.variables(on_trial.places)["A_TRY"] == "0"
    assert not on_trial.places.before_update.exists()


def test_a_ledger_that_was_lost_before_the_update_is_no_fault_of_it(machine: Machine) -> None:
    old = {"alarms": [{"code": "journal_lost", "subject": "courier.db.broken-1", "since": "", "name": ""}]}
    machine.site()
    machine.status(working() | old)
    slots.remember(machine.places, "B", "1.5.0")
    assert health.find_lost(slots.read_note(machine.places.before_update), slots.kiosk_status(machine.places)) == []


@pytest.mark.parametrize(("before", "after", "lost"), [(True, True, []), (True, False, ["desk"]), (False, False, [])])
def test_a_desk_that_ran_before_the_update_runs_after_it(before: bool, after: bool, lost: list[str]) -> None:
    def report(*, alive: bool) -> StatusReport:
        decoded = decode(json.dumps(working() | {"desk": {"alive": alive}}).encode())
        assert decoded is not None
        return decoded

    note = {"reception": True} | slots.working(report(alive=before))
    assert health.find_lost(note, report(alive=after)) == lost


def test_a_new_version_without_a_picture_or_without_its_disk_goes_back(on_trial: Machine) -> None:
    (on_trial.root / "active").write_text("")
    assert not health.confirm(on_trial.places, 1)
    assert on_trial.calls() == BACK
    (on_trial.root / "active").write_text("kiosk.service\n")
    on_trial.grub("set", "kiosk_trial=B")
    on_trial.places.var_broken.write_text("unlock\n")
    assert health.find_missing(on_trial.places, on_trial=True) == ["var"]


def test_an_event_that_its_list_lacks_does_not_stop_a_fall_back(
    on_trial: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "EVENTS", {})
    (on_trial.root / "active").write_text("")
    assert not health.confirm(on_trial.places, 1)
    assert on_trial.calls() == BACK


def test_a_new_version_that_finds_the_site_wrong_goes_back(on_trial: Machine) -> None:
    """Its page stands there and draws, but there was a reception before."""
    on_trial.places.reception.unlink()
    (on_trial.root / "active").write_text("kiosk-page.service\n")
    assert not health.confirm(on_trial.places, 1)
    assert on_trial.calls() == BACK


def test_a_technicians_page_is_waited_for_and_is_no_reason_to_go_back(on_trial: Machine) -> None:
    places = on_trial.places
    places.reception.unlink()
    places.page.write_text('{"page": "technician"}')
    (on_trial.root / "active").write_text("kiosk-page.service\n")
    outcomes: list[bool] = []
    thread = threading.Thread(target=lambda: outcomes.append(health.confirm(places, 3)))
    thread.start()
    thread.join(5)
    assert thread.is_alive()
    assert on_trial.calls() == []
    # Left: the flag is there at once, the reception's first picture is not.
    (on_trial.root / "active").write_text("")
    places.reception.touch()
    thread.join(0.3)
    (on_trial.root / "active").write_text("kiosk.service\n")
    thread.join(60)
    assert outcomes == [True]
    assert on_trial.calls() == [GOOD]


def test_a_machine_without_a_site_needs_only_its_page(machine: Machine) -> None:
    slots.remember(machine.places, "B", "1.5.0")
    machine.grub("set", "kiosk_trial=B")
    machine.start("B", "second")
    assert health.confirm(machine.places, 5)
    assert machine.calls() == [GOOD]


def test_a_version_that_was_good_stays_whatever_is_down(machine: Machine) -> None:
    machine.site()
    machine.status(working(terminal="down") | {"courier": {"alive": False}, "delivery": None})
    assert health.confirm(machine.places, 5)
    assert slots.variables(machine.places)["A_TRY"] == "0"
    (machine.root / "active").write_text("")
    assert not health.confirm(machine.places, 1)
    assert machine.calls() == []  # not good, and yet no restart


def test_a_good_start_changes_one_figure_of_the_boot_loaders_block_in_its_place(machine: Machine) -> None:
    """At every start; a block that is emptied and written anew may be lost to a power cut each time."""
    file, before = machine.places.grubenv, machine.places.grubenv.read_bytes()
    assert before.count(b"A_TRY=1") == 1
    node = file.stat().st_ino
    with file.open("rb") as opened:
        assert health.confirm(machine.places, 5)
        assert opened.read() == before.replace(b"A_TRY=1", b"A_TRY=0")
    assert file.stat().st_ino == node
    assert machine.calls() == []


@pytest.mark.parametrize("change", [("A_OK=0",), ("A_TRY=",), ("A_TRY=12",)])
def test_what_is_not_one_figure_is_left_to_rauc(machine: Machine, change: tuple[str, ...]) -> None:
    machine.grub("set", *change)
    assert health.confirm(machine.places, 5)
    assert machine.calls() == [GOOD]


def test_a_patient_in_front_of_a_new_version_is_waited_for(on_trial: Machine) -> None:
    """Its screen is good, its printer is not: it goes back, but not in the middle of a visit."""
    places = on_trial.places
    on_trial.status(working() | {"printer": {"state": "offline"}})
    status = DataFolder(places.data).run_status
    status.parent.mkdir(parents=True, exist_ok=True)
    status.write_text(json.dumps({"at": time.time(), "screen": "tap_reader"}))
    thread = threading.Thread(target=health.confirm, args=(places, 1))
    thread.start()
    wait_until(lambda: "rauc status mark-bad booted" in on_trial.calls(), "the verdict")
    thread.join(2)
    assert on_trial.calls() == BACK[:1]
    status.write_text(json.dumps({"at": time.time(), "screen": "choose_card"}))
    thread.join(60)
    assert on_trial.calls() == BACK


def test_an_update_that_waits_for_its_restart_is_no_fall_back(machine: Machine) -> None:
    slots.remember(machine.places, "B", "1.5.0")
    machine.grub("set", "kiosk_trial=B")
    assert health.confirm(machine.places, 5)
    assert slots.trial(machine.places) == "B"
    assert machine.places.before_update.exists()


def test_an_update_that_never_started_is_logged_and_forgotten(on_trial: Machine) -> None:
    """Three starts without a picture: the boot loader itself went back to A."""
    on_trial.start("A", "fifth")
    assert health.confirm(on_trial.places, 5)
    assert on_trial.calls() == [NEVER_AGAIN]  # or the technician could "go back" to it
    assert slots.variables(on_trial.places)["A_TRY"] == "0"
    assert slots.trial(on_trial.places) is None
    assert not on_trial.places.before_update.exists()


def test_a_good_version_that_failed_to_boot_three_times_is_logged_once(machine: Machine) -> None:
    """Power cuts while it started: the other version, good as well, runs until a technician goes back."""
    assert len(description.version(machine.places)) == 2
    machine.start("B", "second")
    machine.grub("set", "A_TRY=3", "B_TRY=1")
    assert health.confirm(machine.places, 5)
    assert health.confirm(machine.places, 5)
    log = (machine.places.appliance / "events-staff.jsonl").read_text(encoding="utf-8")
    assert log.count("other_slot_started") == 1
    assert "前の版に戻す" in description.version(machine.places)[-1]


def test_the_picture_of_the_start_turns_with_the_display(machine: Machine) -> None:
    for rotation, variable in ((90, "90"), (270, "270"), (0, None), (0, None)):
        slots.set_boot_rotation(machine.places, rotation)
        assert slots.variables(machine.places).get("kiosk_turn") == variable


def test_an_update_that_waits_for_its_restart_is_not_logged_as_a_failed_boot(machine: Machine) -> None:
    machine.grub("set", "ORDER=B A", "kiosk_trial=B")
    assert not slots.passed_over(machine.places)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"slot": 7, "shares": [], "missing": 3, "reception": true}'])
def test_a_damaged_note_or_one_of_another_version_stops_nothing(on_trial: Machine, note: str) -> None:
    on_trial.places.before_update.write_text(note)
    on_trial.status(working())
    assert health.confirm(on_trial.places, 5)
    assert on_trial.calls() == [GOOD]


@pytest.mark.parametrize("block", [b"", b"\0" * 1024, b"GRUB Environment?\nORDER=A B\n".ljust(1024, b"#")])
def test_a_damaged_block_of_the_boot_loader_is_recreated(machine: Machine, block: bytes) -> None:
    machine.places.grubenv.write_bytes(block)
    assert health.confirm(machine.places, 5)
    assert slots.variables(machine.places) == {
        "ORDER": "A B", "A_OK": "1", "A_TRY": "0", "B_OK": "0", "B_TRY": "0",
    }  # fmt: skip
    assert machine.calls() == []
    assert "boot_block_mended" in (machine.places.appliance / "events-staff.jsonl").read_text()


@pytest.mark.parametrize("screen", ["kiosk.service\n", ""])
def test_a_slot_that_rauc_cannot_mark_stays_on_trial(on_trial: Machine, screen: str) -> None:
    """For the small script, which needs no RAUC: without a trial the version would stay, and the next start call it
    good.
    """
    (on_trial.root / "rauc-fails").touch()
    (on_trial.root / "active").write_text(screen)
    assert not health.confirm(on_trial.places, 1)
    assert slots.trial(on_trial.places) == "B"
    assert "systemctl --no-block reboot" not in on_trial.calls()


def run_script(machine: Machine, name: str, *paths: str) -> None:
    """One of the image's small scripts, with `paths` below the machine's root."""
    text = (IMAGE / "tree/usr/lib/kiosk" / name).read_text()
    for path in paths:
        assert path in text
        text = text.replace(path, f"{machine.root}{path}")
    path = f"{machine.root}/usr/bin:/usr/bin:/bin"
    subprocess.run(["sh", "-c", text], check=True, timeout=60, env={"PATH": path}, capture_output=True)


@pytest.mark.parametrize(("trial", "slot", "goes"), [("B", "B", True), ("B", "A", False), ("", "A", False)])
def test_the_script_goes_back_only_from_a_slot_on_trial(machine: Machine, trial: str, slot: str, goes: bool) -> None:
    machine.start(slot, "second")
    if trial:
        machine.grub("set", f"kiosk_trial={trial}")
    run_script(machine, "fallback", "/efi/", "/proc/cmdline")
    found = slots.variables(machine.places)
    assert (found["B_OK"], "kiosk_trial" in found) == (("0", False) if goes else ("1", bool(trial)))
    assert machine.calls() == (["systemctl --no-block reboot"] if goes else [])


NAME, OTHER_NAME = "0123456789abcdef" * 2, "f" * 32
PUT_BACK = ["systemctl --no-block reboot"]


def keep_name(machine: Machine, now: str) -> str | None:
    """A start under the name `now`; what the boot loader has afterwards."""
    (machine.root / "etc/machine-id").write_text(f"{now}\n")
    machine.places.appliance.mkdir(exist_ok=True)
    run_script(machine, "keep-machine-id", "/efi/", "/etc/machine-id", "/var/lib/kiosk-appliance", "/run/kiosk-appl")
    return slots.variables(machine.places).get("machine_id")


@pytest.mark.parametrize("block", [b"", b"\0" * 1024, b"# GRUB Environment Block\n".ljust(1024, b"#")])
def test_a_name_that_a_power_cut_took_from_the_boot_loader_is_put_back(machine: Machine, block: bytes) -> None:
    """grub-editenv empties the block before it writes; every password of the site is sealed to that name."""
    assert keep_name(machine, NAME) == NAME
    assert keep_name(machine, NAME) == NAME
    assert machine.calls() == []
    machine.places.grubenv.write_bytes(block)
    assert keep_name(machine, OTHER_NAME) == NAME
    assert machine.calls() == PUT_BACK
    assert health.confirm(machine.places, 5)  # which makes the rest of the block anew
    found = slots.variables(machine.places)
    assert (found["machine_id"], found["ORDER"], found["A_OK"], found["A_TRY"]) == (NAME, "A B", "1", "0")
    assert keep_name(machine, NAME) == NAME
    assert machine.calls() == PUT_BACK


def test_a_name_is_never_replaced_and_is_copied_to_a_new_disk(machine: Machine) -> None:
    machine.grub("set", f"machine_id={NAME}")
    assert keep_name(machine, OTHER_NAME) == NAME  # whatever this start is called
    assert machine.calls() == []
    assert (machine.places.appliance / "machine-id").read_text() == f"{NAME}\n"
    machine.grub("unset", "machine_id")
    machine.places.run.mkdir(exist_ok=True)
    machine.places.var_broken.touch()
    assert keep_name(machine, OTHER_NAME) is None  # /var may be back at the next start, with the old name
