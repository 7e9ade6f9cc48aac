"""How the kiosk begins, and a visit: a card at the start page, a button, or the question whether a card is at hand."""

from __future__ import annotations

from dataclasses import replace

from kiosk.visit import events as e
from kiosk.visit.commands import Record, TakeBaseline, TellStaff
from kiosk.visit.marks import CardSeen
from kiosk.visit.moves import Step, begin, call_staff, first, go, look_up, make_unclean, stay, to_counter, to_start
from kiosk.visit.offers import is_out_of_service, ways_down
from kiosk.visit.rules import Rules
from kiosk.visit.state import AskingForCard, AwaitingCard, Came, Done, Kiosk, Preparing, Start


def switched_on(rules: Rules, now: float, *, clean: bool = False) -> Kiosk:
    """The first state. A kiosk that just started cannot know whose results are under way, so it starts unclean.

    `clean`: the caller knows that nobody was there before; only a demo with folders of its own can.
    """
    return Kiosk(rules=rules, unclean_until=now if clean else now + rules.unclean_s, look=rules.look)


def card_visit(kiosk: Kiosk) -> int | None:
    """The visit to which a card belongs that is put in now; None: to nobody, and it is dropped.

    At the start page, and on a page that only says that somebody else is done, it begins a visit of its own.
    """
    stage = kiosk.stage
    if not kiosk.rules.patient_cards or kiosk.cards_rest_until is not None:
        return None
    if isinstance(stage, AwaitingCard | AskingForCard):
        return stage.visit
    free = isinstance(stage, Start) or (isinstance(stage, Done) and stage.covered)
    return kiosk.last_visit + 1 if free and kiosk.surroundings.is_open else None


def on_start_ticked(kiosk: Kiosk, stage: Start, event: e.Ticked, now: float) -> Step:
    return stay(kiosk)  # the start page has no deadline of its own; step() updates what time alone changes


def on_start_pressed(kiosk: Kiosk, stage: Start, event: e.Pressed, now: float) -> Step:
    button = event.button
    offered = button in ways_down(kiosk) or (button == "no_card" and kiosk.rules.no_card)
    if not offered or not kiosk.surroundings.is_open or is_out_of_service(kiosk):
        return stay(kiosk)
    kiosk, visit = begin(kiosk)
    started = Record("visit_started", visit, button)
    if button == "no_card":
        return go(kiosk, AskingForCard(visit, now + kiosk.rules.ask_s), started)
    return first(started, then=_choose(kiosk, visit, button, now))


def _choose(kiosk: Kiosk, visit: int, button: str, now: float) -> Step:
    if button == "mynumber":
        slow_at, deadline = now + kiosk.rules.baseline_slow_s, now + kiosk.rules.baseline_s
        asked = isinstance(kiosk.stage, AskingForCard)
        preparing = Preparing(visit, slow_at, deadline, unclean=now < kiosk.unclean_until, asked=asked)
        return go(kiosk, preparing, TakeBaseline(visit))
    if ways_down(kiosk)["patient_card"]:  # a card would be put in for nothing
        return to_counter(kiosk, now, visit, "card_unreadable")
    return go(kiosk, AwaitingCard(visit, now + kiosk.rules.card_wait_s))


def on_asked_for_card_pressed(kiosk: Kiosk, stage: AskingForCard, event: e.Pressed, now: float) -> Step:
    button = event.button
    if button in ways_down(kiosk):
        return _choose(kiosk, stage.visit, button, now)
    match button:
        case "no":
            return to_counter(kiosk, now, stage.visit, "no_card")
        case "back":
            return to_start(kiosk, now, stage.visit, "cancelled")
        case "call" if kiosk.rules.staff_call and not stage.called:
            kiosk, commands = call_staff(kiosk, now, stage.visit)
            return go(kiosk, replace(stage, called=True, deadline=now + kiosk.rules.ask_s, warned=False), *commands)
    return stay(kiosk)


