"""What surrounds every patient's page: the strip at the top, the zone of buttons and time, the bar of tools. Pure.

Nothing of it moves when time is running out: the notice has its place from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kiosk.screens.names import MORE_TIME
from kiosk.screens.views import Result, Screen, Status, is_leaving
from kiosk.ui.blocks import Block, Card, Image, Row, Setter, Space, TenDots, Words, column, compose
from kiosk.ui.items import Box, Button, ClockTime, Drawing, Item, Panel, SecondsLeft
from kiosk.ui.theme import GAP_MM, MARGIN_MM, RADIUS_MM, THEMES, Theme, Tone
from kiosk.words.texts import Texts

_TOOLS: Final[tuple[tuple[str, Drawing], ...]] = (
    ("language", "language"),
    ("text_size", "text_size"),
    ("contrast", "contrast"),
    ("wheelchair", "wheelchair"),
)
# One place more than there are tools: speech will have its own.
_PLACES: Final = 5
# What ends a page; all else is pressed within it.
_ENDS: Final = ("cancel", "close", "back")
FRAME_MM: Final = 1.6
# What the whole page is the colour of: one of the tones of a theme.
State = Literal["work", "done", "counter", "off"]


@dataclass(frozen=True)
class Stand:
    """Where the kiosk stands, from site.toml. "" where the site does not say: drawings are neutral then.

    `reader`: flat, slot or drop; `reader_side`: left or right of the kiosk; `slip_at`: where on the kiosk slips come
    out, as `right-bottom`; `mounting_cm`: the lower edge of the display above the floor.
    """

    hospital: str = ""
    reader: str = ""
    reader_side: str = ""
    slip_at: str = ""
    mounting_cm: float | None = None


@dataclass(frozen=True)
class Measures:
    """Heights of the frame's parts, in millimetres of the page."""

    strip: float
    zone: float
    bar: float
    button: float


PORTRAIT: Final = Measures(strip=18.0, zone=58.0, bar=40.0, button=30.0)
LANDSCAPE: Final = Measures(strip=15.0, zone=31.0, bar=29.0, button=23.0)


