"""What the desk writes of itself for `kiosk status`, metrics and the reception (`status-desk.json`): figures only.

Owns the form of that file. It lies in a folder that everybody may pass: must never hold a patient's data.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from drivers.durable import write_whole
from kiosk.process import json_values, safe_files
from kiosk.process.data_folder import DeskFolder
from kiosk.process.json_values import NULLABLE, Count, Number

# It is written every EVERY_S, so that whoever reads it knows that the desk runs; older than this, it does not.
EVERY_S: Final = 5.0
SILENT_MAX_S: Final = 30.0


@dataclass(frozen=True)
class DeskStatus:
    """`visits`: of today. `open`: how many of them wait for a person; `oldest_open_s`: the oldest, since when.

    `overdue_s`: for how long the oldest has waited in opening hours, where that is longer than the site bears; None:
    none has. `feed`: `ok`, or `down`: nothing is seen of the readers; `feed_what`: why, in English. `missed`: results
    that came and could not be shown. `at`, `since_start_s`: see json_values.timestamp. None: it does not say.
    """

    at: Number | None = None
    since_start_s: Number | None = None
    up_s: Number | None = None
    visits: Count | None = None
    open: Count | None = None
    oldest_open_s: Number | None = field(default=None, metadata=NULLABLE)
    overdue_s: Number | None = field(default=None, metadata=NULLABLE)
    feed: str | None = None
    feed_what: str | None = None
    missed: Count | None = None
    alarm_fails: bool = False


def write(folder: DeskFolder, status: DeskStatus) -> bool:
    """Replace the file as a whole. False: it could not be written, which is no reason to stop."""
    now = json_values.timestamp()
    status = replace(status, at=now["at"], since_start_s=now["since_start_s"])
    try:
        write_whole(folder.status, json_values.encode(status).encode(), 0o644)
    except OSError:
        return False
    return True


def forget(folder: DeskFolder) -> None:
    """The desk ends on purpose."""
    with suppress(OSError):
        folder.status.unlink(missing_ok=True)


def read(run: Path) -> DeskStatus | None:
    """What was written last in the desk's folder in memory; None: nothing, or it was too long ago."""
    with suppress(OSError):
        content = safe_files.read(DeskFolder(run, run).status, safe_files.JSON_BYTES_MAX)
        status = json_values.decode(content, DeskStatus)
        if status is not None and json_values.age_s(vars(status)) <= SILENT_MAX_S:
            return status
    return None
