"""State -> Screen: what is shown, in words. Pure; window and headless are two faces of the same values.

Shows time, department, doctor, place and reception number; never a name, a patient number, a birth date or insurance.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, assert_never

from kiosk.visit import idle
from kiosk.visit.state import (
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Done,
    Kiosk,
    LookingUp,
    Opening,
    Preparing,
    Printing,
    RegisteredArrival,
    Registering,
    Settling,
    Start,
    VisitAppointment,
)
from kiosk.words.patient import word_clock, word_day, word_doctor
from kiosk.words.texts import Texts

Mood = Literal["ask", "wait", "good", "counter", "off"]

MORE_TIME: Final = "more_time"
# No button: what a face calls a finger that rests in the corner that staff know of. Patients are not told.
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
class Screen:
    """One screen. `lines` from top to bottom; `reason`, `notes` and `staff` are codes for staff and testers.

    The lines again, by what they are: `appointments`, `number` (the reception number), and `remarks`, the others.
    `step`: how far a visit at the face reader is, from 0. `typed`: digits of a birth day typed so far, 0 to 4.
    `until`: the moment (seconds of the flow's clock) at which this screen goes by itself; `leaving`: it will soon.
    `unavailable`: buttons that lead to the counter for now.
    """

    name: str
    title: str
    mood: Mood
    lines: tuple[str, ...] = field(repr=False, default=())
    buttons: tuple[str, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()
    number: int | None = field(repr=False, default=None)
    appointments: tuple[VisitAppointment, ...] = field(repr=False, default=())
    remarks: tuple[str, ...] = field(repr=False, default=())
    step: int | None = None
    typed: int = 0
    leaving: bool = False
    unavailable: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    until: float | None = field(default=None, compare=False)


def screen_of(kiosk: Kiosk, texts: Texts) -> Screen:
    """The screen for a state."""
    screen = _stage_screen(kiosk, texts)
    stage = kiosk.stage
    if not isinstance(stage, idle.TIMED_STAGES):
        return screen
    more = (MORE_TIME,) if idle.may_extend(stage) else ()
    return replace(screen, buttons=(*more, *screen.buttons), leaving=stage.warned, until=stage.deadline)


def _stage_screen(kiosk: Kiosk, texts: Texts) -> Screen:
    stage = kiosk.stage
    match stage:
        case Start():
            return _start(kiosk, texts)
        case Preparing():
            return _plain("preparing", texts, "wait", buttons=("cancel",)) if stage.slow else _start(kiosk, texts)
        case AwaitingTap() | Settling():
            again = (texts["tap_reader"]["again"],) if stage.asked_again else ()
            screen = _plain("tap_reader", texts, "ask", extra=again, buttons=("cancel",))
            return replace(screen, step=1 if isinstance(stage, Settling) else 0)
        case AwaitingBirthday():
            shown = "●" * len(stage.digits) + "○" * (4 - len(stage.digits))
            typed = texts["birthday"]["typed"].format(shown=shown)
            screen = _plain("birthday", texts, "ask", extra=(typed,), buttons=SCREENS["birthday"])
            return replace(screen, remarks=tuple(texts["birthday"]["lines"]), typed=len(stage.digits))
        case AwaitingCard():
            unreadable = stage.tries > 0
            words = texts["insert_card"]
            left = kiosk.rules.card_tries - stage.tries
            extra = (words["card_unreadable"], words["tries_left"].format(left=left)) if unreadable else ()
            reason = "card_unreadable" if unreadable else None
            return _plain("insert_card", texts, "ask", extra=extra, buttons=("cancel",), reason=reason)
        case LookingUp() | Registering():
            return _plain("looking_up", texts, "wait")
        case Printing():
            return _reception("printing", stage.arrival, texts, tuple(texts["printing"]["lines"]))
        case Done():
            return _done(stage, texts)
        case AtCounter():
            return _counter(stage, texts)
        case _:
            assert_never(stage)


def _plain(
    name: str,
    texts: Texts,
    mood: Mood,
    *,
    extra: tuple[str, ...] = (),
    buttons: tuple[str, ...] = (),
    reason: str | None = None,
) -> Screen:
    words = texts[name]
    lines = (*words["lines"], *extra)
    return Screen(name, words["title"], mood, lines, buttons, reason, remarks=lines)


def _start(kiosk: Kiosk, texts: Texts) -> Screen:
    around = kiosk.surroundings
    if not around.is_open:
        return replace(_plain("closed", texts, "off", extra=_opens(around.next_opening, texts)), staff=around.staff)
    if around.out_of_service:
        return replace(_plain("out_of_service", texts, "off"), staff=around.staff)
    down: dict[str, str] = {}
    if around.terminal_down_since is not None:
        down["mynumber"] = texts["choose_card"]["terminal_down"]
    if kiosk.rules.patient_cards and around.card_reader_down_since is not None:
        down["patient_card"] = texts["choose_card"]["card_reader_down"]
    buttons = ("mynumber", "patient_card") if kiosk.rules.patient_cards else ("mynumber",)
    screen = _plain("choose_card", texts, "ask", extra=tuple(down.values()), buttons=buttons)
    return replace(screen, unavailable=tuple(down), staff=around.staff)


def _opens(opening: Opening | None, texts: Texts) -> tuple[str, ...]:
    if opening is None:
        return ()
    pattern = texts["dates"]["opening_today" if opening.is_today else "opening"]
    return (texts["closed"]["opens"].format(opens=word_day(opening.at.date(), pattern, texts, opening.at.time())),)


def _reception(
    name: str,
    reception: RegisteredArrival,
    texts: Texts,
    tail: tuple[str, ...],
    *,
    reason: str | None = None,
    extra_notes: tuple[str, ...] = (),
    mood: Mood = "wait",
) -> Screen:
    shown = tuple(replace(each, doctor=word_doctor(each.doctor, texts)) for each in reception.appointments)
    remarks = (*(texts["notes"][note] for note in reception.notes if note in texts["notes"]), *tail)
    lines = (
        *(appointment_line(each, texts) for each in shown),
        texts["parts"]["number"].format(number=reception.number),
        *remarks,
    )
    return Screen(
        name,
        texts[name]["title"],
        mood,
        lines,
        SCREENS[name],
        reason,
        (*reception.notes, *extra_notes),
        reception.number,
        shown,
        remarks,
    )


def _done(stage: Done, texts: Texts) -> Screen:
    name = "already" if stage.arrival.again else "done"
    words = texts[name]
    if stage.no_slip is None:
        return _reception(name, stage.arrival, texts, (words["take_slip"],), mood="good")
    tail = (words["no_slip"],)
    return _reception(name, stage.arrival, texts, tail, reason=stage.no_slip, extra_notes=("no_slip",), mood="good")


def _counter(stage: AtCounter, texts: Texts) -> Screen:
    parts = texts["parts"]
    # The reason may come from a courier of another version: never a reason to show nothing.
    reason = texts["reasons"].get(stage.reason, texts["reasons"]["unknown"])
    lines = [reason, texts["counter"]["go"]]
    if stage.next_day is not None:
        lines.insert(1, parts["next_day"].format(month=stage.next_day.month, day=stage.next_day.day))
    if stage.appointment_at is not None and stage.reason in ("too_early", "too_late"):
        lines[0] = parts[stage.reason].format(time=word_clock(stage.appointment_at, texts))
    remarks = tuple(lines)
    return Screen("counter", texts["counter"]["title"], "counter", remarks, ("close",), stage.reason, remarks=remarks)


def appointment_line(appointment: VisitAppointment, texts: Texts) -> str:
    """`13:00 内科 佐藤 先生 A棟1階2番窓口`; what is not known is left out."""
    doctor = word_doctor(appointment.doctor, texts)
    parts = (word_clock(appointment.time, texts), appointment.department, doctor, appointment.place)
    return " ".join(part for part in parts if part)
