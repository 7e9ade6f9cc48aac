"""`python -m kiosk.import_child`: one export from standard input into the reservations.

A file may be anything, and the reception must outlive it: this process has limits of memory and time, is the one that
the kernel ends first when memory is short, and ends with the process that started it (importer).

Owns the two decisions beyond the lines themselves: a day whose newer export was imported before is left as it is, and
a day that loses more than a third of its appointments is reported (`[reservations] shrunk_day`). Must never repeat what
stands in a file, nor leave a copy of it anywhere.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from drivers.reservations import ReservationsDown, Trouble
from drivers.reservations.csv_file import MAX_BYTES, BadCsv, Parsed, read
from drivers.reservations.imports_over_socket import ImportingSocketBook
from drivers.reservations.opening import open_embedded
from drivers.reservations.over_socket import BOOK_SOCKET
from drivers.reservations.ports import ImportingBook
from drivers.reservations.sqlite.file import Damaged
from kiosk.appointments.answers import refused
from kiosk.appointments.import_record import OLDER, Comparison, ImportRecord, Written, described
from kiosk.process import json_values
from kiosk.words.problems import Problem, in_english

# In the environment: the reader knows reasons as values.
REASON_AS_VALUE: Final = "KIOSK_IMPORT_REASON_AS_VALUE"
# In the environment: the folder of the socket behind which the book is; else it is a file of the data folder.
BOOK_FOLDER: Final = "KIOSK_IMPORT_BOOK_FOLDER"
# A file of 32 MiB with a million lines takes 520 MiB; the unit's MemoryMax has room for that beside the reception.
MEMORY_MAX: Final = 640 * 2**20
CPU_MAX_S: Final = 240
COUNT_S: Final = 20.0
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Outcome:
    """An export was imported or put away as it is (`ok`), or refused."""

    ok: bool
    reason: Problem
    rows: int = 0
    days: int = 0


TOO_MUCH = Problem("imports.memory", {"size": MEMORY_MAX >> 20})


class _TooFew(Exception):
    """The export is not to be imported; nothing was changed."""


def import_raw(
    raw: bytes, export: Written, data_dir: Path, today: date, shrunk_day: str, book_folder: str = ""
) -> Outcome:
    """Import what stands in `export`. Raises ReservationsDown."""
    try:
        parsed = read(raw, name="")
    except BadCsv as error:
        return Outcome(False, refused(error))
    if not parsed.rows:
        return Outcome(True, Problem("imports.nothing"))
    reservations: ImportingBook = open_embedded(data_dir)
    if book_folder:
        reservations = ImportingSocketBook(Path(book_folder), BOOK_SOCKET)
    record = ImportRecord.load(data_dir)
    older = {
        day.isoformat()
        for day in parsed.days
        # A day without appointments has nothing newer to lose: its database was rebuilt.
        if record.is_older(day.isoformat(), export) and _held(reservations, day)
    }
    counts = Counter(row.day for row in parsed.rows if row.day not in older)
    if not counts:
        record.older |= dict.fromkeys(older, time.time())
        record.save(today)
        return Outcome(True, OLDER)
    rows = tuple(row for row in parsed.rows if row.day not in older) if older else parsed.rows
    comparison = Comparison(counts, today)

    def compare(held: Mapping[date, int]) -> None:
        comparison(held)
        if comparison.shrunk and shrunk_day == "refuse":
            raise _TooFew

    try:
        days = tuple(date.fromisoformat(day) for day in sorted(counts))
        done = reservations.import_rows(Parsed(rows, days, ()), compare=compare)
    except _TooFew:
        return Outcome(False, Problem("imports.shrunk_refused", {"days": described(comparison.shrunk)}))
    record.note(counts, export, comparison.shrunk)
    record.save(today)
    reason = Problem("imports.done", {"rows": done.rows, "days": done.days})
    left_out = [Problem("imports.left_out", {"count": len(older)})] if older else []
    for more in (*left_out, *([described(comparison.shrunk)] if comparison.shrunk else [])):
        reason = Problem("imports.done_but", {"done": reason, "more": more})
    return Outcome(True, reason, done.rows, done.days)


def _held(reservations: ImportingBook, day: date) -> int:
    """How many appointments of `day`. Raises ReservationsDown."""
    answer = reservations.count(day, time.monotonic() + COUNT_S)
    if isinstance(answer, Trouble):
        raise ReservationsDown(answer.what, answer.code, **answer.parameters)
    return answer.appointments


def main(arguments: Sequence[str]) -> int:
    """`PARENT_PID DATA_DIR TODAY SHRUNK_DAY [again]`; one line of JSON: an outcome, or what the reservations are down
    with. `again`: an import of the file may have ended before.
    """
    parent, data_dir, today, shrunk_day, *again = arguments
    _limit(int(parent))
    try:
        with os.fdopen(0, "rb") as file:
            status = os.fstat(0)
            raw = file.read(MAX_BYTES + 1)
        export = Written(status.st_mtime_ns, status.st_ino, bool(again))
        book_folder = os.environ.get(BOOK_FOLDER, "")
        outcome = import_raw(raw, export, Path(data_dir), date.fromisoformat(today), shrunk_day, book_folder)
    except ReservationsDown as down:
        sys.stdout.write(json.dumps({"down": str(down), "damaged": isinstance(down, Damaged)}))
        return 0
    except MemoryError:
        outcome = Outcome(False, TOO_MUCH)
    answer: dict[str, object] = {"ok": outcome.ok, "rows": outcome.rows, "days": outcome.days}
    # Without it, the reception is of a version before this one: files are replaced while it runs.
    as_value = REASON_AS_VALUE in os.environ
    answer |= {"reason": outcome.reason} if as_value else {"message": in_english(outcome.reason)}
    sys.stdout.write(json_values.encode(answer))
    return 0


def _limit(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be watched
        os._exit(1)
    for which, most in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_CPU, CPU_MAX_S),
        (resource.RLIMIT_CORE, 0),  # a memory picture would hold patients' data
    ):
        before = resource.getrlimit(which)[0]
        least = most if before == resource.RLIM_INFINITY else min(most, before)
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (least, least))
    with suppress(OSError):
        os.nice(5)  # a patient in front of the screen first
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
