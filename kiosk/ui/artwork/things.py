"""What a patient holds: the cards, a phone, the slip; and the hand that holds them."""

from __future__ import annotations

from typing import Final

from kiosk.ui.artwork.icons import plate
from kiosk.ui.artwork.shapes import Art, Palette, Points, curve, disc, moved, placed, rectangle

# A card of 85.6 x 54 mm is 100 x 63 units here.
CARD: Final = (100.0, 63.0)
_BARS: Final = (2, 1, 3, 1, 2, 2, 1, 3, 2, 1, 1, 3, 1, 2, 3, 1, 2, 1)


def my_number_card(colours: Palette, variant: str = "", frame: int = 0) -> Art:
    """The side with the portrait; the chip is on the other one."""
    art = Art(104, 67, colours)
    plate(art, 2, 2, *CARD, 6, colours.rose)
    art.add(
        curve((5, 56), (22, 50), (42, 57), (62, 50), (82, 56), (97, 51), (96, 60), (52, 62), (7, 61)),
        colours.light,
        edge=False,
    )
    plate(art, 9, 17, 27, 34, 2, colours.paper)
    person(art, 22.5, 29, 7, 22.5, 50)
    art.stroke([(10, 9.5), (52, 9.5)], colours.ink, 3.2)
    for y, length in ((21, 54), (30, 44), (39, 50), (48, 30)):
        art.stroke([(44, y), (44 + length, y)], colours.mid, 3)
    plate(art, 2, 2, *CARD, 6, None)  # type: ignore[arg-type]
    return art


def person(art: Art, x: float, y: float, radius: float, shoulders: float, bottom: float) -> None:
    """Head and shoulders, without a face."""
    colours = art.colours
    width = radius * 1.75
    top = y + radius * 1.35
    art.add(
        curve(
            (shoulders - width, bottom),
            (shoulders - width * 0.8, top + 2),
            (shoulders, top - 1),
            (shoulders + width * 0.8, top + 2),
            (shoulders + width, bottom),
        ),
        colours.mid,
        edge=False,
    )
    art.add(disc(x, y, radius), colours.mid, edge=False)


def patient_card(colours: Palette, variant: str = "", frame: int = 0) -> Art:
    """A hospital's card: a cross, a name, bars."""
    art = Art(104, 67, colours)
    plate(art, 2, 2, *CARD, 6, colours.paper)
    art.add(
        (*rectangle(2, 2, 100, 26, 6)[:13], *((102, 22), (2, 22)), *rectangle(2, 2, 100, 26, 6)[-13:]), colours.accent
    )
    art.stroke([(15, 7), (15, 17)], colours.paper, 4.4)
    art.stroke([(10, 12), (20, 12)], colours.paper, 4.4)
    art.stroke([(28, 12), (74, 12)], colours.paper, 4)
    art.stroke([(11, 31), (60, 31)], colours.mid, 3.6)
    left = 10.0
    for number, bar in enumerate(_BARS):
        art.add(rectangle(left, 39, bar, 18), colours.ink, edge=False)
        left += bar + (2.8 if number % 3 else 1.8)
    return art


def phone(colours: Palette, variant: str = "", frame: int = 0) -> Art:
    """A phone that shows a square code, or (variant `card`) a card."""
    art = Art(62, 104, colours)
    plate(art, 3, 2, 56, 100, 8, colours.ink)
    art.add(rectangle(7, 10, 48, 82, 3), colours.paper, edge=False)
    art.stroke([(26, 6), (36, 6)], colours.paper, 1.6)
    if variant == "card":
        placed(art, my_number_card(colours), 10, 36, scale=0.4)
        return art
    for x, y in ((12, 24), (36, 24), (12, 48)):
        plate(art, x, y, 14, 14, 1, colours.paper)
        art.add(rectangle(x + 4.4, y + 4.4, 5.2, 5.2), colours.ink, edge=False)
    for n, (x, y) in enumerate(((36, 46), (44, 44), (40, 52), (48, 56), (36, 60), (30, 42), (30, 52), (46, 50))):
        art.add(rectangle(x, y, 4 + n % 2, 4), colours.ink, edge=False)
    art.stroke([(14, 76), (48, 76)], colours.mid, 3)
    return art


