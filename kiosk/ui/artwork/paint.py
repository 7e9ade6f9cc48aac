"""Shapes -> pixels, with smooth edges. The only Pillow of the window."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw

from kiosk.ui.artwork.shapes import Art, Shape

# Painted so many times larger, and made smaller: edges become smooth.
_FINER: Final = 3


def paint(art: Art, width_px: int, height_px: int) -> Image.Image:
    """The drawing as large as it can be, in the middle of a transparent picture of this size (RGBA)."""
    whole = Image.new("RGBA", (width_px * _FINER, height_px * _FINER))
    unit = min(whole.width / art.width, whole.height / art.height)
    left, top = (whole.width - art.width * unit) / 2, (whole.height - art.height * unit) / 2
    pen = ImageDraw.Draw(whole)
    for shape in art.shapes:
        _draw(pen, shape, unit, left, top)
    # A transparent pixel is black: mixed into an edge it would darken it, but for the alpha that goes with it.
    return whole.convert("RGBa").reduce(_FINER).convert("RGBA")


def _draw(pen: ImageDraw.ImageDraw, shape: Shape, unit: float, left: float, top: float) -> None:
    points = [(left + x * unit, top + y * unit) for x, y in shape.points]
    if shape.fill is not None:
        pen.polygon(points, fill=shape.fill)
    if shape.edge is None:
        return
    thick = max(1, round(shape.width * unit))
    if shape.closed:
        points = [*points, points[0], points[1]]
    pen.line(points, fill=shape.edge, width=thick, joint="curve")
    if not shape.closed:
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=shape.edge)
