"""`kiosk reservations serve`: answers the reception desk out of the reservations, over a socket.

A process of its own, of the reception's user: the desk's user needs no right to the database, and a desk can register
patients while the kiosk's screen is down or being changed. Where there is a kiosk its reception looks after the
database; on a PC without a kiosk this process does: imports, backup, retention, and a new one after damage.

The socket is in Config.reservations_dir: who may pass that folder may ask. Must never write a patient's data anywhere
but into the database and what is kept beside it.
"""

from __future__ import annotations

import threading
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from drivers.reservations.over_socket import SOCKET_NAME, Server
from kiosk.config import Config
from kiosk.desk.kiosk_notices import ASK, SERVED
from kiosk.his.opened import opened
from kiosk.process.ending import ThreadFaults, when_asked_to_end, when_parent_dies
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock, Unusable
from kiosk.process.systemd import Notifier
from kiosk.reception import notices
from kiosk.reception.board import Board
from kiosk.reception.looked_after import looked_after

_BEAT_S: Final = 1.0


def run(config: Config, data: Path, folder: Path, parent_fd: int | None = None) -> int:
    """Serve until SIGTERM. `data`: the data folder; `folder`: the socket's. Only from the main thread.

    `parent_fd`: a pipe's end; serve until its other end is closed, too.

    1: the socket was taken away, or a thread died; to be started again. Raises Held, Unusable.
    """
    notifier, stop = Notifier.from_environment(), threading.Event()
    when_asked_to_end(stop.set)
    if parent_fd is not None:
        when_parent_dies(parent_fd, stop.set)
    lock = DataLock(folder, "reservations-serve")
    log = EventLog(data, "reservations")
    report = partial(_report, log)
    faults = ThreadFaults(report)
    is_kiosk = config.printer is not None
    asked = opened(config, data, log.write, receives=not is_kiosk)
    clock = partial(datetime.now, config.site.zone)
    revision = asked.revision()
    server = Server(
        asked.reservations,
        folder,
        lambda: (revision(), notices.revision(data)),
        report,
        {
            ASK: lambda _: notices.of_day(data, clock().date()),
            SERVED: lambda message: notices.served(data, clock(), message),
        },
    )
    try:
        server.open()
    except OSError as error:
        what = f"{folder / SOCKET_NAME} cannot be made ({error.strerror}); check the folder and its owner"
        raise Unusable(what) from None
    # Where there is a kiosk, its reception does. What is found is in the event log.
    guard = None if is_kiosk else looked_after(config, asked, Board(data, log), log)
    log.write("reservations_served")
    notifier.ready()
    # Without its socket, in a folder that was taken away, it would wait for ever for a client that cannot come.
    while not stop.wait(_BEAT_S) and not faults.any and (folder / SOCKET_NAME).exists():
        notifier.alive()
    notifier.stopping()
    server.close()
    if guard is not None:
        guard.close()
    log.write("reservations_not_served")
    log.close()
    lock.release()
    return 0 if stop.is_set() else 1


def _report(log: EventLog, name: str) -> None:
    log.write("reservations_failed", what=name)
