"""What receptions and desks of this site talk to, put together from site.toml: the book, and the system behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from drivers.reservations import EMBEDDED, Numbering
from drivers.reservations.adapter import Settings as AdapterSettings
from drivers.reservations.imports_over_socket import ImportingSocketBook
from drivers.reservations.opening import open_embedded
from drivers.reservations.over_socket import BOOK_SOCKET, SocketBook
from drivers.reservations.ports import Book, ImportingBook, Reservations
from drivers.reservations.sqlite.adapter import open_sqlite
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.config import Access, Config
from kiosk.his import background
from kiosk.his.background import Background
from kiosk.his.custody import Custody
from kiosk.his.front import ASK_S, Front, Settings
from kiosk.his.store import Store

SYSTEM_SOCKET: Final = "his.sock"


@dataclass(frozen=True)
class Opened:
    """`reservations`: whom to ask. `local`: the book in the data folder, to be looked after. `front` None: that book is
    all there is.
    """

    reservations: Reservations
    local: SqliteReservations
    front: Front | None = None
    store: Store | None = None

    def revision(self) -> Callable[[], object]:
        """A function with another value after each change, here or in a book elsewhere; cheap, never raises."""
        if self.front is None or self.front.book is self.local:
            return self.local.revision
        news = News(self.front.book)
        return lambda: (self.local.revision(), news.revision())

    def background(
        self, config: Config, report: Callable[..., None], set_trouble: background.SetTrouble
    ) -> Background | None:
        """What is done at the system while nobody waits, not begun yet; None: there is no system."""
        if self.front is None or self.store is None:
            return None
        his = config.his
        every = timedelta(minutes=his.day_list_every_min) if his.when_down == "cached" else None
        clock = partial(datetime.now, config.site.zone)
        return Background(self.front, self.store, background.Settings(his.late, every), clock, report, set_trouble)


def opened(config: Config, data: Path, report: Callable[..., None], *, receives: bool) -> Opened:
    """`data`: the data folder. `receives`: patients are received here, and into custody where the site wants it; else
    it is for a desk. Nobody is asked yet.
    """
    clock = partial(datetime.now, config.site.zone)
    settings = AdapterSettings(data, numbering_of(config), clock, appointments=not config.has_gate)
    local = open_sqlite(EMBEDDED, settings)
    if not config.has_gate:
        return Opened(local, local)
    his = config.his
    book = local if config.reservations.is_embedded else SocketBook(config.his_run_dir, BOOK_SOCKET)
    system = SocketBook(config.his_run_dir, SYSTEM_SOCKET) if his.url else None
    store = Store(data) if receives else None
    custody = None
    if store is not None and his.when_down == "cached":
        at_most = timedelta(hours=his.cached_max_h)
        custody = Custody(local, store, at_most, config.numbering.offline_prefix, clock, report)
    front = Front(book, system, local, custody, Settings(his.find_s, his.register_s), clock, report)
    return Opened(front, local, front, store)


def importing(config: Config, data: Path) -> ImportingBook:
    """The book that exports are imported into."""
    if config.reservations.is_embedded:
        return open_embedded(data)
    return ImportingSocketBook(config.his_run_dir, BOOK_SOCKET)


class News:
    """Counts the changes of a book elsewhere."""

    def __init__(self, book: Book) -> None:
        self._changes = 0
        book.follow(self._changed, lambda _: self._changed())

    def _changed(self) -> None:
        self._changes += 1  # from the one thread of the subscription

    def revision(self) -> object:
        """Another value after each of them; cheap, never raises."""
        return self._changes


def register_s(config: Config) -> float:
    """How long a registration may take, with the time in which an unknown outcome is asked for."""
    return config.his.register_s + ASK_S


def adapter_settings(config: Config, folder: Path, access: Access) -> AdapterSettings:
    """What an adapter is opened with. `folder`: where it may keep files."""
    his = config.his
    return AdapterSettings(
        folder,
        numbering_of(config),
        partial(datetime.now, config.site.zone),
        access.password.reveal() if access.password else "",
        access.ca_file,
        access.client_certificate,
        his.plain_http,
        his.doctor,
        {each.code: each.doctor_code for each in config.departments if each.doctor_code},
    )


def numbering_of(config: Config) -> Numbering:
    """How the book numbers."""
    numbers = config.numbering
    return Numbering(numbers.series, numbers.entrance, by_system=config.his.numbers == "his" and bool(config.his.url))
