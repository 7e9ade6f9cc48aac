"""How long appointments, arrivals and exports are kept ([reservations] keep_days), and from when on.

Owns `reservations.retention` in the data folder: the day on which something is deleted for the first time. It is a week
after it is known that something will be, so that an update deletes nothing without an announcement (`kiosk status`).

Must never delete an export whose name does not say when it was put away, or follow a link.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from drivers.durable import write_durably
from drivers.reservations.sqlite import rescue
from kiosk.appointments.fetch import is_copy
from kiosk.config import Config
from kiosk.process import safe_files
from kiosk.process.data_folder import DataFolder
from kiosk.process.json_values import NULLABLE, Count

NOTICE: Final = timedelta(days=7)
_BYTES_MAX: Final = 64
_PUT_AWAY: Final = re.compile(r"(\d{8})T\d{6}Z-")


def starts_on(folder: Path) -> date | None:
    """The day from which on something is deleted; None: it is not yet decided. `folder`: the data folder."""
    try:
        content = safe_files.read(DataFolder(folder).retention_start, _BYTES_MAX)
        return date.fromisoformat(content.decode("ascii").strip())
    except (OSError, ValueError):
        return None


def announce(folder: Path, oldest: date | None, keep_days: int, today: date) -> date | None:
    """Decide when it begins, once something is due within a week. Raises OSError."""
    known = starts_on(folder)
    if known is not None and known > today + NOTICE:  # a clock that was ahead decided that
        known = None
    if known is not None or oldest is None or oldest + timedelta(days=keep_days + 1) > today + NOTICE:
        return known
    start = today + NOTICE
    write_durably(DataFolder(folder).retention_start, f"{start.isoformat()}\n".encode())
    return start


@dataclass(frozen=True)
class Retention:
    """`deletes_from`: the day of the first deletion while it is still to come; `newest_backup`: when it was made. Both
    ISO 8601.
    """

    keep_days: Count | None = None
    deletes_from: str | None = field(default=None, metadata=NULLABLE)
    newest_backup: str | None = field(default=None, metadata=NULLABLE)


def read(config: Config) -> Retention:
    """As it is now."""
    folder, today = config.site.data_dir, datetime.now(config.site.zone).date()
    start = starts_on(folder)
    made = rescue.newest_backup(DataFolder(folder).reservations_backups, datetime.now(UTC))
    deletes_from = start.isoformat() if start is not None and start > today else None
    return Retention(config.reservations.keep_days, deletes_from, made.isoformat() if made else None)


def lines(retention: Retention, zone: ZoneInfo) -> list[str]:
    """The same for people, who read times of the site's zone."""
    what = f"appointments, arrivals and exports older than {retention.keep_days} days are deleted"
    note = f"    NOTE from {retention.deletes_from} on, {what} ([reservations] keep_days)"
    newest = retention.newest_backup
    at = f"{datetime.fromisoformat(newest).astimezone(zone):%Y-%m-%d %H:%M}" if newest else "none yet"
    made = f"    backup of the reservations: {at}"
    return [note, made] if retention.deletes_from else [made]


def oldest_export(import_dir: Path | None) -> date | None:
    """The day on which the oldest export that staff put into import_dir was put away."""
    return min((put_away for _, put_away in _exports(import_dir)), default=None)


def forget_exports(import_dir: Path | None, before: date) -> int:
    """Delete what was put away before `before`, with the notes beside it; how many files.

    Copies from a share are forgotten sooner, by appointments_share.
    """
    count = 0
    for path, put_away in _exports(import_dir):
        if put_away < before:
            with suppress(OSError):
                path.unlink()
                count += 1
    return count


def _exports(import_dir: Path | None) -> Iterator[tuple[Path, date]]:
    for kept in ("done", "failed"):
        with suppress(OSError):
            for entry in os.scandir(import_dir / kept) if import_dir is not None else ():
                named = _PUT_AWAY.match(entry.name)
                if named is None or is_copy(entry.name):
                    continue
                if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                    with suppress(ValueError):
                        yield Path(entry.path), date.fromisoformat(named[1])
