"""Gives lines of the day and the numbers of receptions.

Must never: give a number twice on its day, of the same series (whatever the database knows: the highest is kept beside
it, too), or leave one out.
"""

import sqlite3
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from drivers.reservations import Appointment, Numbering, Order, Reception
from drivers.reservations.sqlite.beside import RECEPTION_COLUMNS, Beside
from drivers.reservations.sqlite.rows import Line

# Lines above are of patients who brought a number of their own: they use none of the day's.
BROUGHT: Final = 50_000
_ADVANCE: Final = """INSERT INTO reception_counter (day, last) VALUES (?, ?)
    ON CONFLICT (day) DO UPDATE SET last = max(last + 1, excluded.last) RETURNING last"""
_ADVANCE_SERIES: Final = """INSERT INTO series_counter (day, series, last) VALUES (?, ?, ?)
    ON CONFLICT (day, series) DO UPDATE SET last = max(last + 1, excluded.last) RETURNING last"""
_USED: Final = "SELECT number FROM arrival WHERE day = :day UNION SELECT number FROM cancelled_arrival WHERE day = :day"


class Numbers:
    """Of one day, in a transaction that writes."""

    def __init__(self, connection: sqlite3.Connection, beside: Beside, numbering: Numbering, day: date) -> None:
        self._connection = connection
        self._beside = beside
        self._numbering = numbering
        self._day = day

    def begin_line(self, order: Order, at: datetime, attempt: str) -> Line:
        """An arrival without receptions."""
        on = self._day.isoformat()
        number = max(BROUGHT, *self._used()) + 1 if order.number else self._next_line()
        self._connection.execute(
            "INSERT INTO arrival (day, patient_number, number, at) VALUES (?, ?, ?, ?)",
            (on, order.patient_number, number, at.isoformat()),
        )
        if attempt:
            self._connection.execute(
                "INSERT OR REPLACE INTO line_attempt (day, line, attempt) VALUES (?, ?, ?)", (on, number, attempt)
            )
        return Line(number, order.patient_number, at, (), (), attempt)

    def give(self, line: Line, order: Order, at: datetime, appointments: Iterable[Appointment]) -> None:
        """The receptions that the line lacks for `appointments`, under numbers of the book, or the one of the order."""
        if order.number or self._numbering.series == "hospital":
            if not line.receptions:
                self._write(line, 0, 0, Reception(order.number or str(line.number), at, entrance=self._entrance))
        elif self._numbering.series == "entrance":
            if not line.receptions:
                series, counted = self._next("")
                given = Reception(f"{self._entrance}{counted}", at, entrance=self._entrance)
                self._write(line, 0, 0, given, series, counted)
        elif not any(each.department == "" for each in line.receptions):
            # A line that has one number for all of it got that under another numbering, or from the order.
            lacking = dict.fromkeys(each.department for each in appointments)
            for each in line.receptions:
                lacking.pop(each.department, None)
            for place, department in enumerate(lacking, len(line.receptions)):
                series, counted = self._next(department)
                self._write(
                    line, 0, place, Reception(str(counted), at, department, "", self._entrance), series, counted
                )

    def tell(self, line: Line, receptions: Iterable[Reception]) -> None:
        """Those of the system, under its numbers."""
        known = {(each.number, each.department) for each in line.receptions}
        new = [each for each in receptions if (each.number, each.department) not in known]
        for place, each in enumerate(new, len(line.receptions)):
            given = Reception(each.number, each.at, each.department, "", each.entrance or self._entrance)
            self._write(line, 0, place, given)

    def keep_of_system(self, line: Line, receptions: Iterable[Reception]) -> None:
        """What the system calls them."""
        known = {each.key for each in line.of_system}
        new = [each for each in receptions if each.key not in known]
        for place, each in enumerate(new, len(line.of_system)):
            self._write(line, 1, place, each)

    @property
    def _entrance(self) -> str:
        return self._numbering.entrance

    def _next_line(self) -> int:
        number = self._advance(_ADVANCE, (self._day.isoformat(),), self._beside.number(self._day))
        if number > BROUGHT:
            # The program of the version before has counted on from the line of a number that was brought.
            number = highest(self._used()) + 1
            of_day = (number, self._day.isoformat())
            self._connection.execute("UPDATE reception_counter SET last = ? WHERE day = ?", of_day)
        return number

    def _used(self) -> list[int]:
        return [0, *(number for (number,) in self._connection.execute(_USED, {"day": self._day.isoformat()}))]

    def _next(self, department: str) -> tuple[str, int]:
        """The next number of the series, and what the series is called."""
        series = f"{self._numbering.series}:{department or self._entrance}"
        kept = self._beside.series(self._day).get(series, 0)
        return series, self._advance(_ADVANCE_SERIES, (self._day.isoformat(), series), kept)

    def _advance(self, statement: str, of: tuple[str, ...], highest: int) -> int:
        """`highest`: of all numbers that were issued, whether or not this database has them."""
        return int(self._connection.execute(statement, (*of, highest + 1)).fetchone()[0])

    def _write(
        self, line: Line, of_system: int, place: int, what: Reception, series: str = "", counted: int = 0
    ) -> None:
        key = what.key if of_system else key_of(line.number, place)
        row = (line.number, of_system, place, what.number, what.at.isoformat(), what.department, key, what.entrance)
        marks = ", ".join("?" for _ in RECEPTION_COLUMNS.split(","))
        self._connection.execute(
            f"INSERT INTO reception ({RECEPTION_COLUMNS}) VALUES ({marks})",  # noqa: S608  # constants only
            (self._day.isoformat(), *row, series, counted),
        )


def key_of(line: int, place: int) -> str:
    """By which the book knows a reception again."""
    return str(line) if place == 0 else f"{line}.{place}"


def line_in(key: str) -> int | None:
    """The line of the reception with that key; None: it is none of this book."""
    line = key.split(".", maxsplit=1)[0]
    return int(line) if line.isascii() and line.isdigit() and len(line) < len("0000000000") else None


def counted(connection: sqlite3.Connection, day: date) -> dict[str, int]:
    """The highest number of each series but the hospital's."""
    rows = connection.execute("SELECT series, last FROM series_counter WHERE day = ?", (day.isoformat(),))
    return dict(rows)


def highest(lines: Iterable[int]) -> int:
    """The highest line that used a number of the day; 0: none."""
    return max((line for line in lines if line <= BROUGHT), default=0)
