"""Somebody should come to the kiosk: the site's alarm command is run, and the desk shows whose kiosk it is.

Owns `staff-call.json` in the data folder: when, why, and the kiosk's name. Never waits, and never holds anything of the
patient who asked.
"""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from drivers.durable import write_whole
from kiosk.process import json_values, safe_files
from kiosk.process.alarm import AlarmCommand
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EVENTS, EventLog
from kiosk.process.staff_call import Call, Code
from kiosk.reception.worker import Worker

EVENT: Final[dict[Code, str]] = {"call": "staff_called", "many_cards": "cards_refused"}


class StaffCalls:
    """`folder`: the data folder. `command`: as in [alarm]."""

    def __init__(self, folder: Path, command: tuple[str, ...], log: EventLog) -> None:
        self._file = DataFolder(folder).staff_call
        self._alarm = AlarmCommand(command, log)
        self._worker = Worker("staff-calls", 0.0, lambda: None)

    def call(self, code: Code) -> None:
        """Only the loop's thread."""
        event, call = EVENT[code], Call(code, socket.gethostname().partition(".")[0], time.time())
        self._worker.do(lambda: self._write(call))
        self._alarm.start(event, EVENTS[event])

    def close(self) -> None:
        """What was called is on the disk."""
        self._worker.close(2.0)
        self._alarm.close()

    def _write(self, call: Call) -> None:
        with suppress(OSError):  # a full disk; the alarm command was run all the same
            write_whole(self._file, json.dumps(asdict(call)).encode())


def lately(folder: Path) -> Call | None:
    """The last call, if it is not over. Any process of the data folder's user."""
    call = None
    with suppress(OSError):
        call = json_values.decode(safe_files.read(DataFolder(folder).staff_call, safe_files.JSON_BYTES_MAX), Call)
    return call if call is not None and call.holds(time.time()) else None
