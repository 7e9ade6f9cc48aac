"""本日の受付 as values: rows, arrivals and counts of the day, made once for all browsers that ask.

Owns what was made last. Must never give what is older than the day's revision.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from drivers.reservations import Entry as Registered
from drivers.reservations import Unsettled as Order
from kiosk.desk.day_store import Entry
from kiosk.desk.departments import Departments
from kiosk.desk.kiosk_notices import KioskNotices, Waiting, waiting_since
from kiosk.desk.lines import line_of, numbers_of
from kiosk.desk.numbers import Numbers
from kiosk.desk.page_values import row_of
from kiosk.desk.pages import Arrival, Row, Unserved, Unsettled
from kiosk.desk.receptions import Receptions
from kiosk.desk.today import Today, View
from kiosk.desk.unsettled import UnsettledOrders
from kiosk.desk.visits import Attention


@dataclass(frozen=True)
class Listed:
    """`rows`: the newest first. `arrivals`: as they were registered; None: the reservations do not answer. `unserved`:
    the oldest first, as `unsettled`. `open`: how many of visits and of those wait for a person, the first of them since
    `since`; `not_registered`: how many visits have no 照会番号.
    """

    view: View
    rows: tuple[Row, ...]
    arrivals: tuple[Arrival, ...] | None
    unserved: tuple[Unserved, ...]
    unsettled: tuple[Unsettled, ...]
    open: int
    since: datetime | None
    not_registered: int


class DayList:
    """Any thread."""

    def __init__(
        self,
        today: Today,
        receptions: Receptions,
        departments: Departments,
        numbers: Numbers,
        kiosk: KioskNotices,
        unsettled: UnsettledOrders,
        clock: Callable[[], datetime],
    ) -> None:
        self._today, self._receptions, self._departments = today, receptions, departments
        self._numbers, self._kiosk, self._unsettled, self._clock = numbers, kiosk, unsettled, clock
        self._lock = threading.Lock()
        self._made: Listed | None = None
        self._made_of: tuple[tuple[Registered, ...] | None, int, bool] = (None, 0, False)
        # Of patients without a tap: to look for one in a large table takes milliseconds.
        self._names: dict[str, tuple[str, str]] = {}
        self._names_of: object = None

    def now(self) -> Listed:
        """As it stands."""
        with self._lock:  # who comes second finds the work done
            view, entries, receives = self._today.view(), self._receptions.entries, self._receives()
            patients = self._numbers.patients_read
            if patients is not self._names_of:
                self._names, self._names_of, self._made = {}, patients, None
            # All else that rows say comes with a new revision; a register that was read anew is another tuple.
            old, *rest = self._made_of
            if self._made is None or old is not entries or rest != [view.revision, receives]:
                self._made_of = (entries, view.revision, receives)
                self._made = self._listed(view, entries, can_walk_in=receives)
            return self._made

    def _receives(self) -> bool:
        return bool(self._departments.receiving(self._clock()))

    def _listed(self, view: View, entries: tuple[Registered, ...] | None, *, can_walk_in: bool) -> Listed:
        rows = [self._row(entry, view.revisions[entry.visit.seq], can_walk_in=can_walk_in) for entry in view.entries]
        visited = defaultdict[str, list[Entry]](list)
        for entry in view.entries:
            visited[entry.patient].append(entry)
        waiting, unsettled = view.waiting, self._unsettled.listed
        unserved = self._kiosk.unserved(entries, self._unsettled.of_today())
        return Listed(
            view,
            tuple(sorted(rows, key=lambda row: (row.at, row.seq), reverse=True)),
            None if entries is None else tuple(self.arrival(each, visited[each.patient_number]) for each in entries),
            tuple(self._unserved_row(each, view.entries) for each in unserved),
            tuple(self._unsettled_row(each, visited[each.order.patient_number]) for each in unsettled),
            len(waiting) + len(unserved) + len(unsettled),
            waiting_since(view.waiting_since, unserved, unsettled),
            sum(Attention.not_registered in visit.attention for visit in waiting),
        )

    def _unsettled_row(self, of: Order, mine: Sequence[Entry]) -> Unsettled:
        """`mine`: today's visits of the patient."""
        patient, visit = of.order.patient_number, mine[-1].visit if mine else None
        person = visit.tap.person if visit else None
        name, kana = (person.name, person.kana) if person and person.name else self._name(patient)
        codes = [each.code for each in self._kiosk.of_patient(patient)]
        day = of.order.day
        on = "" if day == self._unsettled.day else f"{day.month}/{day.day}"
        return Unsettled(
            attempt=of.order.attempt,
            kind=of.kind,
            at=of.since.astimezone(self._clock().tzinfo),
            called=" ".join(part for part in (on, of.number) if part),
            code=codes[-1] if codes and not on else "",
            number=patient,
            name=name,
            kana=kana,
            seq=visit.seq if visit else None,
        )

    def _unserved_row(self, waits: Waiting, entries: Sequence[Entry]) -> Unserved:
        # A reference number and the number of a card may be equal and of two people.
        mine = [
            each.visit
            for each in entries
            if (each.visit.number == waits.reference if waits.reference else each.patient == waits.patient)
        ]
        visit = mine[0] if len(mine) == 1 else None  # of several nobody can say which one it was
        person = visit.tap.person if visit else None
        name, kana = (person.name, person.kana) if person and person.name else self._name(waits.patient)
        seq = visit.seq if visit else None
        return Unserved(waits.line, waits.at, waits.code, waits.patient, name, kana, seq)

    def row(self, entry: Entry, revision: int) -> Row:
        """A visit in the list."""
        return self._row(entry, revision, can_walk_in=self._receives())

    def _row(self, entry: Entry, revision: int, *, can_walk_in: bool) -> Row:
        may_walk_in = can_walk_in and self._receptions.looked(entry.visit.seq).may_walk_in
        return row_of(entry, revision, self._receptions.appointments(entry), can_walk_in=may_walk_in)

    def arrival(self, entry: Registered, mine: Sequence[Entry]) -> Arrival:
        """`mine`: today's visits of the patient; the name is known from one of them, or from the hospital's list."""
        line, patient = line_of(entry), entry.patient_number
        visited = next((each for each in reversed(mine) if each.visit.arrival == line), mine[-1] if mine else None)
        person = visited.visit.tap.person if visited else None
        name, kana = (person.name, person.kana) if person and person.name else self._name(patient)
        return Arrival(
            line=line,
            number=numbers_of(entry.receptions),
            at=entry.receptions[0].at.astimezone(self._clock().tzinfo),
            patient=patient,
            name=name,
            kana=kana,
            department="・".join(dict.fromkeys(each.department for each in entry.appointments)),
            doctor="・".join(dict.fromkeys(each.doctor for each in entry.appointments if each.doctor)),
            seq=visited.visit.seq if visited else None,
            at_kiosk=visited is None or visited.registered_here != line,
            cancelled=entry.cancelled.reason if entry.cancelled else "",
        )

    def _name(self, patient: str) -> tuple[str, str]:
        if patient not in self._names:
            self._names[patient] = self._numbers.name_of(patient)
        return self._names[patient]
