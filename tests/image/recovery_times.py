"""kill -9 and a hang (SIGSTOP) of screen and courier: seconds until it is as before. Delivery needs no screen."""

from __future__ import annotations

import time

from tests.image import site
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, until

_SCREEN, _COURIER = "kiosk.service", "kiosk-courier.service"


def boot_id(machine: Machine) -> str:
    """Changes with every start of the PC; "" while nobody answers."""
    try:
        return machine.shell.value("cat /proc/sys/kernel/random/boot_id", 10)
    except AssertionError:  # between two starts
        return ""


def main_pid(machine: Machine, unit: str) -> int:
    """0: it does not run."""
    return int(machine.shell.value(f"systemctl show -p MainPID --value {unit}"))


def _is_back(machine: Machine, unit: str, other_than: int) -> bool:
    active = machine.shell.run(f"systemctl is-active {unit}")[1].strip() == "active"
    return active and main_pid(machine, unit) not in (0, other_than)


def deliver_one(bench: Bench) -> float:
    """Seconds until one file is through."""
    file = site.result()
    began = time.monotonic()
    bench.hospital.put(file)
    there = bench.hospital.to_face / file.name
    until(lambda: there.exists() and not (bench.hospital.face / file.name).exists(), "a file delivered", BOOT_S, 0.1)
    assert there.read_bytes() == file.content
    there.unlink()
    return time.monotonic() - began


def _screen(bench: Bench, machine: Machine, signal: str) -> None:
    pid = main_pid(machine, _SCREEN)
    machine.shell.value(f"kill -{signal} {pid}")
    began = time.monotonic()
    taken = deliver_one(bench)
    back_already = _is_back(machine, _SCREEN, pid)
    until(lambda: _is_back(machine, _SCREEN, pid), "the screen's program again", STEP_S)
    bench.until_screen(machine, "choose_card")
    bench.figure(f"screen_{signal.lower()}_s", time.monotonic() - began)
    bench.figure(f"delivery_meanwhile_s{'_(after)' if back_already else ''}", taken)


def _courier(bench: Bench, machine: Machine, signal: str) -> None:
    pid = main_pid(machine, _COURIER)
    screen = main_pid(machine, _SCREEN)
    machine.shell.value(f"kill -{signal} {pid}")
    bench.figure(f"courier_{signal.lower()}_to_delivery_s", deliver_one(bench))
    assert _is_back(machine, _COURIER, pid), "the file came, but not by a new courier"
    assert main_pid(machine, _SCREEN) == screen, "the screen's program went with the courier"
    bench.until_screen(machine, "choose_card")


def run(bench: Bench) -> None:
    """Screen and courier come back after kill -9 and after a hang; files are delivered while the screen is dead."""
    machine = bench.with_site()
    deliver_one(bench)
    for signal in ("KILL", "STOP"):
        _screen(bench, machine, signal)
        _courier(bench, machine, signal)
