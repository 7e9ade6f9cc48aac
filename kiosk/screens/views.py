"""What a patient can see, as values: a frozen view for each kind of page, and `Screen`, the closed union of them.

Every renderer (window, headless lines; later voice and keypad) matches on the kind, so that a new one cannot be left
out; what shows them to people is a `Face`. Text is worded already; codes are for staff and testers. A view holds time,
department, doctor, place and reception number; never a name, a patient number, a birth date or insurance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol, assert_never

MORE_TIME: Final = "more_time"
# No button: what a face calls a finger that rests in the corner that staff know of. Patients are not shown it.
STAFF_CORNER: Final = "staff_corner"
KEYS: Final = tuple(f"key_{digit}" for digit in range(10))
# Every screen with the buttons it can have; one that is about to go by itself offers MORE_TIME as well.
SCREENS: Final[dict[str, tuple[str, ...]]] = {
    "choose_card": ("mynumber", "patient_card"),
    "preparing": ("cancel",),
    "tap_reader": ("cancel",),
    "insert_card": ("cancel",),
    "birthday": (*KEYS, "clear", "ok", "cancel"),
    "looking_up": (),
    "printing": (),
    "done": ("close",),
    "already": ("close",),
    "counter": ("close",),
    "closed": (),
    "out_of_service": (),
}
COUNTER_REASONS: Final = (
    "not_registered",
    "ambiguous",
    "unreadable",
    "failed",
    "no_qualification",
    "unknown_patient",
    "no_appointment",
    "reservations_down",
    "no_result",
    "birthday_differs",
    "card_unreadable",
    "too_early",
    "too_late",
)
NO_SLIP_REASONS: Final = ("paper_out", "cover_open", "printer_offline", "printer_silent", "printer_stalled")
# The worst first.
STAFF: Final = (
    "disk_full",
    "courier_silent",
    "delivery_waits",
    "share_terminal",
    "share_receipt_computer",
    "reservations_down",
    "reservations_lost",
    "reference_numbers_refused",
    "alarms",
    "alarm_command_failed",
    "printer",
    "paper_near_end",
    "imports",
    "disk_low",
    "reservations_backup_old",
)
NOTES: Final = ("insurance_check", "subsidy_failed", "no_slip")


@dataclass(frozen=True)
class Timeout:
    """The page goes by itself at `deadline`, in seconds of the visit's clock; `warned`: it says that it will soon.

    Two views that differ in the deadline only are equal: the same page, for longer.
    """

    deadline: float = field(compare=False)
    warned: bool = False


@dataclass(frozen=True)
class _View:
    """What every view has besides `lines` (from top to bottom, without the title), `buttons` and `timeout`."""

    name: str  # one of SCREENS
    title: str


@dataclass(frozen=True)
class Choose(_View):
    """The start page: which card? `unavailable`: buttons that lead to the counter for now; `staff`: codes of STAFF."""

    lines: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...]
    unavailable: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    timeout: ClassVar[None] = None


@dataclass(frozen=True)
class Instruct(_View):
    """What to do at the face reader or the card reader. `step`: how far a visit at the face reader is, from 0."""

    lines: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...]
    step: int | None = None
    reason: str | None = None
    timeout: Timeout | None = None


@dataclass(frozen=True)
class Keys(_View):
    """Digits to type; `typed`: how many are there (0 to 4), and `dots` the same for the lines. Never the digits."""

    instructions: tuple[str, ...] = field(repr=False)
    dots: str
    typed: int
    buttons: tuple[str, ...]
    timeout: Timeout | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.instructions, self.dots)


@dataclass(frozen=True)
class Wait(_View):
    """Something is under way; nothing to do but read."""

    lines: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...] = ()
    timeout: ClassVar[None] = None


@dataclass(frozen=True)
class AppointmentRow:
    """One appointment in words; what is not known is empty."""

    time: str = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)

    @property
    def line(self) -> str:
        """`13:00 内科 佐藤 先生 A棟1階2番窓口`."""
        return " ".join(part for part in (self.time, self.department, self.doctor, self.place) if part)


@dataclass(frozen=True)
class Result(_View):
    """A registered arrival: where to go, when, and the reception number. `reason`: why there is no slip.

    `number_line`: the number as a line; `remarks`: what comes below it. `printing`: the slip is on its way.
    """

    appointments: tuple[AppointmentRow, ...] = field(repr=False)
    number: int = field(repr=False)
    number_line: str = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)
    printing: bool
    buttons: tuple[str, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()
    timeout: Timeout | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return (*(each.line for each in self.appointments), self.number_line, *self.remarks)


@dataclass(frozen=True)
class Counter(_View):
    """Nothing is registered, and staff take over; `reason` is one of COUNTER_REASONS, or a newer courier's."""

    lines: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...]
    reason: str
    timeout: Timeout


@dataclass(frozen=True)
class Off(_View):
    """Closed, or out of service: nobody can be served. `staff`: codes of STAFF."""

    lines: tuple[str, ...] = field(repr=False)
    staff: tuple[str, ...] = ()
    buttons: ClassVar[tuple[str, ...]] = ()
    timeout: ClassVar[None] = None


Screen = Choose | Instruct | Keys | Wait | Result | Counter | Off


class Face(Protocol):
    """Window or headless. `show` never waits, and may be called from any thread."""

    def show(self, screen: Screen) -> None: ...

    def prepare(self, screen: Screen) -> None:
        """A screen like this one may come soon; it is not shown. Never waits."""

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Pass on presses of buttons, and the wish to end, from now on."""

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` until it returns; a face that needs the main thread for itself runs it in another."""

    def alive(self, now: float) -> bool:
        """Whether what was shown last can be seen: False before the first picture, and when drawing is stuck."""


def as_json(screen: Screen) -> dict[str, Any]:
    """A screen as the headless lines have it, but for the time; every line has all fields."""
    line: dict[str, Any] = {
        "screen": screen.name,
        "title": screen.title,
        "lines": list(screen.lines),
        "buttons": list(screen.buttons),
        "reason": None,
        "notes": [],
        "leaving": is_leaving(screen.timeout),
        "unavailable": [],
        "staff": [],
    }
    match screen:
        case Choose():
            line |= {"unavailable": list(screen.unavailable), "staff": list(screen.staff)}
        case Result():
            line |= {"reason": screen.reason, "notes": list(screen.notes)}
        case Instruct() | Counter():
            line["reason"] = screen.reason
        case Off():
            line["staff"] = list(screen.staff)
        case Keys() | Wait():
            pass
        case _:
            assert_never(screen)
    return line


def is_leaving(timeout: Timeout | None) -> bool:
    """Whether the page says that it is about to go by itself."""
    return timeout is not None and timeout.warned