def held(card: Art, colours: Palette) -> Art:
    """A card in a hand that comes from below on the right: fingers behind it, the thumb in front."""
    art = Art(150, 130, colours)
    fingers: tuple[Points, ...] = tuple(_finger(86 + n * 3.0, 44 + n * 14.5, 34, 13) for n in range(3))
    for finger in fingers:
        art.add(finger, colours.skin)
    placed(art, card, 0, 14)
    palm = curve(
        (104, 66), (112, 52), (122, 50), (134, 60), (143, 78), (146, 100), (136, 118), (116, 122), (104, 112), (100, 92)
    )
    art.add(palm, colours.skin)
    thumb = curve((74, 58), (82, 52), (98, 55), (114, 62), (124, 76), (118, 88), (104, 80), (90, 69), (78, 67))
    art.add(thumb, colours.skin)
    art.add(moved(rectangle(-21, -9, 44, 24, 4), 131, 124, turn=-24), colours.accent)
    return art


def _finger(x: float, y: float, length: float, thick: float) -> Points:
    return moved(rectangle(0, -thick / 2, length, thick, thick / 2), x, y, turn=8)


# Where on the kiosk a slip comes out, in the field of `slip`.
_OUTLETS: Final = {
    "left-top": (30.0, 30.0), "left-bottom": (30.0, 66.0), "right-top": (80.0, 30.0), "right-bottom": (80.0, 66.0),
    "bottom": (55.0, 66.0),
}  # fmt: skip


def _at_kiosk(colours: Palette, place: tuple[float, float], frame: int) -> Art:
    """The kiosk, small, and the slip where it comes out."""
    art = Art(110, 110, colours)
    plate(art, 20, 3, 70, 92, 6, colours.light)
    art.add(rectangle(27, 10, 56, 14 if place[1] < 60 else 46, 2), colours.accent, edge=False)
    plate(art, 30, 95, 50, 11, 2, colours.light)
    x, y = place
    art.add(_torn(x - 13, y, 26, 26 if frame == 0 else 36), colours.paper)
    for line in (8, 14):
        art.stroke([(x - 8, y + line), (x + 8, y + line)], colours.ink, 2.4)
    art.stroke([(x - 16, y), (x + 16, y)], colours.ink, 5)
    return art


def slip(colours: Palette, variant: str = "", frame: int = 0) -> Art:
    """Paper that comes out of a printer; with `variant` (`[screen] slip_at`), where on this kiosk."""
    if variant in _OUTLETS:
        return _at_kiosk(colours, _OUTLETS[variant], frame)
    art = Art(110, 110, colours)
    length = 62 if frame == 0 else 74
    art.add(_torn(26, 26, 58, length), colours.paper)
    for y, width in ((40, 40), (49, 28)):
        art.stroke([(35, y), (35 + width, y)], colours.mid, 3.4)
    art.stroke([(55, 60), (55, 60.1)], colours.ink, 11)
    left = 36.0
    for bar in _BARS[:11]:
        art.add(rectangle(left, 70, bar * 0.9, 10), colours.ink, edge=False)
        left += bar + 1.6
    plate(art, 8, 6, 94, 26, 6, colours.light)
    art.add(rectangle(20, 21, 70, 6.5, 3), colours.ink, edge=False)
    return art


def _torn(x: float, y: float, width: float, length: float) -> list[tuple[float, float]]:
    """A strip of paper with a torn lower edge."""
    teeth = 9
    lower = [(x + width - width * n / teeth, y + length + (2.6 if n % 2 else 0.0)) for n in range(teeth + 1)]
    return [(x, y), (x + width, y), *lower]


def no_slip(colours: Palette, variant: str = "", frame: int = 0) -> Art:
    """No paper comes: a printer without any, and a note to write down."""
    art = Art(110, 110, colours)
    plate(art, 8, 6, 94, 26, 6, colours.light)
    art.add(rectangle(20, 21, 70, 6.5, 3), colours.ink, edge=False)
    art.stroke([(38, 48), (72, 82)], colours.ink, 8)
    art.stroke([(72, 48), (38, 82)], colours.ink, 8)
    return art
