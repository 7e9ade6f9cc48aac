"""A state for every page that a patient can be shown, of made-up people: for pictures, proofs and translators. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Final

from kiosk.screens.names import NOTES, STAFF
from kiosk.visit import state as s
from kiosk.visit.idle import EXTENSIONS_MAX
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS
from kiosk.visit.rules import Rules

NOW: Final = 1000.0
TIME_OF_DAY: Final = time(8, 52)
_DAY: Final = date(2026, 1, 15)
_NEXT_DAY: Final = date(2026, 2, 3)
_SOON: Final = NOW + 12
_LATER: Final = NOW + 40
RULES: Final = Rules(no_card=True, walk_in=True, staff_call=True)

_ONE: Final = (s.VisitAppointment(time(13), "内科", "佐藤", "A棟1階2番窓口", "A", 1, "2"),)
_WORDS: Final = (s.VisitAppointment(time(13), "内科", "佐藤", "採血室の右どなり"),)
_TWO: Final = (*_ONE, s.VisitAppointment(time(14, 30), "眼科", "", "A棟2階5番窓口"))
_THREE: Final = (s.VisitAppointment(time(9, 15), "放射線科（CT検査）", "", "地下1階 検査受付"), *_TWO)
_FIVE: Final = (
    *_THREE,
    s.VisitAppointment(time(15, 15), "皮膚科", "中村", ""),
    s.VisitAppointment(time(16), "リハビリ室", "", "3階"),
)
_LONG: Final = (
    s.VisitAppointment(
        time(13),
        "呼吸器・アレルギー・膠原病内科（専門外来）",
        "勅使河原 慎之介 クリストファー",
        "中央診療棟3階 東エレベーターを降りて右奥 12番窓口（青い看板）",
    ),
)
_RARE: Final = (
    s.VisitAppointment(time(13), "内科", "𠮷田 髙﨑", "A棟1階2番窓口"),
    s.VisitAppointment(time(14), "外科", "한지민", "葛󠄀城棟"),
)
_MESSAGE: Final = (replace(_ONE[0], message="採尿してから診察へお越しください"),)
_DEPARTMENTS: Final = (
    s.WalkInDepartment("01", "内科"),
    s.WalkInDepartment("02", "外科"),
    s.WalkInDepartment("03", "整形外科"),
    s.WalkInDepartment("04", "眼科", "later", time(13)),
    s.WalkInDepartment("05", "皮膚科", "ended"),
    s.WalkInDepartment("06", "耳鼻いんこう科", "closed"),
    s.WalkInDepartment("07", "小児科"),
)
# Nobody is early and late at once, who came without an appointment is neither, and who is asked for the insurance of
# the month came with a patient card, of which no certificate says more.
_NOT_TOGETHER: Final = ("no_slip", "arrived_early", "walk_in", "insurance_monthly")
_CANDIDATE: Final = s.Candidate(1, "usable", "00000000", "19000101")
_CAME: Final = s.Came("mynumber", 1)


def specimens() -> Iterator[tuple[str, s.Kiosk]]:
    """(variant, state) of everything that a patient can be shown, in the site's own look."""
    yield from _starts()
    for variant, stage in (*_waits(), *_questions(), *_ends()):
        yield variant, _kiosk(stage)
    yield "plain", replace(_kiosk(s.AwaitingTap(1, 0.0, _LATER, unclean=False)), choosing_language=True)
    yield "at_start", replace(_kiosk(s.Start()), choosing_language=True)


def _kiosk(stage: s.Stage, around: s.Surroundings | None = None) -> s.Kiosk:
    return s.Kiosk(RULES, stage, around or s.Surroundings())


def _starts() -> Iterator[tuple[str, s.Kiosk]]:
    yield "plain", _kiosk(s.Start())
    yield "two_cards", replace(_kiosk(s.Start()), rules=Rules())
    yield "one_card", replace(_kiosk(s.Start()), rules=Rules(patient_cards=False))
    yield "cards_rest", replace(_kiosk(s.Start()), cards_rest_until=_LATER)
    around = {
        "terminal_down": s.Surroundings(terminal_down_since=1.0),
        "card_reader_down": s.Surroundings(card_reader_down_since=1.0),
        "staff_hint": s.Surroundings(staff=("delivery_waits",)),
        "staff_hints": s.Surroundings(staff=STAFF),
        "plain_closed": s.Surroundings(is_open=False),
        "opens": s.Surroundings(is_open=False, next_opening=s.Opening(datetime(2026, 1, 16, 8, 30, tzinfo=UTC), False)),
        "opens_today": s.Surroundings(
            is_open=False, next_opening=s.Opening(datetime(2026, 1, 15, 13, tzinfo=UTC), True)
        ),
        "closed_staff_hints": s.Surroundings(is_open=False, staff=STAFF),
        "down": s.Surroundings(terminal_down_since=1.0, card_reader_down_since=1.0, staff=("share_terminal",)),
    }
    for variant, surroundings in around.items():
        yield variant, _kiosk(s.Start(), surroundings)


