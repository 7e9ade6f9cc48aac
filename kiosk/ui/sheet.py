"""A page drawn once into a picture of its own on the graphics card, which is then all that a frame has to draw.

So the next page can be ready before anybody asks for it, and a page that differs in a line from the one before is drawn
in that place only. A picture goes with its sheet; the instructions and texts that it was drawn from go at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kivy.graphics import ClearBuffers, ClearColor, Fbo, InstructionGroup, Rectangle, ScissorPop, ScissorPush
from kivy.graphics.opengl import glFlush

from kiosk.typography.setting import Block
from kiosk.ui.items import Box, Item, Panel, Picture, Text, Words
from kiosk.ui.pen import Pen
from kiosk.ui.theme import PAGE, channels

# Of a drawing that moves.
FRAMES: Final = 2
# How far letters reach beyond the box that they were set for.
_AROUND_MM: Final = 8.0
# Of the page: more than that is drawn whole.
_PART_MAX: Final = 0.6
# Pictures that were given back. One that was drawn upon holds itself: Kivy would free it at a collection of cycles, and
# by then there would be dozens, of eight megabytes each.
_spare: Final[list[Any]] = []


class Sheet:
    """`size`: pixels. `items`: what is on it. `fitted`: how the words among them were set."""

    def __init__(self, size: tuple[int, int], scale: float, items: Sequence[Item]) -> None:
        self._scale = scale
        self._fbo = _picture_of(size)
        self.items = tuple(items)
        self.fitted: list[tuple[Words, Block]] = self._draw(self.items, None)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self._fbo.size
        return width, height

    @property
    def picture(self) -> Any:
        """An instruction that draws it, from the lower left corner of the canvas."""
        return Rectangle(texture=self._fbo.texture, pos=(0, 0), size=self._fbo.size)

    def give_back(self) -> None:
        """The page is gone for good: nothing of it stays, and the next one is drawn in its place."""
        self._fbo.bind()
        self._fbo.clear_buffer()
        self._fbo.release()
        _spare.append(self._fbo)

    def change(self, items: Sequence[Item]) -> bool:
        """Draw these items instead, where they differ. False: too much differs, and nothing was drawn."""
        if self.fitted:  # how words are set is reported for all of them
            return False
        place = _changed(self.items, items)
        width, height = (side / self._scale for side in self._fbo.size)
        if place is not None:
            if place.width * place.height > _PART_MAX * width * height:
                return False
            touched = [item for item in items if (box := _reach(item)) is not None and box.meets(place)]
            self._draw(touched, place)
        self.items = tuple(items)
        return True

    def finish(self) -> None:
        """Leave nothing to be done when it is shown: paint what moves, and have the graphics card begin now."""
        pen = Pen(InstructionGroup(), self._scale, self._fbo.size[1])
        for item in self.items:
            if isinstance(item, Picture) and item.moves:
                for frame in range(FRAMES):
                    pen.picture(item, frame)
        glFlush()

    def _draw(self, items: Sequence[Item], place: Box | None) -> list[tuple[Words, Block]]:
        """All of it, or within `place` only."""
        height = self._fbo.size[1]
        group = InstructionGroup()
        if place is None:
            # The first of every page is its ground. Drawn as other panels are, it costs more than all of them.
            ground, items = items[0], items[1:]
            group.add(ClearColor(*channels(ground.colour if isinstance(ground, Panel) else PAGE.ground), 1))
            group.add(ClearBuffers())
        else:
            x, top = int(place.x * self._scale), int(place.y * self._scale)
            right, bottom = int(place.right * self._scale) + 1, int(place.bottom * self._scale) + 1
            group.add(ScissorPush(x=x, y=height - bottom, width=right - x, height=bottom - top))
        fitted = drawn(Pen(group, self._scale, height), items)
        if place is not None:
            group.add(ScissorPop())
        self._fbo.add(group)
        self._fbo.draw()
        self._fbo.remove(group)
        group.clear()  # they hold each other: else the texts of the page would stay until a collection of cycles
        return fitted


def _picture_of(size: tuple[int, int]) -> Any:
    """One that was given back, or a new one."""
    _spare[:] = [fbo for fbo in _spare if tuple(fbo.size) == size]
    if _spare:
        return _spare.pop()
    fbo = Fbo(size=size)
    fbo.texture.mag_filter = fbo.texture.min_filter = "nearest"  # pixel for pixel
    return fbo


def drawn(pen: Pen, items: Iterable[Item]) -> list[tuple[Words, Block]]:
    """Draws what does not move; returns how the words were set."""
    fitted: list[tuple[Words, Block]] = []
    for item in items:
        match item:
            case Panel():
                pen.panel(item.box, item.colour if item.outline is None else item.outline, item.radius_mm)
                if item.outline is not None:
                    thick = item.outline_mm
                    pen.panel(item.box.inset(thick), item.colour, max(item.radius_mm - thick, 0))
            case Text():
                pen.text(item.box.x, item.box.y, item.text, item.colour)
            case Words():
                fitted.append((item, pen.words(item.box, item.paragraphs, item.colour, centred=item.centred)))
            case Picture(moves=False):
                pen.picture(item)
    return fitted


def _changed(before: Sequence[Item], after: Sequence[Item]) -> Box | None:
    """Where the pages differ; None: nowhere. What stands between the first and the last difference is in it."""
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    differing = (*before[first : len(before) - last], *after[first : len(after) - last])
    boxes = [box for item in differing if (box := _reach(item)) is not None]
    if not boxes:
        return None
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _reach(item: Item) -> Box | None:
    """Where an item may have put ink; None: it draws nothing, or nothing that stays."""
    match item:
        case Text() | Words():
            return item.box.inset(-_AROUND_MM)
        case Panel() | Picture():
            return item.box.inset(-1.0)
        case _:
            return None
