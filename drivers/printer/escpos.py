"""The bytes that reach a printer: fixed commands, raster payloads, status questions and what their answers mean.

Owns the job format and the meaning of the status bits. Must never do I/O, and must never let a byte that depends on
what is printed stand outside a raster payload: a department named ESC @ GS V must not become a command.

Source: EPSON ESC/POS command reference (ESC @, GS v 0, ESC d, GS V, DLE EOT). What stands around the raster is built by
python-escpos into its `Dummy` printer and sent by us: its own network and serial printers hang on a stalled device. The
raster is packed here: the library turns a picture into colours and back, twice, and a patient waits for that.
"""

import logging
import os
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL.Image import Image

from drivers.printer import NotReady, PrinterStatus, Ready

BAND_ROWS = 256
WIDTH_DOTS_MAX = 832
HEIGHT_DOTS_MAX = 16_000
FEED_LINES = 3
DOTS_PER_MM = 8

STATUS_QUERIES = (1, 2, 4)
_INITIALISE_BYTES = 2
_RASTER_HEADER_BYTES = 8
# Settings of python-escpos, read while it is imported.
_CAPABILITIES = "ESCPOS_CAPABILITIES_FILE"
_PICKLES = "ESCPOS_CAPABILITIES_PICKLE_DIR"


@dataclass(frozen=True)
class Job:
    """One slip as bytes. Once more than `harmless` bytes are sent, raster has left us. `rows`: dots along the paper."""

    data: bytes = field(repr=False)
    harmless: int
    rows: int
    row_bytes: int


def build_job(picture: Image) -> Job:
    """ESC @, the picture as GS v 0 bands of 256 rows, ESC d 3, GS V B 0.

    Bands are small because some printers start a band only when they hold all of it. Raises ValueError for a picture
    that is not mode "1" or is wider or higher than any slip.
    """
    width, height = picture.size
    if picture.mode != "1" or not 0 < width <= WIDTH_DOTS_MAX or not 0 < height <= HEIGHT_DOTS_MAX:
        raise ValueError(f'a slip is mode "1" and at most {WIDTH_DOTS_MAX} x {HEIGHT_DOTS_MAX} dots')
    row_bytes = (width + 7) // 8
    dots = picture.tobytes("raw", "1;I")  # inverted: black is 0 in a picture and 1 on paper
    bands = (dots[start : start + BAND_ROWS * row_bytes] for start in range(0, len(dots), BAND_ROWS * row_bytes))
    before, after = _around()
    return Job(
        data=b"".join((before, *(_raster(band, row_bytes) for band in bands), after)),
        harmless=_INITIALISE_BYTES + _RASTER_HEADER_BYTES,
        rows=height,
        row_bytes=row_bytes,
    )


def _raster(band: bytes, row_bytes: int) -> bytes:
    """GS v 0, one dot for one."""
    rows = len(band) // row_bytes
    return b"\x1dv0\0" + row_bytes.to_bytes(2, "little") + rows.to_bytes(2, "little") + band


def refill(row_bytes: int) -> bytes:
    """NULs that end a band which an earlier job left unfinished on a serial or USB line.

    A printer that lost half a band takes the next job's bytes for the rest of it, and prints what follows as letters.
    NULs are white raster inside a band, and ignored by every ESC/POS printer outside of one.
    """
    return bytes(BAND_ROWS * row_bytes + _RASTER_HEADER_BYTES)


def status_query(number: int) -> bytes:
    """DLE EOT n: answered at once, also by a printer that is offline."""
    return bytes((0x10, 0x04, number))


def is_answer(byte: int) -> bool:
    """Whether a byte has the fixed bits of every DLE EOT answer; XON, XOFF and automatic status bytes have not."""
    return byte & 0x93 == 0x12


def to_status(n1: int, n2: int, n4: int) -> PrinterStatus:
    """The answers to DLE EOT 1, 2 and 4 as one status; the most specific reason first: all of them mean "offline" too.

    n4 bits 5, 6: no paper; bits 2, 3: near end. n2 bit 5: stopped at paper end; bit 2: cover; bit 6: error.
    n1 bit 3: offline.
    """
    if n4 & 0x60 or n2 & 0x20:
        return NotReady("paper_out")
    if n2 & 0x04:
        return NotReady("cover_open")
    if n1 & 0x08 or n2 & 0x40:
        return NotReady("printer_offline")
    return Ready(paper_near_end=bool(n4 & 0x0C))


@cache
def _around() -> tuple[bytes, bytes]:
    """What stands before and after the raster of every job, by python-escpos, without the traces its import leaves.

    Importing it adds a handler to the root logger, leaves a temporary directory behind at every start, and reads what
    a hundred models of printers can do, which takes a quarter of a second; commands that all models know need none.
    """
    root = logging.getLogger()
    handlers = list(root.handlers)
    keeps = _PICKLES in os.environ  # what was read, for other programs too: then it must be all
    if not keeps:
        os.environ.setdefault(_CAPABILITIES, str(Path(__file__).with_name("capabilities.json")))
    from escpos import capabilities
    from escpos.printer.dummy import Dummy

    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    if not keeps:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    before, after = Dummy(), Dummy()
    before.hw("INIT")
    after.print_and_feed(FEED_LINES)
    # GS V B 0 feeds to the cutter by itself; with feed=True the library would cut through the text on some models.
    after.cut(feed=False)
    return before.output, after.output
