"""Deletes what is too old from a book on a server, once a day: for the machine whose role may, and for no other.

A thread of the gate. Must never hold up a patient: it has a connection of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Protocol, runtime_checkable

from drivers.reservations import ReservationsDown

_EVERY_S: Final = 6 * 3600.0
# Of a kiosk that only registers.
_NOT_OURS: Final = ("rights",)


@runtime_checkable
class Forgetting(Protocol):
    """A book that can be asked to delete."""

    def forget(self, before: date) -> None:
        """Delete everything of days before `before`. Raises ReservationsDown."""

    def close(self) -> None:
        """See SystemOfRecord.close."""


class BookUpkeep:
    """`opened()`: a book for it alone; one that cannot forget is left alone. `report(what)`: it failed, in English."""

    def __init__(
        self,
        opened: Callable[[], object],
        today: Callable[[], date],
        keep_days: int,
        report: Callable[[str], None],
    ) -> None:
        self._opened = opened
        self._today = today
        self._keep_days = keep_days
        self._report = report
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="book-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """It is not begun again."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(_EVERY_S)

    def once(self) -> None:
        """Whatever is older than `keep_days`."""
        book = self._opened()
        if not isinstance(book, Forgetting):
            return
        try:
            book.forget(self._today() - timedelta(days=self._keep_days))
        except ReservationsDown as down:
            if down.code not in _NOT_OURS:
                self._report(str(down))
        finally:
            book.close()
