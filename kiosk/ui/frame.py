"""What surrounds every patient's page: the strip at the top, the zone of buttons and time, the bar of tools. Pure.

Nothing of it moves when time is running out: the notice has its place from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from kiosk.screens.names import MORE_TIME
from kiosk.screens.views import Custody, Result, Screen, Status, is_leaving
from kiosk.typography import ruby, setting
from kiosk.ui.blocks import (
    AtMost,
    Block,
    Card,
    Column,
    Image,
    Row,
    Space,
    TenDots,
    Words,
    column,
    compose,
)
from kiosk.ui.items import Box, ClockTime, Drawing, Item, Panel, SecondsLeft, Text
from kiosk.ui.roles import WIDE_MM, Setter
from kiosk.ui.theme import GAP_MM, MARGIN_MM, THEMES, Theme, Tone
from kiosk.words.texts import Texts

_TOOLS: Final[tuple[tuple[str, Drawing], ...]] = (
    ("language", "language"),
    ("text_size", "text_size"),
    ("contrast", "contrast"),
    ("wheelchair", "wheelchair"),
)
CARDS: Final[dict[str, Drawing]] = {"mynumber": "my_number_card", "patient_card": "patient_card"}
# Speech will have its place beside the tools, so wide beside one of them.
_SPEECH: Final = 0.55
# What ends a page; all else is pressed within it.
_ENDS: Final = ("cancel", "close", "back")
FRAME_MM: Final = 1.6
# White above and below what is in the strip.
_STRIP_MM: Final = 1.2
_DOTS_MM: Final = 5.0
# What the whole page is the colour of: one of the tones of a theme.
State = Literal["work", "done", "custody", "counter", "off"]


@dataclass(frozen=True)
class Stand:
    """Where the kiosk stands, from site.toml. "" where the site does not say: drawings are neutral then.

    `reader`: flat, slot or drop; `reader_side`: left or right of the kiosk; `slip_at`: where on the kiosk slips come
    out, as `right-bottom`; `mounting_cm`: the lower edge of the display above the floor; `glass_mm`: millimetres of its
    glass that a millimetre of a page is.
    """

    hospital: str = ""
    reader: str = ""
    reader_side: str = ""
    slip_at: str = ""
    mounting_cm: float | None = None
    glass_mm: float = 1.0


# What is touched by somebody who sits: 110 cm above the floor at most. Where the site does not say how high the display
# hangs, the lower half of it, or as if its lower edge were at 86 cm.
_REACH_CM: Final = 110.0
_USUAL_MOUNTING_CM: Final = 86.0


def reach_mm(stand: Stand, height: float) -> float:
    """How high from the lower edge of a page somebody can touch who sits, in millimetres of the page."""
    mounting = _USUAL_MOUNTING_CM if stand.mounting_cm is None else stand.mounting_cm
    reach = (_REACH_CM - mounting) * 10 / stand.glass_mm
    return min(max(reach, height / 2) if stand.mounting_cm is None else reach, height)


@dataclass(frozen=True)
class Measures:
    """Heights of the frame's parts, in millimetres of the page."""

    strip: float
    zone: float
    bar: float
    button: float


