"""Pages of the desk on their way: each once, each with its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from drivers.page_printer import DocumentKind, Paper, Reason, open_page_printer, session
from drivers.simulated.page_printer import SimulatedPagePrinter
from kiosk.desk.pages import Printed
from kiosk.desk.printing import AT_ONCE_MAX, Printing, Progress
from kiosk.process.event_log import EventLog
from kiosk.words.problems import Problem, word

WAIT_S = 60
PAPER_OUT = Problem("print_reason.paper_out")


class Text:
    """A page."""

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        return b"%PDF 00123456"


class Broken:
    """A page that cannot be made."""

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        raise RuntimeError


class Reports:
    """What was reported of a page, and its end."""

    def __init__(self) -> None:
        self.all: list[Progress] = []
        self.changed = threading.Condition()

    def __call__(self, progress: Progress) -> None:
        with self.changed:
            self.all.append(progress)
            self.changed.notify_all()

    def end(self) -> Progress:
        with self.changed:
            assert self.changed.wait_for(lambda: self.all and self.all[-1].printed is not Printed.under_way, WAIT_S)
            return self.all[-1]

    def waits_for(self, progress: Progress) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: progress in self.all, WAIT_S)


@pytest.fixture
def device() -> Iterator[SimulatedPagePrinter]:
    with SimulatedPagePrinter() as device:
        yield device


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    log = EventLog(tmp_path, "desk")
    yield log
    log.close()


def written(folder: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in folder.iterdir())


def test_a_page_is_printed_and_the_log_does_not_say_whose(
    device: SimulatedPagePrinter, log: EventLog, tmp_path: Path
) -> None:
    reports = Reports()
    assert Printing(open_page_printer(device.url), log).begin("sheet", 7, Text(), reports) is None
    assert reports.end() == Progress(Printed.yes)
    assert reports.all == [Progress(Printed.under_way), Progress(Printed.yes)]
    assert len(device.pages) == 1
    assert "page_printed" in written(tmp_path)
    assert "00123456" not in written(tmp_path)


def test_a_page_that_waits_says_for_what_and_another_may_go_before(device: SimulatedPagePrinter, log: EventLog) -> None:
    device.others_first = True
    printing = Printing(open_page_printer(device.url), log)
    first, slip = Reports(), Reports()
    assert printing.begin("sheet", 7, Text(), first) is None
    first.waits_for(Progress(Printed.under_way, Problem("print_reason.printer_busy")))
    assert printing.begin("sheet", 7, Text(), Reports()) == Problem("print.under_way")
    assert printing.begin("slip", 7, Text(), slip) is None
    device.others_first = False
    assert (first.end().printed, slip.end().printed) == (Printed.yes, Printed.yes)
    assert len(device.pages) == 2
    again = Reports()
    assert printing.begin("sheet", 7, Text(), again) is None
    assert again.end().printed is Printed.yes


def test_a_page_that_failed_has_a_reason_in_words(device: SimulatedPagePrinter, log: EventLog, tmp_path: Path) -> None:
    device.fault = "paper_out"
    reports = Reports()
    Printing(open_page_printer(device.url), log).begin("slip", 12, Text(), reports)
    end = reports.end()
    assert end == Progress(Printed.failed, Problem("print.not_printed", {"reason": PAPER_OUT}))
    assert end.problem is not None
    assert word(end.problem, "desk", "ja").startswith("印刷していません: プリンターの用紙がありません")
    assert '"code": "paper_out"' in written(tmp_path)


def test_a_page_that_may_have_come_out_says_so(
    device: SimulatedPagePrinter, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.fault, device.stopped = "paper_out", False
    reports = Reports()
    Printing(open_page_printer(device.url), log).begin("slip", 12, Text(), reports)
    reports.waits_for(Progress(Printed.under_way, PAPER_OUT))
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + WAIT_S, sleep=time.sleep)
    monkeypatch.setattr(session, "time", later)
    assert reports.end() == Progress(Printed.failed, Problem("print.maybe_printed", {"reason": PAPER_OUT}))


def test_a_page_that_cannot_be_made_is_not_under_way_for_ever(
    device: SimulatedPagePrinter, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    printing, reports = Printing(open_page_printer(device.url), log), Reports()
    printing.begin("sheet", 7, Broken(), reports)
    assert reports.end().printed is Printed.failed
    assert printing.begin("sheet", 7, Text(), again := Reports()) is None
    assert again.end().printed is Printed.yes


def test_a_stuck_printer_holds_so_many_pages_and_no_more(device: SimulatedPagePrinter, log: EventLog) -> None:
    device.others_first = True
    printing = Printing(open_page_printer(device.url), log)
    pages = [Reports() for _ in range(AT_ONCE_MAX)]
    for number, each in enumerate(pages):
        assert printing.begin("sheet", number, Text(), each) is None
    refused = printing.begin("sheet", AT_ONCE_MAX, Text(), Reports())
    assert refused == Problem("print.not_printed", {"reason": Problem("print_reason.printer_busy")})
    device.others_first = False
    assert {each.end().printed for each in pages} == {Printed.yes}


def test_what_an_earlier_desk_left_is_cancelled(log: EventLog) -> None:
    cleared = []

    class Printer:
        where = ""

        def clear(self) -> None:
            cleared.append(True)

    Printing(Printer(), log)  # type: ignore[arg-type]
    assert cleared == [True]


def test_every_reason_has_its_sentence() -> None:
    for reason in get_args(Reason):
        nested = Problem(f"print_reason.{reason}")
        for code in ("print.not_printed", "print.maybe_printed"):
            assert word(nested, "desk", "ja") in word(Problem(code, {"reason": nested}), "desk", "ja")
    assert word(Problem("print.under_way"), "desk", "ja")