class Frame:
    """One page while it is put together. `body`: what the page itself may use."""

    def __init__(
        self, screen: Screen, texts: Texts, stand: Stand, width: float, height: float, state: State = "work"
    ) -> None:
        self.screen, self.texts, self.stand = screen, texts, stand
        self.width, self.height = width, height
        self.portrait = height > width
        self.measures = PORTRAIT if self.portrait else LANDSCAPE
        self.theme: Theme = THEMES[screen.look.theme]
        self.tone: Tone = getattr(self.theme, state)
        self.setter = Setter(screen.look.language, large=screen.look.size == "large")
        self.items: list[Item] = [Panel(Box(0, 0, width, height), self.tone.ground)]
        bottom = height - self.measures.bar - (self.measures.zone if self._has_zone else 0.0)
        self.body = Box(MARGIN_MM, self.measures.strip, width - 2 * MARGIN_MM, bottom - self.measures.strip)

    @property
    def _has_zone(self) -> bool:
        """Also while a slip is printed: the page must not move when it is out."""
        screen = self.screen
        return isinstance(screen, Result) or screen.timeout is not None or any(n in _ENDS for n in screen.buttons)

    # -- parts -------------------------------------------------------------------------------------------------------

    def label(self, name: str) -> str:
        """What a button reads."""
        return str(self.texts["buttons"].get(name, name.removeprefix("key_")))

    def button(self, name: str, *, strong: bool = False, text: str = "", least: float = 0.0, grow: float = 0.0) -> Card:
        """A button of one text."""
        tone = self.theme.strong if strong else self.theme.choice
        words = Words(text or self.label(name), "body", bold=True, centred=True)
        return Card(words, tone, name, self.theme.frame, FRAME_MM, 2.0, least or self.measures.button, grow)

    def card(self, block: Block, *, grow: float = 0.0, least: float = 0.0, padding: float = 6.0) -> Card:
        """Something to read; it cannot be pressed."""
        return Card(block, self.theme.card, "", self.theme.edge, 0.5, padding, least, grow)

    def finish(self, *arrangements: Block) -> tuple[Item, ...]:
        """The whole page: the first arrangement that fits at the largest sizes, and the frame around it."""
        return self.finish_first((arrangements,))

    def finish_first(self, tiers: Sequence[Sequence[Block]]) -> tuple[Item, ...]:
        """The same, a tier only when the ones before it do not fit (`blocks.compose`)."""
        self.items.extend(compose(tiers, self.body.inset(0, GAP_MM / 2), self.tone, self.setter))
        self.items.extend(self._strip())
        if self._has_zone:
            self.items.extend(self._zone())
        self.items.extend(self._bar())
        return tuple(self.items)

    # -- the strip ---------------------------------------------------------------------------------------------------

    def _strip(self) -> Iterator[Item]:
        whole = Box(0, 0, self.width, self.measures.strip)
        inner = whole.inset(MARGIN_MM, 2.5)
        third = inner.width / 3
        yield from self._placed(Words(self.stand.hospital, "small", bold=True), inner.left(third * 1.05))
        status: Status | None = self.screen.status
        if status is not None:
            spot = Box(inner.x + third * 1.07, inner.y, third * 0.86, inner.height)
            word = Words(str(self.texts["status"][status]), "small", bold=True, centred=True)
            yield Panel(spot, self.theme.card.ground, inner.height / 2, self.theme.card.ink, 0.7)
            yield from self._placed(word, spot, self.theme.card)
        clock = inner.after(inner.x + third * 2.2)
        dates = self.texts["dates"]
        halves = (str(dates["halves"][0]), str(dates["halves"][1]))
        small, language = self.setter.sizes["small"], self.screen.look.language
        yield ClockTime(clock, str(dates["clock"]), halves, small, self.tone.ink, language)

    def _placed(self, block: Block, box: Box, tone: Tone | None = None) -> tuple[Item, ...]:
        return compose(((block,),), box, tone or self.tone, Setter(self.screen.look.language))

    # -- buttons and time ----------------------------------------------------------------------------------------------

    def _zone(self) -> Iterator[Item]:
        measures, screen = self.measures, self.screen
        zone = Box(0, self.height - measures.bar - measures.zone, self.width, measures.zone)
        leaving = is_leaving(screen.timeout)
        if leaving:
            yield Panel(zone, self.theme.sheet.ground, 0, self.theme.sheet.ink, FRAME_MM)
        inner = zone.inset(MARGIN_MM, GAP_MM / 2)
        row = Box(inner.x, inner.bottom - measures.button, inner.width, measures.button)
        if self.portrait:
            text = Box(inner.x, inner.y, inner.width, row.y - inner.y - 2.0)
        else:
            text, row = row.left(row.width * 0.36), row.after(row.x + row.width * 0.36 + GAP_MM)
        if screen.timeout is not None:
            yield from self._time(text, leaving=leaving)
        ends = [name for name in _ENDS if name in screen.buttons]
        more = row.left(row.width * 0.58)
        rest = row.after(more.right + GAP_MM)
        if MORE_TIME in screen.buttons:
            yield from self._placed(self.button(MORE_TIME, strong=True, grow=1), more)
        for name, box in zip(ends, rest.columns(max(len(ends), 1), GAP_MM), strict=False):
            yield from self._placed(self.button(name, grow=1), box)

    def _time(self, box: Box, *, leaving: bool) -> Iterator[Item]:
        tone = self.theme.sheet if leaving else self.tone
        small = self.setter.sizes["small"]
        yield from self._placed(column(Space(grow=1), TenDots(5.0)), box, tone)
        if leaving:
            words = box.top(box.height - 7.0)
            pattern = self.texts["leaving"]["seconds"]
            yield SecondsLeft(words, pattern, small * 1.25, tone.ink, self.screen.look.language)

    # -- the bar -------------------------------------------------------------------------------------------------------

    def _bar(self) -> Iterator[Item]:
        bar = Box(0, self.height - self.measures.bar, self.width, self.measures.bar)
        tone = self.theme.bar
        yield Panel(bar, tone.ground)
        inner = bar.inset(MARGIN_MM, (bar.height - self.measures.button) / 2)
        for (name, drawing), box in zip(_TOOLS, inner.columns(_PLACES, GAP_MM), strict=False):
            if name not in self.screen.tools:
                continue
            yield Panel(box, self.theme.choice.ground, RADIUS_MM, self.theme.frame, 0.8)
            yield from self._placed(self._tool(name, drawing, box), box.inset(2.5, 1.5), self.theme.choice)
            yield Button(box, name)

    def _tool(self, name: str, drawing: Drawing, box: Box) -> Block:
        words = Words(self.label(name), "small", bold=True, centred=True)
        if box.width > 2.2 * box.height:
            return Row((Image(drawing, 12.0, grow=1), words), (-14.0, 1.0), 2.0)
        return column(Image(drawing, 10.0, 12.0, grow=1), words, gap=1.0)


def numbered(acts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Acts with their numbers, from 1."""
    return tuple((str(place), act) for place, act in enumerate(acts, 1))
