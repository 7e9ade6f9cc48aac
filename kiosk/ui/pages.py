"""Screen -> the items of its page, a layout for each kind of view. Pure: no Kivy, no state; decides nothing but places.

Portrait keeps everything that is touched in the lower half, within reach from a wheelchair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, assert_never

from kiosk.screens.views import AppointmentRow, Choose, Counter, Instruct, Keys, Off, Result, Screen, Wait
from kiosk.ui import theme
from kiosk.ui.items import Box, Button, Drawing, Item, Panel, Paragraph, Picture, Words
from kiosk.ui.page_builder import PageBuilder
from kiosk.ui.theme import GAP_MM, MARGIN_MM
from kiosk.words.texts import Texts

# What a view looks like: its items for a display of so many millimetres.
Layout = Callable[[Any, Texts, float, float], tuple[Item, ...]]

_CARDS: Final[dict[str, Drawing]] = {"mynumber": "my_number_card", "patient_card": "patient_card"}
_THREE_LINES_MM: Final = 66.0
_REMARK_MM: Final = 9.0
# More cannot be read from where the patient stands; the slip has them all.
_APPOINTMENTS_MAX: Final = 6
# A display smaller than this gets everything smaller, in proportion.
SMALLEST_MM: Final = {True: (190.0, 330.0), False: (300.0, 225.0)}


def page(screen: Screen, texts: Texts, width_mm: float, height_mm: float) -> tuple[Item, ...]:
    """The page of a screen for a display of this size, in the order of drawing."""
    sheet = PageBuilder(texts, width_mm, height_mm)
    match screen:
        case Choose():
            _choose(sheet, screen)
        case Instruct(step=None):
            _insert_card(sheet, screen)
        case Instruct():
            _reader(sheet, screen)
        case Keys():
            _keys(sheet, screen)
        case Wait():
            _wait(sheet, screen)
        case Result():
            _result(sheet, screen)
        case Counter():
            _counter(sheet, screen)
        case Off():
            _off(sheet, screen)
        case _:
            assert_never(screen)
    return tuple(sheet.items)


def millimetre_px(width_px: float, height_px: float, diagonal_inch: float) -> float:
    """Pixels of the millimetre that pages are laid out in; less than a real one where the display is too small."""
    real = (width_px**2 + height_px**2) ** 0.5 / (diagonal_inch * 25.4)
    least_width, least_height = SMALLEST_MM[height_px > width_px]
    return float(min(real, width_px / least_width, height_px / least_height))


def _choose(sheet: PageBuilder, screen: Choose) -> None:
    names = screen.buttons
    # Kept free also when there is nothing to say: a notice that comes and goes must not move a button under a finger.
    staff = 26.0
    if sheet.portrait:
        rest = sheet.band(screen.title, "ask", sheet.height * 0.23, title_mm=17)
        choices = Box(rest.x, sheet.height * 0.5, rest.width, sheet.height * 0.5 - staff)
        boxes = choices.rows(max(len(names), 2), GAP_MM)
    else:
        rest = sheet.band(screen.title, "ask", sheet.height * 0.2, title_mm=16)
        choices = Box(rest.x, sheet.height * 0.4, rest.width, sheet.height * 0.6 - staff)
        boxes = choices.columns(max(len(names), 2), GAP_MM)
    sheet.lines(Box(rest.x, rest.y, rest.width, choices.y - rest.y).inset(0, 4), screen.lines, 9.5)
    if len(names) == 1:
        boxes = (choices,)
    for name, box in zip(names, boxes, strict=False):
        _choice(sheet, box, name, unavailable=name in screen.unavailable)
    sheet.staff(Box(rest.x, choices.bottom + 2, rest.width, staff - 4), screen.staff)


def _choice(sheet: PageBuilder, box: Box, name: str, *, unavailable: bool) -> None:
    """A card to choose: its drawing, its name, and who can use it."""
    tone = theme.UNAVAILABLE if unavailable else theme.CHOICE
    who = str(sheet.labels["unavailable"] if unavailable else sheet.labels[f"{name}_who"])
    sheet.items.append(Panel(box, tone.ground, 2 * theme.RADIUS_MM, theme.INK))
    inner = box.inset(MARGIN_MM)
    if box.width > 1.3 * box.height:
        picture, words = inner.left(inner.width * 0.38), inner.after(inner.x + inner.width * 0.38 + GAP_MM)
    else:
        picture, words = inner.top(inner.height * 0.55), inner.below(inner.y + inner.height * 0.58)
    sheet.items.append(Picture(picture, _CARDS[name], tone))
    paragraphs = (Paragraph(str(sheet.labels[name]), 14.0, bold=True), Paragraph(who, 8.5))
    sheet.items.append(Words(words, paragraphs, tone.ink))
    sheet.items.append(Button(box, name))


def _reader(sheet: PageBuilder, screen: Instruct) -> None:
    rest = sheet.band(screen.title, "ask", sheet.height * 0.18)
    body = sheet.foot(rest, screen.buttons, screen.timeout).inset(0, GAP_MM)
    steps, body = body.top(28), body.below(body.y + 28 + GAP_MM)
    _steps(sheet, steps, screen.step or 0)
    _guide(sheet, body, "reader", screen.lines)


def _steps(sheet: PageBuilder, row: Box, now: int) -> None:
    names = sheet.texts["tap_reader"]["steps"]
    for number, (name, box) in enumerate(zip(names, row.columns(len(names), GAP_MM), strict=True)):
        # Where the patient is at the reader cannot be seen from here: all of its steps are one.
        here = number < len(names) - 1 if now == 0 else number == len(names) - 1
        tone = theme.STRONG if here else theme.UNAVAILABLE
        sheet.items.append(Panel(box, tone.ground, theme.RADIUS_MM))
        badge = Box(box.x + 3, box.middle[1] - 7, 14, 14)
        sheet.items.append(Panel(badge, tone.ink, 8))
        sheet.words(badge, (str(number + 1), 7.5), bold=True, colour=tone.ground)
        sheet.words(box.after(badge.right + 1).inset(1, 2), (name, 7.5), bold=True, colour=tone.ink)


def _insert_card(sheet: PageBuilder, screen: Instruct) -> None:
    rest = sheet.band(screen.title, "ask", sheet.height * 0.18)
    body = sheet.foot(rest, screen.buttons, screen.timeout).inset(0, GAP_MM)
    _guide(sheet, body, "card_slot", screen.lines)


def _guide(sheet: PageBuilder, body: Box, drawing: Drawing, lines: tuple[str, ...]) -> None:
    """A drawing of what to do, and the same in words."""
    if sheet.portrait:
        share = 0.56
        picture, words = body.top(body.height * share), body.below(body.y + body.height * share + GAP_MM)
    else:
        picture, words = body.left(body.width * 0.48), body.after(body.x + body.width * 0.48 + MARGIN_MM)
    sheet.items.append(Panel(picture, theme.CARD.ground, theme.RADIUS_MM))
    sheet.items.append(Picture(picture.inset(5), drawing, theme.CARD))
    sheet.lines(words, lines, 9.5, centred=sheet.portrait)


def _keys(sheet: PageBuilder, screen: Keys) -> None:
    # The keys stay where they are when the notice comes: somebody is typing.
    rest = sheet.band(screen.title, "ask", sheet.height * (0.12 if sheet.portrait else 0.16))
    body = sheet.steady_foot(rest, screen.buttons, screen.timeout).inset(0, GAP_MM)
    if sheet.portrait:
        words, typed = body.top(body.height * 0.22), body.below(body.y + body.height * 0.22).top(26)
        keys = body.below(typed.bottom + GAP_MM)
    else:
        left, keys = body.left(body.width * 0.42), body.after(body.x + body.width * 0.42 + MARGIN_MM)
        words, typed = left.top(left.height * 0.62), left.below(left.y + left.height * 0.62)
        typed = typed.top(min(typed.height, 34))
    sheet.lines(words, screen.instructions, 8.0)
    _typed(sheet, typed, screen.typed)
    sheet.keys(keys)


def _typed(sheet: PageBuilder, row: Box, count: int) -> None:
    """Four places, full or empty; never the digits themselves."""
    side = min(row.height, 30.0, (row.width - 3 * GAP_MM) / 4)
    start = row.middle[0] - (4 * side + 3 * GAP_MM) / 2
    for place in range(4):
        box = Box(start + place * (side + GAP_MM), row.y, side, side)
        sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.INK))
        if place < count:
            sheet.items.append(Panel(box.inset(side * 0.28), theme.INK, side))


def _result(sheet: PageBuilder, screen: Result) -> None:
    """Where to go, when, and the number."""
    rows, remarks = screen.appointments[:_APPOINTMENTS_MAX], screen.remarks
    if more := len(screen.appointments) - len(rows):
        remarks = (*remarks, sheet.texts["result"]["more"].format(count=more))
    count = len(rows)
    warned = screen.timeout is not None and screen.timeout.warned
    rest = sheet.band(
        screen.title, "wait" if screen.printing else "good", sheet.height * (0.13 if warned else 0.18), title_mm=15
    )
    body = sheet.foot(rest, screen.buttons, screen.timeout).inset(0, GAP_MM)
    height = min(body.height * (0.36 if count < 4 else 0.3), _height_of(remarks, body.width))
    upper, words = body.top(body.height - height - GAP_MM), body.below(body.bottom - height)
    if sheet.portrait:
        share = 0.34 if count < 3 else 0.24 if count < 4 else 0.17
        number = upper.below(upper.bottom - upper.height * share)
        where = upper.top(number.y - GAP_MM - upper.y)
        boxes = where.rows(max(count, 1), GAP_MM / 2 if count > 3 else GAP_MM)
    else:
        where = upper.left(upper.width * (0.64 if count < 3 else 0.74))
        number = upper.after(where.right + GAP_MM)
        halves = where.columns(2, GAP_MM / 2) if count > 3 else (where,)
        boxes = tuple(box for half in halves for box in half.rows(max(-(-count // len(halves)), 1), GAP_MM / 2))
    for row, box in zip(rows, boxes, strict=False):
        _appointment(sheet, box, row)
    _number(sheet, number, screen.number)
    sheet.lines(words, remarks, _REMARK_MM)


def _height_of(remarks: tuple[str, ...], width: float) -> float:
    """About what the remarks will need: every letter taken as a full square."""
    em = _REMARK_MM / 0.765
    full = [math.ceil(len(remark) * em / width) for remark in remarks]
    lines = sum(full) + sum(count > 1 for count in full)  # broken at 、 and 。 they take more
    return em * (1.4 * lines + 0.6 * len(remarks))


def _appointment(sheet: PageBuilder, box: Box, row: AppointmentRow) -> None:
    """Time, department, doctor, place; where there is little height, department and doctor share a line."""
    sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.LINE))
    inner = box.inset(5, 2)
    time, rest = inner.left(inner.width * 0.34), inner.after(inner.x + inner.width * 0.34 + GAP_MM)
    sheet.words(time, (row.time, 24.0), bold=True)
    where = [
        Paragraph(row.department, 15.0, bold=True),
        Paragraph(row.doctor, 11.0),
        Paragraph(row.place, 13.0, bold=True),
    ]
    if box.height < _THREE_LINES_MM:
        where = [Paragraph(f"{row.department}　{row.doctor}".strip(), 13.0, bold=True), Paragraph(row.place, 13.0)]
    sheet.items.append(Words(rest, tuple(each for each in where if each.text), theme.CARD.ink, centred=False))


def _number(sheet: PageBuilder, box: Box, number: int) -> None:
    sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.INK))
    inner = box.inset(4, 3)
    label = min(inner.height * 0.28, 18.0)
    sheet.words(inner.top(label), (str(sheet.texts["result"]["number"]), 10.0), bold=True)
    sheet.words(inner.below(inner.y + label), (str(number), 40.0), bold=True)


def _counter(sheet: PageBuilder, screen: Counter) -> None:
    rest = sheet.band(screen.title, "counter", sheet.height * (0.22 if sheet.portrait else 0.24), title_mm=14)
    body = sheet.foot(rest, screen.buttons, screen.timeout).inset(0, GAP_MM)
    if sheet.portrait:
        picture, words = body.top(body.height * 0.42), body.below(body.y + body.height * 0.45)
    else:
        picture, words = body.left(body.width * 0.36), body.after(body.x + body.width * 0.36 + MARGIN_MM)
    sheet.items.append(Picture(picture.inset(6), "counter", theme.PAGE))
    sheet.lines(words, screen.lines, 13.0, bold=True)


def _wait(sheet: PageBuilder, screen: Wait) -> None:
    """Title and words, large: nothing to do but read."""
    rest = sheet.band(screen.title, "wait", sheet.height * 0.3, title_mm=15)
    sheet.lines(sheet.foot(rest, screen.buttons).inset(0, GAP_MM), screen.lines, 12.0)


def _off(sheet: PageBuilder, screen: Off) -> None:
    """Seen from afar: not in use."""
    tone = theme.BANDS["off"]
    whole = Box(0, 0, sheet.width, sheet.height)
    sheet.items.append(Panel(whole, tone.ground))
    inner = whole.inset(MARGIN_MM)
    icon = inner.top(inner.height * 0.34)
    side = min(icon.height, icon.width) * 0.6
    sheet.items.append(Picture(Box(icon.middle[0] - side / 2, icon.bottom - side, side, side), "closed", tone))
    title = inner.below(icon.bottom + GAP_MM).top(inner.height * 0.24)
    sheet.words(title, (screen.title, 17.0), bold=True, colour=tone.ink)
    words = inner.below(title.bottom + GAP_MM).top(inner.height * 0.22)
    sheet.words(words, *((text, 13.0) for text in screen.lines), colour=tone.ink)
    sheet.staff(inner.below(inner.bottom - 24), screen.staff, tone.ink)
