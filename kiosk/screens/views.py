"""What a patient can see, as values: a frozen view for each kind of page, and `Screen`, the closed union of them.

Every renderer (window, headless lines; later voice and keypad) matches on the kind, so that a new one cannot be left
out; what shows them to people is a `Face`. Text is worded already, in the language of `look`, with ruby and marked
names (`受付票《うけつけひょう》`, see `typography.ruby`). Codes are for staff and testers. A view holds time, place,
department, doctor and reception number; never a name, a patient number, a birth date or insurance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Literal, Protocol

from kiosk.visit.rules import Look

Status = Literal["not_yet", "done"]


@dataclass(frozen=True)
class Timeout:
    """The page goes by itself at `deadline`, in seconds of the visit's clock; `warned`: it says that it will soon.

    Two views that differ in the deadline only are equal: the same page, for longer.
    """

    deadline: float = field(compare=False)
    warned: bool = False


@dataclass(frozen=True)
class NextStep:
    """One thing to do, of a numbered list. `code`: one of names.NEXT; `text`: the sentence."""

    code: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class _View:
    """What every view has besides `lines` (top to bottom, without the title), `buttons` and `timeout`.

    `status`: whether this patient is registered, for the strip at the top; None where nobody asks. `next`: what to do,
    in order. `staff_code`: what staff look up (visit.reasons), "" for nothing. `tools`: which of names.TOOLS can be
    pressed.
    """

    name: str  # one of names.SCREENS
    title: str
    _: KW_ONLY
    look: Look = field(default_factory=Look)
    tools: tuple[str, ...] = ()
    status: Status | None = None
    next: tuple[NextStep, ...] = ()
    staff_code: str = ""


@dataclass(frozen=True)
class Choose(_View):
    """The start page: `title` asks which card. `purpose`: what this machine is for, and `who`: for whom.

    `press_first`: the hint that the screen comes before the reader; `notices`: what does not work now. A button of
    `unavailable` leads to the counter for now; `phone`: a phone may be held to the card reader; `staff`: codes of
    names.STAFF.
    """

    purpose: str
    who: tuple[str, ...]
    press_first: str
    notices: tuple[str, ...]
    buttons: tuple[str, ...]
    unavailable: tuple[str, ...] = ()
    phone: bool = False
    staff: tuple[str, ...] = ()
    timeout: ClassVar[None] = None

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.who, *self.notices)


@dataclass(frozen=True)
class Instruct(_View):
    """What to do at the face reader or the card reader; the acts are `next`. `remarks`: more to read.

    `step`: how far a visit at the face reader is, as an index of `next`; None at the card reader. `again`: it has to be
    done once more, and is a page of its own. `tries_left`: at the card reader after a card that could not be read.
    `phone`: a phone may be held there instead of the card.
    """

    remarks: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...]
    step: int | None = None
    again: bool = False
    tries_left: int | None = None
    phone: bool = False
    reason: str | None = None
    timeout: Timeout | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return (*(each.text for each in self.next), *self.remarks)


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
    """One appointment in words; what is not known is empty.

    `place`: where, as one text; `window` (a number, for the square), `floor` and `building` the same in parts, worded
    (`2`, `1階`, `A棟`). `original`: the department in Japanese where `department` is in another language. `number`: its
    own reception number, worded, where the visit has several.
    """

    time: str = field(repr=False)
    department: str = field(repr=False)
    doctor: str = field(repr=False)
    place: str = field(repr=False)
    window: str = field(repr=False, default="")
    floor: str = field(repr=False, default="")
    building: str = field(repr=False, default="")
    original: str = field(repr=False, default="")
    number: str = field(repr=False, default="")

    @property
    def line(self) -> str:
        """`13:00 内科 佐藤 先生 A棟1階2番窓口`, with a number of its own `受付番号 17` behind it."""
        return " ".join(part for part in (self.time, self.department, self.doctor, self.place, self.number) if part)


SlipState = Literal["printing", "take", "again", "none"]


@dataclass(frozen=True)
class Result(_View):
    """A registered arrival: where to go, when, and the reception number, in time order. `reason`: why there is no slip.

    `numbers`: one, or one for each department, and `numbered` where each stands beside an appointment; `number_line`:
    them as a line; `remarks`: what else there is to know (messages of the hospital, the hour of an
    arrival that was there before). `slip` is what the strip says, `slip_line` its words and `outlet` where the slip
    comes out, or ""; "again": a second one was printed. `covered`: time and place are not to be seen any more, and
    `appointments` is empty; any touch outside the buttons and tools is then `close`. `clock`: when somebody who was
    registered already was, or "".
    """

    appointments: tuple[AppointmentRow, ...] = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    number_line: str = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)
    slip: SlipState
    slip_line: str
    buttons: tuple[str, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()
    covered: bool = False
    clock: str = field(repr=False, default="")
    timeout: Timeout | None = None
    outlet: str = ""
    numbered: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        acts = (each.text for each in self.next if each.code not in ("take_slip", "note_number"))
        slip = (self.slip_line, *((self.outlet,) if self.outlet else ()))
        return (*(each.line for each in self.appointments), self.number_line, *acts, *self.remarks, *slip)


@dataclass(frozen=True)
class Custody(_View):
    """An arrival that is *not* registered, and kept until the hospital's system answers: where to go, and the number.

    `explained`: that it is not done; `remarks`: what else there is to know. `appointments`, `slip`,
    `slip_line`, `outlet`, `covered`: as of Result. `number`: of this kiosk's own series; `number_line`: it as a line.
    """

    explained: tuple[str, ...]
    appointments: tuple[AppointmentRow, ...] = field(repr=False)
    number: str = field(repr=False)
    number_line: str = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)
    slip: SlipState
    slip_line: str
    reason: str
    buttons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    covered: bool = False
    timeout: Timeout | None = None
    outlet: str = ""
    numbered: ClassVar[bool] = False

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.number,)

    @property
    def lines(self) -> tuple[str, ...]:
        acts = (each.text for each in self.next if each.code not in ("take_slip", "note_number"))
        slip = (self.slip_line, *((self.outlet,) if self.outlet else ()))
        rows = (each.line for each in self.appointments)
        return (*self.explained, *rows, self.number_line, *acts, *self.remarks, *slip)


@dataclass(frozen=True)
class Where:
    """Where staff wait: `window`, the number for the square, or ""; `name` in words; `text`: how to find it, or ""."""

    window: str
    name: str
    text: str


@dataclass(frozen=True)
class Counter(_View):
    """Nothing is registered, and staff take over; `reason` is one of visit.reasons, or a newer courier's.

    `explained`: the reason in plain words; `called`: "" until staff were called from here, then that they come.
    """

    explained: tuple[str, ...] = field(repr=False)
    where: Where
    buttons: tuple[str, ...]
    reason: str
    called: str
    timeout: Timeout

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.explained, *(each.text for each in self.next), *((self.called,) if self.called else ()))


@dataclass(frozen=True)
class Off(_View):
    """Closed, or out of service: nobody can be served. `opens`: when next, or ""; `staff`: codes of names.STAFF."""

    instructions: tuple[str, ...]
    opens: str
    staff: tuple[str, ...] = ()
    buttons: ClassVar[tuple[str, ...]] = ()
    timeout: ClassVar[None] = None

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.instructions, *((self.opens,) if self.opens else ()))


@dataclass(frozen=True)
class Choice:
    """One of the cards of a `Pick`. `reading`: its kana, `remark`: what a line below says; each may be "".

    `language`: one of LANGUAGES, where `text` is not in the page's.
    """

    button: str
    text: str = field(repr=False)
    reading: str = field(repr=False, default="")
    remark: str = field(repr=False, default="")
    available: bool = True
    chosen: bool = False
    language: str = ""


@dataclass(frozen=True)
class Pick(_View):
    """A list to choose from, at most six departments or all languages at once.

    `choices` that are not `available` cannot be pressed. `pages`: "" or which page of how many, in words; `buttons`:
    all that can be pressed, those of the choices among them.
    """

    instructions: tuple[str, ...]
    choices: tuple[Choice, ...]
    pages: str
    buttons: tuple[str, ...]
    reason: str | None = None
    timeout: Timeout | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        listed = (" ".join(part for part in (each.text, each.remark) if part) for each in self.choices)
        return (*self.instructions, *listed, *((self.pages,) if self.pages else ()))


@dataclass(frozen=True)
class Ask(_View):
    """A white page: one large `fact` under a small `caption`, `remarks` to it, and `buttons` as answers.

    Each may be "" or (). `called`: "" until staff were called from here, then that they come.
    """

    caption: str
    fact: str = field(repr=False)
    remarks: tuple[str, ...] = field(repr=False)
    buttons: tuple[str, ...]
    unavailable: tuple[str, ...] = ()
    reason: str | None = None
    called: str = ""
    timeout: Timeout | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for line in (self.caption, self.fact, *self.remarks, self.called) if line)


Screen = Choose | Instruct | Keys | Wait | Result | Custody | Counter | Off | Pick | Ask


class Face(Protocol):
    """Window or headless. `show` never waits, and may be called from any thread."""

    def show(self, screen: Screen) -> None: ...

    def prepare(self, screens: Sequence[Screen]) -> None:
        """These may come next, the likely ones first, and no others; they are not shown. Never waits."""

    def listen(self, press: Callable[[str], None], quit_: Callable[[], None]) -> None:
        """Pass on presses of buttons and tools, and the wish to end, from now on."""

    def serve(self, work: Callable[[], None]) -> None:
        """Run `work` until it returns; a face that needs the main thread for itself runs it in another."""

    def alive(self, now: float) -> bool:
        """Whether what was shown last can be seen: False before the first picture, and when drawing is stuck."""


def is_leaving(timeout: Timeout | None) -> bool:
    """Whether the page says that it is about to go by itself."""
    return timeout is not None and timeout.warned
