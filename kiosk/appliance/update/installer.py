"""The USB installer: puts the kiosk that runs from the stick onto a disk of this PC.

Owns the list of disks and the writing. The stick carries the same two partitions as an installed kiosk (loader and
root) under names of its own, so installing is: partition the disk, copy both, give the copy the loader's settings of an
installed kiosk. Root only, and only when the kernel was started with `kiosk.installer`. Must never write to a disk that
is not in the list it has just made, nor to the stick it runs from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import slots
from kiosk.appliance.words import Failure

# Two slots, loader and data; below that nothing is left for /var.
LEAST_BYTES: Final = 8_000_000_000
_BLOCK_BYTES: Final = 4 << 20
_LIST_S: Final = 30.0
_PARTITION_S: Final = 120.0
_SETTLE_S: Final = 60.0


@dataclass(frozen=True)
class Disk:
    """A disk that may be written. `name` as the kernel's, without /dev; `size` in bytes."""

    name: str
    model: str
    size: int


def disks(places: Places) -> list[Disk]:
    """Disks that an installation may go to: whole, large enough, writable, not the stick itself."""
    return [
        Disk(str(each["name"]), " ".join(str(each.get("model") or "").split())[:60], int(each["size"]))
        for each in _block_devices(places, "NAME,TYPE,SIZE,MODEL,RO,PARTLABEL")
        if each.get("type") == "disk" and not each.get("ro") and int(each.get("size") or 0) >= LEAST_BYTES
        # The stick is known by its partitions, however many sticks there are.
        if not any(str(part.get("partlabel")).startswith("install-") for part in each.get("children", []))
    ]


def write(places: Places, name: str) -> Iterator[int]:
    """Erase the disk `name` and install; yields percent. Raises Failure."""
    if name not in {disk.name for disk in disks(places)}:
        raise Failure("disk.unknown")
    device = places.root / "dev" / name
    definitions = places.root / "usr/lib/kiosk/disk"
    made = places.call(
        "systemd-repart", "--dry-run=no", "--empty=force", f"--definitions={definitions}", str(device),
        limit_s=_PARTITION_S,
    )  # fmt: skip
    if not made.ok:
        raise Failure("disk.not_partitioned")
    places.call("udevadm", "settle", f"--timeout={_SETTLE_S:.0f}", limit_s=_SETTLE_S + 5)
    esp, root = (_partition(places, name, label) for label in ("esp", "root-a"))
    by_label = places.root / "dev/disk/by-partlabel"
    try:
        # The loader last: a disk without it does not start half an installation.
        yield from _copy(by_label / "install-root", root, 0, 95)
        yield from _copy(by_label / "install-esp", esp, 95, 98)
    except OSError as error:
        raise Failure("disk.not_written", why=os.strerror(error.errno or 0)) from None
    _configure_loader(places, esp)
    yield 100


def _partition(places: Places, disk: str, label: str) -> Path:
    """The partition with that label on that disk; the same labels may be on others."""
    for device in _block_devices(places, "NAME,PARTLABEL", str(places.root / "dev" / disk)):
        for part in device.get("children", []):
            if part.get("partlabel") == label:
                return places.root / "dev" / str(part["name"])
    raise Failure("disk.no_partition")


def _block_devices(places: Places, columns: str, *device: str) -> list[dict[str, Any]]:
    """What lsblk lists, a disk's partitions as its "children"; nothing when it fails."""
    done = places.call("lsblk", "--json", "--bytes", "--output", columns, *device, limit_s=_LIST_S)
    try:
        return list(json.loads(done.out)["blockdevices"])
    except (ValueError, KeyError, TypeError):
        return []


def _copy(source: Path, target: Path, begin: int, end: int) -> Iterator[int]:
    """Copy all of `source`; yields from `begin` to `end` as it goes on."""
    with source.open("rb") as reading, target.open("r+b") as writing:
        size = reading.seek(0, os.SEEK_END)
        reading.seek(0)
        reported, copied = begin, 0
        while block := reading.read(_BLOCK_BYTES):
            writing.write(block)
            copied += len(block)
            percent = begin + (end - begin) * copied // size
            if percent > reported:
                reported = percent
                # Synced at each percent: the figure is of the disk, not of the page cache.
                writing.flush()
                os.fsync(writing.fileno())
                yield percent
        writing.flush()
        os.fsync(writing.fileno())


def _configure_loader(places: Places, esp: Path) -> None:
    """Replace the copied loader's installer settings by those of an installed kiosk."""
    mounted = places.run / "install"
    if not places.mount(esp, mounted, "rw"):
        raise Failure("disk.no_loader")
    try:
        folder = mounted / "EFI/debian"
        (folder / "grub.cfg").write_bytes((places.root / "usr/lib/kiosk/grub.cfg").read_bytes())
        made = slots.create_block(places, folder / "grubenv", "A")
    except OSError:
        made = False
    finally:
        unmounted = places.call("umount", str(mounted), limit_s=_PARTITION_S)
    if not made:
        raise Failure("disk.no_loader")
    if not unmounted.ok:
        raise Failure("disk.not_finished")
