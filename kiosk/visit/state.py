"""What a visit knows: the site's rules, the kiosk's surroundings, and one stage of one patient's visit.

Owns the shapes only. A stage holds exactly what is known at that moment, so nothing of one patient can be left over for
the next one; fields that speak of a patient carry `repr=False`, so that no log line can show them by accident.
All moments (`…_at`, `…_since`, `deadline`, `unclean_until`) are seconds of one monotonic clock, passed in.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final, Literal, get_args

Way = Literal["mynumber", "patient_card"]
BirthdayRule = Literal["always", "after_unclean", "never"]
CardBirthdayRule = Literal["never", "qr", "always"]
EarlyRule = Literal["counter", "refuse", "register"]
LateRule = Literal["counter", "register"]
# What the courier says of the key of a certificate, compared with the one of last time.
KeyVerdict = Literal["unchanged", "changed", "missing", "first"]
Language = Literal["ja", "ja_simple", "en", "zh_hans", "ko", "vi", "pt"]
Theme = Literal["normal", "high_contrast"]
Size = Literal["normal", "large"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


@dataclass(frozen=True)
class Look:
    """How pages look for who stands there now; the next one gets the site's again.

    `wheelchair`: everything that is touched lies within reach of somebody who sits.
    """

    language: Language = "ja"
    theme: Theme = "normal"
    size: Size = "normal"
    wheelchair: bool = False


@dataclass(frozen=True)
class Rules:
    """The site's rules a visit depends on (site.toml), in seconds and minutes."""

    result_wait_s: float = 60.0
    reader_min_s: float = 6.0
    settle_s: float = 0.5
    unclean_s: float = 200.0
    birthday: BirthdayRule = "after_unclean"
    card_wait_s: float = 60.0
    birthday_wait_s: float = 60.0
    done_s: float = 15.0
    counter_s: float = 20.0
    early_min: int = 0
    late_min: int = 0
    patient_cards: bool = True
    counter_slip: bool = False
    # What a patient who comes outside early_min and late_min gets: the counter, unless the site says more.
    early: EarlyRule = "counter"
    late: LateRule = "counter"
    # The third way of the start page: no card, no appointment.
    no_card: bool = False
    # Whether patients without an appointment may be received here; which departments do comes with each look-up.
    walk_in: bool = False
    # Of whom the birth day is asked who came by card or by the code of a phone, where the system knows it.
    card_birthday: CardBirthdayRule = "never"
    # Whether `call` is offered where staff take over.
    staff_call: bool = False
    languages: tuple[Language, ...] = LANGUAGES
    look: Look = Look()
    # Not in site.toml: bounds of our own, so that no stage can last for ever whatever a device does.
    baseline_s: float = 10.0
    baseline_slow_s: float = 0.4
    look_up_s: float = 12.0
    print_s: float = 110.0  # a printer's own worst case is below that
    again_after_s: float = 3.0
    card_tries: int = 3
    warn_s: float = 20.0
    out_of_service_after_s: float = 30.0
    readable_s: float = 20.0  # time and place of a patient; then they are covered
    notice_s: float = 20.0  # that the patient is registered, at least so long once the rest is covered
    ask_s: float = 60.0  # a question to a patient who is known
    look_s: float = 60.0  # a look that somebody chose at the start page, and left
    call_every_s: float = 120.0
    cards_max: int = 5  # so many different numbers within cards_s close the card reader for cards_closed_s
    cards_s: float = 60.0
    cards_closed_s: float = 60.0
    served_max: int = 1000


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
    out_of_service: bool = False
    # Codes of what staff should look at; shown small while nobody is served.
    staff: tuple[str, ...] = ()


@dataclass(frozen=True)
class VisitAppointment:
    """One appointment of the visit's day as the patient gets to know it; `time`: of the site's day.

    `place`: in words; `building`, `floor`, `window`: the same in parts, "" where the site does not say. `message`: what
    the hospital wants the patient to know (`採尿してから診察へ`), in Japanese.
    """

    time: time = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    building: str = field(repr=False, default="")
    floor: str = field(repr=False, default="")
    window: str = field(repr=False, default="")
    message: str = field(repr=False, default="")


@dataclass(frozen=True)
class WalkInDepartment:
    """A department that receives patients without an appointment today.

    `name` in Japanese, as it is registered; `reading` in kana, or "". `receives` says whether it does so now; if not,
    `opens` is when it will today, if it will.
    """

    code: str
    name: str
    reading: str = ""
    receives: bool = True
    opens: time | None = None


