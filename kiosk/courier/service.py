"""The courier's process: two routes, the hub, the alarms, and what `kiosk status` is told.

Runs on when screen, printer and reservations are down. Ends within 2 s of being asked to, and of its parent's death.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.share import Share
from kiosk import result_files
from kiosk.courier.deliver import Ends
from kiosk.courier.health import ALARM_AFTER_S, TERMINAL_DOWN_AFTER_S, Health, Shown
from kiosk.courier.ledger import Item, Ledger, LedgerLost, RouteName
from kiosk.courier.ledger import Subsidy as SubsidyState
from kiosk.courier.listeners import Pairing, ResultsListener, SubsidiesListener
from kiosk.courier.parcels import Parcel
from kiosk.courier.reading import result_reader, subsidy_reader
from kiosk.courier.route import Roles, Route
from kiosk.courier.sweep import Swept
from kiosk.courier.watch import Folder, Watcher
from kiosk.journal import EventLog
from kiosk.link import Hub, Message

LEDGER = "courier.db"
KEEP_DAYS = 90
PRUNE_EVERY_S = 3600.0
FOLDER_FULL_FILES = 500
JOIN_S = 1.0


@dataclass(frozen=True)
class Shares:
    """Connections of one route: the watcher's and the deliverer's own, so that neither waits for the other."""

    watched: Share
    source: Share
    destination: Share
    staging: Share


@dataclass(frozen=True)
class Settings:
    """What the courier needs of site.toml. `subsidies` None: they need no forwarding."""

    data_dir: Path
    institution_code: str
    poll_s: float
    subsidy_wait_s: float
    max_bytes: int
    results: Shares
    subsidies: Shares | None


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


class Courier:
    """Desk, listener of both routes, and the hub's answers, in one object; every method may come from any thread."""

    def __init__(self, settings: Settings, log: EventLog) -> None:
        self._settings = settings
        self._log = log
        self._ledger = open_ledger(settings.data_dir / LEDGER, log)
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._failed: str | None = None
        self._others = 0
        self._terminal_answers = True
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
        listener = ResultsListener(
            self._ledger, self, pairing, settings.institution_code, wait_s, time.monotonic
        )
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
        return Route(name, roles, watcher, self._settings.poll_s, ends, self._ledger, self._health, self)

    # -- the process --------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Until `stop()`. Returns the exit code: 1 if the ledger can no longer be relied on."""
        self._log.write("courier_started")
        for route in self._routes.values():
            route.start()
        prune_at = 0.0
        while not self._stop.wait(0.5):
            self._judge_shares()
            if time.monotonic() >= prune_at:
                prune_at = time.monotonic() + PRUNE_EVERY_S
                self._with_ledger(lambda: self._ledger.prune(KEEP_DAYS))
        for route in self._routes.values():
            route.close()
        for route in self._routes.values():
            route.join(JOIN_S / len(self._routes))
        self._hub.close()
        self._log.write("courier_stopped", code=self._failed or "asked")
        return 1 if self._failed else 0

    def stop(self) -> None:
        self._stop.set()

    def delivered_files(self) -> int:
        """How many files of this ledger are done."""
        return self._ledger.count("done")

    def ledger_failed(self, error: sqlite3.Error) -> None:
        """A full disk heals; after an I/O error nothing that was written can be trusted, so start anew (and reread)."""
        self._log.write("journal_full", what=type(error).__name__)
        if "disk I/O error" in str(error) or "malformed" in str(error):
            self._failed = "journal_io"
            self._stop.set()

    def _with_ledger(self, write: Callable[[], object]) -> None:
        try:
            write()
        except sqlite3.Error as error:
            self.ledger_failed(error)

    # -- desk and notices ---------------------------------------------------------------------------------------

    def emit(self, message: Message) -> None:
        self._hub.emit(message)

    def send(self, route: RouteName, parcel: Parcel) -> None:
        self._routes[route].parcels.add(parcel)

    def event(self, code: str, item: Item | None = None, why: str = "") -> None:
        if code == "other_files":
            changed, self._others = int(why) != self._others, int(why)
            if changed:
                self._log.write(code, count=self._others)
            return
        self._log.write(code, **({"file": item.id} if item else {}), **({"code": why} if why else {}))

    def alarm(self, code: str, item: Item | None = None) -> None:
        subject = f"file {item.id}" if item else ""
        self._with_ledger(lambda: self._ledger.raise_alarm(code, subject))
        self._log.write(code, **({"file": item.id} if item else {}))

    def all_clear(self, item: Item) -> None:
        for code in ("file_held", "temp_lost"):
            self._with_ledger(lambda code=code: self._ledger.clear_alarm(code, f"file {item.id}"))  # type: ignore[misc]

    def delivered(self, route: RouteName, parcel: Parcel) -> None:
        if route == "subsidies":
            request = self._ledger.item(parcel.file).request
            self._routes["results"].parcels.wake(lambda waiting: bool(request) and waiting.request == request)

    def may_go(self, parcel: Parcel) -> bool:
        """An eligibility result lets the answer to its subsidy request go first, for a while."""
        if not parcel.request:
            return True
        item = self._ledger.item(parcel.file)
        if item.subsidy != "waiting":
            return True
        answers = self._ledger.answers_to(parcel.request)
        failed = any(answer.name.lower().endswith(".err") for answer in answers)
        if any(answer.state in ("published", "done") for answer in answers):
            self._ledger.set_subsidy(item, "failed" if failed else "result")
            if failed:
                self.event("subsidy_failed", item)
            return True
        if time.monotonic() < parcel.wait_until:
            return False
        # An answer that is here but could not be put ahead is late as well.
        late: SubsidyState = "late_failed" if failed else "late_result"
        self._ledger.set_subsidy(item, late if answers else "unanswered")
        self.event("subsidy_unanswered", item)
        return True

    def swept(self, route: RouteName, swept: Swept, ends: Ends) -> None:
        for item in swept.back:
            self._ledger.set_state(item, "staged")
            self.event("file_resent", item)
            self.send(route, Parcel(item.id))
        self._set_alarm("foreign_temps", f"receipt_computer.{route}", swept.foreign > 0)
        pattern = result_files.ELIGIBILITY_PATTERN if route == "results" else result_files.SUBSIDY_PATTERN
        full = len(ends.destination.entries(pattern, FOLDER_FULL_FILES + 1)) > FOLDER_FULL_FILES
        self._set_alarm("folder_not_emptied", f"receipt_computer.{route}", full)

    def baseline(self, visit: int, at: float | None) -> None:
        if at is None:
            self.emit({"event": "baseline_failed", "visit": visit})
        else:
            self.emit({"event": "baseline", "visit": visit, "at": at})

    def _set_alarm(self, code: str, subject: str, wrong: bool) -> None:
        if wrong:
            if self._ledger.raise_alarm(code, subject):
                self._log.write(code, where=subject)
        else:
            self._ledger.clear_alarm(code, subject)

    # -- shares -------------------------------------------------------------------------------------------------

    def _health_changed(self, shown: Shown) -> None:
        code = {"ok": "share_up", "down": "share_down", "refused": "share_refused"}[shown.state or "down"]
        self._log.write(code, where=shown.role, what=shown.message)

    def _judge_shares(self) -> None:
        for shown in self._health.all():
            failing_s = self._health.failing_s(shown.role)
            self._with_ledger(
                lambda role=shown.role, wrong=failing_s > ALARM_AFTER_S: self._set_alarm("share_down", role, wrong)  # type: ignore[misc]
            )
        answers = self._health.failing_s("terminal.results") < TERMINAL_DOWN_AFTER_S
        if answers != self._terminal_answers:
            self._terminal_answers = answers
            self.emit(self._greeting())

    # -- questions ----------------------------------------------------------------------------------------------

    def _greeting(self) -> Message:
        return {"event": "terminal", "answers": self._terminal_answers}

    def _answer(self, ask: Message) -> Message | None:
        if ask.get("ask") == "baseline":
            self._routes["results"].want_baseline(int(ask["visit"]))
            return None
        if ask.get("ask") == "acknowledge":
            for code, subject, _ in self._ledger.alarms():
                self._ledger.clear_alarm(code, subject)
        return self._status()

    def _status(self) -> Message:
        return {
            "event": "status",
            "process": os.getpid(),
            "up_s": round(time.monotonic() - self._started, 1),
            "shares": {s.role: {"state": s.state, "message": s.message} for s in self._health.all()},
            "other_files": self._others,
        }
