"""The three roles: `SystemOfRecord`, `Reservations`, `Book`. What each keeps is said in `drivers.reservations`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Imported,
    Kept,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
)
from drivers.reservations.csv_file import Parsed


@dataclass(frozen=True)
class Ability:
    """What an implementation does; the contract suite asks no more of it. `atomic_visit`: all appointments of an order
    are registered or none. `keeps_attempts`: an attempt asked twice is recognised by the system itself. `pads_numbers`:
    zeros in front of a patient's number mean nothing, and its lists have others than cards.
    """

    knows_patients: bool = False
    gives_numbers: bool = False
    cancels: bool = False
    lists_day: bool = False
    walk_in: bool = False
    atomic_visit: bool = False
    keeps_attempts: bool = False
    pads_numbers: bool = False


class SystemOfRecord(Protocol):
    """A system that has appointments and takes registrations. See the rules above."""

    @property
    def ability(self) -> Ability:
        """What it does."""

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """The patient's appointments and receptions of `day`."""

    def register(self, order: Order, until: float) -> Registration:
        """Register the visit, or say that it was (`ours` tells by whom). Safe to ask again with the same attempt."""

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """Undo `reception`, known by its `key`, at `at` (aware): the patient may register anew. `reason`: for staff.
        Asking twice is safe. Walk-ins go with it; appointments stay.
        """

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """All patients with an appointment or a reception on `day`."""

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """The departments that the system has on `day`."""

    def close(self) -> None:
        """Close its connection."""


class Subscription(Protocol):
    """To changes, until it is closed."""

    def close(self) -> None:
        """No call begins after this."""


class Reservations(SystemOfRecord, Protocol):
    """What receptions and desks talk to. `register` and `cancel` are of a whole visit: `cancel` undoes all receptions
    of the line that `reception.key` is of.
    """

    def entries(self, day: date, until: float) -> Register | Trouble:
        """The register of `day`."""

    def count(self, day: date, until: float) -> Count | Trouble:
        """Number of appointments held for `day`."""

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """The orders of `day` of which staff must know."""

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """Staff or the program have dealt with it: it is on the list no more."""

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """Call `changed()` at the beginning and after every change, whoever made it, until the subscription is closed;
        sometimes without one.

        `answers(yes)`: whether it answers, at the beginning and when that changes. Both are called in one thread of the
        subscription's own; they must neither raise nor wait for long.
        """


class Book(Reservations, Protocol):
    """One row for each day and patient, also in front of a system: `take`, ask the system, `settle`.

    A crash between the two leaves a row whose lease ends: `take` by the next attempt then says `ask_first`.
    """

    def take(self, order: Order, lease_s: float, until: float) -> Taken | Registered | Trouble:
        """The right to ask the system for this patient. Registered: he is in the book already (`ours`: by this very
        attempt). Trouble("busy"): another attempt has the row, and its lease has not ended.
        """

    def settle(self, order: Order, outcome: Registration, until: float) -> Registration:
        """What came of the attempt that has the row. Registered: receptions and appointments are kept, and get the
        book's own number where the book gives numbers; the answer is what the patient is told. Trouble with
        `maybe_done`: the row stays, as `unknown`. Anything else frees it. The outcome itself is answered where nothing
        else is to say. Safe to repeat.
        """

    def note(self, unsettled: Unsettled, until: float) -> Kept | Trouble:
        """Put an order of which staff must know on the list, or change what the list says of its attempt."""


class ImportingBook(Book, Protocol):
    """A book that holds the day's appointments itself, from exports."""

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = ...,
        *,
        compare: Callable[[Mapping[date, int]], None] = ...,
    ) -> Imported:
        """Replace the appointments of the days in `parsed`, and of no other; receptions stay. All of it or nothing.

        `progress(rows done, rows in all)` is called now and then and at the end; `compare`, before anything is changed,
        with how many appointments each of the days has until now. No rows: nothing is changed. Raises ReservationsDown,
        and whatever `progress` and `compare` raise (nothing is changed then).
        """