def _waits() -> Iterator[tuple[str, s.Stage]]:
    yield "slow", s.Preparing(1, 0.0, _LATER, unclean=False, slow=True)
    yield "plain", s.AwaitingTap(1, 0.0, _LATER, unclean=False)
    yield "again", s.AwaitingTap(1, 0.0, _LATER, unclean=False, asked_again=True)
    yield "result_came", s.Settling(1, 0.0, _SOON, unclean=False, asked_again=False, candidate=_CANDIDATE)
    yield "leaving", s.AwaitingTap(1, 0.0, _SOON, unclean=False, warned=True)
    yield "leaving_again", s.AwaitingTap(1, 0.0, _SOON, unclean=False, asked_again=True, warned=True)
    yield "plain", s.AwaitingCard(1, _LATER)
    yield "second_try", s.AwaitingCard(1, _LATER, tries=1)
    yield "leaving", s.AwaitingCard(1, _SOON, tries=2, warned=True)
    yield "empty", s.AwaitingBirthday(1, _LATER, _CANDIDATE)
    yield "two_typed", s.AwaitingBirthday(1, _LATER, _CANDIDATE, "01")
    yield "all_typed", s.AwaitingBirthday(1, _LATER, _CANDIDATE, "0105")
    yield "leaving", s.AwaitingBirthday(1, _SOON, _CANDIDATE, "01", warned=True)
    yield "plain", s.LookingUp(1, _LATER, _CAME)


def _questions() -> Iterator[tuple[str, s.Stage]]:
    found = s.AppointmentsFound(
        1,
        _DAY,
        TIME_OF_DAY,
        "00000000",
        (),
        next_day=_NEXT_DAY,
        next_departments=("内科", "眼科"),
        walk_in=_DEPARTMENTS,
    )
    known = s.Known(found, _CAME)
    yield "plain", s.AskingForCard(1, _LATER)
    yield "called", s.AskingForCard(1, _LATER, called=True)
    yield "leaving", s.AskingForCard(1, _SOON, warned=True)
    yield "plain", s.TooEarly(1, _LATER, time(12, 30), time(13))
    yield "leaving", s.TooEarly(1, _SOON, time(12, 30), None, warned=True)
    yield "walk_in", s.OtherDay(1, _LATER, known)
    yield "no_walk_in", s.OtherDay(1, _LATER, s.Known(replace(found, walk_in=()), _CAME))
    yield "leaving", s.OtherDay(1, _SOON, replace(known, covered=True), warned=True)
    yield "first_page", s.ChoosingDepartment(1, _LATER, known)
    yield "second_page", s.ChoosingDepartment(1, _LATER, known, page=1)
    receiving = tuple(replace(each, standing="open", opens=None) for each in _DEPARTMENTS[:6])
    yield "all_receive", s.ChoosingDepartment(1, _LATER, s.Known(replace(found, walk_in=receiving), _CAME))
    yield "leaving", s.ChoosingDepartment(1, _SOON, known, warned=True)
    yield "plain", s.ConfirmingDepartment(1, _LATER, known, _DEPARTMENTS[0])
    yield "leaving", s.ConfirmingDepartment(1, _SOON, known, _DEPARTMENTS[5], warned=True)


