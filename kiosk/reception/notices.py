"""What the reception desk's staff should know of the kiosk: who could not be registered, and whether staff are called.

Read from the reception's files by the process that serves the desk. Holds patients' numbers: only for the desk.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from kiosk.process.data_folder import DataFolder
from kiosk.reception import staff_calls, unserved


def of_day(folder: Path, day: date) -> dict[str, Any]:
    """`{"unserved": [{"at", "way", "number", "reason", "code"}], "call": {"code", "kiosk", "at"} or null}`."""
    entries: tuple[unserved.Entry, ...] = ()
    with suppress(OSError):
        entries = unserved.read(folder, day)
    call = staff_calls.lately(folder)
    return {"unserved": [asdict(each) for each in entries], "call": asdict(call) if call else None}


def revision(folder: Path) -> object:
    """Another value after each change of those files."""
    seen = []
    for path in (DataFolder(folder).unserved, DataFolder(folder).staff_call):
        with suppress(OSError):
            for each in (path, *(path.iterdir() if path.is_dir() else ())):
                found = each.stat()
                seen.append((each.name, found.st_mtime_ns, found.st_size))
    return tuple(sorted(seen))
