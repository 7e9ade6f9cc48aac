"""カルテ出し and 受付票: what is printed of whom, once a visit, and how that is kept.

Owns whether a sheet was printed. Must never print one again by itself: what was under way when the desk ended counts as
not printed, and staff look at the printer; what would be printed by itself and cannot be, or is late, waits for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from drivers.reservations import Appointment, Reception
from drivers.reservations import Entry as Registered
from kiosk.desk.acts import Done, Outcome, Refused
from kiosk.desk.day_store import Entry, Noted
from kiosk.desk.page_values import as_day
from kiosk.desk.pages import Printed
from kiosk.desk.printing import Printing, Progress
from kiosk.desk.receptions import Receptions
from kiosk.desk.today import Today
from kiosk.screens.wording import Wording
from kiosk.slip.barcode import BarcodeKind
from kiosk.slip.page import ChartPage, SlipPage
from kiosk.slip.sheet import Sheet, SheetAppointment, VisitReception, slip_of, worded
from kiosk.words import texts
from kiosk.words.problems import Problem

# By itself a sheet is printed only of who has just come: after an hour's stop nobody wants a pile of them.
FRESH: Final = timedelta(minutes=10)
_NO_PRINTER: Final = Refused(Problem("not_done.no_printer"))


@dataclass(frozen=True)
class Look:
    """`hospital`: its name. `barcode`: as on the slip. `place(department)`: where that is, or ""."""

    hospital: str
    barcode: BarcodeKind
    place: Callable[[str], str]


class Papers:
    """`printing`: None: the site has no printer; pictures for the browser's are made all the same. Any thread."""

    def __init__(
        self,
        printing: Printing | None,
        today: Today,
        receptions: Receptions,
        look: Look,
        clock: Callable[[], datetime],
    ) -> None:
        self._printing, self._today, self._receptions = printing, today, receptions
        self._look, self._clock = look, clock
        self._patient, self._sheet = texts.load("patient", "ja"), texts.load("sheet", "ja")
        self._slips: dict[int, Progress] = {}
        self._day = today.day
        self._waiting: dict[int, Problem | None] = {}  # what a sheet under way waits for
        self.trouble: Problem | None = None  # of the last page; None: it came out

    @property
    def possible(self) -> bool:
        """Whether there is a printer."""
        return self._printing is not None

    def begin(self) -> None:
        """What an earlier run was printing when it ended: what became of it nobody saw."""
        lost = Progress(Printed.failed, Problem("print.maybe_printed", {"reason": Problem("print_reason.desk_ended")}))
        for entry in self._today.view().entries:
            if entry.printed == Printed.under_way:
                self._note_sheet(entry.visit.seq, lost)

    # --- the sheet for the chart room --------------------------------------------------------------------------------

    def print_sheet(self, seq: int, by: str, *, again: bool) -> Outcome:
        """Once a visit, unless it failed or `again`. Raises KeyError."""
        if self._printing is None:
            return _NO_PRINTER
        entry, _ = self._today.entry(seq)
        if self._printing.is_under_way("sheet", seq) or (entry.printed == Printed.yes and not again):
            return Done(already=True)
        page, day = self._sheet_page(entry, again=entry.printed == Printed.yes), self._today.day

        def changed(progress: Progress) -> None:
            if self._today.day == day:  # the next day's visit with this number is another's
                self._note_sheet(seq, progress)

        refused = self._printing.begin("sheet", seq, page, changed)
        if refused is not None:
            return Refused(refused)
        self._today.remember(seq, Noted(self._clock(), "print_sheet", by))
        return Done()

    def print_by_itself(self, seq: int, since: datetime) -> None:
        """The sheet of who came at `since` (aware), unless it was printed. Raises KeyError."""
        if self._printing is None or self._today.entry(seq)[0].printed == Printed.yes:
            return
        if self._clock() - since <= FRESH:
            outcome = self.print_sheet(seq, "", again=False)
            refused = outcome.why if isinstance(outcome, Refused) else None
        else:
            refused = Problem("print.not_printed", {"reason": Problem("print_reason.late")})
        if refused is not None:
            self._note_sheet(seq, Progress(Printed.failed, refused))

    def sheet_picture(self, seq: int) -> bytes:
        """PNG, for the browser. Raises KeyError."""
        return self._sheet_page(self._today.entry(seq)[0], again=False).png()

    def sheet_problem(self, entry: Entry) -> Problem | None:
        """What the sheet of a visit waits for, or why it was not printed."""
        if entry.printed == Printed.under_way:
            return self._waiting.get(entry.visit.seq)
        return entry.print_problem

    def _sheet_page(self, entry: Entry, *, again: bool) -> ChartPage:
        visit, person = entry.visit, entry.visit.tap.person
        appointments = self._receptions.appointments(entry)
        sheet = replace(
            self._of(entry.patient, visit.tap.at, self._receptions.receptions(entry), appointments, again=again),
            name=person.name, kana=person.kana, birth=as_day(person.birthdate),
        )  # fmt: skip
        return ChartPage(worded(sheet, self._sheet, self._patient), self._look.barcode)

    def _note_sheet(self, seq: int, progress: Progress) -> None:
        is_over = progress.printed is not Printed.under_way
        problem = progress.problem if is_over else None
        if is_over:
            self.trouble = problem
            self._waiting.pop(seq, None)
        else:
            self._waiting[seq] = progress.problem

        def note(old: Entry) -> Entry:
            visit = replace(old.visit, unprinted=progress.printed is Printed.failed)
            return replace(old, visit=visit, printed=str(progress.printed), print_problem=problem)

        with suppress(KeyError, sqlite3.Error):  # the day, or the desk, has ended meanwhile; or the disk is full
            self._today.change(seq, note)
            self._today.renew(seq)

    # --- the slip of an arrival --------------------------------------------------------------------------------------

    def print_slip(self, line: int) -> Outcome:
        """Raises KeyError for a line that is not of today."""
        entry = self._receptions.entry(line)
        if self._printing is None:
            return _NO_PRINTER
        if entry.cancelled is not None:
            return Refused(Problem("not_done.not_registered"))
        page = self._slip_page(entry)
        refused = self._printing.begin("slip", line, page, lambda progress: self._note_slip(line, progress))
        return Done() if refused is None else Refused(refused)

    def slip_picture(self, line: int) -> bytes:
        """PNG, for the browser. Raises KeyError."""
        return self._slip_page(self._receptions.entry(line)).png()

    def slip_state(self, line: int) -> Progress:
        """Whether the slip was printed here today, and why not."""
        return self._slips.get(line, Progress(Printed.no)) if self._day == self._today.day else Progress(Printed.no)

    def _slip_page(self, entry: Registered) -> SlipPage:
        since, receptions = entry.receptions[0].at, entry.receptions
        sheet = self._of(entry.patient_number, since, receptions, entry.appointments, again=True)
        return SlipPage(slip_of(sheet, Wording(), self._clock().time()), self._look.barcode)

    def _note_slip(self, line: int, progress: Progress) -> None:
        if self._day != self._today.day:
            self._day, self._slips = self._today.day, {}
        if progress.printed is not Printed.under_way:
            self.trouble = progress.problem
        self._slips[line] = progress
        self._today.touch()

    def _of(
        self,
        patient: str,
        at: datetime,
        receptions: tuple[Reception, ...],
        appointments: tuple[Appointment, ...],
        *,
        again: bool,
    ) -> Sheet:
        """An arrival without a name: on the slip there must be none."""
        return Sheet(
            hospital=self._look.hospital,
            day=self._today.day,
            local_time=at.astimezone(self._clock().tzinfo).time(),
            patient_number=patient,
            name="",
            kana="",
            birth=None,
            receptions=tuple(VisitReception(each.number, each.department, each.entrance) for each in receptions),
            appointments=tuple(
                SheetAppointment(
                    each.time, each.department, each.doctor, each.place or self._look.place(each.department)
                )
                for each in appointments
            ),
            again=again,
        )
