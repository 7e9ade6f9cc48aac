"""Staff on the machine, with fingers: the hidden corner, the PIN, every button of the menu; it leaves by itself."""

from __future__ import annotations

import json
from contextlib import suppress

from kiosk.appliance.technician.pages import Page
from tests.image import glass
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, TooLate, until
from tests.image.recovery_times import boot_id, main_pid
from tests.image.site import PIN
from tests.image.staff_pages import MENU, PAD, REPORTS, SURE, UPDATES, settle, tap, until_page, until_typed

_CORNER_HOLD_S = 6.5
_LEAVES_S = 60.0
_HOLDS = 4
_GIVES_WAY_S = 30.0
_JOB_S = 600.0
_OFF_S = 180.0
_WRONG_PIN = "112233"
_REPORTED = ("status", "network", "events", "check", "print")
# There is no time server here.
_KNOWN_WRONG = ["clock_sync"]
_ANSWER = "/run/kiosk-appliance/check-answer"
_LOG = "/var/lib/kiosk-appliance/events-staff.jsonl"


def enter(bench: Bench, machine: Machine, pin: str) -> None:
    """From the reception's start to the menu."""
    # More than once: a PC that has just started its reception takes a finger late, and so not for long enough.
    for _ in range(_HOLDS):
        settle(machine)
        machine.tap(0.02, 0.012, _CORNER_HOLD_S)
        with suppress(TooLate):
            until(lambda: glass.which(machine.look()) is None, "the reception gives way", _GIVES_WAY_S)
            break
    until_page(bench, machine, PAD)
    for count, digit in enumerate(pin, 1):
        tap(machine, PAD, f"key_{digit}")
        until_typed(machine, count)
    tap(machine, PAD, "ok")


def _events(machine: Machine, event: str, what: str | None = None) -> int:
    """How often the log of staff has this event."""
    lines = [json.loads(line) for line in machine.shell.value(f"cat {_LOG}").splitlines()]
    return sum(line["event"] == event and line.get("what") == what for line in lines)


def _uses(machine: Machine, job: str) -> int:
    """How often `job` was done."""
    return _events(machine, "staff_used", job)


def _do(machine: Machine, page: Page, job: str, button: str) -> None:
    """Touch `button` and wait until the log says that `job` was done."""
    before = _uses(machine, job)
    tap(machine, page, button)
    until(lambda: _uses(machine, job) > before, f"{job} done", _JOB_S, 1.0)


def _menu(bench: Bench, machine: Machine) -> None:
    """Everything that can be looked at, each once, and a way back from a question."""
    slips = len(bench.hospital.printer.jobs)
    for job in _REPORTED:
        with bench.timed(job):
            _do(machine, MENU, job, job)
        report = until_page(bench, machine, *REPORTS)
        if job == "check":
            wrong = [line for line in machine.shell.value(f"cat {_ANSWER}").splitlines() if line.startswith("NG")]
            assert [line.split()[1] for line in wrong] == _KNOWN_WRONG, wrong
        bench.picture(machine, f"technician-{job}")
        tap(machine, report, "back")
        until_page(bench, machine, MENU)
    assert bench.hospital.printer.wait_for_job(STEP_S, slips + 1) is not None, "no test slip came out"
    _do(machine, MENU, "updates", "updates")
    until_page(bench, machine, UPDATES)
    bench.picture(machine, "technician-updates")
    tap(machine, UPDATES, "back")
    until_page(bench, machine, MENU)
    tap(machine, MENU, "format")
    until_page(bench, machine, SURE)
    bench.picture(machine, "technician-format")
    tap(machine, SURE, "no")
    until_page(bench, machine, MENU)


def _down(bench: Bench, machine: Machine) -> Machine:
    """The three ways down, each after a question."""
    courier = main_pid(machine, "kiosk-courier.service")
    tap(machine, MENU, "restart")
    _do(machine, until_page(bench, machine, SURE), "restart", "yes")
    bench.until_screen(machine, "choose_card", BOOT_S)
    assert main_pid(machine, "kiosk-courier.service") not in (0, courier), "the courier was not started anew"
    enter(bench, machine, PIN)
    until_page(bench, machine, MENU)
    boot = boot_id(machine)
    tap(machine, MENU, "reboot")
    until_page(bench, machine, SURE)
    bench.picture(machine, "technician-reboot")
    tap(machine, SURE, "yes", last=True)
    until(lambda: boot_id(machine) not in ("", boot), "the PC started again", BOOT_S, 2.0)
    bench.until_screen(machine, "choose_card", BOOT_S)
    enter(bench, machine, PIN)
    until_page(bench, machine, MENU)
    tap(machine, MENU, "poweroff")
    until_page(bench, machine, SURE)
    tap(machine, SURE, "yes", last=True)
    until(lambda: not machine.is_on, "the PC switches itself off", _OFF_S)
    machine = bench.again(machine)
    bench.until_screen(machine, "choose_card", BOOT_S)
    return machine


def run(bench: Bench) -> None:
    """Five seconds in the corner; a wrong PIN opens nothing; each button does what it says; after 60 s it is gone."""
    machine = bench.with_site()
    before = _events(machine, "staff_wrong_pin")
    enter(bench, machine, _WRONG_PIN)
    until(lambda: _events(machine, "staff_wrong_pin") > before, "the wrong PIN in the log of staff", STEP_S)
    settle(machine)
    bench.picture(machine, "technician-wrong-pin")
    tap(machine, PAD, "close")
    bench.until_screen(machine, "choose_card", BOOT_S)
    enter(bench, machine, PIN)
    until_page(bench, machine, MENU)
    bench.picture(machine, "technician-menu")
    with bench.timed("leaves_by_itself"):
        bench.until_screen(machine, "choose_card", _LEAVES_S + STEP_S)
    enter(bench, machine, PIN)
    until_page(bench, machine, MENU)
    _menu(bench, machine)
    machine = _down(bench, machine)
    log = machine.shell.value(f"cat {_LOG}")
    assert PIN not in log, "the log of staff has the PIN"
    bench.figure("uses_logged", len(log.splitlines()))
