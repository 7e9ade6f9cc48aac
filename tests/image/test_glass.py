"""How the image's scenarios read a picture of the display: by pages, and without being misled by a page's moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from kiosk.screens.views import Choose, Screen
from kiosk.ui.items import Panel
from kiosk.words import texts
from tests.image import glass

SIZE = (1080, 1920)
START = glass.SCREENS["choose_card"]
DOWN = (texts.load()["choose_card"]["terminal_down"],)
assert isinstance(START, Choose)
GREY = replace(START, unavailable=("mynumber",), notices=DOWN)


def painted(screen: Screen) -> Image.Image:
    """The panels of a page, which is all that `glass` looks at, without letters."""
    items, scale = glass.items_of(screen, SIZE)
    picture = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(picture)
    for item in items:
        if isinstance(item, Panel):
            box = item.box.scaled(scale)
            draw.rectangle((box.x, box.y, box.right, box.bottom), fill=glass.rgb(item.colour))
    return picture


def successive(*pictures: Image.Image) -> Callable[[], Image.Image]:
    """A display that shows one after the other, and then the last one for good."""
    left: list[Image.Image] = list(pictures)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


# Out of service differs from closed by its words alone.
@pytest.mark.parametrize("name", sorted(glass.SCREENS.keys() - {"out_of_service"}))
def test_a_screen_is_known_by_its_panels(name: str) -> None:
    assert glass.which(painted(glass.SCREENS[name])) == name


def test_a_start_page_whose_button_is_grey_is_not_taken_for_the_usual_one() -> None:
    assert glass.which(painted(GREY)) != "choose_card"


@pytest.mark.parametrize("moments", [(START,), (GREY, START), (GREY, GREY, START)])
def test_a_button_that_was_grey_for_a_moment_is_no_way_out(moments: Sequence[Screen]) -> None:
    glass.until_as_before(successive(*map(painted, moments)), painted(START), 30.0, 0.01)


def test_what_stays_on_the_display_is_a_way_out() -> None:
    opened = painted(START)
    ImageDraw.Draw(opened).rectangle((0, 0, 60, 30), fill="black")  # a menu in a corner, too small for another page
    assert glass.which(opened) == "choose_card"
    with pytest.raises(AssertionError, match="it shows choose_card"):
        glass.until_as_before(successive(opened), painted(START), 0.2, 0.01)
    with pytest.raises(AssertionError, match="it shows counter"):
        glass.until_as_before(successive(painted(glass.SCREENS["counter"])), painted(START), 0.2, 0.01)
