"""Colours and sizes. Sizes are millimetres on the glass, letters by the height of a capital.

Every pair of text and ground keeps a contrast of 10:1 (a test computes it); no meaning is carried by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Colour = str  # "#rrggbb"
Mood = Literal["ask", "wait", "good", "counter", "off"]
# What a text is on a patient's page; `roles.ROLES` has their sizes.
Role = Literal["hero", "title", "choice", "body", "small", "label", "frame"]

INK: Final = "#10202C"
PAPER: Final = "#FFFFFF"
GROUND: Final = "#F4F6F7"
SKY: Final = "#DCE9F5"
BLUE: Final = "#0B3A6B"
GREEN: Final = "#07472A"
AMBER: Final = "#FFC62E"
GREY: Final = "#363D45"
PALE: Final = "#D5DADF"
LINE: Final = "#5B6874"
TOUCHED: Final = "#FFD400"


@dataclass(frozen=True)
class Tone:
    """A ground and the ink upon it."""

    ground: Colour
    ink: Colour


# The band at the top of a page, by mood.
BANDS: Final[dict[Mood, Tone]] = {
    "ask": Tone(SKY, INK),
    "wait": Tone(SKY, INK),
    "good": Tone(GREEN, PAPER),
    "counter": Tone(AMBER, INK),
    "off": Tone(GREY, PAPER),
}
PAGE: Final = Tone(GROUND, INK)
CARD: Final = Tone(PAPER, INK)
CHOICE: Final = Tone(BLUE, PAPER)
PLAIN: Final = Tone(PAPER, INK)
UNAVAILABLE: Final = Tone(PALE, INK)
NOTICE: Final = Tone(AMBER, INK)
STRONG: Final = Tone(BLUE, PAPER)

# Capital heights. 6.1 mm: EN 301 549 5.1.4 (0.7 degrees at 500 mm); 7.3 mm for keys.
SMALL_MM: Final = 4.2  # for staff only
KEY_MM: Final = 14.0
BUTTON_MM: Final = 9.0
TITLE_MM: Final = 13.0

MARGIN_MM: Final = 10.0
GAP_MM: Final = 6.0
RADIUS_MM: Final = 4.0
# A finger that slid a little off its button still means it.
SLIP_OFF_MM: Final = 5.0
# Staff's way in: a finger that rests in the top left corner, where no page has a button.
CORNER_MM: Final = 15.0
CORNER_S: Final = 5.0


@dataclass(frozen=True)
class Theme:
    """The tones of a patient's pages. The whole page is the state: nothing else is green or amber."""

    work: Tone
    done: Tone
    custody: Tone  # not done, and not for the counter either: as little green or amber as the pages before it
    counter: Tone
    off: Tone
    card: Tone  # what is to be read, on any page
    choice: Tone  # what can be pressed
    frame: Colour  # the edge of what can be pressed
    strong: Tone  # the one recommended act, and the act that is on
    unavailable: Tone
    bar: Tone  # the tools
    edge: Colour  # of a card that cannot be pressed
    sheet: Tone  # the notice that time is running out


THEMES: Final[dict[str, Theme]] = {
    "normal": Theme(
        work=Tone(GROUND, INK),
        done=Tone("#004D2B", PAPER),
        custody=Tone(PAPER, INK),
        counter=Tone(AMBER, INK),
        off=Tone("#D5DADF", INK),
        card=Tone(PAPER, INK),
        choice=Tone(PAPER, INK),
        frame=BLUE,
        strong=Tone(BLUE, PAPER),
        unavailable=Tone("#DDE2E6", INK),
        bar=Tone("#E2E7EB", INK),
        edge="#7A8791",
        sheet=Tone(PAPER, INK),
    ),
    # Done is white and the counter yellow here, because every other page is black.
    "high_contrast": Theme(
        work=Tone("#000000", PAPER),
        done=Tone(PAPER, "#000000"),
        custody=Tone("#000000", PAPER),
        counter=Tone("#FFE100", "#000000"),
        off=Tone("#000000", PAPER),
        card=Tone("#000000", PAPER),
        choice=Tone("#000000", "#FFE100"),
        frame="#FFE100",
        strong=Tone("#FFE100", "#000000"),
        unavailable=Tone("#000000", PAPER),
        bar=Tone("#000000", PAPER),
        edge=PAPER,
        sheet=Tone("#000000", PAPER),
    ),
}


def channels(colour: Colour) -> tuple[float, float, float]:
    """Red, green, blue from 0 to 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue
