"""A line on standard error for a tester or technician."""

from __future__ import annotations

import sys
from contextlib import suppress


def complain(message: str) -> None:
    """A line on stderr for the tester."""
    with suppress(OSError, ValueError):  # nobody reads it: no reason to stop
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - the contract
