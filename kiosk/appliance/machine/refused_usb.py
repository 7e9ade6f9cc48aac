"""USB devices that are plugged in and not authorised, for the technician who writes [[usb]]."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from kiosk.appliance.machine.places import text_of

DEVICES: Final = Path("/sys/bus/usb/devices")
_MOST: Final = 50
_PRODUCT_CHARS: Final = 40
_NUMBER: Final = re.compile("[0-9a-f]{4}")


class RefusedDevice(NamedTuple):
    """`id` and `port` as [[usb]] takes them. `product`: what the device calls itself; it may say anything."""

    id: str
    port: str
    product: str


def refused_devices(devices: Path = DEVICES) -> list[RefusedDevice]:
    """By port. A device that is unplugged meanwhile is left out."""
    try:
        folders = sorted(devices.iterdir())
    except OSError:
        return []
    found = []
    for folder in folders:
        vendor, product = _line(folder / "idVendor"), _line(folder / "idProduct")
        if _line(folder / "authorized") == "0" and _NUMBER.fullmatch(vendor) and _NUMBER.fullmatch(product):
            words = "".join(char for char in _line(folder / "product") if char.isprintable())
            found.append(RefusedDevice(f"{vendor}:{product}", folder.name, words[:_PRODUCT_CHARS]))
    return found[:_MOST]


def _line(file: Path) -> str:
    return text_of(file, 256).strip()
