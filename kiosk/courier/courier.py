"""The courier's process: its threads start, are supervised, and end.

Runs on when screen, printer and reservations are down. Ends within 2 s of being asked to, and of its parent's death.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kiosk.courier import summary
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.desk import HandOver
from kiosk.courier.ends import Health
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.line import Hub
from kiosk.courier.route import Route
from kiosk.process.alarm import AlarmNotifier, Condition
from kiosk.process.courier_line import Message
from kiosk.process.data_folder import DataFolder
from kiosk.process.disk_room import DiskRoom, DiskTrouble
from kiosk.process.event_log import EventLog
from kiosk.process.systemd import Notifier

KEEP_DAYS = 90
PRUNE_EVERY_S = 3600.0
JOIN_S = 1.0
# Every call has a time-out without progress; a server that gives a byte now and then defeats it. Longer than the
# biggest file takes on the slowest line that is worth having.
STUCK_S = 1800.0
# The hub's thread waits for nobody but the ledger.
HUB_STUCK_S = 60.0
CHECK_EVERY_S = 2.0
# A result that was seen so short a time ago may still be on its way to the desk.
UNDER_WAY_S = 10.0


@dataclass(eq=False)
class SelfMonitor:
    """The courier watching itself: alarms about shares, disk and waits, its `status`, a line for the service manager.

    `check()` is for one thread; `greeting()` and `status()` for any. Must never wait for the network or the alarm
    command, nor name a file.
    """

    folder: Path
    routes: Mapping[RouteName, Route]
    ledger: Ledger
    notices: NoticeBoard
    health: Health
    hub: Hub
    alarms: AlarmNotifier
    notifier: Notifier
    log: EventLog

    def __post_init__(self) -> None:
        self._path = DataFolder(self.folder).ledger
        self._started_at = time.monotonic()
        self._disk = DiskRoom(self.folder)
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
        wrong = dict.fromkeys(Condition("share_down", role) for role in self.health.down())
        wrong |= dict.fromkeys(Condition(code) for code in self._disk_troubles)
        if self._ledger_fails:
            wrong[Condition("journal_full")] = None
        waiting, oldest_s = self._unfinished()
        try:
            seen = summary.read(self._path, self.ledger.waits.oldest_s)
        except sqlite3.Error:
            wrong[Condition("journal_full")] = None
        else:
            waiting += seen.waiting
            for alarm in seen.alarms:
                # Only a share's role is passed on: other subjects are files.
                wrong[Condition(alarm.code, alarm.subject if alarm.subject in self.health.roles else "")] = None
            if self._check_waits(summary.longest_wait_s(seen, oldest_s)):
                wrong[Condition("delivery_waits")] = None
        self.alarms.update(wrong)
        troubles = "".join(f"; {f'{each.code} {each.place}'.rstrip()}" for each in wrong)
        self.notifier.status(f"delivering; {waiting} waiting{troubles}")

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
            "shares": self._shares(),
            "other_files": self.notices.others,
            "unfinished": unfinished,
            "oldest_unfinished_s": oldest_s,
            "alarm_fails": self.alarms.fails,
            "journal_fails": self._ledger_fails,
            "disk": self._disk_troubles,
            "overview": summary.to_message(self._path, self.ledger.waits.oldest_s),
        }

    def _shares(self) -> Message:
        """By role; of a source also whether it reports its changes."""
        states: Message = dict(self.health.status())
        for route in self.routes.values():
            states[route.ends.source_role]["notices"] = route.notice_state
        return states

    def _check_shares(self) -> None:
        down = self.health.down()
        for role in self.health.roles:
            self.notices.set_alarm("share_down", role, role in down)
        # Another kiosk's patients hold their cards to that terminal: here it is as if it did not answer.
        taken = self.routes["results"].ownership.stands_back
        answers = not self.health.gone("terminal.results") and not taken
        if answers != self._terminal_answers:
            self._terminal_answers = answers
            self.hub.emit(self.greeting())

    def _check_disk(self) -> None:
        self._ledger_fails = self.notices.ledger_fails()
        if self._ledger_fails:
            self._disk.write_failed()
        before, self._disk_troubles = self._disk_troubles, self._disk.check()
        for code in self._disk_troubles.keys() - before.keys():
            self.log.write(code, what=self._disk_troubles[code])

    def _check_waits(self, oldest_s: float | None) -> bool:
        waits = oldest_s is not None and oldest_s > summary.OLDEST_MAX_S
        if waits and not self._waits:
            self.log.write("delivery_waits")
        self._waits = waits
        return waits

    def _unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete, and so not in the ledger: how many, and for how long the oldest."""
        unfinished = [route.unfinished() for route in self.routes.values()]
        since = [at for _, at in unfinished if at is not None]
        return sum(number for number, _ in unfinished), round(time.monotonic() - min(since), 1) if since else None


