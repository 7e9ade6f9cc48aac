"""The USB installer: what it offers, what it writes, and that the PC is a kiosk afterwards."""

from __future__ import annotations

from tests.image import disk, provision, staff, var_broken
from tests.image.bench import Bench
from tests.image.machine import Build
from tests.image.staff_pages import DISKS, SURE, SURE_AGAIN, WRITTEN, tap, until_page

_DISK_GIB = 9
_WRITE_S = 900.0


def run(bench: Bench) -> None:
    """A PC with an empty disk that starts from the installer's stick is a kiosk without the stick afterwards."""
    assert bench.installer.is_file(), f"{bench.installer} is missing: deploy/image/build --installer"
    folder = bench.folder("installer")
    stick = folder / "stick.raw"
    disk.prepare(bench.installer, stick, folder, esp="install-esp")
    empty = folder / "disk.qcow2"
    disk.say("qemu-img", "create", "-q", "-f", "qcow2", empty, f"{_DISK_GIB}G")
    machine = bench.start(empty, folder, Build(boot_stick=stick))
    bench.until_up(machine)
    assert provision.page(machine) == {"page": "installer"}
    bench.picture(machine, "installer")
    [offered] = staff.ask(machine, {"do": "disks"})
    names = [each["name"] for each in offered["disks"]]
    assert names == ["vda"], names
    for confirmed in (0, 1):
        [answer] = staff.ask(machine, {"do": "write_disk", "name": "vda", "confirmed": confirmed})
        assert answer["reason"] == "not_confirmed", answer
    for page, button in ((DISKS, "option_0"), (SURE, "yes"), (SURE_AGAIN, "yes")):
        until_page(bench, machine, page)
        bench.picture(machine, f"installer-{page.name}")
        tap(machine, page, button, last=page is SURE_AGAIN)
    with bench.timed("written"):
        until_page(bench, machine, WRITTEN, deadline_s=_WRITE_S)
    bench.picture(machine, "installer-written")
    bench.end_machine()
    installed = folder / "installed.raw"
    disk.say("qemu-img", "convert", "-O", "raw", empty, installed)
    prepared = folder / "prepared.raw"
    disk.prepare(installed, prepared, folder)
    machine = bench.start(disk.overlay(prepared, folder / "installed.qcow2", _DISK_GIB), bench.folder("installed"))
    var_broken.until_page(bench, machine, "no_site")
    assert "root-a" in machine.shell.value("cat /proc/cmdline")
    size = int(machine.shell.value("findmnt -bno SIZE /var"))
    assert size > 6 << 30, f"/var has {size} bytes of a disk of {_DISK_GIB} GiB"
    bench.picture(machine, "installed")
