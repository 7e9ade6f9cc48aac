"""The courier monitoring itself: alarms about shares, disk and waits, its `status`, a line for the service manager.

Called by the courier's main loop. Must never wait for the network or the alarm command, nor name a file.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from kiosk.courier import summary
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.line import Hub, Message
from kiosk.courier.route import Route
from kiosk.courier.share_health import Health
from kiosk.process.alarm import AlarmNotifier, Condition
from kiosk.process.data_folder import DataFolder
from kiosk.process.disk_room import DiskRoom, DiskTrouble
from kiosk.process.event_log import EventLog
from kiosk.process.systemd import Notifier

CHECK_EVERY_S = 2.0


class SelfMonitor:
    """`check()` is for one thread; `greeting()` and `status()` for any."""

    def __init__(
        self,
        folder: Path,
        routes: Mapping[RouteName, Route],
        *,
        ledger: Ledger,
        notices: NoticeBoard,
        health: Health,
        hub: Hub,
        alarms: AlarmNotifier,
        notifier: Notifier,
        log: EventLog,
    ) -> None:
        self._path = DataFolder(folder).ledger
        self._routes = routes
        self._ledger = ledger
        self._notices = notices
        self._health = health
        self._hub = hub
        self._alarms = alarms
        self._notifier = notifier
        self._log = log
        self._started_at = time.monotonic()
        self._disk = DiskRoom(folder)
        self._disk_troubles: dict[DiskTrouble, str] = {}
        self._ledger_fails = False
        self._terminal_answers = True
        self._check_at = 0.0
        self._waits = False

    def check(self) -> None:
        """The shares at each call, the rest now and then."""
        self._check_shares()
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_EVERY_S
        self._check_disk()
        # A dict as a set that keeps its order: what came first is reported first.
        wrong = dict.fromkeys(Condition("share_down", role) for role in self._health.down())
        wrong |= dict.fromkeys(Condition(code) for code in self._disk_troubles)
        if self._ledger_fails:
            wrong[Condition("journal_full")] = None
        waiting, oldest_s = self._unfinished()
        try:
            seen = summary.read(self._path, self._ledger.waits.oldest_s)
        except sqlite3.Error:
            wrong[Condition("journal_full")] = None
        else:
            waiting += seen.waiting
            for alarm in seen.alarms:
                # Only a share's role is passed on: other subjects are files.
                wrong[Condition(alarm.code, alarm.subject if alarm.subject in self._health.roles else "")] = None
            if self._check_waits(summary.longest_wait_s(seen, oldest_s)):
                wrong[Condition("delivery_waits")] = None
        self._alarms.update(wrong)
        troubles = "".join(f"; {f'{each.code} {each.place}'.rstrip()}" for each in wrong)
        self._notifier.status(f"delivering; {waiting} waiting{troubles}")

    def close(self) -> None:
        self._alarms.close()

    def greeting(self) -> Message:
        """Whether the terminal answers: the first message to each client."""
        return {"event": "terminal", "answers": self._terminal_answers}

    def status(self) -> Message:
        """The answer to `status`."""
        unfinished, oldest_s = self._unfinished()
        return {
            "event": "status",
            "process": os.getpid(),
            "up_s": round(time.monotonic() - self._started_at, 1),
            "shares": self._health.status(),
            "other_files": self._notices.others,
            "unfinished": unfinished,
            "oldest_unfinished_s": oldest_s,
            "alarm_fails": self._alarms.fails,
            "journal_fails": self._ledger_fails,
            "disk": self._disk_troubles,
            "overview": summary.to_message(self._path, self._ledger.waits.oldest_s),
        }

    def _check_shares(self) -> None:
        down = self._health.down()
        for role in self._health.roles:
            self._notices.set_alarm("share_down", role, role in down)
        # Another kiosk's patients hold their cards to that terminal: here it is as if it did not answer.
        taken = self._routes["results"].ownership.stands_back
        answers = not self._health.gone("terminal.results") and not taken
        if answers != self._terminal_answers:
            self._terminal_answers = answers
            self._hub.emit(self.greeting())

    def _check_disk(self) -> None:
        self._ledger_fails = self._notices.ledger_fails()
        if self._ledger_fails:
            self._disk.write_failed()
        before, self._disk_troubles = self._disk_troubles, self._disk.check()
        for code in self._disk_troubles.keys() - before.keys():
            self._log.write(code, what=self._disk_troubles[code])

    def _check_waits(self, oldest_s: float | None) -> bool:
        waits = oldest_s is not None and oldest_s > summary.OLDEST_MAX_S
        if waits and not self._waits:
            self._log.write("delivery_waits")
        self._waits = waits
        return waits

    def _unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete, and so not in the ledger: how many, and for how long the oldest."""
        unfinished = [route.unfinished() for route in self._routes.values()]
        since = [at for _, at in unfinished if at is not None]
        return sum(number for number, _ in unfinished), round(time.monotonic() - min(since), 1) if since else None
