"""ORCA as a system of record.

One call of ORCA registers one department, so a visit may be registered in part. ORCA keeps no attempts: a reception
that is there already is answered as somebody else's, and who must know better (the book) asks `find` first.
"""

from datetime import date, datetime
from typing import Final

from drivers.reservations import Answer, Cancellation, DayList, Departments, Order, Reception, Registration, Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.address import Address
from drivers.reservations.ports import Ability

ABILITY: Final = Ability(knows_patients=True, gives_numbers=True, cancels=True, lists_day=True, walk_in=True)


class OrcaSystem:
    """The `SystemOfRecord` at `address`; one connection, opened when it is needed."""

    ability = ABILITY

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._settings = settings

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        raise NotImplementedError

    def register(self, order: Order, until: float) -> Registration:
        raise NotImplementedError

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        raise NotImplementedError

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        raise NotImplementedError

    def departments(self, day: date, until: float) -> Departments | Trouble:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
