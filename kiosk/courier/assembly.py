"""`kiosk courier`: from site.toml to a running courier."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from drivers.share import Share, open_share
from kiosk.config import Config
from kiosk.courier.courier import Courier, Settings, Shares
from kiosk.courier.ledger import LedgerLost
from kiosk.process.ending import when_asked_to_end, when_parent_dies
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock
from kiosk.process.stderr import drain
from kiosk.process.systemd import Notifier

# Asked to end, or the parent died: what hangs on a dead server is left behind.
END_S = 1.5


def run(config: Config, folder: Path, parent_fd: int | None) -> int:
    """Deliver until SIGTERM or until the parent dies. `folder`: the courier's, see Config.courier_dir."""
    notifier = Notifier.from_environment()
    ending = _Ending()
    when_asked_to_end(ending.begin)
    if parent_fd is not None:
        when_parent_dies(parent_fd, ending.begin)
    lock = DataLock(folder, "courier")
    log = EventLog(folder, "courier")
    code = _serve(config, folder, log, ending, notifier)
    log.close()
    lock.release()
    drain()
    # Threads that wait for a server that does not answer must not keep the process.
    os._exit(code)


def _serve(config: Config, folder: Path, log: EventLog, ending: _Ending, notifier: Notifier) -> int:
    try:
        courier = Courier(settings_of(config, folder), log, notifier)
        ending.courier = courier
        _notice_dead_threads(courier)
        return 0 if ending.begun else courier.run()
    except sqlite3.Error as error:
        log.write("journal_full", what=type(error).__name__)
    except LedgerLost:
        raise
    except Exception as error:  # noqa: BLE001 - a courier with a dead main thread would hold the lock and deliver nothing
        log.write("courier_failed", what=type(error).__name__)
    return 1


def _notice_dead_threads(courier: Courier) -> None:
    """A thread of ours that dies (hub, deadlines, the parent's watch) ends the process: it is started again."""

    def died(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            courier.broke(arguments.exc_value)

    threading.excepthook = died


class _Ending:
    """Stops the courier, and ends the process if that takes too long."""

    def __init__(self) -> None:
        self.courier: Courier | None = None
        self.begun = False

    def begin(self) -> None:
        self.begun = True
        if self.courier is not None:
            self.courier.stop()
        timer = threading.Timer(END_S, os._exit, (0,))
        timer.daemon = True
        timer.start()


def settings_of(config: Config, folder: Path) -> Settings:
    """What the courier needs of site.toml; shares are opened, not yet connected."""
    terminal, receipt_computer = config.terminal, config.receipt_computer
    source_secret = terminal.password.reveal() if terminal.password else None
    destination_secret = receipt_computer.password.reveal() if receipt_computer.password else None

    def shares(source: str, destination: str) -> Shares:
        to = open_share(destination, destination_secret)
        staging: Share = to.at(receipt_computer.staging) if receipt_computer.staging else to
        return Shares(open_share(source, source_secret), open_share(source, source_secret), to, staging)

    subsidies = None
    if terminal.subsidies is not None and receipt_computer.subsidies is not None:
        subsidies = shares(terminal.subsidies, receipt_computer.subsidies)
    return Settings(
        data_dir=folder,
        institution_code=config.site.institution_code,
        poll_s=terminal.poll_interval_s,
        subsidy_wait_s=terminal.subsidy_wait_s,
        max_bytes=config.visit.result_max_bytes,
        results=shares(terminal.results, receipt_computer.results),
        subsidies=subsidies,
        alarm_command=config.alarm.command,
    )
