"""Every screen and variant as PNG, for those who review words and looks. Made-up people only.

The screens come through `screen_of` from states of a visit, as a patient's would.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

from kiosk.screens.names import STAFF
from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Screen
from kiosk.ui import kivy_setup
from kiosk.visit import state as f
from kiosk.visit.idle import EXTENSIONS_MAX
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS
from kiosk.words.texts import Texts

# The usual displays, in pixels, with their diagonals.
_DIAGONAL_INCH: Final = {(1080, 1920): 21.5, (1280, 1024): 19.0}
_NOW: Final = 1000.0
_DAY: Final = date(2026, 1, 15)
_SOON: Final = _NOW + 12
_LATER: Final = _NOW + 40
_ONE: Final = (f.VisitAppointment(time(13), "内科", "佐藤", "A棟1階2番窓口"),)
_TWO: Final = (*_ONE, f.VisitAppointment(time(14, 30), "眼科", "", "A棟2階5番窓口"))
_THREE: Final = (f.VisitAppointment(time(9, 15), "放射線科（CT検査）", "", "地下1階 検査受付"), *_TWO)
_FIVE: Final = (
    *_THREE,
    f.VisitAppointment(time(15, 15), "皮膚科", "中村", ""),
    f.VisitAppointment(time(16), "リハビリ室", "", "3階"),
)
_LONG: Final = (
    f.VisitAppointment(
        time(13),
        "呼吸器・アレルギー・膠原病内科（専門外来）",
        "勅使河原 慎之介 クリストファー",
        "中央診療棟3階 東エレベーターを降りて右奥 12番窓口（青い看板）",
    ),
)
_RARE: Final = (
    f.VisitAppointment(time(13), "内科", "𠮷田 髙﨑", "A棟1階2番窓口"),
    f.VisitAppointment(time(14), "外科", "한지민", "葛󠄀城棟"),
)
_CANDIDATE: Final = f.Candidate(1, "usable", "00000000", "19000101")


def render(folder: Path, texts: Texts) -> list[Path]:
    """Write `<nn>-<screen>-<variant>-<width>x<height>.png` into `folder`; returns the paths. Only in the main thread.

    Raises NoDisplay, and OSError if a file cannot be written.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")
    kivy_setup.prepare(320, 240, fullscreen=False)
    from kivy.base import EventLoop

    from kiosk.ui.view import View

    EventLoop.ensure_window()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for (width, height), diagonal in _DIAGONAL_INCH.items():
        for number, (variant, screen) in enumerate(screens(texts), 1):
            view = View(texts, diagonal, lambda button: None, lambda: _NOW, size=(width, height))
            view.show(screen)
            path = folder / f"{number:02}-{screen.name}-{variant}-{width}x{height}.png"
            path.unlink(missing_ok=True)
            view.export_to_png(str(path))
            if not path.is_file():
                raise OSError(f"{path} could not be written")
            paths.append(path)
    return paths


def screens(texts: Texts) -> Iterator[tuple[str, Screen]]:
    """(variant, screen) of everything that a patient can be shown."""
    served = ((variant, _kiosk(stage)) for variant, stage in (*_waits(), *_ends()))
    for variant, kiosk in (*_starts(), *served):
        yield variant, screen_of(kiosk, texts)


def _starts() -> Iterator[tuple[str, f.Kiosk]]:
    yield "plain", _kiosk(f.Start())
    yield "one_card", replace(_kiosk(f.Start()), rules=f.Rules(patient_cards=False))
    around = {
        "terminal_down": f.Surroundings(terminal_down_since=1.0),
        "card_reader_down": f.Surroundings(card_reader_down_since=1.0),
        "both_down": f.Surroundings(terminal_down_since=1.0, card_reader_down_since=1.0),
        "staff_hint": f.Surroundings(staff=("delivery_waits",)),
        "staff_hints": f.Surroundings(staff=STAFF),
        "plain_closed": f.Surroundings(is_open=False),
        "opens": f.Surroundings(is_open=False, next_opening=f.Opening(datetime(2026, 1, 16, 8, 30, tzinfo=UTC), False)),
        "closed_staff_hints": f.Surroundings(is_open=False, staff=STAFF),
        "down": f.Surroundings(out_of_service=True, staff=("share_terminal",)),
    }
    for variant, surroundings in around.items():
        yield variant, _kiosk(f.Start(), surroundings)


