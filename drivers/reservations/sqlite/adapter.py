"""The embedded book as `opening` finds it."""

from typing import Final

from drivers.bad_address import BadAddress
from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import CONTRACT, Adapter, Settings
from drivers.reservations.sqlite.reservations import SqliteReservations


def open_sqlite(url: str, settings: Settings) -> SqliteReservations:
    """The book of `settings.folder`."""
    return SqliteReservations(
        settings.folder,
        numbering=settings.numbering,
        clock=settings.clock,
        appointments=settings.appointments,
    )


def _check(url: str) -> None:
    if url != EMBEDDED:
        raise BadAddress(expected=f'expected "{EMBEDDED}", the embedded database')


def _no_peers(url: str) -> tuple[tuple[str, int], ...]:
    return ()


ADAPTER: Final = Adapter(CONTRACT, _check, _no_peers, book=open_sqlite)
