"""The thread that prints slips: one event for each command, whatever the printer does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from drivers.printer import NotPrinted, NotReady, Printer, warm_up
from kiosk.config import SlipPrinter
from kiosk.reception.worker import Report, Worker
from kiosk.screens.wording import Wording
from kiosk.slip import content as slip
from kiosk.slip import picture as slip_picture
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.specimen import SPECIMEN
from kiosk.visit.state import ArrivalInCustody, RegisteredArrival


@dataclass
class PrinterWorker:
    """Slips. A slip whose visit is over is not begun: it would come out into the next patient's hands.

    `still_wanted(visit)`: that visit is still where it asked for the slip. `note_state(state, paper_near_end)` is
    called with how the printer is: `ready` or a reason. `wording`: what the site lends to the words of its slips.
    """

    printer: Printer
    hospital: str
    settings: SlipPrinter
    clock: Callable[[], datetime]
    still_wanted: Callable[[int], bool]
    post: Callable[[e.Event], None]
    note_state: Callable[[str, bool], None]
    report: Report
    wording: Wording

    def __post_init__(self) -> None:
        self._draw = partial(slip_picture.draw, width_mm=self.settings.width_mm, barcode=self.settings.barcode)
        self._worker = Worker("printer", self.settings.poll_s, self._poll)
        self.prepare()
        if self.settings.poll_s:  # staff see at once that the paper is out, not after the first pause
            self._worker.do(self._poll)

    def prepare(self) -> None:
        """Have fonts and libraries ready for a slip; nobody's is drawn, and dropped."""
        self._worker.do(self._prepare)

    def print_slip(self, command: c.PrintSlip) -> None:
        if not self._worker.do(lambda: self._print_slip(command)):
            self.post(e.SlipFailed(command.visit, "printer_stalled"))

    def print_counter_slip(self, command: c.PrintCounterSlip) -> None:
        self._worker.do(lambda: self._print_counter_slip(command))

    def close(self) -> None:
        self._worker.close(5.0)

    def _prepare(self) -> None:
        try:
            warm_up(self._draw(slip.reception_slip(self.wording, self.hospital, SPECIMEN)))
        except Exception as error:  # noqa: BLE001 - this thread prints; that it ended nobody would notice
            self._fault(error)

    def _print_slip(self, command: c.PrintSlip) -> None:
        if not self.still_wanted(command.visit):
            return  # the visit has moved on by its own deadline
        failed = self._print(self._composed(command.arrival, command.language))
        self.post(e.SlipFailed(command.visit, failed) if failed else e.SlipPrinted(command.visit))

    def _composed(self, arrival: RegisteredArrival | ArrivalInCustody, language: str) -> slip.Slip:
        if isinstance(arrival, ArrivalInCustody):
            return slip.custody_slip(self.wording, self.hospital, arrival, language)
        return slip.reception_slip(self.wording, self.hospital, arrival, language, self.clock().time())

    def _print_counter_slip(self, command: c.PrintCounterSlip) -> None:
        if not self.still_wanted(command.visit):
            return
        now = self.clock()
        composed = slip.counter_slip(
            self.wording,
            hospital=self.hospital,
            day=now.date(),
            at=now.time(),
            reason=command.reason,
            code=command.code,
            language=command.language,
        )
        if failed := self._print(composed):
            self.report("counter_slip_failed", visit=command.visit, code=failed)

    def _print(self, composed: slip.Slip) -> str | None:
        """None when the slip is out, else why not."""
        try:
            outcome = self.printer.print(self._draw(composed))
        except Exception as error:  # noqa: BLE001 - the arrival stays registered whatever goes wrong with its slip
            return self._fault(error)
        if isinstance(outcome, NotPrinted):
            self.note_state(outcome.reason, False)
            return outcome.reason
        self.note_state("ready", bool(outcome.paper_near_end))
        return None

    def _fault(self, error: Exception) -> str:
        """A fault of ours: for staff and patient the printer does not print, whoever is to blame."""
        self.report("printer_state", code="fault", what=type(error).__name__)
        self.note_state("printer_stalled", False)
        return "printer_stalled"

    def _poll(self) -> None:
        try:
            status = self.printer.status()
        except Exception as error:  # noqa: BLE001 - this thread prints; that it ended nobody would notice
            self._fault(error)
        else:
            if isinstance(status, NotReady):
                self.note_state(status.reason, False)
            else:
                self.note_state("ready", bool(status.paper_near_end))