def on_asked_for_card_ticked(kiosk: Kiosk, stage: AskingForCard, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else to_start(kiosk, now, stage.visit, "timed_out")


def on_card_cancelled(kiosk: Kiosk, stage: AwaitingCard, event: e.Pressed, now: float) -> Step:
    return _no_card(kiosk, stage, now, "cancelled") if event.button == "cancel" else stay(kiosk)


def _no_card(kiosk: Kiosk, stage: AwaitingCard, now: float, code: str) -> Step:
    """Whoever found the wrong reader held a card to the other one; that result comes to the next patient."""
    return to_start(make_unclean(kiosk, now), now, stage.visit, code)


def on_card_at_start(kiosk: Kiosk, stage: Start, event: e.CardRead, now: float) -> Step:
    return _begin_by_card(kiosk, event, now)


def _begin_by_card(kiosk: Kiosk, event: e.CardRead, now: float) -> Step:
    kiosk, visit = begin(kiosk)
    return first(Record("visit_started", visit, "patient_card"), then=_card_read(kiosk, visit, event, now))


def on_unreadable_at_start(kiosk: Kiosk, stage: Start, event: e.CardUnreadable, now: float) -> Step:
    return _begin_unreadable(kiosk, now)


def _begin_unreadable(kiosk: Kiosk, now: float) -> Step:
    kiosk, visit = begin(kiosk)
    return first(Record("visit_started", visit, "patient_card"), then=_unreadable(kiosk, visit, 1, now))


def on_card_after_done(kiosk: Kiosk, stage: Done, event: e.CardRead, now: float) -> Step:
    kiosk, ended = _ended_by_card(kiosk, stage, now)
    return first(*ended, then=_begin_by_card(kiosk, event, now))


def on_unreadable_after_done(kiosk: Kiosk, stage: Done, event: e.CardUnreadable, now: float) -> Step:
    kiosk, ended = _ended_by_card(kiosk, stage, now)
    return first(*ended, then=_begin_unreadable(kiosk, now))


def _ended_by_card(kiosk: Kiosk, stage: Done, now: float) -> Step:
    """The next patient is there: with the site's look."""
    return to_start(replace(kiosk, look=kiosk.rules.look), now, stage.visit, "next_card")


def on_card_read(kiosk: Kiosk, stage: AwaitingCard | AskingForCard, event: e.CardRead, now: float) -> Step:
    return _card_read(kiosk, stage.visit, event, now)


def _card_read(kiosk: Kiosk, visit: int, event: e.CardRead, now: float) -> Step:
    """A series of numbers is no patient: somebody tries whose they are."""
    rules, mark = kiosk.rules, hash(event.patient_number)
    lately = tuple(each for each in kiosk.cards_seen if now < each.at + rules.cards_s and each.mark != mark)
    seen = (*lately, CardSeen(mark, now))
    if len(seen) < rules.cards_max:
        came = Came("patient_card", qr=event.qr)
        return look_up(replace(kiosk, cards_seen=seen), now, visit, came, event.patient_number)
    kiosk = replace(kiosk, cards_seen=(), cards_rest_until=now + rules.cards_rest_s)
    commands = (Record("cards_refused", visit), TellStaff(visit, "many_cards"))
    return first(*commands, then=to_counter(kiosk, now, visit, "card_unreadable"))


def on_card_unreadable(kiosk: Kiosk, stage: AwaitingCard, event: e.CardUnreadable, now: float) -> Step:
    return _unreadable(kiosk, stage.visit, stage.tries + 1, now)


def on_first_card_unreadable(kiosk: Kiosk, stage: AskingForCard, event: e.CardUnreadable, now: float) -> Step:
    return _unreadable(kiosk, stage.visit, 1, now)


def _unreadable(kiosk: Kiosk, visit: int, tries: int, now: float) -> Step:
    if tries >= kiosk.rules.card_tries:
        return to_counter(make_unclean(kiosk, now), now, visit, "card_unreadable")
    return go(kiosk, AwaitingCard(visit, now + kiosk.rules.card_wait_s, tries))


def on_card_ticked(kiosk: Kiosk, stage: AwaitingCard, event: e.Ticked, now: float) -> Step:
    if now < stage.deadline:
        return stay(kiosk)
    # A reader that is down never reads: say so, do not just drop the patient at the start page.
    if kiosk.surroundings.card_reader_down_since is not None or stage.tries:
        return to_counter(make_unclean(kiosk, now), now, stage.visit, "card_unreadable")
    return _no_card(kiosk, stage, now, "no_card")
