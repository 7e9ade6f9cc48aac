"""What becomes of an attempt: the row of its patient, what the system made of it, and the list of staff.

Must never: forget that an attempt may have reached the system before that has been asked.
"""

import sqlite3
from dataclasses import replace
from datetime import date

from drivers.reservations import (
    Kept,
    NothingToRegister,
    Order,
    Registered,
    Registration,
    Taken,
    Trouble,
    UnknownPatient,
    Unsettled,
    UnsettledList,
)
from drivers.reservations.adapter import Clock
from drivers.reservations.sqlite import attempt_rows, rows
from drivers.reservations.sqlite.file import DatabaseFile
from drivers.reservations.sqlite.keeper import Keeper, registered_of


class Attempts:
    """As the calls of Book. All raise ReservationsDown; `wait_s`: for other writers, at most."""

    def __init__(self, file: DatabaseFile, keeper: Keeper, clock: Clock) -> None:
        self.file = file
        self._keeper = keeper
        self._clock = clock

    def take(self, order: Order, lease_s: float, wait_s: float) -> Taken | Registered | Trouble:
        """See Book.take."""
        with self.file.writing(wait_s) as connection:
            if rows.line_of(connection, order.patient_number, order.day) is not None:
                registered = rows.registered(connection, order.patient_number, order.day)
                more = (*order.appointments, *rows.walk_in_of(order, registered))
                if rows.with_ordered(registered, more) == registered:
                    return registered_of(connection, order, registered)
            # After a loss nobody knows who had been taken.
            lost = self.file.beside.is_rebuilt(order.day)
            answer = attempt_rows.take(connection, order, lease_s, self._clock(), ask_first=lost)
            if isinstance(answer, Taken):
                with self.file.committed(connection):
                    pass
            return answer

    def settle(self, order: Order, outcome: Registration, wait_s: float) -> Registration:
        """See Book.settle."""
        with self.file.writing(wait_s) as connection:
            if isinstance(outcome, Registered):
                return self._settle_registered(connection, order, outcome)
            row = attempt_rows.row_of(connection, order)
            ours = row is None or row.attempt == order.attempt
            if isinstance(outcome, Trouble) and outcome.maybe_done:
                if ours:
                    attempt_rows.put(connection, order, self._clock(), ask_first=True)
                known = attempt_rows.listed_attempt(connection, order)
                since = known.since if known else self._clock()
                self._commit_listed(connection, Unsettled("unknown", order, since, order.number, outcome.what))
                return outcome
            asked = isinstance(outcome, NothingToRegister | UnknownPatient)
            if row is not None and ours and row.ask_first and not asked:
                # It is still not known what an attempt before has done there.
                attempt_rows.put(connection, order, self._clock(), ask_first=True)
            else:
                attempt_rows.free(connection, order)
            known = attempt_rows.listed_attempt(connection, order)
            if known is not None and known.kind == "unknown" and not isinstance(outcome, Trouble):
                self._commit_done(connection, order)
            else:
                with self.file.committed(connection):
                    pass
            return outcome

    def _settle_registered(self, connection: sqlite3.Connection, order: Order, outcome: Registered) -> Registered:
        line = rows.line_of(connection, order.patient_number, order.day)
        numbers = self._keeper.numbers(connection, order.day)
        at = order.at if outcome.ours else min((each.at for each in outcome.receptions), default=order.at)
        if line is None:
            line = numbers.begin_line(order, at, order.attempt if outcome.ours else "")
        rows.write_registered(connection, order.patient_number, order.day, outcome.appointments)
        numbers.keep_of_system(line, outcome.receptions)
        if self._keeper.numbering.by_system and outcome.receptions and not order.number:
            numbers.tell(line, outcome.receptions)
        else:
            numbers.give(line, order, at, outcome.appointments)
        attempt_rows.free(connection, order)
        if attempt_rows.take_off_list(connection, order):
            self._keeper.commit(connection, line, order.day, done=order)
        else:
            self._keeper.commit(connection, line, order.day)
        registered = rows.registered(connection, order.patient_number, order.day)
        return replace(registered_of(connection, order, registered), left_out=outcome.left_out)

    def unsettled(self, day: date, wait_s: float) -> UnsettledList:
        """See Reservations.unsettled."""
        with self.file.reading(wait_s) as connection:
            return UnsettledList(attempt_rows.listed(connection, day))

    def note(self, unsettled: Unsettled, wait_s: float) -> Kept:
        """See Book.note."""
        with self.file.writing(wait_s) as connection:
            self._commit_listed(connection, unsettled)
        return Kept()

    def noted_done(self, order: Order, wait_s: float) -> Kept:
        """See Reservations.noted_done."""
        with self.file.writing(wait_s) as connection:
            self._commit_done(connection, order)
        return Kept()

    def _commit_listed(self, connection: sqlite3.Connection, unsettled: Unsettled) -> None:
        since, content = attempt_rows.put_on_list(connection, unsettled)
        order = unsettled.order
        with self.file.committed(connection):
            self.file.beside.keep_unsettled(order.day.isoformat(), order.attempt, since, content)

    def _commit_done(self, connection: sqlite3.Connection, order: Order) -> None:
        if attempt_rows.take_off_list(connection, order):
            with self.file.committed(connection):
                self.file.beside.keep_unsettled(order.day.isoformat(), order.attempt, "", None)
