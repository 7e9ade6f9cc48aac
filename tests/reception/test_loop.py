"""The loop and its workers: time passes while events keep coming, and nothing is printed for a visit that is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL.Image import Image
from PIL.Image import new as new_image

from drivers.printer import Printed, PrinterStatus, Ready
from kiosk.config import SlipPrinter
from kiosk.courier.line import CourierLine
from kiosk.process.event_log import EventLog
from kiosk.reception.courier_events import FIRST_LINE_S, LINE_LOST_S, CourierEvents
from kiosk.reception.loop import PRESSES_MAX, Devices, Inbox, Runtime
from kiosk.reception.printer_worker import PrinterWorker
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Screen
from kiosk.screens.wording import Wording
from kiosk.slip import picture as slip_picture
from kiosk.slip.content import Slip, custody_slip
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Rules
from kiosk.visit.specimen import SPECIMEN
from kiosk.visit.state import (
    ArrivalInCustody,
    AtCounter,
    AwaitingTap,
    Came,
    Candidate,
    Kiosk,
    Printing,
    RegisteredArrival,
    Registering,
    VisitReception,
)

DEADLINE_S = 60.0
ARRIVAL = RegisteredArrival(date(2026, 1, 15), clock_time(12, 50), "0012K", (VisitReception("7"),), ())


class Paper:
    """A printer that counts its slips."""

    where = "paper"

    def __init__(self) -> None:
        self.slips = 0

    def status(self) -> PrinterStatus:
        return Ready(paper_near_end=False)

    def print(self, picture: Image, *, on_first_byte: Callable[[], None] | None = None) -> Printed:
        self.slips += 1
        return Printed(paper_near_end=False)


class RecordingFace:
    """A face that keeps the names of its screens."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def show(self, screen: Screen) -> None:
        self.names.append(screen.name)

    def prepare(self, screens: Sequence[Screen]) -> None:
        pass

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        pass

    def serve(self, work: Callable[[], None]) -> None:
        work()

    def alive(self, now: float) -> bool:
        return True


class Faulty(Paper):
    """A driver with a fault of its own."""

    def status(self) -> PrinterStatus:
        raise AttributeError("status")

    def print(self, picture: Image, *, on_first_byte: Callable[[], None] | None = None) -> Printed:
        raise AttributeError("print")


def worker(
    paper: Paper,
    wanted: bool,
    post: Callable[[e.Event], None],
    states: Callable[[str, bool], None] = lambda state, paper_near_end: None,
    poll_s: float = 0.0,
) -> PrinterWorker:
    return PrinterWorker(
        paper,
        "架空総合病院",
        SlipPrinter(url="tcp://127.0.0.1:9", poll_s=poll_s),
        lambda: datetime(2026, 1, 15, 12, 50, tzinfo=ZoneInfo("Asia/Tokyo")),
        lambda visit: wanted,
        post,
        states,
        lambda *event, **fields: None,
        Wording(),
    )


@pytest.mark.parametrize("wanted", [True, False])
def test_a_slip_is_printed_only_while_its_visit_waits_for_it(wanted: bool) -> None:
    paper, events = Paper(), list[e.Event]()
    printing = worker(paper, wanted, events.append)
    printing.print_slip(c.PrintSlip(3, ARRIVAL))
    printing.print_counter_slip(c.PrintCounterSlip(3, "no_result"))
    printing.close()
    assert paper.slips == (2 if wanted else 0)
    assert events == ([e.SlipPrinted(3)] if wanted else [])


def test_an_arrival_in_custody_has_a_slip_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Slip] = []

    def draw(slip: Slip, **_: object) -> Image:
        drawn.append(slip)
        return new_image("1", (8, 8), 1)

    monkeypatch.setattr(slip_picture, "draw", draw)
    held, events = ArrivalInCustody(ARRIVAL.day, ARRIVAL.local_time, "0012K", "K3-012", ()), list[e.Event]()
    printing = worker(Paper(), True, events.append)
    printing.print_slip(c.PrintSlip(3, held, "en"))
    printing.close()
    assert drawn[-1] == custody_slip(Wording(), "架空総合病院", held, "en") and events == [e.SlipPrinted(3)]


def test_a_fault_of_ours_at_the_printer_is_told_to_staff_and_ends_no_thread() -> None:
    states, events = list[tuple[str, bool]](), list[e.Event]()
    printing = worker(Faulty(), True, events.append, lambda *state: states.append(state), 60.0)
    printing.print_slip(c.PrintSlip(3, ARRIVAL))
    printing.close()
    assert states == [("printer_stalled", False)] * 2
    assert events == [e.SlipFailed(3, "printer_stalled")]


