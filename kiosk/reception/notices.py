"""What the reception desk's staff should know of the kiosk: who could not be registered, and whether staff are called.

Read from the reception's files by the process that serves the desk, which also notes there whom staff have taken care
of. Holds patients' numbers: only for the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from kiosk.process.data_folder import DataFolder
from kiosk.reception import staff_calls, unserved


def of_day(folder: Path, day: date) -> dict[str, Any]:
    """`{"unserved": [{"line", "at", "way", "number", "reason", "code"}] or null, "call": {"code", "kiosk", "at"} or
    null}`. Null: the list cannot be read. Whom staff have taken care of is not in it.
    """
    entries: list[dict[str, Any]] | None = None
    with suppress(OSError):
        entries = [asdict(each) for each in unserved.read(folder, day) if not each.served]
    call = staff_calls.lately(folder)
    return {"unserved": entries, "call": asdict(call) if call else None}


def served(folder: Path, now: datetime, message: Mapping[str, Any]) -> str:
    """See `unserved.serve`: `{"line", "code"}`, of another form than ours is unknown. Raises OSError."""
    line, code = message.get("line"), message.get("code")
    return unserved.serve(folder, now, line, code) if type(line) is int and type(code) is str else "unknown"


def revision(folder: Path) -> object:
    """Another value after each change of those files."""
    seen = []
    for path in (DataFolder(folder).unserved, DataFolder(folder).staff_call):
        with suppress(OSError):
            for each in (path, *(path.iterdir() if path.is_dir() else ())):
                found = each.stat()
                seen.append((each.name, found.st_mtime_ns, found.st_size))
    return tuple(sorted(seen))
