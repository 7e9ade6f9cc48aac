"""`Book` in PostgreSQL. One connection and one round trip for a call; the server's functions do each in one transaction.

Must never: hold a transaction open between two calls; write twice what may have been written without asking.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Kept,
    Numbering,
    Order,
    Reception,
    Register,
    Registration,
    Registered,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
)
from drivers.reservations.csv_file import Parsed
from drivers.reservations.ports import Ability, Subscription


@dataclass(frozen=True)
class Imported:
    """What an import did: appointments now held for the days it contained, and how many days those were."""

    rows: int
    days: int


class PostgresBook:
    """The book at `url` (see `address`), asked with `password`; "": the server asks for none.

    `ca_file`: whose certificates are believed; None: the machine's. `folder`: where is kept what this kiosk was told,
    for the server that takes over (see `told`); None: nothing is kept, as for a hub that registers nobody.

    Neither the constructor nor a call raises, but for BadAddress here. One thread at a time.
    """

    ability = Ability(
        gives_numbers=True, cancels=True, lists_day=True, walk_in=True, atomic_visit=True, keeps_attempts=True
    )

    def __init__(
        self,
        url: str,
        password: str = "",
        *,
        numbering: Numbering = Numbering(),
        ca_file: Path | None = None,
        folder: Path | None = None,
    ) -> None: ...

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """See SystemOfRecord.find. Never `UnknownPatient`: a list of appointments is no register of patients."""

    def register(self, order: Order, until: float) -> Registration:
        """See SystemOfRecord.register."""

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """See Reservations.cancel."""

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """See SystemOfRecord.day_list."""

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """The departments of the appointments held for `day`."""

    def entries(self, day: date, until: float) -> Register | Trouble:
        """See Reservations.entries."""

    def count(self, day: date, until: float) -> Count | Trouble:
        """See Reservations.count."""

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """See Reservations.unsettled."""

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """See Reservations.follow. By a connection of its own, that asks once a second."""

    def take(self, order: Order, lease_s: float, until: float) -> Taken | Registered | Trouble:
        """See Book.take."""

    def settle(self, order: Order, outcome: Registration, until: float) -> Registration:
        """See Book.settle."""

    def note(self, unsettled: Unsettled, until: float) -> Kept | Trouble:
        """See Book.note."""

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """See Book.noted_done."""

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        compare: Callable[[Mapping[date, int]], None] = lambda held: None,
    ) -> Imported:
        """Replace the appointments of the days in `parsed`, as SqliteReservations does. Raises ReservationsDown."""

    def close(self) -> None:
        """Close the connection."""
