"""How a run was asked for."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.ours import Tree

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """`visits`: how many the part `memory` makes. `impacket`: a Python that may have it."""

    quick: bool = False
    trees: tuple[Tree, ...] = (Tree(),)
    seed: int = 1
    visits: int = 5000
    impacket: str = sys.executable

    def pick(self, whole: T, quick: T) -> T:
        return quick if self.quick else whole


def progress(text: str) -> None:
    """For who waits; the answer goes to standard output."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201 - a program's progress


@contextmanager
def folder() -> Iterator[Path]:
    """For the length of a measurement."""
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-", ignore_cleanup_errors=True) as made:
        yield Path(made)
