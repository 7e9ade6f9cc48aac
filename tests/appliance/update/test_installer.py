"""The installer's list of disks and its writing, on a machine of files; a real disk is written in tests/image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import installer
from kiosk.appliance.words import Failure
from tests import ROOT
from tests.peers import need

BIG = 32_000_000_000
DISKS = [
    {"name": "sda", "type": "disk", "size": BIG, "model": "  SSD   256 ", "ro": False, "partlabel": None},
    {"name": "sdb", "type": "disk", "size": BIG, "model": "Stick", "ro": False, "partlabel": None,
     "children": [{"name": "sdb1", "partlabel": "install-esp"}, {"name": "sdb2", "partlabel": "install-root"}]},
    {"name": "sdc", "type": "disk", "size": 4_000_000_000, "model": "small", "ro": False, "partlabel": None},
    {"name": "sdd", "type": "disk", "size": BIG, "model": "locked", "ro": True, "partlabel": None},
    {"name": "sr0", "type": "rom", "size": BIG, "model": "DVD", "ro": False, "partlabel": None},
]  # fmt: skip
# As systemd-repart leaves it: the disk's partitions, with those of another kiosk's disk beside them.
PARTED = {"blockdevices": [{"name": "sda", "partlabel": None, "children": [
    {"name": "sda1", "partlabel": "esp"}, {"name": "sda2", "partlabel": "root-a"},
    {"name": "sda3", "partlabel": "root-b"},
]}]}  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A PC started from the installer's stick; `sda` is its disk."""
    need("grub-editenv")
    for folder in ("usr/bin", "usr/lib/kiosk", "run", "dev/disk/by-partlabel", "esp/EFI/debian"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/lib/kiosk/grub.cfg").write_text("an installed kiosk's\n")
    (tmp_path / "esp/EFI/debian/grub.cfg").write_text("the installer's\n")
    (tmp_path / "dev/disk/by-partlabel/install-root").write_bytes(bytes(range(256)) * 50_000)
    (tmp_path / "dev/disk/by-partlabel/install-esp").write_bytes(b"loader" * 1000)
    for part in ("sda1", "sda2", "sda3"):
        (tmp_path / "dev" / part).write_bytes(b"old" * 10)
    program(tmp_path, "lsblk", f"case $* in */dev/*) echo '{json.dumps(PARTED)}' ;; *) echo '{listed()}' ;; esac")
    program(tmp_path, "systemd-repart", f'echo "$*" >"{tmp_path}/repart"')
    program(tmp_path, "udevadm", "")
    program(tmp_path, "mount", f'rmdir "$6" && ln -s "{tmp_path}/esp" "$6"')
    program(tmp_path, "umount", 'rm "$1" && mkdir "$1"')
    program(tmp_path, "grub-editenv", 'exec /usr/bin/grub-editenv "$@"')
    return Places(tmp_path)


def listed() -> str:
    return json.dumps({"blockdevices": DISKS})


def program(root: Path, name: str, text: str) -> None:
    file = root / "usr/bin" / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_only_disks_that_can_hold_a_kiosk_are_offered_and_never_the_stick(places: Places) -> None:
    assert installer.disks(places) == [installer.Disk("sda", "SSD 256", BIG)]


def test_nothing_is_offered_when_the_disks_cannot_be_listed(places: Places) -> None:
    program(places.root, "lsblk", "echo nonsense")
    assert installer.disks(places) == []


@pytest.mark.parametrize("name", ["sdb", "sdc", "../sda", ""])
def test_a_disk_that_was_not_offered_is_not_touched(places: Places, name: str) -> None:
    with pytest.raises(Failure):
        list(installer.write(places, name))
    assert not (places.root / "repart").exists()


def test_root_and_loader_are_copied_and_the_loader_starts_a_kiosk(places: Places) -> None:
    percents = list(installer.write(places, "sda"))
    assert percents == sorted(percents)
    assert percents[-1] == 100
    dev = places.root / "dev"
    assert (dev / "sda2").read_bytes() == (dev / "disk/by-partlabel/install-root").read_bytes()
    assert (dev / "sda1").read_bytes() == (dev / "disk/by-partlabel/install-esp").read_bytes()
    assert str(dev / "sda") in (places.root / "repart").read_text()
    assert (places.root / "esp/EFI/debian/grub.cfg").read_text() == "an installed kiosk's\n"
    block = places.root / "esp/EFI/debian/grubenv"
    done = subprocess.run(["grub-editenv", str(block), "list"], check=True, capture_output=True, text=True, timeout=30)
    assert set(done.stdout.split("\n")) >= {"ORDER=A B", "A_OK=1", "A_TRY=0", "B_OK=0", "B_TRY=0"}


@pytest.mark.parametrize("broken", ["systemd-repart", "mount", "grub-editenv", "umount"])
def test_whatever_fails_is_reported_and_the_end_is_not(places: Places, broken: str) -> None:
    program(places.root, broken, "exit 1")
    percents = []
    with pytest.raises(Failure):
        for percent in installer.write(places, "sda"):
            percents.append(percent)  # noqa: PERF402 - what came before it raised
    assert 100 not in percents


@pytest.mark.parametrize(
    ("disks", "root"),
    [
        ({"usb1/1-2/block/sda/sda2": "root-a", "ata1/block/sdb/sdb2": "root-a"}, "/dev/sdb2"),
        ({"usb1/1-2/block/sda/sda2": "root-a"}, None),
        ({"ata1/block/sda/sda3": "root-b", "nvme/nvme0/nvme0n1/nvme0n1p2": "root-a"}, "/dev/nvme0n1p2"),
        ({"mmc0/mmc0:SD/block/mmcblk0/mmcblk0p2": "root-a", "nvme0/nvme0n1/nvme0n1p2": "root-a"}, "/dev/nvme0n1p2"),
        ({"mmc0/mmc0:MMC/block/mmcblk0/mmcblk0p2": "root-a"}, "/dev/mmcblk0p2"),
    ],
)
def test_a_stick_or_card_with_the_roots_name_is_not_started_in_place_of_the_disk(
    tmp_path: Path, disks: dict[str, str], root: str | None
) -> None:
    """The initrd's script, by what it tells the initrd. A kiosk on a USB disk is found by the name, as before."""
    (tmp_path / "class").mkdir()
    for path, name in disks.items():
        folder = tmp_path / "devices/pci0000:00" / path
        folder.mkdir(parents=True)
        (folder / "uevent").write_text(f"DEVTYPE=partition\nPARTN=2\nPARTNAME={name}\n")
        (tmp_path / "class" / folder.name).symlink_to(folder)
        for kind in {"SD", "MMC"} & {part.rpartition(":")[2] for part in folder.parts}:
            (folder.parent / "device").mkdir()
            (folder.parent / "device/type").write_text(f"{kind}\n")
    text = (ROOT / "deploy/image/tree/usr/lib/kiosk/inner-root").read_text()
    for real, ours in {"/sys/class/block": "class", "/conf/param.conf": "param.conf", "sleep 1": "true"}.items():
        assert real in text
        text = text.replace(real, ours if real == "sleep 1" else str(tmp_path / ours))
    percents = tmp_path / "param.conf"
    given = {"PATH": "/usr/bin:/bin", "ROOT": "PARTLABEL=root-a"}
    subprocess.run(["sh", "-c", text], check=True, timeout=60, env=given)
    assert (percents.read_text() if percents.exists() else None) == (f"ROOT={root}\n" if root else None)
