"""`kiosk desk`: from site.toml to a running reception desk.

Owns what is started in which order, and ended. Must never keep the courier or the reception waiting: all that it asks
of them ends in seconds, and nothing waits for it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

from drivers.page_printer import open_page_printer
from drivers.reservations.over_socket import SocketReservations
from drivers.share import Share, open_share
from kiosk.config import Config, password, tls
from kiosk.config.desk_model import Desk
from kiosk.desk import certificate
from kiosk.desk.day_store import open_day_store
from kiosk.desk.departments import Departments
from kiosk.desk.desk_watch import DeskWatch
from kiosk.desk.export import Exports
from kiosk.desk.feeds import open_feed
from kiosk.desk.kiosk_notices import KioskNotices
from kiosk.desk.numbers import Numbers
from kiosk.desk.papers import Look, Papers
from kiosk.desk.patients import Patients
from kiosk.desk.people import first_chief
from kiosk.desk.people.database import PeopleUnusable
from kiosk.desk.people.people import People
from kiosk.desk.printing import Printing
from kiosk.desk.receptions import Receptions
from kiosk.desk.registration_store import RegistrationStore
from kiosk.desk.registration_work import Folders, Registrations
from kiosk.desk.registrations_file import open_registrations
from kiosk.desk.rounds import Rounds
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.service import Parts, Service
from kiosk.desk.standing import Standing, Watched
from kiosk.desk.today import Today
from kiosk.desk.unsettled import UnsettledOrders
from kiosk.desk.web.server import Listening, NotStarted, Server
from kiosk.process.child import Child
from kiosk.process.data_folder import DeskFolder
from kiosk.process.database import DatabaseUnusable
from kiosk.process.ending import ThreadFaults, when_asked_to_end
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock, is_held
from kiosk.process.memory import give_back_what_is_free
from kiosk.process.sealing import Seals, SecretUnusable, load_secret
from kiosk.process.stderr import complain, drain
from kiosk.process.systemd import Notifier
from kiosk.results import pmh_names
from kiosk.tables.known_people import KnownPeople
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.tables.table_file import BadTable

EXIT_WRONG: Final = 1
ALIVE_EVERY_S: Final = 1.0
# The kiosk registers its own patients; the desk does so by itself only for who has not been there.
KIOSK_FIRST: Final = timedelta(seconds=45)


def run(config: Config) -> int:
    """Serve the pages until SIGTERM. Exit codes: 0 asked to end, 1 something is wrong. Raises ConfigError, Held."""
    give_back_what_is_free()
    desk = config.desk
    assert desk is not None  # noqa: S101 - the command line asked for it
    folder, ending = DeskFolder(config.desk_dir, config.desk_run_dir), threading.Event()
    when_asked_to_end(ending.set)
    lock = DataLock(folder.path, "desk")
    log = EventLog(folder.path, "desk")
    failed = threading.Event()

    def fault(what: str) -> None:
        log.write("desk_failed", what=what)
        failed.set()
        ending.set()

    ThreadFaults(fault)
    try:
        with ExitStack() as stack:
            _serve(config, desk, folder, log, ending, stack)
    except (DatabaseUnusable, PeopleUnusable, SecretUnusable, NotStarted, BadTable) as error:
        complain(str(error))
        failed.set()
    except (sqlite3.Error, OSError) as error:
        fault(type(error).__name__)
    log.write("desk_stopped", code="fault" if failed.is_set() else "asked")
    log.close()
    lock.release()
    drain()
    # What waits for a share or a printer that does not answer must not keep the process.
    os._exit(EXIT_WRONG if failed.is_set() else 0)


def _serve(
    config: Config, desk: Desk, folder: DeskFolder, log: EventLog, ending: threading.Event, stack: ExitStack
) -> None:
    notifier = Notifier.from_environment()
    people = People(folder, config.site.zone, log)
    first_chief.take(people, config)
    _own_reservations(config, log, stack)
    parts = _parts(config, desk, folder, log, people, stack)
    service = Service(parts)
    _start(parts, service, stack)
    rounds = Rounds(parts, people, log)
    stack.callback(rounds.close)
    rounds.start()
    listening = _listening(config, desk)
    server = Server(service, people, listening, config.site.name, lambda kind: log.write("desk_page_failed", what=kind))
    server.start()
    stack.callback(server.stop)
    watch = DeskWatch(config, folder, log, parts.standing.look)
    stack.callback(watch.close)
    log.write("desk_started")
    notifier.ready()
    while not ending.wait(ALIVE_EVERY_S):
        if not server.running or not rounds.running:
            raise OSError("a thread has ended")
        notifier.alive()
    notifier.stopping()


def _own_reservations(config: Config, log: EventLog, stack: ExitStack) -> None:
    """Without a kiosk, and where nobody else is to serve them, the reservations are the desk's own: a child serves."""
    folder = config.reservations_dir
    if config.printer is None and config.own_reservations_dir is None and not is_held(folder, "reservations-serve"):
        words = ("reservations", "serve")
        child = Child(words, config.file, lambda code: log.write("reservations_restarted", code=str(code)))
        stack.callback(child.close)


