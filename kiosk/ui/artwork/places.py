"""Where a patient does something: the face reader beside the kiosk, the slot for the patient card, the counter."""

from __future__ import annotations

from kiosk.ui.artwork.icons import arrow, plate
from kiosk.ui.artwork.shapes import Art, Palette, arc, curve, disc, mirrored, placed, rectangle
from kiosk.ui.artwork.things import held, my_number_card, patient_card


def reader(colours: Palette, variant: str, frame: int) -> Art:
    """The face reader and the kiosk beside it. `variant`: flat, slot or drop, and left or right; none: neutral.

    Frame 0: the card on its way; frame 1: in its place.
    """
    kinds = variant.split()
    art = Art(190, 130, colours)
    _kiosk(art)
    if "slot" in kinds:
        _slot_reader(art, frame)
    elif "drop" in kinds:
        _drop_reader(art, frame)
    else:
        _flat_reader(art, frame)
    return mirrored(art) if "left" in kinds else art


def _kiosk(art: Art) -> None:
    """The kiosk itself, at the left, smaller: where somebody stands now."""
    colours = art.colours
    plate(art, 10, 14, 44, 78, 4, colours.paper)
    art.add(rectangle(14.5, 19, 35, 58, 2), colours.light)
    for y in (34, 47):
        art.add(rectangle(18.5, y, 27, 10, 2), colours.accent, edge=False)
    art.stroke([(22, 26), (42, 26)], colours.ink, 3)
    plate(art, 20, 92, 24, 28, 1, colours.light)
    plate(art, 10, 119, 44, 7, 2, colours.ink)


def _face_screen(art: Art, x: float, y: float, width: float, height: float) -> None:
    """A screen with a frame for the face, and the camera above it."""
    colours = art.colours
    plate(art, x, y, width, height, 5, colours.ink)
    art.add(rectangle(x + 4, y + 7, width - 8, height - 11, 2), colours.light, edge=False)
    art.add(disc(x + width / 2, y + 3.6, 1.6), colours.paper, edge=False)
    cx, cy = x + width / 2, y + height * 0.46
    shoulders = curve(
        (cx - 15, y + height - 5), (cx - 11, cy + 12), (cx, cy + 8), (cx + 11, cy + 12), (cx + 15, y + height - 5)
    )
    art.add(shoulders, colours.accent)
    art.add(disc(cx, cy, 9, 1.12), colours.skin)
    art.add(arc(cx, cy - 2, 9.4, 190, 350), colours.ink, edge=False)
    for sx, sy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        px, py = cx + sx * 20, cy + 2 + sy * 17
        art.stroke([(px - sx * 7, py), (px, py), (px, py - sy * 7)], colours.accent, 2.4)


def _flat_reader(art: Art, frame: int) -> None:
    """The card lies on a tray in front of the screen."""
    colours = art.colours
    _face_screen(art, 92, 6, 72, 60)
    plate(art, 120, 66, 16, 12, 1, colours.mid)
    art.add([(78, 122), (178, 122), (166, 88), (90, 88)], colours.paper)
    art.add([(84, 126), (172, 126), (178, 122), (78, 122)], colours.ink)
    if frame:
        card = my_number_card(colours)
        for shape in card.shapes:
            points = tuple((96 + x * 0.62 + (33 - y) * 0.06, 92 + y * 0.4) for x, y in shape.points)
            art.shapes.append(type(shape)(points, shape.fill, shape.edge, 1.2, shape.closed))
    else:
        art.add([(100, 117), (156, 117), (151, 94), (105, 94)], colours.light)
        # Low enough that the card is over the tray, and nobody thinks it is to be held before the camera.
        placed(art, held(my_number_card(colours), colours), 106, 66, scale=0.5)
        arrow(art, 94, 72, 22, width=6)


def _slot_reader(art: Art, frame: int) -> None:
    """The card goes into a slot below the screen, away from whoever stands there."""
    colours = art.colours
    _face_screen(art, 92, 4, 72, 58)
    plate(art, 88, 62, 80, 34, 5, colours.paper)
    plate(art, 98, 74, 60, 7, 3, colours.ink)
    if frame:
        art.add(rectangle(102, 78, 52, 14, 2), colours.rose)
        return
    placed(art, held(my_number_card(colours), colours), 104, 86, scale=0.46)
    arrow(art, 88, 122, 20, turn="up", width=6)


def _drop_reader(art: Art, frame: int) -> None:
    """The card stands in a pocket before the screen."""
    colours = art.colours
    _face_screen(art, 92, 4, 72, 56)
    card = held(my_number_card(colours), colours)
    if not frame:
        placed(art, card, 96, 46, scale=0.5)
        arrow(art, 88, 58, 24, width=6)
    else:
        placed(art, my_number_card(colours), 99, 66, scale=0.56)
    plate(art, 86, 92, 84, 32, 5, colours.paper)
    art.add(rectangle(94, 90, 68, 6, 3), colours.ink, edge=False)


def card_slot(colours: Palette, variant: str, frame: int) -> Art:
    """A card on its way into the slot; frame 1: half in."""
    art = Art(150, 130, colours)
    depth = 20 if frame else 0
    placed(art, held(patient_card(colours), colours), 14, 38 - depth, scale=0.8)
    plate(art, 6, 2, 138, 40, 6, colours.paper)
    art.add(rectangle(12, 27, 110, 9, 4), colours.ink, edge=False)
    art.add(disc(132, 31.5, 4), colours.accent, edge=False)
    if not frame:
        arrow(art, 128, 86, 30, turn="up", width=8)
    return art


def counter(colours: Palette, variant: str, frame: int) -> Art:
    """Somebody of the staff behind a desk."""
    art = Art(130, 104, colours)
    art.add(curve((33, 70), (36, 52), (50, 43), (65, 41), (80, 43), (94, 52), (97, 70)), colours.accent)
    art.add([(56, 42), (74, 42), (65, 56)], colours.paper)
    art.add(disc(65, 24, 15, 1.08), colours.skin)
    art.add((*arc(65, 20, 16, 175, 365), (75, 16), (60, 13)), colours.ink, edge=False)
    plate(art, 6, 66, 118, 11, 3, colours.paper)
    plate(art, 12, 77, 106, 25, 2, colours.light)
    return art
