"""How large a millimetre of a page is on a display: a real one, if the display is neither too small nor too large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limits:
    """Of a page, in millimetres (width, height), upright and across.

    On a display smaller than `least` everything becomes smaller, in proportion; on one larger than `most`, larger.
    """

    least: tuple[tuple[float, float], tuple[float, float]]
    most: tuple[tuple[float, float], tuple[float, float]]


PATIENTS: Final = Limits(((200.0, 340.0), (300.0, 226.0)), ((267.0, 474.0), (330.0, 235.0)))
# Pages for people who work with the machine, read from arm's length: never larger than they are.
STAFF: Final = Limits(((190.0, 330.0), (300.0, 225.0)), ((10_000.0, 10_000.0), (10_000.0, 10_000.0)))


def millimetre_px(width_px: float, height_px: float, diagonal_inch: float, limits: Limits = PATIENTS) -> float:
    """Pixels of the millimetre that a page is laid out in."""
    across = int(width_px >= height_px)
    (least_width, least_height), (most_width, most_height) = limits.least[across], limits.most[across]
    smallest = min(width_px / least_width, height_px / least_height)
    largest = min(width_px / most_width, height_px / most_height)
    return float(min(max(real_millimetre_px(width_px, height_px, diagonal_inch), largest), smallest))


def glass_mm(width_px: float, height_px: float, diagonal_inch: float) -> float:
    """Millimetres of the glass that a millimetre of a patient's page is."""
    side = width_px, height_px, diagonal_inch
    return millimetre_px(*side) / real_millimetre_px(*side)


def real_millimetre_px(width_px: float, height_px: float, diagonal_inch: float) -> float:
    """Pixels of a millimetre of the glass."""
    return float((width_px**2 + height_px**2) ** 0.5 / (diagonal_inch * 25.4))
