"""State -> Screen: what is shown, in words. Pure; window and headless are two renderers of the same values."""

from __future__ import annotations

from typing import Literal, assert_never

from kiosk.screens.names import MORE_TIME, SCREENS
from kiosk.screens.views import AppointmentRow, Choose, Counter, Instruct, Keys, Off, Result, Screen, Timeout, Wait
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


def screen_of(kiosk: Kiosk, texts: Texts) -> Screen:
    """The screen for a state. `texts`: the patient's catalogue."""
    stage = kiosk.stage
    match stage:
        case Start():
            return _start(kiosk, texts)
        case Preparing():
            return _wait("preparing", texts) if stage.slow else _start(kiosk, texts)
        case AwaitingTap() | Settling():
            return _reader(stage, texts)
        case AwaitingBirthday():
            return _birthday(stage, texts)
        case AwaitingCard():
            return _card(stage, kiosk.rules.card_tries - stage.tries, texts)
        case LookingUp() | Registering():
            return _wait("looking_up", texts)
        case Printing():
            return _result("printing", stage.arrival, tuple(texts["printing"]["lines"]), texts)
        case Done():
            return _done(stage, texts)
        case AtCounter():
            return _counter(stage, texts)
        case _:
            assert_never(stage)


def _start(kiosk: Kiosk, texts: Texts) -> Choose | Off:
    around = kiosk.surroundings
    if not around.is_open:
        words = texts["closed"]
        return Off("closed", words["title"], (*words["lines"], *_opens(around.next_opening, texts)), around.staff)
    if around.out_of_service:
        words = texts["out_of_service"]
        return Off("out_of_service", words["title"], tuple(words["lines"]), around.staff)
    words = texts["choose_card"]
    down: dict[str, str] = {}
    if around.terminal_down_since is not None:
        down["mynumber"] = words["terminal_down"]
    if kiosk.rules.patient_cards and around.card_reader_down_since is not None:
        down["patient_card"] = words["card_reader_down"]
    buttons = ("mynumber", "patient_card") if kiosk.rules.patient_cards else ("mynumber",)
    lines = (*words["lines"], *down.values())
    return Choose("choose_card", words["title"], lines, buttons, tuple(down), around.staff)


def _opens(opening: Opening | None, texts: Texts) -> tuple[str, ...]:
    if opening is None:
        return ()
    pattern = texts["dates"]["opening_today" if opening.is_today else "opening"]
    return (texts["closed"]["opens"].format(opens=word_day(opening.at.date(), pattern, texts, opening.at.time())),)


def _wait(name: Literal["preparing", "looking_up"], texts: Texts) -> Wait:
    return Wait(name, texts[name]["title"], tuple(texts[name]["lines"]), SCREENS[name])


def _reader(stage: AwaitingTap | Settling, texts: Texts) -> Instruct:
    words = texts["tap_reader"]
    lines = (*words["lines"], words["again"]) if stage.asked_again else tuple(words["lines"])
    if isinstance(stage, Settling):
        return Instruct("tap_reader", words["title"], lines, SCREENS["tap_reader"], step=1)
    return Instruct("tap_reader", words["title"], lines, _buttons("tap_reader", stage), step=0, timeout=_timeout(stage))


def _birthday(stage: AwaitingBirthday, texts: Texts) -> Keys:
    words, typed = texts["birthday"], len(stage.digits)
    dots = words["typed"].format(dots="●" * typed + "○" * (4 - typed))
    buttons = _buttons("birthday", stage)
    return Keys("birthday", words["title"], tuple(words["lines"]), dots, typed, buttons, _timeout(stage))


def _card(stage: AwaitingCard, tries_left: int, texts: Texts) -> Instruct:
    words = texts["insert_card"]
    unreadable = (words["card_unreadable"], words["tries_left"].format(left=tries_left)) if stage.tries else ()
    return Instruct(
        "insert_card",
        words["title"],
        (*words["lines"], *unreadable),
        _buttons("insert_card", stage),
        reason="card_unreadable" if stage.tries else None,
        timeout=_timeout(stage),
    )


def _result(
    name: Literal["printing", "done", "already"],
    arrival: RegisteredArrival,
    tail: tuple[str, ...],
    texts: Texts,
    done: Done | None = None,
) -> Result:
    no_slip = done.no_slip if done else None
    return Result(
        name,
        texts[name]["title"],
        tuple(_row(each, texts) for each in arrival.appointments),
        arrival.number,
        texts["parts"]["number"].format(number=arrival.number),
        (*(texts["notes"][note] for note in arrival.notes if note in texts["notes"]), *tail),
        printing=done is None,
        buttons=_buttons(name, done) if done else SCREENS[name],
        reason=no_slip,
        notes=(*arrival.notes, "no_slip") if no_slip else arrival.notes,
        timeout=_timeout(done) if done else None,
    )


def _done(stage: Done, texts: Texts) -> Result:
    name: Literal["done", "already"] = "already" if stage.arrival.again else "done"
    tail = texts[name]["take_slip" if stage.no_slip is None else "no_slip"]
    return _result(name, stage.arrival, (tail,), texts, stage)


def _row(appointment: VisitAppointment, texts: Texts) -> AppointmentRow:
    clock, doctor = word_clock(appointment.time, texts), word_doctor(appointment.doctor, texts)
    return AppointmentRow(clock, appointment.department, doctor, appointment.place)


def _counter(stage: AtCounter, texts: Texts) -> Counter:
    parts = texts["parts"]
    # The reason may come from a courier of another version: never a reason to show nothing.
    lines = [texts["reasons"].get(stage.reason, texts["reasons"]["unknown"]), texts["counter"]["go"]]
    if stage.next_day is not None:
        lines.insert(1, parts["next_day"].format(month=stage.next_day.month, day=stage.next_day.day))
    if stage.appointment_at is not None and stage.reason in ("too_early", "too_late"):
        lines[0] = parts[stage.reason].format(time=word_clock(stage.appointment_at, texts))
    title, buttons = texts["counter"]["title"], _buttons("counter", stage)
    return Counter("counter", title, tuple(lines), buttons, stage.reason, _timeout(stage))


def _timeout(stage: idle.TimedStage) -> Timeout:
    return Timeout(stage.deadline, stage.warned)


def _buttons(name: str, stage: idle.TimedStage) -> tuple[str, ...]:
    return (MORE_TIME, *SCREENS[name]) if idle.may_extend(stage) else SCREENS[name]