PORTRAIT: Final = Measures(strip=18.0, zone=60.0, bar=40.0, button=30.0)
LANDSCAPE: Final = Measures(strip=15.0, zone=27.0, bar=26.0, button=21.0)


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
        # What surrounds a page keeps its size in large letters: the page says the same, and nothing moves.
        self._frame_setter = Setter(screen.look.language)
        self._frame_setter.sizes = next(self._frame_setter.trials())
        strip = max(self.measures.strip, self._name.height_mm + 2 * _STRIP_MM)
        self.measures = replace(self.measures, strip=strip)
        self.items: list[Item] = [Panel(Box(0, 0, width, height), self.tone.ground)]
        bottom = height - self.measures.bar - (self.measures.zone if self._has_zone else 0.0)
        self.body = Box(MARGIN_MM, self.measures.strip, width - 2 * MARGIN_MM, bottom - self.measures.strip)

    @property
    def _has_zone(self) -> bool:
        """Also while a slip is printed: the page must not move when it is out."""
        screen = self.screen
        return (
            isinstance(screen, Result | Custody)
            or screen.timeout is not None
            or any(n in _ENDS for n in screen.buttons)
        )

    @property
    def sitting(self) -> bool:
        return self.screen.look.wheelchair

    def low(self, block: Block) -> Block:
        """What is touched: for somebody who sits no higher than can be reached, so it has to stand at the bottom."""
        if not self.sitting:
            return block
        return AtMost(block, reach_mm(self.stand, self.height) - (self.height - self.body.bottom) - GAP_MM / 2)

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

    def card_picture(self, name: str, least: float, most: float = 1000.0) -> Block:
        """The card of a button, and a phone beside it where one may be held there instead."""
        card = Image(CARDS[name], least, most, grow=1.0)
        if name != "patient_card" or not getattr(self.screen, "phone", False):
            return card
        return Row((card, Image("phone", least, most, grow=1.0)), (0.68, 0.32), GAP_MM / 2, grow=1.0)

    def staff_hint(self, codes: tuple[str, ...]) -> Words | None:
        """What only staff need to know, small: the worst two."""
        if not codes:
            return None
        words = self.texts["staff"]
        hints = str(words["between"]).join(str(words[code]) for code in codes[:2] if code in words)
        return Words(str(words["line"]).format(label=words["label"], hints=hints), "small")

    def called(self, text: str) -> Card:
        """That staff come, as large as the button that called them."""
        return self.card(
            Column((Words(text, "body", bold=True, centred=True),), centred=True), least=self.measures.button
        )

    def finish(self, *arrangements: Block) -> tuple[Item, ...]:
        """The whole page: the first arrangement that fits at the largest sizes, and the frame around it."""
        return self.finish_first((arrangements,))

    def finish_first(self, tiers: Sequence[Sequence[Block]]) -> tuple[Item, ...]:
        """The same, a tier only when the ones before it do not fit (`blocks.compose`)."""
        self.items.extend(self._strip())
        self.items.extend(compose(tiers, self.body.inset(0, GAP_MM / 2), self.tone, self.setter))
        if self._has_zone:
            self.items.extend(self._zone())
        self.items.extend(self._bar())
        return tuple(self.items)

    # -- the strip ---------------------------------------------------------------------------------------------------

    def _strip(self) -> Iterator[Item]:
        """The hospital, whether this patient is registered, the time: each as wide as it is, none smaller for it."""
        inner = Box(0, 0, self.width, self.measures.strip).inset(MARGIN_MM, _STRIP_MM)
        clock = inner.after(inner.right - self._clock_width)
        name, pill = self._name, self._pill(self.screen.status)
        beside = inner.x + name.width_mm + GAP_MM
        yield Text(
            Box(inner.x, inner.middle[1] - name.height_mm / 2, name.width_mm, name.height_mm),
            name,
            self.tone.ink,
            "frame",
        )
        if pill is not None:
            # In the middle of the page, where the name of the hospital leaves it.
            width = pill.width_mm + 2 * GAP_MM
            spot = Box(max((self.width - width) / 2, beside), inner.y, width, inner.height)
            spot = replace(spot, x=min(spot.x, clock.x - GAP_MM - width))
            yield Panel(spot, self.theme.card.ground, inner.height / 2, self.theme.card.ink, 0.7)
            words = Box(spot.x + GAP_MM, spot.middle[1] - pill.height_mm / 2, pill.width_mm, pill.height_mm)
            yield Text(words, pill, self.theme.card.ink, "frame")
        dates = self.texts["dates"]
        halves = (str(dates["halves"][0]), str(dates["halves"][1]))
        capital = self._frame_setter.sizes["frame"]
        yield ClockTime(clock, str(dates["clock"]), halves, capital, self.tone.ink, self.screen.look.language)

    def _in_frame(self, text: str, width: float = WIDE_MM) -> setting.Block:
        capital = self._frame_setter.sizes["frame"]
        paragraph = setting.Paragraph(text, capital, bold=True, language=self.screen.look.language)
        return setting.set_paragraphs((paragraph,), width)

    @property
    def _name(self) -> setting.Block:
        """Of the hospital, in two lines where it has to be: the status has its place on every page."""
        pills = [self._pill(status) for status in ("not_yet", "done")]
        pill = max(each.width_mm for each in pills if each is not None) + 2 * GAP_MM
        return self._in_frame(
            ruby.name(self.stand.hospital), self.width - 2 * MARGIN_MM - 2 * GAP_MM - pill - self._clock_width
        )

    def _pill(self, status: Status | None) -> setting.Block | None:
        """Whether this patient is registered. Without readings: it is a sign, and its words come again below."""
        return None if status is None else self._in_frame(ruby.plain(str(self.texts["status"][status])))

    @property
    def _clock_width(self) -> float:
        """Of the longest time of day."""
        dates = self.texts["dates"]
        times = (dates["clock"].format(hour=20, hour12=12, minute=58, half=half) for half in dates["halves"])
        return max(self._in_frame(time).width_mm for time in times) + 1.0

    def _placed(self, block: Block, box: Box, tone: Tone | None = None) -> tuple[Item, ...]:
        return compose(((block,),), box, tone or self.tone, self._frame_setter)

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
            text, row = inner.left(row.width * 0.36), row.after(row.x + row.width * 0.36 + GAP_MM)
        if screen.timeout is not None:
            yield from self._time(text, leaving=leaving)
        yield from self._placed(self._ends(), row)

    def _ends(self) -> Block:
        """What ends the page or keeps it, side by side; each has its place whether the other is there or not."""
        ends = [name for name in _ENDS if name in self.screen.buttons]
        more: Block = Space()
        if MORE_TIME in self.screen.buttons:
            more = self._end(MORE_TIME, strong=True)
        rest: Block = Row(tuple(self._end(name) for name in ends), (1.0,) * len(ends)) if ends else Space()
        return Row((more, rest), (0.58, 0.42))

    def _end(self, name: str, *, strong: bool = False) -> Card:
        words = Words(self.label(name), "label", bold=True, centred=True)
        tone = self.theme.strong if strong else self.theme.choice
        return Card(words, tone, name, self.theme.frame, FRAME_MM, 2.0, self.measures.button, 1.0)

    def _time(self, box: Box, *, leaving: bool) -> Iterator[Item]:
        tone = self.theme.sheet if leaving else self.tone
        yield from self._placed(column(Space(grow=1), TenDots(_DOTS_MM)), box, tone)
        if leaving:
            words = box.top(box.height - _DOTS_MM - 1.0)
            capital = self._frame_setter.sizes["frame"]
            yield SecondsLeft(words, self.texts["leaving"]["seconds"], capital, tone.ink, self.screen.look.language)

    # -- the bar -------------------------------------------------------------------------------------------------------

    def _bar(self) -> Iterator[Item]:
        bar = Box(0, self.height - self.measures.bar, self.width, self.measures.bar)
        yield Panel(bar, self.theme.bar.ground)
        tools = tuple(self._tool(name, drawing) for name, drawing in _TOOLS if name in self.screen.tools)
        shares = (1.8 if name == "language" else 1.0 for name, _ in _TOOLS if name in self.screen.tools)
        inner = bar.inset(MARGIN_MM, (bar.height - self.measures.button) / 2)
        yield from self._placed(Row((*tools, Space()), (*shares, _SPEECH)), inner)

    def _tool(self, name: str, drawing: Drawing) -> Block:
        """A sign and a word; in portrait the word is below it."""
        look = self.screen.look
        on = {"text_size": look.size == "large", "contrast": look.theme != "normal", "wheelchair": look.wheelchair}
        label, two = self.label(name), name == "language" and look.language.startswith("ja")
        texts = (label, "Language") if two else (label,)  # who reads no Japanese looks for a word, too
        lines = texts if self.portrait else (" ".join(texts),)
        above = self.portrait and not two
        words = column(*(Words(line, "frame", bold=True, centred=above) for line in lines), gap=0.0, centred=True)
        inner: Block = Row((Image(drawing, 9.0, 12.0), words), (-11.0, 1.0), 2.0)
        if above:
            inner = column(Image(drawing, 9.0, 12.0, grow=1), words, gap=0.5)
        tone = self.theme.strong if on.get(name) else self.theme.choice
        return Card(inner, tone, name, self.theme.frame, 0.8, 1.5, self.measures.button)
