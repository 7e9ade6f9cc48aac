"""The courier looking at itself: what somebody must be told now, and one line for the service manager.

Called by the courier's main loop. Must never wait for the network or the alarm command, nor name a file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from pathlib import Path

from kiosk.courier import summary
from kiosk.courier.summary import OldestWait
from kiosk.process.alarm import AlarmBell, Condition
from kiosk.process.disk_room import DiskRoom, DiskTrouble
from kiosk.process.event_log import EventLog
from kiosk.process.systemd import Notifier

LOOK_EVERY_S = 2.0


class Lookout:
    """`ledger`: the database's path; `oldest_s`: as in `overview.read`; `roles`: the shares' names, the only subjects
    of alarms that are passed on."""

    def __init__(
        self,
        ledger: Path,
        oldest_s: OldestWait,
        roles: Collection[str],
        bell: AlarmBell,
        notifier: Notifier,
        log: EventLog,
    ) -> None:
        self._ledger = ledger
        self._oldest_s = oldest_s
        self._disk = DiskRoom(ledger.parent)
        self._wrong_with_disk: dict[DiskTrouble, str] = {}
        self._journal_fails = False
        self._roles = frozenset(roles)
        self._bell = bell
        self._notifier = notifier
        self._log = log
        self._look_at = 0.0
        self._waits = False

    def look(
        self, unfinished: int, oldest_unfinished_s: float | None, down: Collection[str], journal_fails: bool
    ) -> None:
        """What the ledger cannot say: files not yet whole, roles that are down, and that the ledger itself fails.

        Does nothing if it was called a moment ago.
        """
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_EVERY_S
        # A set that keeps its order: what came first is told first.
        wrong = dict.fromkeys(Condition("share_down", role) for role in down)
        self._judge_disk(journal_fails)
        wrong |= dict.fromkeys(Condition(code) for code in self._wrong_with_disk)
        if journal_fails:
            wrong[Condition("journal_full")] = None
        waiting = unfinished
        try:
            seen = summary.read(self._ledger, self._oldest_s)
        except sqlite3.Error:
            wrong[Condition("journal_full")] = None
        else:
            waiting += seen.waiting
            for alarm in seen.alarms:
                wrong[Condition(alarm.code, alarm.subject if alarm.subject in self._roles else "")] = None
            if self._judge_waits(summary.longest_wait_s(seen, oldest_unfinished_s)):
                wrong[Condition("delivery_waits")] = None
        self._bell.judge(wrong)
        troubles = "".join(f"; {' '.join((each.code, each.place)).rstrip()}" for each in wrong)
        self._notifier.status(f"delivering; {waiting} waiting{troubles}")

    def facts(self) -> dict[str, object]:
        """What it has found, for the courier's `status`. Any thread."""
        fails, disk = self._journal_fails, self._wrong_with_disk
        return {"alarm_fails": self._bell.fails, "journal_fails": fails, "disk": disk}

    def _judge_disk(self, journal_fails: bool) -> None:
        self._journal_fails = journal_fails
        if journal_fails:
            self._disk.write_failed()
        before, self._wrong_with_disk = self._wrong_with_disk, self._disk.judge()
        for code in self._wrong_with_disk.keys() - before.keys():
            self._log.write(code, what=self._wrong_with_disk[code])

    def _judge_waits(self, oldest_s: float | None) -> bool:
        waits = oldest_s is not None and oldest_s > summary.OLDEST_MAX_S
        if waits and not self._waits:
            self._log.write("delivery_waits")
        self._waits = waits
        return waits
