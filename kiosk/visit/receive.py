"""From a known patient to a registered arrival, its slip and the end of the visit."""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit import events as e
from kiosk.visit.arrive import proceed
from kiosk.visit.commands import AcceptKey, PrintSlip, Record
from kiosk.visit.moves import Step, call_staff, go, make_unclean, stay, to_counter, to_start, with_news, with_note
from kiosk.visit.offers import may_reopen
from kiosk.visit.reasons import CUSTODY_CODE, CUSTODY_REASON, NO_SLIP_CODES, UNKNOWN_CODE
from kiosk.visit.state import (
    AppointmentsFound,
    ArrivalInCustody,
    AtCounter,
    AwaitingBirthday,
    Came,
    Done,
    Kiosk,
    Known,
    LookingUp,
    Printing,
    RegisteredArrival,
    Registering,
)


def on_appointments_found(kiosk: Kiosk, stage: LookingUp, event: AppointmentsFound, now: float) -> Step:
    came = stage.came
    if event.insurance_due and came.way == "patient_card":  # a result of the reader is itself the confirmation
        came = replace(came, notes=with_note(came.notes, "insurance_monthly"))
    if event.see_staff:
        return to_counter(kiosk, now, stage.visit, "see_staff")
    if _is_somebody_else(came, event):
        return to_counter(kiosk, now, stage.visit, "birthday_differs")
    known = Known(event, came)
    if not _birthday_asked(kiosk, came) or event.born_on is None:
        return proceed(kiosk, stage.visit, known, now)
    asked = AwaitingBirthday(stage.visit, now + kiosk.rules.birthday_wait_s, known)
    return go(kiosk, asked, Record("birthday_asked", stage.visit))


def _birthday_asked(kiosk: Kiosk, came: Came) -> bool:
    rule = kiosk.rules.card_birthday
    return came.way == "patient_card" and (rule == "always" or (rule == "qr" and came.qr))


def _is_somebody_else(came: Came, found: AppointmentsFound) -> bool:
    """Whether result and system have two birth dates: the number of the one leads to the other."""
    born = came.birthdate or ""
    if found.birth_date is None or len(born) != 8 or born.endswith("00") or born[4:6] == "00":
        return False  # a part of a date says nothing
    return born != f"{found.birth_date:%Y%m%d}"


def on_patient_unknown(kiosk: Kiosk, stage: LookingUp | Registering, event: e.PatientUnknown, now: float) -> Step:
    return to_counter(kiosk, now, stage.visit, "unknown_patient")


def on_reservations_failed(
    kiosk: Kiosk, stage: LookingUp | Registering, event: e.ReservationsFailed, now: float
) -> Step:
    return to_counter(kiosk, now, stage.visit, event.reason)


def on_reservations_ticked(kiosk: Kiosk, stage: LookingUp | Registering, event: e.Ticked, now: float) -> Step:
    if now < stage.deadline:
        return stay(kiosk)
    # Whoever registers may be at it still.
    reason = "outcome_unknown" if isinstance(stage, Registering) else "reservations_down"
    return to_counter(kiosk, now, stage.visit, reason)


def on_news(
    kiosk: Kiosk, stage: LookingUp | Registering, event: e.SubsidyFailed | e.ResultCompared, now: float
) -> Step:
    if event.file != stage.came.file:
        return stay(kiosk)
    return go(kiosk, replace(stage, came=with_news(stage.came, event)))


def on_nothing_to_register(kiosk: Kiosk, stage: Registering, event: e.NothingToRegister, now: float) -> Step:
    return to_counter(kiosk, now, stage.visit, "no_appointment")


def on_arrival_registered(kiosk: Kiosk, stage: Registering, event: e.ArrivalRegistered, now: float) -> Step:
    if event.visit != stage.visit:
        return on_arrival_registered_late(kiosk, stage, event, now)
    registered = {each.department for each in event.appointments}
    left_out = [each.department for each in event.left_out]
    missing = [each.department for each in stage.expected if each.department not in (*registered, *left_out)]
    notes = with_note(stage.came.notes, "partly") if left_out else stage.came.notes
    arrival = RegisteredArrival(
        event.day,
        event.local_time,
        event.patient_number,
        event.receptions,
        event.appointments,
        with_note(notes, "incomplete") if missing else notes,
        event.again,
        stage.back_by,
        tuple(dict.fromkeys((*left_out, *missing))),
    )
    return _print(
        kiosk, stage, arrival, Record("arrival_registered", stage.visit, "again" if event.again else "first"), now
    )


