"""One page at a printer with faults: printed once, or not, with the reason, and never later."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from drivers.page_printer import (
    DocumentKind,
    NotPrinted,
    NotReady,
    Paper,
    Printed,
    PrintOutcome,
    Ready,
    Reason,
    ipp,
    leftovers,
    open_page_printer,
    session,
)
from drivers.page_printer.ipp import JobState, Operation
from drivers.simulated.page_printer import Fault, SimulatedPagePrinter

WAIT_S = 60


class Text:
    """A page whose bytes say how it was asked for."""

    def __init__(self) -> None:
        self.rendered: list[tuple[Paper, DocumentKind]] = []

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        self.rendered.append((paper, kind))
        return f"%PDF {paper} {kind} 00123456".encode()


@pytest.fixture
def device() -> Iterator[SimulatedPagePrinter]:
    with SimulatedPagePrinter() as device:
        yield device
        # Nobody looks for this printer's jobs any more when another test has its port.
        until(lambda: not any(thread.name == "page-printer-leftovers" for thread in threading.enumerate()))


class Clock:
    """In the place of `time`: a minute passes when the test says so."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.sleep = time.sleep

    def monotonic(self) -> float:
        return time.monotonic() + self.passed_s


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What a hospital waits seconds for is tried again at once."""
    monkeypatch.setattr(leftovers, "RETRY_S", 0.02)
    monkeypatch.setattr(session, "_POLL_S", (0.01, 0.1))
    clock = Clock()
    monkeypatch.setattr(session, "time", clock)
    return clock


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def printed_on(device: SimulatedPagePrinter) -> PrintOutcome:
    return open_page_printer(device.url, user="desk").print(Text())


def given_up_on(
    device: SimulatedPagePrinter, clock: Clock, until_reason: Reason | None = None
) -> tuple[PrintOutcome, list[Reason | None]]:
    """A minute passes when the page waits for something (for `until_reason`): the outcome, and what it waited for."""
    waits: list[Reason | None] = []

    def wait(reason: Reason | None) -> None:
        waits.append(reason)
        clock.passed_s += 60 if until_reason in (None, reason) else 0

    return open_page_printer(device.url, user="desk").print(Text(), on_waiting=wait), waits


def test_a_page_is_printed_once(device: SimulatedPagePrinter) -> None:
    waits: list[Reason | None] = []
    assert open_page_printer(device.url, user="desk").print(Text(), on_waiting=waits.append) == Printed()
    assert waits == []
    (page,) = device.pages
    assert page.document == b"%PDF a4 pdf 00123456"
    assert page.user == "desk"
    assert page.wishes == {
        "media": ("iso_a4_210x297mm",), "sides": ("one-sided",), "print-scaling": ("none",),
    }  # fmt: skip


def test_names_of_jobs_are_chance_alone(device: SimulatedPagePrinter) -> None:
    printer = open_page_printer(device.url)
    assert [printer.print(Text()), printer.print(Text())] == [Printed(), Printed()]
    first, second = device.pages
    assert first.name != second.name
    assert {first.name[:6], second.name[:6]} == {"kiosk-"}
    assert set(first.name[6:] + second.name[6:]) <= set("0123456789abcdef-")
    assert first.user == second.user == f"kiosk-desk@{socket.gethostname()}"


@pytest.mark.parametrize(
    ("query", "usual", "ready", "paper"),
    [
        ("", "iso_a4_210x297mm", ("iso_a4_210x297mm", "iso_a5_148x210mm"), "a4"),
        ("", "iso_a5_148x210mm", ("iso_a4_210x297mm", "iso_a5_148x210mm"), "a5"),
        ("", "na_letter_8.5x11in", ("iso_a5_148x210mm",), "a5"),
        ("", "na_letter_8.5x11in", ("na_letter_8.5x11in",), "a4"),
        ("?paper=a5", "iso_a4_210x297mm", ("iso_a4_210x297mm",), "a5"),
        ("?paper=a4", "iso_a5_148x210mm", ("iso_a5_148x210mm",), "a4"),
    ],
)
def test_the_paper_is_the_one_that_lies_in_the_printer(
    device: SimulatedPagePrinter, query: str, usual: str, ready: tuple[str, ...], paper: Paper
) -> None:
    device.media_default, device.media_ready = usual, ready
    printer = open_page_printer(device.url + query)
    assert printer.where == device.url + query
    assert printer.status() == Ready(paper, "pdf")
    page = Text()
    assert printer.print(page) == Printed()
    assert page.rendered == [(paper, "pdf")]


def test_a_printer_without_pdf_gets_a_jpeg(device: SimulatedPagePrinter) -> None:
    device.formats = ("image/pwg-raster", "image/jpeg")
    assert printed_on(device) == Printed()
    assert device.pages[0].kind == "jpeg"


def test_a_printer_with_neither_gets_nothing(device: SimulatedPagePrinter) -> None:
    device.formats = ("image/pwg-raster", "application/postscript")
    assert printed_on(device) == NotPrinted("printer_refused", maybe_out=False)
    assert Operation.PRINT_JOB not in device.requests


@pytest.mark.parametrize("fault", ["paper_out", "cover_open", "paper_jam", "toner_out"])
def test_a_printer_that_is_stopped_already_gets_nothing(device: SimulatedPagePrinter, fault: Fault) -> None:
    device.fault = fault
    assert printed_on(device) == NotPrinted(fault, maybe_out=False)  # type: ignore[arg-type]
    assert open_page_printer(device.url).status() == NotReady(fault)  # type: ignore[arg-type]
    assert device.jobs == []
    device.fault = None
    assert printed_on(device) == Printed()
    assert len(device.pages) == 1


@pytest.mark.parametrize(
    ("fault", "reason", "maybe_out"),
    [
        ("paper_out", "paper_out", True),
        ("cover_open", "cover_open", True),
        ("paper_jam", "paper_jam", True),
        ("toner_out", "toner_out", True),
        ("unreachable", "printer_offline", True),
        ("unreachable_queue", "printer_offline", True),
        ("paused", "printer_stopped", False),
    ],
)
def test_a_job_that_meets_a_fault_is_cancelled_in_time(
    device: SimulatedPagePrinter, clock: Clock, fault: Fault, reason: Reason, maybe_out: bool
) -> None:
    device.fault, device.stopped = fault, False
    outcome, waits = given_up_on(device, clock)
    assert outcome == NotPrinted(reason, maybe_out=maybe_out)
    assert waits == [reason]
    assert [job.state for job in device.jobs] == [JobState.CANCELED]
    device.fault = None
    assert device.pages == []


def test_paper_that_comes_in_time_is_printed_on(device: SimulatedPagePrinter) -> None:
    device.fault, device.stopped = "paper_out", False
    waits: list[Reason | None] = []

    def load_paper(reason: Reason | None) -> None:
        waits.append(reason)
        device.fault = None

    assert open_page_printer(device.url).print(Text(), on_waiting=load_paper) == Printed()
    assert waits == ["paper_out"]
    assert len(device.pages) == 1


def test_a_job_behind_others_is_cancelled_untouched(device: SimulatedPagePrinter, clock: Clock) -> None:
    device.others_first = True
    outcome, waits = given_up_on(device, clock)
    assert outcome == NotPrinted("printer_busy", maybe_out=False)
    assert waits == ["printer_busy"]
    device.others_first = False
    assert device.pages == []


def test_a_printer_with_one_place_is_asked_until_it_is_free(device: SimulatedPagePrinter) -> None:
    device.one_at_a_time, device.page_s = True, WAIT_S
    other = threading.Thread(target=lambda: printed_on(device))
    other.start()
    until(lambda: device.jobs)
    waits: list[Reason | None] = []

    def finish_the_other(reason: Reason | None) -> None:
        waits.append(reason)
        device.page_s = device.jobs[0].due = 0

    assert open_page_printer(device.url).print(Text(), on_waiting=finish_the_other) == Printed()
    other.join(WAIT_S)
    assert waits[0] == "printer_busy"
    assert len(device.pages) == 2


def test_a_printer_whose_one_place_stays_taken_gets_nothing(device: SimulatedPagePrinter, clock: Clock) -> None:
    device.one_at_a_time, device.page_s = True, WAIT_S
    other = threading.Thread(target=lambda: printed_on(device))
    other.start()
    until(lambda: device.jobs)
    assert given_up_on(device, clock) == (NotPrinted("printer_busy", maybe_out=False), ["printer_busy"])
    assert len(device.jobs) == 1
    other.join(WAIT_S)


def test_a_warning_is_the_reason_only_of_a_job_that_takes_long(
    device: SimulatedPagePrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.fault = "slow_and_low"
    printer = open_page_printer(device.url, print_s=0.4)
    assert printer.status() == Ready("a4", "pdf")
    assert printer.print(Text()) == NotPrinted("printer_stalled", maybe_out=True)
    monkeypatch.setattr(session, "HINT_S", 0)
    assert printer.print(Text()) == NotPrinted("paper_out", maybe_out=True)


def test_a_job_that_takes_too_long_without_a_reason(device: SimulatedPagePrinter) -> None:
    device.page_s = WAIT_S
    outcome = open_page_printer(device.url, print_s=0.5).print(Text())
    assert outcome == NotPrinted("printer_stalled", maybe_out=True)
    assert device.jobs[0].state == JobState.CANCELED


def test_a_queue_that_takes_nothing(device: SimulatedPagePrinter) -> None:
    device.accepting = False
    assert printed_on(device) == NotPrinted("printer_refused", maybe_out=False)


@pytest.mark.parametrize("status", [401, 403, 404, 426, 503])
def test_a_server_that_wants_something_else(device: SimulatedPagePrinter, status: int) -> None:
    device.http_status = status
    assert printed_on(device) == NotPrinted("printer_refused", maybe_out=False)
    assert open_page_printer(device.url).status() == NotReady("printer_refused")


def test_a_printer_that_is_off(device: SimulatedPagePrinter) -> None:
    device.stop()
    assert printed_on(device) == NotPrinted("printer_offline", maybe_out=False)
    device.start()
    assert printed_on(device) == Printed()


def test_a_printer_that_does_not_answer(device: SimulatedPagePrinter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.page_printer.requests.ANSWER_S", 0.3)
    device.silent = True
    assert printed_on(device) == NotPrinted("printer_silent", maybe_out=False)
    assert device.jobs == []


def test_a_lost_answer_makes_no_second_page(device: SimulatedPagePrinter, monkeypatch: pytest.MonkeyPatch) -> None:
    device.lost_answers, device.page_s = 1, WAIT_S
    answer = device.answer

    def finish_when_found(message: ipp.Message) -> bytes | None:
        if message.code == Operation.GET_JOB_ATTRIBUTES:
            device.jobs[0].due = 0
        return answer(message)

    monkeypatch.setattr(device, "answer", finish_when_found)
    assert printed_on(device) == Printed()
    assert device.requests.count(Operation.PRINT_JOB) == 1
    assert len(device.pages) == 1


def test_a_lost_answer_whose_job_is_gone_may_have_been_a_page(device: SimulatedPagePrinter) -> None:
    device.lost_answers = 1
    assert printed_on(device) == NotPrinted("printer_stalled", maybe_out=True)
    assert device.requests.count(Operation.PRINT_JOB) == 1


def test_a_printer_that_forgets_what_it_has_done(device: SimulatedPagePrinter) -> None:
    device.forgets = True
    assert printed_on(device) == NotPrinted("printer_stalled", maybe_out=True)


@pytest.mark.parametrize(("state", "reason"), [(JobState.CANCELED, "cancelled"), (JobState.ABORTED, "printer_stalled")])
def test_a_job_that_ends_at_the_printer(device: SimulatedPagePrinter, state: JobState, reason: Reason) -> None:
    device.others_first = True

    def end(_: Reason | None) -> None:
        device.jobs[0].state = state

    outcome = open_page_printer(device.url).print(Text(), on_waiting=end)
    assert outcome == NotPrinted("printer_busy" if reason == "printer_stalled" else reason, maybe_out=False)


def test_a_page_that_is_done_when_it_is_cancelled_is_printed(
    device: SimulatedPagePrinter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.fault, device.stopped = "paper_out", False
    answer = device.answer

    def paper_at_the_last_moment(message: ipp.Message) -> bytes | None:
        if message.code == Operation.CANCEL_JOB:
            device.fault = None
        return answer(message)

    monkeypatch.setattr(device, "answer", paper_at_the_last_moment)
    assert given_up_on(device, clock)[0] == Printed()
    assert len(device.pages) == 1


def test_a_job_that_cannot_be_cancelled_now_is_cancelled_as_soon_as_it_can(
    device: SimulatedPagePrinter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CANCEL_S", 0.2)
    device.fault, device.stopped, device.cannot_cancel = "paper_out", False, True
    outcome, _ = given_up_on(device, clock)
    assert outcome == NotPrinted("paper_out", maybe_out=True)
    assert device.jobs[0].state == JobState.PROCESSING_STOPPED
    device.cannot_cancel = False
    until(lambda: device.jobs[0].state == JobState.CANCELED)
    device.fault = None
    assert device.pages == []


def test_a_job_in_a_printer_that_is_switched_off_is_cancelled_when_it_is_on_again(
    device: SimulatedPagePrinter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CANCEL_S", 0.2)
    device.fault, device.stopped = "paper_out", False
    taken = device.answer

    def take_and_switch_off(message: ipp.Message) -> bytes | None:
        answer = taken(message)
        if device.jobs:
            threading.Thread(target=device.stop).start()
        return answer

    monkeypatch.setattr(device, "answer", take_and_switch_off)
    outcome, _ = given_up_on(device, clock, "printer_offline")
    assert outcome == NotPrinted("printer_offline", maybe_out=True)
    monkeypatch.setattr(device, "answer", taken)
    device.start()
    until(lambda: device.jobs[0].state == JobState.CANCELED)
    device.fault = None
    assert device.pages == []


def test_jobs_of_an_earlier_run_are_cancelled_and_no_others(device: SimulatedPagePrinter) -> None:
    device.others_first = True
    runs = [threading.Thread(target=open_page_printer(device.url, user=user).print, args=(Text(),)) for user in "ab"]
    for each in runs:
        each.start()
    until(lambda: len(device.jobs) == 2)
    open_page_printer(device.url, user="a").clear()
    until(lambda: JobState.CANCELED in [job.state for job in device.jobs])
    assert {job.user: job.state for job in device.jobs} == {"a": JobState.CANCELED, "b": JobState.PENDING}
    device.others_first = False
    for each in runs:
        each.join(WAIT_S)
    assert [job.user for job in device.pages] == ["b"]


def test_an_earlier_run_is_cleared_when_the_printer_is_on_again(device: SimulatedPagePrinter) -> None:
    device.others_first = True
    earlier = threading.Thread(target=printed_on, args=(device,))
    earlier.start()
    until(lambda: device.jobs)
    device.stop()
    open_page_printer(device.url, user="desk").clear()
    device.start()
    until(lambda: device.jobs[0].state == JobState.CANCELED)
    earlier.join(WAIT_S)


def test_a_callback_that_fails_leaves_no_page_behind(device: SimulatedPagePrinter) -> None:
    device.others_first = True

    def fail(_: Reason | None) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        open_page_printer(device.url).print(Text(), on_waiting=fail)
    until(lambda: device.jobs[0].state == JobState.CANCELED)


def test_nothing_of_a_page_is_in_a_repr(device: SimulatedPagePrinter) -> None:
    printed_on(device)
    assert "00123456" not in repr(device.jobs)
