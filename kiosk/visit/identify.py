"""Whose result is it? The stages between the choice of マイナンバーカード and a patient number.

A result is shown only if its file is new since the baseline, not earlier than a reader can be, alone until it has
settled, and, while an earlier visitor's result may still be under way, only to someone who types its birth day. A
second result of somebody who was served a moment ago counts as such a late one. Only a visit that came to know its
patient leaves the kiosk clean: whoever ends without a name may have a result under way to the next one.
Whatever is not shown here is delivered all the same; that is the courier's business.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from kiosk.visit import events as e
from kiosk.visit.arrive import proceed
from kiosk.visit.commands import Prepare, Record
from kiosk.visit.moves import Step, go, look_up, make_unclean, served_lately, stay, to_counter, to_start, with_news
from kiosk.visit.state import AwaitingBirthday, AwaitingTap, Came, Candidate, Kiosk, Known, Preparing, Settling


def on_baseline_taken(kiosk: Kiosk, stage: Preparing, event: e.BaselineTaken, now: float) -> Step:
    return go(
        kiosk,
        AwaitingTap(stage.visit, event.at, now + kiosk.rules.result_wait_s, stage.unclean),
        Record("tap_awaited", stage.visit),
    )


def on_baseline_failed(kiosk: Kiosk, stage: Preparing, event: e.BaselineFailed, now: float) -> Step:
    """The reader beside the screen works without us: the patient may have held the card there already."""
    return _unidentified(kiosk, stage.visit, "no_result", now)


def on_preparing_ticked(kiosk: Kiosk, stage: Preparing, event: e.Ticked, now: float) -> Step:
    if now < stage.deadline:
        return go(kiosk, replace(stage, slow=now >= stage.slow_at))
    return _unidentified(kiosk, stage.visit, "no_result", now)


def on_cancel_pressed(
    kiosk: Kiosk, stage: Preparing | AwaitingTap | Settling | AwaitingBirthday, event: e.Pressed, now: float
) -> Step:
    if event.button != "cancel":
        return stay(kiosk)
    return to_start(make_unclean(kiosk, now), now, stage.visit, "cancelled")


def on_result_sighted(kiosk: Kiosk, stage: AwaitingTap, event: e.ResultSighted, now: float) -> Step:
    if not _in_window(kiosk, stage, event.first_seen):
        return stay(kiosk)
    return go(kiosk, replace(stage, pending=stage.pending | {event.file}))


def on_result_gone(kiosk: Kiosk, stage: AwaitingTap, event: e.ResultGone, now: float) -> Step:
    return go(kiosk, replace(stage, pending=stage.pending - {event.file}))


def on_result_arrived(kiosk: Kiosk, stage: AwaitingTap, event: e.ResultArrived, now: float) -> Step:
    if event.first_seen < stage.began_at:
        return stay(kiosk)  # it was there, or on its way, before this visit
    if not _in_window(kiosk, stage, event.first_seen):
        return go(kiosk, replace(stage, early_at=now), Record("result_too_early", stage.visit))
    if stage.pending - {event.candidate.file}:
        return _unidentified(kiosk, stage.visit, "ambiguous", now)
    deadline = now + kiosk.rules.settle_s
    settling = Settling(stage.visit, stage.began_at, deadline, stage.unclean, stage.asked_again, event.candidate)
    return go(kiosk, settling, Prepare(stage.visit))


def on_courier_returned(kiosk: Kiosk, stage: AwaitingTap, event: e.CourierReturned, now: float) -> Step:
    """The visit's result may have come while nobody looked: ask to tap again rather than wait in vain.

    What was still being written then is delivered unseen, and no event of it will come.
    """
    return go(kiosk, replace(stage, early_at=now, pending=frozenset()))


def on_tap_ticked(kiosk: Kiosk, stage: AwaitingTap, event: e.Ticked, now: float) -> Step:
    again_at = ask_again_at(kiosk, stage)
    if again_at is not None and now >= again_at:
        again = replace(stage, asked_again=True, deadline=now + kiosk.rules.result_wait_s, warned=False)
        return go(kiosk, again, Record("asked_to_tap_again", stage.visit))
    if now < stage.deadline:
        return stay(kiosk)
    return _unidentified(kiosk, stage.visit, "no_result", now)


def ask_again_at(kiosk: Kiosk, stage: AwaitingTap) -> float | None:
    """When もう一度かざしてください is due: once a visit, after a result that came too early to be this patient's."""
    if stage.early_at is None or stage.asked_again or stage.pending:
        return None
    due = max(stage.early_at, stage.began_at + kiosk.rules.reader_min_s) + kiosk.rules.again_after_s
    return min(due, stage.deadline)


def on_second_result_sighted(kiosk: Kiosk, stage: Settling, event: e.ResultSighted, now: float) -> Step:
    return _second_result(kiosk, stage, event.file, event.first_seen, now)


def on_second_result_arrived(kiosk: Kiosk, stage: Settling, event: e.ResultArrived, now: float) -> Step:
    return _second_result(kiosk, stage, event.candidate.file, event.first_seen, now)


