"""The courier's process: its threads start, are supervised, and end.

Runs on when screen, printer and reservations are down. Ends within 2 s of being asked to, and of its parent's death.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.line import Hub, Message
from kiosk.courier.route import Route
from kiosk.courier.self_watch import SelfMonitor
from kiosk.process.data_folder import DataFolder
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

    def run(self) -> int:
        """Until `stop()`. Returns the exit code: 1 if ledger or program can no longer be relied on."""
        self.log.write("courier_started")
        try:
            for route in self.routes.values():
                route.start()
            self.notifier.ready()
            self._supervise()
        except Exception as error:  # noqa: BLE001 - as in any other thread: to be started again, without a traceback
            self.notices.broke(error)
        self.notifier.stopping()
        self.monitor.close()
        for route in self.routes.values():
            route.close()
        for route in self.routes.values():
            route.join(JOIN_S / len(self.routes))
        self.hub.close()
        self.log.write("courier_stopped", code=self.notices.failure or "asked")
        return 1 if self.notices.failure else 0

    def stop(self) -> None:
        """Any thread."""
        self.notices.ending.set()

    def answer(self, ask: Message) -> Message | None:
        """The answer to a question on the line. ValueError for one that is none."""
        question, visit = ask.get("ask"), ask.get("visit")
        if question == "baseline":
            if not isinstance(visit, int):
                raise ValueError("a baseline is asked for a visit")
            self.routes["results"].want_baseline(visit)
            return None
        if question == "acknowledge":
            self.notices.acknowledge()
        return self.monitor.status()

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
                self.notices.broke(FileNotFoundError())
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY_S
                self.notices.with_ledger(lambda: self.ledger.prune(KEEP_DAYS))

    def _stuck(self) -> str:
        """The name of a thread that hangs; empty: none does."""
        if self.hub.stuck(HUB_STUCK_S):
            return "hub"
        found = ((name, route.stuck(STUCK_S)) for name, route in self.routes.items())
        return next((f"{name} {thread}" for name, thread in found if thread), "")
