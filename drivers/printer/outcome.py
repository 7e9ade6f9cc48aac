"""What can be said about a printer and about one slip.

Owns the closed set of answers and reasons. Must never hold anything that was printed.
"""

from dataclasses import dataclass
from typing import Literal

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
