"""Who comes today, and who has arrived: the port to the hospital's own systems, and to the book of arrivals.

Owns the values that are asked and answered. Three roles, each a protocol in `ports`:

- `SystemOfRecord`: what the hospital has (ORCA and others). It is asked patient by patient, over a network, and may
  answer late, wrongly or not at all.
- `Book`: ours, for one kiosk (`sqlite`) or for all of a hospital (`postgresql`): one row for each day and patient, the
  reception numbers, and what came of each attempt. Where no system is asked ([his] url = ""), it is the system too.
- `Reservations`: what receptions and desks talk to: a book by itself, or a book in front of a system.

Rules that every implementation keeps, and the contract suite proves: an answer about another patient, or a code that is
not known, is `Trouble("misunderstood")`, never "no appointment"; `register` twice with one attempt is safe and answered
`ours`; nobody repeats a write without asking first; every call ends within its `until` (a moment of time.monotonic())
whatever the other side does; what goes wrong is a value, not an exception; no number, name or note of a patient is in
the `repr` of a value here, in an exception or in `Trouble.what`. Any one thread at a time; no state but a connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final, Literal

EMBEDDED: Final = "sqlite"


# --- values -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coded:
    """A code of the system and what it is called: a department, a doctor, a kind of treatment. Either may be ""."""

    code: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Appointment:
    """One appointment of one patient. `place` may be "" (the site's own table of places is asked then).

    `note` is a memo of staff for staff; it is never printed or displayed by itself. `message` is for the patient, who
    reads it on screen and slip. `walk_in`: it was none; `time` is when the patient came. `department`, `doctor`: names
    as printed; the codes, the `kind` of treatment and `key`, by which the system knows the appointment, are "" where it
    has none.
    """

    day: date
    time: time
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    note: str = field(repr=False)
    message: str = field(default="", repr=False)
    walk_in: bool = False
    department_code: str = field(default="", repr=False)
    doctor_code: str = field(default="", repr=False)
    kind: Coded = Coded()
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reception:
    """The patient is registered, at `at` (aware), under `number` as patients are called: text, "17", "A17", "00017".

    `department`: whose number it is, by name; "": of the whole visit. `key`: by which the system or the book knows it
    again (ORCA's Acceptance_Id), unique on its day. `entrance`: where, "" where the site has one.
    """

    number: str
    at: datetime
    department: str = field(default="", repr=False)
    key: str = ""
    entrance: str = ""


@dataclass(frozen=True)
class Found:
    """What is known of one patient for one day.

    `appointments` are that day's, in time order, walk-ins among them. A patient who has already arrived and whose
    appointments have since left the system is given those that were registered. `receptions`: (): not registered.
    `next_day` is the first later day with an appointment, `next_departments` those of it in time order; `last_day` the
    last earlier day with an arrival or an appointment, `last_arrival` with an arrival, as far back as the system keeps
    days. `birth_date`, `name`: where the system says them. `see_staff`: the system says something that only people can
    judge (deceased, in hospital). `as_of`: of an answer that was kept, when it was true; None: asked now. `notices`:
    what could not be learned, though the patient can be received.
    """

    patient_number: str = field(repr=False)
    appointments: tuple[Appointment, ...]
    next_day: date | None
    receptions: tuple[Reception, ...] = ()
    last_day: date | None = None
    next_departments: tuple[str, ...] = field(default=(), repr=False)
    last_arrival: date | None = None
    birth_date: date | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)
    see_staff: bool = False
    as_of: datetime | None = None
    notices: "tuple[Trouble, ...]" = ()


@dataclass(frozen=True)
class UnknownPatient:
    """The system has a register of patients and this number is not in it. An embedded book never says so."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class WalkIn:
    """What a patient without an appointment comes for: texts as they are printed; all but `department` may be ""."""

    department: str = field(repr=False)
    doctor: str = field(default="", repr=False)
    place: str = field(default="", repr=False)
    department_code: str = field(default="", repr=False)
    doctor_code: str = field(default="", repr=False)


@dataclass(frozen=True)
class Order:
    """Register one patient's visit. `attempt`: a UUID, made once for a visit at a kiosk or an act at a desk, and the
    same whenever that is asked again. `at`, `not_after`: aware; nothing is written later than `not_after`.

    `appointments`: those the system is told of, as `find` gave them; a book registers all of the day that it holds, and
    these. `walk_in`: for this, besides; whoever has arrived gets it added, unless that department is registered.
    `number`: under which the patient waits already (see InCustody): the book registers under it, and uses none of its
    own; "": none.
    """

    attempt: str
    patient_number: str = field(repr=False)
    day: date
    at: datetime
    not_after: datetime
    appointments: tuple[Appointment, ...] = ()
    walk_in: WalkIn | None = None
    number: str = ""


@dataclass(frozen=True)
class Registered:
    """The patient is registered, durably, by this attempt (`ours`), or was before (then with the first receptions).

    `appointments`: all that is registered now, in time order. `left_out`: of what was ordered, what the system did not
    take; staff have to register it.
    """

    patient_number: str = field(repr=False)
    receptions: tuple[Reception, ...]
    appointments: tuple[Appointment, ...]
    ours: bool = True
    left_out: tuple[Appointment, ...] = ()


@dataclass(frozen=True)
class NothingToRegister:
    """No appointment that day, no walk-in and no reception: nothing was written, no number was used."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class Withdrawn:
    """`not_after` had passed before anything was written: nothing is, and no number was used."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class InCustody:
    """The system is down: the order is kept durably, and delivered later. The patient is *not* registered.

    `number`: of this kiosk's own series, with its own letter.
    """

    patient_number: str = field(repr=False)
    number: str
    at: datetime
    appointments: tuple[Appointment, ...]


@dataclass(frozen=True)
class Cancelled:
    """The reception does not count any more; its number is never given to anybody again.

    `at` (aware) and `reason` are those of the first cancelling, however often it is asked for.
    """

    patient_number: str = field(repr=False)
    receptions: tuple[Reception, ...]
    at: datetime
    reason: str = field(repr=False)


@dataclass(frozen=True)
class NotRegistered:
    """The patient has no such reception on that day: nothing was changed."""

    patient_number: str = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """A line of the day's register: a patient's receptions with what was registered, or a cancelled one.

    `key`: unique on its day, in the order of registration when compared as a number, those under a number that the
    order brought after the others; the first reception has it too.
    `appointments` are in time order, walk-ins among them; of a cancelled one nothing is kept, so there are none.
    `of_system`: the receptions as the system in front of which this book stands knows them, by its keys; they are what
    has to be cancelled there.
    """

    key: str
    patient_number: str = field(repr=False)
    receptions: tuple[Reception, ...]
    appointments: tuple[Appointment, ...] = ()
    cancelled: Cancelled | None = None
    of_system: tuple[Reception, ...] = ()


@dataclass(frozen=True)
class DayList:
    """All patients of `day` that the system knows of, of `as_of` (aware). `complete`: False where it cut it."""

    day: date
    as_of: datetime
    patients: tuple[Found, ...]
    complete: bool = True


@dataclass(frozen=True)
class Departments:
    """The departments the system has, in its order."""

    departments: tuple[Coded, ...]


@dataclass(frozen=True)
class Count:
    """How many appointments of a day are held."""

    appointments: int


@dataclass(frozen=True)
class Register:
    """A day's register by `Entry.key`, cancelled lines among them."""

    entries: tuple[Entry, ...]


TroubleKind = Literal["unreachable", "busy", "refused", "login", "misunderstood"]


@dataclass(frozen=True)
class Trouble:
    """No answer. `what` is for staff, in English, and holds no patient data; `code`, `parameters`: the same as a value,
    for who says it in another language. `maybe_done`: of a write, it may have happened; ask before writing again.

    `unreachable`: nobody answered in time. `busy`: try again in a moment. `refused`: understood, and not done. `login`:
    user, password or rights. `misunderstood`: an answer that is none, or of somebody else.
    """

    kind: TroubleKind
    what: str
    maybe_done: bool = False
    code: str = "failed"
    parameters: Mapping[str, float] = field(default_factory=dict)


Answer = Found | UnknownPatient | Trouble
Registration = Registered | NothingToRegister | UnknownPatient | Withdrawn | InCustody | Trouble
Cancellation = Cancelled | NotRegistered | Trouble


Series = Literal["hospital", "entrance", "department"]


@dataclass(frozen=True)
class Numbering:
    """How a book numbers receptions. `by_system`: not at all, the system's numbers are told.

    `series`: one for the hospital, one for each entrance with its letters (`entrance`) before the number, or one for
    each department (then a visit has a reception, and a number, for each).
    """

    series: Series = "hospital"
    entrance: str = ""
    by_system: bool = False


HOSPITAL: Final = Numbering()


# --- what a book keeps of attempts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """The row of this day and patient is this attempt's until its lease ends. `ask_first`: an attempt before may have
    reached the system, so that it must be asked before anything is written there.
    """

    ask_first: bool = False


UnsettledKind = Literal["unknown", "custody", "refused"]


@dataclass(frozen=True)
class Unsettled:
    """An order of which staff must know: its outcome is not known (`unknown`), it waits for the system (`custody`), or
    the system did not take it (`refused`). `number`: as on the slip of who is or was in custody. `what`: why, without
    patient data.
    """

    kind: UnsettledKind
    order: Order
    since: datetime
    number: str = ""
    what: str = ""


@dataclass(frozen=True)
class UnsettledList:
    """Oldest first."""

    unsettled: tuple[Unsettled, ...]


@dataclass(frozen=True)
class Kept:
    """It is written down, durably."""


@dataclass(frozen=True)
class Imported:
    """What an import did: appointments now held for the days it contained, and how many days those were."""

    rows: int
    days: int


class ReservationsDown(Exception):
    """A book's work besides the port's calls (import, upkeep) could not be done. For staff; holds no patient data.

    `code`, `parameters`: what the text says as a value, for who says it in another language.
    """

    # Of a write that failed when it was being committed, or after that.
    maybe_done = False

    def __init__(self, text: str = "", code: str = "failed", **parameters: float) -> None:
        super().__init__(text)
        self.code = code
        self.parameters = parameters

    def as_trouble(self) -> Trouble:
        """The same as an answer."""
        return Trouble("unreachable", str(self), self.maybe_done, self.code, self.parameters)
