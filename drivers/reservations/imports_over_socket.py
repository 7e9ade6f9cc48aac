"""Imports into a book that another process has: an export goes there in pieces, and is imported when all have come.

`ImportingSocketBook` is the end of who has the export, `Imports` that of who has the book; see `over_socket` for the
line between them.

Must never: change anything before the whole export is there.
"""

import sys
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from drivers.reservations import Imported, ReservationsDown, Trouble
from drivers.reservations.csv_file import MAX_LINES, Parsed, Row
from drivers.reservations.over_socket import SocketBook
from drivers.reservations.ports import ImportingBook
from drivers.reservations.values import NoValue, decoded, encoded

PART: Final = "import_part"
END: Final = "import_end"
# Rows in a piece: half a megabyte.
_STEP: Final = 2000
_COUNT_S: Final = 20.0
_END_S: Final = 150.0


class ImportingSocketBook(SocketBook):
    """A SocketBook that takes exports."""

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        compare: Callable[[Mapping[date, int]], None] = lambda held: None,
    ) -> Imported:
        """See ImportingBook.import_rows."""
        if not parsed.rows:
            return Imported(0, 0)
        compare({day: self._held(day) for day in parsed.days})
        name, total = str(uuid.uuid4()), len(parsed.rows)
        for start in range(0, total, _STEP):
            rows = encoded(parsed.rows[start : start + _STEP])
            self._other(PART, _COUNT_S, name=name, start=start, rows=rows)
            progress(min(start + _STEP, total), total)
        days = [day.isoformat() for day in parsed.days]
        answer = self._other(END, _END_S, name=name, total=total, days=days)
        return Imported(int(answer["rows"]), int(answer["days"]))

    def _held(self, day: date) -> int:
        answer = self.count(day, time.monotonic() + _COUNT_S)
        if isinstance(answer, Trouble):
            raise ReservationsDown(answer.what, answer.code, **answer.parameters)
        return answer.appointments

    def _other(self, ask: str, within_s: float, **parameters: object) -> dict[str, Any]:
        answer = self.other(ask, within_s, **parameters)
        if not isinstance(answer, dict):
            raise ReservationsDown("the process that has the book takes no exports", "owner_down")
        if "down" in answer:
            down = decoded(Trouble, answer["down"])
            raise ReservationsDown(down.what, down.code, **down.parameters)
        return answer


class Imports:
    """Takes exports for the book that `opened()` opens. One at a time: a new one takes the place of a broken one."""

    def __init__(self, opened: Callable[[], ImportingBook]) -> None:
        self._opened = opened
        self._name: object = None
        self._rows: list[Row] = []

    def others(self) -> Mapping[str, Callable[[dict[str, Any]], object]]:
        """For a Server."""
        return {PART: self._part, END: self._end}

    def _part(self, message: dict[str, Any]) -> object:
        try:
            rows = decoded(tuple[Row, ...], message.get("rows"))
        except NoValue:
            return _down("a piece of an export that is none")
        if message.get("start") == 0:
            self._name, self._rows = message.get("name"), []
        if (message.get("name"), message.get("start")) != (self._name, len(self._rows)):
            return _down("another export came meanwhile")
        if len(self._rows) + len(rows) > MAX_LINES:
            return _down("too many lines")
        # The same few departments and doctors come over and over: one copy of each is kept.
        self._rows.extend(Row(*map(sys.intern, (*row.values(), row.message))) for row in rows)
        return {}

    def _end(self, message: dict[str, Any]) -> object:
        name, rows = self._name, tuple(self._rows)
        self._name, self._rows = None, []
        try:
            days = decoded(tuple[date, ...], message.get("days"))
        except NoValue:
            return _down("the end of an export that is none")
        if (message.get("name"), message.get("total")) != (name, len(rows)):
            return _down("another export came meanwhile")
        book = self._opened()
        try:
            done = book.import_rows(Parsed(rows, days, ()))
        except ReservationsDown as down:
            return {"down": encoded(down.as_trouble())}
        finally:
            book.close()
        return {"rows": done.rows, "days": done.days}


def _down(what: str) -> object:
    return {"down": encoded(Trouble("refused", what, code="import_broken"))}
