"""One page at an IPP printer: ask, send, watch, and cancel what was not done in time.

Owns the order of the session and its deadlines. Must never send a page a second time, except to a printer that said it
had not taken it, never raise for device trouble, and never let go of a job that may still be printed: what could not
be cancelled is in the hands of `Leftovers`.
"""

import time
from collections.abc import Callable
from typing import Final

from drivers.page_printer import NotPrinted, NotReady, Page, Printed, PrinterStatus, PrintOutcome, Ready, Reason
from drivers.page_printer.address import IppAddress
from drivers.page_printer.ipp import JobState, PrinterState, Status
from drivers.page_printer.leftovers import Leftovers, cancelled
from drivers.page_printer.requests import Job, Offers, Printer, Requests
from drivers.page_printer.transport import NoAnswer

PRINT_S: Final = 60.0
CANCEL_S: Final = 5.0
HINT_S: Final = 10.0

_POLL_S: Final = (0.1, 1.0)
_PENDING = (JobState.PENDING, JobState.PENDING_HELD)


class IppPrinter:
    """The `PagePrinter` behind an ipp:// address; see `drivers.page_printer.open_page_printer` for the arguments."""

    def __init__(self, address: IppAddress, *, where: str, user: str, print_s: float = PRINT_S) -> None:
        self._where = where
        self._requests = Requests(address, user)
        self._print_s = print_s
        self._leftovers = Leftovers(self._requests)

    @property
    def where(self) -> str:
        """The printer's URL."""
        return self._where

    def status(self) -> PrinterStatus:
        """Query the printer's state."""
        try:
            return self._requests.printer().status
        except NoAnswer as trouble:
            return NotReady(trouble.reason)

    def print(self, page: Page, *, on_waiting: Callable[[Reason | None], None] | None = None) -> PrintOutcome:
        """Print one page; see `drivers.page_printer.PagePrinter`."""
        deadline = time.monotonic() + self._print_s
        try:
            printer = self._requests.printer()
        except NoAnswer as trouble:
            return NotPrinted(trouble.reason, maybe_out=False)
        if isinstance(printer.status, NotReady):
            return NotPrinted(printer.status.reason, maybe_out=False)
        document = page.render(printer.status.paper, printer.status.kind)
        job = _Printing(self._requests, self._leftovers.new_name(), deadline, on_waiting)
        over = False
        try:
            outcome = job.send(document, printer.status, printer.offers) or job.watch() or job.cancel()
            over = job.over
        finally:
            if (
                not over
            ):  # it could not be cancelled, or the caller's own callback raised: the page is nobody's any more
                self._leftovers.add(job.name, job.job_id)
        return outcome

    def clear(self) -> None:
        """Cancel what an earlier run left; see `drivers.page_printer.PagePrinter`."""
        self._leftovers.clear()


class _Printing:
    """One job on its way. `began`: the printer may have printed of it; `over`: it will not print of it any more."""

    def __init__(
        self, requests: Requests, name: str, deadline: float, on_waiting: Callable[[Reason | None], None] | None
    ) -> None:
        self.name = name
        self.job_id: int | None = None
        self.over = False
        self._requests = requests
        self._deadline = deadline
        self._on_waiting = on_waiting
        self._reason: Reason | None = None
        self._began = False
        self._poll_s = _POLL_S[0]
        self._sent_at = time.monotonic()

    def send(self, document: bytes, ready: Ready, offers: Offers) -> PrintOutcome | None:
        """Give it the page, which a printer with one place may take later only; None: it has it, or may have it."""
        while True:
            try:
                code, self.job_id = self._requests.print_job(self.name, document, ready, offers, self._left_s())
            except NoAnswer as trouble:
                if not trouble.sent:
                    return self._ended(NotPrinted(trouble.reason, maybe_out=False))
                self._began = True
                return None
            if code < Status.ERROR:
                return None
            if code not in (Status.BUSY, Status.TEMPORARY_ERROR):
                return self._ended(NotPrinted("printer_refused", maybe_out=False))
            self._waits_for("printer_busy")
            if not self._pause():
                return self._ended(NotPrinted("printer_busy", maybe_out=False))

    def watch(self) -> PrintOutcome | None:
        """Ask until the job is done; None: it is not, and the time is over."""
        self._poll_s = _POLL_S[0]
        self._sent_at = time.monotonic()
        while self._pause():
            try:
                if self.job_id is None:
                    # Its answer was lost on the way: has the printer got it?
                    self.job_id = self._requests.unfinished(self.name).get(self.name)
                job = None if self.job_id is None else self._requests.job(self.job_id)
                if outcome := self._outcome(job):
                    return self._ended(outcome)
                if job is not None:
                    self._waits_for(self._reason_of(job, self._requests.printer()))
            except NoAnswer as trouble:
                self._waits_for(trouble.reason)
        return None

    def cancel(self) -> PrintOutcome:
        """Cancel it and wait until the printer has; it may have been done in the meantime."""
        self._deadline = time.monotonic() + CANCEL_S
        self._poll_s = _POLL_S[0]
        reason = self._reason or "printer_stalled"
        while True:
            try:
                state = cancelled(self._requests, self.name, self.job_id)
                if state is not None:
                    done = state == JobState.COMPLETED
                    return self._ended(Printed() if done else NotPrinted(reason, maybe_out=self._began))
            except NoAnswer:
                pass
            if not self._pause():
                return NotPrinted(reason, maybe_out=True)

    def _outcome(self, job: Job | None) -> PrintOutcome | None:
        if job is None:
            # A printer that forgets at once what it has done, or was switched off and on.
            return NotPrinted(self._reason or "printer_stalled", maybe_out=True)
        match job.state:
            case JobState.COMPLETED:
                return Printed()
            case JobState.CANCELED:
                return NotPrinted("cancelled", maybe_out=self._began)
            case JobState.ABORTED:
                reason: Reason = "printer_refused" if job.refused else self._reason or "printer_stalled"
                return NotPrinted(reason, maybe_out=self._began)
        self._began = self._began or job.state not in _PENDING
        return None

    def _reason_of(self, job: Job, printer: Printer) -> Reason | None:
        """What a job that is not done waits for; None: it is being printed, or about to be."""
        if printer.reason is not None:
            return printer.reason
        if job.state in (JobState.PENDING_HELD, JobState.PROCESSING_STOPPED) or printer.state == PrinterState.STOPPED:
            return printer.hint or "printer_stopped"
        if job.state == JobState.PENDING and printer.state == PrinterState.PROCESSING:
            return "printer_busy"
        # A page takes seconds; where it takes more, a warning may say why.
        return printer.hint if time.monotonic() > self._sent_at + HINT_S else None

    def _ended(self, outcome: PrintOutcome) -> PrintOutcome:
        self.over = True
        return outcome

    def _waits_for(self, reason: Reason | None) -> None:
        if reason != self._reason and self._on_waiting is not None:
            self._on_waiting(reason)
        self._reason = reason

    def _left_s(self) -> int:
        return max(1, round(self._deadline - time.monotonic()))

    def _pause(self) -> bool:
        """Wait for a moment, a longer one each time; False when the time is over."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(self._poll_s, left_s))
        self._poll_s = min(self._poll_s * 1.5, _POLL_S[1])
        return True
