"""Pages on their way to the page printer: each in a thread of its own, each with its end in words.

Owns what is being printed now. Must never print a page later, or a second time by itself, nor log whose page it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from drivers.page_printer import NotPrinted, Page, PagePrinter, Printed, Reason
from kiosk.desk import pages
from kiosk.process.event_log import EventLog
from kiosk.words.problems import Problem

AT_ONCE_MAX: Final = 8
"""Pages under way: a printer that is stuck holds each for a minute, and nobody wants the ninth then."""

What = Literal["sheet", "slip"]


@dataclass(frozen=True)
class Progress:
    """Where a page is. `under_way` with a problem: what it waits for; `failed`: why (catalogue `desk`)."""

    printed: pages.Printed
    problem: Problem | None = None


class Printing:
    """The pages of one desk. Safe for threads."""

    def __init__(self, printer: PagePrinter, log: EventLog) -> None:
        self._printer = printer
        self._log = log
        self._lock = threading.Lock()
        self._under_way: set[tuple[What, int]] = set()
        printer.clear()

    def begin(self, what: What, of: int, page: Page, changed: Callable[[Progress], None]) -> Problem | None:
        """Print the `page` of visit or arrival `of`; None: it is under way.

        `changed` is called from another thread, at once with `under_way`, last with `yes` or `failed`. A problem: this
        page is under way already, or too many are; nothing is called then.
        """
        with self._lock:
            if (what, of) in self._under_way:
                return Problem("print.under_way")
            if len(self._under_way) >= AT_ONCE_MAX:
                return Problem("print.not_printed", {"reason": Problem("print_reason.printer_busy")})
            self._under_way.add((what, of))
        work = threading.Thread(target=self._print, args=(what, of, page, changed), name="desk-print", daemon=True)
        work.start()
        return None

    def is_under_way(self, what: What, of: int) -> bool:
        """Whether that page is being printed now."""
        with self._lock:
            return (what, of) in self._under_way

    def _print(self, what: What, of: int, page: Page, changed: Callable[[Progress], None]) -> None:
        end = Progress(pages.Printed.failed, _problem(NotPrinted("printer_stalled", maybe_out=True)))
        try:
            changed(Progress(pages.Printed.under_way))
            outcome = self._printer.print(page, on_waiting=lambda reason: changed(_waiting(reason)))
            if isinstance(outcome, Printed):
                end = Progress(pages.Printed.yes)
                self._log.write("page_printed", what=what)
            else:
                end = Progress(pages.Printed.failed, _problem(outcome))
                self._log.write("page_not_printed", what=what, code=outcome.reason)
        finally:
            # Whatever happened, the page is not under way any more.
            with self._lock:
                self._under_way.discard((what, of))
            changed(end)


def _waiting(reason: Reason | None) -> Progress:
    return Progress(pages.Printed.under_way, Problem(f"print_reason.{reason}") if reason else None)


def _problem(outcome: NotPrinted) -> Problem:
    code = "print.maybe_printed" if outcome.maybe_out else "print.not_printed"
    return Problem(code, {"reason": Problem(f"print_reason.{outcome.reason}")})