@dataclass(frozen=True)
class Candidate:
    """A result file that may be this visit's: who it names, what it says, and nothing more.

    `file`: equal values are the same file. `outcome` is `usable` or a reason for the counter; `birthdate` is YYYYMMDD
    as written in the file, or None. `key`: None where the site compares no keys.
    """

    file: Hashable
    outcome: str
    reference_number: str | None = field(repr=False)
    birthdate: str | None = field(repr=False)
    notes: tuple[str, ...] = ()
    key: KeyVerdict | None = None


@dataclass(frozen=True)
class RegisteredArrival:
    """A registered arrival: what screen and slip show. `again` means that it had been registered before.

    `local_time`: when it was registered, in the site's time; `day`: whose appointments they are. `back_by`: the patient
    came early and is to be back by then.
    """

    day: date
    local_time: time = field(repr=False)
    patient_number: str = field(repr=False)
    number: int = field(repr=False)
    appointments: tuple[VisitAppointment, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    again: bool = False
    back_by: time | None = field(repr=False, default=None)


@dataclass(frozen=True)
class OfVisit:
    """What belongs to one visit: a stage, a command, and a device's answer to one."""

    visit: int


@dataclass(frozen=True)
class AppointmentsFound(OfVisit):
    """An event: the look-up's answer for `day`. Here, because a stage may keep it until the patient has answered.

    `local_time`: the site's, of the look-up; `arrived`: registered already. `next_day`, `next_departments`: of the
    patient's next appointments. `walk_in`: where this patient may go without an appointment, () for nowhere.
    `birth_day`: MMDD where the system knows it. `insurance_due`: the site reminds once a month of showing the insurance
    card, and this patient has not yet.
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


@dataclass(frozen=True)
class Start:
    """Nobody is being served."""


@dataclass(frozen=True)
class Preparing(OfVisit):
    """マイナンバーカード was chosen; the baseline of the terminal's folder is being taken.

    Normally that takes milliseconds; only when it takes longer (`slow_at`) is the patient told to wait.
    """

    slow_at: float
    deadline: float
    unclean: bool
    slow: bool = False


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
    """The candidate has settled, but an earlier visitor's result may still be under way: ask for MMDD first."""

    deadline: float
    candidate: Candidate = field(repr=False)
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
    """The patient is known by number; today's appointments are being asked for."""

    deadline: float
    way: Way
    file: Hashable | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registering(OfVisit):
    """There is an appointment; the arrival is being registered."""

    deadline: float
    file: Hashable | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Printing(OfVisit):
    """The arrival is registered and shown; the slip is on its way."""

    deadline: float
    arrival: RegisteredArrival = field(repr=False)


@dataclass(frozen=True)
class Done(OfVisit):
    """Registered, and the outcome of the slip is known: `no_slip` is why there is none."""

    deadline: float
    arrival: RegisteredArrival = field(repr=False)
    no_slip: str | None = None
    warned: bool = False
    extended: int = 0


@dataclass(frozen=True)
class AtCounter(OfVisit):
    """Not registered; staff take over. `next_day` is the patient's next appointment, if that is why.

    `appointment_at`: of the appointment that is too early or too late. `unidentified`: the visit never came to know
    whose it was, so a result of it may still be under way.
    """

    deadline: float
    reason: str
    next_day: date | None = field(repr=False, default=None)
    appointment_at: time | None = field(repr=False, default=None)
    unidentified: bool = False
    warned: bool = False
    extended: int = 0


Stage = (
    Start
    | Preparing
    | AwaitingTap
    | Settling
    | AwaitingBirthday
    | AwaitingCard
    | LookingUp
    | Registering
    | Printing
    | Done
    | AtCounter
)


@dataclass(frozen=True)
class Served:
    """Somebody was identified; until `expires_at` a second result of the same person is taken for a late one.

    `mark` tells the same number from another one within this process (Python keys the hash of a string with a random
    secret) and is nothing outside it: no number is kept.
    """

    mark: int = field(repr=False)
    expires_at: float


@dataclass(frozen=True)
class Kiosk:
    """The whole state. `unclean_until`: until then an earlier visitor's result may still appear."""

    rules: Rules
    stage: Stage = field(default_factory=Start)
    surroundings: Surroundings = field(default_factory=Surroundings)
    unclean_until: float = 0.0
    last_visit: int = 0
    served: tuple[Served, ...] = ()


def switched_on(rules: Rules, now: float, *, clean: bool = False) -> Kiosk:
    """The first state. A kiosk that just started cannot know whose results are under way, so it starts unclean.

    `clean`: the caller knows that nobody was there before; only a demo with folders of its own can.
    """
    return Kiosk(rules=rules, unclean_until=now if clean else now + rules.unclean_s)
