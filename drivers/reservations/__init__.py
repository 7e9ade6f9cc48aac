"""Who comes today, and who has arrived: the port to a reservation system.

Owns the answers of every reservation system. `sqlite` is the embedded default, `csv_file` reads the export that
fills it; other systems (ORCA, FHIR, a vendor's socket) become further modules behind the same protocol.

Must never: guess. An answer always names the patient it is about, so that a late one can be recognised; a system that
cannot be asked raises `ReservationsDown`, it never answers "no appointment". No number, name or note of a patient is in
the `repr` of any value here or in any exception.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from drivers.bad_address import BadAddress

if TYPE_CHECKING:
    from drivers.reservations.sqlite.reservations import SqliteReservations

EMBEDDED: Final = "sqlite"


@dataclass(frozen=True)
class Appointment:
    """One appointment of one patient. `place` may be "" (the site's own table of places is asked then).

    `note` is a memo of staff for staff; it is never printed or displayed by itself. `message` is for the patient, who
    reads it on screen and slip. `walk_in`: it was none; `time` is when the patient came.
    """

    day: date
    time: time
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    note: str = field(repr=False)
    message: str = field(default="", repr=False)
    walk_in: bool = False


@dataclass(frozen=True)
class Arrival:
    """The patient was registered: `number` is the day's reception number (1, 2, 3 …), `at` an aware time."""

    number: int
    at: datetime


@dataclass(frozen=True)
class Found:
    """What is known of one patient for one day.

    `appointments` are that day's, in time order, walk-ins among them. A patient who has already arrived and whose
    appointments have since left the system is given those that were registered. `next_day` is the first later day with
    an appointment, `next_departments` those of it in time order; `last_day` the last earlier day with an arrival or an
    appointment, `last_arrival` with an arrival, as far back as the system keeps days.
    """

    patient_number: str = field(repr=False)
    appointments: tuple[Appointment, ...]
    next_day: date | None
    arrival: Arrival | None
    last_day: date | None = None
    next_departments: tuple[str, ...] = field(default=(), repr=False)
    last_arrival: date | None = None


@dataclass(frozen=True)
class Unknown:
    """The system has a register of patients and this number is not in it. The SQLite default never says so."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class Registered:
    """The arrival, its number and all of the day's appointments were written in one transaction, durably."""

    patient_number: str = field(repr=False)
    arrival: Arrival
    appointments: tuple[Appointment, ...]


@dataclass(frozen=True)
class AlreadyRegistered:
    """The patient had arrived before: the first arrival with its number.

    Appointments that entered the system after the arrival are listed and registered too, under the same number.
    """

    patient_number: str = field(repr=False)
    arrival: Arrival
    appointments: tuple[Appointment, ...]


@dataclass(frozen=True)
class NothingToRegister:
    """No appointment that day and no arrival: nothing was written, no number was used."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class Withdrawn:
    """`still_wanted()` said no right before the commit: nothing was written, no number was used."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class WalkIn:
    """What a patient without an appointment comes for: texts as they are printed; `doctor` and `place` may be ""."""

    department: str = field(repr=False)
    doctor: str = field(default="", repr=False)
    place: str = field(default="", repr=False)


@dataclass(frozen=True)
class Cancelled:
    """The arrival with this number does not count any more; its number is never given to anybody again.

    `at` (aware) and `reason` are those of the first cancelling, however often it is asked for.
    """

    patient_number: str = field(repr=False)
    arrival: Arrival
    at: datetime
    reason: str = field(repr=False)


@dataclass(frozen=True)
class NotRegistered:
    """The patient has no arrival with that number on that day: nothing was changed."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """A line of the day's register: an arrival with what was registered under it, or a cancelled one.

    `appointments` are in time order, walk-ins among them; of a cancelled arrival nothing is kept, so there are none.
    """

    patient_number: str = field(repr=False)
    arrival: Arrival
    appointments: tuple[Appointment, ...] = ()
    cancelled: Cancelled | None = None


@dataclass(frozen=True)
class Arrived:
    """A line of the day's list of arrivals."""

    patient_number: str = field(repr=False)
    arrival: Arrival


Answer = Found | Unknown
Registration = Registered | AlreadyRegistered | NothingToRegister | Withdrawn
WalkInRegistration = Registered | AlreadyRegistered | Withdrawn
Cancellation = Cancelled | NotRegistered


class ReservationsDown(Exception):
    """The system could not be asked, or did not answer in time. The text is for staff and holds no patient data.

    After `register` the outcome may be unknown; calling it again is always safe (`AlreadyRegistered`, same number).
    `code`, `parameters`: what the text says as a value, for who says it in another language.
    """

    def __init__(self, text: str = "", code: str = "failed", **parameters: float) -> None:
        super().__init__(text)
        self.code = code
        self.parameters = parameters


class Reservations(Protocol):
    """A reservation system. Calls block (seconds at most) and may come from any thread."""

    def find(self, patient_number: str, day: date) -> Answer:
        """The patient's appointments of `day`. Raises ReservationsDown."""

    def register(self, patient_number: str, day: date, at: datetime, still_wanted: Callable[[], bool]) -> Registration:
        """Register the arrival at `at` (aware, local) for all of the day's appointments; its number has no gap.

        `still_wanted` is asked once, right before the commit, if there is anything to write. Raises ReservationsDown.
        """

    def walk_in(
        self, patient_number: str, day: date, at: datetime, what: WalkIn, still_wanted: Callable[[], bool]
    ) -> WalkInRegistration:
        """Register an arrival at `at` (aware, local) without an appointment, for `what`; else as `register`.

        The patient's appointments of the day, if there are any, are registered with it. Whoever has arrived gets `what`
        added under the number of that arrival (`AlreadyRegistered`); a department that is registered already is not
        added again, so that asking twice is safe. Raises ReservationsDown.
        """

    def cancel(self, patient_number: str, number: int, day: date, at: datetime, reason: str) -> Cancellation:
        """Undo the arrival `number` of `day`, at `at` (aware): the patient has not arrived, and may register anew,
        under another number. Walk-ins go with it; appointments stay.

        `reason`: text for staff, kept with it. Asking twice is safe. Raises ReservationsDown.
        """

    def entries(self, day: date) -> list[Entry]:
        """The register of `day`, by reception number, cancelled arrivals among them. Raises ReservationsDown."""

    def count(self, day: date) -> int:
        """Number of appointments the system holds for `day`. Raises ReservationsDown."""

    def arrivals(self, day: date) -> list[Arrived]:
        """Everybody who has arrived on `day` (no cancelled ones), by reception number. Raises ReservationsDown."""


class Subscription(Protocol):
    """To changes, until it is closed."""

    def close(self) -> None:
        """No call begins after this."""


class FollowedReservations(Reservations, Protocol):
    """A reservation system that says when something changed: the embedded one, and the one over a socket."""

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """Call `changed()` at the beginning and after every change, whoever made it, until the subscription is closed;
        sometimes without one.

        `answers(yes)`: whether the system answers, at the beginning and when that changes. Both are called in one
        thread of the subscription's own; they must neither raise nor wait for long.
        """


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
