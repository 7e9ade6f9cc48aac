"""カルテ出し and 受付票 on the page printer: one page at a time, by one thread, never twice by itself.

Owns what is being printed. Must never print anything later than its printer's minute: a sheet that lies there hours
later is a patient's name for whoever passes.
"""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from drivers.page_printer import NotPrinted, NotReady, Page, PagePrinter
from drivers.reservations import Appointment
from drivers.reservations import Entry as Registered
from kiosk.desk.acts import Done, Outcome, Refused
from kiosk.desk.day_store import Entry, Noted
from kiosk.desk.page_values import as_day
from kiosk.desk.pages import Printed
from kiosk.desk.receptions import Receptions
from kiosk.desk.today import Today
from kiosk.slip.barcode import BarcodeKind
from kiosk.slip.content import reception_slip
from kiosk.slip.page import ChartPage, SlipPage
from kiosk.slip.sheet import Sheet, SheetAppointment, worded
from kiosk.visit.state import RegisteredArrival, VisitAppointment
from kiosk.words import texts
from kiosk.words.problems import Problem

QUEUE_MAX: Final = 20
_SCREEN_DOTS: Final = 900  # width of the picture for the browser's own printing: sharp at 200 %


@dataclass(frozen=True)
class Look:
    """`hospital`: its name. `barcode`: as on the slip. `place(department)`: where that is, or ""."""

    hospital: str
    barcode: BarcodeKind
    place: Callable[[str], str]


@dataclass(frozen=True)
class _Job:
    page: Page
    ended: Callable[[NotPrinted | NotReady | None], None]


