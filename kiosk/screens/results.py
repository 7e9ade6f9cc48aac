"""A registered arrival -> Result, one in custody -> Custody: where to go, when, and what to do in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from kiosk.screens.names import SCREENS
from kiosk.screens.timeouts import buttons_of, timeout_of
from kiosk.screens.views import Custody, NextStep, Result, SlipState
from kiosk.screens.wording import Words
from kiosk.typography import ruby
from kiosk.visit.offers import may_reopen
from kiosk.visit.reasons import CUSTODY_CODE, CUSTODY_REASON, NO_SLIP_CODES, UNKNOWN_CODE
from kiosk.visit.state import ArrivalInCustody, Done, Printing, RegisteredArrival, VisitAppointment
from kiosk.words.patient import word_clock

# What the strip of the slip says, as of Result.
_Slip = tuple[SlipState, str]
# More departments are not named one by one.
_NAMED_MAX = 3
# Of these notes the patient reads a sentence; of the others an act.
_REMARKS = ("insurance_monthly", "arrived_late", "arrived_early", "walk_in")


def printing(stage: Printing, words: Words) -> Result | Custody:
    """The page that is green at once, before anything is known of the slip; never green is one of custody."""
    slip: _Slip = ("printing", words["printing"]["slip"])
    if isinstance(stage.arrival, ArrivalInCustody):
        return _custody(stage, stage.arrival, None, slip, words)
    return _result("printing", stage, stage.arrival, None, slip, words)


def done(stage: Done, words: Words) -> Result | Custody:
    """The same page, once it is."""
    arrival = stage.arrival
    if isinstance(arrival, ArrivalInCustody):
        return _custody(stage, arrival, stage, _slip(stage, "done", words), words)
    name: Literal["done", "already"] = "already" if arrival.again else "done"
    return _result(name, stage, arrival, stage, _slip(stage, name, words), words)


def _slip(stage: Done, name: Literal["done", "already"], words: Words) -> _Slip:
    if stage.no_slip is None:
        return "again" if name == "already" else "take", words[name]["take_slip"]
    return "none", words["no_slip"].get(stage.no_slip, words["no_slip"]["unknown"])


def _custody(
    stage: Printing | Done, arrival: ArrivalInCustody, ended: Done | None, slip: _Slip, words: Words
) -> Custody:
    no_slip = ended.no_slip if ended else None
    slip_act = NextStep("note_number", words["custody"]["note_number"]) if no_slip else words.act("take_slip")
    return Custody(
        "custody",
        words["custody"]["title"],
        words.lines("custody"),
        () if stage.covered else tuple(words.row(each) for each in arrival.appointments),
        arrival.number,
        words["custody"]["number_line"].format(number=arrival.number),
        _covered(no_slip, words) if stage.covered else tuple(remarks(arrival, "", words)),
        *slip,
        CUSTODY_REASON,
        buttons=_buttons("custody", ended) if ended else (),
        notes=(*arrival.notes, "no_slip") if no_slip else arrival.notes,
        covered=stage.covered,
        timeout=timeout_of(ended) if ended else None,
        status="not_yet",
        next=(slip_act,) if stage.covered else (slip_act, *acts(arrival, words, slip=no_slip is None)),
        staff_code=CUSTODY_CODE,
        outlet="" if no_slip else words.outlet,
    )


def _result(
    name: Literal["printing", "done", "already"],
    stage: Printing | Done,
    arrival: RegisteredArrival,
    ended: Done | None,
    slip: _Slip,
    words: Words,
) -> Result:
    no_slip = ended.no_slip if ended else None
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


def remarks(arrival: RegisteredArrival | ArrivalInCustody, clock: str, words: Words) -> Iterator[str]:
    """What else there is to know; `clock`: when somebody who was registered already was, in words, or ""."""
    if clock:
        entrance = arrival.entrance if isinstance(arrival, RegisteredArrival) else ""
        at = words["already"]["at_entrance" if entrance else "at"]
        yield at.format(time=clock, entrance=ruby.name(entrance))
    yield from (words["notes"][note] for note in arrival.notes if note in _REMARKS)


def acts(arrival: RegisteredArrival | ArrivalInCustody, words: Words, *, slip: bool = True) -> Iterator[NextStep]:
    """In the order in which they are done: what is due before the appointment, then the place, then the wait.

    Of an arrival in custody the place must be shown the `slip`, or hear the number: nobody else knows.
    """
    counter = words.counter.name
    if "insurance_check" in arrival.notes:
        yield words.act("insurance_counter", where=counter)
    if "subsidy_failed" in arrival.notes:
        yield words.act("subsidy_counter", where=counter)
    if isinstance(arrival, RegisteredArrival) and arrival.missing:
        yield words.act("rest_counter", where=counter, departments=_departments(arrival.missing, words))
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
    if isinstance(arrival, RegisteredArrival):
        yield _wait(first, arrival, words)
        return
    yield _show_slip(arrival, words, slip=slip)


def _show_slip(arrival: ArrivalInCustody, words: Words, *, slip: bool) -> NextStep:
    """At the windows of all departments; at the counter where none has a name."""
    names = {each.department: "" for each in arrival.appointments if each.department}
    if not names:
        return words.act("hand_in_slip" if slip else "show_code")
    departments = words["parts"]["each_department"] if len(names) > _NAMED_MAX else _departments(names, words)
    return words.act("show_slip" if slip else "say_number", departments=departments)


def _departments(names: Iterable[str], words: Words) -> str:
    return words["parts"]["between"].join(words.department(each) for each in dict.fromkeys(names))


def _wait(first: VisitAppointment, arrival: RegisteredArrival, words: Words) -> NextStep:
    """Until about the time of the appointment, unless that has passed or there is none."""
    if first.walk_in or first.time <= arrival.local_time:
        return words.act("wait")
    return words.act("wait_call", time=word_clock(first.time, words.texts))
