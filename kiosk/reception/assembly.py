"""`kiosk run`: joins screen, visit, courier line, reservations, printer and card reader into one running reception."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from drivers.card_reader import CardEvent, ReaderDown, ReaderUp, SerialCardReader
from drivers.printer import open_printer
from drivers.reservations.ports import Reservations
from kiosk.config import Config, ConfigError, needed
from kiosk.config.patient_model import Counter
from kiosk.courier.line import CourierLine
from kiosk.desk import desk_status
from kiosk.his.opened import opened
from kiosk.process.child import Child
from kiosk.process.data_folder import DataFolder
from kiosk.process.ending import ThreadFaults, when_asked_to_end
from kiosk.process.event_log import EventLog
from kiosk.process.locks import DataLock
from kiosk.process.systemd import Notifier
from kiosk.reception import run_status
from kiosk.reception.birth_days import BirthDays
from kiosk.reception.board import Board
from kiosk.reception.courier_events import CourierEvents
from kiosk.reception.delivery_watch import DeliveryWatch
from kiosk.reception.looked_after import limits_of, looked_after
from kiosk.reception.loop import Devices, Inbox, Runtime
from kiosk.reception.printer_worker import PrinterWorker
from kiosk.reception.reservations_worker import ReservationsWorker
from kiosk.reception.staff_calls import StaffCalls
from kiosk.reception.staff_door import OPEN_ON, StaffDoor
from kiosk.reception.surroundings import ChangeWatch, hours_now
from kiosk.reception.unserved import Unserved
from kiosk.screens.views import Face, Screen
from kiosk.screens.wording import Wording
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.tables.table_file import BadTable
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Look, Rules
from kiosk.visit.state import Kiosk, Surroundings
from kiosk.words.departments import DepartmentNames

Clock = Callable[[], datetime]
# A patient waits for several threads at once, for the look-up while the page is drawn: none keeps Python for 5 ms.
THREAD_TURN_S = 0.0005


def run(
    config: Config, folder: Path, face_of: Callable[[], Face], *, own_courier: bool, clean_start: bool = False
) -> int:
    """Serve patients until the face or SIGTERM says quit. Only from the main thread. `folder`: the data folder.

    `face_of` makes the face once the data folder is ours: a second kiosk must not cover the first one's screen.
    `clean_start`: as in `visit.switched_on`.
    """
    sys.setswitchinterval(THREAD_TURN_S)
    notifier = Notifier.from_environment()  # first: the courier must not speak in our name
    references = _references(config)
    lock = DataLock(folder, "run")
    notifier.starting()
    face = face_of()
    notifier.starting()
    log = EventLog(folder, "run")
    faults = ThreadFaults(lambda name: log.write("reception_failed", what=name))
    inbox = Inbox()
    when_asked_to_end(inbox.quit)
    courier = None
    if own_courier:
        courier = Child(("courier",), config.file, lambda code: log.write("courier_restarted", code=str(code)))
    gate = None
    if config.has_gate and config.own_his_run_dir is None:
        gate = Child(("his",), config.file, lambda code: log.write("his_restarted", code=str(code)))
    try:
        log.write("kiosk_started")
        face.serve(lambda: receive(config, folder, references, log, inbox, face, notifier, faults, clean_start))
        if not faults.any:  # else it ends by itself, and `kiosk status` says so until it runs again
            run_status.forget(folder)
    finally:
        notifier.stopping()
        for child in (courier, gate):
            if child is not None:
                child.close()
        log.write("kiosk_stopped")
        log.close()
        lock.release()
    return 1 if faults.any else 0


def receive(
    config: Config,
    folder: Path,
    references: ReferenceNumbers,
    log: EventLog,
    inbox: Inbox,
    face: Face,
    notifier: Notifier,
    faults: ThreadFaults,
    clean_start: bool,
) -> None:
    """One reception from its first screen to the end; devices are opened and closed here."""
    clock = partial(datetime.now, config.site.zone)
    courier_events = CourierEvents(inbox, log, key_check=config.insurance.key_check)
    board = Board(folder, log)
    hours = ChangeWatch(lambda: hours_now(config, clock()), inbox)
    heartbeat = ServiceHeartbeat(face, notifier)
    hints = ChangeWatch(lambda: e.StaffNoticed(board.staff()), inbox)
    staff_door = StaffDoor(inbox.press)

    def beat(screen: Screen) -> None:
        heartbeat.beat(screen)
        staff_door.screen = screen.name
        courier_events.check_absence(time.monotonic())
        hours.update()
        hints.update()
        guard.screen(screen.name)
        board.write(screen.name)
        if _is_of_no_use(folder, faults, screen, log):
            inbox.quit()

    wording = wording_of(config)
    runtime = Runtime(_switched_on(config, clock, clean_start), inbox, face, wording, log, beat)
    guard = looked_after(config, opened(config, folder, log.write, receives=True), board, log)
    devices = Devices(
        CourierLine(config.courier_dir, courier_events.on_message),
        _reservations_worker(config, guard.reservations, references, clock, inbox, board, log),
        _printer_worker(config, folder, clock, runtime, inbox, board, log, wording),
        _card_readers(config, inbox, board, log),
        StaffCalls(folder, config.alarm.command, log),
        Unserved(folder, clock, log.write),
    )
    watch = _delivery_watch(config, folder, board, log)
    face.listen(staff_door.pressed, inbox.quit)
    try:
        runtime.run(devices)
    finally:
        for part in (watch, devices, guard):
            part.close()


def _is_of_no_use(folder: Path, faults: ThreadFaults, screen: Screen, log: EventLog) -> bool:
    """Whether this process must end, to be started again; because of a fault not in the middle of a visit."""
    if not DataFolder(folder).lock("run").exists():
        log.write("data_folder_lost")
        return True
    return faults.any and screen.name in OPEN_ON


def _switched_on(config: Config, clock: Clock, clean: bool) -> Kiosk:
    """The first state; what the hours say is in it, so that the first screen is right."""
    hours = hours_now(config, clock())
    around = Surroundings(is_open=hours.is_open, next_opening=hours.next_opening)
    return replace(switched_on(rules_of(config), time.monotonic(), clean=clean), surroundings=around)


def rules_of(config: Config) -> Rules:
    """The site's rules for visits. The third way of the start page is there where the site says where it leads: to a
    department, or to staff at a counter.
    """
    settings = asdict(config.visit) | asdict(config.arrival)
    del settings["result_max_bytes"]  # the courier's
    screen, reader, walk_in = config.screen, config.card_reader, bool(config.walk_in.departments)
    return Rules(
        **settings,
        patient_cards=reader is not None,
        counter_slip=needed(config, config.printer, "printer").counter_slip,
        no_card=walk_in or config.counter != Counter(),
        walk_in=walk_in,
        card_birthday=reader.birthday if reader else "never",
        staff_call=config.counter.call,
        languages=screen.languages,
        look=Look(screen.default_language, screen.theme),
    )


def wording_of(config: Config) -> Wording:
    """What site.toml lends to the words of screens and slips."""
    own = {each.name: {**dict(each.names), "reading": each.reading} for each in config.departments}
    reader, counter = config.card_reader, config.counter
    phones = reader is not None and reader.reads_phones
    screen = config.screen
    return Wording(DepartmentNames(own), counter.window, counter.text, phones, screen.reader_phone, screen.slip_at)


def _references(config: Config) -> ReferenceNumbers:
    try:
        return ReferenceNumbers.load(config.reference_numbers.map)
    except BadTable as error:
        raise ConfigError(f"{config.file}: [reference_numbers] map: {error}") from None


def _reservations_worker(
    config: Config,
    reservations: Reservations,
    references: ReferenceNumbers,
    clock: Clock,
    inbox: Inbox,
    board: Board,
    log: EventLog,
) -> ReservationsWorker:
    return ReservationsWorker(
        reservations,
        references,
        BirthDays(_asked_birth_days(config), log.write),
        config,
        clock,
        inbox.post,
        log.write,
        board.set_trouble,
        **limits_of(config),
    )


def _asked_birth_days(config: Config) -> Path | None:
    """The file of patients whose birth day is asked, by the site's own rule."""
    asks = config.card_reader is not None and config.card_reader.birthday != "never"
    return config.desk.patients if asks and config.desk else None


