"""Pages: everything fits, nothing overlaps, everything that is touched is large enough. On every screen there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from kiosk.screens.headless_lines import as_json
from kiosk.screens.names import SCREENS
from kiosk.screens.views import Counter, Keys, Off, Result, Screen, is_leaving
from kiosk.ui import theme
from kiosk.ui.items import Box, Button, Item, Panel, Picture, Words
from kiosk.ui.pages import millimetre_px, page
from kiosk.ui.pictures import screens
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS
from tests.ui.driver import DIAGONAL, LANDSCAPE, PORTRAIT, WORDS, Desk, needs_gl
from tests.ui.rules import TARGET_MM, TONES, contains, contrast, overlap

EVERY = [(f"{number:02}-{screen.name}-{variant}", screen) for number, (variant, screen) in enumerate(screens(WORDS), 1)]
IDS = [name for name, _ in EVERY]
SIZES = pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
ALL = pytest.mark.parametrize("screen", [screen for _, screen in EVERY], ids=IDS)
# What a patient has to read may become a little smaller where there is much of it, but not small.
READABLE_MM = 4.0


def laid_out(screen: Screen, size: tuple[int, int]) -> tuple[tuple[Item, ...], Box]:
    unit = millimetre_px(*size, DIAGONAL[size])
    width, height = size[0] / unit, size[1] / unit
    return page(screen, WORDS, width, height), Box(0, 0, width, height)


def buttons(items: tuple[Item, ...]) -> dict[str, Box]:
    return {item.name: item.box for item in items if isinstance(item, Button)}


def test_every_screen_reason_and_button_is_among_the_pictures() -> None:
    lines = [as_json(screen) for _, screen in EVERY]
    assert {line["screen"] for line in lines} == set(SCREENS)
    assert {line["reason"] for line in lines} >= {*COUNTER_REASONS, *NO_SLIP_REASONS}
    assert {name for line in lines for name in line["buttons"]} >= {n for names in SCREENS.values() for n in names}
    assert all(any(line[key] for line in lines) for key in ("leaving", "staff", "unavailable"))


@SIZES
@ALL
def test_every_button_of_the_screen_is_on_the_page_and_no_other(screen: Screen, size: tuple[int, int]) -> None:
    items, _ = laid_out(screen, size)
    names = [item.name for item in items if isinstance(item, Button)]
    assert sorted(names) == sorted(screen.buttons)


@SIZES
@ALL
def test_buttons_are_large_apart_and_on_the_display(screen: Screen, size: tuple[int, int]) -> None:
    items, whole = laid_out(screen, size)
    boxes = buttons(items)
    for box in boxes.values():
        assert contains(whole, box)
        assert min(box.width, box.height) >= TARGET_MM
    for one, other in combinations(boxes.values(), 2):
        near = -theme.GAP_MM / 2 + 0.5
        assert not overlap(one.inset(near), other.inset(near))


@ALL
def test_portrait_keeps_what_is_touched_within_reach_from_a_wheelchair(screen: Screen) -> None:
    items, whole = laid_out(screen, PORTRAIT)
    for name, box in buttons(items).items():
        # The keys need more than a half; they begin at 40 per cent from above, at a hand's height.
        assert box.y >= whole.height * (0.3 if name.startswith("key_") else 0.49)


@SIZES
@ALL
def test_words_and_pictures_lie_on_the_display_and_not_on_each_other(screen: Screen, size: tuple[int, int]) -> None:
    items, whole = laid_out(screen, size)
    solid = [item for item in items if isinstance(item, Words | Picture)]
    for item in solid:
        assert contains(whole, item.box)
        assert item.box.width > 0
        assert item.box.height > 0
    for one, other in combinations(solid, 2):
        assert not overlap(one.box.inset(0.01), other.box.inset(0.01)), (one, other)


@SIZES
@ALL
def test_all_that_the_screen_says_is_on_the_page(screen: Screen, size: tuple[int, int]) -> None:
    items, _ = laid_out(screen, size)
    written = "".join(part.text for item in items if isinstance(item, Words) for part in item.paragraphs)
    wanted = [screen.title]
    match screen:
        case Result():
            wanted += [str(screen.number), *screen.remarks]
            for row in screen.appointments:
                wanted += [row.time, row.department, row.doctor, row.place]
        case Keys():
            wanted += screen.instructions
        case _:
            wanted += screen.lines
    assert [text for text in wanted if text not in written] == []


def test_typed_digits_are_dots_and_never_numbers() -> None:
    typed = {s.typed: s for _, s in EVERY if isinstance(s, Keys) and not is_leaving(s.timeout)}
    dots = {
        count: sum(isinstance(item, Panel) and item.colour == theme.INK for item in laid_out(screen, PORTRAIT)[0])
        for count, screen in typed.items()
    }
    assert dots == {0: 0, 2: 2, 4: 4}


@pytest.mark.parametrize("tone", TONES)
def test_every_text_has_a_contrast_of_ten_to_one(tone: theme.Tone) -> None:
    assert contrast(tone.ground, tone.ink) >= 10


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_green_amber_and_grey_always_have_an_icon_and_a_word() -> None:
    for _, screen in EVERY:
        items, _ = laid_out(screen, PORTRAIT)
        drawings = {item.drawing for item in items if isinstance(item, Picture)}
        match screen:
            case Result():
                assert ("clock" if screen.printing else "check") in drawings
            case Counter():
                assert "attention" in drawings
            case Off():
                assert "closed" in drawings
        assert screen.title


@pytest.mark.parametrize("pixels", [(480, 480), (800, 480), (480, 800), (1024, 768), (3840, 2160), (2160, 3840)])
@pytest.mark.parametrize("diagonal", [5.0, 15.0, 32.0])
def test_any_display_shows_every_button_whole(pixels: tuple[int, int], diagonal: float) -> None:
    unit = millimetre_px(*pixels, diagonal)
    whole = Box(0, 0, pixels[0] / unit, pixels[1] / unit)
    for name, screen in EVERY:
        for item in page(screen, WORDS, whole.width, whole.height):
            assert contains(whole, item.box), name
            assert item.box.width > 0, name
            assert item.box.height > 0, name


class TestLettering:
    pytestmark = needs_gl

    @SIZES
    @ALL
    def test_no_text_is_cut_or_too_small_to_read(self, screen: Screen, size: tuple[int, int]) -> None:
        from kiosk.ui.lettering import CAPITAL_EM, label

        desk = Desk(size)
        desk.show(screen)
        unit = millimetre_px(*size, DIAGONAL[size])
        for words, fitted in desk.view.fitted:
            assert fitted.lines
            assert fitted.height_px <= words.box.height * unit
            for line in fitted.lines:
                drawn = sum(label(p.text, p.font, line.em_px).get_extents(p.text)[0] for p in line.pieces)
                assert drawn <= words.box.width * unit + 1
            staff = words.paragraphs[0].capital_mm == theme.SMALL_MM
            if not staff and not (isinstance(screen, Result) and len(screen.appointments) >= 3):
                assert min(line.em_px for line in fitted.lines) * CAPITAL_EM / unit >= READABLE_MM


@pytest.mark.peers
def test_pictures_are_written_for_every_screen_at_every_size(tmp_path: Path) -> None:
    """In a process of its own, as `kiosk screens --pictures` does it: without a display, and into a new folder."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SDL_VIDEODRIVER")}
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "screens", "--pictures", str(tmp_path / "new")],
        capture_output=True, text=True, timeout=300, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert len(written) == 2 * len(EVERY)
    assert all(re.fullmatch(r"\d\d-[a-z_]+-[a-z_]+-\d+x\d+\.png", name) for name in written)
    assert sorted(Path(line).name for line in done.stdout.splitlines()) == written
    assert done.stderr == ""
    sizes = {path.read_bytes()[16:24] for path in (tmp_path / "new").iterdir()}
    assert sizes == {w.to_bytes(4, "big") + h.to_bytes(4, "big") for w, h in (PORTRAIT, LANDSCAPE)}
