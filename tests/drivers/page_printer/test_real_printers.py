"""Pages at printers and queues that are not ours: printed, or cancelled there, and never later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from datetime import time as clock_time
from pathlib import Path

import pytest

from drivers.page_printer import NotPrinted, NotReady, Printed, PrintOutcome, Ready, Reason, open_page_printer
from kiosk.slip.page import ChartPage
from kiosk.slip.sheet import Sheet, VisitReception, worded
from kiosk.words.texts import load
from tests import ROOT
from tests.peers import need
from tests.peers.page_printer import IppEverywherePrinter, PrintQueues

pytestmark = pytest.mark.peers
WAIT_S = 60
SHORT_S = 4.0
"""Long enough for a queue to get a job to its printer, also on a slow machine."""

DAY, BIRTH = date(2026, 1, 15), date(1956, 3, 3)
SHEET = Sheet(
    "みどり総合病院", DAY, clock_time(9, 5), "00123456", "山田 花子", "ﾔﾏﾀﾞ ﾊﾅｺ", BIRTH, (VisitReception("12"),)
)
PAGE = ChartPage(worded(SHEET, load("sheet"), load()), "code128")


@pytest.fixture
def printer() -> Iterator[IppEverywherePrinter]:
    """One for each test: what is cancelled while it is being printed comes out of this one in the end."""
    with IppEverywherePrinter() as printer:
        yield printer


@pytest.fixture(scope="module")
def queues() -> Iterator[PrintQueues]:
    with PrintQueues() as queues:
        yield queues


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def printed_at(url: str, print_s: float = WAIT_S) -> tuple[PrintOutcome, list[Reason | None]]:
    waits: list[Reason | None] = []
    return open_page_printer(url, user="desk", print_s=print_s).print(PAGE, on_waiting=waits.append), waits


def test_a_page_comes_out_of_an_ipp_everywhere_printer(printer: IppEverywherePrinter, tmp_path: Path) -> None:
    assert open_page_printer(printer.url).status() == Ready("a4", "pdf")
    assert printed_at(printer.url)[0] == Printed()
    (page,) = printer.pages
    assert page.read_bytes()[:5] == b"%PDF-"
    assert "00123456" not in page.name
    picture = tmp_path / "page"
    subprocess.run([need("pdftoppm"), "-r", "150", "-png", "-singlefile", page, picture], timeout=WAIT_S, check=True)
    read = subprocess.run([need("zbarimg"), "-q", f"{picture}.png"], capture_output=True, timeout=WAIT_S, check=True)
    assert read.stdout.strip() == b"CODE-128:00123456"


@pytest.mark.slow_desk
def test_a_printer_without_pdf_gets_a_picture() -> None:
    with IppEverywherePrinter("image/jpeg", "image/pwg-raster") as printer:
        assert open_page_printer(printer.url).status() == Ready("a4", "jpeg")
        assert printed_at(printer.url)[0] == Printed()
        assert printer.pages[0].read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.slow_desk
def test_a_printer_without_paper_prints_when_it_has_some(printer: IppEverywherePrinter) -> None:
    printer.knob("empty", True)
    waits: list[Reason | None] = []

    def load_paper(reason: Reason | None) -> None:
        waits.append(reason)
        printer.knob("empty", False)

    assert open_page_printer(printer.url).print(PAGE, on_waiting=load_paper) == Printed()
    assert waits[0] == "paper_out"
    assert len(printer.pages) == 1


@pytest.mark.slow_desk
def test_a_printer_that_stays_without_paper_is_the_reason(printer: IppEverywherePrinter) -> None:
    printer.knob("empty", True)
    assert printed_at(printer.url, 15)[0] == NotPrinted("paper_out", maybe_out=True)


@pytest.mark.slow_desk
def test_a_busy_printer_takes_the_page_when_it_is_free(printer: IppEverywherePrinter) -> None:
    printer.knob("slow", True)
    other = threading.Thread(target=printed_at, args=(printer.url,))
    other.start()
    until(lambda: list((printer.folder / "jobs").iterdir()))
    assert printed_at(printer.url, 2)[0] == NotPrinted("printer_busy", maybe_out=False)
    printer.knob("slow", False)
    assert printed_at(printer.url)[0] == Printed()
    other.join(WAIT_S)
    assert len(printer.pages) == 2


@pytest.mark.slow_desk
def test_a_printer_that_is_off(printer: IppEverywherePrinter) -> None:
    printer.stop()
    assert printed_at(printer.url) == (NotPrinted("printer_offline", maybe_out=False), [])
    printer.start()
    assert printed_at(printer.url)[0] == Printed()


@pytest.mark.slow_desk
def test_a_page_goes_through_a_print_queue(printer: IppEverywherePrinter, queues: PrintQueues) -> None:
    url = queues.add("good", printer)
    assert printed_at(url)[0] == Printed()
    assert len(printer.pages) == 1
    assert "00123456" not in queues.command("lpstat", "-W", "all", "-o")


@pytest.mark.slow_desk
def test_a_queue_whose_printer_is_off_keeps_no_page(printer: IppEverywherePrinter, queues: PrintQueues) -> None:
    url = queues.add("off", printer)
    printer.stop()
    outcome, waits = printed_at(url, SHORT_S)
    assert outcome == NotPrinted("printer_offline", maybe_out=True)
    assert "printer_offline" in waits
    assert queues.command("lpstat", "-o", "off") == ""
    printer.start()
    assert printed_at(url)[0] == Printed()
    assert len(printer.pages) == 1


@pytest.mark.slow_desk
def test_a_queue_whose_printer_has_no_paper_keeps_no_page(printer: IppEverywherePrinter, queues: PrintQueues) -> None:
    url = queues.add("empty", printer)
    printer.knob("empty", True)
    assert printed_at(url, 20)[0] == NotPrinted("paper_out", maybe_out=True)
    assert queues.command("lpstat", "-o", "empty") == ""


@pytest.mark.slow_desk
def test_a_busy_queue_and_the_page_behind(printer: IppEverywherePrinter, queues: PrintQueues) -> None:
    url = queues.add("busy", printer)
    printer.knob("slow", True)
    other = threading.Thread(target=printed_at, args=(url,))
    other.start()
    until(lambda: "busy" in queues.command("lpstat", "-o"))
    assert printed_at(url, SHORT_S) == (NotPrinted("printer_busy", maybe_out=False), ["printer_busy"])
    printer.knob("slow", False)
    other.join(WAIT_S)
    assert len(printer.pages) == 1


@pytest.mark.slow_desk
def test_a_paused_and_a_closed_queue_get_nothing(printer: IppEverywherePrinter, queues: PrintQueues) -> None:
    url = queues.add("paused", printer)
    queues.command("cupsdisable", "paused")
    assert printed_at(url)[0] == NotPrinted("printer_stopped", maybe_out=False)
    queues.command("cupsenable", "paused")
    queues.command("cupsreject", "paused")
    assert open_page_printer(url).status() == NotReady("printer_refused")
    queues.command("cupsaccept", "paused")
    assert printed_at(url)[0] == Printed()


@pytest.mark.slow_desk
def test_a_queue_that_does_not_exist(queues: PrintQueues) -> None:
    url = f"ipp://127.0.0.1:{queues.port}/printers/missing"
    assert open_page_printer(url).status() == NotReady("printer_refused")


PROGRAM = """
import sys
from drivers.page_printer import open_page_printer
class Page:
    def render(self, paper, kind):
        return open(sys.argv[2], "rb").read()
