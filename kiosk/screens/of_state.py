"""State -> Screen: what is shown, in words. Pure; window and headless are two renderers of the same values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, assert_never

from kiosk.screens import questions, results
from kiosk.screens.names import SCREENS, STAFF
from kiosk.screens.timeouts import buttons_of, timeout_of, with_more_time
from kiosk.screens.views import Choose, Counter, Instruct, Keys, NextStep, Off, Screen, Wait
from kiosk.screens.wording import Wording, Words
from kiosk.visit import looks, offers
from kiosk.visit.reasons import LISTED_REASONS, code_of
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
    Opening,
    OtherDay,
    Preparing,
    Printing,
    Registering,
    Settling,
    Start,
    TooEarly,
)
from kiosk.words.patient import word_clock, word_day

# Which act of the list a visit at the face reader has come to.
_AT_READER, _READ = 0, 2


def screen_of(kiosk: Kiosk, wording: Wording) -> Screen:
    """The screen for a state, in the language of whoever stands there."""
    words = wording.in_language(kiosk.look.language)
    page = _page(kiosk, words)
    if kiosk.choosing_language:
        page = questions.choose_language(kiosk, page, words)
    return replace(page, look=kiosk.look, tools=looks.tools(kiosk))


def _page(kiosk: Kiosk, words: Words) -> Screen:  # noqa: C901, PLR0912 - one line a stage
    stage = kiosk.stage
    match stage:
        case Start():
            return _start(kiosk, words)
        case AskingForCard():
            return questions.no_card(kiosk, stage, words)
        case Preparing():
            return _preparing(kiosk, stage, words)
        case AwaitingTap() | Settling():
            return _reader(stage, words)
        case AwaitingBirthday():
            return _birthday(stage, words)
        case AwaitingCard():
            return _card(stage, kiosk.rules.card_tries - stage.tries, words)
        case LookingUp() | Registering():
            return _wait("looking_up", words)
        case TooEarly():
            return questions.early(stage, words)
        case OtherDay():
            return questions.other_day(stage, words)
        case ChoosingDepartment():
            return questions.choose_department(stage, words)
        case ConfirmingDepartment():
            return questions.confirm_department(stage, words)
        case Printing():
            return results.printing(stage, words)
        case Done():
            return results.done(stage, words)
        case AtCounter():
            return _counter(kiosk, stage, words)
        case _:
            assert_never(stage)


def _start(kiosk: Kiosk, words: Words) -> Choose | Off:
    around = kiosk.surroundings
    if not around.is_open:
        return _closed(kiosk, words)
    if offers.is_out_of_service(kiosk):
        go = words.act("go_counter", where=words.counter.name)
        lines = tuple(line.format(where=words.counter.name) for line in words.lines("out_of_service"))
        return Off("out_of_service", words["out_of_service"]["title"], lines, "", _staff(kiosk), next=(go,))
    table, down = words["choose_card"], offers.ways_down(kiosk)
    return Choose(
        "choose_card",
        table["title"],
        table["purpose"],
        words.lines("choose_card"),
        table["press_first" if len(down) > 1 else "one_card"],
        tuple(_notices(kiosk, words)),
        (*down, "no_card") if kiosk.rules.no_card else tuple(down),
        tuple(way for way, is_down in down.items() if is_down),
        kiosk.rules.patient_cards and words.site.phone_card,
        _staff(kiosk),
        next=(NextStep("answer", table["title"]),),
    )


def _staff(kiosk: Kiosk) -> tuple[str, ...]:
    codes = {*kiosk.surroundings.staff, *(("many_cards",) if kiosk.cards_rest_until is not None else ())}
    return tuple(code for code in STAFF if code in codes)


def _notices(kiosk: Kiosk, words: Words) -> Iterator[str]:
    table, around = words["choose_card"], kiosk.surroundings
    if around.terminal_down_since is not None:
        yield table["terminal_down"]
    if not kiosk.rules.patient_cards:
        return
    if around.card_reader_down_since is not None:
        yield table["card_reader_down"]
    elif kiosk.cards_rest_until is not None:
        yield table["card_reader_resting"]
    elif words.site.phone_card:
        yield table["phone"]


def _closed(kiosk: Kiosk, words: Words) -> Off:
    around, title = kiosk.surroundings, words["closed"]["title"]
    opens = _opens(around.next_opening, words) if around.next_opening else ""
    come = NextStep("come_later", opens or title)
    return Off("closed", title, words.lines("closed"), opens, around.staff, next=(come,))


def _opens(opening: Opening, words: Words) -> str:
    pattern = words["dates"]["opening_today" if opening.is_today else "opening"]
    day = word_day(opening.at.date(), pattern, words.texts, opening.at.time())
    return words["closed"]["opens"].format(opens=day)


def _preparing(kiosk: Kiosk, stage: Preparing, words: Words) -> Screen:
    """Some milliseconds, for which a page of its own would only flicker: the one before stays."""
    if stage.slow:
        return _wait("preparing", words)
    return questions.no_card(kiosk, stage, words) if stage.asked else _start(kiosk, words)


def _wait(name: Literal["preparing", "looking_up"], words: Words) -> Wait:
    title = words[name]["title"]
    wait = NextStep("wait", words.lines(name)[0])
    return Wait(name, title, words.lines(name), SCREENS[name], status="not_yet", next=(wait,))


def _reader(stage: AwaitingTap | Settling, words: Words) -> Instruct:
    table, came = words["tap_reader"], isinstance(stage, Settling)
    again = stage.asked_again and not came
    title = table["came_title" if came else "again_title" if again else "title"]
    phone = (table["phone"],) if words.site.phone_mynumber and not came else ()
    return Instruct(
        "tap_reader",
        title,
        (*words.lines("tap_reader"), *phone),
        SCREENS["tap_reader"] if isinstance(stage, Settling) else buttons_of("tap_reader", stage),
        step=_READ if came else _AT_READER,
        again=again,
        phone=bool(phone),
        timeout=None if isinstance(stage, Settling) else timeout_of(stage),
        status="not_yet",
        next=tuple(words.act(code) for code in ("put_card", "face_or_pin", "watch_screen")),
    )


def _birthday(stage: AwaitingBirthday, words: Words) -> Keys:
    table, typed = words["birthday"], len(stage.digits)
    return Keys(
        "birthday",
        table["title"],
        words.lines("birthday"),
        table["typed"].format(dots="●" * typed + "○" * (4 - typed)),
        typed,
        buttons_of("birthday", stage),
        timeout_of(stage),
        status="not_yet",
        next=(NextStep("answer", table["title"]),),
    )


def _card(stage: AwaitingCard, tries_left: int, words: Words) -> Instruct:
    table, again = words["insert_card"], stage.tries > 0
    phone = (table["phone"],) if words.site.phone_card else ()
    where = (words.outlet,) if words.outlet else ()
    left = table["tries_left"].format(count=tries_left)
    return Instruct(
        "insert_card",
        table["again_title" if again else "title"],
        (*((table["card_unreadable"], left) if again else words.lines("insert_card")), *where, *phone),
        buttons_of("insert_card", stage),
        again=again,
        tries_left=tries_left if again else None,
        phone=bool(phone),
        reason="card_unreadable" if again else None,
        timeout=timeout_of(stage),
        status="not_yet",
        next=(words.act("insert_card"),),
    )


def _counter(kiosk: Kiosk, stage: AtCounter, words: Words) -> Counter:
    calls = kiosk.rules.staff_call and not stage.called
    slip = kiosk.rules.counter_slip or stage.reason in LISTED_REASONS
    where = words.counter
    return Counter(
        "counter",
        words["counter"]["title"],
        tuple(_explained(stage, words)),
        where,
        with_more_time(SCREENS["counter"] if calls else ("close",), stage),
        stage.reason,
        words["counter"]["called"] if stage.called else "",
        timeout_of(stage),
        status="not_yet",
        next=(words.act("go_counter", where=where.name), words.act("hand_in_slip" if slip else "show_code")),
        staff_code=code_of(stage.reason, stage.visit),
    )


def _explained(stage: AtCounter, words: Words) -> Iterator[str]:
    """Why, in plain words. The reason may come from a courier of another version: no reason to show nothing."""
    reasons, parts = words["reasons"], words["parts"]
    if stage.appointment_at is not None and stage.reason in ("too_early", "too_late"):
        yield parts[stage.reason].format(time=word_clock(stage.appointment_at, words.texts))
    else:
        yield reasons.get(stage.reason, reasons["unknown"])
    if stage.next_day is not None:
        yield parts["next_day"].format(day=word_day(stage.next_day, words["dates"]["day"], words.texts))
        if stage.next_departments:
            yield questions.departments_line(stage.next_departments, words)