class Printing:
    """`printer`: None: the site has none; pictures for the browser's printing are made all the same. Any thread."""

    def __init__(
        self,
        printer: PagePrinter | None,
        today: Today,
        receptions: Receptions,
        look: Look,
        clock: Callable[[], datetime],
    ) -> None:
        self._printer, self._today, self._receptions = printer, today, receptions
        self._look, self._clock = look, clock
        self._patient, self._sheet = texts.load("patient", "ja"), texts.load("sheet", "ja")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._slips: dict[int, tuple[Printed, Problem | None]] = {}
        self._thread = threading.Thread(target=self._run, name="desk-printing", daemon=True)
        self.trouble: Problem | None = None  # of the last page; None: it came out

    @property
    def possible(self) -> bool:
        """Whether there is a printer."""
        return self._printer is not None

    def start(self) -> None:
        if self._printer is not None:
            self._printer.clear()
            for entry in self._today.view().entries:
                if entry.printed == Printed.under_way:  # of an earlier run: what became of it nobody saw
                    self._ended_sheet(entry.visit.seq, NotPrinted("printer_silent", maybe_out=True))
        self._thread.start()

    def close(self) -> None:
        """Its thread ends after the page that is being printed; the others are given up."""
        self._jobs.put(None)

    # --- the sheet for the chart room --------------------------------------------------------------------------------

    def print_sheet(self, seq: int, by: str, *, again: bool) -> Outcome:
        """Once a visit, unless it failed or `again`. Raises KeyError."""
        if self._printer is None:
            return Refused(Problem("refused.no_printer"))
        if self._jobs.qsize() >= QUEUE_MAX:
            return Refused(Problem("refused.printer_queue"))
        noted = Noted(self._clock(), "print_sheet", by)
        was: list[str] = []

        def begin(old: Entry) -> Entry:
            was.append(old.printed)
            if old.printed == Printed.under_way or (old.printed == Printed.yes and not again):
                return old
            visit = replace(old.visit, unprinted=False)
            return replace(
                old, visit=visit, printed=str(Printed.under_way), print_reason="", history=(*old.history, noted)
            )

        entry = self._today.change(seq, begin)
        if entry.printed != Printed.under_way or was[0] == Printed.under_way:
            return Done(already=True)
        page = self._sheet_page(entry, again=was[0] == Printed.yes)
        self._jobs.put(_Job(page, lambda problem: self._ended_sheet(seq, problem)))
        return Done()

    def sheet_picture(self, seq: int) -> bytes:
        """PNG, for the browser. Raises KeyError."""
        return _png(self._sheet_page(self._today.entry(seq)[0], again=False))

    def sheet_problem(self, entry: Entry) -> Problem | None:
        """Why the sheet of a visit was not printed."""
        return Problem(f"printer.{entry.print_reason}") if entry.print_reason else None

    def _sheet_page(self, entry: Entry, *, again: bool) -> ChartPage:
        visit, person = entry.visit, entry.visit.tap.person
        sheet = Sheet(
            hospital=self._look.hospital,
            day=self._today.day,
            local_time=visit.tap.at.timetz().replace(tzinfo=None),
            patient_number=entry.patient,
            name=person.name,
            kana=person.kana,
            birth=as_day(person.birthdate),
            reception_number=visit.arrival,
            appointments=tuple(
                SheetAppointment(each.time, each.department, each.doctor, self._where(each))
                for each in self._receptions.appointments(entry)
            ),
            again=again,
        )
        return ChartPage(worded(sheet, self._sheet, self._patient), self._look.barcode)

    def _ended_sheet(self, seq: int, problem: NotPrinted | NotReady | None) -> None:
        reason = problem.reason if problem else ""
        printed = str(Printed.failed if problem else Printed.yes)

        def end(old: Entry) -> Entry:
            visit = replace(old.visit, unprinted=problem is not None)
            return replace(old, visit=visit, printed=printed, print_reason=reason)

        self._today.change(seq, end)

    # --- the slip of an arrival --------------------------------------------------------------------------------------

    def print_slip(self, number: int) -> Outcome:
        """Raises KeyError for an arrival that is not of today."""
        if self._printer is None:
            return Refused(Problem("refused.no_printer"))
        entry = self._receptions.entry(number)
        if entry.cancelled is not None:
            return Refused(Problem("refused.not_registered"))
        if self.slip_state(number)[0] is Printed.under_way:
            return Done(already=True)
        if self._jobs.qsize() >= QUEUE_MAX:
            return Refused(Problem("refused.printer_queue"))
        self._slips[number] = (Printed.under_way, None)
        self._today.touch()
        self._jobs.put(_Job(self._slip_page(entry), lambda problem: self._ended_slip(number, problem)))
        return Done()

    def slip_picture(self, number: int) -> bytes:
        """PNG, for the browser. Raises KeyError."""
        return _png(self._slip_page(self._receptions.entry(number)))

    def slip_state(self, number: int) -> tuple[Printed, Problem | None]:
        """Whether the slip was printed here, and why not."""
        return self._slips.get(number, (Printed.no, None))

    def _slip_page(self, entry: Registered) -> SlipPage:
        arrival = RegisteredArrival(
            day=self._today.day,
            local_time=entry.arrival.at.astimezone(self._clock().tzinfo).time(),
            patient_number=entry.patient_number,
            number=entry.arrival.number,
            appointments=tuple(
                VisitAppointment(each.time, each.department, each.doctor, self._where(each))
                for each in entry.appointments
            ),
            again=True,
        )
        return SlipPage(reception_slip(self._patient, self._look.hospital, arrival), self._look.barcode)

    def _ended_slip(self, number: int, problem: NotPrinted | NotReady | None) -> None:
        why = Problem(f"printer.{problem.reason}") if problem else None
        self._slips[number] = (Printed.failed if problem else Printed.yes, why)
        self._today.touch()

    def _where(self, appointment: Appointment) -> str:
        return appointment.place or self._look.place(appointment.department)

    # --- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and self._printer is not None:
            outcome = self._printer.print(job.page)
            problem = outcome if isinstance(outcome, NotPrinted) else None
            self.trouble = Problem(f"printer.{problem.reason}") if problem else None
            with suppress(KeyError):  # the day has ended meanwhile
                job.ended(problem)


def _png(page: ChartPage | SlipPage) -> bytes:
    picture = page.picture("a4").crop((0, 0, 2480, 1748)).convert("L")
    picture.thumbnail((_SCREEN_DOTS * 2, _SCREEN_DOTS * 2))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