open_page_printer(sys.argv[1], user="desk", print_s=float(sys.argv[3])).print(Page())
"""


def start_and_kill(url: str, document: Path, print_s: float, taken: Callable[[], object]) -> None:
    """A program that prints, killed when its page was taken."""
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, url, document, str(print_s)], cwd=ROOT)
    until(taken)
    os.kill(program.pid, signal.SIGKILL)
    program.wait(WAIT_S)


@pytest.mark.slow_desk
def test_a_page_of_a_killed_program_is_cancelled_by_the_next(
    printer: IppEverywherePrinter, queues: PrintQueues, tmp_path: Path
) -> None:
    url = queues.add("killed", printer)
    printer.stop()
    (tmp_path / "page").write_bytes(PAGE.render("a4", "pdf"))
    start_and_kill(url, tmp_path / "page", WAIT_S, lambda: "killed" in queues.command("lpstat", "-o"))
    open_page_printer(url, user="desk").clear()
    until(lambda: queues.command("lpstat", "-o", "killed") == "")
    printer.start()
    assert printed_at(url)[0] == Printed()
    assert len(printer.pages) == 1


@pytest.mark.slow_desk
def test_a_queue_cancels_by_itself_what_a_killed_program_left(
    printer: IppEverywherePrinter, queues: PrintQueues, tmp_path: Path
) -> None:
    url = queues.add("alone", printer)
    printer.stop()
    (tmp_path / "page").write_bytes(PAGE.render("a4", "pdf"))
    start_and_kill(url, tmp_path / "page", 6, lambda: "alone" in queues.command("lpstat", "-o"))
    until(lambda: queues.command("lpstat", "-o", "alone") == "")
    printer.start()
