"""What is known of the machine: its kind, version, slot, disk, temperature, clock. For `kiosk status`, `kiosk metrics`
and `kiosk check`.

Reads files of the kernel and of the image only; each may be missing (a plain PC has no slots) and is then left out.
Must never start a program, ask a service, or raise.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SENSORS_MAX: Final = 32
NAME_MAX: Final = 40
_FILE_MAX: Final = 65_536
# Only the image has it.
_RELEASE: Final = "etc/kiosk-release"
# Outside of this a sensor is not connected or lies: boards tell -273 °C or 255 °C then.
_CREDIBLE_CELSIUS: Final = (-40.0, 150.0)
DRM: Final = Path("/sys/class/drm")
# "1920x1080"; an interlaced mode has an i at its end, and flickers.
_MODE: Final = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
Size = tuple[int, int]


@dataclass(frozen=True)
class MachineState:
    """None: not known on this machine. `slot`: `A` or `B` of the image that runs; `keyring`: whose updates it takes.

    `disk_…`: of the file system with the kiosk's data. `celsius`: by the kernel's name of the sensor. `booted_at`:
    seconds since 1970. `clock_synchronised`: whether a time server was reached since the start of the machine.
    """

    version: str | None = None
    build: str | None = None
    slot: str | None = None
    keyring: str | None = None
    disk_free_bytes: int | None = None
    disk_size_bytes: int | None = None
    celsius: Mapping[str, float] | None = None
    clock_synchronised: bool | None = None
    booted_at: int | None = None


def read(data_dir: Path, root: Path = Path("/")) -> MachineState:
    """The machine now. `root`: where /etc, /proc, /run and /sys are."""
    release = dict(line.partition("=")[::2] for line in _text(root / _RELEASE).splitlines() if "=" in line)
    free, size = _disk(data_dir)
    return MachineState(
        version=_name(release.get("VERSION", "")),
        build=_name(release.get("BUILD", "")),
        slot=_slot(_text(root / "proc/cmdline")),
        keyring=_name(release.get("KEYRING", "")),
        disk_free_bytes=free,
        disk_size_bytes=size,
        celsius=dict(_numbered(_temperatures(root / "sys/class"))) or None,
        clock_synchronised=_clock(root / "run/systemd/timesync"),
        booted_at=_booted_at(_text(root / "proc/stat")),
    )


def is_appliance(root: Path = Path("/")) -> bool:
    """Whether this is the image, a machine without a shell, and not an ordinary PC. `root`: where /etc is."""
    return bool(_text(root / _RELEASE))


def _text(path: Path) -> str:
    """What is in the file; "" if it cannot be read. A sensor that sleeps answers with an error of its own."""
    try:
        with path.open("rb") as file:
            return file.read(_FILE_MAX).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _name(text: str) -> str | None:
    """Printable ASCII only: these become labels."""
    return "".join(c for c in text[:NAME_MAX] if " " <= c <= "~").strip() or None


def _slot(command_line: str) -> str | None:
    """`rauc.slot=A` of the kernel's command line."""
    return next((_name(word[10:]) for word in command_line.split() if word.startswith("rauc.slot=")), None)


def _disk(data_dir: Path) -> tuple[int | None, int | None]:
    """(bytes that an ordinary user may still write, bytes in all)."""
    try:
        seen = os.statvfs(data_dir)
    except OSError:
        return None, None
    return seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize


def _clock(timesync: Path) -> bool | None:
    """systemd-timesyncd leaves a file there once it has the time (systemd-time-wait-sync.service waits for the same).

    The kernel's own word, adjtimex(2), is not asked: ProtectClock= forbids the call to our services.
    """
    try:
        return (timesync / "synchronized").exists() if timesync.is_dir() else None
    except OSError:
        return None


def _booted_at(proc_stat: str) -> int | None:
    found = next((line[6:] for line in proc_stat.splitlines() if line.startswith("btime ")), "")
    return int(found) if found.isascii() and found.isdigit() else None


def _temperatures(sys_class: Path) -> Iterator[tuple[str, float]]:
    """(name, °C) of each sensor. The kernel tells thousandths of a degree; see its thermal and hwmon sysfs papers."""
    for zone in _listed(sys_class / "thermal", "thermal_zone*"):
        yield from _sensor(_text(zone / "type"), _text(zone / "temp"))
    for chip in _listed(sys_class / "hwmon", "hwmon*"):
        for file in _listed(chip, "temp*_input"):
            label = _text(file.with_name(file.name.replace("_input", "_label")))
            yield from _sensor(f"{_text(chip / 'name')} {label}", _text(file))


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))[:SENSORS_MAX]
    except OSError:
        return []


def _sensor(name: str, thousandths: str) -> Iterator[tuple[str, float]]:
    try:
        celsius = int(thousandths) / 1000
    except ValueError:
        return
    if _CREDIBLE_CELSIUS[0] < celsius < _CREDIBLE_CELSIUS[1]:
        yield _name(name) or "unnamed", round(celsius, 1)


def _numbered(sensors: Iterator[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    """Two sensors of one name are told apart by a number."""
    seen: dict[str, int] = {}
    for at, (name, celsius) in enumerate(sensors):
        if at == SENSORS_MAX:
            return
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name} {seen[name]}"), celsius


def connected_sizes(drm: Path = DRM) -> list[Size]:
    """Width and height in pixels of every mode of the connected displays, as Linux documents /sys/class/drm.

    A display's preferred mode comes first. No graphics card is opened.
    """
    found: dict[Size, None] = {}
    for status in sorted(drm.glob("card*-*/status")):
        try:
            connected = status.read_text(encoding="ascii").strip() == "connected"
            modes = (status.parent / "modes").read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError):
            continue
        if connected:
            read = (_MODE.fullmatch(mode) for mode in modes)
            found |= {(int(mode[1]), int(mode[2])): None for mode in read if mode}
    return list(found)
