"""Who this kiosk is among those that share a receipt computer: a random number, made once and kept.

Hashed with what belongs to the machine, so that a spare machine with a copy of the data folder, or of the whole disk,
is another kiosk. Says nothing about the site.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

FILE = "kiosk-id"
_NETWORKS = Path("/sys/class/net")


def kiosk_id(folder: Path) -> str:
    """16 hex digits. `folder`: the courier's own. One that cannot be kept (full disk) is good for this start."""
    return hashlib.sha256("/".join((_kept(folder / FILE), *_machine())).encode()).hexdigest()[:16]


def _kept(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        if re.fullmatch(r"[0-9a-f]{32}", kept := path.read_text(encoding="ascii").strip()):
            return kept
    made = secrets.token_hex(16)
    part = path.with_name(f".{path.name}.part")
    with suppress(OSError):
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as out:
            out.write(made + "\n")
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    return made


def _machine() -> list[str]:
    """The machine-id, and the addresses of network cards of hardware: no two machines of one network share them."""
    found = []
    for path in (Path("/etc/machine-id"), *sorted(_NETWORKS.glob("*/address"))):
        with suppress(OSError, UnicodeDecodeError):
            if path.parent.parent != _NETWORKS or (path.parent / "device").exists():
                found.append(path.read_text(encoding="ascii").strip())
    return sorted(found)
