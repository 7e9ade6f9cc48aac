"""Files that are disks: the copy of the image under test, sticks, what is on /var. No mount, no loop device."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.image.shell import make_initrd

DISK_GIB = 5
STICK_MIB = 64
_SHELL = "kiosk-test-shell.img"
_LOADS = {name: re.compile(rf"^(\s*(?:if )?{name}\s.*?)(\s*;\s*then)?$", re.MULTILINE) for name in ("linux", "initrd")}


@dataclass(frozen=True)
class Partition:
    """Bytes from the beginning of the disk."""

    start: int
    size: int


def say(*command: str | Path, text: str | None = None) -> str:
    """Run a program that must succeed; what it wrote."""
    done = subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done.stdout


def partitions(raw: Path) -> dict[str, Partition]:
    """Partitions of a raw disk, by label."""
    table = json.loads(say("sfdisk", "--json", raw))["partitiontable"]
    unit = int(table.get("sectorsize", 512))
    rows = table["partitions"]
    return {row.get("name", ""): Partition(row["start"] * unit, row["size"] * unit) for row in rows}


def prepare(image: Path, out: Path, folder: Path, *, options: str = "", esp: str = "esp") -> None:
    """Copy the image and give the copy the shell of the proof; nothing but the ESP is changed.

    `no_timer_check`: emulated timers fail the kernel's check now and then. `options`: more for the command line.
    `esp`: the label of the partition with the loader.
    """
    say("cp", "--sparse=always", image, out)
    esp = f"{out}@@{partitions(out)[esp].start}"
    make_initrd(folder / _SHELL, folder / "initrd")
    say("mcopy", "-o", "-i", esp, folder / _SHELL, f"::/{_SHELL}")
    config = folder / "grub.cfg"
    config.unlink(missing_ok=True)
    say("mcopy", "-i", esp, "::/EFI/debian/grub.cfg", config)
    config.write_text(with_shell(config.read_text(), f"no_timer_check {options}".strip()))
    say("mcopy", "-o", "-i", esp, config, "::/EFI/debian/grub.cfg")


def with_shell(config: str, options: str) -> str:
    """grub.cfg with more on every kernel's command line and a second initrd."""
    config, kernels = _LOADS["linux"].subn(rf"\1 {options}\2", config)
    config, initrds = _LOADS["initrd"].subn(rf"\1 ($kiosk_test)/{_SHELL}\2", config)
    assert kernels and initrds, "grub.cfg loads no kernel in a way the proof knows"
    return f"search --no-floppy --file /{_SHELL} --set=kiosk_test\n" + config


def overlay(below: Path, out: Path, gib: int = DISK_GIB) -> Path:
    """A disk of its own that begins as `below`."""
    out.unlink(missing_ok=True)
    kind = "qcow2" if below.suffix == ".qcow2" else "raw"
    say("qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", below.resolve(), out, f"{gib}G")
    return out


def stick(path: Path, label: str, files: Mapping[str, bytes | Path], mib: int = STICK_MIB) -> Path:
    """A FAT stick. `files`: path on the stick → content, or the file that has it."""
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(mib << 20)
    say("mkfs.vfat", "-n", label, path)
    made: set[str] = set()
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        if folder and folder not in made:
            say("mmd", "-i", path, f"::/{folder}")
            made.add(folder)
        source = content if isinstance(content, Path) else path.with_suffix(".part")
        if isinstance(content, bytes):
            source.write_bytes(content)
        say("mcopy", "-i", path, source, f"::/{name}")
    return path


def names_on(stick_image: Path) -> set[str]:
    """Paths of all files on a stick."""
    listed = say("mdir", "-/", "-b", "-i", stick_image, "::/").splitlines()
    return {line.removeprefix("::/") for line in listed if line and not line.endswith("/")}


def holds(path: Path, secret: bytes) -> bool:
    """Whether these bytes are anywhere in a file, deleted or not."""
    kept = b""
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            if secret in kept + block:
                return True
            kept = block[-len(secret) :]
    return False


def var_of(disk: Path, folder: Path) -> Path:
    """The /var partition of a PC that is off, as a file of its own."""
    raw, out = folder / "whole.raw", folder / "var.raw"
    say("qemu-img", "convert", "-O", "raw", disk, raw)
    part = partitions(raw)["var"]
    say(
        "dd", f"if={raw}", f"of={out}", "bs=1M", "iflag=skip_bytes,count_bytes", "conv=sparse", "status=none",
        f"skip={part.start}", f"count={part.size}",
    )  # fmt: skip
    raw.unlink()
    return out


def check_file_system(var: Path) -> str:
    """What e2fsck says after the journal was replayed, as at every start. AssertionError if it finds anything."""
    subprocess.run(["e2fsck", "-E", "journal_only", "-p", str(var)], capture_output=True, check=False)
    done = subprocess.run(["e2fsck", "-f", "-n", str(var)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"e2fsck: {done.stdout[-1500:]}"
    return done.stdout.strip().splitlines()[-1]
