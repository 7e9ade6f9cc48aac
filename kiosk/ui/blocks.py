"""What a patient's page is put together from: blocks that know how high they must be, and then take their place. Pure.

A page is tried at the sizes that its roles allow, from large to small, until all of it has room; so every text of one
role has one size on a page, and what does not fit changes the arrangement, never the letters of one box alone.
All lengths are millimetres of the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

from kiosk.typography import setting
from kiosk.ui.items import Box, Button, Dots, Drawing, Item, Panel, Picture, Text
from kiosk.ui.roles import WIDE_MM, Setter
from kiosk.ui.theme import GAP_MM, RADIUS_MM, Role, Tone

_LAST_RESORTS: Final = (0.85, 0.7, 0.55, 0.4, 0.25, 0.12)


class Block(Protocol):
    """`grow`: its share of the height that is left over."""

    @property
    def grow(self) -> float: ...

    def height(self, width: float, setter: Setter) -> float:
        """The least height at this width."""

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        """The items, in the order of drawing. `tone`: the ground it lies on, and the ink."""


@dataclass(frozen=True)
class Words:
    """A text of one role. `language`: its own, where it is not the page's."""

    text: str = field(repr=False)
    role: Role = "body"
    bold: bool = False
    centred: bool = False
    grow: float = 0.0
    language: str = ""

    def height(self, width: float, setter: Setter) -> float:
        return self._set(width, setter).height_mm

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        done = self._set(box.width, setter)
        top = box.y + max(0.0, (box.height - done.height_mm) / 2)
        yield Text(Box(box.x, top, box.width, done.height_mm), done, tone.ink, self.role)

    def width(self, room: float, setter: Setter) -> float:
        """Of its widest line."""
        return self._set(room, setter).width_mm

    def _set(self, width: float, setter: Setter) -> setting.Block:
        return setter.set(self.text, self.role, width, bold=self.bold, centred=self.centred, language=self.language)


@dataclass(frozen=True)
class Space:
    """Nothing, at least so high."""

    least: float = 0.0
    grow: float = 0.0

    def height(self, width: float, setter: Setter) -> float:
        return self.least

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        return iter(())


@dataclass(frozen=True)
class Image:
    """A drawing, at least `least` high and at most `most`."""

    drawing: Drawing
    least: float
    most: float = 1000.0
    grow: float = 0.0
    variant: str = ""
    moves: bool = False

    def height(self, width: float, setter: Setter) -> float:
        return self.least

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        height = min(box.height, self.most)
        spot = Box(box.x, box.middle[1] - height / 2, box.width, height)
        yield Picture(spot, self.drawing, tone, self.variant, self.moves)


@dataclass(frozen=True)
class Column:
    """Blocks from top to bottom. What is left over goes to those that grow; else it stays below (or around)."""

    blocks: tuple[Block, ...]
    gap: float = GAP_MM
    grow: float = 0.0
    centred: bool = False

    def height(self, width: float, setter: Setter) -> float:
        return sum(block.height(width, setter) for block in self.blocks) + self._gaps

    @property
    def _gaps(self) -> float:
        return self.gap * max(len(self.blocks) - 1, 0)

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        heights = [block.height(box.width, setter) for block in self.blocks]
        left = max(0.0, box.height - sum(heights) - self._gaps)
        shares = sum(block.grow for block in self.blocks)
        y = box.y + (left / 2 if self.centred and not shares else 0.0)
        for block, least in zip(self.blocks, heights, strict=True):
            height = least + (left * block.grow / shares if shares else 0.0)
            yield from block.place(Box(box.x, y, box.width, height), tone, setter)
            y += height + self.gap


