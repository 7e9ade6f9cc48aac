"""Opening the ledger, and replacing a broken one by a new one: delivery must go on, and staff are alarmed.

Must never leave a new ledger without its alarm: what it does not know may be delivered twice. So it is completed beside
the old one, which stays in its place until then, also on a full disk or if the process is killed in between.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from kiosk.courier.ledger import Ledger, LedgerLost
from kiosk.process.event_log import EventLog

_PARTS = ("", "-wal", "-shm")


def open_ledger(path: Path, log: EventLog) -> Ledger:
    """Open the ledger at `path`; one that is broken is put aside. Raises sqlite3.OperationalError, LedgerLost."""
    new = path.with_name(f"{path.name}.new")
    if not path.exists() and new.exists():
        _replace(path, new)  # a process that was killed had come as far as this
    try:
        return Ledger(path)
    except LedgerLost:
        raise
    except sqlite3.OperationalError:
        raise  # locked, full, no permission: nothing is broken
    except sqlite3.DatabaseError:
        pass
    aside = _aside(path)
    for suffix in _PARTS:
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    ledger = Ledger(new)
    ledger.raise_alarm("journal_lost", aside.name)
    ledger.close()
    path.rename(aside)
    _replace(path, new)
    log.write("journal_lost", what=aside.name)
    return Ledger(path)


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.broken-{int(time.time())}")


def _replace(path: Path, new: Path) -> None:
    """`new` takes the place of `path`. A -wal or -shm that is left belongs to the broken one; SQLite would apply it."""
    aside = _aside(path)
    for suffix in _PARTS[1:]:
        left = path.with_name(path.name + suffix)
        if left.exists():
            left.rename(aside.with_name(aside.name + suffix))
    new.rename(path)
