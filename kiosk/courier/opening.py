"""Opening the ledger at the start, whatever state it is in."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from kiosk.courier.ledger import Ledger, LedgerLost
from kiosk.journal import EventLog


def open_ledger(path: Path, log: EventLog) -> Ledger:
    """Open the ledger; one that is broken is put aside, because delivery must go on, and staff are alarmed."""
    try:
        return Ledger(path)
    except LedgerLost:
        raise
    except sqlite3.OperationalError:
        raise  # locked, full, no permission: nothing is broken
    except sqlite3.DatabaseError:
        aside = path.with_name(f"{path.name}.broken-{int(time.time())}")
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        log.write("journal_lost", what=aside.name)
        ledger = Ledger(path)
        ledger.raise_alarm("journal_lost", aside.name)
        return ledger
