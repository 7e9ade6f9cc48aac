"""What stands beside the kiosk in a demo, as plain values: knobs to turn and things to look at. Pure.

Owns the shapes that `panel.py` draws. Must never know what a knob does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Knob:
    """A button: a label, a line that explains it ("" for none), what a touch does. `turn` must not wait.

    `is_on`: whether it is drawn as pressed in, asked now and then; None: never.
    """

    label: str
    note: str
    turn: Callable[[], None]
    is_on: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Section:
    """Knobs under a title, in so many columns."""

    title: str
    knobs: tuple[Knob, ...]
    columns: int


@dataclass(frozen=True)
class Grey:
    """A picture: `pixels` are its rows from top to bottom, a byte each, 0 is black."""

    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True)
class Glance:
    """What there is to see now. `slip`: the last one that came out."""

    slip: Grey | None
    delivered: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """All of the panel. `look` is called about twice a second and must be quick."""

    title: str
    slip_title: str
    delivered_title: str
    events_title: str
    sections: tuple[Section, ...]
    look: Callable[[], Glance]
