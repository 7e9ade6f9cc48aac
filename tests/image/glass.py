"""What a picture of the display shows: told by the places and colours of a page's panels, as the kiosk lays them out.

No text is read; a person looks at the pictures for that. Nothing in the guest is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time
from functools import cache

from PIL import Image

from kiosk.screens.of_state import screen_of
from kiosk.screens.views import Screen
from kiosk.screens.wording import Wording
from kiosk.ui.frame import Stand
from kiosk.ui.items import Anywhere, Box, Button, Item, Panel, Text
from kiosk.ui.pages import layout_at
from kiosk.ui.scale import millimetre_px
from kiosk.ui.theme import channels
from kiosk.visit.rules import Rules
from kiosk.visit.state import (
    AtCounter,
    AwaitingBirthday,
    AwaitingTap,
    Candidate,
    Done,
    Kiosk,
    RegisteredArrival,
    Stage,
    Start,
    Surroundings,
    VisitAppointment,
    VisitReception,
)
from tests.image.machine import TooLate, until

DIAGONAL_INCH = 21.5
STEP_PX = 18
EDGE_MM = 2.5
SAME_SHARE = 0.97
_TOLERANCE = 4  # paper and ground differ by 8
_COLOURS_MAX = 65536
_WORDING = Wording()
_STAND = Stand()
_APPOINTMENT = VisitAppointment(time(23, 59), "内科", "佐藤", "A棟1階2番窓口")
_ARRIVAL = RegisteredArrival(date(2026, 1, 15), time(8, 52), "00000000", (VisitReception("1"),), (_APPOINTMENT,))
_LATER = 1.0


def _screen(stage: Stage, around: Surroundings | None = None) -> Screen:
    rules = Rules(patient_cards=False)
    return screen_of(Kiosk(rules, stage, around or Surroundings()), _WORDING)


# Screens as far as their layout goes. The words do not matter, but for how many there are.
SCREENS: Mapping[str, Screen] = {
    "choose_card": _screen(Start(), Surroundings(staff=("printer",))),
    "tap_reader": _screen(AwaitingTap(1, 0.0, _LATER, unclean=False)),
    "birthday": _screen(AwaitingBirthday(1, _LATER, Candidate(1, "usable", "00000000", "19000101"))),
    "done": _screen(Done(1, _LATER, _ARRIVAL)),
    "counter": _screen(AtCounter(1, _LATER, "no_result")),
    "closed": _screen(Start(), Surroundings(is_open=False, staff=("printer",))),
    "out_of_service": _screen(Start(), Surroundings(terminal_down_since=0.0, staff=("printer",))),
}

Points = list[tuple[int, int, tuple[int, int, int]]]


def items_of(screen: Screen, size: tuple[int, int]) -> tuple[tuple[Item, ...], float]:
    """The page of a screen on a display of `size` pixels, and the pixels of its millimetre."""
    scale = millimetre_px(*size, DIAGONAL_INCH)
    return layout_at(_STAND)(screen, size[0] / scale, size[1] / scale), scale


def share(picture: Image.Image, items: tuple[Item, ...], scale: float) -> float:
    """How many of the points whose colour the page determines have it, from 0 to 1."""
    return _share(picture, expected(items, scale, picture.size))


def _share(picture: Image.Image, points: Points) -> float:
    good = 0
    for x, y, wanted in points:
        seen = picture.getpixel((x, y))
        assert isinstance(seen, tuple)
        good += all(abs(a - b) <= _TOLERANCE for a, b in zip(seen, wanted, strict=False))
    return good / max(len(points), 1)


def expected(items: tuple[Item, ...], scale: float, size: tuple[int, int]) -> Points:
    """Points and colours; none near an edge, a letter or a drawing."""
    found: Points = []
    for y in range(STEP_PX // 2, size[1], STEP_PX):
        for x in range(STEP_PX // 2, size[0], STEP_PX):
            colour = _colour_at(items, x / scale, y / scale)
            if colour is not None:
                found.append((x, y, rgb(colour)))
    return found


def rgb(colour: str) -> tuple[int, int, int]:
    """As a picture has it."""
    red, green, blue = (round(channel * 255) for channel in channels(colour))
    return red, green, blue


def _colour_at(items: tuple[Item, ...], x: float, y: float) -> str | None:
    for item in reversed(items):
        match item:
            case Panel():
                if _grown(item.box).holds(x, y):
                    return item.colour if item is items[0] or item.box.inset(EDGE_MM).holds(x, y) else None
            case Button():
                continue
            case Text():
                if _grown(item.letters).holds(x, y):
                    return None
            case Anywhere():
                continue
            case _:
                if _grown(item.box).holds(x, y):
                    return None
    return None


def _grown(box: Box) -> Box:
    return box.inset(-EDGE_MM)


@cache
def _points_of(name: str, size: tuple[int, int]) -> Points:
    return expected(*items_of(SCREENS[name], size), size)


def which(picture: Image.Image) -> str | None:
    """The name of the reception's screen that is shown, or None."""
    shares = {name: _share(picture, _points_of(name, picture.size)) for name in SCREENS}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= SAME_SHARE else None


def middle(screen: Screen, button: str, size: tuple[int, int]) -> tuple[float, float]:
    """Where to tap, from 0 to 1."""
    items, scale = items_of(screen, size)
    return middle_of(items, scale, button, size)


def middle_of(items: tuple[Item, ...], scale: float, button: str, size: tuple[int, int]) -> tuple[float, float]:
    """The same for a page of any kind."""
    box = next(item.box for item in items if isinstance(item, Button) and item.name == button)
    x, y = box.scaled(scale).middle
    return x / size[0], y / size[1]


def is_plain(picture: Image.Image) -> bool:
    """One colour all over."""
    return all(low == high for low, high in picture.getextrema())  # type: ignore[misc]  # one pair for each channel


def is_console(picture: Image.Image) -> bool:
    """Something on black: how a text console looks, and nothing that the kiosk shows."""
    counted = picture.getcolors(_COLOURS_MAX)
    if counted is None:
        return False
    count, colour = max(counted)
    assert isinstance(colour, tuple)
    return max(colour) < 16 and count < picture.width * picture.height - 4


def until_as_before(
    look: Callable[[], Image.Image], before: Image.Image, deadline_s: float, look_every_s: float = 0.5
) -> None:
    """Until the display shows what it did. Raises AssertionError with the screen it shows instead, by name.

    One look is not enough: the start page may say for a moment, on a busy computer, that the terminal does not answer.
    It goes back by itself; what a key has opened does not.
    """
    seen = [before]

    def back() -> bool:
        seen[0] = look()
        return same(before, seen[0])

    try:
        until(back, "the display as it was", deadline_s, look_every_s)
    except TooLate as late:
        raise AssertionError(f"{late}; it shows {which(seen[0]) or 'what no screen is'}") from None


def same(one: Image.Image, other: Image.Image, tolerance: int = 0) -> bool:
    """Whether two pictures are alike, pixel by pixel."""
    if one.size != other.size:
        return False
    from PIL import ImageChops

    return all(high <= tolerance for _, high in ImageChops.difference(one, other).getextrema())  # type: ignore[misc]
