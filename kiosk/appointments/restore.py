"""`kiosk reservations restore`: the reservations rebuilt because a person wants it, beside a running reception or
without one.

Owns what the command reports, a value for each thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from drivers.reservations.sqlite.rescue import rebuild
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments.answers import of_backup
from kiosk.appointments.reimport import import_again
from kiosk.config import Config
from kiosk.words.problems import Problem


def restore(config: Config, book: SqliteReservations) -> Iterator[Problem]:
    """Put the database aside and rebuild it; what was done. Raises ReservationsDown: nothing was changed."""
    today = datetime.now(config.site.zone).date()
    rebuilt = rebuild(book.file, today, by_hand=True)
    if rebuilt is None:
        return
    at = rebuilt.backup and rebuilt.backup.astimezone(config.site.zone)
    yield of_backup(at) if at else Problem("restored.no_backup")
    yield Problem("restored.arrivals", {"count": rebuilt.arrivals})
    yield Problem("restored.exports", {"count": import_again(book, config.reservations.import_dir, today)})
    if rebuilt.put_aside:
        yield Problem("restored.put_aside", {"file": rebuilt.put_aside})


def is_complete(config: Config, book: SqliteReservations) -> bool:
    """Whether today's appointments are all there; if not, a person must import them, and who is not found until then
    is sent to the counter.
    """
    return book.file.beside.is_sure(datetime.now(config.site.zone).date())
