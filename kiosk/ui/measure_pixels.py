"""What every patient's page has to keep once it is painted: contrast from its pixels, also for the colour-blind.

Pages are painted by painting.py, at two pixels a millimetre: grounds and outlines are the same in any number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from PIL import Image, ImageChops, ImageFilter

from kiosk.ui.artwork.gallery import art_of
from kiosk.ui.artwork.paint import paint
from kiosk.ui.items import Box, Drawing, Picture, Text
from kiosk.ui.measure_laid import Laid, inked
from kiosk.ui.measure_page import contrast, luminance
from kiosk.ui.painting import Painter
from kiosk.ui.theme import Colour, Tone, channels

PX_MM: Final = 2.0
# Of the outline of a drawing: so much of it must stand out.
_OUTLINE_MIN: Final = 0.9
_DRAWN_PX: Final = 160
# Pillow looks through a table as large as that: no part of a page has more.
_COLOURS_MAX: Final = 4096
# How those see who lack one kind of cone (Machado, Oliveira, Fernandes 2009, severity 1; of linear light), and grey.
_Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
_GREY: Final = (0.2126, 0.7152, 0.0722)
VISIONS: Final[dict[str, _Matrix]] = {
    "grey": (_GREY, _GREY, _GREY),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@dataclass(frozen=True)
class Painted:
    """A page and its pixels: `bare` without letters and dots."""

    page: Laid
    bare: Image.Image = field(repr=False)
    whole: Image.Image = field(repr=False)


def painted(page: Laid) -> Painted:
    """The page at PX_MM."""
    size = (round(page.width * PX_MM), round(page.height * PX_MM))
    bare, whole = Painter(*size, PX_MM), Painter(*size, PX_MM)
    bare.page(item for item in page.items if not isinstance(item, Text))
    whole.picture.paste(bare.picture)
    whole.page(item for item in page.items if isinstance(item, Text))
    return Painted(page, bare.picture, whole.picture)


def contrasts(picture: Painted) -> Iterator[float]:
    """Of each text with every pixel that is behind its letters."""
    for item, behind in _behind(picture):
        yield min(contrast(item.colour, colour) for colour in behind)


def high_contrasts(picture: Painted) -> Iterator[float]:
    """The same in the theme of high contrast."""
    if picture.page.screen.look.theme == "high_contrast":
        yield from contrasts(picture)


def contrasts_in_few_colours(picture: Painted) -> Iterator[float]:
    """The same for eyes that see fewer colours."""
    for item, behind in _behind(picture):
        for vision in VISIONS:
            yield min(contrast(seen(item.colour, vision), seen(colour, vision)) for colour in behind)


def undrawn(picture: Painted) -> Iterator[float]:
    """Texts of which no pixel has the colour of the ink."""
    for item in picture.page.items:
        if isinstance(item, Text) and item.text.lines:
            colours = _colours(picture.whole, inked(item))
            yield float(item.colour.lower() not in colours)


def drawings(picture: Painted) -> Iterator[float]:
    """How much of the outline of each drawing stands out from its ground with 3:1."""
    for item in picture.page.items:
        if isinstance(item, Picture):
            for frame in (0, 1) if item.moves else (0,):
                yield outlined(item.drawing, item.tone, item.variant, frame)


@cache
def outlined(drawing: Drawing, tone: Tone, variant: str = "", frame: int = 0) -> float:
    """The part of a drawing's outer edge that has a contrast of 3:1 with the ground."""
    art = paint(art_of(drawing, tone, variant, frame), _DRAWN_PX, _DRAWN_PX)
    there = art.getchannel("A").point(lambda alpha: 255 if alpha > 250 else 0)
    around = Image.new("L", (there.width + 8, there.height + 8))
    around.paste(there, (4, 4))
    edge = ImageChops.subtract(around, around.filter(ImageFilter.MinFilter(3))).crop(
        (4, 4, 4 + there.width, 4 + there.height)
    )
    colours = Image.composite(art.convert("RGB"), Image.new("RGB", art.size, tone.ground), edge)
    counts = {_colour(rgb): count for count, rgb in colours.getcolors(_COLOURS_MAX) or ()}
    whole = edge.histogram()[255]
    low = sum(count for colour, count in counts.items() if contrast(colour, tone.ground) < 3)
    return 1 - (low - (edge.width * edge.height - whole)) / whole


def _behind(picture: Painted) -> Iterator[tuple[Text, tuple[Colour, ...]]]:
    for item in picture.page.items:
        if isinstance(item, Text) and item.text.lines:
            yield item, tuple(_colours(picture.bare, inked(item)))


def _colours(picture: Image.Image, box: Box) -> dict[Colour, int]:
    """The colours of a part of a picture, and how many pixels have them."""
    left, top = round(box.x * PX_MM), round(box.y * PX_MM)
    part = picture.crop((left, top, max(round(box.right * PX_MM), left + 1), max(round(box.bottom * PX_MM), top + 1)))
    return {_colour(rgb): count for count, rgb in part.getcolors(_COLOURS_MAX) or ()}


def _colour(rgb: Any) -> Colour:
    red, green, blue = rgb
    return f"#{red:02x}{green:02x}{blue:02x}"


@cache
def seen(colour: Colour, vision: str) -> Colour:
    """The colour as one of VISIONS shows it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)]
    mixed = (sum(part * light for part, light in zip(row, linear, strict=True)) for row in VISIONS[vision])
    clipped = [min(max(light, 0.0), 1.0) for light in mixed]
    bright = [c * 12.92 if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in clipped]
    return _colour([round(c * 255) for c in bright])


def lightness(colour: Colour) -> float:
    """CIE L*, from 0 to 100."""
    light = luminance(colour)
    return 116 * light ** (1 / 3) - 16 if light > 0.008856 else 903.3 * light


def state_colour(picture: Painted) -> Colour:
    """What the page is the colour of, as far as it can be seen: that of most of its pixels outside cards and bar."""
    width, height = picture.bare.size
    edge = Box(0, 0, width / PX_MM, 1.5)
    colours = _colours(picture.bare, edge)
    for colour, count in _colours(picture.bare, Box(0, 0, 4.0, height / PX_MM * 0.6)).items():
        colours[colour] = colours.get(colour, 0) + count
    return max(colours, key=lambda each: colours[each])


@dataclass(frozen=True)
class PixelRule:
    """As measure_page.Rule, of a painted page."""

    name: str
    figures: Callable[[Painted], Iterable[float]]
    limit: float
    unit: str = ""
    at_least: bool = False

    def keeps(self, figure: float) -> bool:
        return figure >= self.limit - 0.005 if self.at_least else figure <= self.limit

    def worst(self, picture: Painted) -> float | None:
        return (min if self.at_least else max)(self.figures(picture), default=None)


PIXEL_RULES: Final = (
    PixelRule("pixels_contrast_of_letters", contrasts, 10, ":1", at_least=True),
    PixelRule("pixels_contrast_of_letters_high", high_contrasts, 15, ":1", at_least=True),
    PixelRule("pixels_contrast_in_few_colours", contrasts_in_few_colours, 7, ":1", at_least=True),
    PixelRule("pixels_texts_not_drawn", undrawn, 0),
    PixelRule("pixels_outline_of_drawings", drawings, _OUTLINE_MIN, "", at_least=True),
)
