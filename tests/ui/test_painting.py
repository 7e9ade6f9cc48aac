"""Painted pages: contrast from their pixels, states that nobody mixes up, and that the window draws the same."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from kiosk.ui.items import Picture
from kiosk.ui.measure import Combination, pages
from kiosk.ui.measure_pixels import (
    PIXEL_RULES,
    VISIONS,
    lightness,
    outlined,
    painted,
    seen,
    state_colour,
)
from kiosk.ui.painting import Painter
from kiosk.ui.pictures import DISPLAYS, screens
from kiosk.ui.scale import millimetre_px
from kiosk.ui.theme import THEMES, Tone
from kiosk.visit.rules import Look
from tests.ui.driver import DIAGONAL, PORTRAIT, Desk, needs_gl

SMALL, DESK, UPRIGHT, ACROSS, WALL = DISPLAYS
CHOSEN = (
    Combination(Look("ja"), UPRIGHT),
    Combination(Look("vi", "high_contrast", "large"), DESK),
    Combination(Look("zh_hans", "high_contrast", "normal", wheelchair=True), ACROSS),
)
# One of each of the four states.
STATES = {"work": "choose_card-plain", "done": "done-one", "counter": "counter-no_appointment", "off": "closed-opens"}


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
def test_every_painted_page_keeps_every_rule(chosen: Combination) -> None:
    broken = []
    for name, page in pages(chosen):
        picture = painted(page)
        for rule in PIXEL_RULES:
            figure = rule.worst(picture)
            if figure is not None and not rule.keeps(figure):
                broken.append((rule.name, name, round(figure, 2)))
    assert broken == []


@pytest.mark.parametrize("theme", THEMES)
def test_only_one_state_is_dark_or_light_and_no_two_are_alike_to_any_eye(theme: str) -> None:
    look = Look("ja", theme)  # type: ignore[arg-type]
    found = dict(pages(Combination(look, UPRIGHT)))
    pictures = {
        state: painted(next(page for name, page in found.items() if f"-{ending} " in name))
        for state, ending in STATES.items()
    }
    colours = {state: state_colour(picture) for state, picture in pictures.items()}
    signs = {
        state: {item.drawing for item in picture.page.items if isinstance(item, Picture)}
        for state, picture in pictures.items()
    }
    for vision, (one, other) in product(VISIONS, combinations(STATES, 2)):
        apart = abs(lightness(seen(colours[one], vision)) - lightness(seen(colours[other], vision)))
        if "done" in (one, other) and (theme == "normal" or "counter" not in (one, other)):
            assert apart >= 25, (vision, one, other)
        # What is no more than another shade has another sign and other words.
        assert apart >= 25 or signs[one] ^ signs[other], (vision, one, other)


def test_weak_outlines_and_grounds_are_found() -> None:
    assert outlined("patient_card", Tone("#FFFFFF", "#FFFFFF")) < 0.9
    assert outlined("check", Tone("#FFFFFF", "#BBBBBB")) < 0.9
    assert outlined("check", Tone("#FFFFFF", "#000000")) > 0.95


def test_colours_are_seen_as_those_see_who_lack_a_kind_of_cone() -> None:
    assert all(seen("#ffffff", vision) == "#ffffff" for vision in VISIONS)
    assert all(seen("#000000", vision) == "#000000" for vision in VISIONS)
    red, green = (seen(colour, "deutan") for colour in ("#b03030", "#5f6a20"))
    assert abs(lightness(red) - lightness(green)) < 8


class TestWindow:
    pytestmark = needs_gl

    def test_the_window_draws_what_is_painted(self, tmp_path: Path) -> None:
        desk = Desk(PORTRAIT)
        for variant, screen in screens():
            # Of pages on which nothing moves: a picture of the window may be of the other frame.
            if (screen.name, variant) not in {
                ("choose_card", "plain"),
                ("counter", "no_appointment"),
                ("printing", "two"),
            }:
                continue
            desk.show(screen)
            path = tmp_path / f"{screen.name}.png"
            desk.view.export_to_png(str(path))
            with Image.open(path) as drawn:
                window = drawn.convert("RGB")
            painter = Painter(*PORTRAIT, millimetre_px(*PORTRAIT, DIAGONAL[PORTRAIT]))
            painter.page(desk.view.items)
            difference = ImageChops.difference(window, painter.picture)
            # Edges are smoothed otherwise; whatever is missing or elsewhere would differ in all of its pixels.
            assert ImageStat.Stat(difference.convert("L")).mean[0] < 1.0
            assert max(difference.reduce(12).convert("L").histogram()[60:]) == 0
