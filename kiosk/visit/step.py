"""step(kiosk, event, now) -> (kiosk, commands): the reception as one pure function. First how it works.

What a visit is. Somebody touches a card on the start page, or puts a patient card in; from then until the start page is
back, one visit is under way. It has a number, and is in exactly one stage: what is known at that moment, and nothing
else. At a face reader: Preparing (the terminal's folder is listed), AwaitingTap (the patient is over there), Settling
(one result came; does it stay alone?), sometimes AwaitingBirthday; by patient card: AwaitingCard, and AwaitingBirthday
where the site wants it; without either: AskingForCard. Then all ways are one: LookingUp (today's appointments),
Registering (the arrival), Printing (the slip), Done. Between the first two may be a question: TooEarly, OtherDay, and
for a walk-in ChoosingDepartment and ConfirmingDepartment. While the hospital's system is down an arrival may be taken
into custody instead: it is printed and shown as such, and never as done. Whatever goes wrong leads to AtCounter: staff
take over, and the page says so. Start holds nothing, so nothing of one patient can be left over for the next one.

Events and commands. What happened is an event; what is asked of a device is a command, and its answer is an event
again. Answers name the visit that asked; one that comes when the visit has moved on changes nothing. Only the
registration that comes late is recorded: the patient was sent to the counter, and staff must know that the arrival is
in the database.

The clocks. `now` and every moment in a state are seconds of one monotonic clock, which the caller passes in: setting
the PC's clock changes no visit. The site's own time and date come with the answers of the reservations; they are what
is compared with appointments and printed. Every stage but Start has a deadline, so nothing lasts for ever whatever a
device does; `next_deadline` says when Ticked is due. A stage that waits for a person warns for 20 s first, and what is
seen of a patient who is registered is covered after 20 s (`idle`).

Cards and looks. To which visit the next card belongs is a function of the state (`begin.card_visit`): at the start
page, and over a page that only says that somebody else is done, to one that it begins. `step` arms the reader
accordingly. The tools at the foot of each page (`looks`) change how pages look and nothing of the visit.

Whose result it is. The face reader belongs to the terminal: it works without us, and a result file says whom it is
about, not who stands here. So a result counts for a visit only if its file is new since the listing (the baseline),
came later than a reader can be after the choice, and stays alone for `settle_s`; two at once belong to nobody. Even
so it may be somebody else's: of a visitor who held the card to the reader and left, whose result took minutes to
come.

Clean and unclean. A visit that ends without knowing its patient may have a result under way. For `unclean_s` from
then on the kiosk is unclean: a result is shown only to someone who types the birth day that is in it, once. The same
holds after a start of the program (nobody knows what was before), and for a second result of somebody served a moment
ago. A visit that came to know its patient had its result, and leaves the kiosk as it was.

What is decided where. Here: which stage follows, and why a patient goes to the counter. In `screens`: the words. In
the courier: whether a file is complete, what it says, and its delivery, which never depends on a visit. In the
reservations: who has an appointment. The loop (`reception.loop`) only carries events here and commands away.

The table. Every pair of stage and event is decided once: a row of TRANSITIONS names the handler and the stages it may
lead to; IGNORED says why the event changes nothing in all other stages. A pair in neither is an error, because an
event that nobody thought of must not pass in silence. `transition` is typed: a handler of another stage or event does
not pass the type check. deploy/VISIT.md draws the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeGuard, TypeVar, assert_never, get_args

from kiosk.visit import arrive, begin, identify, idle, looks, receive
from kiosk.visit import events as e
from kiosk.visit.commands import ArmCardReader, DisarmCardReader, StopWaiting
from kiosk.visit.moves import Step
from kiosk.visit.state import (
    AskingForCard,
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    ChoosingDepartment,
    ConfirmingDepartment,
    Done,
    Kiosk,
    LookingUp,
    OfVisit,
    OtherDay,
    Preparing,
    Printing,
    Registering,
    Settling,
    Stage,
    Start,
    Surroundings,
    TooEarly,
)

S = TypeVar("S", bound=Stage)
E = TypeVar("E", bound=e.VisitEvent)


@dataclass(frozen=True)
class Transition:
    """A row of the table. `leads_to`: the other stages that may follow; staying is always possible."""

    stage: type[object]
    event: type[object]
    handler: Callable[[Kiosk, Any, Any, float], Step]
    leads_to: tuple[type[Stage], ...]


def transition(
    stage: type[S], event: type[E], handler: Callable[[Kiosk, S, E, float], Step], *leads_to: type[Stage]
) -> Transition:
    """A row whose handler takes just this stage and this event: mypy refuses any other."""
    return Transition(stage, event, handler, leads_to)


# In these a result is waited for, or another one would make the first doubtful.
WAITING: Final = (Preparing, AwaitingTap, Settling)
STAGES: Final[tuple[type[Stage], ...]] = get_args(Stage)

# What a known patient's day may lead to.
_AFTER_LOOK_UP: Final = (Registering, TooEarly, OtherDay, ChoosingDepartment, AtCounter)

TRANSITIONS: Final = (
    transition(Start, e.Pressed, begin.on_start_pressed, AskingForCard, Preparing, AwaitingCard, AtCounter),
    transition(Start, e.Ticked, begin.on_start_ticked),
    transition(Start, e.CardRead, begin.on_card_at_start, LookingUp, AtCounter),
    transition(Start, e.CardUnreadable, begin.on_unreadable_at_start, AwaitingCard),
    transition(AskingForCard, e.Pressed, begin.on_asked_for_card_pressed, Preparing, AwaitingCard, AtCounter, Start),
    transition(AskingForCard, e.Ticked, begin.on_asked_for_card_ticked, Start),
    transition(AskingForCard, e.CardRead, begin.on_card_read, LookingUp, AtCounter),
    transition(AskingForCard, e.CardUnreadable, begin.on_first_card_unreadable, AwaitingCard),
    transition(Preparing, e.Pressed, identify.on_cancel_pressed, Start),
    transition(Preparing, e.Ticked, identify.on_preparing_ticked, AtCounter),
    transition(Preparing, e.BaselineTaken, identify.on_baseline_taken, AwaitingTap),
    transition(Preparing, e.BaselineFailed, identify.on_baseline_failed, AtCounter),
    transition(AwaitingTap, e.Pressed, identify.on_cancel_pressed, Start),
    transition(AwaitingTap, e.Ticked, identify.on_tap_ticked, AtCounter),
    transition(AwaitingTap, e.ResultSighted, identify.on_result_sighted),
    transition(AwaitingTap, e.ResultGone, identify.on_result_gone),
    transition(AwaitingTap, e.ResultArrived, identify.on_result_arrived, Settling, AtCounter),
    transition(AwaitingTap, e.CourierReturned, identify.on_courier_returned),
    transition(Settling, e.Pressed, identify.on_cancel_pressed, Start),
    transition(Settling, e.Ticked, identify.on_settling_ticked, LookingUp, AwaitingBirthday, AtCounter),
    transition(Settling, e.ResultSighted, identify.on_second_result_sighted, AtCounter),
    transition(Settling, e.ResultArrived, identify.on_second_result_arrived, AtCounter),
    transition(Settling, e.SubsidyFailed, identify.on_news),
    transition(Settling, e.ResultCompared, identify.on_news),
    transition(Settling, e.CourierReturned, identify.on_courier_returned_while_settling, AwaitingTap),
    transition(AwaitingBirthday, e.Pressed, identify.on_birthday_pressed, LookingUp, *_AFTER_LOOK_UP, Start),
    transition(AwaitingBirthday, e.Ticked, identify.on_birthday_ticked, AtCounter),
    transition(AwaitingBirthday, e.SubsidyFailed, identify.on_news_before_birthday),
    transition(AwaitingBirthday, e.ResultCompared, identify.on_news_before_birthday),
    transition(AwaitingCard, e.Pressed, begin.on_card_cancelled, Start),
    transition(AwaitingCard, e.Ticked, begin.on_card_ticked, AtCounter, Start),
    transition(AwaitingCard, e.CardRead, begin.on_card_read, LookingUp, AtCounter),
    transition(AwaitingCard, e.CardUnreadable, begin.on_card_unreadable, AtCounter),
    transition(LookingUp, e.Ticked, receive.on_reservations_ticked, AtCounter),
    transition(LookingUp, e.SubsidyFailed, receive.on_news),
    transition(LookingUp, e.ResultCompared, receive.on_news),
    transition(LookingUp, e.AppointmentsFound, receive.on_appointments_found, AwaitingBirthday, *_AFTER_LOOK_UP),
    transition(LookingUp, e.PatientUnknown, receive.on_patient_unknown, AtCounter),
    transition(LookingUp, e.ReservationsFailed, receive.on_reservations_failed, AtCounter),
    transition(TooEarly, e.Pressed, arrive.on_too_early_pressed, Start),
    transition(TooEarly, e.Ticked, arrive.on_asked_ticked, Start),
    transition(OtherDay, e.Pressed, arrive.on_other_day_pressed, ChoosingDepartment, Start),
    transition(OtherDay, e.Ticked, arrive.on_asked_ticked, Start),
    transition(OtherDay, e.SubsidyFailed, arrive.on_news),
    transition(OtherDay, e.ResultCompared, arrive.on_news),
    transition(ChoosingDepartment, e.Pressed, arrive.on_department_pressed, ConfirmingDepartment, OtherDay, AtCounter),
    transition(ChoosingDepartment, e.Ticked, arrive.on_asked_ticked, Start),
    transition(ChoosingDepartment, e.SubsidyFailed, arrive.on_news),
    transition(ChoosingDepartment, e.ResultCompared, arrive.on_news),
    transition(ConfirmingDepartment, e.Pressed, arrive.on_confirm_pressed, Registering, ChoosingDepartment),
    transition(ConfirmingDepartment, e.Ticked, arrive.on_asked_ticked, Start),
    transition(ConfirmingDepartment, e.SubsidyFailed, arrive.on_news),
    transition(ConfirmingDepartment, e.ResultCompared, arrive.on_news),
    transition(Registering, e.Ticked, receive.on_reservations_ticked, AtCounter),
    transition(Registering, e.SubsidyFailed, receive.on_news),
    transition(Registering, e.ResultCompared, receive.on_news),
    transition(Registering, e.ReservationsFailed, receive.on_reservations_failed, AtCounter),
    transition(Registering, e.ArrivalRegistered, receive.on_arrival_registered, Printing),
    transition(Registering, e.InCustody, receive.on_in_custody, Printing),
    transition(Registering, e.PatientUnknown, receive.on_patient_unknown, AtCounter),
    transition(Registering, e.NothingToRegister, receive.on_nothing_to_register, AtCounter),
    transition(Printing, e.Ticked, receive.on_printing_ticked, Done),
    transition(Printing, e.SlipPrinted, receive.on_slip_ended, Done),
    transition(Printing, e.SlipFailed, receive.on_slip_ended, Done),
    transition(Done, e.Pressed, receive.on_done_pressed, Start),
    transition(Done, e.Ticked, receive.on_done_ticked, Start),
    transition(Done, e.CardRead, begin.on_card_after_done, LookingUp, AtCounter),
    transition(Done, e.CardUnreadable, begin.on_unreadable_after_done, AwaitingCard),
    transition(AtCounter, e.Pressed, receive.on_counter_pressed, Start),
    transition(AtCounter, e.Ticked, receive.on_counter_ticked, Start),
    *(
        transition(stage, e.ArrivalRegistered, receive.on_arrival_registered_late)
        for stage in STAGES
        if stage is not Registering
    ),
)
_TABLE: Final = {(row.stage, row.event): row.handler for row in TRANSITIONS}

# Why an event changes nothing in the stages where TRANSITIONS has no row for it.
IGNORED: Final[dict[type[object], str]] = {
    e.Pressed: "the screen shows no button",
    e.BaselineTaken: "an answer to a visit that has moved on",
    e.BaselineFailed: "an answer to a visit that has moved on",
    e.ResultSighted: "no visit is waiting for a result, or its candidate has settled already",
    e.ResultGone: "nothing depended on that file",
    e.ResultArrived: "no visit is waiting for a result: it is delivered and never shown",
    e.SubsidyFailed: "the visit it belongs to is not at a point where a note can still be added; the courier logs it",
    e.ResultCompared: "the visit it belongs to is not at a point where a note can still be added; a desk has its own",
    e.CourierReturned: "no result is being waited for",
    e.CardRead: "no card was asked for",
    e.CardUnreadable: "no card was asked for",
    e.AppointmentsFound: "an answer to a visit that has moved on",
    e.PatientUnknown: "an answer to a visit that has moved on",
    e.ReservationsFailed: "an answer to a visit that has moved on",
    e.InCustody: "the patient was sent to the counter; the order is on the staff's list all the same",
    e.NothingToRegister: "an answer to a visit that has moved on",
    e.SlipPrinted: "an answer to a visit that has moved on",
    e.SlipFailed: "an answer to a visit that has moved on",
}


def step(kiosk: Kiosk, event: e.Event, now: float) -> Step:
    """The next state and what to do, in order. Pure; raises LookupError for a pair nobody decided."""
    before = kiosk
    after, commands = _answered(kiosk, event, now)
    if isinstance(before.stage, WAITING) and not isinstance(after.stage, WAITING):
        commands = (*commands, StopWaiting(before.stage.visit))
    if isinstance(event, e.Ticked):
        after = _updated(after, now)
    after = looks.followed(before, after)
    # For each card anew: what the reader read before that is nobody's.
    wanted, taken = begin.card_visit(after), _is_card(event) and event.visit == before.armed_for
    if wanted == after.armed_for and not taken:
        return after, commands
    arming = DisarmCardReader() if wanted is None else ArmCardReader(wanted)
    return replace(after, armed_for=wanted), (*commands, arming)


def _answered(kiosk: Kiosk, event: e.Event, now: float) -> Step:
    if isinstance(event, e.SurroundingsEvent):
        return replace(kiosk, surroundings=_changed(kiosk.surroundings, event, now)), ()
    if isinstance(event, e.Pressed):
        return _pressed(kiosk, event, now)
    if _is_card(event):
        return _by_table(kiosk, event, now) if event.visit == kiosk.armed_for else (kiosk, ())
    stage = kiosk.stage
    moved_on = isinstance(event, OfVisit) and (isinstance(stage, Start) or event.visit != stage.visit)
    if moved_on and not isinstance(event, e.ArrivalRegistered):
        return kiosk, ()
    return _by_table(kiosk, event, now)


def _is_card(event: e.Event) -> TypeGuard[e.CardRead | e.CardUnreadable]:
    return isinstance(event, e.CardRead | e.CardUnreadable)


def _pressed(kiosk: Kiosk, event: e.Pressed, now: float) -> Step:
    if event.button == "more_time":
        return idle.with_more_time(kiosk, now), ()
    if event.button in looks.tools(kiosk):
        return looks.with_tool(kiosk, event.button, now), ()
    if kiosk.choosing_language:  # the page below cannot be touched
        return (replace(kiosk, choosing_language=False) if event.button == "back" else kiosk), ()
    return _by_table(kiosk, event, now)


def _by_table(kiosk: Kiosk, event: e.Event, now: float) -> Step:
    handler = _TABLE.get((type(kiosk.stage), type(event)))
    if handler is not None:
        return handler(kiosk, kiosk.stage, event, now)
    if type(event) not in IGNORED:
        raise LookupError(f"undecided: {type(event).__name__} in {type(kiosk.stage).__name__}")
    return kiosk, ()


def _changed(around: Surroundings, event: e.SurroundingsEvent, now: float) -> Surroundings:
    """What is known of the neighbours changes in every stage alike, and never the visit."""
    match event:
        case e.TerminalChanged():
            return replace(around, terminal_down_since=_down_since(around.terminal_down_since, event.answers, now))
        case e.CardReaderChanged():
            return replace(
                around, card_reader_down_since=_down_since(around.card_reader_down_since, event.answers, now)
            )
        case e.HoursChanged():
            return replace(around, is_open=event.is_open, next_opening=event.next_opening)
        case e.StaffNoticed():
            return replace(around, staff=event.codes)
        case _:
            assert_never(event)


def _down_since(before: float | None, answers: bool, now: float) -> float | None:
    return None if answers else now if before is None else before


def _updated(kiosk: Kiosk, now: float) -> Kiosk:
    """What time alone changes."""
    if kiosk.cards_rest_until is not None and now >= kiosk.cards_rest_until:
        kiosk = replace(kiosk, cards_rest_until=None)
    return idle.with_warning(looks.with_site_look(kiosk, now), now)


def next_deadline(kiosk: Kiosk) -> float | None:
    """When the next Ticked can change something; None: only an event can."""
    stage = kiosk.stage
    due: list[float] = []
    if not isinstance(stage, Start):
        due.append(stage.deadline)
    if isinstance(stage, Preparing) and not stage.slow:
        due.append(stage.slow_at)
    if isinstance(stage, AwaitingTap) and (again_at := identify.ask_again_at(kiosk, stage)) is not None:
        due.append(again_at)
    if isinstance(stage, idle.TimedStage) and not stage.warned:
        due.append(idle.warning_at(kiosk, stage))
    if isinstance(stage, Printing | Done) and not stage.covered:
        due.append(stage.cover_at)
    due += [at for at in (kiosk.look_until, kiosk.cards_rest_until) if at is not None]
    if begin.card_visit(kiosk) != kiosk.armed_for:
        due.append(0.0)  # at once, before the first event
    return min(due, default=None)
