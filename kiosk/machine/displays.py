"""Which displays the kernel sees, and in which sizes it can drive them (/sys/class/drm, as Linux documents it).

Owns the reading of those files. Must never open a graphics card or change a mode.
"""

from __future__ import annotations

import re
from pathlib import Path

DRM = Path("/sys/class/drm")
# "1920x1080"; an interlaced mode has an i at its end, and flickers.
_MODE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")

Size = tuple[int, int]


def sizes(drm: Path = DRM) -> list[Size]:
    """Width and height in pixels of every mode of the connected displays; a display's preferred mode comes first."""
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
