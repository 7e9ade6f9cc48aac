"""What the system says of a patient, with what the book says of the same one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from drivers.reservations import Appointment, Entry, Found, Order, Register, Registered, Trouble, WalkIn


def with_entry(found: Found, entry: Entry | None) -> Found:
    """As the system lists the patient, with his line of the book."""
    if entry is None:
        return found
    return replace(found, receptions=entry.receptions, appointments=entry.appointments or found.appointments)


def joined(found: Found, booked: Found) -> Found:
    """What the system says, with what went through the book: its numbers are those that patients were told.

    Somebody whom the book has and the system has not (staff deleted him there) is neither registered nor free to be.
    """
    receptions = booked.receptions or found.receptions
    appointments = booked.appointments if booked.receptions and booked.appointments else found.appointments
    last_day = max((each for each in (found.last_day, booked.last_day) if each), default=None)
    last_arrival = max((each for each in (found.last_arrival, booked.last_arrival) if each), default=None)
    return replace(
        found,
        receptions=receptions,
        appointments=appointments,
        last_day=last_day,
        last_arrival=last_arrival,
        see_staff=found.see_staff or bool(booked.receptions and not found.receptions and found.as_of is None),
    )


def is_cancelled_since(found: Found, moment: datetime, register: Register) -> bool:
    """Whether a line of the patient was cancelled after `moment`."""
    mine = (each.cancelled for each in register.entries if each.patient_number == found.patient_number)
    return any(each is not None and each.at > moment for each in mine)


def without_the_system(order: Order, booked: Found) -> Registered | Trouble | None:
    """The answer to `order`, of a system that is down, for who is in the book: he has a number, and gets no second one.
    Trouble: for more than is registered; None: not in the book.
    """
    if not booked.receptions:
        return None
    known = {each.department for each in booked.appointments}
    if order.walk_in is not None and order.walk_in.department not in known:
        return Trouble("unreachable", "registered already, and the system is down")
    return Registered(order.patient_number, booked.receptions, booked.appointments, ours=False)


def registered_there(order: Order, found: Found) -> Registered | None:
    """What an attempt that nobody was answered has left at the system: ours. None: nothing of what was ordered.

    `left_out`: what is due, or ordered, and not there; a reception may be another's, of this morning. A department is
    known by its name or, as site.toml may call it otherwise, by its code.
    """
    registered = {each.department for each in found.receptions}
    due = order.appointments or tuple(each for each in found.appointments if not each.walk_in)
    if order.walk_in is not None:
        due += (_as_appointment(order, order.walk_in),)
    codes = {each.department_code for each in found.appointments if each.department in registered} - {""}
    left = tuple(each for each in due if each.department not in registered and each.department_code not in codes)
    if not registered or ("" not in registered and due and len(left) == len(due)):
        return None
    if "" in registered:
        return Registered(order.patient_number, found.receptions, found.appointments or due)
    done = tuple(each for each in found.appointments if each.department in registered)
    return Registered(order.patient_number, found.receptions, done or due, left_out=left)


def _as_appointment(order: Order, of: WalkIn) -> Appointment:
    at = order.at.time().replace(microsecond=0)
    codes = (of.department_code, of.doctor_code)
    return Appointment(order.day, at, of.department, of.doctor, of.place, "", "", True, *codes)
