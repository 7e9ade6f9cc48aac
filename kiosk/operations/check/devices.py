"""Printer and card readers: do they answer, is there paper, does a slip come out, is a card read.

Owns the test slip and the one test card. Must never show what was on a card, and never talk to a printer while the
reception does.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from drivers.card_reader import CardEvent, CardRead, CardUnreadable, ReaderDown, ReaderUp, SerialCardReader
from drivers.printer import NotPrinted, NotReady, Printer, Reason
from kiosk.config import CardReader, SlipPrinter
from kiosk.config.model import Site
from kiosk.operations.check.finding import Finding, Findings, in_japanese, ng, ok, skip
from kiosk.process import locks
from kiosk.reception import run_status
from kiosk.slip.content import Slip, SlipLine, Style
from kiosk.words.problems import Problem

PRINTER_CODES = ("printer", "paper", "test_slip")
CARD_CODES = ("card_reader", "card_read")
ALSO_CODES = ("card_reader_also", "card_read_also")
CARD_WAIT_S = 20.0
OPEN_WAIT_S = 3.0
SAMPLE = "髙﨑𠮷①㈱葛󠄀"
_NOT_A_PATIENT = "0000000000"
_ASKED = {CARD_CODES: "person.insert_card", ALSO_CODES: "person.hold_phone"}

_PRINTER_NG: dict[Reason, tuple[str, str]] = {
    "paper_out": ("cause.paper_out", "do.load_paper"),
    "cover_open": ("cause.cover_open", "do.close_cover"),
    "printer_offline": ("cause.printer_offline", "do.check_printer"),
    "printer_silent": ("cause.printer_silent", "do.restart_printer"),
    "printer_stalled": ("cause.printer_stalled", "do.look_at_printer"),
}


# --- printer -------------------------------------------------------------------------------------------------------


def printer(device: Printer, settings: SlipPrinter, site: Site, *, print_slip: bool) -> Findings:
    """`PRINTER_CODES`. With `print_slip` a test slip comes out."""
    answer = device.status()
    if isinstance(answer, NotReady) and answer.reason != "paper_out":
        what, do = _PRINTER_NG[answer.reason]
        yield ng("printer", what, do)
        yield skip("paper", "message.printer_not_ready")
        yield skip("test_slip", "message.printer_not_ready")
        return
    if isinstance(answer, NotReady):
        yield ok("printer", "message.printer_answers")
        yield ng("paper", *_PRINTER_NG["paper_out"])
        yield skip("test_slip", "cause.paper_out")
        return
    if answer.paper_near_end is None:
        yield ok("printer", "message.printer_connects", "do.print_to_be_sure")
        yield skip("paper", "message.status_not_asked")
    else:
        yield ok("printer", "message.printer_answers")
        yield ok("paper", "message.paper", "do.paper_near_end" if answer.paper_near_end else "")
    if print_slip:
        yield _printed(device, settings, site)
    else:
        yield skip("test_slip", "message.not_asked_to_print", "do.print_with_option")


def test_slip(hospital: str, at: datetime) -> Slip:
    """What is printed: width, sizes, hard characters and a barcode that is no patient's."""
    return Slip(
        lines=(
            SlipLine(hospital, "body"),
            _line("slip.title", "title"),
            _line("slip.notice", "body"),
            SlipLine(f"{at:%Y-%m-%d %H:%M}", "body"),
            SlipLine("", "rule"),
            # The frame is exactly as wide as the picture.
            _line("slip.frame", "note"),
            _line("slip.place", "large"),
            SlipLine(SAMPLE, "large"),
            _line("slip.letters", "body"),
            _line("slip.small", "small"),
            _line("slip.barcode", "body"),
        ),
        barcode=_NOT_A_PATIENT,
    )


def _line(code: str, style: Style) -> SlipLine:
    return SlipLine(in_japanese(Problem(code)), style)