def _parts(config: Config, desk: Desk, folder: DeskFolder, log: EventLog, people: People, stack: ExitStack) -> Parts:
    """Every part, none of them started. Raises what `run` reports."""
    clock = _clock(config)
    seals = Seals(load_secret(folder.key))
    known = KnownPeople(folder.known, seals)
    stack.callback(known.close)
    register = SealedRegister(folder.accepted, seals, known, keep_values=desk.keep_values, today=lambda: clock().date())
    stack.callback(register.close)
    store = open_day_store(folder, seals, desk.keep_days)
    stack.callback(store.close)
    wait = timedelta(seconds=config.terminal.subsidy_wait_s)
    today = Today(store, register, clock, wait, desk.keep_days)
    departments = Departments(config)
    feed = open_feed(config, folder, known)
    reservations = SocketReservations(config.reservations_dir)
    receptions = Receptions(
        reservations, today, departments, clock, desk.register,
        KIOSK_FIRST if config.printer is not None else timedelta(0),
    )  # fmt: skip
    printing = Printing(open_page_printer(desk.printer), log) if desk.printer else None
    barcode = config.printer.barcode if config.printer else "code128"
    papers = Papers(printing, today, receptions, Look(config.site.name, barcode, departments.place), clock)
    file = open_registrations(folder.registrations)
    stack.callback(file.close)
    numbers = _numbers(config, desk, RegistrationStore(file, seals, keep_values=desk.keep_values), log, clock)
    exports = None
    if desk.export:
        exports = Exports(register.file, file, seals, _share(config, desk.export), clock)
    kiosk = KioskNotices(reservations, numbers.patient_of, clock)
    unsettled = UnsettledOrders(reservations, lambda: today.day)
    watched = Watched(config, today, feed, receptions, numbers, exports, register, kiosk, unsettled, clock)
    return Parts(
        config, today, register, receptions, departments, papers, numbers, exports, feed, kiosk, unsettled,
        Standing(watched, papers), people.chain, seals, pmh_names.load(), clock,
    )  # fmt: skip


def _start(parts: Parts, service: Service, stack: ExitStack) -> None:
    parts.receptions.registered, parts.receptions.act = service.registered, service.act
    parts.receptions.ticked, parts.receptions.renewed = parts.standing.look_at_kiosk, parts.standing.look_at_orders
    parts.papers.begin()
    parts.receptions.start()
    stack.callback(parts.receptions.close)
    parts.feed.start(service)
    stack.callback(parts.feed.close)


def _numbers(
    config: Config, desk: Desk, store: RegistrationStore, log: EventLog, clock: Callable[[], datetime]
) -> Numbers:
    folders = None
    if desk.requests:
        # Without a folder of their own, answers lie beside the results; only read, by the terminal's account.
        answers = _share(config, desk.answers) if desk.answers else _results(config)
        folders = Folders(_share(config, desk.requests), answers)
    patients = Patients(desk.patients) if desk.patients else None
    references = ReferenceNumbers.load(config.reference_numbers.map)
    registrations = Registrations(store, folders, references, patients, log.write, clock)
    return Numbers(registrations, references, patients, off=folders is None)


def _share(config: Config, url: str) -> Share:
    desk = config.desk
    assert desk is not None  # noqa: S101 - as in `run`
    secret = password(config, "desk", url, desk.password_file)
    return open_share(url, secret.reveal() if secret else None)


def _results(config: Config) -> Share:
    terminal = config.terminal
    secret = password(config, "terminal", terminal.results, terminal.password_file)
    return open_share(terminal.results, secret.reveal() if secret else None)


def _listening(config: Config, desk: Desk) -> Listening:
    files = tls(config)
    host, port = desk.address
    names = certificate.hosts(desk, certificate.read(files.certificate) if files else None)
    if files is None:
        return Listening(host, port, names, desk.allow)
    return Listening(host, port, names, desk.allow, files.certificate, files.key, files.client_ca)


def _clock(config: Config) -> Callable[[], datetime]:
    zone = config.site.zone
    return lambda: datetime.now(zone)
