"""Slip printers that speak ESC/POS: one picture in, one outcome out.

Owns the `Printer` protocol, the outcomes, and the choice of the wire (TCP, serial, USB, file). Must never decide what
stands on a slip, never send a byte that is not a fixed command or raster, and never print a slip twice by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from drivers.bad_address import BadAddress
from drivers.printer.address import FileAddress, parse_url

if TYPE_CHECKING:  # who only reads addresses, as each `kiosk` command does, loads no picture maker
    from PIL.Image import Image

__all__ = [
    "BadAddress",
    "NotPrinted",
    "NotReady",
    "PrintOutcome",
    "Printed",
    "Printer",
    "PrinterStatus",
    "Ready",
    "Reason",
    "open_printer",
    "parse_url",
    "warm_up",
]


Reason = Literal["paper_out", "cover_open", "printer_offline", "printer_silent", "printer_stalled"]


@dataclass(frozen=True)
class Ready:
    """A slip can be printed now. `paper_near_end` is None when the printer was not asked (file, `status=False`)."""

    paper_near_end: bool | None


@dataclass(frozen=True)
class NotReady:
    """A slip would not come out now, and why."""

    reason: Reason


PrinterStatus = Ready | NotReady


@dataclass(frozen=True)
class Printed:
    """The whole slip was taken and the printer was still well when it should have come out."""

    paper_near_end: bool | None


@dataclass(frozen=True)
class NotPrinted:
    """The slip failed. `maybe_out`: a raster byte has left us, so paper may have moved: never resend by itself."""

    reason: Reason
    maybe_out: bool


PrintOutcome = Printed | NotPrinted


class Printer(Protocol):
    """A printer that is opened for every call, so that it is usable again as soon as a fault is cleared.

    Both calls block their caller for a bounded time (see `drivers.printer.session`), may be made from any thread, and
    return device trouble as values, never as exceptions.
    """

    @property
    def where(self) -> str:
        """The printer's URL, for staff."""

    def status(self) -> PrinterStatus:
        """Query the printer's status; nothing is printed."""

    def print(self, picture: Image, *, on_first_byte: Callable[[], None] | None = None) -> PrintOutcome:
        """Print one picture (mode "1", as wide as the paper's dots) and cut it off.

        `on_first_byte` is called once, from this thread, when the first byte of the job has been taken by the wire.
        Raises ValueError for a picture that no printer could take (mode, width, height): that is a bug, not trouble.
        """


def warm_up(picture: Image) -> None:
    """Do with a picture what needs no printer, so that the first slip does not wait for libraries."""
    from drivers.printer import escpos

    escpos.build_job(picture)


def open_printer(
    url: str, *, status: bool = True, answer_s: float = 5.0, stall_s: float = 5.0, lock: Path | None = None
) -> Printer:
    """The printer behind `url`; nothing is opened until it is used.

    `status=False` never asks the printer anything, for models that cannot answer; `file://` never does.
    `answer_s`: how long all answers to one round of questions may take, and how long to wait for `lock`, a file that
    every process using this printer names, so that two of them never talk at once.
    `stall_s`: how long a printer may take no byte of a job, or leave the questions after it unanswered.
    Raises BadAddress when `url` is not understood.
    """
    # Imported late: a configuration check does not print.
    from drivers.printer.session import EscposPrinter
    from drivers.printer.transport import connect

    address = parse_url(url)
    return EscposPrinter(
        where=url,
        connect=lambda: connect(address),
        asks=status and not isinstance(address, FileAddress),
        answer_s=answer_s,
        stall_s=stall_s,
        lock=lock,
    )
