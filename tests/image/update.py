"""Signed updates from a stick and from a server: good ones are taken, bad ones are not, and a bad version gives way by
itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.image import disk, staff
from tests.image.bench import BOOT_S, Bench
from tests.image.machine import Machine, until
from tests.image.recovery_times import boot_id, deliver_one

NEW, OLD = "99.0.0", "0.0.1"
_INSTALL_S = 900.0
_FALL_BACK_S = 1800.0
_STICK_MIB = 640
_OTHER = {"A": "B", "B": "A"}
IMAGE = ROOT / "deploy" / "image"


def bundle(bench: Bench, name: str, root: Path, version: str, keys: Path) -> Path:
    """A bundle made as a vendor makes it; kept for the scenarios that follow."""
    out = bench.work / "bundles" / f"kiosk-{name}.raucb"
    out.parent.mkdir(exist_ok=True)
    if not out.exists():
        signer = ("--key", keys / "signer.key", "--cert", keys / "signer.pem")
        disk.say(IMAGE / "bundle", "--root", root, "--version", version, *signer, "--out", out)
    return out


def good(bench: Bench) -> Path:
    """The same root once more, under a higher version."""
    return bundle(bench, "good", bench.root, NEW, bench.keys)


def _slot(machine: Machine) -> str:
    return machine.shell.value("grep -o 'rauc.slot=[AB]' /proc/cmdline").removeprefix("rauc.slot=")


def install(bench: Bench, machine: Machine, file: Path) -> dict[str, Any]:
    """Stick in, list, install, stick out: the last answer."""
    stick = disk.stick(machine.folder / "update.img", "KIOSK-NEW", {file.name: file}, _STICK_MIB)
    machine.plug_stick(stick)
    try:
        until(lambda: machine.shell.run("test -e /dev/disk/by-label/KIOSK-NEW")[0] == 0, "the stick is seen", 120)
        return _installed(machine, file.name)
    finally:
        machine.pull_stick()
        stick.unlink()


def _install_from_server(bench: Bench, machine: Machine, file: Path) -> dict[str, Any]:
    """From the hospital's server: list, fetch, install; the last answer."""
    offered = bench.hospital.update / file.name
    shutil.copy(file, offered)
    try:
        return _installed(machine, file.name)
    finally:
        offered.unlink()


def _installed(machine: Machine, name: str) -> dict[str, Any]:
    answers = staff.ask_unlocked(machine, {"do": "updates"}, {"do": "update", "name": name}, deadline_s=_INSTALL_S)
    listed = next(answer for answer in answers if "bundles" in answer)
    assert [each["name"] for each in listed["bundles"]] == [name], listed
    return answers[-1]


def _refused(bench: Bench, file: Path, reason: str) -> None:
    machine = bench.with_site()
    last = install(bench, machine, file)
    assert not last["ok"], f"{file.name} was installed"
    bench.figure("reason", last.get("reason"))
    bench.figure("said", last.get("text"))
    assert last.get("reason") == reason, last
    bench.until_screen(machine, "choose_card")


def run_wrong_signer(bench: Bench) -> None:
    """A bundle of another vendor is refused with that reason."""
    keys = bench.work / "other-vendor"
    if not keys.exists():
        disk.say(IMAGE / "keys", "development", keys)
    # No vendor can sign a root that trusts another one: it gets one that trusts nobody.
    root = _changed_root(bench, "bare", lambda tree: None, "boot")
    _refused(bench, bundle(bench, "wrong-signer", root, NEW, keys), "wrong_signer")


def run_tampered(bench: Bench) -> None:
    """A bundle with one changed byte in its content is refused; the other slot is not started."""
    file = bench.work / "bundles" / "kiosk-tampered.raucb"
    shutil.copy(good(bench), file)
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)
        opened.seek(-1, 1)
        opened.write(bytes([byte[0] ^ 0xFF]))
    _refused(bench, file, "tampered")
    file.unlink()


def run_too_old(bench: Bench) -> None:
    """A bundle older than what runs is refused."""
    _refused(bench, bundle(bench, "too-old", bench.root, OLD, bench.keys), "too_old")


def _restart(machine: Machine) -> None:
    before = boot_id(machine)
    staff.ask_last(machine, {"do": "reboot"})
    until(lambda: boot_id(machine) not in ("", before), "the PC started again", BOOT_S, 2.0)


