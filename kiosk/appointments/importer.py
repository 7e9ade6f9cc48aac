"""Imports exports in a child process (import_child), so that no file can take the reception with it.

Owns the child from its start to its end. Must never fork without exec (the reception has threads), and never let a
child's words through that are not its answer: its standard error may hold what stands in a file.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.file import Damaged
from kiosk.appointments.import_child import BOOK_FOLDER, REASON_AS_VALUE, Outcome
from kiosk.process import json_values
from kiosk.words.problems import Problem

# A child that is stopped by a disk is no use either; by itself it ends after CPU_MAX_S of work.
LIMIT_S: Final = 300.0
# The service is being stopped, and the child with it: no fault of the file.
_ASKED_TO_END: Final = (-signal.SIGTERM, -signal.SIGINT)


class BrokenOff(Exception):
    """The child ended without an answer: killed, out of time, or by a fault of its own."""


class Importer:
    """Imports into the reservations of `data_dir`, or into the book behind the socket in `book_folder`. `today`: the
    site's day.

    `damaged` is called when an import met damage: the process that met it has ended, and decides nothing any more.
    """

    def __init__(
        self,
        data_dir: Path,
        today: Callable[[], date],
        shrunk_day: str = "import",
        damaged: Callable[[], None] = lambda: None,
        book_folder: Path | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._today = today
        self._shrunk_day = shrunk_day
        self._damaged = damaged
        self._environment = {REASON_AS_VALUE: "1"} | ({BOOK_FOLDER: str(book_folder)} if book_folder else {})

    def import_file(self, file: int, *, again: bool = False) -> Outcome:
        """Import what the descriptor `file` holds. Raises ReservationsDown, BrokenOff and OSError.

        `again`: an import of it may have ended before.
        """
        safe_path = ["-P"] if sys.flags.safe_path else []
        command = [sys.executable, *safe_path, "-m", "kiosk.import_child", str(os.getpid())]
        settings = [str(self._data_dir), self._today().isoformat(), self._shrunk_day]
        with subprocess.Popen(  # noqa: S603 - our own program
            [*command, *settings, *(["again"] if again else [])],
            # No argument: a child of an older version would take it for `again`.
            env={**os.environ, **self._environment},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child:
            try:
                answer, _ = child.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                raise BrokenOff from None
            finally:
                child.kill()
        if child.returncode in _ASKED_TO_END:
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        try:
            return _outcome(answer)
        except Damaged:
            self._damaged()
            raise


@dataclass(frozen=True)
class _Answer:
    """What the child writes: an outcome, or `down`; `message`: instead of `reason` by a child of an older version."""

    ok: bool | None = None
    reason: Problem | None = None
    message: str | None = None
    rows: int = 0
    days: int = 0
    down: str | None = None
    damaged: bool = False


def _outcome(content: bytes) -> Outcome:
    answer = json_values.decode(content, _Answer) or _Answer()
    if answer.down is not None:
        raise (Damaged if answer.damaged else ReservationsDown)(answer.down)
    reason = answer.reason
    if reason is None and answer.message is not None:
        reason = Problem("imports.whole_file", {"what": answer.message})
    if answer.ok is None or reason is None:
        raise BrokenOff
    return Outcome(answer.ok, reason, answer.rows, answer.days)