def on_in_custody(kiosk: Kiosk, stage: Registering, event: e.InCustody, now: float) -> Step:
    arrival = ArrivalInCustody(
        event.day,
        event.local_time,
        event.patient_number,
        event.number,
        event.appointments,
        stage.came.notes,
        stage.back_by,
    )
    return _print(kiosk, stage, arrival, Record("arrival_in_custody", stage.visit, CUSTODY_REASON, CUSTODY_CODE), now)


def _print(
    kiosk: Kiosk, stage: Registering, arrival: RegisteredArrival | ArrivalInCustody, recorded: Record, now: float
) -> Step:
    rules = kiosk.rules
    printing = Printing(stage.visit, now + rules.print_s, arrival, stage.came, now + rules.readable_s)
    return go(kiosk, printing, recorded, PrintSlip(stage.visit, arrival, kiosk.look.language))


def on_arrival_registered_late(kiosk: Kiosk, stage: object, event: e.ArrivalRegistered, now: float) -> Step:
    """The patient was sent to the counter as not registered, and now the arrival is there: recorded for staff."""
    return kiosk, (Record("arrival_registered_late", event.visit),)


def on_slip_ended(kiosk: Kiosk, stage: Printing, event: e.SlipPrinted | e.SlipFailed, now: float) -> Step:
    return _done(kiosk, stage, now, event.reason if isinstance(event, e.SlipFailed) else None)


def on_printing_ticked(kiosk: Kiosk, stage: Printing, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _done(kiosk, stage, now, "printer_stalled")


def _done(kiosk: Kiosk, stage: Printing, now: float, no_slip: str | None) -> Step:
    rules, visit = kiosk.rules, stage.visit
    # Without a slip the number must be written down: as long as at the counter.
    stay_s = max(rules.done_s, rules.counter_s) if no_slip else rules.done_s
    deadline = max(now + stay_s, now + rules.notice_s, stage.cover_at + rules.notice_s)
    done = Done(visit, deadline, stage.arrival, no_slip, stage.cover_at, stage.covered)
    if no_slip:
        code = NO_SLIP_CODES.get(no_slip, UNKNOWN_CODE)
        return go(kiosk, done, Record("slip_failed", visit, no_slip, code))
    printed = Record("slip_printed", visit)
    new_key = stage.came.key in ("changed", "missing", "first")
    if new_key and stage.came.file is not None and "insurance_check" in stage.arrival.notes:
        return go(kiosk, done, printed, AcceptKey(visit, stage.came.file))
    return go(kiosk, done, printed)


def on_done_pressed(kiosk: Kiosk, stage: Done, event: e.Pressed, now: float) -> Step:
    if event.button == "close":
        return to_start(kiosk, now, stage.visit, "closed")
    if event.button != "show_again" or not may_reopen(stage):
        return stay(kiosk)
    cover_at = now + kiosk.rules.readable_s
    deadline = max(stage.deadline, cover_at + kiosk.rules.notice_s)
    seen = replace(stage, deadline=deadline, cover_at=cover_at, covered=False, reopened=True, warned=False)
    return go(kiosk, seen)


def on_done_ticked(kiosk: Kiosk, stage: Done, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else to_start(kiosk, now, stage.visit, "timed_out")


def on_counter_pressed(kiosk: Kiosk, stage: AtCounter, event: e.Pressed, now: float) -> Step:
    if event.button == "close":
        return _leave_counter(kiosk, stage, now, "closed")
    if event.button != "call" or not kiosk.rules.staff_call or stage.called:
        return stay(kiosk)
    kiosk, commands = call_staff(kiosk, now, stage.visit)
    return go(kiosk, replace(stage, called=True), *commands)


def on_counter_ticked(kiosk: Kiosk, stage: AtCounter, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _leave_counter(kiosk, stage, now, "timed_out")


def _leave_counter(kiosk: Kiosk, stage: AtCounter, now: float, code: str) -> Step:
    """Whom nobody knows may hold the card to the reader until the counter page goes, and it can be kept for minutes."""
    return to_start(make_unclean(kiosk, now) if stage.unidentified else kiosk, now, stage.visit, code)
