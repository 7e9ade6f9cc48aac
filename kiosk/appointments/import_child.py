"""`python -m kiosk.appointments.import_child`: one export from standard input into the reservations.

It is a process of its own.

A file may be anything, and the reception must outlive it: this process has limits of memory and time, is the one that
the kernel ends first when memory is short, and ends with the process that started it (importer).

Owns the two judgements beyond the lines themselves: a day whose newer export was imported before is left as it is, and
a day that loses more than a third of its appointments is told (`[reservations] shrunk_day`). Must never repeat what
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
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from drivers.reservations import ReservationsDown
from drivers.reservations.csv.file import MAX_BYTES, BadCsv, Parsed, read
from drivers.reservations.opening import EMBEDDED, open_reservations
from drivers.reservations.sqlite.file import Damaged
from kiosk.appointments.import_record import OLDER, ImportRecord, Judge, Written, described

# A file of 32 MiB with a million lines takes 520 MiB; the unit's MemoryMax has room for that beside the reception.
MEMORY_MAX: Final = 640 * 2**20
CPU_MAX_S: Final = 240
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Outcome:
    """An export was imported or put away as it is (`ok`), or refused."""

    ok: bool
    message: str
    rows: int = 0
    days: int = 0


TOO_MUCH = f"it needs more memory than an import may have ({MEMORY_MAX >> 20} MB)"


class _TooFew(Exception):
    """The export is not to be imported; nothing was changed."""


def import_raw(raw: bytes, export: Written, data_dir: Path, today: date, shrunk_day: str) -> Outcome:
    """Import what stands in `export`. Raises ReservationsDown."""
    try:
        parsed = read(raw, name="file")
    except BadCsv as error:
        return Outcome(False, error.reason if error.line is None else f"line {error.line}: {error.reason}")
    if not parsed.rows:
        return Outcome(True, "no appointments in the file: nothing changed")
    reservations, record = open_reservations(EMBEDDED, data_dir), ImportRecord.load(data_dir)
    older = {
        day.isoformat()
        for day in parsed.days
        # A day without appointments has nothing newer to lose: its database was begun anew.
        if record.is_older(day.isoformat(), export) and reservations.count(day)
    }
    counts = Counter(row.day for row in parsed.rows if row.day not in older)
    if not counts:
        record.older |= dict.fromkeys(older, time.time())
        record.save(today)
        return Outcome(True, OLDER)
    rows = tuple(row for row in parsed.rows if row.day not in older) if older else parsed.rows
    judge = Judge(counts, today)

    def judged(held: Mapping[date, int]) -> None:
        judge(held)
        if judge.shrunk and shrunk_day == "refuse":
            raise _TooFew

    try:
        days = tuple(date.fromisoformat(day) for day in sorted(counts))
        done = reservations.import_rows(Parsed(rows, days, ()), judge=judged)
    except _TooFew:
        way = "if the file is whole, import it by hand (kiosk reservations import, or a stick)"
        return Outcome(False, f'{described(judge.shrunk)} ([reservations] shrunk_day = "refuse"); {way}')
    record.note(counts, export, judge.shrunk)
    record.save(today)
    message = f"{done.rows} appointments of {done.days} days"
    if older:
        message += f"; {len(older)} days left out: a newer export of them was imported before"
    if judge.shrunk:
        message += f"; {described(judge.shrunk)}"
    return Outcome(True, message, done.rows, done.days)


def main(arguments: Sequence[str]) -> int:
    """`PARENT_PID DATA_DIR TODAY SHRUNK_DAY [AGAIN]`; one line of JSON: an outcome, or what the reservations are down
    with. AGAIN: an import of the file may have ended before."""
    # Without it, the reception is of the version before this one: files are replaced while it runs.
    parent, data_dir, today, shrunk_day, *again = arguments
    _limit(int(parent))
    try:
        with os.fdopen(0, "rb") as file:
            facts = os.fstat(0)
            raw = file.read(MAX_BYTES + 1)
        export = Written(facts.st_mtime_ns, facts.st_ino, bool(again))
        told = asdict(import_raw(raw, export, Path(data_dir), date.fromisoformat(today), shrunk_day))
    except ReservationsDown as down:
        told = {"down": str(down), "damaged": isinstance(down, Damaged)}
    except MemoryError:
        told = asdict(Outcome(False, TOO_MUCH))
    sys.stdout.write(json.dumps(told))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
