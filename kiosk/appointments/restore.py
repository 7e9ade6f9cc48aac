"""After a loss: `kiosk reservations restore`, beside a running reception or without one, and what the reception does by
itself: exports that lie in import_dir/done are imported again, the newest of each day.

Owns which of them are read. Must never undo what was imported since (`import_rows(as_of=…)` decides that under the
lock), follow a link, or read more than a bound.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from drivers.reservations import csv_file
from drivers.reservations.csv_file import BadCsv, Parsed
from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.config import Config
from kiosk.process import safe_files
from kiosk.words.problems import Problem

FILES_MAX: Final = 100
# Read in the reception's own process, which has a limit.
BYTES_MAX: Final = 32 * 1024 * 1024
# A share's clock may differ by so much, and more than that is no clock.
AHEAD: Final = timedelta(days=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)-.*\.csv", re.IGNORECASE | re.DOTALL)


def restore(config: Config, book: SqliteReservations) -> Iterator[Problem]:
    """Put the database aside and rebuild it; what was done. Raises ReservationsDown: nothing was changed."""
    today = datetime.now(config.site.zone).date()
    rebuilt = rebuild(book.file, today, by_hand=True)
    if rebuilt is None:
        return
    at = rebuilt.backup and rebuilt.backup.astimezone(config.site.zone)
    if at:
        moment = {"year": at.year, "month": at.month, "day": at.day, "hour": at.hour, "minute": at.minute}
        yield Problem("restored.backup", moment)
    else:
        yield Problem("restored.no_backup")
    yield Problem("restored.arrivals", {"count": rebuilt.arrivals})
    yield Problem("restored.exports", {"count": import_again(book, config.reservations.import_dir, today)})
    if rebuilt.put_aside:
        yield Problem("restored.put_aside", {"file": rebuilt.put_aside})


def is_complete(config: Config, book: SqliteReservations) -> bool:
    """Whether today's appointments are all there; if not, a person must import them, and who is not found until then
    is sent to the counter.
    """
    return book.is_sure(datetime.now(config.site.zone).date())


def import_again(book: SqliteReservations, import_dir: Path | None, today: date) -> int:
    """Import what is in `done/` of today and later days; how many files were of use. Raises ReservationsDown.

    A file that is already in the backup changes nothing: what is held is newer than its time.
    """
    count = 0
    covered: set[date] = set()
    for path, put_away in _newest_first(import_dir):
        days_wanted = _of_use(path, today, covered)
        if days_wanted is None:
            continue
        covered |= set(days_wanted.days)
        count += book.import_rows(days_wanted, as_of=put_away).rows > 0
    return count


def _of_use(path: Path, today: date, covered: set[date]) -> Parsed | None:
    """What the file holds of days from today on that no newer one held."""
    try:
        # Without the bad lines: a file in done/ had none, or somebody wanted the rest.
        parsed = csv_file.read(safe_files.read(path, BYTES_MAX), skip_bad=True)
    except (OSError, BadCsv):
        return None
    days = tuple(day for day in parsed.days if day >= today and day not in covered)
    names = {day.isoformat() for day in days}
    return Parsed(tuple(row for row in parsed.rows if row.day in names), days, ()) if days else None


def _newest_first(import_dir: Path | None) -> list[tuple[Path, datetime]]:
    """By the time at which they were written, each with the time at which it was put away. Those with a time that is
    still to come are last, and count as older than anything that is held: a clock that was ahead put them away.
    """
    now = datetime.now(UTC)
    found: list[tuple[float, Path, datetime]] = []
    try:
        entries = list(os.scandir(import_dir / "done")) if import_dir is not None else []
    except OSError:
        return []
    for entry in entries:
        name = _NAME.fullmatch(entry.name)
        status = entry.stat(follow_symlinks=False)
        if name is None or not stat.S_ISREG(status.st_mode) or status.st_size > BYTES_MAX:
            continue
        # It was imported before it was put away, most often in the same second.
        put_away = datetime.strptime(name[1], "%Y%m%dT%H%M%SZ").replace(microsecond=999_999, tzinfo=UTC)
        ahead = max(put_away.replace(microsecond=0), datetime.fromtimestamp(status.st_mtime, UTC)) > now + AHEAD
        found.append((-1.0 if ahead else status.st_mtime, Path(entry.path), _LONG_AGO if ahead else put_away))
    found.sort(key=lambda each: each[0], reverse=True)
    return [(path, put_away) for _, path, put_away in found[:FILES_MAX]]
