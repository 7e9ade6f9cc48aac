"""What a patient is asked, and lists to choose from: stages -> Ask and Pick."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.screens.names import DEPARTMENT_BUTTONS
from kiosk.screens.timeouts import buttons_of, timeout_of, with_more_time
from kiosk.screens.views import Ask, Choice, NextStep, Pick, Screen
from kiosk.screens.wording import Words
from kiosk.visit import looks, offers
from kiosk.visit.reasons import COUNTER_CODES
from kiosk.visit.state import (
    AskingForCard,
    ChoosingDepartment,
    ConfirmingDepartment,
    Kiosk,
    OtherDay,
    Preparing,
    TooEarly,
    WalkInDepartment,
)
from kiosk.words.patient import word_clock, word_day

_NO_APPOINTMENT = "no_appointment"


def no_card(kiosk: Kiosk, stage: AskingForCard | Preparing, words: Words) -> Ask:
    """Is a card at hand? Nobody is registered without a number."""
    down = offers.ways_down(kiosk)
    asking = stage if isinstance(stage, AskingForCard) else None
    call = ("call",) if kiosk.rules.staff_call and not (asking and asking.called) else ()
    buttons = (*down, "no", *call, "back")
    return Ask(
        "no_card",
        words["no_card"]["title"],
        "",
        "",
        words.lines("no_card", "lines" if kiosk.rules.walk_in else "lines_no_walk_in"),
        with_more_time(buttons, asking) if asking else buttons,
        unavailable=tuple(way for way, is_down in down.items() if is_down),
        called=words["counter"]["called"] if asking and asking.called else "",
        timeout=timeout_of(asking) if asking else None,
        status="not_yet",
        next=_answer(words["no_card"]["title"]),
    )


def early(stage: TooEarly, words: Words) -> Ask:
    """Nothing is wrong: from when on."""
    table = words["early"]
    opens, at = word_clock(stage.opens_at, words.texts), stage.appointment_at
    return Ask(
        "early",
        table["title"],
        "",
        table["fact"].format(time=opens),
        (table["appointment"].format(time=word_clock(at, words.texts)),) if at is not None else (),
        buttons_of("early", stage),
        reason="too_early",
        timeout=timeout_of(stage),
        status="not_yet",
        next=(words.act("come_later", time=opens),),
        staff_code=COUNTER_CODES["too_early"],
    )


def other_day(stage: OtherDay, words: Words) -> Ask:
    """When the next appointment is, and whether the patient came without one today."""
    table, found = words["other_day"], stage.known.found
    may_walk_in = offers.may_walk_in(stage.known)
    on, at = (None, ()) if stage.known.covered else (found.next_day, found.next_departments)
    day = word_day(on, words["dates"]["day"], words.texts) if on else ""
    departments = (departments_line(at, words),) if at else ()
    buttons = tuple(each for each in buttons_of("other_day", stage) if each != "walk_in" or may_walk_in)
    return Ask(
        "other_day",
        table["title"],
        table["next_day"] if day else "",
        table["fact"].format(day=day) if day else "",
        (*departments, *((table["walk_in"],) if may_walk_in else ())),
        buttons,
        reason=_NO_APPOINTMENT,
        timeout=timeout_of(stage),
        status="not_yet",
        next=_answer(table["walk_in"]) if may_walk_in else (words.act("go_counter", where=words.counter.name),),
        staff_code=COUNTER_CODES[_NO_APPOINTMENT],
    )


def departments_line(departments: tuple[str, ...], words: Words) -> str:
    """Those of the next appointments."""
    named = dict.fromkeys(words.department(each) for each in departments)
    return words["parts"]["next_departments"].format(departments=words["parts"]["between"].join(named))


def choose_department(stage: ChoosingDepartment, words: Words) -> Pick:
    """Where to, without an appointment."""
    table, pages = words["choose_department"], offers.pages_of(stage.known)
    choices = tuple(_department_choices(stage, words))
    several = ("more",) if pages > 1 else ()
    buttons = (*(each.button for each in choices if each.available), *several, "back")
    return Pick(
        "choose_department",
        table["title"],
        tuple(line.format(where=words.counter.name) for line in words.lines("choose_department")),
        choices,
        table["page"].format(page=stage.page + 1, pages=pages) if several else "",
        with_more_time(buttons, stage),
        reason=_NO_APPOINTMENT,
        timeout=timeout_of(stage),
        status="not_yet",
        next=_answer(table["title"]),
        staff_code=COUNTER_CODES[_NO_APPOINTMENT],
    )


def _department_choices(stage: ChoosingDepartment, words: Words) -> Iterator[Choice]:
    for button, each in zip(DEPARTMENT_BUTTONS, offers.departments_on(stage), strict=False):
        named = words.site.departments.worded(each.name, words.texts)
        yield Choice(button, named.text, named.reading, _remark(each, words), each.receives)


def _remark(department: WalkInDepartment, words: Words) -> str:
    """Why it cannot be chosen now."""
    table = words["choose_department"]
    match department.standing:
        case "open":
            return ""
        case "later" if department.opens is not None:
            return table["opens"].format(time=word_clock(department.opens, words.texts))
        case "ended":
            return table["ended"]
        case _:
            return table["closed"]


def confirm_department(stage: ConfirmingDepartment, words: Words) -> Ask:
    """Before anything is written."""
    table = words["confirm_department"]
    return Ask(
        "confirm_department",
        table["title"],
        "",
        words.department(stage.department.name),
        words.lines("confirm_department"),
        buttons_of("confirm_department", stage),
        reason=_NO_APPOINTMENT,
        timeout=timeout_of(stage),
        status="not_yet",
        next=_answer(table["title"]),
        staff_code=COUNTER_CODES[_NO_APPOINTMENT],
    )


def choose_language(kiosk: Kiosk, below: Screen, words: Words) -> Pick:
    """Lies over any page; the visit and its time go on below."""
    table = words["choose_language"]
    tools = tuple(tool for tool in looks.tools(kiosk) if tool.startswith("lang_"))
    more_time = tuple(button for button in below.buttons if button == "more_time")
    return Pick(
        "choose_language",
        table["title"],
        words.lines("choose_language"),
        tuple(_language_choice(tool, kiosk, words) for tool in tools),
        "",
        (*more_time, *tools, "back"),
        timeout=below.timeout,
        status=below.status,
        next=_answer(table["title"]),
        staff_code=below.staff_code,
    )


def _language_choice(tool: str, kiosk: Kiosk, words: Words) -> Choice:
    language = tool.removeprefix("lang_")
    chosen = language == kiosk.look.language
    return Choice(tool, words["languages"][tool], chosen=chosen, language=language)


def _answer(question: str) -> tuple[NextStep, ...]:
    return (NextStep("answer", question),)
