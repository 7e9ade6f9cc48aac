"""What every page has to keep: contrast, sizes to touch, nothing beyond the display, nothing on top of another."""

from __future__ import annotations

from typing import Final

from kiosk.ui import theme
from kiosk.ui.items import Box

TARGET_MM: Final = 20.0
TONES: Final = (
    *theme.BANDS.values(),
    theme.PAGE,
    theme.CARD,
    theme.CHOICE,
    theme.PLAIN,
    theme.UNAVAILABLE,
    theme.NOTICE,
    theme.STRONG,
)


def contains(outer: Box, inner: Box) -> bool:
    """Whether `inner` lies within; a hundredth of a millimetre of rounding is forgiven."""
    grown = outer.inset(-0.01)
    return grown.x <= inner.x and grown.y <= inner.y and inner.right <= grown.right and inner.bottom <= grown.bottom


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def contrast(one: theme.Colour, other: theme.Colour) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: theme.Colour) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in theme.channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
