"""Every drawing by its name. Pure: the shapes; `paint` makes pixels of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kiosk.ui.artwork import icons, places, things
from kiosk.ui.artwork.shapes import Art, Palette, palette
from kiosk.ui.items import Drawing
from kiosk.ui.theme import BLUE, Tone

_DRAWINGS: Final[dict[Drawing, Callable[[Palette, str, int], Art]]] = {
    "my_number_card": things.my_number_card,
    "patient_card": things.patient_card,
    "phone": things.phone,
    "reader": places.reader,
    "card_slot": places.card_slot,
    "check": icons.check,
    "attention": icons.attention,
    "clock": icons.clock,
    "closed": icons.closed,
    "counter": places.counter,
    "moon": icons.moon,
    "slip": things.slip,
    "no_slip": things.no_slip,
    "wheelchair": icons.wheelchair,
    "language": icons.language,
    "text_size": icons.text_size,
    "contrast": icons.contrast,
}
# Signs are drawn in the ink of the page, with its ground cut out.
_SIGNS: Final = frozenset(
    {"check", "attention", "clock", "closed", "language", "text_size", "contrast", "wheelchair", "moon"}
)
_DARK_ACCENT: Final = "#FFE100"


def art_of(drawing: Drawing, tone: Tone, variant: str = "", frame: int = 0) -> Art:
    """The shapes of a drawing upon a ground. `frame`: 0 or 1, of one that moves."""
    accent = _DARK_ACCENT if tone.ground == "#000000" else tone.ink if drawing == "moon" else BLUE
    colours = palette(tone.ground, tone.ink, accent)
    if drawing in _SIGNS:
        colours = Palette(tone.ink, tone.ground, tone.ground, tone.ink, accent, tone.ground, tone.ground)
    return _DRAWINGS[drawing](colours, variant, frame)
