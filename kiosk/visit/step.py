"""step(kiosk, event, now) -> (kiosk, commands): the reception as one pure function.

Every pair of stage and event is in exactly one of two tables: DECIDED names what to do, IGNORED says why nothing is
done. A pair in neither is an error, because an event that nobody thought of must not pass in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kiosk.visit import events as e
from kiosk.visit import identify, leaving, receive
from kiosk.visit.moves import Step, stay
from kiosk.visit.state import (
    AtCounter,
    AwaitingBirthday,
    AwaitingCard,
    AwaitingTap,
    Done,
    Kiosk,
    LookingUp,
    Preparing,
    Printing,
    Registering,
    Settling,
    Start,
)

STAGES: tuple[type[Any], ...] = (
    Start,
    Preparing,
    AwaitingTap,
    Settling,
    AwaitingBirthday,
    AwaitingCard,
    LookingUp,
    Registering,
    Printing,
    Done,
    AtCounter,
)


def _start_ticked(kiosk: Kiosk, stage: Start, event: e.Ticked, now: float) -> Step:
    return stay(kiosk)  # out_of_service is judged for every stage in step()


DECIDED: dict[type[Any], dict[type[Any], Callable[[Kiosk, Any, Any, float], Step]]] = {
    Start: {e.Pressed: receive.start_pressed, e.Ticked: _start_ticked},
    Preparing: {
        e.Pressed: identify.cancel_pressed,
        e.Ticked: identify.preparing_ticked,
        e.BaselineTaken: identify.baseline_taken,
        e.BaselineFailed: identify.baseline_failed,
    },
    AwaitingTap: {
        e.Pressed: identify.cancel_pressed,
        e.Ticked: identify.tap_ticked,
        e.ResultSighted: identify.tap_sighted,
        e.ResultGone: identify.tap_gone,
        e.ResultArrived: identify.tap_arrived,
        e.CourierReturned: identify.tap_courier_returned,
    },
    Settling: {
        e.Pressed: identify.cancel_pressed,
        e.Ticked: identify.settling_ticked,
        e.ResultSighted: identify.settling_sighted,
        e.ResultArrived: identify.settling_arrived,
        e.SubsidyFailed: identify.settling_subsidy_failed,
        e.CourierReturned: identify.settling_courier_returned,
    },
    AwaitingBirthday: {
        e.Pressed: identify.birthday_pressed,
        e.Ticked: identify.birthday_ticked,
        e.SubsidyFailed: identify.birthday_subsidy_failed,
    },
    AwaitingCard: {
        e.Pressed: receive.card_pressed,
        e.Ticked: receive.card_ticked,
        e.CardRead: receive.card_read,
        e.CardUnreadable: receive.card_unreadable,
    },
    LookingUp: {
        e.Ticked: receive.looking_ticked,
        e.SubsidyFailed: receive.looking_subsidy_failed,
        e.AppointmentsFound: receive.found,
        e.PatientUnknown: receive.unknown,
        e.ReservationsFailed: receive.failed,
    },
    Registering: {
        e.Ticked: receive.looking_ticked,
        e.SubsidyFailed: receive.looking_subsidy_failed,
        e.ReservationsFailed: receive.failed,
        e.ArrivalRegistered: receive.registered,
        e.NothingToRegister: receive.nothing,
    },
    Printing: {
        e.Ticked: receive.printing_ticked,
        e.SlipPrinted: receive.printed,
        e.SlipFailed: receive.print_failed,
    },
    Done: {e.Pressed: receive.end_pressed, e.Ticked: receive.end_ticked},
    AtCounter: {e.Pressed: receive.end_pressed, e.Ticked: receive.end_ticked},
}
for _stage in STAGES:
    if _stage is not Registering:
        DECIDED[_stage][e.ArrivalRegistered] = receive.late_registered

# Why an event changes nothing in the stages where DECIDED does not name it.
IGNORED: dict[type[Any], str] = {
    e.Pressed: "the screen shows no button",
    e.BaselineTaken: "an answer to a visit that has moved on",
    e.BaselineFailed: "an answer to a visit that has moved on",
    e.ResultSighted: "no visit is waiting for a result, or its candidate has settled already",
    e.ResultGone: "nothing depended on that file",
    e.ResultArrived: "no visit is waiting for a result: it is delivered and never shown",
    e.SubsidyFailed: "the visit it belongs to is not at a point where a note can still be added; the courier alarms",
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


def _terminal_changed(kiosk: Kiosk, event: e.TerminalChanged, now: float) -> Kiosk:
    around = kiosk.surroundings
    since = None if event.answers else now if around.terminal_down_since is None else around.terminal_down_since
    return replace(kiosk, surroundings=replace(around, terminal_down_since=since))


def _card_reader_changed(kiosk: Kiosk, event: e.CardReaderChanged, now: float) -> Kiosk:
    around = kiosk.surroundings
    since = None if event.answers else now if around.card_reader_down_since is None else around.card_reader_down_since
    return replace(kiosk, surroundings=replace(around, card_reader_down_since=since))


def _hours_changed(kiosk: Kiosk, event: e.HoursChanged, now: float) -> Kiosk:
    return replace(kiosk, surroundings=replace(kiosk.surroundings, is_open=event.is_open, opens=event.opens))


def _staff_noticed(kiosk: Kiosk, event: e.StaffNoticed, now: float) -> Kiosk:
    return replace(kiosk, surroundings=replace(kiosk.surroundings, staff=event.codes))


# These change what is known of the neighbours, in every stage alike, and never the visit.
SURROUNDINGS: dict[type[Any], Callable[[Kiosk, Any, float], Kiosk]] = {
    e.TerminalChanged: _terminal_changed,
    e.CardReaderChanged: _card_reader_changed,
    e.HoursChanged: _hours_changed,
    e.StaffNoticed: _staff_noticed,
}


def step(kiosk: Kiosk, event: e.Event, now: float) -> Step:
    """The next state and what to do, in order. Pure; raises LookupError for a pair nobody decided."""
    if change := SURROUNDINGS.get(type(event)):
        return _judged(change(kiosk, event, now), now), ()
    if isinstance(event, e.Pressed) and event.button == "more_time":
        return _judged(leaving.more_time(kiosk, now), now), ()
    handler = DECIDED[type(kiosk.stage)].get(type(event))
    if handler is None:
        if type(event) not in IGNORED:
            raise LookupError(f"undecided: {type(event).__name__} in {type(kiosk.stage).__name__}")
        return kiosk, ()
    after, commands = handler(kiosk, kiosk.stage, event, now)
    return _judged(after, now), commands


def _judged(kiosk: Kiosk, now: float) -> Kiosk:
    """What time alone changes, whatever happened."""
    return leaving.judged(_judge_service(kiosk, now), now)


def _judge_service(kiosk: Kiosk, now: float) -> Kiosk:
    """Out of service: for some time now, neither card could be used."""
    around = kiosk.surroundings
    out = all(since is not None and now >= since + kiosk.rules.out_of_service_after_s for since in _ways(kiosk))
    if out == around.out_of_service:
        return kiosk
    return replace(kiosk, surroundings=replace(around, out_of_service=out))


def _ways(kiosk: Kiosk) -> Iterator[float | None]:
    yield kiosk.surroundings.terminal_down_since
    if kiosk.rules.patient_cards:
        yield kiosk.surroundings.card_reader_down_since


def next_deadline(kiosk: Kiosk) -> float | None:
    """When the next Ticked can change something; None: only an event can."""
    stage = kiosk.stage
    due: list[float] = []
    if isinstance(stage, AwaitingTap):
        again = identify.ask_again_at(kiosk, stage)
        due = [stage.deadline] if again is None else [again, stage.deadline]
    elif isinstance(stage, Preparing):
        due = [stage.deadline if stage.slow else stage.slow_at]
    elif isinstance(stage, Settling | Done | AtCounter):
        due = [stage.until]
    elif not isinstance(stage, Start):
        due = [stage.deadline]
    if isinstance(stage, leaving.MAY_BE_LEFT) and not stage.warned:
        due.append(leaving.warned_at(kiosk, stage))
    if not kiosk.surroundings.out_of_service:
        down = [since for since in _ways(kiosk) if since is not None]
        if len(down) == len(list(_ways(kiosk))):
            due.append(max(down) + kiosk.rules.out_of_service_after_s)
    return min(due, default=None)
