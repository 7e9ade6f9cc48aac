"""Screen -> the items of its page, an arrangement for each kind of view. Pure: no Kivy, no state; decides only places.

The whole page is the state: dark green is registered, amber is the counter, light grey is closed, all else is work.
Portrait keeps everything that is touched in the lower half; landscape at the right, in wheelchair mode below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from kiosk.config import Config
from kiosk.screens.views import Ask, Choose, Counter, Custody, Instruct, Keys, Off, Pick, Result, Screen, Wait
from kiosk.ui.frame import Stand
from kiosk.ui.items import Item
from kiosk.ui.pages_of_choices import ask, choose, keys, pick
from kiosk.ui.pages_of_ends import counter, custody, off, result
from kiosk.ui.pages_of_work import instruct, wait
from kiosk.ui.scale import glass_mm
from kiosk.words import texts
from kiosk.words.texts import Texts

# What a view looks like: its items for a display of so many millimetres.
Layout = Callable[[Any, float, float], tuple[Item, ...]]


def layout_at(stand: Stand) -> Layout:
    """The layout of patients' pages for a kiosk that stands so."""

    def layout(screen: Screen, width_mm: float, height_mm: float) -> tuple[Item, ...]:
        return page(screen, texts.load("patient", screen.look.language), stand, width_mm, height_mm)

    return layout


def stand_of(config: Config) -> Stand:
    """What site.toml says of where the kiosk stands."""
    screen = config.screen
    return Stand(
        config.site.name,
        screen.reader,
        screen.reader_side,
        screen.slip_at,
        screen.mounting_cm or None,
        glass_mm(screen.width_px, screen.height_px, screen.diagonal_inch),
    )


def page(screen: Screen, words: Texts, stand: Stand, width_mm: float, height_mm: float) -> tuple[Item, ...]:
    """The page of a screen for a display of this size, in the order of drawing."""
    around = (words, stand, width_mm, height_mm)
    match screen:
        case Choose():
            return choose(screen, *around)
        case Instruct():
            return instruct(screen, *around)
        case Keys():
            return keys(screen, *around)
        case Wait():
            return wait(screen, *around)
        case Result():
            return result(screen, *around)
        case Custody():
            return custody(screen, *around)
        case Counter():
            return counter(screen, *around)
        case Off():
            return off(screen, *around)
        case Pick():
            return pick(screen, *around)
        case Ask():
            return ask(screen, *around)
        case _:
            assert_never(screen)
