"""A printer with every fault it can have, over TCP, a serial line and USB: what comes out, what is said, and when."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PIL import Image

from drivers.printer import NotPrinted, NotReady, Printed, Printer, Ready, Reason, open_printer
from drivers.printer.address import UsbAddress
from drivers.printer.session import EscposPrinter
from drivers.printer.transport import UsbWire
from drivers.simulated.printer import SimulatedPrinter
from kiosk.screens.wording import Wording
from kiosk.slip.content import reception_slip
from kiosk.slip.picture import draw
from kiosk.visit.state import RegisteredArrival, VisitAppointment, VisitReception
from tests.escpos_decoder import decode
from tests.peers.usb_printer import UsbPrinterBackend

pytestmark = pytest.mark.long

QUERIES = ["DLE EOT 1", "DLE EOT 2", "DLE EOT 4"]
GENEROUS_S = 30.0


@dataclass
class Desk:
    """One simulated printer, and how the driver reaches it."""

    device: SimulatedPrinter
    wire: str

    def printer(self, answer_s: float = 10.0, stall_s: float = 10.0) -> Printer:
        if self.wire != "usb":
            return open_printer(self.device.url, answer_s=answer_s, stall_s=stall_s)
        backend = UsbPrinterBackend(self.device.url)
        return EscposPrinter(
            where="usb:04b8:0202",
            connect=lambda: UsbWire(UsbAddress(0x04B8, 0x0202), backend),
            answer_s=answer_s,
            stall_s=stall_s,
        )

    @property
    def taken(self) -> bytes:
        return b"".join(bytes(one) for one in self.device.connections)


@pytest.fixture(params=["tcp", "serial", "usb"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with SimulatedPrinter(serial=request.param == "serial") as device:
        yield Desk(device, request.param)


def noise(rows: int = 120, seed: int = 1) -> Image.Image:
    """A picture no two rows of which are alike; 120 rows keep the watching short, 700 fill every buffer on the way."""
    return Image.frombytes("1", (576, rows), random.Random(seed).randbytes(72 * rows))


def wait_until(true: Callable[[], bool]) -> bool:
    """Whether it has become true before a generous deadline."""
    until = time.monotonic() + GENEROUS_S
    pause = threading.Event()
    while not true() and time.monotonic() < until:
        pause.wait(0.01)
    return true()


def on_paper(page: Image.Image, picture: Image.Image) -> bool:
    """Whether the page is the picture, dot by dot, and nothing but white after it."""
    below = page.tobytes()[len(picture.tobytes()) :]
    return page.tobytes().startswith(picture.tobytes()) and below == b"\xff" * len(below)


def test_a_slip_reaches_the_paper_dot_by_dot_on_one_connection(desk: Desk) -> None:
    picture = noise(rows=700)
    assert desk.printer().print(picture) == Printed(paper_near_end=False)
    came_out = desk.device.wait_for_job(GENEROUS_S)
    assert came_out is not None
    seen = decode(desk.taken)
    assert seen.commands[:4] == [*QUERIES, "ESC @"]
    assert seen.commands.count("GS V 66") == 1
    assert set(seen.commands[seen.commands.index("GS V 66") + 1 :]) == set(QUERIES)
    assert len(seen.pages) == 1 and on_paper(seen.pages[0], picture) and not seen.rest
    assert on_paper(came_out.picture, picture)
    assert len(desk.device.connections) == 1


def test_no_raster_band_is_higher_than_256_rows(desk: Desk) -> None:
    desk.printer().print(noise(rows=600))
    bands = [one for one in decode(desk.taken).commands if one.startswith("GS v 0")]
    assert bands == ["GS v 0 72x256", "GS v 0 72x256", "GS v 0 72x88"]


def test_paper_near_its_end_prints_and_is_told(desk: Desk) -> None:
    desk.device.paper = "near_end"
    printer = desk.printer()
    assert printer.status() == Ready(paper_near_end=True)
    assert printer.print(noise()) == Printed(paper_near_end=True)


def _paper_out(device: SimulatedPrinter) -> None:
    device.paper = "out"


def _cover_open(device: SimulatedPrinter) -> None:
    device.cover_open = True


def _offline(device: SimulatedPrinter) -> None:
    device.offline = True


FAULTS: list[tuple[Callable[[SimulatedPrinter], None], Reason]] = [
    (_paper_out, "paper_out"),
    (_cover_open, "cover_open"),
    (_offline, "printer_offline"),
]


def mend(device: SimulatedPrinter) -> None:
    device.paper, device.cover_open, device.offline, device.silent, device.stalled = "ok", False, False, False, False


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_fault_before_the_slip_is_named_and_nothing_but_questions_is_sent(
    desk: Desk, fault: Callable[[SimulatedPrinter], None], reason: Reason
) -> None:
    fault(desk.device)
    printer = desk.printer()
    assert printer.status() == NotReady(reason)
    assert printer.print(noise()) == NotPrinted(reason, maybe_out=False)
    assert set(decode(desk.taken).commands) == set(QUERIES)
    mend(desk.device)
    assert printer.print(noise()) == Printed(paper_near_end=False)
    assert desk.device.wait_for_job(GENEROUS_S) is not None and len(desk.device.jobs) == 1


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_fault_while_it_prints_is_seen_and_the_slip_may_be_out(
    desk: Desk, fault: Callable[[SimulatedPrinter], None], reason: Reason
) -> None:
    def break_down() -> None:
        fault(desk.device)

    assert desk.printer().print(noise(), on_first_byte=break_down) == NotPrinted(reason, maybe_out=True)


def test_paper_that_ends_in_the_middle_of_a_slip_is_told(desk: Desk) -> None:
    desk.device.end_paper_after(20_000)
    assert desk.printer().print(noise(rows=700)) == NotPrinted("paper_out", maybe_out=True)
    assert desk.device.jobs == []


def test_a_printer_that_never_answered_is_silent_and_gets_no_slip(desk: Desk) -> None:
    desk.device.silent = True
    printer = desk.printer(answer_s=0.3)
    assert printer.status() == NotReady("printer_silent")
    assert printer.print(noise()) == NotPrinted("printer_silent", maybe_out=False)
    assert set(decode(desk.taken).commands) == {"DLE EOT 1"}


def test_a_printer_that_has_answered_before_and_falls_silent_is_stalled(desk: Desk) -> None:
    # The wait is short only once the printer has to be silent; a slow machine must not fail the first question.
    printer = desk.printer(answer_s=2.0)
    assert printer.status() == Ready(paper_near_end=False)
    desk.device.silent = True
    assert printer.status() == NotReady("printer_stalled")
    desk.device.silent = False
    assert printer.print(noise()) == Printed(paper_near_end=False)


@pytest.mark.parametrize("after", [100, 10_000, 40_000])
def test_a_printer_that_stops_taking_bytes_is_stalled_in_bounded_time_and_the_next_slip_is_whole(
    desk: Desk, after: int
) -> None:
    printer = desk.printer(stall_s=2.0)
    desk.device.stall_after(after)
    began = time.monotonic()
    assert printer.print(noise(rows=700, seed=2)) == NotPrinted("printer_stalled", maybe_out=True)
    assert time.monotonic() - began < 20
    mend(desk.device)
    picture = noise(seed=3)
    assert printer.print(picture) == Printed(paper_near_end=False)
    # The first slip may have come out too, which is why nobody prints it again.
    assert wait_until(lambda: any(on_paper(job.picture, picture) for job in desk.device.jobs))
    assert desk.device.garbage == 0


def test_a_printer_that_takes_nothing_at_all_gets_no_slip(desk: Desk) -> None:
    desk.device.stalled = True
    began = time.monotonic()
    assert desk.printer(answer_s=0.5).print(noise()) == NotPrinted("printer_silent", maybe_out=False)
    assert time.monotonic() - began < 10
    mend(desk.device)
    assert desk.printer().print(noise()) == Printed(paper_near_end=False)


@pytest.mark.parametrize("after", [0, 1, 4, 9, 12, 30, 5_000, 40_000])
def test_a_printer_unplugged_at_any_byte_is_offline_and_is_used_again_when_it_is_back(desk: Desk, after: int) -> None:
    desk.device.unplug_after(after)
    printer = desk.printer(answer_s=3.0, stall_s=3.0)
    outcome = printer.print(noise(rows=700))
    assert isinstance(outcome, NotPrinted)
    # A cable that is cut just so may look like a printer that says no more; only what may be out has to be right.
    assert outcome.reason in ("printer_offline", "printer_stalled", "printer_silent")
    assert outcome.maybe_out or after < 30
    assert desk.device.jobs == []
    desk.device.stop()
    assert printer.status() == NotReady("printer_offline")
    desk.device.start()
    assert desk.printer().print(noise()) == Printed(paper_near_end=False)


def test_slow_answers_are_waited_for(desk: Desk) -> None:
    desk.device.answer_delay_s = 0.2
    assert desk.printer().print(noise(rows=40)) == Printed(paper_near_end=False)


def test_questions_that_stand_in_a_picture_by_chance_do_not_look_like_faults(desk: Desk) -> None:
    """A real printer answers DLE EOT inside raster too: its answers then are one question off."""
    desk.device.paper = "near_end"
    row = (b"\xff\xef\xfb\xfb" * 18)[:72]
    picture = Image.frombytes("1", (576, 200), row * 200)
    assert desk.printer().print(picture) == Printed(paper_near_end=True)


def asked_by_chance(question: int, times: int) -> Image.Image:
    """A white picture whose last rows hold DLE EOT `question` that often."""
    row, chance = b"\xff" * 72, bytes((0xFF, 0xEF, 0xFB, 0xFF ^ question)) + b"\xff" * 68
    return Image.frombytes("1", (576, 100), row * (100 - times) + chance * times)


@pytest.mark.parametrize(("times", "delay_s"), [(1, 0.2), (60, 0.02)])
def test_late_answers_to_questions_by_chance_do_not_look_like_faults(desk: Desk, times: int, delay_s: float) -> None:
    """One answer that is slower than our round of questions, and many that go on for longer than it."""
    desk.device.paper, desk.device.answer_delay_s = "near_end", delay_s
    assert desk.printer().print(asked_by_chance(4, times)) == Printed(paper_near_end=True)


def test_a_late_answer_to_a_question_by_chance_hides_no_fault(desk: Desk) -> None:
    """One question off, "cover open" (16) would be "near end" to question 4."""
    desk.device.answer_delay_s = 0.2
    outcome = desk.printer().print(asked_by_chance(3, 1), on_first_byte=lambda: _cover_open(desk.device))
    assert outcome == NotPrinted("cover_open", maybe_out=True)


def test_asking_prints_nothing(desk: Desk) -> None:
    assert desk.printer().status() == Ready(paper_near_end=False)
    assert decode(desk.taken).commands == QUERIES


def test_the_first_byte_is_told_once(desk: Desk) -> None:
    called_at: list[float] = []
    desk.printer().print(noise(), on_first_byte=lambda: called_at.append(time.monotonic()))
    assert len(called_at) == 1


def test_a_failing_callback_neither_hangs_nor_blocks_the_printer(desk: Desk) -> None:
    def fail() -> None:
        raise RuntimeError

    printer = desk.printer()
    with pytest.raises(RuntimeError):
        printer.print(noise(), on_first_byte=fail)
    picture = noise(seed=5)
    assert printer.print(picture) == Printed(paper_near_end=False)
    assert wait_until(lambda: any(on_paper(job.picture, picture) for job in desk.device.jobs))


def test_nothing_that_other_systems_write_becomes_a_command(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b@\x1dV\x00\x10\x04\x01\x1dv0\x00\u202e\x00ESC @ GS V 内科\r\n\x1bp\x00"
    one = VisitAppointment(dt.time(9), hostile, hostile, hostile)
    arrival = RegisteredArrival(
        dt.date(2026, 1, 15), dt.time(8, 52), "\x1b@\x1dV\x00", (VisitReception("7"),), (one,) * 3, (hostile,)
    )
    slip = reception_slip(Wording(), hostile, arrival)
    picture = draw(slip, width_mm=80, barcode="code128")
    assert desk.printer().print(picture) == Printed(paper_near_end=False)
    seen = decode(desk.taken)
    fixed = [c for c in seen.commands if c not in (*QUERIES, "ESC @", "ESC d 3", "GS V 66")]
    assert fixed and all(command.startswith("GS v 0 72x") for command in fixed)
    assert on_paper(seen.pages[0], picture)
    # python-escpos likes to write to stdout, which is the headless protocol's.
    assert capfd.readouterr().out == ""
