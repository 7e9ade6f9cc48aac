"""/var that cannot be used: a page, a way to begin anew after two confirmations, and then a kiosk again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.image import disk, provision, staff, staff_pages
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, until
from tests.image.recovery_times import boot_id

_WIPED_MIB = 64


def until_page(bench: Bench, machine: Machine, name: str) -> dict[str, Any]:
    """Until the page program is told to show a page, and has drawn."""
    machine.shell.wait(BOOT_S)

    def drawn() -> dict[str, Any] | None:
        page = provision.page(machine)
        drawn = machine.shell.run("systemctl is-active kiosk-page.service")[0] == 0
        return page if drawn and page and page["page"] == name else None

    found: dict[str, Any] = until(drawn, f"page {name}", BOOT_S, 1.0)
    return found


def wipe_beginning(disk_file: Path, folder: Path) -> None:
    """Zeros over the beginning of /var, on a PC that is off."""
    raw = folder / "table.raw"
    disk.say("qemu-img", "convert", "-O", "raw", disk_file, raw)
    start = disk.partitions(raw)["var"].start
    raw.unlink()
    disk.say("qemu-io", "-f", "qcow2", "-c", f"write -P 0 {start} {_WIPED_MIB}M", disk_file)


def format_from_page(bench: Bench, machine: Machine, name: str) -> Machine:
    """From the recovery page with the stick in, through a new /var, to the reception."""
    refused = staff.ask(machine, {"do": "format", "confirmed": 2})[-1]
    assert not refused["ok"], "formatted without a stick and without a PIN"
    stick = bench.hospital.stick(machine.folder / f"{name}.img")
    machine.plug_stick(stick)
    until(lambda: staff.ask(machine, {"do": "state"})[-1].get("stick"), "the stick is seen", 120)
    assert not staff.ask(machine, {"do": "format", "confirmed": 1})[-1]["ok"], "formatted after one confirmation"
    boot = boot_id(machine)
    recovery = staff_pages.until_page(bench, machine, *staff_pages.RECOVERY)
    for asked, button in ((recovery, "format"), (staff_pages.SURE, "yes"), (staff_pages.SURE_AGAIN, "yes")):
        staff_pages.until_page(bench, machine, asked)
        bench.picture(machine, f"{name}-{asked.name}")
        staff_pages.tap(machine, asked, button, last=asked is staff_pages.SURE_AGAIN)
    until(lambda: boot_id(machine) != boot, "the PC goes down", STEP_S)
    machine.pull_stick()
    until(lambda: boot_id(machine) not in ("", boot), "the PC started again", BOOT_S, 2.0)
    until_page(bench, machine, "no_site")
    provision.give_good(bench, machine)
    return machine


def run(bench: Bench) -> None:
    """A destroyed /var: recovery page; the stick and two confirmations make a new one; the kiosk works again."""
    machine = bench.with_site()
    machine.shut_down()
    bench.machine = None
    bench.has_site = False
    wipe_beginning(machine.disk, machine.folder)
    machine = bench.again(machine)
    page = until_page(bench, machine, "recovery")
    bench.figure("reason", page.get("reason"))
    bench.picture(machine, "recovery")
    format_from_page(bench, machine, "format")
