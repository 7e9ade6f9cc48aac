"""What happens to a PC between two starts: an emptied boot block, a stick that calls itself the kiosk's root."""

from __future__ import annotations

import json

from tests.image import disk, staff
from tests.image.bench import BOOT_S, Bench
from tests.image.machine import until
from tests.image.recovery_times import boot_id, deliver_one

_STICK_MIB = 64
# A disk as the kiosk's own, as far as names go, with nothing in it that could start.
_TABLE = """label: gpt
size=16MiB, name=esp
size=16MiB, name=root-a
name=var
"""


def run(bench: Bench) -> None:
    """Same machine, same site, same root; it starts once more by itself to have its own name back."""
    machine = bench.with_site()
    name = machine.shell.value("cat /etc/machine-id")
    # A power cut in the middle of grub-editenv's writing.
    machine.shell.value("grub-editenv /efi/EFI/debian/grubenv create; sync -f /efi/EFI/debian/grubenv")
    before = boot_id(machine)
    machine.cut()
    stick = machine.folder / "false-root.raw"
    with stick.open("wb") as file:
        file.truncate(_STICK_MIB << 20)
    disk.say("sfdisk", "-q", stick, text=_TABLE)
    machine = bench.again(machine)
    machine.plug_stick(stick)

    def itself_again() -> bool:
        return boot_id(machine) not in ("", before) and machine.shell.run("cat /etc/machine-id", 10)[1].strip() == name

    with bench.timed("itself_again"):
        until(itself_again, "the machine's own name", 2 * BOOT_S, 2.0)
    bench.until_screen(machine, "choose_card", BOOT_S)
    assert machine.shell.value("lsblk -no PKNAME $(readlink -f /dev/kiosk/var)") == "vda"
    assert machine.shell.value("findmnt -no SOURCE /").startswith("/dev/vda"), "the root is not the PC's"
    machine.pull_stick()
    deliver_one(bench)  # the passwords can be opened
    [state] = staff.ask_unlocked(machine, {"do": "keep"})
    assert state["ok"], "the PIN cannot be checked"

    def block() -> list[str]:
        return machine.shell.value("grub-editenv /efi/EFI/debian/grubenv list").splitlines()

    # By the health check: until then a power cut would find no order of the slots.
    until(lambda: "ORDER=A B" in block(), "a whole boot block", BOOT_S, 2.0)
    assert {f"machine_id={name}", "A_OK=1", "A_TRY=0", "B_OK=0"} <= set(block()), block()
    bench.figure("boot_block", json.dumps(sorted(block())))