@dataclass(frozen=True)
class Courier:
    """`folder`: the courier's own. `answer` is for the hub's thread, `run` for the main one."""

    folder: Path
    ledger: Ledger
    notices: NoticeBoard
    hub: Hub
    routes: Mapping[RouteName, Route]
    monitor: SelfMonitor
    notifier: Notifier
    log: EventLog
    desk: HandOver | None = None

    def run(self) -> int:
        """Until `notices.ending` is set. Returns the exit code: 1 if ledger or program can no longer be relied on."""
        self.log.write("courier_started")
        try:
            if self.desk is not None:
                self.desk.start(self.ledger)
            for route in self.routes.values():
                route.start()
            self.notifier.ready()
            self._supervise()
        except Exception as error:  # noqa: BLE001 - as in any other thread: to be started again, without a traceback
            self.notices.broke(type(error).__name__)
        self.notifier.stopping()
        self.monitor.alarms.close()
        for route in self.routes.values():
            route.close()
        for route in self.routes.values():
            route.join(JOIN_S / len(self.routes))
        self.hub.close()
        if self.desk is not None:
            self.desk.close()
        self.log.write("courier_stopped", code=self.notices.failure or "asked")
        return 1 if self.notices.failure else 0

    def answer(self, ask: Message) -> Message | None:
        """The answer to a question on the line. ValueError for one that is none."""
        question, visit = ask.get("ask"), ask.get("visit")
        if question == "baseline":
            if not isinstance(visit, int):
                raise ValueError("a baseline is asked for a visit")
            self.routes["results"].want_baseline(visit)
            return None
        if question in ("waiting", "waiting_ended"):
            if not isinstance(visit, int):
                raise ValueError("it is a visit that waits")
            results = self.routes["results"]
            (results.visit_waits if question == "waiting" else results.visit_ended)(visit)
            return None
        if question == "accept":
            if ask.get("run") == self.hub.run and type(ask.get("file")) is int and self.desk is not None:
                self.desk.accept(ask["file"])
            return None
        if question in ("settle", "known", "results_since"):
            return self._answer_desk(ask)
        if question == "acknowledge":
            self.notices.acknowledge()
        return self.monitor.status()

    def _answer_desk(self, ask: Message) -> Message:
        if ask["ask"] == "settle":
            mark = ask.get("mark")
            if not isinstance(mark, str):
                raise ValueError("it is a change that was confirmed")
            return {"event": "settled", "done": self.desk is not None and self.desk.settle(mark)}
        if ask["ask"] == "known":
            return {"event": "known", "put_aside": self.desk is not None and self.desk.was_put_aside}
        since = datetime.fromisoformat(str(ask.get("seen_at")))
        if since.tzinfo is None:
            raise ValueError("a time without a zone says nothing")
        ledger, until = DataFolder(self.folder).ledger, datetime.now(UTC) - timedelta(seconds=UNDER_WAY_S)
        try:
            return {"event": "results_since", "files": summary.results_seen(ledger, since, until)}
        except sqlite3.Error:
            return {"event": "results_since", "files": None}

    def _supervise(self) -> None:
        prune_at = 0.0
        while not self.notices.ending.wait(0.5):
            self.notices.settle()
            stuck = self._stuck()
            if stuck:
                self.notices.stuck(stuck)
            else:
                self.notifier.alive()
            self.monitor.check()
            if not DataFolder(self.folder).ledger.exists():
                # What is written to a deleted ledger protects nothing, and its lock keeps nobody away.
                self.log.write("data_folder_lost")
                self.notices.broke(FileNotFoundError.__name__)
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY_S
                self.notices.with_ledger(lambda: self.ledger.prune(KEEP_DAYS))
                if self.desk is not None:
                    self.desk.forget()

    def _stuck(self) -> str:
        """The name of a thread that hangs; empty: none does."""
        if self.hub.stuck(HUB_STUCK_S):
            return "hub"
        found = ((name, route.stuck(STUCK_S)) for name, route in self.routes.items())
        return next((f"{name} {thread}" for name, thread in found if thread), "")
