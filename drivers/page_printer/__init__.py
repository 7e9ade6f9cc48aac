"""Page printers: an office printer or a print queue that speaks IPP, or a folder. One page in, one outcome out.

Owns the `PagePrinter` protocol, the outcomes and the choice by URL. Must never decide what stands on a page, never put
anything of it into a job's name, never print a page twice by itself, and never leave one behind to be printed later.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from drivers.bad_address import BadAddress
from drivers.page_printer.address import FolderAddress, IppAddress, Paper, PaperChoice, parse_url

__all__ = [
    "BadAddress",
    "DocumentKind",
    "FolderAddress",
    "IppAddress",
    "NotPrinted",
    "NotReady",
    "Page",
    "PagePrinter",
    "Paper",
    "PaperChoice",
    "PrintOutcome",
    "Printed",
    "PrinterStatus",
    "Ready",
    "Reason",
    "open_page_printer",
    "parse_url",
]

DocumentKind = Literal["pdf", "jpeg"]

Reason = Literal[
    "printer_offline",  # nobody answers at its address; behind a queue: the queue cannot reach it
    "printer_silent",  # connected, and no answer that can be read
    "printer_refused",  # takes no job of ours: queue closed, log-in wanted, wrong path, neither PDF nor JPEG
    "printer_busy",  # other jobs were before ours until the time was over
    "printer_stopped",  # paused at the printer or the queue, or stopped without a reason of this list
    "printer_stalled",  # it took the page, did not finish it in time, and gives no reason
    "paper_out",
    "paper_jam",
    "cover_open",
    "toner_out",
    "cancelled",  # by somebody at the printer or the queue
    "folder_unwritable",  # file:// only
]


class Page(Protocol):
    """What is to be printed, made in the form that the printer takes."""

    def render(self, paper: Paper, kind: DocumentKind) -> bytes:
        """The whole document, one sheet of `paper`; 300 dots an inch."""


@dataclass(frozen=True)
class Ready:
    """A page can be printed now, on this paper and as this kind of document."""

    paper: Paper
    kind: DocumentKind


@dataclass(frozen=True)
class NotReady:
    """A page would not come out now, and why."""

    reason: Reason


PrinterStatus = Ready | NotReady


@dataclass(frozen=True)
class Printed:
    """The printer says that the page is done. A folder: the file is there."""


@dataclass(frozen=True)
class NotPrinted:
    """The page failed, and its job is cancelled, or will be as soon as the printer answers again.

    `maybe_out`: some of it may have come out: the printer had begun, or has not confirmed that it was cancelled. Staff
    must look at the printer before they print it again.
    """

    reason: Reason
    maybe_out: bool


PrintOutcome = Printed | NotPrinted


class PagePrinter(Protocol):
    """A printer that is connected to for every call, so that it is usable again as soon as a fault is cleared.

    All calls block their caller for a bounded time, may be made from any thread and at once, and return device trouble
    as values, never as exceptions.
    """

    @property
    def where(self) -> str:
        """The printer's URL, for staff."""

    def status(self) -> PrinterStatus:
        """Query the printer's state; nothing is printed. Takes 10 s at most."""

    def print(self, page: Page, *, on_waiting: Callable[[Reason | None], None] | None = None) -> PrintOutcome:
        """Print one page, and wait until the printer has done it: a minute at most, then the job is cancelled.

        `on_waiting` is called from this thread with what the job waits for, whenever that changes; None: nothing is
        wrong, it is being printed. A printer that is stopped already is given nothing.
        """

    def clear(self) -> None:
        """Have the jobs cancelled that an earlier run of this program left at the printer; returns at once.

        To be called once, before the first page: nothing is printed long after somebody asked for it. Where the printer
        does not answer now, they are cancelled as soon as it does.
        """


def open_page_printer(url: str, *, user: str | None = None, print_s: float = 60.0) -> PagePrinter:
    """The printer behind `url`; nothing is opened until it is used.

    `user`: under which name jobs are sent and may be cancelled; two programs that print on one printer have two names.
    Without one: this program's and the machine's. `print_s`: after how long a job is cancelled that is not done.
    Raises BadAddress when `url` is not understood.
    """
    # Imported late: a configuration check does not print.
    from drivers.page_printer.folder import FolderPrinter
    from drivers.page_printer.session import IppPrinter

    address = parse_url(url)
    if isinstance(address, FolderAddress):
        return FolderPrinter(address, where=url)
    return IppPrinter(address, where=url, user=user or f"kiosk-desk@{socket.gethostname()}", print_s=print_s)
