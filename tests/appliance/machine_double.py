"""A machine with two slots in a folder: real RAUC (verifying), real grub-editenv and veritysetup, real bundles.

What needs a running systemd or device-mapper is a small script that writes down how it was called: systemctl, mount,
setpriv, and RAUC's `install` and `status`.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from kiosk.appliance.machine.places import Places
from tests import ROOT
from tests.peers import need

IMAGE = ROOT / "deploy/image"
NEEDED = ("rauc", "mksquashfs", "veritysetup", "grub-editenv", "openssl")

RAUC = """#!/bin/sh
case "$1" in
info) exec {rauc} --conf {conf} --keyring {keyring} "$@" ;;
install) printf '%s\\n' "$*" >>{root}/calls; . {root}/installing ;;
*) printf 'rauc %s\\n' "$*" >>{root}/calls; [ ! -e {root}/rauc-fails ] ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
if [ "$1" = is-active ]; then grep -qx "$3" {root}/active; else printf 'systemctl %s\\n' "$*" >>{root}/calls; fi
"""
# A stick is a folder in /dev; mounting copies it.
MOUNT = """#!/bin/sh
printf 'mount %s\\n' "$*" >>{root}/calls
cp -a "$5/." "$6/"
"""
UMOUNT = """#!/bin/sh
rm -rf "$2"
"""
SETPRIV = """#!/bin/sh
cat {root}/status.json
"""
INSTALLED = "echo '  0% Installing'; echo ' 40% Copying image'; echo '100% Installing done.'\n"


def need_programs() -> None:
    """Skip (a desk) or fail (CI) when a real part is missing."""
    for program in NEEDED:
        need(program)


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """One of deploy/image, to its end."""
    command = [str(IMAGE / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@cache
def keys(folder: Path) -> Path:
    """Development keys, made once in `folder`."""
    done = script("keys", "development", folder)
    assert done.returncode == 0, done.stderr
    return folder


def bundle(out: Path, key: Path, version: str = "1.5.0") -> Path:
    """A bundle around a small root file system that does not compress."""
    root = out.with_suffix(".squashfs")
    content = out.with_suffix(".content")
    content.mkdir()
    (content / "kernel").write_bytes(random.Random(7).randbytes(300_000))
    subprocess.run(["mksquashfs", content, root, "-quiet", "-no-progress"], check=True, timeout=60, capture_output=True)
    done = script(
        "bundle", "--root", root, "--version", version, "--key", key / "signer.key", "--cert", key / "signer.pem",
        "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


class Machine:
    """Runs version 1.4.0 from slot A; slot B holds an older one that was good. No site."""

    def __init__(self, root: Path, keyring: Path) -> None:
        self.places = Places(root)
        self.root = root
        for folder in ("etc", "proc/sys/kernel/random", "efi/EFI/debian", "usr/bin", "usr/sbin", "var/lib", "run"):
            (root / folder).mkdir(parents=True)
        (root / "etc/kiosk-release").write_text("VERSION=1.4.0\nKEYRING=development\n")
        self.start("A", "first")
        self.programs(keyring)
        self.status({})
        (root / "active").write_text("kiosk-page.service\n")
        (root / "installing").write_text(INSTALLED)
        (root / "calls").touch()
        self.grub("create")
        self.grub("set", "ORDER=A B", "A_OK=1", "A_TRY=1", "B_OK=1", "B_TRY=0")

    def programs(self, keyring: Path) -> None:
        """The programs that the appliance calls, below the machine's root."""
        texts = {"rauc": RAUC, "systemctl": SYSTEMCTL, "mount": MOUNT, "umount": UMOUNT, "setpriv": SETPRIV}
        for name, text in texts.items():
            file = self.root / "usr/bin" / name
            conf = IMAGE / "tree/etc/rauc/system.conf"
            file.write_text(text.format(rauc=shutil.which("rauc"), conf=conf, keyring=keyring, root=self.root))
            file.chmod(0o755)
        (self.root / "usr/bin/grub-editenv").symlink_to(str(shutil.which("grub-editenv")))
        (self.root / "usr/sbin/veritysetup").symlink_to(str(shutil.which("veritysetup")))

    def start(self, slot: str, boot: str) -> None:
        """As after a start from `slot`."""
        (self.root / "proc/cmdline").write_text(f"root=PARTLABEL=root-{slot.lower()} rauc.slot={slot} quiet\n")
        (self.root / "proc/sys/kernel/random/boot_id").write_text(f"{boot}\n")

    def grub(self, *arguments: str) -> None:
        """Change the boot loader's block."""
        subprocess.run(["grub-editenv", self.places.grubenv, *arguments], check=True, timeout=60)

    def status(self, report: dict[str, Any]) -> None:
        """What `kiosk status --json` says from now on."""
        (self.root / "status.json").write_text(json.dumps(report))

    def site(self) -> None:
        """There is a site, and a reception on the screen."""
        self.places.site.mkdir(parents=True)
        (self.places.site / "site.toml").write_text("# any\n")
        self.places.run.mkdir(exist_ok=True)
        self.places.reception.touch()
        (self.root / "active").write_text("kiosk.service\n")

    def stick(self, *bundles: Path, label: str = "KIOSK-NEW") -> None:
        """Plug in a stick with these files."""
        folder = self.root / "dev/disk/by-label" / label
        folder.mkdir(parents=True)
        for each in bundles:
            shutil.copy(each, folder)

    def calls(self) -> list[str]:
        """What was asked of systemd and RAUC, in order."""
        return (self.root / "calls").read_text().splitlines()


def working(**shares: str) -> dict[str, Any]:
    """The facts of a kiosk where all is well, but for the `shares` given."""
    roles = {"terminal": "ok", "receipt_computer": "ok"} | shares
    return {
        "courier": {"alive": True},
        "shares": {role: {"state": state, "message": ""} for role, state in roles.items()},
        "delivery": {"undelivered": 0},
        "alarms": [],
        "printer": {"state": "ready"},
        "wrong": [],
    }
