"""The parts that pages share: band, buttons, foot, remarks. Pure: collects items, draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiosk.screens.names import KEYS, MORE_TIME
from kiosk.screens.views import Timeout
from kiosk.ui import theme
from kiosk.ui.items import Box, Button, Drawing, Item, Panel, Paragraph, Picture, SecondsLeft, TimeLeft, Words
from kiosk.ui.theme import GAP_MM, MARGIN_MM, Mood, Tone
from kiosk.words.texts import Texts

_ICONS: dict[Mood, Drawing] = {"wait": "clock", "good": "check", "counter": "attention", "off": "closed"}
_FOOT_BUTTONS = ("cancel", "close", MORE_TIME)
_BUTTON_HEIGHT_MM = 30.0
_LOW_BAND_MM = 60.0  # the title alone is large enough there


class PageBuilder:
    """One page while it is put together. `width`, `height`: millimetres."""

    def __init__(self, texts: Texts, width: float, height: float) -> None:
        self.texts = texts
        self.width = width
        self.height = height
        self.portrait = height > width
        self.items: list[Item] = [Panel(Box(0, 0, width, height), theme.PAGE.ground)]

    @property
    def labels(self) -> Mapping[str, Any]:
        return self.texts["buttons"]

    def words(
        self, box: Box, *lines: tuple[str, float], bold: bool = False, colour: str = theme.INK, centred: bool = True
    ) -> None:
        """`lines`: texts with the height of their capitals."""
        paragraphs = tuple(Paragraph(text, capital, bold) for text, capital in lines if text)
        if paragraphs:
            self.items.append(Words(box, paragraphs, colour, centred))

    def band(self, title: str, mood: Mood, height: float, title_mm: float = theme.TITLE_MM) -> Box:
        """The coloured band with icon and title; returns what is left below, within the margins."""
        tone = theme.BANDS[mood]
        whole = Box(0, 0, self.width, height)
        self.items.append(Panel(whole, tone.ground))
        inner = whole.inset(MARGIN_MM, MARGIN_MM * 0.8)
        centred = True
        if mood in _ICONS:
            side = min(inner.height, 48.0)
            spot = Box(inner.x, inner.middle[1] - side / 2, side, side)
            self.items.append(Picture(spot, _ICONS[mood], tone))
            inner = inner.after(inner.x + side + MARGIN_MM)
            centred = False
        word = str(self.texts["moods"].get(mood, ""))
        paragraphs = [Paragraph(title, title_mm, bold=True)]
        if word and height > _LOW_BAND_MM:
            paragraphs.append(Paragraph(word, title_mm * 0.7))
        self.items.append(Words(inner, tuple(paragraphs), tone.ink, centred))
        return Box(MARGIN_MM, height, self.width - 2 * MARGIN_MM, self.height - height)

    def button(
        self, box: Box, name: str, *, tone: Tone = theme.PLAIN, capital_mm: float = theme.BUTTON_MM, text: str = ""
    ) -> None:
        label = text or str(self.labels.get(name, name.removeprefix("key_")))
        self.items.append(Panel(box, tone.ground, theme.RADIUS_MM, theme.INK))
        self.words(box.inset(4, 2), (label, capital_mm), bold=True, colour=tone.ink)
        self.items.append(Button(box, name))

    def foot(self, body: Box, buttons: tuple[str, ...], timeout: Timeout | None = None) -> Box:
        """Buttons and the time that is left, at the bottom; returns what is left of `body`.

        When the page is about to go, the foot becomes a notice that cannot be missed.
        """
        if timeout is not None and timeout.warned:
            return self._notice(body, buttons)
        names = [name for name in _FOOT_BUTTONS if name in buttons]
        bottom = self.height - MARGIN_MM
        if names:
            row = Box(body.x, bottom - _BUTTON_HEIGHT_MM, body.width, _BUTTON_HEIGHT_MM)
            for name, box in zip(names, _side_by_side(row, len(names)), strict=True):
                self.button(box, name)
            bottom = row.y - GAP_MM
        if timeout is not None:
            self.items.append(TimeLeft(Box(body.x, bottom - 5, body.width, 5), theme.BLUE, theme.PALE))
            bottom -= 5 + GAP_MM
        return Box(body.x, body.y, body.width, bottom - body.y)

    @property
    def _notice_height(self) -> float:
        return 112.0 if self.portrait else 68.0

    def _notice(self, body: Box, buttons: tuple[str, ...]) -> Box:
        height = self._notice_height
        whole = Box(0, self.height - height, self.width, height)
        self.items.append(Panel(whole, theme.NOTICE.ground))
        self.items.append(Panel(whole.top(1.5), theme.NOTICE.ink))
        inner = whole.inset(MARGIN_MM, MARGIN_MM * 0.8)
        if self.portrait:
            notice, row = inner.top(46), inner.below(inner.y + 50)
        else:
            notice, row = inner.left(inner.width * 0.46), inner.after(inner.x + inner.width * 0.46 + GAP_MM)
        icon = Box(notice.x, notice.y, min(notice.height, 34.0), notice.height)
        text = notice.after(icon.right + GAP_MM)
        leaving = self.texts["leaving"]
        self.items.append(Picture(icon, "clock", theme.NOTICE))
        self.words(text.top(text.height * 0.55), (leaving["text"], 10.0), bold=True, centred=False)
        seconds = text.below(text.y + text.height * 0.55)
        self.items.append(SecondsLeft(seconds, leaving["seconds"], 13.0, theme.NOTICE.ink))
        others = [name for name in ("cancel", "close") if name in buttons]
        if MORE_TIME in buttons:
            more = row.left(row.width * 0.64 - GAP_MM) if others else row
            self.button(more, MORE_TIME, tone=theme.STRONG, capital_mm=12)
            row = row.after(more.right + GAP_MM)
        for name, box in zip(others, row.columns(max(len(others), 1), GAP_MM), strict=False):
            self.button(box, name)
        return Box(body.x, body.y, body.width, whole.y - GAP_MM - body.y)

    def keys(self, area: Box) -> None:
        """The ten keys as on a telephone, with "clear" and "ok" beside the 0."""
        order = (*KEYS[1:], "clear", KEYS[0], "ok")
        boxes = [box for row in area.rows(4, GAP_MM) for box in row.columns(3, GAP_MM)]
        for name, box in zip(order, boxes, strict=True):
            if name in KEYS:
                self.button(box, name, capital_mm=theme.KEY_MM)
            else:
                self.button(box, name, tone=theme.STRONG if name == "ok" else theme.UNAVAILABLE)

    def lines(
        self, box: Box, lines: tuple[str, ...], capital_mm: float, *, centred: bool = True, bold: bool = False
    ) -> None:
        """Texts one below the other, all of one size."""
        self.words(box, *((text, capital_mm) for text in lines), centred=centred, bold=bold)


def _side_by_side(row: Box, count: int) -> tuple[Box, ...]:
    """One button is not drawn as wide as the display: it would look like a part of the page."""
    if count > 1:
        return row.columns(count, GAP_MM)
    width = min(row.width, 150.0)
    return (Box(row.middle[0] - width / 2, row.y, width, row.height),)
