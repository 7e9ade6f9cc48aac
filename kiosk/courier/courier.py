"""The courier's process: two routes, the hub, the alarms, and what `kiosk status` is told.

Runs on when screen, printer and reservations are down. Ends within 2 s of being asked to, and of its parent's death.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from drivers.share import Share
from kiosk.courier import precedence, summary
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.ends import Ends
from kiosk.courier.kiosk_id import kiosk_id
from kiosk.courier.ledger import Item, RouteName
from kiosk.courier.line import Hub, Message
from kiosk.courier.listeners import Pairing, ResultsListener, SubsidiesListener
from kiosk.courier.new_ledger import open_ledger
from kiosk.courier.ownership import DEAD_S, Ownership
from kiosk.courier.queue import Parcel
from kiosk.courier.route import Roles, Route
from kiosk.courier.self_watch import Lookout
from kiosk.courier.share_health import Health, Shown
from kiosk.courier.sweep import Swept
from kiosk.process.alarm import AlarmBell, AlarmCommand
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EventLog
from kiosk.process.systemd import Notifier
from kiosk.results import names as result_files
from kiosk.results.recognise import result_reader, subsidy_reader
from kiosk.results.watch import Folder, Watcher

KEEP_DAYS = 90
PRUNE_EVERY_S = 3600.0
FOLDER_FULL_FILES = 500
JOIN_S = 1.0
# Every call has a deadline without progress; a server that gives a byte now and then defeats it. Longer than the
# biggest file takes on the slowest line that is worth having.
STUCK_S = 1800.0
# The hub's thread waits for nobody but the ledger.
HUB_STUCK_S = 60.0


@dataclass(frozen=True)
class Shares:
    """Connections of one route: the watcher's and the deliverer's own, so that neither waits for the other."""

    watched: Share
    source: Share
    destination: Share
    staging: Share


@dataclass(frozen=True)
class Settings:
    """What the courier needs of site.toml. `data_dir`: the courier's own; `subsidies` None: they need no forwarding;
    `alarm_command` (): none; `dead_s`: after which silence another kiosk on our source is taken for dead."""

    data_dir: Path
    institution_code: str
    poll_s: float
    subsidy_wait_s: float
    max_bytes: int
    results: Shares
    subsidies: Shares | None
    alarm_command: tuple[str, ...] = ()
    dead_s: float = DEAD_S


class Courier:
    """Desk, listener of both routes, and the hub's answers, in one object; every method may come from any thread."""

    def __init__(self, settings: Settings, log: EventLog, notifier: Notifier | None = None) -> None:
        self._settings = settings
        self._log = log
        self._ledger = open_ledger(DataFolder(settings.data_dir).ledger, log)
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._notices = NoticeBoard(self._ledger, log, self._stop)
        self._notifier = notifier or Notifier()
        self._bell = AlarmBell(AlarmCommand(settings.alarm_command, log), settings.data_dir, "courier")
        path, waits = DataFolder(settings.data_dir).ledger, self._ledger.waits
        self._lookout = Lookout(path, waits.oldest_s, self._roles(), self._bell, self._notifier, log)
        self._terminal_answers = True
        self._kiosk = kiosk_id(settings.data_dir)
        self._foreign: dict[RouteName, frozenset[str]] = {}
        pairing = Pairing()
        self._health = Health(tuple(self._roles()), time.monotonic, self._health_changed)
        self._routes: dict[RouteName, Route] = {
            "results": self._results_route(settings.results, pairing),
        }
        if settings.subsidies is not None:
            self._routes["subsidies"] = self._subsidies_route(settings.subsidies, pairing)
        self._hub = Hub(settings.data_dir, self._answer, self._greeting)

    def _roles(self) -> list[str]:
        routes = ["results"] if self._settings.subsidies is None else ["results", "subsidies"]
        return [f"{end}.{route}" for route in routes for end in ("terminal", "receipt_computer")]

    def _results_route(self, shares: Shares, pairing: Pairing) -> Route:
        settings = self._settings
        wait_s = None if settings.subsidies is None else settings.subsidy_wait_s
        listener = ResultsListener(self._ledger, self, pairing, settings.institution_code, wait_s, time.monotonic)
        kinds = frozenset({"eligibility"})
        folder = Folder(result_files.ELIGIBILITY_PATTERN, kinds, settings.max_bytes, settings.poll_s)
        watcher = Watcher(shares.watched, folder, result_reader(settings.max_bytes), listener, time.monotonic)
        return self._route("results", shares, watcher)

    def _subsidies_route(self, shares: Shares, pairing: Pairing) -> Route:
        settings = self._settings
        kinds = frozenset({"subsidy_result", "subsidy_error"})
        folder = Folder(result_files.SUBSIDY_PATTERN, kinds, settings.max_bytes, settings.poll_s)
        listener = SubsidiesListener(self._ledger, self, pairing)
        watcher = Watcher(shares.watched, folder, subsidy_reader(settings.max_bytes), listener, time.monotonic)
        return self._route("subsidies", shares, watcher)

    def _route(self, name: RouteName, shares: Shares, watcher: Watcher) -> Route:
        roles = Roles(f"terminal.{name}", f"receipt_computer.{name}")
        ends = Ends(shares.source, shares.destination, shares.staging)
        ownership = Ownership(name, self._kiosk, shares.source, shares.staging, self._settings.dead_s)
        return Route(name, roles, watcher, self._settings.poll_s, ends, self._ledger, self._health, self, ownership)

    # -- the process --------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Until `stop()`. Returns the exit code: 1 if ledger or program can no longer be relied on."""
        self._log.write("courier_started")
        try:
            for route in self._routes.values():
                route.start(self._settings.subsidy_wait_s)
            self._notifier.ready()
            self._look_after()
        except Exception as error:  # noqa: BLE001 - as in any other thread: to be started again, without a traceback
            self.broke(error)
        self._notifier.stopping()
        self._bell.close()
        for route in self._routes.values():
            route.close()
        for route in self._routes.values():
            route.join(JOIN_S / len(self._routes))
        self._hub.close()
        self._log.write("courier_stopped", code=self._notices.failure or "asked")
        return 1 if self._notices.failure else 0

    def _look_after(self) -> None:
        prune_at = 0.0
        while not self._stop.wait(0.5):
            self._judge_shares()
            self._notices.settle()
            stuck = self._stuck()
            if stuck:
                self._notices.stuck(stuck)
            else:
                self._notifier.alive()
            self._lookout.look(*self._unfinished(), self._health.down(), self._notices.journal_fails())
            if not DataFolder(self._settings.data_dir).ledger.exists():
                # What is written to a deleted ledger protects nothing, and its lock keeps nobody away.
                self._log.write("data_folder_lost")
                self.broke(FileNotFoundError())
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY_S
                self._notices.with_ledger(lambda: self._ledger.prune(KEEP_DAYS))

    def _stuck(self) -> str:
        """A thread that does not come back; empty: all do."""
        if self._hub.stuck(HUB_STUCK_S):
            return "hub"
        found = ((name, route.stuck(STUCK_S)) for name, route in self._routes.items())
        return next((f"{name} {thread}" for name, thread in found if thread), "")

    def stop(self) -> None:
        self._stop.set()

    def delivered_files(self) -> int:
        """How many files of this ledger are done."""
        return self._ledger.count("done")

    # -- desk and notices ---------------------------------------------------------------------------------------

    def emit(self, message: Message) -> None:
        self._hub.emit(message)

    def send(self, route: RouteName, parcel: Parcel) -> None:
        self._routes[route].parcels.add(parcel)

    def event(self, code: str, item: Item | None = None, why: str = "") -> None:
        self._notices.event(code, item, why)

    def alarm(self, code: str, item: Item | None = None) -> None:
        self._notices.alarm(code, item)

    def all_clear(self, item: Item) -> None:
        self._notices.all_clear(item)

    def other_files(self, number: int) -> None:
        self._notices.other_files(number)

    def ledger_failed(self, error: sqlite3.Error) -> None:
        self._notices.ledger_failed(error)

    def broke(self, error: BaseException) -> None:
        """A fault of the program, in whichever thread: the process ends with exit code 1."""
        self._notices.broke(error)

    def refused(self, role: str, wrong: bool) -> None:
        self._notices.set_alarm("share_refused", role, wrong)

    def delivered(self, route: RouteName, parcel: Parcel) -> None:
        if route == "subsidies":
            request = self._ledger.item(parcel.file).request
            self._routes["results"].parcels.wake(lambda waiting: bool(request) and waiting.request == request)

    def may_go(self, parcel: Parcel) -> bool:
        return precedence.may_go(self._ledger, self._notices, parcel, time.monotonic())

    def swept(self, route: RouteName, swept: Swept, ends: Ends) -> None:
        place = f"receipt_computer.{route}"
        # Once is a neighbour at work; what is still there in the next round, nobody works at.
        self._notices.set_alarm("foreign_temps", place, not swept.foreign.isdisjoint(self._foreign.get(route, ())))
        self._foreign[route] = swept.foreign
        pattern = result_files.ELIGIBILITY_PATTERN if route == "results" else result_files.SUBSIDY_PATTERN
        full = len(ends.destination.entries(pattern, FOLDER_FULL_FILES + 1)) > FOLDER_FULL_FILES
        self._notices.set_alarm("folder_not_emptied", place, full)

    def owned(self, role: str, ownership: Ownership) -> None:
        taken = ownership.stands_back
        self._notices.set_alarm("source_taken", role, taken)
        self._notices.set_alarm("source_shared", role, ownership.shared and not taken)

    def baseline(self, visit: int, at: float | None) -> None:
        if at is None:
            self.emit({"event": "baseline_failed", "visit": visit})
        else:
            self.emit({"event": "baseline", "visit": visit, "at": at})

    # -- shares -------------------------------------------------------------------------------------------------

    def _health_changed(self, shown: Shown) -> None:
        code = {"ok": "share_up", "down": "share_down", "refused": "share_refused"}[shown.state or "down"]
        self._log.write(code, where=shown.role, **({"what": shown.message} if shown.message else {}))

    def _judge_shares(self) -> None:
        down = self._health.down()
        for role in self._roles():
            self._notices.set_alarm("share_down", role, role in down)
        # Another kiosk's patients hold their cards to that terminal: here it is as if it did not answer.
        taken = self._routes["results"].ownership.stands_back
        answers = not self._health.gone("terminal.results") and not taken
        if answers != self._terminal_answers:
            self._terminal_answers = answers
            self.emit(self._greeting())

    # -- questions ----------------------------------------------------------------------------------------------

    def _greeting(self) -> Message:
        return {"event": "terminal", "answers": self._terminal_answers}

    def _answer(self, ask: Message) -> Message | None:
        """In the hub's thread. ValueError for a question that is none."""
        question, visit = ask.get("ask"), ask.get("visit")
        if question == "baseline":
            if not isinstance(visit, int):
                raise ValueError("a baseline is asked for a visit")
            self._routes["results"].want_baseline(visit)
            return None
        if question == "acknowledge":
            self._notices.with_ledger(self._acknowledge)
        return self._status()

    def _acknowledge(self) -> None:
        for code, subject, _ in self._ledger.alarms():
            self._ledger.clear_alarm(code, subject)

    def _status(self) -> Message:
        unfinished, oldest_s = self._unfinished()
        return {
            "event": "status",
            "process": os.getpid(),
            "up_s": round(time.monotonic() - self._started, 1),
            "shares": self._health.status(),
            "other_files": self._notices.others,
            "unfinished": unfinished,
            "oldest_unfinished_s": oldest_s,
            **self._lookout.facts(),
            "overview": summary.told(DataFolder(self._settings.data_dir).ledger, self._ledger.waits.oldest_s),
        }

    def _unfinished(self) -> tuple[int, float | None]:
        """Files seen but not yet complete: how many, and for how long the oldest."""
        unfinished = [route.unfinished() for route in self._routes.values()]
        since = [at for _, at in unfinished if at is not None]
        return sum(number for number, _ in unfinished), round(time.monotonic() - min(since), 1) if since else None
