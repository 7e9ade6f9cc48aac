"""With a TPM /var is encrypted: it opens by itself on this PC, after power cuts too, and on no other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.image import var_broken
from tests.image.bench import BOOT_S, Bench
from tests.image.machine import Build, Machine, until

_CUTS = 4


@contextmanager
def tpm(folder: Path) -> Iterator[Path]:
    """A TPM with its memory in `folder`; gives the socket for QEMU. It ends with the PC it is in."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "tpm.sock"
    socket.unlink(missing_ok=True)
    process = subprocess.Popen(
        ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--ctrl", f"type=unixio,path={socket}"],
        stdin=subprocess.DEVNULL,
    )
    try:
        until(socket.exists, "swtpm's socket", 30, 0.1)
        yield socket
    finally:
        process.terminate()
        process.wait(30)


def _is_encrypted(machine: Machine) -> bool:
    return machine.shell.run("cryptsetup isLuks /dev/disk/by-partlabel/var")[0] == 0


def run(bench: Bench) -> None:
    """/var is LUKS, opens again and after power cuts, not with another TPM; from there a stick makes it new."""
    first = bench.fresh("tpm-none")  # only to have its disk
    disk_file, folder = first.disk, first.folder
    bench.end_machine()
    ours, other = folder / "chip", folder / "other-chip"
    with tpm(ours) as socket:
        machine = bench.start(disk_file, folder, Build(tpm=socket))
        var_broken.until_page(bench, machine, "no_site")
        assert _is_encrypted(machine), "/var is not encrypted"
        machine.shell.write("/var/lib/kiosk-proof", "first start")
        machine.shut_down()
        bench.machine = None
    with tpm(ours) as socket:
        machine = bench.start(disk_file, folder, Build(tpm=socket))
        var_broken.until_page(bench, machine, "no_site")
        assert machine.shell.value("cat /var/lib/kiosk-proof") == "first start"
        machine.shut_down()
        bench.machine = None
    for _ in range(_CUTS):  # swtpm opens nothing after three, unless its count is set back
        with tpm(ours) as socket:
            machine = bench.start(disk_file, folder, Build(tpm=socket))
            machine.shell.wait(BOOT_S)
            assert machine.shell.value("cat /var/lib/kiosk-proof") == "first start", "not after power cuts"
            bench.end_machine()
    bench.figure("power_cuts", _CUTS)
    with tpm(other) as socket:
        machine = bench.start(disk_file, folder, Build(tpm=socket))
        page = var_broken.until_page(bench, machine, "recovery")
        bench.figure("reason", page.get("reason"))
        bench.picture(machine, "other-tpm")
        var_broken.format_from_page(bench, machine, "other-tpm")
        assert _is_encrypted(machine), "the new /var is not encrypted"
        bench.end_machine()
        bench.has_site = False
