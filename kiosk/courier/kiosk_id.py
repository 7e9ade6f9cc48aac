"""The identity of a kiosk among those that share a receipt computer: a random number, made once and kept.

Beside it is kept which machine it was made for, so that a spare machine with a copy of the data folder, or of the whole
disk, is another kiosk. Network cards come and go on one machine (a late driver, an adapter, a random address): one that
is known again is enough, or after a power cut a kiosk would wait for its own mark. Says nothing about the site.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress
from pathlib import Path

from drivers.durable import write_durably
from kiosk.process.data_folder import DataFolder

_NETWORKS = Path("/sys/class/net")
_MACHINE_ID = Path("/etc/machine-id")


def kiosk_id(folder: Path) -> str:
    """16 hex digits. `folder`: the courier's own. One that cannot be kept (full disk) is good for this start."""
    path, (machine, *cards) = DataFolder(folder).kiosk_id, _machine()
    kept = (_read(path) or "").splitlines()
    if len(kept) > 1 and re.fullmatch(r"[0-9a-f]{16}", kept[0]) and kept[1] == machine:
        if not cards or not set(cards).isdisjoint(kept[2:]):
            return kept[0]
        if not kept[2:]:  # made before any card was there; without these, a copy of the disk would be taken for us
            return _keep(path, kept[0], machine, cards)
    if len(kept) == 1 and re.fullmatch(r"[0-9a-f]{32}", kept[0]):  # the form before: all of it went into the id
        known = "/".join((kept[0], *sorted(filter(None, (machine, *cards)))))
        return _keep(path, hashlib.sha256(known.encode()).hexdigest()[:16], machine, cards)
    return _keep(path, secrets.token_hex(8), machine, cards)


def _keep(path: Path, made: str, machine: str, cards: list[str]) -> str:
    with suppress(OSError):
        write_durably(path, ("\n".join((made, machine, *cards)) + "\n").encode())
    return made


def _machine() -> list[str]:
    """The machine-id, then the addresses of network cards of hardware: no two machines of one network share them."""
    cards = (_read(path) for path in _NETWORKS.glob("*/address") if (path.parent / "device").exists())
    return [_read(_MACHINE_ID) or "", *sorted({card for card in cards if card and card.strip("0:")})]


def _read(path: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="ascii").strip()
    return None
