"""Signs: done, counter, closed, waiting, and the tools of the bar. Each is drawn in the ink of its ground."""

from __future__ import annotations

from kiosk.ui.artwork.shapes import Art, Palette, arc, disc, rectangle


def check(colours: Palette, variant: str, frame: int) -> Art:
    """A tick in a disc, seen from afar."""
    art = Art(100, 100, colours)
    art.add(disc(50, 50, 49), colours.ink, edge=False)
    art.stroke([(27, 52), (43, 69), (74, 33)], colours.paper, 12)
    return art


def attention(colours: Palette, variant: str, frame: int) -> Art:
    """An exclamation mark in a ring: nobody did anything wrong, so no triangle."""
    art = Art(100, 100, colours)
    art.stroke([*arc(50, 50, 44.5, 0, 360)], colours.ink, 9)
    art.stroke([(50, 25), (50, 55)], colours.ink, 11)
    art.add(disc(50, 74, 6.8), colours.ink, edge=False)
    return art


def clock(colours: Palette, variant: str, frame: int) -> Art:
    """A clock whose hand goes on."""
    art = Art(100, 100, colours)
    art.stroke([*arc(50, 50, 45, 0, 360)], colours.ink, 7)
    art.stroke([(50, 50), (50, 24)], colours.ink, 7)
    art.stroke([(50, 50), (70, 62) if frame == 0 else (32, 66)], colours.ink, 7)
    art.add(disc(50, 50, 5), colours.ink, edge=False)
    return art


def closed(colours: Palette, variant: str, frame: int) -> Art:
    """A bar in a disc."""
    art = Art(100, 100, colours)
    art.add(disc(50, 50, 48), colours.ink, edge=False)
    art.add(rectangle(20, 42, 60, 16, 4), colours.paper, edge=False)
    return art


def moon(colours: Palette, variant: str, frame: int) -> Art:
    """The moon and two stars: closed."""
    art = Art(110, 100, colours)
    outer = arc(48, 50, 44, 55, 305)
    inner = arc(70, 50, 37, 272, 88)
    art.add((*outer, *inner), colours.accent, edge=False)
    for x, y, size in ((82, 26, 10.0), (97, 54, 7.0), (78, 66, 5.0)):
        art.add(_star(x, y, size), colours.accent, edge=False)
    return art


def _star(x: float, y: float, size: float) -> list[tuple[float, float]]:
    inner = size * 0.28
    return [
        (x, y - size), (x + inner, y - inner), (x + size, y), (x + inner, y + inner),
        (x, y + size), (x - inner, y + inner), (x - size, y), (x - inner, y - inner),
    ]  # fmt: skip


def language(colours: Palette, variant: str, frame: int) -> Art:
    """A globe."""
    art = Art(100, 100, colours)
    art.stroke([*arc(50, 50, 44, 0, 360)], colours.ink, 7)
    art.stroke([(x * 0.42 + 29, y) for x, y in arc(50, 50, 44, 0, 360)], colours.ink, 6)
    art.stroke([(8, 50), (92, 50)], colours.ink, 6)
    art.stroke([(15, 29), (85, 29)], colours.ink, 6)
    art.stroke([(15, 71), (85, 71)], colours.ink, 6)
    return art


def text_size(colours: Palette, variant: str, frame: int) -> Art:
    """A small and a large letter."""
    art = Art(120, 100, colours)
    for x, base, height in ((8.0, 90.0, 42.0), (52.0, 90.0, 80.0)):
        half = height * 0.36
        middle = x + half
        art.stroke([(x, base), (middle, base - height), (middle + half, base)], colours.ink, height * 0.14 + 2)
        bar = base - height * 0.3
        art.stroke([(x + half * 0.35, bar), (middle + half * 0.65, bar)], colours.ink, height * 0.12 + 2)
    return art


def contrast(colours: Palette, variant: str, frame: int) -> Art:
    """A disc, half dark and half light."""
    art = Art(100, 100, colours)
    art.stroke([*arc(50, 50, 44, 0, 360)], colours.ink, 8)
    art.add(arc(50, 50, 44, 90, 270), colours.ink, edge=False)
    return art


def wheelchair(colours: Palette, variant: str, frame: int) -> Art:
    """Somebody in a wheelchair."""
    art = Art(100, 100, colours)
    art.add(disc(42, 12, 9.5), colours.ink, edge=False)
    art.stroke([(42, 29), (44, 56), (66, 56), (76, 82), (88, 79)], colours.ink, 9)
    art.stroke([(43, 40), (66, 40)], colours.ink, 8)
    art.stroke([*arc(42, 66, 26, 55, 245)], colours.ink, 8)
    return art


def arrow(art: Art, x: float, y: float, length: float, *, turn: str = "down", width: float = 7.0) -> None:
    """A bold arrow whose tip is `length` from `x`, `y`."""
    dx, dy = {"down": (0.0, 1.0), "up": (0.0, -1.0), "right": (1.0, 0.0), "left": (-1.0, 0.0)}[turn]
    tip = (x + dx * length, y + dy * length)
    neck = (x + dx * (length - width * 1.5), y + dy * (length - width * 1.5))
    colour = art.colours.accent
    art.stroke([(x, y), neck], colour, width)
    side = width * 1.45
    art.add(
        [tip, (neck[0] - dy * side, neck[1] + dx * side), (neck[0] + dy * side, neck[1] - dx * side)],
        colour,
        edge=False,
    )


def plate(art: Art, x: float, y: float, width: float, height: float, radius: float, fill: str) -> None:
    """A rectangle with an edge."""
    art.add(rectangle(x, y, width, height, radius), fill)
