"""The loop: inbox -> step -> perform -> show. One thread; nothing in it blocks.

`perform` is the mirror of the visit's commands. Devices answer by events into the inbox; whatever they do, the screen
goes on.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from drivers.card_reader import CardEvent, CardRead, CardUnreadable, ReaderDown, ReaderUp, SerialCardReader
from kiosk.courier.line import CourierLine
from kiosk.process.event_log import EventLog
from kiosk.process.stderr import complain
from kiosk.reception.printer_worker import PrinterWorker
from kiosk.reception.reservations_worker import ReservationsWorker
from kiosk.reception.staff_calls import StaffCalls
from kiosk.reception.unserved import Unserved
from kiosk.screens.ahead import expected
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Face, Screen
from kiosk.screens.wording import Wording
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.specimen import SPECIMEN
from kiosk.visit.state import AtCounter, Came, Kiosk, Printing, Start
from kiosk.visit.step import next_deadline, step

PRESSES_MAX = 1000
HEARTBEAT_S = 1.0


@dataclass
class Devices:
    """What the visit's commands reach. `card_readers`: (): the site has none."""

    courier: CourierLine
    reservations: ReservationsWorker
    printer: PrinterWorker
    card_readers: tuple[SerialCardReader, ...]
    staff: StaffCalls
    unserved: Unserved

    def close(self) -> None:
        """End all of them."""
        self.courier.close()
        for reader in self.card_readers:
            reader.stop()
        self.printer.close()
        self.reservations.close()
        self.unserved.close()
        self.staff.close()


class Inbox:
    """Events from every thread, in order. Putting never waits, because the loop itself puts too.

    Devices say only so much; presses can flood, and are dropped while a thousand events wait.
    """

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[e.Event | None] = queue.SimpleQueue()

    def post(self, event: e.Event) -> None:
        self._events.put(event)

    def quit(self) -> None:
        self._events.put(None)

    def next(self, wait_s: float) -> e.Event | None:
        """The next event; Ticked if none comes in time; None to quit."""
        try:
            return self._events.get(timeout=max(0.0, wait_s))
        except queue.Empty:
            return e.Ticked()

    # -- the devices' ways in -----------------------------------------------------------------------------------

    def press(self, button: str) -> None:
        if self._events.qsize() < PRESSES_MAX:
            self.post(e.Pressed(button))

    def card(self, event: CardEvent, *, qr: bool = False) -> None:
        """What a card reader says. `qr`: of the one for codes on phones."""
        match event:
            case CardRead():
                self.post(e.CardRead(event.visit, event.number, qr))
            case CardUnreadable():
                self.post(e.CardUnreadable(event.visit))
            case ReaderUp():
                self.post(e.CardReaderChanged(True))
            case ReaderDown():
                self.post(e.CardReaderChanged(False))


@dataclass
class Runtime:
    """Runs until the inbox says quit. `beat()` is called about once a second, in this thread."""

    kiosk: Kiosk
    inbox: Inbox
    face: Face
    wording: Wording
    log: EventLog
    beat: Callable[[Screen], None]

    def __post_init__(self) -> None:
        self._devices: Devices  # before an event is taken
        self._screen = screen_of(self.kiosk, self.wording)
        self._of_nobody = Kiosk(self.kiosk.rules, Printing(0, 0.0, SPECIMEN, Came("patient_card"), cover_at=0.0))

    def slip_wanted(self, visit: int) -> bool:
        """Whether whom a slip is for still waits for it. Any thread."""
        stage = self.kiosk.stage
        return isinstance(stage, Printing | AtCounter) and stage.visit == visit

    def run(self, devices: Devices) -> None:
        self._devices = devices
        if isinstance(self.kiosk.stage, Start):
            self._take(e.Ticked())  # arms the card reader: whoever sees the first page may put a card in
        self.face.show(self._screen)
        self._prepare_pages(result=False)
        beat_at = 0.0
        while True:
            now = time.monotonic()
            if now >= beat_at:
                beat_at = now + HEARTBEAT_S
                self.beat(self._screen)
            self._tick_if_due(now)
            deadline = next_deadline(self.kiosk)
            due = beat_at if deadline is None else min(beat_at, deadline)
            event = self.inbox.next(due - now)
            if event is None:
                if not isinstance(self.kiosk.stage, Start):
                    self.log.write("visit_ended", visit=self.kiosk.last_visit, code="stopped")
                return
            self._take(event)

    def _tick_if_due(self, now: float) -> None:
        """Time passes also while events keep coming."""
        deadline = next_deadline(self.kiosk)
        if deadline is not None and now >= deadline:
            self._take(e.Ticked())

    def _take(self, event: e.Event) -> None:
        if isinstance(event, e.Pressed) and event.button not in (*self._screen.buttons, *self._screen.tools):
            complain(f"no such button on {self._screen.name}: {event.button[:30]!r}; ignored")
            return
        self.kiosk, commands = step(self.kiosk, event, time.monotonic())
        records = [command for command in commands if isinstance(command, c.Record)]
        # The devices first: they work while the page is drawn. The log last: nobody waits for it.
        for command in commands:
            if not isinstance(command, c.Record):
                self._perform(command)
        screen = screen_of(self.kiosk, self.wording)
        result = any(isinstance(command, c.Prepare) for command in commands)
        changed = screen != self._screen
        if changed:
            self._screen = screen
            self.face.show(screen)
        if changed or result:
            self._prepare_pages(result=result)
        for record in records:
            fields = {name: value for name, value in (("code", record.code), ("what", record.what)) if value}
            self.log.write(record.event, visit=record.visit, **fields)

    def _prepare_pages(self, *, result: bool) -> None:
        """Those that a touch leads to; before them, one like that of the `result` that is about to come."""
        pages = expected(self.kiosk, self.wording, time.monotonic())
        like_it = (screen_of(replace(self._of_nobody, look=self.kiosk.look), self.wording),) if result else ()
        self.face.prepare((*like_it, *pages))

    def _perform(self, command: c.DeviceCommand) -> None:  # noqa: C901, PLR0912 - one line a command
        devices = self._devices
        match command:
            case c.TakeBaseline():
                devices.courier.ask({"ask": "baseline", "visit": command.visit})
            case c.StopWaiting():
                devices.courier.end_waiting(command.visit)
            case c.ArmCardReader():
                for reader in devices.card_readers:
                    reader.arm(command.visit)
            case c.DisarmCardReader():
                for reader in devices.card_readers:
                    reader.disarm()
            case c.Prepare():
                devices.printer.prepare()
            case c.LookUp():
                devices.reservations.look_up(command)
            case c.Register():
                devices.reservations.register(command)
            case c.RegisterWalkIn():
                devices.reservations.walk_in(command)
            case c.AcceptKey():
                devices.courier.accept(command.file)
            case c.KeepUnserved():
                devices.unserved.keep(command)
            case c.TellStaff():
                devices.staff.call(command.code)
            case c.PrintSlip():
                devices.printer.print_slip(command)
            case c.PrintCounterSlip():
                devices.printer.print_counter_slip(command)
            case _:
                assert_never(command)
