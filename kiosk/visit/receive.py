"""From the choice at the start page, by card or by number, to a registered arrival and its slip."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from kiosk.visit import events as e
from kiosk.visit.commands import ArmCardReader, DisarmCardReader, PrintSlip, Record, Register, TakeBaseline
from kiosk.visit.identify import with_subsidy_failed
from kiosk.visit.moves import Step, go, look_up, make_unclean, stay, to_counter, to_start
from kiosk.visit.state import (
    AtCounter,
    AwaitingCard,
    Done,
    Kiosk,
    LookingUp,
    Preparing,
    Printing,
    RegisteredArrival,
    Registering,
    Start,
)


def on_start_ticked(kiosk: Kiosk, stage: Start, event: e.Ticked, now: float) -> Step:
    return stay(kiosk)  # the start page has no deadline of its own; step() updates what time alone changes


def on_card_chosen(kiosk: Kiosk, stage: Start, event: e.Pressed, now: float) -> Step:
    around = kiosk.surroundings
    offered = event.button == "mynumber" or (event.button == "patient_card" and kiosk.rules.patient_cards)
    if not offered or not around.is_open or around.out_of_service:
        return stay(kiosk)
    visit = kiosk.last_visit + 1
    kiosk = replace(kiosk, last_visit=visit)
    started = Record("visit_started", visit, event.button)
    if event.button == "mynumber":
        slow_at, deadline = now + kiosk.rules.baseline_slow_s, now + kiosk.rules.baseline_s
        preparing = Preparing(visit, slow_at, deadline, unclean=now < kiosk.unclean_until)
        return go(kiosk, preparing, started, TakeBaseline(visit))
    if around.card_reader_down_since is not None:  # a card would be put in for nothing
        counter, commands = to_counter(kiosk, now, visit, "card_unreadable")
        return counter, (started, *commands)
    return go(kiosk, AwaitingCard(visit, now + kiosk.rules.card_wait_s), started, ArmCardReader(visit))


def on_card_cancelled(kiosk: Kiosk, stage: AwaitingCard, event: e.Pressed, now: float) -> Step:
    if event.button != "cancel":
        return stay(kiosk)
    return _no_card(kiosk, stage, now, "cancelled")


def _no_card(kiosk: Kiosk, stage: AwaitingCard, now: float, code: str) -> Step:
    """Whoever found the wrong reader held a card to the other one; that result comes to the next patient."""
    return to_start(make_unclean(kiosk, now), now, stage.visit, code, DisarmCardReader())


def on_card_read(kiosk: Kiosk, stage: AwaitingCard, event: e.CardRead, now: float) -> Step:
    return look_up(kiosk, now, stage.visit, "patient_card", event.patient_number, None)


def on_card_unreadable(kiosk: Kiosk, stage: AwaitingCard, event: e.CardUnreadable, now: float) -> Step:
    if stage.tries + 1 >= kiosk.rules.card_tries:
        return to_counter(make_unclean(kiosk, now), now, stage.visit, "card_unreadable")
    again = AwaitingCard(stage.visit, now + kiosk.rules.card_wait_s, stage.tries + 1)
    return go(kiosk, again, ArmCardReader(stage.visit))


def on_card_ticked(kiosk: Kiosk, stage: AwaitingCard, event: e.Ticked, now: float) -> Step:
    if now < stage.deadline:
        return stay(kiosk)
    # A reader that is down never reads: say so, do not just drop the patient at the start page.
    if kiosk.surroundings.card_reader_down_since is not None or stage.tries:
        return to_counter(make_unclean(kiosk, now), now, stage.visit, "card_unreadable")
    return _no_card(kiosk, stage, now, "no_card")


def on_appointments_found(kiosk: Kiosk, stage: LookingUp, event: e.AppointmentsFound, now: float) -> Step:
    if not event.arrived:
        if not event.appointments:
            return to_counter(kiosk, now, stage.visit, "no_appointment", next_day=event.next_day)
        refused = _outside_window(kiosk, event)
        if refused:
            return to_counter(kiosk, now, stage.visit, refused, appointment_at=event.appointments[0].time)
    registering = Registering(stage.visit, now + kiosk.rules.look_up_s, stage.file, stage.notes)
    return go(kiosk, registering, Register(stage.visit, event.day, event.patient_number))


def on_patient_unknown(kiosk: Kiosk, stage: LookingUp, event: e.PatientUnknown, now: float) -> Step:
    return to_counter(kiosk, now, stage.visit, "unknown_patient")


def on_reservations_failed(
    kiosk: Kiosk, stage: LookingUp | Registering, event: e.ReservationsFailed, now: float
) -> Step:
    return to_counter(kiosk, now, stage.visit, "reservations_down")


def on_reservations_ticked(kiosk: Kiosk, stage: LookingUp | Registering, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else to_counter(kiosk, now, stage.visit, "reservations_down")


def on_subsidy_failed(kiosk: Kiosk, stage: LookingUp | Registering, event: e.SubsidyFailed, now: float) -> Step:
    if event.file != stage.file:
        return stay(kiosk)
    return go(kiosk, replace(stage, notes=with_subsidy_failed(stage.notes)))


def on_nothing_to_register(kiosk: Kiosk, stage: Registering, event: e.NothingToRegister, now: float) -> Step:
    return to_counter(kiosk, now, stage.visit, "no_appointment")


def on_arrival_registered(kiosk: Kiosk, stage: Registering, event: e.ArrivalRegistered, now: float) -> Step:
    if event.visit != stage.visit:
        return on_arrival_registered_late(kiosk, stage, event, now)
    arrival = RegisteredArrival(
        event.day, event.local_time, event.patient_number, event.number, event.appointments, stage.notes, event.again
    )
    printing = Printing(stage.visit, now + kiosk.rules.print_s, arrival)
    code = "again" if event.again else "first"
    return go(kiosk, printing, Record("arrival_registered", stage.visit, code), PrintSlip(stage.visit, arrival))


def on_arrival_registered_late(kiosk: Kiosk, stage: object, event: e.ArrivalRegistered, now: float) -> Step:
    """The patient was sent to the counter as not registered, and now the arrival is there: recorded for staff."""
    return kiosk, (Record("arrival_registered_late", event.visit),)


def on_slip_ended(kiosk: Kiosk, stage: Printing, event: e.SlipPrinted | e.SlipFailed, now: float) -> Step:
    return _done(kiosk, stage, now, event.reason if isinstance(event, e.SlipFailed) else None)


def on_printing_ticked(kiosk: Kiosk, stage: Printing, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _done(kiosk, stage, now, "printer_stalled")


def on_close_pressed(kiosk: Kiosk, stage: Done | AtCounter, event: e.Pressed, now: float) -> Step:
    return _end(kiosk, stage, now, "closed") if event.button == "close" else stay(kiosk)


def on_end_ticked(kiosk: Kiosk, stage: Done | AtCounter, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _end(kiosk, stage, now, "timed_out")


def _end(kiosk: Kiosk, stage: Done | AtCounter, now: float, code: str) -> Step:
    """Whom nobody knows may hold the card to the reader until the counter page goes, and it can be kept for minutes."""
    if isinstance(stage, AtCounter) and stage.unidentified:
        kiosk = make_unclean(kiosk, now)
    return to_start(kiosk, now, stage.visit, code)


def _done(kiosk: Kiosk, stage: Printing, now: float, no_slip: str | None) -> Step:
    # Without a slip the number must be written down: as long as at the counter.
    duration_s = max(kiosk.rules.done_s, kiosk.rules.counter_s) if no_slip else kiosk.rules.done_s
    done = Done(stage.visit, now + duration_s, stage.arrival, no_slip)
    return go(kiosk, done, Record("slip_failed" if no_slip else "slip_printed", stage.visit, no_slip or ""))


def _outside_window(kiosk: Kiosk, event: e.AppointmentsFound) -> str | None:
    """`too_early`, `too_late`, or None if at least one appointment may be registered now (then all of them are)."""
    early, late = kiosk.rules.early_min, kiosk.rules.late_min
    now = _minutes(event.local_time)
    ahead = [_minutes(each.time) - now for each in event.appointments]
    if any((not early or minutes <= early) and (not late or -minutes <= late) for minutes in ahead):
        return None
    return "too_late" if late and all(-minutes > late for minutes in ahead) else "too_early"


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
