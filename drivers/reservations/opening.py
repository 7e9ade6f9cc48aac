"""The door to the reservations: the system at a URL.

Owns which URL means which system, and is the one place where a system is made. Must never raise for a system that is
down: that comes from its calls.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from drivers.bad_address import BadAddress

if TYPE_CHECKING:
    from drivers.reservations.sqlite.reservations import SqliteReservations

EMBEDDED: Final = "sqlite"


def open_reservations(url: str, data_folder: Path, settings: Mapping[str, Any] | None = None) -> "SqliteReservations":
    """The reservations at `url`: "sqlite" is the embedded database, a file of `data_folder`, made when it is missing.

    `settings`: keyword arguments of the system behind `url`. Raises BadAddress; trouble of the system itself is
    ReservationsDown, and comes from its calls.
    """
    if url == EMBEDDED:
        # Late import: a site on another system never loads SQLite.
        from drivers.reservations.sqlite.reservations import SqliteReservations

        return SqliteReservations(data_folder, **(settings or {}))
    raise BadAddress(expected=f'expected "{EMBEDDED}", the embedded database')