def _ends() -> Iterator[tuple[str, s.Stage]]:
    arrivals = {
        "one": _arrival(_ONE),
        "in_words": _arrival(_WORDS),
        "two": _arrival(_TWO),
        "three": _arrival(_THREE, numbers=("1287",)),
        "two_numbers": _arrival(_TWO, numbers=("A17", "B4")),
        "five_notes": _arrival(_FIVE, notes=("insurance_check", "subsidy_failed")),
        "many": _arrival(_FIVE * 6),
        "long": _arrival(_LONG, numbers=("00017",)),
        "rare_letters": _arrival(_RARE),
        "notes": _arrival(_ONE, notes=("insurance_check", "subsidy_failed")),
        "message": _arrival(_MESSAGE),
        "late": _arrival(_ONE, notes=("arrived_late",)),
        "early": replace(_arrival(_ONE, notes=("arrived_early",)), back_by=time(12, 30)),
        "walk_in": _arrival((replace(_ONE[0], walk_in=True),), notes=("walk_in",)),
        "monthly": _arrival(_ONE, notes=("insurance_monthly",)),
        "all_notes": _arrival(_TWO, notes=tuple(note for note in NOTES if note not in _NOT_TOGETHER)),
    }
    for variant, arrival in arrivals.items():
        yield variant, s.Printing(1, _LATER, arrival, _CAME, _LATER)
        yield variant, s.Done(1, _LATER, arrival)
    yield "again", s.Done(1, _LATER, replace(arrivals["two"], again=True))
    elsewhere = (s.VisitReception("A27", entrance="A"),)
    yield "again_elsewhere", s.Done(1, _LATER, replace(arrivals["two"], receptions=elsewhere, again=True))
    partly = replace(arrivals["two"], notes=("partly",), missing=("皮膚科",))
    yield "partly", s.Done(1, _LATER, partly)
    yield "covered", s.Done(1, _LATER, arrivals["two"], covered=True)
    five = _arrival(_FIVE, numbers=("00017", "00018", "00019", "00020", "00021"))
    yield "five_numbers", s.Done(1, _LATER, five)
    yield "covered_numbers", s.Done(1, _LATER, five, covered=True)
    yield "covered_no_slip", s.Done(1, _LATER, arrivals["two"], NO_SLIP_REASONS[0], covered=True)
    yield "printing_covered", s.Printing(1, _LATER, arrivals["one"], _CAME, NOW, covered=True)
    for reason in NO_SLIP_REASONS:
        yield reason, s.Done(1, _LATER, arrivals["one"], reason)
    yield "no_slip_notes", s.Done(1, _LATER, arrivals["five_notes"], NO_SLIP_REASONS[0])
    yield "leaving", s.Done(1, _SOON, arrivals["notes"], covered=True, warned=True)
    yield "leaving_no_slip", s.Done(1, _SOON, arrivals["three"], NO_SLIP_REASONS[0], covered=True, warned=True)
    yield "leaving_for_good", s.Done(1, _SOON, arrivals["one"], covered=True, warned=True, extended=EXTENSIONS_MAX)
    yield from _in_custody()
    for reason in COUNTER_REASONS:
        yield reason, s.AtCounter(1, _LATER, reason)
    yield "next_day", s.AtCounter(1, _LATER, "no_appointment", _NEXT_DAY, ("内科",))
    yield "not_yet", s.AtCounter(1, _LATER, "too_early", appointment_at=time(13))
    yield "no_longer", s.AtCounter(1, _LATER, "too_late", appointment_at=time(9))
    yield "called", s.AtCounter(1, _LATER, "reservations_down", called=True)
    yield "leaving", s.AtCounter(1, _SOON, "no_appointment", warned=True)


def _in_custody() -> Iterator[tuple[str, s.Stage]]:
    custody = s.ArrivalInCustody(_DAY, TIME_OF_DAY, "00000000", "K3-012", _ONE)
    yield "custody", s.Printing(1, _LATER, custody, _CAME, _LATER)
    yield "one", s.Done(1, _LATER, custody)
    yield "two", s.Done(1, _LATER, replace(custody, appointments=_TWO))
    yield "five_notes", s.Done(1, _LATER, replace(custody, appointments=_FIVE, notes=("insurance_check",)))
    yield "long", s.Done(1, _LATER, replace(custody, appointments=_LONG))
    yield "no_slip", s.Done(1, _LATER, custody, NO_SLIP_REASONS[0])
    yield "covered", s.Done(1, _LATER, custody, covered=True)
    yield "covered_no_slip", s.Done(1, _LATER, custody, NO_SLIP_REASONS[0], covered=True)
    yield "leaving", s.Done(1, _SOON, custody, covered=True, warned=True)


def _arrival(
    appointments: tuple[s.VisitAppointment, ...], *, numbers: tuple[str, ...] = ("27",), notes: tuple[str, ...] = ()
) -> s.RegisteredArrival:
    """`numbers`: one, or one for each appointment."""
    of = [each.department for each in appointments] if len(numbers) > 1 else [""]
    receptions = tuple(map(s.VisitReception, numbers, of))
    return s.RegisteredArrival(_DAY, TIME_OF_DAY, "00000000", receptions, appointments, notes)