def run(kiosk: Kiosk, tmp_path: Path, *events: e.Event) -> tuple[RecordingFace, list[str]]:
    """Run the loop over `events`, then quit. Returns what was shown and the event log's lines."""
    face, inbox, log = RecordingFace(), Inbox(), EventLog(tmp_path, "run", echo=False)
    for event in events:
        inbox.post(event)
    inbox.quit()
    runtime = Runtime(kiosk, inbox, face, Wording(), log, lambda screen: None)
    line = CourierLine(tmp_path, lambda message: None)
    printing = worker(Paper(), True, inbox.post)
    loop = threading.Thread(target=runtime.run, args=(Devices(line, None, printing, (), None, None),))  # type: ignore[arg-type] # no look-up is asked for
    loop.start()
    loop.join(DEADLINE_S)
    assert not loop.is_alive()
    line.close()
    printing.close()
    log.close()
    return face, (tmp_path / "events-run.jsonl").read_text().splitlines()


def test_a_deadline_is_kept_while_events_keep_coming(tmp_path: Path) -> None:
    kiosk = Kiosk(Rules(), stage=AtCounter(1, 0.0, "no_result"), last_visit=1)
    face, _ = run(kiosk, tmp_path, *[e.TerminalChanged(True)] * 50)
    assert face.names == ["counter", "choose_card"]


def test_an_end_in_the_midst_of_a_visit_is_recorded(tmp_path: Path) -> None:
    _, lines = run(switched_on(Rules(), 0.0), tmp_path, e.Pressed("patient_card"))
    assert '"code": "stopped"' in lines[-1]


def test_the_devices_come_first_then_the_page_and_the_log_last(tmp_path: Path) -> None:
    order: list[str] = []
    inbox, log = Inbox(), EventLog(tmp_path, "run", echo=False)
    log.listen(lambda event, fields: order.append(event))

    class Ordered(RecordingFace):
        def show(self, screen: Screen) -> None:
            order.append(screen.name)

    class Device:
        def print_slip(self, command: c.PrintSlip) -> None:
            order.append("print_slip")

    registering = Kiosk(
        Rules(), stage=Registering(1, time.monotonic() + DEADLINE_S, Came("patient_card")), last_visit=1
    )
    runtime = Runtime(registering, inbox, Ordered(), Wording(), log, lambda screen: None)
    inbox.post(e.ArrivalRegistered(1, ARRIVAL.day, ARRIVAL.local_time, "0012K", (VisitReception("7"),), ()))
    inbox.quit()
    runtime.run(Devices(None, None, Device(), (), None, None))  # type: ignore[arg-type] # only the printer is asked
    log.close()
    assert order == ["looking_up", "print_slip", "printing", "arrival_registered", "visit_ended"]


def test_while_a_candidate_settles_a_slip_and_a_page_of_nobody_are_prepared_and_nothing_is_printed(
    tmp_path: Path,
) -> None:
    pages: list[Screen] = []

    class Preparing(RecordingFace):
        def prepare(self, screens: Sequence[Screen]) -> None:
            pages.extend(screens)

    inbox, log, paper = Inbox(), EventLog(tmp_path, "run", echo=False), Paper()
    waiting = Kiosk(Rules(), stage=AwaitingTap(1, 0.0, time.monotonic() + DEADLINE_S, False), last_visit=1)
    runtime = Runtime(waiting, inbox, Preparing(), Wording(), log, lambda screen: None)
    inbox.post(e.ResultArrived(100.0, Candidate(1, "usable", "0012K", "19560321")))
    inbox.quit()
    printing = worker(paper, True, inbox.post)
    runtime.run(Devices(None, None, printing, (), None, None))  # type: ignore[arg-type] # nothing else is asked
    printing.close()
    log.close()
    nobody = screen_of(Kiosk(Rules(), Printing(0, 0.0, SPECIMEN, Came("mynumber"), 0.0)), Wording())
    assert nobody in pages
    assert "0012K" not in str(vars(printing)) + str(pages)
    assert paper.slips == 0


def test_a_flood_of_presses_leaves_room_for_the_devices_and_putting_never_waits() -> None:
    inbox = Inbox()
    for _ in range(3 * PRESSES_MAX):
        inbox.press("mynumber")
    inbox.post(e.SlipPrinted(1))
    taken = [inbox.next(0.0) for _ in range(PRESSES_MAX + 1)]
    assert taken[-1] == e.SlipPrinted(1)
    assert isinstance(inbox.next(0.0), e.Ticked)


def test_a_courier_that_is_only_starting_greys_no_button(tmp_path: Path) -> None:
    inbox = Inbox()
    ear = CourierEvents(inbox, EventLog(tmp_path, "run", echo=False))
    began = time.monotonic()
    ear.check_absence(began + LINE_LOST_S + 1)
    assert inbox.next(0) == e.Ticked(), "it has never been there, and may be starting"
    ear.check_absence(began + FIRST_LINE_S + 1)
    assert inbox.next(0) == e.TerminalChanged(False)
    ear.on_message({"event": "connected"})
    ear.on_message({"event": "disconnected"})
    ear.check_absence(time.monotonic() + LINE_LOST_S + 1)
    assert inbox.next(0) == e.TerminalChanged(False), "one that was there is missed sooner"
