"""Points and outlines of a drawing, in units of its field, from the top left corner. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kiosk.ui.theme import Colour

Point = tuple[float, float]
Points = tuple[Point, ...]
# Of a quarter of a circle.
_STEPS: Final = 12


@dataclass(frozen=True)
class Shape:
    """A polygon: `fill` within, and an `edge` of `width` units around it; either may be None."""

    points: Points
    fill: Colour | None = None
    edge: Colour | None = None
    width: float = 0.0
    closed: bool = True


@dataclass(frozen=True)
class Palette:
    """The colours of a drawing on one ground. On a dark ground drawings are lines."""

    ink: Colour
    paper: Colour
    light: Colour
    mid: Colour
    accent: Colour
    skin: Colour
    rose: Colour


def palette(ground: Colour, ink: Colour, accent: Colour) -> Palette:
    """The palette for a drawing on `ground`."""
    if ground == "#000000":
        return Palette(ink, ground, ground, ink, accent, ground, ground)
    return Palette(ink, "#FFFFFF", "#DCE9F5", "#6B7883", accent, "#F0C8A4", "#F6D5DD")


@dataclass
class Art:
    """A drawing while it is made: a field of `width` x `height` units, and the shapes in the order of painting."""

    width: float
    height: float
    colours: Palette
    shapes: list[Shape] = field(default_factory=list)
    line: float = 1.6  # the width of edges

    def add(self, points: Iterable[Point], fill: Colour | None, *, edge: bool = True, width: float = 0.0) -> None:
        """A closed shape, with an edge of ink."""
        outline = self.colours.ink if edge else None
        self.shapes.append(Shape(tuple(points), fill, outline, width or self.line))

    def stroke(self, points: Iterable[Point], colour: Colour, width: float) -> None:
        """A line with round ends."""
        self.shapes.append(Shape(tuple(points), None, colour, width, closed=False))


def rectangle(x: float, y: float, width: float, height: float, radius: float = 0.0) -> Points:
    """With round corners."""
    radius = min(radius, width / 2, height / 2)
    if radius <= 0:
        return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    corners = (
        (x + width - radius, y + radius, -90.0),
        (x + width - radius, y + height - radius, 0.0),
        (x + radius, y + height - radius, 90.0),
        (x + radius, y + radius, 180.0),
    )
    return tuple(point for cx, cy, start in corners for point in arc(cx, cy, radius, start, start + 90))


def arc(x: float, y: float, radius: float, start: float, end: float, squash: float = 1.0) -> Points:
    """Part of a circle, in degrees clockwise from the right; `squash`: how high an ellipse is beside its width."""
    steps = max(2, round(abs(end - start) / 90 * _STEPS))
    angles = (math.radians(start + (end - start) * n / steps) for n in range(steps + 1))
    return tuple((x + radius * math.cos(a), y + radius * math.sin(a) * squash) for a in angles)


def disc(x: float, y: float, radius: float, squash: float = 1.0) -> Points:
    """A whole circle, or an ellipse."""
    return arc(x, y, radius, 0, 360, squash)[:-1]


def curve(*points: Point) -> Points:
    """A smooth closed outline through `points` (Catmull-Rom)."""
    count = len(points)
    found: list[Point] = []
    for n in range(count):
        before, start, end, after = (points[(n + shift) % count] for shift in (-1, 0, 1, 2))
        for step in range(8):
            t = step / 8
            found.append(tuple(_spline(before[i], start[i], end[i], after[i], t) for i in (0, 1)))  # type: ignore[arg-type]
    return tuple(found)


def _spline(before: float, start: float, end: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t * t
        + (3 * start - before - 3 * end + after) * t * t * t
    )


def moved(points: Sequence[Point], dx: float, dy: float, *, scale: float = 1.0, turn: float = 0.0) -> Points:
    """Scaled and turned (degrees, clockwise) around the origin, then moved."""
    cos, sin = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
    return tuple((dx + x * cos - y * sin, dy + x * sin + y * cos) for x, y in points)


def placed(art: Art, part: Art, dx: float, dy: float, *, scale: float = 1.0, turn: float = 0.0) -> None:
    """Put a drawing into another one."""
    for shape in part.shapes:
        points = moved(shape.points, dx, dy, scale=scale, turn=turn)
        # Edges keep their width: a small card has no thinner lines than the rest.
        art.shapes.append(Shape(points, shape.fill, shape.edge, shape.width, shape.closed))


def mirrored(art: Art) -> Art:
    """Left for right."""
    shapes = [
        Shape(tuple((art.width - x, y) for x, y in s.points), s.fill, s.edge, s.width, s.closed) for s in art.shapes
    ]
    return Art(art.width, art.height, art.colours, shapes, art.line)
