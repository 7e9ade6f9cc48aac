"""The appliance's own pages as a finger meets them: told by their layout, touched where a button lies."""

from __future__ import annotations

import itertools
from dataclasses import replace

from PIL import Image

from kiosk.appliance.technician import layout as appliance
from kiosk.appliance.technician.pages import ROWS, Page, Row
from kiosk.appliance.technician.step import MENU as JOBS
from kiosk.screens.names import KEYS
from kiosk.ui import theme
from kiosk.ui.items import Button, Item, Panel
from kiosk.ui.scale import STAFF, millimetre_px
from kiosk.ui.theme import Mood
from kiosk.words import texts
from tests.image import glass
from tests.image.bench import STEP_S, Bench
from tests.image.machine import Machine, pause, until

# Pages as far as their layout goes. The words do not matter, but for how many there are.
PAD = Page("pin", "", "ask", buttons=(*KEYS, "clear", "ok", "close"), layout="pad")
# Of a site without a desk.
MENU = Page(
    "menu", "", "ask", buttons=(*(job for job in JOBS if job != "desk_chief"), "close"), layout="menu", foot="x"
)
SURE = Page("sure", "", "counter", buttons=("no", "yes"), remarks=("x",), layout="sure")
SURE_AGAIN = Page("sure_again", "", "counter", buttons=("no", "yes"), remarks=("x",), layout="sure", swapped=True)
UPDATES = Page("choose_update", "", "ask", buttons=("back",), remarks=("x",), layout="choice")
DISKS = Page(
    "choose_write_disk", "", "ask", buttons=("option_0", "disks"), labels=(("option_0", "x"),), remarks=("x",),
    layout="choice",
)  # fmt: skip
WRITTEN = Page("report_write_disk", "", "good", buttons=("poweroff",), remarks=("x",))
_ROWS = (Row("x"),) * ROWS
# What is said, and how long it is, decides which buttons there are, and where.
_MOODS: tuple[Mood, ...] = ("good", "counter", "ask")
_FEET = (("back",), ("next", "back"), ("acknowledge", "back"), ("next", "acknowledge", "back"))
REPORTS = tuple(
    Page("report", "", mood, buttons=foot, remarks=("x",), rows=_ROWS)
    for mood, foot in itertools.product(_MOODS, _FEET)
)
RECOVERY = tuple(
    Page("recovery", "", "counter", buttons=buttons, remarks=("x",), rows=_ROWS, foot="x")
    for buttons in (("format", "reboot", "poweroff"), ("next", "format", "reboot", "poweroff"))
)
_WORDS = texts.load("technician")
_SAME = 0.95
_DRAWN_S = 1.0
_EDGE_PX = 4
_DARK = 100


def layout(page: Page, size: tuple[int, int]) -> tuple[tuple[Item, ...], float]:
    """As `glass.items_of`, for a page of the appliance."""
    scale = millimetre_px(*size, glass.DIAGONAL_INCH, STAFF)
    return appliance.lay_out(page, _WORDS, size[0] / scale, size[1] / scale), scale


def which(picture: Image.Image, *pages: Page) -> Page | None:
    """The page that is shown. Of several that fit, the one with the most buttons: a foot of two has that of one."""
    fit = [page for page in pages if _is_on_display(picture, *layout(page, picture.size))]
    return max(fit, key=lambda page: len(page.buttons)) if fit else None


def _is_on_display(picture: Image.Image, items: tuple[Item, ...], scale: float) -> bool:
    buttons = [item.box.scaled(scale) for item in items if isinstance(item, Button)]
    edges = [(round(x), round(box.middle[1])) for box in buttons for x in (box.x, box.right)]
    return glass.share(picture, items, scale) >= _SAME and all(_is_edge(picture, *edge) for edge in edges)


def _is_edge(picture: Image.Image, x: int, y: int) -> bool:
    """A button's outline is dark, and yellow around it where the last finger was."""
    across = picture.crop((x - _EDGE_PX, y, x + _EDGE_PX, y + 1))
    return min(low for low, _ in across.getextrema()) < _DARK  # type: ignore[misc]  # one pair for each channel


def until_typed(machine: Machine, count: int) -> None:
    """Until so many digits of a PIN are shown as dots."""

    def there() -> bool:
        picture = machine.look()
        items, scale = layout(replace(PAD, typed=count), picture.size)
        dots = [item.box.scaled(scale).middle for item in items if isinstance(item, Panel) and item.colour == theme.INK]
        return len(dots) == count and picture.getpixel((round(dots[-1][0]), round(dots[-1][1]))) == glass.rgb(theme.INK)

    until(there, f"{count} digits", STEP_S)


def until_page(bench: Bench, machine: Machine, *pages: Page, deadline_s: float = STEP_S) -> Page:
    """Until the display shows a page of one of these layouts; which."""
    try:
        found: Page = until(lambda: which(machine.look(), *pages), f"page {pages[0].name}", deadline_s)
    except AssertionError:
        bench.picture(machine, f"instead-of-{pages[0].name}")
        raise
    return found


def tap(machine: Machine, page: Page, button: str, *, last: bool = False) -> None:
    """A finger on a button of a page of the appliance. `last`: the PC goes down after it."""
    before = machine.look()
    items, scale = layout(page, before.size)
    machine.tap(*glass.middle_of(items, scale, button, before.size))
    if not last:
        # A slow PC answers late, and a second finger that is there before the answer is not taken.
        until(lambda: not glass.same(before, machine.look()), f"an answer to {button} of {page.name}", STEP_S)
        settle(machine)


def settle(machine: Machine) -> None:
    """Until the display stays as it is."""
    looks = [machine.look()]

    def still() -> bool:
        looks.append(machine.look())
        return glass.same(looks[-2], looks[-1])

    pause(_DRAWN_S)
    until(still, "a display that stays as it is", STEP_S, _DRAWN_S)
