"""The book in PostgreSQL as `opening` finds it."""

from typing import Final

from drivers.reservations.adapter import CONTRACT, Adapter, Settings
from drivers.reservations.postgresql.address import parse
from drivers.reservations.postgresql.book import PostgresBook
from drivers.reservations.postgresql.probe import probe


def _check(url: str) -> None:
    parse(url)


def _peers(url: str) -> tuple[tuple[str, int], ...]:
    return parse(url).hosts


def _open(url: str, settings: Settings) -> PostgresBook:
    return PostgresBook(url, settings)


ADAPTER: Final = Adapter(CONTRACT, _check, _peers, book=_open, probe=probe)