def _block(machine: Machine) -> list[str]:
    """The boot loader's variables."""
    return machine.shell.value("grub-editenv /efi/EFI/debian/grubenv list").split()


def _until_good(machine: Machine, slot: str) -> None:
    """Until the running slot is marked good."""
    look = f"grub-editenv /efi/EFI/debian/grubenv list | grep -q '^{slot}_TRY=0' && ! systemctl is-active -q kiosk-good"
    until(lambda: machine.shell.run(look)[0] == 0, f"slot {slot} judged good", _FALL_BACK_S, 5.0)


def _update(bench: Bench, how: Callable[[Bench, Machine, Path], dict[str, Any]], name: str) -> None:
    machine = bench.with_site()
    before = _slot(machine)
    with bench.timed("install"):
        last = how(bench, machine, good(bench))
    assert last["ok"], last
    with bench.timed("restart_to_reception"):
        _restart(machine)
        bench.until_screen(machine, "choose_card", BOOT_S)
    after = _slot(machine)
    assert after != before, "the same slot started"
    with bench.timed("judged_good"):
        _until_good(machine, after)
    deliver_one(bench)
    bench.picture(machine, name)


def run_good(bench: Bench) -> None:
    """A signed newer version is installed, starts from the other slot, keeps site and data, and is marked good."""
    _update(bench, install, "after-update")


def run_server(bench: Bench) -> None:
    """The same from the folder that [update] names on the hospital's server."""
    _update(bench, _install_from_server, "after-update-from-server")


def _falls_back(bench: Bench, file: Path) -> None:
    machine = bench.with_site()
    slot, boot = _slot(machine), boot_id(machine)
    last = install(bench, machine, file)
    assert last["ok"], last
    with bench.timed("restart_to_old_version"):
        staff.ask_last(machine, {"do": "reboot"})
        until(lambda: boot_id(machine) not in ("", boot), "the PC started again", _FALL_BACK_S, 2.0)

        def returned() -> bool:
            try:
                return _slot(machine) == slot and boot_id(machine) != boot
            except AssertionError:
                return False

        until(returned, "the old slot again", _FALL_BACK_S, 2.0)
        bench.until_screen(machine, "choose_card", BOOT_S)
    bench.figure("boot_loader", " ".join(_block(machine)))
    bench.picture(machine, f"back-from-{file.stem}")


def _changed_root(bench: Bench, name: str, change: Callable[[Path], None], *only: str) -> Path:
    """The root file system with something changed; with `only`, nothing but these files of it."""
    out = bench.work / f"root-{name}.squashfs"
    if not out.exists():
        tree = bench.work / f"root-{name}"
        disk.say("unsquashfs", "-q", "-n", "-d", tree, bench.root, *only)
        change(tree)
        disk.say("mksquashfs", tree, out, "-quiet", "-no-progress", "-comp", "gzip", "-Xcompression-level", "1")
        shutil.rmtree(tree)
    return out


def run_unbootable(bench: Bench) -> None:
    """Correctly signed, but without a system behind kernel and initrd: three tries, then the old version by itself."""
    root = _changed_root(bench, "unbootable", lambda tree: None, "boot")
    _falls_back(bench, bundle(bench, "unbootable", root, NEW, bench.keys))


def run_unhealthy(bench: Bench) -> None:
    """Correctly signed and it starts, but its reception does not: the health check goes back to the old version."""

    def break_reception(tree: Path) -> None:
        (tree / "opt/kiosk/current/kiosk/reception/assembly.py").write_text(
            'raise SystemExit("broken for the proof")\n'
        )
        for compiled in (tree / "opt/kiosk/current/kiosk/__pycache__").glob("reception.*.pyc"):
            compiled.unlink()

    root = _changed_root(bench, "unhealthy", break_reception)
    _falls_back(bench, bundle(bench, "unhealthy", root, NEW, bench.keys))


def run_previous(bench: Bench) -> None:
    """The technician goes back to the version before, and data that the newer one wrote are still used."""
    machine = bench.with_site()
    if f"{_OTHER[_slot(machine)]}_OK=1" not in _block(machine):
        run_good(bench)
    slot, boot = _slot(machine), boot_id(machine)
    with bench.timed("restart_to_reception"):
        staff.ask_last(machine, {"do": "previous"})
        until(lambda: boot_id(machine) not in ("", boot), "the PC started again", BOOT_S, 2.0)
        bench.until_screen(machine, "choose_card", BOOT_S)
    assert _slot(machine) != slot
    deliver_one(bench)
