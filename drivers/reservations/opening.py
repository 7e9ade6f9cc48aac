"""Opens the book and the system of record that site.toml names, by the scheme of a url.

Owns the table of schemes, and the only import by name in the program: a site loads the code of its own neighbours and
no other. (Adapters of packages that are installed beside the program will be found here too.)
"""

from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drivers.bad_address import BadAddress
from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import CONTRACT, Adapter, Settings
from drivers.reservations.ports import ImportingBook, SystemOfRecord
from drivers.reservations.probing import Finding

if TYPE_CHECKING:
    from drivers.reservations.sqlite.reservations import SqliteReservations

_MODULES: Final = {
    EMBEDDED: "drivers.reservations.sqlite.adapter",
    "postgresql": "drivers.reservations.postgresql.adapter",
    "orca+http": "drivers.reservations.orca.adapter",
    "orca+https": "drivers.reservations.orca.adapter",
}


def check(url: str) -> None:
    """Raises BadAddress: no adapter understands `url`, or what it needs is not installed."""
    _adapter(url).check(url)


def peers(url: str) -> tuple[tuple[str, int], ...]:
    """Host and port of each neighbour at `url`. Raises BadAddress."""
    return _adapter(url).peers(url)


def is_book(url: str) -> bool:
    """Whether a book is at `url`. Raises BadAddress."""
    return _adapter(url).book is not None


def is_system(url: str) -> bool:
    """Whether a system of record is at `url`. Raises BadAddress."""
    return _adapter(url).system is not None


def open_book(url: str, settings: Settings) -> ImportingBook:
    """The book at `url`; "sqlite": the embedded one, a file of `settings.folder`, made when it is missing. Raises
    BadAddress; trouble of the book itself comes from its calls.
    """
    made = _adapter(url)
    if made.book is None:
        raise BadAddress(expected="expected the address of a book")
    made.check(url)
    return made.book(url, settings)


def open_system(url: str, settings: Settings) -> SystemOfRecord:
    """The hospital's system at `url`, likewise."""
    made = _adapter(url)
    if made.system is None:
        raise BadAddress(expected="expected the address of a hospital's system")
    made.check(url)
    return made.system(url, settings)


def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Finding, ...]:
    """What a technician is told of the neighbour at `url`, by `until` (time.monotonic()); (): its adapter says nothing.
    Raises BadAddress.
    """
    made = _adapter(url)
    return made.probe(url, settings, day, until) if made.probe is not None else ()


def open_embedded(folder: Path, *, appointments: bool = True) -> "SqliteReservations":
    """The embedded book of the data folder, for who looks after its file: imports, restores, looks into it.
    `appointments`: as of Settings.
    """
    # Late import: a site on another book never loads SQLite.
    from drivers.reservations.sqlite.adapter import open_sqlite

    return open_sqlite(EMBEDDED, Settings(folder, appointments=appointments))


def _adapter(url: str) -> Adapter:
    name = _MODULES.get(url.split(":", maxsplit=1)[0])
    if name is None:
        raise BadAddress(expected=f'expected "{EMBEDDED}", or an address that begins with {_schemes()}')
    try:
        found = import_module(name).ADAPTER
    except ModuleNotFoundError as error:
        raise BadAddress("package_missing", f"{error.name} is not installed", name=str(error.name)) from None
    if not isinstance(found, Adapter) or found.contract != CONTRACT:
        raise BadAddress("adapter_contract", f"{name} was made for another version of this program", name=name)
    return found


def _schemes() -> str:
    return ", ".join(f"{scheme}:" for scheme in sorted(_MODULES) if scheme != EMBEDDED)