def _printed(device: Printer, settings: SlipPrinter, site: Site) -> Finding:
    from kiosk.slip import barcode as slip_barcode
    from kiosk.slip import picture as slip_picture

    composed = test_slip(site.name, datetime.now(site.zone))
    picture = slip_picture.draw(composed, width_mm=settings.width_mm, barcode=settings.barcode)
    outcome = device.print(picture)
    if isinstance(outcome, NotPrinted):
        what, do = _PRINTER_NG[outcome.reason]
        return ng("test_slip", "message.not_printed", do, why=Problem(what))
    kind = slip_barcode.barcode_kind(_NOT_A_PATIENT, settings.barcode, settings.width_mm)
    return ok("test_slip", "message.printed", "do.look_at_slip", width_mm=settings.width_mm, barcode=kind)


# --- card reader ---------------------------------------------------------------------------------------------------


def card_readers(settings: CardReader | None) -> dict[tuple[str, str], str]:
    """What is looked at of each reader, and the key of its address: of the first always, of the second where there is
    one.
    """
    second = {ALSO_CODES: "also"} if settings is not None and settings.second_url else {}
    return {CARD_CODES: "url", **second}


def card_reader(
    settings: CardReader | None,
    data_dir: Path,
    ask: Callable[[str], None] | None,
    codes: tuple[str, str] = CARD_CODES,
    *,
    wait_s: float = CARD_WAIT_S,
) -> Findings:
    """One of `card_readers`, by its `codes`. `ask` asks the person to put a card in; None: nobody is there."""
    opens, reads = codes
    if settings is None:
        yield skip(opens, "message.no_card_reader")
        yield skip(reads, "message.not_set")
        return
    key = card_readers(settings)[codes]
    if locks.is_held(data_dir, "run"):  # the reception holds the card readers then
        yield _as_the_reception_reports(data_dir, opens, key)
        yield skip(reads, "message.reader_in_use", "do.try_a_card_there")
        return
    events: queue.SimpleQueue[CardEvent] = queue.SimpleQueue()
    url = settings.url if codes == CARD_CODES else settings.second_url
    reader = SerialCardReader(url, settings.end, re.compile(settings.pattern), events.put)
    reader.start()
    try:
        up = _next(events, OPEN_WAIT_S)
        if not isinstance(up, ReaderUp):
            why = up.message if isinstance(up, ReaderDown) else Problem("cause.reader_silent")
            yield ng(opens, "message.reader_closed", "do.check_reader_and_rights", why=why, key=key)
            yield skip(reads, "message.reader_not_opened")
            return
        yield ok(opens, "message.reader_opens")
        if ask is None:
            yield skip(reads, "message.no_card_asked", "do.run_at_terminal")
            return
        reader.arm(1)
        ask(in_japanese(Problem(_ASKED[codes], {"wait_s": wait_s})))
        yield _card(reads, _next(events, wait_s), wait_s)
    finally:
        reader.stop()


def _card(code: str, event: CardEvent | None, wait_s: float) -> Finding:
    match event:
        case CardRead():
            return ok(code, "message.card_read", count=len(event.number))
        case CardUnreadable():
            return ng(code, "message.card_unlike", "do.check_pattern")
        case ReaderDown():
            return ng(code, "message.reader_lost", "do.check_cable", why=event.message)
    return ng(code, "message.no_card", "do.check_reader_line", wait_s=wait_s)


def _next(events: queue.SimpleQueue[CardEvent], wait_s: float) -> CardEvent | None:
    try:
        return events.get(timeout=wait_s)
    except queue.Empty:
        return None


def _as_the_reception_reports(data_dir: Path, code: str, key: str) -> Finding:
    """Of both readers together: it does not say which one is down."""
    state = run_status.read(data_dir).card_reader
    if state == "up":
        return ok(code, "message.reception_has_reader")
    if state == "down":
        return ng(code, "message.reception_lacks_reader", "do.check_reader", key=key)
    return skip(code, "message.reception_uses_reader", "do.see_status")
