"""受付をお預かりする: while the hospital's system is down, the last day list answers and orders are kept for it.

Owns whom that is for: patients in a day list that is not too old. Must never say that anybody is registered who is not,
or keep a second order for a patient.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from drivers.reservations import (
    Appointment,
    Found,
    InCustody,
    Kept,
    NothingToRegister,
    Order,
    Registered,
    Registration,
    ReservationsDown,
    Trouble,
    Unsettled,
)
from drivers.reservations.ports import Book
from kiosk.his.store import Store

_CALL_S: Final = 3.0


@dataclass(frozen=True)
class Custody:
    """`local`: the book of this machine, where the orders are kept. `at_most`: how old the day list may be. `prefix`:
    the letters before a number of custody. `report`: EventLog.write.
    """

    local: Book
    store: Store
    at_most: timedelta
    prefix: str
    clock: Callable[[], datetime]
    report: Callable[..., None]

    def find(self, patient_number: str, day: date) -> Found | None:
        """As the last day list has the patient; None: it cannot say."""
        try:
            return self.store.find(patient_number, day, self.clock(), self.at_most)
        except ReservationsDown:
            return None

    def of(self, order: Order) -> Unsettled | None:
        """The order of the same patient that waits already, also if it is not known whether it was delivered."""
        listed = self.local.unsettled(order.day, time.monotonic() + _CALL_S)
        if isinstance(listed, Trouble):
            return None
        waiting = (each for each in listed.unsettled if each.kind != "refused" and each.number)
        return next((each for each in waiting if each.order.patient_number == order.patient_number), None)

    def keep(self, order: Order, waiting: Unsettled | None) -> Registration | None:
        """Keep the order, unless the patient's is `waiting` already. None: this patient has to go to the counter."""
        if self.clock() >= order.not_after:
            return None
        found = self.find(order.patient_number, order.day)
        if waiting is not None:
            appointments = waiting.order.appointments or (found.appointments if found else ())
            return InCustody(order.patient_number, waiting.number, waiting.since, appointments)
        if found is None:
            return None
        if found.receptions:
            return Registered(order.patient_number, found.receptions, found.appointments, ours=False)
        appointments = (*found.appointments, *_walk_in(order))
        if not appointments:
            return NothingToRegister(order.patient_number)
        return self._kept(replace(order, appointments=appointments))

    def _kept(self, order: Order) -> Registration | None:
        now = self.clock()
        try:
            number = f"{self.prefix}{self.store.next_custody(order.day):03}"
        except ReservationsDown:
            return None
        order = replace(order, number=number)
        kept = self.local.note(Unsettled("custody", order, now, number), time.monotonic() + _CALL_S)
        if not isinstance(kept, Kept):
            return None
        self.report("custody_kept")
        return InCustody(order.patient_number, number, now, order.appointments)


def _walk_in(order: Order) -> tuple[Appointment, ...]:
    """As it is said to the patient."""
    what = order.walk_in
    if what is None:
        return ()
    at = order.at.time().replace(second=0, microsecond=0)
    codes = (what.department_code, what.doctor_code)
    return (Appointment(order.day, at, what.department, what.doctor, what.place, "", "", True, *codes),)
