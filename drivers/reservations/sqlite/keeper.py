"""Commits lines of the day, and keeps them beside the database.

Must never: let a number be said that is not kept, or keep one in vain.
"""

import sqlite3
from datetime import date, datetime

from drivers.reservations import Appointment, Numbering, Order, Registered
from drivers.reservations.sqlite import attempt_rows, rows
from drivers.reservations.sqlite.file import DatabaseFile, DatabaseTrouble, disk_trouble
from drivers.reservations.sqlite.numbers import BROUGHT, Numbers, counted, highest
from drivers.reservations.sqlite.rows import Line


class Keeper:
    """Of one database."""

    def __init__(self, file: DatabaseFile, numbering: Numbering) -> None:
        self.file = file
        self.numbering = numbering

    def begin(self, day: date, at: datetime) -> None:
        """What an older version of the kiosk did not keep beside the database today. Raises ReservationsDown."""
        with self.file.writing() as connection, disk_trouble():
            beside, on = self.file.beside, day.isoformat()
            beside.begin_imports(at)
            lines, cancelled = rows.lines(connection, day), set(rows.cancelled_rows(connection, day))
            kept = {(each.number, each.patient_number) for each in beside.arrivals_since(on) if each.day == on}
            # A line gets more of them later.
            receptions = {(each.line, len(each.receptions)) for each in beside.lines_since(on) if each.day == on}
            found = [rows.kept(connection, each, day) for each in lines]
            missing = [
                each
                for each in found
                if (each.number, each.patient_number) not in kept
                or (each.line and each.line.receptions and (each.number, len(each.line.receptions)) not in receptions)
            ]
            # All in one: patients wait for the lock meanwhile.
            beside.keep_arrivals(on, missing)
            beside.keep_cancelled(on, cancelled - set(beside.cancelled_since(on)))
            used = highest([*(each.number for each in lines), *(each.number for each in cancelled)])
            listed = set(attempt_rows.listed_rows(connection, day)) - set(beside.unsettled_since(on))
            for _, attempt, since, content in listed:
                beside.keep_unsettled(on, attempt, since, content)
            beside.keep_number(day, used)
            beside.keep_series(day, counted(connection, day))

    def commit(self, connection: sqlite3.Connection, line: Line, day: date, done: Order | None = None) -> None:
        with self.file.committed(connection):
            self.keep(connection, line, day)
            if done is not None:
                self.file.beside.keep_unsettled(day.isoformat(), done.attempt, "", None)

    def keep(self, connection: sqlite3.Connection, line: Line, day: date) -> None:
        """The line and its numbers beside the database, durably: a new one must know them. After the commit, so that a
        number is never kept in vain; before it is issued, so that none is issued twice. Raises ReservationsDown.

        The line first, and only it is waited for: a new database takes the highest number of both.
        """
        with disk_trouble():
            self.file.beside.keep_arrivals(day.isoformat(), [rows.kept(connection, line, day)])
            if line.number <= BROUGHT:
                self.file.beside.keep_number(day, line.number)
            self.file.beside.keep_series(day, counted(connection, day))

    def numbers(self, connection: sqlite3.Connection, day: date) -> Numbers:
        return Numbers(connection, self.file.beside, self.numbering, day)


def registered_of(connection: sqlite3.Connection, order: Order, appointments: tuple[Appointment, ...]) -> Registered:
    """The answer to `order`: the patient's line, with `appointments`. Raises ReservationsDown: there is none."""
    line = rows.line_of(connection, order.patient_number, order.day)
    if line is None:
        raise DatabaseTrouble.FAILED.down("no line")
    ours = line.attempt == order.attempt
    return Registered(order.patient_number, line.receptions, appointments, ours)
