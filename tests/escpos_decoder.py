"""The tests' own reading of captured printer bytes: strict, and independent of driver and simulated printer.

Owns one question: which commands, which pictures, nothing else. Must never forgive: an unknown byte raises.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

BLACK, WHITE = 0, 1


class UnknownByte(Exception):
    """The stream holds something outside the few commands a slip may use."""


@dataclass
class Decoded:
    """`commands` in order (raster bands and their sizes included), one picture a cut, `rest` when no cut ended it."""

    commands: list[str] = field(default_factory=list)
    pages: list[Image.Image] = field(default_factory=list)
    rest: list[Image.Image] = field(default_factory=list)


def decode(stream: bytes, *, nul_allowed: bool = False) -> Decoded:
    """Read ESC @, ESC d, ESC J, GS v 0 (mode 0), GS V and DLE EOT 1 to 4; raises UnknownByte for everything else."""
    found, at = Decoded(), 0
    while at < len(stream):
        name, used = _command(stream, at, found, nul_allowed)
        if name:
            found.commands.append(name)
        at += used
    return found


def _command(stream: bytes, at: int, found: Decoded, nul_allowed: bool) -> tuple[str, int]:
    two = stream[at : at + 2]
    argument = stream[at + 2] if at + 2 < len(stream) else None
    if two == b"\x1b@":
        return "ESC @", 2
    if two == b"\x10\x04" and argument in (1, 2, 3, 4):
        return f"DLE EOT {argument}", 3
    if two in (b"\x1bd", b"\x1bJ") and argument is not None:
        return f"ESC {chr(two[1])} {argument}", 3
    if two == b"\x1dV" and argument in (0, 1, 48, 49):
        return _cut(found, argument), 3
    if two == b"\x1dV" and argument in (65, 66) and at + 3 < len(stream):
        return _cut(found, argument), 4
    if stream[at : at + 4] == b"\x1dv0\x00" and at + 8 <= len(stream):
        return _raster(stream, at, found)
    if nul_allowed and stream[at] == 0:
        return "", 1
    raise UnknownByte(f"byte {stream[at]:#04x} at {at} of {len(stream)}")


def _cut(found: Decoded, mode: int) -> str:
    width = max((band.width for band in found.rest), default=1)
    page = Image.new("1", (width, max(1, sum(band.height for band in found.rest))), WHITE)
    y = 0
    for band in found.rest:
        page.paste(band, (0, y))
        y += band.height
    found.pages.append(page)
    found.rest.clear()
    return f"GS V {mode}"


def _raster(stream: bytes, at: int, found: Decoded) -> tuple[str, int]:
    row_bytes = int.from_bytes(stream[at + 4 : at + 6], "little")
    rows = int.from_bytes(stream[at + 6 : at + 8], "little")
    payload = stream[at + 8 : at + 8 + row_bytes * rows]
    if not payload or len(payload) != row_bytes * rows:
        raise UnknownByte(f"raster of {row_bytes} x {rows} holds {len(payload)} bytes")
    band = Image.new("1", (row_bytes * 8, rows), WHITE)
    pixels = band.load()
    assert pixels is not None
    for place, byte in enumerate(payload):
        for bit in range(8) if byte else ():
            if byte & (0x80 >> bit):
                pixels[(place % row_bytes) * 8 + bit, place // row_bytes] = BLACK
    found.rest.append(band)
    return f"GS v 0 {row_bytes}x{rows}", 8 + len(payload)


def read_barcodes(page: Image.Image) -> list[tuple[str, str]]:
    """(type, text) of every symbol zbarimg finds, such as ("CODE-128", "0012345678")."""
    if shutil.which("zbarimg") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("zbarimg is missing")
        pytest.skip("zbarimg is missing")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        page.convert("L").save(picture)
        # zbarimg also warns about D-Bus on stderr and ends with 4 when it finds nothing.
        said = subprocess.run(["zbarimg", "-q", str(picture)], capture_output=True, timeout=60, check=False)
    pairs = (line.split(":", 1) for line in said.stdout.decode("utf-8").splitlines())
    return [(pair[0], pair[1]) for pair in pairs]
