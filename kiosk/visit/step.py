"""step(kiosk, event, now) -> (kiosk, commands): the reception as one pure function. First how it works.

What a visit is. Somebody touches a card on the start page; from then until the start page is back, one visit is under
way. It has a number, and is in exactly one stage: what is known at that moment, and nothing else. At a face reader:
Preparing (the terminal's folder is listed), AwaitingTap (the patient is over there), Settling (one result came; does
it stay alone?), sometimes AwaitingBirthday; by patient card: AwaitingCard. Then both ways are one: LookingUp (today's
appointments), Registering (the arrival), Printing (the slip), Done. Whatever goes wrong leads to AtCounter: staff
take over, and the page says so. Start holds nothing, so nothing of one patient can be left over for the next one.

Events and commands. What happened is an event; what is asked of a device is a command, and its answer is an event
again. Answers name the visit that asked; one that comes when the visit has moved on changes nothing. Only the
registration that comes late is recorded: the patient was sent to the counter, and staff must know that the arrival is
in the database.

The clocks. `now` and every moment in a state are seconds of one monotonic clock, which the caller passes in: setting
the PC's clock changes no visit. The site's own time and date come with the answers of the reservations; they are what
is compared with appointments and printed. Every stage but Start has a deadline, so nothing lasts for ever whatever a
device does; `next_deadline` says when Ticked is due. A stage that waits for a person warns first (`idle`).

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
from typing import Any, Final, TypeVar, assert_never, get_args

from kiosk.visit import events as e
from kiosk.visit import identify, idle, receive
from kiosk.visit.commands import StopWaiting
from kiosk.visit.moves import Step
from kiosk.visit.state import (
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Done,
    Kiosk,
    LookingUp,
    OfVisit,
    Preparing,
    Printing,
    Registering,
    Settling,
    Stage,
    Start,
    Surroundings,
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

TRANSITIONS: Final = (
    transition(Start, e.Pressed, receive.on_card_chosen, Preparing, AwaitingCard, AtCounter),
    transition(Start, e.Ticked, receive.on_start_ticked),
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
    transition(Settling, e.SubsidyFailed, identify.on_subsidy_failed),
    transition(Settling, e.CourierReturned, identify.on_courier_returned_while_settling, AwaitingTap),
    transition(AwaitingBirthday, e.Pressed, identify.on_birthday_pressed, LookingUp, AtCounter, Start),
    transition(AwaitingBirthday, e.Ticked, identify.on_birthday_ticked, AtCounter),
    transition(AwaitingBirthday, e.SubsidyFailed, identify.on_subsidy_failed),
    transition(AwaitingCard, e.Pressed, receive.on_card_cancelled, Start),
    transition(AwaitingCard, e.Ticked, receive.on_card_ticked, AtCounter, Start),
    transition(AwaitingCard, e.CardRead, receive.on_card_read, LookingUp),
    transition(AwaitingCard, e.CardUnreadable, receive.on_card_unreadable, AtCounter),
    transition(LookingUp, e.Ticked, receive.on_reservations_ticked, AtCounter),
    transition(LookingUp, e.SubsidyFailed, receive.on_subsidy_failed),
    transition(LookingUp, e.AppointmentsFound, receive.on_appointments_found, Registering, AtCounter),
    transition(LookingUp, e.PatientUnknown, receive.on_patient_unknown, AtCounter),
    transition(LookingUp, e.ReservationsFailed, receive.on_reservations_failed, AtCounter),
    transition(Registering, e.Ticked, receive.on_reservations_ticked, AtCounter),
    transition(Registering, e.SubsidyFailed, receive.on_subsidy_failed),
    transition(Registering, e.ReservationsFailed, receive.on_reservations_failed, AtCounter),
    transition(Registering, e.ArrivalRegistered, receive.on_arrival_registered, Printing),
    transition(Registering, e.NothingToRegister, receive.on_nothing_to_register, AtCounter),
    transition(Printing, e.Ticked, receive.on_printing_ticked, Done),
    transition(Printing, e.SlipPrinted, receive.on_slip_ended, Done),
    transition(Printing, e.SlipFailed, receive.on_slip_ended, Done),
    transition(Done, e.Pressed, receive.on_close_pressed, Start),
    transition(Done, e.Ticked, receive.on_end_ticked, Start),
    transition(AtCounter, e.Pressed, receive.on_close_pressed, Start),
    transition(AtCounter, e.Ticked, receive.on_end_ticked, Start),
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
    e.CourierReturned: "no result is being waited for",
    e.CardRead: "no card was asked for",
    e.CardUnreadable: "no card was asked for",
    e.AppointmentsFound: "an answer to a visit that has moved on",
    e.PatientUnknown: "an answer to a visit that has moved on",
    e.ReservationsFailed: "an answer to a visit that has moved on",
    e.NothingToRegister: "an answer to a visit that has moved on",
    e.SlipPrinted: "an answer to a visit that has moved on",
    e.SlipFailed: "an answer to a visit that has moved on",
}


def step(kiosk: Kiosk, event: e.Event, now: float) -> Step:
    """The next state and what to do, in order. Pure; raises LookupError for a pair nobody decided."""
    if isinstance(event, e.SurroundingsEvent):
        return _updated(replace(kiosk, surroundings=_changed(kiosk.surroundings, event, now)), now), ()
    if isinstance(event, e.Pressed) and event.button == "more_time":
        return _updated(idle.with_more_time(kiosk, now), now), ()
    handler = _TABLE.get((type(kiosk.stage), type(event)))
    if handler is None:
        if type(event) not in IGNORED:
            raise LookupError(f"undecided: {type(event).__name__} in {type(kiosk.stage).__name__}")
        return kiosk, ()
    stage = kiosk.stage
    moved_on = isinstance(event, OfVisit) and (isinstance(stage, Start) or event.visit != stage.visit)
    if moved_on and not isinstance(event, e.ArrivalRegistered):
        return _updated(kiosk, now), ()
    after, commands = handler(kiosk, stage, event, now)
    if isinstance(stage, WAITING) and not isinstance(after.stage, WAITING):
        commands = (*commands, StopWaiting(stage.visit))
    return _updated(after, now), commands


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
    """What time alone changes, whatever happened."""
    out = all(since is not None and now >= since + kiosk.rules.out_of_service_after_s for since in _ways_down(kiosk))
    around = replace(kiosk.surroundings, out_of_service=out)  # for some time now, neither card could be used
    return idle.with_warning(replace(kiosk, surroundings=around), now)


def _ways_down(kiosk: Kiosk) -> tuple[float | None, ...]:
    """For each way that the site has, since when it is down; None: it is up."""
    around = kiosk.surroundings
    cards = (around.card_reader_down_since,) if kiosk.rules.patient_cards else ()
    return (around.terminal_down_since, *cards)


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
    if not kiosk.surroundings.out_of_service:
        down = [since for since in _ways_down(kiosk) if since is not None]
        if len(down) == len(_ways_down(kiosk)):
            due.append(max(down) + kiosk.rules.out_of_service_after_s)
    return min(due, default=None)