def _waits() -> Iterator[tuple[str, f.Stage]]:
    yield "slow", f.Preparing(1, 0.0, _LATER, False, slow=True)
    yield "plain", f.AwaitingTap(1, 0.0, _LATER, False)
    yield "again", f.AwaitingTap(1, 0.0, _LATER, False, asked_again=True)
    yield "result_came", f.Settling(1, 0.0, _SOON, False, False, _CANDIDATE)
    yield "leaving", f.AwaitingTap(1, 0.0, _SOON, False, warned=True)
    yield "leaving_again", f.AwaitingTap(1, 0.0, _SOON, False, asked_again=True, warned=True)
    yield "plain", f.AwaitingCard(1, _LATER)
    yield "second_try", f.AwaitingCard(1, _LATER, tries=1)
    yield "leaving", f.AwaitingCard(1, _SOON, tries=2, warned=True)
    yield "empty", f.AwaitingBirthday(1, _LATER, _CANDIDATE)
    yield "two_typed", f.AwaitingBirthday(1, _LATER, _CANDIDATE, "01")
    yield "all_typed", f.AwaitingBirthday(1, _LATER, _CANDIDATE, "0105")
    yield "leaving", f.AwaitingBirthday(1, _SOON, _CANDIDATE, "01", warned=True)
    yield "plain", f.LookingUp(1, _LATER, "mynumber", 1)


def _ends() -> Iterator[tuple[str, f.Stage]]:
    arrivals = {
        "one": _arrival(_ONE),
        "two": _arrival(_TWO),
        "three": _arrival(_THREE, number=1287),
        "five_notes": _arrival(_FIVE, notes=("insurance_check", "subsidy_failed")),
        "many": _arrival(_FIVE * 6),
        "long": _arrival(_LONG),
        "rare_letters": _arrival(_RARE),
        "notes": _arrival(_ONE, notes=("insurance_check", "subsidy_failed")),
    }
    for variant, arrival in arrivals.items():
        yield variant, f.Printing(1, _LATER, arrival)
        yield variant, f.Done(1, _LATER, arrival)
    yield "again", f.Done(1, _LATER, replace(_arrival(_TWO), again=True))
    for reason in NO_SLIP_REASONS:
        yield reason, f.Done(1, _LATER, _arrival(_ONE), reason)
    yield "no_slip_notes", f.Done(1, _LATER, arrivals["five_notes"], NO_SLIP_REASONS[0])
    yield "leaving", f.Done(1, _SOON, arrivals["notes"], warned=True)
    yield "leaving_three", f.Done(1, _SOON, arrivals["three"], NO_SLIP_REASONS[0], warned=True)
    yield "leaving_for_good", f.Done(1, _SOON, arrivals["one"], warned=True, extended=EXTENSIONS_MAX)
    for reason in COUNTER_REASONS:
        yield reason, f.AtCounter(1, _LATER, reason)
    yield "next_day", f.AtCounter(1, _LATER, "no_appointment", _DAY)
    yield "not_yet", f.AtCounter(1, _LATER, "too_early", appointment_at=time(13))
    yield "no_longer", f.AtCounter(1, _LATER, "too_late", appointment_at=time(9))
    yield "leaving", f.AtCounter(1, _SOON, "no_appointment", _DAY, warned=True)


def _arrival(
    appointments: tuple[f.VisitAppointment, ...], *, number: int = 27, notes: tuple[str, ...] = ()
) -> f.RegisteredArrival:
    return f.RegisteredArrival(_DAY, time(8, 52), "00000000", number, appointments, notes)


def _kiosk(stage: f.Stage, around: f.Surroundings | None = None) -> f.Kiosk:
    return f.Kiosk(f.Rules(), stage, around or f.Surroundings())
