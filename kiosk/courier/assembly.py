"""`kiosk courier`: from site.toml to a running courier."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from drivers.share import Share, open_share
from kiosk.config import Config, needed
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.courier import Courier, SelfMonitor
from kiosk.courier.desk import HandOver
from kiosk.courier.ends import Ends, Health
from kiosk.courier.ledger import LedgerLost, RouteName, open_ledger
from kiosk.courier.line import Hub
from kiosk.courier.listeners import Pairing, Precedence, ResultsListener, SubsidiesListener
from kiosk.courier.ownership import DEAD_S, Ownership, kiosk_id, uninterrupted
from kiosk.courier.queue import Queue
from kiosk.courier.route import Route
from kiosk.process.alarm import AlarmCommand, AlarmNotifier
from kiosk.process.data_folder import DataFolder, DeskFolder
from kiosk.process.ending import ThreadFaults, when_asked_to_end, when_parent_dies
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock
from kiosk.process.stderr import drain
from kiosk.process.systemd import Notifier
from kiosk.results.eligibility import Reader, read_result, read_subsidy
from kiosk.results.examine import Listener
from kiosk.results.names import ELIGIBILITY_PATTERN, SUBSIDY_PATTERN, Kind
from kiosk.results.watch import Folder, Watcher

RELIST_S = 5.0
# A patient's result waits for a thread that is packing another file: Python would let it do so for 5 ms.
TURN_S = 0.0005
# Asked to end, or the parent died: what hangs on a dead server is left behind.
END_S = 1.5


@dataclass(frozen=True)
class Settings:
    """What the courier needs of site.toml. `data_dir`: the courier's own; `subsidies` None: they need no forwarding;
    `alarm_command` (): none; `dead_s`: after which silence another kiosk on our source is taken for dead; `relist_s`:
    how often a source that reports its changes is listed all the same while no visit waits. `desk_spool`: where results
    are handed to the desk; None: nowhere. `key_check`: the reception wants to know what is new of a patient.
    """

    data_dir: Path
    institution_code: str
    poll_s: float
    subsidy_wait_s: float
    max_bytes: int
    results: Ends
    subsidies: Ends | None
    alarm_command: tuple[str, ...] = ()
    dead_s: float = DEAD_S
    relist_s: float = RELIST_S
    desk_spool: Path | None = None
    key_check: bool = False


def run(config: Config, folder: Path, parent_fd: int | None) -> int:
    """Deliver until SIGTERM or until the parent dies. `folder`: the courier's, see Config.courier_dir."""
    sys.setswitchinterval(TURN_S)
    notifier, ending = Notifier.from_environment(), threading.Event()

    def end() -> None:
        ending.set()
        timer = threading.Timer(END_S, os._exit, (0,))
        timer.daemon = True
        timer.start()

    when_asked_to_end(end)
    if parent_fd is not None:
        when_parent_dies(parent_fd, end)
    lock = DataLock(folder, "courier")
    log = EventLog(folder, "courier")
    code = _serve(config, folder, log, ending, notifier)
    log.close()
    lock.release()
    drain()
    # Threads that wait for a server that does not answer must not keep the process.
    os._exit(code)


def _serve(config: Config, folder: Path, log: EventLog, ending: threading.Event, notifier: Notifier) -> int:
    try:
        courier = assemble(settings_of(config, folder), log, notifier, ending)
        ThreadFaults(courier.notices.broke)
        return 0 if ending.is_set() else courier.run()
    except sqlite3.Error as error:
        log.write("journal_full", what=type(error).__name__)
    except LedgerLost:
        raise
    except Exception as error:  # noqa: BLE001 - a courier with a dead main thread would hold the lock and deliver nothing
        log.write("courier_failed", what=type(error).__name__)
    return 1


