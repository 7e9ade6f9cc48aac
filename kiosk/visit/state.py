"""What a visit knows: the site's rules, the kiosk's surroundings, and one stage of one patient's visit.

Owns the shapes only. A stage holds exactly what is known at that moment, so nothing of one patient can be left over for
the next one; fields that speak of a patient carry `repr=False`, so that no log line can show them by accident.
All moments (`…_at`, `…_since`, `deadline`, `unclean_until`) are seconds of one monotonic clock, passed in.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal

from kiosk.visit.arrival import ArrivalInCustody as ArrivalInCustody  # noqa: PLC0414 - stages keep all four
from kiosk.visit.arrival import RegisteredArrival as RegisteredArrival  # noqa: PLC0414
from kiosk.visit.arrival import VisitAppointment as VisitAppointment  # noqa: PLC0414
from kiosk.visit.arrival import VisitReception as VisitReception  # noqa: PLC0414
from kiosk.visit.marks import CardSeen, Served
from kiosk.visit.rules import Look, Rules

Way = Literal["mynumber", "patient_card"]
# What the courier says of the key of a certificate, compared with the one of last time.
KeyVerdict = Literal["unchanged", "changed", "missing", "first"]


@dataclass(frozen=True)
class Opening:
    """When the site opens next, in its own time. `is_today`: no day need be named."""

    at: datetime
    is_today: bool


@dataclass(frozen=True)
class Surroundings:
    """What is known of the neighbours, whoever stands at the kiosk."""

    is_open: bool = True
    next_opening: Opening | None = None
    terminal_down_since: float | None = None
    card_reader_down_since: float | None = None
    staff: tuple[str, ...] = ()  # codes of what they should look at; small, and while nobody is served


@dataclass(frozen=True)
class WalkInDepartment:
    """A department for patients without an appointment, by its Japanese `name`; `opens`: if that is later today."""

    code: str
    name: str = field(repr=False)
    standing: Literal["open", "later", "ended", "closed"] = "open"
    opens: time | None = None

    @property
    def receives(self) -> bool:
        return self.standing == "open"


@dataclass(frozen=True)
class Candidate:
    """A result file that may be this visit's: who it names, what it says, and nothing more.

    `file`: equal values are the same file. `outcome` is `usable` or a reason for the counter; `birthdate` is YYYYMMDD
    as written in the file, or None. `key`: None while it was not compared.
    """

    file: Hashable
    outcome: str
    reference_number: str | None = field(repr=False)
    birthdate: str | None = field(repr=False)
    notes: tuple[str, ...] = ()
    key: KeyVerdict | None = None


@dataclass(frozen=True)
class OfVisit:
    """What belongs to one visit: a stage, a command, and a device's answer to one."""

    visit: int


@dataclass(frozen=True)
class AppointmentsFound(OfVisit):
    """An event: the look-up's answer for `day`. Here, because a stage may keep it until the patient has answered.

    `local_time`: the site's, of the look-up; `arrived`: registered already. `next_day`, `next_departments`: of the
    patient's next appointments. `walk_in`: where this patient may go without an appointment, () for nowhere.
    `birth_day`: MMDD where the site's table knows it; `birth_date`: where the hospital's system does. `insurance_due`:
    the site reminds once a month of showing the insurance card, and this patient has not yet. `see_staff`: the system
    says something that only people can judge.
    """

    day: date
    local_time: time
    patient_number: str = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)
    arrived: bool = False
    next_day: date | None = field(repr=False, default=None)
    next_departments: tuple[str, ...] = field(repr=False, default=())
    walk_in: tuple[WalkInDepartment, ...] = field(repr=False, default=())
    birth_day: str | None = field(repr=False, default=None)
    insurance_due: bool = False
    birth_date: date | None = field(repr=False, default=None)
    see_staff: bool = False

    @property
    def born_on(self) -> str | None:
        """MMDD, where anybody knows it."""
        return self.birth_day or (f"{self.birth_date:%m%d}" if self.birth_date else None)


@dataclass(frozen=True)
class Came:
    """How a patient came to be known, and notes for screen and slip. `file`, `key`, `birthdate`: of the result (as of
    Candidate); `qr`: by phone.
    """

    way: Way
    file: Hashable | None = None
    notes: tuple[str, ...] = ()
    key: KeyVerdict | None = None
    qr: bool = False
    birthdate: str | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Known:
    """A patient whose day was looked up. `covered`: the next appointment is not to be seen any more."""

    found: AppointmentsFound
    came: Came
    covered: bool = False


@dataclass(frozen=True)
class Start:
    """Nobody is being served."""


@dataclass(frozen=True)
class AskingForCard(OfVisit):
    """Somebody without a card or an appointment: perhaps one is at hand. `called`: staff were."""

    deadline: float
    called: bool = False
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class Preparing(OfVisit):
    """マイナンバーカード was chosen; the baseline of the terminal's folder is being taken.

    Normally that takes milliseconds; only when it takes longer (`slow_at`) is the patient told to wait. `asked`: the
    page before was that of AskingForCard.
    """

    slow_at: float
    deadline: float
    unclean: bool
    slow: bool = False
    asked: bool = False


