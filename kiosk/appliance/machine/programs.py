"""How programs of the image are run: fixed argument lists, an absolute path, a deadline, no shell.

Must never put a secret into an argument list.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# More than `kiosk status --json` with all the alarms that the delivery ledger can hold: cut, it would be no JSON.
_MAX_OUTPUT: Final = 2 * 1024 * 1024

# The whole environment of a program: none of our variables may change what a tool does as root.
ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class ProgramResult:
    """A program's end. `code`: its exit code; 127 when it could not be started, 124 after a time-out."""

    code: int
    out: bytes
    err: str

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0


def run_program(command: Sequence[str], *, limit_s: float, given: bytes | None = None) -> ProgramResult:
    """Run `command` to its end, at most `limit_s` seconds; `given` is its standard input."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed argument lists, no shell; see the module's text
            list(command),
            input=given if given is not None else b"",
            capture_output=True,
            timeout=limit_s,
            check=False,
            env=ENVIRONMENT,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return ProgramResult(124, b"", f"no answer within {limit_s:.0f} s")
    except OSError as error:
        return ProgramResult(127, b"", os.strerror(error.errno or 0))
    return ProgramResult(
        done.returncode, done.stdout[:_MAX_OUTPUT], done.stderr[:_MAX_OUTPUT].decode("utf-8", "replace")
    )
