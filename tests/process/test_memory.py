"""Freed memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

from tests import ROOT

# A block of 20 MB was there once; then a hundred of 1 MB, and something small that was made after them and stays.
PROGRAM = """
from pathlib import Path
from kiosk.process.memory import give_back_what_is_free
give_back_what_is_free()
def rss_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20
once = bytearray(20 << 20)
del once
before, blocks = rss_mib(), [bytearray(b"x") * (1 << 20) for _ in range(100)]
stays = [bytearray(2000) for _ in range(100)]
del blocks
print(rss_mib() - before)
"""


def test_large_blocks_go_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, check=True, timeout=120)
    assert int(done.stdout) <= 10
