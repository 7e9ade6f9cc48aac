"""Mounting what somebody plugged in: read-only unless asked; nothing on it is a program, a device or set-user-ID."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.appliance.machine.places import Places

LIMIT_S: Final = 30.0
# ext4: its own settings must not bring the kernel down (errors=panic), and read-only its journal is not played back.
_FILE_SYSTEMS: Final = {
    "vfat": {"ro": "ro,umask=0077", "rw": "rw,umask=0077"},
    "exfat": {"ro": "ro,umask=0077", "rw": "rw,umask=0077"},
    "ext4": {"ro": "ro,noload,errors=remount-ro", "rw": "rw,errors=remount-ro"},
}


def mount(places: Places, device: Path, folder: Path, mode: str = "ro") -> bool:
    """Mount `device` on `folder`, which is made if need be. `mode`: ro or rw. False: no known file system."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return any(
        places.call(
            "mount", "-t", kind, "-o", f"{modes[mode]},nosuid,nodev,noexec", str(device), str(folder), limit_s=LIMIT_S
        ).ok
        for kind, modes in _FILE_SYSTEMS.items()
    )