@dataclass(frozen=True)
class AwaitingTap(OfVisit):
    """The patient is at the face reader. `pending`: new files seen but not yet complete."""

    began_at: float
    deadline: float
    unclean: bool
    pending: frozenset[Hashable] = frozenset()
    early_at: float | None = None
    asked_again: bool = False
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class Settling(OfVisit):
    """One candidate came; it must stay alone until the deadline."""

    began_at: float
    deadline: float
    unclean: bool
    asked_again: bool
    candidate: Candidate = field(repr=False)


@dataclass(frozen=True)
class AwaitingBirthday(OfVisit):
    """Whether the one who stands here is the one who is known is not sure: ask for MMDD first.

    `subject`: a candidate that has settled while an earlier visitor's result may be under way, or a card's patient.
    """

    deadline: float
    subject: Candidate | Known = field(repr=False)
    digits: str = field(repr=False, default="")
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class AwaitingCard(OfVisit):
    """The patient puts the 診察券 into the card reader; `tries` unreadable cards so far."""

    deadline: float
    tries: int = 0
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class LookingUp(OfVisit):
    """The patient is known by number; today's appointments are being asked for.

    `number`: a reference number by way of a result, a patient number by card.
    """

    deadline: float
    came: Came
    number: str = field(repr=False, default="")


@dataclass(frozen=True)
class TooEarly(OfVisit):
    """The patient may register from `opens_at` on, for the appointment at `appointment_at`, or None."""

    deadline: float
    opens_at: time = field(repr=False)
    appointment_at: time | None = field(repr=False)
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class OtherDay(OfVisit):
    """No appointment today, but one on another day: perhaps today was meant, without one."""

    deadline: float
    known: Known
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class ChoosingDepartment(OfVisit):
    """Without an appointment: where to? `page`: of the list, from 0."""

    deadline: float
    known: Known
    page: int = 0
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class ConfirmingDepartment(OfVisit):
    """Without an appointment, to `department`: is that right? `page`: of the list it was chosen from."""

    deadline: float
    known: Known
    department: WalkInDepartment = field(repr=False)
    page: int = 0
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class Registering(OfVisit):
    """The arrival is being registered. `back_by`: of a patient who came early; `expected`: for these appointments."""

    deadline: float
    came: Came
    patient_number: str = field(repr=False, default="")
    back_by: time | None = field(repr=False, default=None)
    expected: tuple[VisitAppointment, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Printing(OfVisit):
    """The arrival is registered, or in custody, and shown until `cover_at`; the slip is on its way."""

    deadline: float
    arrival: RegisteredArrival | ArrivalInCustody = field(repr=False)
    came: Came
    cover_at: float
    covered: bool = False


@dataclass(frozen=True)
class Done(OfVisit):
    """Registered, or in custody, and the outcome of the slip is known: `no_slip` is why there is none.

    `covered`: time and place cannot be seen any more. `reopened`: they were shown once more, after that.
    """

    deadline: float
    arrival: RegisteredArrival | ArrivalInCustody = field(repr=False)
    no_slip: str | None = None
    cover_at: float = 0.0
    covered: bool = False
    reopened: bool = False
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class AtCounter(OfVisit):
    """Not registered; staff take over. `next_day`, `next_departments`: the next appointments, if that is why.

    `appointment_at`: of the one that is too early or too late. `unidentified`: the visit never came to know whose it
    was, so a result of it may still be under way. `called`: staff were.
    """

    deadline: float
    reason: str
    next_day: date | None = field(repr=False, default=None)
    next_departments: tuple[str, ...] = field(repr=False, default=())
    appointment_at: time | None = field(repr=False, default=None)
    unidentified: bool = False
    called: bool = False
    warned: bool = False
    extended: int = 0


Stage = (
    Start
    | AskingForCard
    | Preparing
    | AwaitingTap
    | Settling
    | AwaitingBirthday
    | AwaitingCard
    | LookingUp
    | TooEarly
    | OtherDay
    | ChoosingDepartment
    | ConfirmingDepartment
    | Registering
    | Printing
    | Done
    | AtCounter
)


@dataclass(frozen=True)
class Kiosk:
    """The whole state. `unclean_until`: until then an earlier visitor's result may still appear.

    `look`: of who stands there; `look_until`: when it is the site's again, at an untouched start page.
    `choosing_language`: their list lies over the stage. `armed_for`: the visit to which the next card belongs.
    `cards_rest_until`: no card is taken until then. `staff_called_at`: the last time.
    """

    rules: Rules
    stage: Stage = field(default_factory=Start)
    surroundings: Surroundings = field(default_factory=Surroundings)
    unclean_until: float = 0.0
    last_visit: int = 0
    served: tuple[Served, ...] = ()
    look: Look = field(default_factory=Look)
    look_until: float | None = None
    choosing_language: bool = False
    armed_for: int | None = None
    cards_seen: tuple[CardSeen, ...] = ()
    cards_rest_until: float | None = None
    staff_called_at: float | None = None