@dataclass(frozen=True)
class Row:
    """Blocks from left to right. `widths`: shares of the width; a negative one is millimetres."""

    blocks: tuple[Block, ...]
    widths: tuple[float, ...]
    gap: float = GAP_MM
    grow: float = 0.0

    def height(self, width: float, setter: Setter) -> float:
        boxes = self._boxes(Box(0, 0, width, 0))
        return max(block.height(each.width, setter) for block, each in zip(self.blocks, boxes, strict=True))

    def _boxes(self, box: Box) -> tuple[Box, ...]:
        fixed = sum(-share for share in self.widths if share < 0)
        rest = box.width - fixed - self.gap * (len(self.widths) - 1)
        shares = sum(share for share in self.widths if share > 0)
        boxes, x = [], box.x
        for share in self.widths:
            width = -share if share < 0 else max(rest, 1.0) * share / shares
            boxes.append(Box(x, box.y, width, box.height))
            x += width + self.gap
        return tuple(boxes)

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        for block, each in zip(self.blocks, self._boxes(box), strict=True):
            yield from block.place(each, tone, setter)


@dataclass(frozen=True)
class Grid:
    """Blocks in rows of `columns`, all of one size."""

    blocks: tuple[Block, ...]
    columns: int
    gap: float = GAP_MM
    grow: float = 0.0
    most: float = 1000.0

    @property
    def _rows(self) -> int:
        return -(-len(self.blocks) // self.columns)

    def height(self, width: float, setter: Setter) -> float:
        each = (width - self.gap * (self.columns - 1)) / self.columns
        highest = max(block.height(each, setter) for block in self.blocks)
        return highest * self._rows + self.gap * (self._rows - 1)

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        most = max((self.most + self.gap) * self._rows - self.gap, self.height(box.width, setter))
        height = min(box.height, most)
        boxes = [
            cell for row in box.top(height).rows(self._rows, self.gap) for cell in row.columns(self.columns, self.gap)
        ]
        for block, cell in zip(self.blocks, boxes, strict=False):
            yield from block.place(cell, tone, setter)


@dataclass(frozen=True)
class Card:
    """A ground of its own. `name`: it can be pressed; `frame`: the colour of its edge, `frame_mm` thick."""

    block: Block
    tone: Tone
    name: str = ""
    frame: str | None = None
    frame_mm: float = 0.0
    padding: float = 6.0
    least: float = 0.0
    grow: float = 0.0
    radius: float = RADIUS_MM

    def height(self, width: float, setter: Setter) -> float:
        return max(self.least, self.block.height(width - 2 * self.padding, setter) + 2 * self.padding)

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        yield Panel(box, self.tone.ground, self.radius, self.frame, self.frame_mm)
        yield from self.block.place(box.inset(self.padding), self.tone, setter)
        if self.name:
            yield Button(box, self.name)


@dataclass(frozen=True)
class Badge:
    """A number in a square or a disc: the window to go to, or which act comes when."""

    text: str = field(repr=False)
    role: Role
    tone: Tone
    round: bool = False
    grow: float = 0.0

    def side(self, setter: Setter) -> float:
        """Of the square: one digit has room all around; more make it wider."""
        return setter.sizes[self.role] * 1.75

    def width(self, setter: Setter) -> float:
        return max(self.side(setter), setter.sizes[self.role] * (0.75 + 0.82 * len(self.text)))

    def height(self, width: float, setter: Setter) -> float:
        return self.side(setter)

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        side, width = self.side(setter), self.width(setter)
        square = Box(box.x, box.middle[1] - side / 2, width, side)
        yield Panel(square, self.tone.ground, side / 2 if self.round else RADIUS_MM)
        done = setter.set(self.text, self.role, width * 2, bold=True, centred=True)
        # Twice as wide, so that it is never broken; centred on the square all the same.
        around = Box(square.x - width / 2, square.middle[1] - done.height_mm / 2, width * 2, done.height_mm)
        yield Text(around, done, self.tone.ink, self.role)


@dataclass(frozen=True)
class Lead:
    """Words before a block, as wide as the widest of `among`, which stand below each other."""

    text: str = field(repr=False)
    among: tuple[str, ...] = field(repr=False)
    role: Role = "choice"

    def width(self, setter: Setter) -> float:
        return max(setter.set(each, self.role, WIDE_MM, bold=True, centred=False).width_mm for each in self.among)

    def side(self, setter: Setter) -> float:
        return setter.set(self.text, self.role, WIDE_MM, bold=True, centred=False).height_mm

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        yield from Words(self.text, self.role, bold=True).place(box.left(box.width + 0.1), tone, setter)


@dataclass(frozen=True)
class AtMost:
    """A block that fits only where it is not higher than `most`; it gets no more than it needs."""

    block: Block
    most: float
    grow: float = 0.0

    def height(self, width: float, setter: Setter) -> float:
        least = self.block.height(width, setter)
        return least if least <= self.most + 0.01 or not setter.reachable else math.inf

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        yield from self.block.place(box, tone, setter)


@dataclass(frozen=True)
class Beside:
    """A badge or a lead, and a block beside it.

    `side`: of the badge; `after` is right behind the last letter of the block, which is Words then.
    """

    badge: Badge | Lead
    block: Block
    gap: float = GAP_MM
    grow: float = 0.0
    side: Literal["left", "right", "after"] = "left"

    def height(self, width: float, setter: Setter) -> float:
        rest = width - self.badge.width(setter) - self.gap
        return max(self.badge.side(setter), self.block.height(max(rest, 1.0), setter))

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        width = self.badge.width(setter)
        rest = box.after(box.x + width + self.gap)
        if self.side != "left":
            rest = box.left(rest.width)
        height = min(self.block.height(rest.width, setter), box.height)
        badge = Box(box.x if self.side == "left" else rest.right + self.gap, box.y, width, box.height)
        if self.side == "after" and isinstance(self.block, Words):
            badge = replace(badge, x=rest.x + self.block.width(rest.width, setter) + self.gap)
        parts = (self.badge, badge), (self.block, Box(rest.x, box.middle[1] - height / 2, rest.width, height))
        for part, where in parts if self.side == "left" else parts[::-1]:
            yield from part.place(where, tone, setter)


@dataclass(frozen=True)
class TenDots:
    """The time that is left, as ten dots."""

    least: float = 7.0
    grow: float = 0.0

    def height(self, width: float, setter: Setter) -> float:
        return self.least

    def place(self, box: Box, tone: Tone, setter: Setter) -> Iterator[Item]:
        yield Dots(Box(box.x, box.middle[1] - self.least / 2, box.width, self.least), tone.ink, tone.ground)


def compose(tiers: Sequence[Sequence[Block]], box: Box, tone: Tone, setter: Setter) -> tuple[Item, ...]:
    """The items of the first arrangement that fits `box`.

    Tiers come one after the other: each is given up only when none of its arrangements fits at any size that the roles
    allow; then what is touched may stand higher than somebody who sits can reach. If no tier fits even so, the last
    arrangement of all is made smaller, because nothing may be cut. Large letters are tried with the tier that was found
    with the usual ones.
    """
    sizes = tuple(setter.trials())
    for setter.reachable in (True, False):
        for tier in tiers:
            if (block := _fitting(tier, sizes, box, setter)) is not None:
                usual = setter.sizes
                larger = _fitting(tier, setter.larger(), box, setter)
                if larger is None:
                    setter.sizes = usual
                return tuple((larger or block).place(box, tone, setter))
    block = tiers[-1][-1]
    for part in _LAST_RESORTS:
        setter.sizes = {role: size * part for role, size in sizes[-1].items()}
        if block.height(box.width, setter) <= box.height + 0.01:
            break
    return tuple(block.place(box, tone, setter))


def _fitting(tier: Sequence[Block], trials: Iterable[dict[Role, float]], box: Box, setter: Setter) -> Block | None:
    """The first arrangement that fits, at the sizes that the setter then has."""
    for setter.sizes in trials:
        for block in tier:
            setter.torn = False
            if block.height(box.width, setter) <= box.height + 0.01 and not setter.torn:
                return block
    return None


def column(*blocks: Block | None, gap: float = GAP_MM, grow: float = 0.0, centred: bool = False) -> Column:
    """A column without the blocks that there are not."""
    return Column(tuple(block for block in blocks if block is not None), gap, grow, centred)


def paragraphs(texts: Iterable[str], role: Role = "body", *, bold: bool = False, centred: bool = False) -> Column:
    """Texts of one role, one below the other."""
    return Column(tuple(Words(text, role, bold, centred) for text in texts if text), GAP_MM / 2)
