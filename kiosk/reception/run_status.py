"""What the reception writes of itself for status and metrics (`status-run.json`), and its printer's lock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, get_args

from drivers.durable import write_whole
from kiosk.process import json_values, safe_files
from kiosk.process.data_folder import DataFolder
from kiosk.process.json_values import NULLABLE, Count, Number
from kiosk.words.problems import Problem

# What can be wrong at the reception for a while. Each code is at once a staff code (`screens.STAFF`), an id of the
# event log, a problem of `kiosk status`, a label of `kiosk_trouble` and a condition of the alarm command.
Trouble = Literal[
    "disk_full",
    "reservations_down",  # the database cannot be asked
    "reservations_lost",  # a damaged one was put aside and made again; until staff acknowledge it
    "reference_numbers_refused",
    "imports",
    "disk_low",
    "reservations_backup_old",  # nothing of the last days would come back
    "his_down",  # the hospital's system, or the book on a server, does not answer
    "orders_refused",  # what was in custody was not taken; staff must register it
]
# The worst first.
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)


@dataclass(frozen=True)
class PrinterState:
    """`state`: ready, or a reason of drivers.printer. `at`: when that was seen, seconds since 1970.

    `paper_known`: a printer that is not asked says nothing of its paper.
    """

    state: str | None = None
    paper_near_end: bool = False
    paper_known: bool | None = None
    at: Number = 0.0
    hint: str | None = None


@dataclass(frozen=True)
class VisitSeconds:
    """How long visits took. `counts`: one for each upper bound (not the sum of all below it), one more for longer."""

    bounds: tuple[Count, ...] = ()
    counts: tuple[Count, ...] = ()
    sum: Number = 0.0


@dataclass(frozen=True)
class Counts:
    """Of visits since the reception started. `receptions`: by way and outcome."""

    up_s: Number | None = None
    receptions: Mapping[str, Mapping[str, Count]] = field(default_factory=dict)
    counter_reasons: Mapping[str, Count] = field(default_factory=dict)
    slips: Mapping[str, Count] = field(default_factory=dict)
    visit_seconds: VisitSeconds = VisitSeconds()


@dataclass(frozen=True)
class HisState:
    """Of the hospital's system. `up`: None while it was not asked yet; `seconds`: of its last answer. `unknown`,
    `custody`, `refused`: how many orders of today (`refused`: of the last two weeks) wait for what;
    `oldest_at`, `day_list_at`: seconds since 1970, of the oldest order in custody and of the day list.
    """

    up: bool | None = None
    seconds: Number | None = None
    unknown: Count = 0
    custody: Count = 0
    refused: Count = 0
    oldest_at: Number | None = None
    day_list_at: Number | None = None


@dataclass(frozen=True)
class RunStatus:
    """`troubles`: by code, in English; `reasons`: the same as values; `imports`: that of the imports, for readers of an
    older version.

    `his`: of a site that has one. `at`, `since_start_s`: see json_values.timestamp. None: it does not say.
    """

    at: Number | None = None
    since_start_s: Number | None = None
    screen: str | None = None
    card_reader: str | None = field(default=None, metadata=NULLABLE)
    troubles: Mapping[str, str] | None = None
    reasons: Mapping[str, Problem] | None = None
    imports: str | None = field(default=None, metadata=NULLABLE)
    alarm_fails: bool = False
    counts: Counts | None = None
    printer: PrinterState | None = None
    his: HisState | None = None


def write(folder: Path, status: RunStatus) -> bool:
    """The reception's part, replaced whole. False: it could not be written, which is no reason to stop a reception."""
    now = json_values.timestamp()
    status = replace(status, at=now["at"], since_start_s=now["since_start_s"])
    try:
        write_whole(DataFolder(folder).run_status, json_values.encode(status).encode())
    except OSError:
        return False
    return True


def forget(folder: Path) -> None:
    """The reception ends on purpose."""
    with suppress(OSError):
        DataFolder(folder).run_status.unlink(missing_ok=True)


def read(folder: Path) -> RunStatus:
    """What was written last; nothing, where that cannot be read."""
    # It may be root who asks, and the folder is the reception's.
    with suppress(OSError):
        content = safe_files.read(DataFolder(folder).run_status, safe_files.JSON_BYTES_MAX)
        return json_values.decode(content, RunStatus) or RunStatus()
    return RunStatus()


def printer_lock(data_dir: Path) -> Path | None:
    """The lock that the reception uses. Never made by another user (root): the reception could not open it then."""
    lock = DataFolder(data_dir).printer_lock
    try:
        return lock if lock.exists() or data_dir.stat().st_uid == os.geteuid() else None
    except OSError:
        return None
