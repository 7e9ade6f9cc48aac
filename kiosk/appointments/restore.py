"""`kiosk reservations restore`: the reservations begun anew because a person wants it, beside a running reception or
without one.

Owns what the command says, a line for each thing; the technician's page says the same in Japanese.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from drivers.reservations.sqlite.rescue import begin_anew
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments.reimport import import_again
from kiosk.config import Config


def restore(config: Config, book: SqliteReservations) -> Iterator[str]:
    """Put the database aside and begin it anew; what was done. Raises ReservationsDown: nothing was changed.

    The last line is what a person must still do; none if nothing.
    """
    today = datetime.now(config.site.zone).date()
    anew = begin_anew(book.file, today, by_hand=True)
    if anew is None:
        return
    at = anew.backup and anew.backup.astimezone(config.site.zone)
    yield f"the appointments of the backup of {at:%Y-%m-%d %H:%M}" if at else "there was no backup"
    yield f"{anew.arrivals} arrivals of today; their numbers go on"
    yield f"{import_again(book, config.reservations.import_dir, today)} exports of done/ imported again"
    if anew.put_aside:
        yield f"the database that was there is kept as {anew.put_aside}"


def left_to_do(config: Config, book: SqliteReservations) -> str | None:
    """What a person must still do; until then who is not found is sent to the counter."""
    today = datetime.now(config.site.zone).date()
    if book.file.beside.is_sure(today):
        return None
    return "the appointments of today are not all there: import today's export"
