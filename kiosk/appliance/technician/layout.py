"""The appliance's pages -> the items of their page, by a table of layouts. Pure, as `kiosk.ui.pages` is for patients.

Letters are smaller than a patient's: these pages are read from arm's length, and there is much to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kiosk.appliance.technician.pages import OPTIONS, ROWS, Page, Row
from kiosk.ui import theme
from kiosk.ui.items import Box, Item, Panel, TimeLeft
from kiosk.ui.page_builder import PageBuilder
from kiosk.ui.theme import GAP_MM, MARGIN_MM, Tone
from kiosk.words.texts import Texts

_ROW_MM: Final = 5.6
_LARGE_MM: Final = 8.0
_REMARK_MM: Final = 6.5
_BUTTON_MM: Final = 7.0
_BUTTON_HEIGHT_MM: Final = 22.0
_FOOT_MM: Final = 8.0
_MARKS: Final[dict[str, Tone]] = {
    "OK": Tone(theme.GREEN, theme.PAPER),
    "NG": theme.NOTICE,
    "SKIP": theme.UNAVAILABLE,
}
_DOTS: Final = 12


def layout_in(texts: Texts) -> Callable[[Page, float, float], tuple[Item, ...]]:
    """The layout of all pages in these words."""
    return lambda page, width_mm, height_mm: lay_out(page, texts, width_mm, height_mm)


def lay_out(page: Page, texts: Texts, width_mm: float, height_mm: float) -> tuple[Item, ...]:
    """The page for a display of this size, in the order of drawing."""
    sheet = PageBuilder(texts, width_mm, height_mm)
    rest = sheet.band(page.title, page.mood, 38.0 if sheet.portrait else 32.0, title_mm=11)
    _LAYOUTS[page.layout](sheet, page, rest.inset(0, GAP_MM))
    return tuple(sheet.items)


def _report(sheet: PageBuilder, page: Page, body: Box) -> None:
    """Remarks, rows below, buttons at the bottom."""
    body = _foot(sheet, page, body, page.buttons)
    if page.percent is not None:
        bar = Box(body.x, body.bottom - 12, body.width, 12)
        sheet.items.append(Panel(bar, theme.PALE, 6))
        sheet.items.append(Panel(bar.left(max(12.0, bar.width * page.percent / 100)), theme.BLUE, 6))
        sheet.words(Box(bar.x, bar.y - 16, bar.width, 14), (f"{page.percent} %", 8.0), bold=True)
        body = Box(body.x, body.y, body.width, bar.y - 18 - body.y)
    if not page.rows:
        sheet.lines(body, page.remarks, _LARGE_MM)
        return
    head = min(body.height * 0.25, 24.0 * len(page.remarks))
    if page.remarks:
        sheet.lines(body.top(head), page.remarks, _REMARK_MM, centred=False, bold=True)
        body = body.below(body.y + head + GAP_MM / 2)
    marked = any(row.mark for row in page.rows)
    for row, box in zip(page.rows, body.rows(ROWS, 1.0), strict=False):
        _row(sheet, row, box, 20.0 if marked else -2.0)


def _row(sheet: PageBuilder, row: Row, box: Box, indent: float) -> None:
    mark = Box(box.x, box.y, indent, box.height)
    if row.mark:
        tone = _MARKS[row.mark]
        badge = Box(mark.x, mark.middle[1] - 4.5, 19.0, 9.0)
        sheet.items.append(Panel(badge, tone.ground, 2))
        sheet.words(badge.inset(1, 0.5), (row.mark, 4.6), bold=True, colour=tone.ink)
    sheet.words(box.after(mark.right + 2), (row.text, _ROW_MM), centred=False)


def _pad(sheet: PageBuilder, page: Page, body: Box) -> None:
    """The ten keys, and a dot for each digit."""
    if sheet.portrait:
        keys = body.below(sheet.height * 0.4)
        text, dots = body.top(keys.y - 30 - body.y), Box(body.x, keys.y - 26, body.width, 18)
        close = Box(keys.x, sheet.height - MARGIN_MM - _BUTTON_HEIGHT_MM, keys.width, _BUTTON_HEIGHT_MM)
        keys = Box(keys.x, keys.y, keys.width, close.y - 2 * GAP_MM - keys.y)
    else:
        left, keys = body.left(body.width * 0.45), body.after(body.x + body.width * 0.45 + MARGIN_MM)
        keys = Box(keys.x, keys.y, keys.width, sheet.height - MARGIN_MM - keys.y)
        close = Box(left.x, keys.bottom - _BUTTON_HEIGHT_MM, left.width, _BUTTON_HEIGHT_MM)
        dots = Box(left.x, close.y - 40, left.width, 18)
        text = left.top(dots.y - GAP_MM - left.y)
    sheet.lines(text, page.remarks, _LARGE_MM, bold=True)
    side = min(dots.height, dots.width / _DOTS - 3)
    start = dots.middle[0] - (_DOTS * (side + 3) - 3) / 2
    for place in range(_DOTS):
        box = Box(start + place * (side + 3), dots.middle[1] - side / 2, side, side)
        sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.LINE))
        if place < page.typed:
            sheet.items.append(Panel(box.inset(side * 0.25), theme.INK, side))
    sheet.keys(keys)
    sheet.button(close, "close", capital_mm=_BUTTON_MM)


def _menu(sheet: PageBuilder, page: Page, body: Box) -> None:
    """All jobs at once; the reception is below, where it cannot be mistaken for one of them."""
    body = _foot(sheet, page, body, ("close",))
    names = [name for name in page.buttons if name != "close"]
    columns, count = (2, -(-len(names) // 2)) if sheet.portrait else (4, -(-len(names) // 4))
    area = body.below(max(body.y, sheet.height * 0.3)) if sheet.portrait else body
    boxes = [box for row in area.rows(count, GAP_MM) for box in row.columns(columns, GAP_MM)]
    for name, box in zip(names, boxes, strict=False):
        tone = theme.UNAVAILABLE if name == "format" else theme.CHOICE
        sheet.button(box, name, tone=tone, capital_mm=_BUTTON_MM)


def _choice(sheet: PageBuilder, page: Page, body: Box) -> None:
    """A large button for each of a list."""
    labels = dict(page.labels)
    body = _foot(sheet, page, body, tuple(name for name in page.buttons if name not in labels))
    head = 26.0 if page.remarks else 0.0
    sheet.lines(body.top(head), page.remarks, _REMARK_MM, bold=True)
    area = body.below(max(body.y + head + GAP_MM, sheet.height * (0.4 if sheet.portrait else 0.0)))
    for (name, text), box in zip(page.labels, area.rows(OPTIONS, GAP_MM), strict=False):
        sheet.button(box, name, tone=theme.CHOICE, capital_mm=_REMARK_MM, text=text)


def _sure(sheet: PageBuilder, page: Page, body: Box) -> None:
    """A question, and two answers that change their sides."""
    row = Box(body.x, sheet.height - MARGIN_MM - 36.0, body.width, 36.0)
    if sheet.portrait:
        row = Box(row.x, row.y - (60.0 if page.swapped else 0.0), row.width, row.height)
    left, right = row.columns(2, 2 * MARGIN_MM)
    no, yes = (right, left) if page.swapped else (left, right)
    sheet.button(no, "no", capital_mm=_BUTTON_MM)
    sheet.button(yes, "yes", tone=theme.NOTICE, capital_mm=_BUTTON_MM, text=dict(page.labels).get("yes", ""))
    text = Box(body.x, body.y, body.width, row.y - GAP_MM - body.y)
    sheet.lines(text, page.remarks, _LARGE_MM, centred=False, bold=True)


def _leaving(sheet: PageBuilder, page: Page, body: Box) -> None:
    sheet.foot(body, page.buttons, page.timeout)


def _foot(sheet: PageBuilder, page: Page, body: Box, names: tuple[str, ...]) -> Box:
    """Buttons, the bar of the time that is left, and the small line; returns what is left above them."""
    bottom = sheet.height - MARGIN_MM / 2
    if page.foot:
        sheet.words(Box(body.x, bottom - _FOOT_MM, body.width, _FOOT_MM), (page.foot, theme.SMALL_MM))
        bottom -= _FOOT_MM + 2
    bottom = min(bottom, sheet.height - MARGIN_MM)
    if names:
        per_row = 3 if sheet.portrait else 5
        groups = [names[at : at + per_row] for at in range(0, len(names), per_row)]
        for group in reversed(groups):
            row = Box(body.x, bottom - _BUTTON_HEIGHT_MM, body.width, _BUTTON_HEIGHT_MM)
            for name, box in zip(group, row.columns(max(len(group), 2), GAP_MM), strict=False):
                tone = theme.STRONG if name in ("start", "more_time") else theme.PLAIN
                sheet.button(box, name, tone=tone, capital_mm=_BUTTON_MM)
            bottom = row.y - GAP_MM
    if page.timeout is not None:
        sheet.items.append(TimeLeft(Box(body.x, bottom - 4, body.width, 4), theme.BLUE, theme.PALE))
        bottom -= 4 + GAP_MM
    return Box(body.x, body.y, body.width, bottom - body.y)


_LAYOUTS: Final[dict[str, Callable[[PageBuilder, Page, Box], None]]] = {
    "report": _report,
    "pad": _pad,
    "menu": _menu,
    "choice": _choice,
    "sure": _sure,
    "leaving": _leaving,
}
