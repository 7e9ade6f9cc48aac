"""`kiosk his`: the one process that has the passwords of the hospital's systems, and talks to them.

It passes on what it is asked over two sockets in Config.his_run_dir: `his.sock` for the system ([his]), `book.sock`
for a book on a server ([reservations]). Who may pass that folder may ask; the reception's user reads no password. Must
never decide anything, or write a patient's data anywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from drivers.reservations import wire
from drivers.reservations.imports_over_socket import Imports
from drivers.reservations.opening import open_book, open_system
from drivers.reservations.over_socket import BOOK_SOCKET, Server
from kiosk.config import Config, book_access, his_access
from kiosk.his.book_upkeep import BookUpkeep
from kiosk.his.opened import SYSTEM_SOCKET, News, adapter_settings
from kiosk.his.pool import Pool
from kiosk.process.ending import ThreadFaults, when_asked_to_end, when_parent_dies
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock, Unusable
from kiosk.process.systemd import Notifier

_BEAT_S: Final = 1.0


def run(config: Config, folder: Path, parent_fd: int | None = None) -> int:
    """Serve until SIGTERM or the other end of the pipe `parent_fd` is closed. `folder`: of its own (0700). Only from
    the main thread.

    1: a socket was taken away, or a thread died; to be started again. Raises Held, Unusable, ConfigError.
    """
    notifier, stop = Notifier.from_environment(), threading.Event()
    when_asked_to_end(stop.set)
    if parent_fd is not None:
        when_parent_dies(parent_fd, stop.set)
    lock = DataLock(folder, "his")
    log = EventLog(folder, "his")
    report = partial(_report, log)
    faults = ThreadFaults(report)
    servers = _servers(config, folder, report)
    for socket, server in servers.items():
        try:
            server.open()
        except OSError as error:
            what = f"{socket} cannot be made ({error.strerror}); check the folder and its owner"
            raise Unusable(what) from None
    log.write("his_served")
    notifier.ready()
    while not stop.wait(_BEAT_S) and not faults.any and all(socket.exists() for socket in servers):
        notifier.alive()
    notifier.stopping()
    for server in servers.values():
        server.close()
    log.write("his_not_served")
    log.close()
    lock.release()
    return 0 if stop.is_set() else 1


def _servers(config: Config, folder: Path, report: Callable[[str], None]) -> Mapping[Path, Server]:
    run_dir = config.his_run_dir
    found: dict[Path, Server] = {}
    if config.his.url:
        settings = adapter_settings(config, folder, his_access(config))
        system = Pool(partial(open_system, config.his.url, settings))
        asks = wire.SYSTEM_ASKS
        found[run_dir / SYSTEM_SOCKET] = Server(system, run_dir, lambda: 0, report, name=SYSTEM_SOCKET, asks=asks)
    if not config.reservations.is_embedded:
        found[run_dir / BOOK_SOCKET] = _book_server(config, folder, report)
    return found


def _book_server(config: Config, folder: Path, report: Callable[[str], None]) -> Server:
    settings = adapter_settings(config, folder, book_access(config))
    opened = partial(open_book, config.reservations.url, settings)
    book = Pool(opened)
    today = lambda: datetime.now(config.site.zone).date()  # noqa: E731
    BookUpkeep(opened, today, config.reservations.keep_days, report).start()
    others = Imports(opened).others()
    revision = News(book).revision
    return Server(book, config.his_run_dir, revision, report, others, name=BOOK_SOCKET, asks=wire.BOOK_ASKS)


def _report(log: EventLog, name: str) -> None:
    log.write("reservations_failed", what=name)