def settings_of(config: Config, folder: Path) -> Settings:
    """What the courier needs of site.toml; shares are opened, not yet connected."""
    terminal, receipt_computer = config.terminal, needed(config, config.receipt_computer, "receipt_computer")
    source_secret = terminal.password.reveal() if terminal.password else None
    destination_secret = receipt_computer.password.reveal() if receipt_computer.password else None

    def ends(route: RouteName, source: str, destination: str) -> Ends:
        to = open_share(destination, destination_secret)
        staging: Share = to.at(receipt_computer.staging) if receipt_computer.staging else to
        return Ends(route, open_share(source, source_secret), open_share(source, source_secret), to, staging)

    subsidies = None
    if terminal.subsidies is not None and receipt_computer.subsidies is not None:
        subsidies = ends("subsidies", terminal.subsidies, receipt_computer.subsidies)
    return Settings(
        data_dir=folder,
        institution_code=config.site.institution_code,
        poll_s=terminal.poll_interval_s,
        subsidy_wait_s=terminal.subsidy_wait_s,
        max_bytes=config.visit.result_max_bytes,
        results=ends("results", terminal.results, receipt_computer.results),
        subsidies=subsidies,
        alarm_command=config.alarm.command,
        relist_s=terminal.relist_interval_s,
        desk_spool=DeskFolder(config.desk_dir, config.desk_run_dir).spool if is_fed(config) else None,
        key_check=config.insurance.key_check,
    )


def is_fed(config: Config) -> bool:
    """Whether a desk takes what the courier reads."""
    return config.desk is not None and config.desk.feed == "courier"


def assemble(
    settings: Settings, log: EventLog, notifier: Notifier | None = None, ending: threading.Event | None = None
) -> Courier:
    """A courier whose socket is open and whose routes have not begun. Raises sqlite3.Error, LedgerLost, OSError.

    `ending`: set when it is to end.
    """
    folder, notifier = settings.data_dir, notifier or Notifier()
    ledger = open_ledger(DataFolder(folder).ledger, log)
    notices = NoticeBoard(ledger, log, ending or threading.Event())
    ends = [settings.results, *([settings.subsidies] if settings.subsidies else [])]
    roles = tuple(role for each in ends for role in (each.source_role, each.destination_role))
    health = Health(roles, time.monotonic, notices.share_changed)
    hub = Hub(folder)
    kiosk, pairing = kiosk_id(folder), Pairing()
    compares = settings.key_check or settings.desk_spool is not None
    desk = HandOver(folder, settings.desk_spool, settings.max_bytes, log) if compares else None
    queues = {each.route: Queue(uninterrupted) for each in ends}
    precedence = Precedence(ledger, notices, queues["results"], settings.subsidy_wait_s)

    def route(ends: Ends, pattern: str, kinds: set[Kind], reader: Reader, listener: Listener) -> Route:
        watched = Folder(pattern, frozenset(kinds), settings.max_bytes, settings.poll_s)
        watcher = Watcher(ends.watched, watched, reader, listener, time.monotonic, ends.source)
        ownership = Ownership(ends.route, kiosk, ends.source, ends.staging, settings.dead_s)
        return Route(
            ends, watcher, queues[ends.route], ownership, precedence, ledger, notices, health, hub, settings.relist_s
        )

    wait_s, code = settings.subsidy_wait_s if settings.subsidies else None, settings.institution_code
    listener = ResultsListener(ledger, notices, hub, queues["results"], pairing, code, wait_s, desk)
    routes: dict[RouteName, Route] = {}
    routes["results"] = route(settings.results, ELIGIBILITY_PATTERN, {"eligibility"}, read_result, listener)
    if settings.subsidies is not None:
        answers = SubsidiesListener(ledger, notices, hub, queues["subsidies"], pairing, desk)
        kinds: set[Kind] = {"subsidy_result", "subsidy_error"}
        routes["subsidies"] = route(settings.subsidies, SUBSIDY_PATTERN, kinds, read_subsidy, answers)
    alarms = AlarmNotifier(AlarmCommand(settings.alarm_command, log), folder, "courier")
    monitor = SelfMonitor(folder, routes, ledger, notices, health, hub, alarms, notifier, log)
    courier = Courier(folder, ledger, notices, hub, routes, monitor, notifier, log, desk)
    hub.open(courier.answer, monitor.greeting)
    return courier
