"""A registered arrival -> Result: where to go first, then when, and what to do in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kiosk.screens.names import SCREENS
from kiosk.screens.timeouts import buttons_of, timeout_of
from kiosk.screens.views import NextStep, Result, SlipState
from kiosk.screens.wording import Words
from kiosk.typography import ruby
from kiosk.visit.offers import may_reopen
from kiosk.visit.reasons import NO_SLIP_CODES, UNKNOWN_CODE
from kiosk.visit.state import Done, Printing, RegisteredArrival, VisitAppointment
from kiosk.words.patient import word_clock

# Of these notes the patient reads a sentence; of the others an act.
_REMARKS = ("insurance_monthly", "arrived_late", "arrived_early", "walk_in")


def printing(stage: Printing, words: Words) -> Result:
    """The page that is green at once, before anything is known of the slip."""
    return _result("printing", stage, None, ("printing", words["printing"]["slip"]), words)


def done(stage: Done, words: Words) -> Result:
    """The same page, once it is."""
    name: Literal["done", "already"] = "already" if stage.arrival.again else "done"
    if stage.no_slip is None:
        return _result(name, stage, stage, ("again" if name == "already" else "take", words[name]["take_slip"]), words)
    no_slip = words["no_slip"]
    return _result(name, stage, stage, ("none", no_slip.get(stage.no_slip, no_slip["unknown"])), words)


def _result(
    name: Literal["printing", "done", "already"],
    stage: Printing | Done,
    ended: Done | None,
    slip: tuple[SlipState, str],
    words: Words,
) -> Result:
    arrival, no_slip = stage.arrival, ended.no_slip if ended else None
    clock = word_clock(arrival.local_time, words.texts) if arrival.again else ""
    slip_act = words.act("note_number" if no_slip else "take_slip")
    return Result(
        name,
        words["done"]["covered"] if stage.covered else words["already" if arrival.again else "done"]["title"],
        () if stage.covered else tuple(words.row(each, arrival.number_of(each)) for each in arrival.appointments),
        arrival.numbers,
        words.number(*arrival.numbers),
        _covered(no_slip, words) if stage.covered else tuple(remarks(arrival, clock, words)),
        *slip,
        buttons=_buttons(name, ended) if ended else SCREENS[name],
        reason=no_slip,
        notes=(*arrival.notes, "no_slip") if no_slip else arrival.notes,
        covered=stage.covered,
        clock=clock,
        timeout=timeout_of(ended) if ended else None,
        status="done",
        next=(slip_act,) if stage.covered else (slip_act, *acts(arrival, words)),
        staff_code=NO_SLIP_CODES.get(no_slip, UNKNOWN_CODE) if no_slip else "",
        outlet="" if no_slip else words.outlet,
        numbered=not stage.covered and not arrival.without_appointment,
    )


def _covered(no_slip: str | None, words: Words) -> tuple[str, ...]:
    """Where the rest is to be read."""
    return () if no_slip else (words["done"]["on_slip"],)


def _buttons(name: str, stage: Done) -> tuple[str, ...]:
    return tuple(each for each in buttons_of(name, stage) if each != "show_again" or may_reopen(stage))


def remarks(arrival: RegisteredArrival, clock: str, words: Words) -> Iterator[str]:
    """What else there is to know; `clock`: when somebody who was registered already was, in words, or ""."""
    if clock:
        yield words["already"]["at"].format(time=clock)
    yield from (words["notes"][note] for note in arrival.notes if note in _REMARKS)


def acts(arrival: RegisteredArrival, words: Words) -> Iterator[NextStep]:
    """In the order in which they are done: what is due before the appointment, then the place, then the wait."""
    counter = words.counter.name
    if "insurance_check" in arrival.notes:
        yield words.act("insurance_counter", where=counter)
    if "subsidy_failed" in arrival.notes:
        yield words.act("subsidy_counter", where=counter)
    if arrival.missing:
        departments = str(words["parts"]["between"]).join(words.department(each) for each in arrival.missing)
        yield words.act("rest_counter", where=counter, departments=departments)
    for message in dict.fromkeys(each.message for each in arrival.appointments if each.message):
        yield words.act("message", message=ruby.name(message))
    if arrival.back_by is not None:
        yield words.act("come_back", time=word_clock(arrival.back_by, words.texts))
    if not arrival.appointments:
        return
    first = min(arrival.appointments, key=lambda each: each.time)
    if place := words.row(first).place:
        yield words.act("go_place", place=place)
    if "arrived_late" in arrival.notes:
        yield words.act("say_late")
    yield _wait(first, arrival, words)


def _wait(first: VisitAppointment, arrival: RegisteredArrival, words: Words) -> NextStep:
    """Until about the time of the appointment, unless that has passed or there is none."""
    if first.walk_in or first.time <= arrival.local_time:
        return words.act("wait")
    return words.act("wait_call", time=word_clock(first.time, words.texts))
