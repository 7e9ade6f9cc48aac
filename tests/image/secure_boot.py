"""Secure Boot with Microsoft's keys: the image starts; a boot loader that nobody signed does not."""

from __future__ import annotations

from tests.image import disk, var_broken
from tests.image.bench import Bench
from tests.image.machine import Build
from tests.image.shell import NoAnswer

_REFUSED_S = 90.0


def run(bench: Bench) -> None:
    """With Secure Boot on the first page comes; with one changed byte in the boot loader nothing starts."""
    machine = bench.fresh("secure-boot", Build(secure_boot=True))
    var_broken.until_page(bench, machine, "no_site")
    on = machine.shell.value("od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-*").strip()
    assert on == "1", "Secure Boot is off"
    bench.figure("lockdown", machine.shell.value("cat /sys/kernel/security/lockdown"))
    bench.end_machine()
    folder = bench.folder("unsigned-loader")
    changed = folder / "changed.raw"
    disk.say("cp", "--sparse=always", bench.base, changed)
    esp = f"{changed}@@{disk.partitions(changed)['esp'].start}"
    loader = folder / "grubx64.efi"
    disk.say("mcopy", "-i", esp, "::/EFI/BOOT/grubx64.efi", loader)
    content = bytearray(loader.read_bytes())
    content[len(content) // 2] ^= 0xFF
    loader.write_bytes(content)
    disk.say("mcopy", "-o", "-i", esp, loader, "::/EFI/BOOT/grubx64.efi")
    machine = bench.start(disk.overlay(changed, folder / "disk.qcow2"), folder, Build(secure_boot=True))
    try:
        machine.shell.wait(_REFUSED_S)
    except NoAnswer:
        bench.picture(machine, "unsigned-loader-refused")
    else:
        raise AssertionError("a changed boot loader was started")
    finally:
        bench.end_machine()