def _printer_worker(
    config: Config,
    folder: Path,
    clock: Clock,
    runtime: Runtime,
    inbox: Inbox,
    board: Board,
    log: EventLog,
    wording: Wording,
) -> PrinterWorker:
    settings, site = needed(config, config.printer, "printer"), config.site
    printer = open_printer(settings.url, status=settings.status, lock=DataFolder(folder).printer_lock)
    wanted = runtime.slip_wanted
    return PrinterWorker(printer, site.name, settings, clock, wanted, inbox.post, board.printer, log.write, wording)


def _delivery_watch(config: Config, folder: Path, board: Board, log: EventLog) -> DeliveryWatch:
    desk_runs = (lambda: desk_status.read(config.desk_run_dir) is not None) if config.desk else None
    return DeliveryWatch(
        folder, config.courier_dir, config.alarm.command, log, board.delivery_changed, board.troubles, desk_runs
    )


def _card_readers(config: Config, inbox: Inbox, board: Board, log: EventLog) -> tuple[SerialCardReader, ...]:
    """The one for cards, and the one for phones where it is another."""
    settings = config.card_reader
    if settings is None:
        return ()
    down: set[str] = set()

    def opened(url: str, *, is_first: bool, qr: bool) -> SerialCardReader:
        where = "card_reader" if is_first else "card_reader.also"

        def post(event: CardEvent) -> None:
            if isinstance(event, ReaderDown):
                log.write("card_reader_down", what=event.message, where=where)
                down.add(where)
            elif isinstance(event, ReaderUp):
                log.write("card_reader_up", where=where)
                down.discard(where)
            if isinstance(event, ReaderDown | ReaderUp):
                board.card_reader = "down" if down else "up"
                if not is_first:
                    return  # a card can be put in all the same
            inbox.card(event, qr=qr)

        return SerialCardReader(url, settings.end, re.compile(settings.pattern), post)

    # A reader of both cannot tell which it was: then everybody counts as who came by phone.
    readers = [opened(settings.url, is_first=True, qr=settings.reads_phones and not settings.second_url)]
    if settings.second_url:
        readers.append(opened(settings.second_url, is_first=False, qr=True))
    for reader in readers:
        reader.start()
    return tuple(readers)


class ServiceHeartbeat:
    """Tells the service manager that the loop goes round and that what it shows can be seen.

    A reception whose window is stuck looks alive to itself; patients would stand before a dead picture.
    """

    def __init__(self, face: Face, notifier: Notifier) -> None:
        self._face = face
        self._notifier = notifier
        self._ready = False

    def beat(self, screen: Screen) -> None:
        if not self._face.alive(time.monotonic()):
            return
        if not self._ready:
            self._ready = True
            self._notifier.ready()
        self._notifier.alive()
        self._notifier.status(f"screen: {screen.name}")