def _second_result(kiosk: Kiosk, stage: Settling, file: Hashable, first_seen: float, now: float) -> Step:
    if file == stage.candidate.file or not _in_window(kiosk, stage, first_seen):
        return stay(kiosk)
    return _unidentified(kiosk, stage.visit, "ambiguous", now)


def on_courier_returned_while_settling(kiosk: Kiosk, stage: Settling, event: e.CourierReturned, now: float) -> Step:
    """Nobody can say that the candidate stayed alone: drop it and ask to tap again."""
    deadline = now + kiosk.rules.result_wait_s
    waiting = AwaitingTap(stage.visit, stage.began_at, deadline, stage.unclean)
    return go(kiosk, replace(waiting, early_at=now, asked_again=stage.asked_again))


def on_news(kiosk: Kiosk, stage: Settling, event: e.SubsidyFailed | e.ResultCompared, now: float) -> Step:
    if event.file != stage.candidate.file:
        return stay(kiosk)
    return go(kiosk, replace(stage, candidate=with_news(stage.candidate, event)))


def on_news_before_birthday(
    kiosk: Kiosk, stage: AwaitingBirthday, event: e.SubsidyFailed | e.ResultCompared, now: float
) -> Step:
    if not isinstance(stage.subject, Candidate) or event.file != stage.subject.file:
        return stay(kiosk)
    return go(kiosk, replace(stage, subject=with_news(stage.subject, event)))


def on_settling_ticked(kiosk: Kiosk, stage: Settling, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _settled(kiosk, stage, now)


def on_birthday_pressed(kiosk: Kiosk, stage: AwaitingBirthday, event: e.Pressed, now: float) -> Step:
    if event.button == "cancel":
        return on_cancel_pressed(kiosk, stage, event, now)
    # Whoever types is there: the time starts again.
    stage = replace(stage, deadline=now + kiosk.rules.birthday_wait_s, warned=False)
    if event.button == "clear":
        return go(kiosk, replace(stage, digits=""))
    if event.button.startswith("key_") and len(stage.digits) < 4:
        return go(kiosk, replace(stage, digits=stage.digits + event.button.removeprefix("key_")))
    if event.button != "ok" or len(stage.digits) < 4:
        return stay(kiosk)
    # One try only: a second one would be a way to guess.
    subject = stage.subject
    born = _birth_day(subject) if isinstance(subject, Candidate) else subject.found.born_on
    if born != stage.digits:
        return _unidentified(kiosk, stage.visit, "birthday_differs", now)
    if isinstance(subject, Known):
        return proceed(kiosk, stage.visit, subject, now)
    return _identified(kiosk, stage.visit, subject, now)


def on_birthday_ticked(kiosk: Kiosk, stage: AwaitingBirthday, event: e.Ticked, now: float) -> Step:
    return stay(kiosk) if now < stage.deadline else _unidentified(kiosk, stage.visit, "birthday_differs", now)


def _in_window(kiosk: Kiosk, stage: AwaitingTap | Settling, first_seen: float) -> bool:
    return first_seen >= stage.began_at + kiosk.rules.reader_min_s


def _unidentified(kiosk: Kiosk, visit: int, reason: str, now: float) -> Step:
    return to_counter(make_unclean(kiosk, now), now, visit, reason)


def _settled(kiosk: Kiosk, stage: Settling, now: float) -> Step:
    candidate = stage.candidate
    rule = kiosk.rules.birthday
    if candidate.outcome != "usable":
        # It names nobody, so nobody knows whose it was: perhaps a late one, and this patient's own is still to come.
        return _unidentified(kiosk, stage.visit, candidate.outcome, now)
    doubtful = stage.unclean or served_lately(kiosk, now, candidate.reference_number)
    if rule == "never" or (rule == "after_unclean" and not doubtful):
        return _identified(kiosk, stage.visit, candidate, now)
    if _birth_day(candidate) is None:
        return _unidentified(kiosk, stage.visit, "birthday_differs", now)  # nothing to compare with
    asked = AwaitingBirthday(stage.visit, now + kiosk.rules.birthday_wait_s, candidate)
    return go(kiosk, asked, Record("birthday_asked", stage.visit))


def _birth_day(candidate: Candidate) -> str | None:
    """MMDD of YYYYMMDD; None where the file has no such date, or only a part of it (00)."""
    born = candidate.birthdate or ""
    if len(born) != 8 or not (born.isascii() and born.isdigit()):
        return None
    return born[4:] if 1 <= int(born[4:6]) <= 12 and 1 <= int(born[6:]) <= 31 else None


def _identified(kiosk: Kiosk, visit: int, candidate: Candidate, now: float) -> Step:
    if candidate.reference_number is None:  # a usable candidate has one; without, nobody is identified
        return _unidentified(kiosk, visit, "not_registered", now)
    came = Came("mynumber", candidate.file, candidate.notes, candidate.key, birthdate=candidate.birthdate)
    return look_up(kiosk, now, visit, came, candidate.reference_number)
