"""A kernel that panics starts anew by itself; one that hangs is reset by the PC's watchdog."""

from __future__ import annotations

from contextlib import suppress

from tests.image.bench import BOOT_S, Bench
from tests.image.machine import Machine, until
from tests.image.recovery_times import boot_id, deliver_one
from tests.image.shell import NoAnswer


def run(bench: Bench) -> None:
    """After a panic, and after a hang of the kernel that only the hardware ends, the reception is there again."""
    machine = bench.with_site()
    _crash(bench, machine, "panic", "true")
    assert not _resets(machine), "the watchdog came before the kernel's own restart"
    # panic=0: the kernel waits for ever, and nobody but the watchdog's chip is left.
    _crash(bench, machine, "hang", "echo 0 > /proc/sys/kernel/panic")
    resets = _resets(machine)
    assert resets == ["reset"], f"the watchdog's chip did not reset the PC: {resets}"
    deliver_one(bench)


def _crash(bench: Bench, machine: Machine, name: str, before: str) -> None:
    boot = boot_id(machine)
    machine.shell.value(before)
    with bench.timed(f"{name}_to_reception"):
        with suppress(NoAnswer):
            machine.shell.run("echo c > /proc/sysrq-trigger", 5)
        until(lambda: boot_id(machine) not in ("", boot), "the PC started again", BOOT_S, 2.0)
        bench.until_screen(machine, "choose_card", BOOT_S)


def _resets(machine: Machine) -> list[str]:
    machine.ask("query-status")
    return [event["data"]["action"] for event in machine.events if event["event"] == "WATCHDOG"]
