"""Screen -> the items of its page, by a table of layouts. Pure: no Kivy, no state; decides nothing but places.

Portrait keeps everything that is touched in the lower half, within reach from a wheelchair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from kiosk.screens.screens import Screen
from kiosk.ui import theme
from kiosk.ui.items import Box, Button, Drawing, Item, Panel, Paragraph, Picture, Words
from kiosk.ui.page_builder import Sheet
from kiosk.ui.theme import GAP_MM, MARGIN_MM
from kiosk.visit.state import VisitAppointment
from kiosk.words.patient import word_clock
from kiosk.words.texts import Texts

# What a screen looks like: its items for a display of so many millimetres.
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
    sheet = Sheet(screen, texts, width_mm, height_mm)
    _LAYOUTS[screen.name](sheet)
    return tuple(sheet.items)


def millimetre_px(width_px: float, height_px: float, diagonal_inch: float) -> float:
    """Pixels of the millimetre that pages are laid out in; less than a real one where the display is too small."""
    real = (width_px**2 + height_px**2) ** 0.5 / (diagonal_inch * 25.4)
    least_width, least_height = SMALLEST_MM[height_px > width_px]
    return float(min(real, width_px / least_width, height_px / least_height))


def _choose(sheet: Sheet) -> None:
    names = sheet.screen.buttons
    # Kept free also when there is nothing to say: a notice that comes and goes must not move a button under a finger.
    staff = 26.0
    if sheet.portrait:
        rest = sheet.band(sheet.height * 0.23, title_mm=17)
        choices = Box(rest.x, sheet.height * 0.5, rest.width, sheet.height * 0.5 - staff)
        boxes = choices.rows(max(len(names), 2), GAP_MM)
    else:
        rest = sheet.band(sheet.height * 0.2, title_mm=16)
        choices = Box(rest.x, sheet.height * 0.4, rest.width, sheet.height * 0.6 - staff)
        boxes = choices.columns(max(len(names), 2), GAP_MM)
    sheet.remarks(Box(rest.x, rest.y, rest.width, choices.y - rest.y).inset(0, 4), 9.5)
    if len(names) == 1:
        boxes = (choices,)
    for name, box in zip(names, boxes, strict=False):
        _choice(sheet, box, name)
    sheet.staff(Box(rest.x, choices.bottom + 2, rest.width, staff - 4))


def _choice(sheet: Sheet, box: Box, name: str) -> None:
    """A card to choose: its drawing, its name, and who can use it."""
    off = name in sheet.screen.unavailable
    tone = theme.UNAVAILABLE if off else theme.CHOICE
    who = str(sheet.labels["unavailable"] if off else sheet.labels[f"{name}_who"])
    sheet.items.append(Panel(box, tone.ground, 2 * theme.RADIUS_MM, theme.INK))
    inner = box.inset(MARGIN_MM)
    if box.width > 1.3 * box.height:
        picture, words = inner.left(inner.width * 0.38), inner.after(inner.x + inner.width * 0.38 + GAP_MM)
    else:
        picture, words = inner.top(inner.height * 0.55), inner.below(inner.y + inner.height * 0.58)
    sheet.items.append(Picture(picture, _CARDS[name], tone))
    said = (Paragraph(str(sheet.labels[name]), 14.0, bold=True), Paragraph(who, 8.5))
    sheet.items.append(Words(words, said, tone.ink))
    sheet.items.append(Button(box, name))


def _reader(sheet: Sheet) -> None:
    rest = sheet.band(sheet.height * 0.18)
    body = sheet.foot(rest).inset(0, GAP_MM)
    steps, body = body.top(28), body.below(body.y + 28 + GAP_MM)
    _steps(sheet, steps)
    _guide(sheet, body, "reader")


def _steps(sheet: Sheet, row: Box) -> None:
    names = sheet.texts["tap_reader"]["steps"]
    now = sheet.screen.step or 0
    for number, (name, box) in enumerate(zip(names, row.columns(len(names), GAP_MM), strict=True)):
        # Where the patient is at the reader cannot be seen from here: all of its steps are one.
        here = number < len(names) - 1 if now == 0 else number == len(names) - 1
        tone = theme.STRONG if here else theme.UNAVAILABLE
        sheet.items.append(Panel(box, tone.ground, theme.RADIUS_MM))
        badge = Box(box.x + 3, box.middle[1] - 7, 14, 14)
        sheet.items.append(Panel(badge, tone.ink, 8))
        sheet.words(badge, (str(number + 1), 7.5), bold=True, colour=tone.ground)
        sheet.words(box.after(badge.right + 1).inset(1, 2), (name, 7.5), bold=True, colour=tone.ink)


def _insert_card(sheet: Sheet) -> None:
    rest = sheet.band(sheet.height * 0.18)
    _guide(sheet, sheet.foot(rest).inset(0, GAP_MM), "card_slot")


def _guide(sheet: Sheet, body: Box, drawing: Drawing) -> None:
    """A drawing of what to do, and the same in words."""
    if sheet.portrait:
        share = 0.56
        picture, words = body.top(body.height * share), body.below(body.y + body.height * share + GAP_MM)
    else:
        picture, words = body.left(body.width * 0.48), body.after(body.x + body.width * 0.48 + MARGIN_MM)
    sheet.items.append(Panel(picture, theme.CARD.ground, theme.RADIUS_MM))
    sheet.items.append(Picture(picture.inset(5), drawing, theme.CARD))
    sheet.remarks(words, 9.5, centred=sheet.portrait)


def _birthday(sheet: Sheet) -> None:
    # The keys stay where they are when the notice comes: somebody is typing.
    rest = sheet.band(sheet.height * (0.12 if sheet.portrait else 0.16))
    body = sheet.steady_foot(rest).inset(0, GAP_MM)
    if sheet.portrait:
        words, shown = body.top(body.height * 0.22), body.below(body.y + body.height * 0.22).top(26)
        keys = body.below(shown.bottom + GAP_MM)
    else:
        left, keys = body.left(body.width * 0.42), body.after(body.x + body.width * 0.42 + MARGIN_MM)
        words, shown = left.top(left.height * 0.62), left.below(left.y + left.height * 0.62)
        shown = shown.top(min(shown.height, 34))
    sheet.remarks(words, 8.0)
    _typed(sheet, shown)
    sheet.keys(keys)


def _typed(sheet: Sheet, row: Box) -> None:
    """Four places, full or empty; never the digits themselves."""
    side = min(row.height, 30.0, (row.width - 3 * GAP_MM) / 4)
    start = row.middle[0] - (4 * side + 3 * GAP_MM) / 2
    for place in range(4):
        box = Box(start + place * (side + GAP_MM), row.y, side, side)
        sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.INK))
        if place < sheet.screen.typed:
            sheet.items.append(Panel(box.inset(side * 0.28), theme.INK, side))


def _result(sheet: Sheet) -> None:
    """Where to go, when, and the number."""
    screen = sheet.screen
    shown, said = screen.appointments[:_APPOINTMENTS_MAX], screen.remarks
    if len(shown) < len(screen.appointments):
        more = len(screen.appointments) - len(shown)
        said = (*said, sheet.texts["result"]["more"].format(count=more))
    count = len(shown)
    rest = sheet.band(sheet.height * (0.13 if screen.leaving else 0.18), title_mm=15)
    body = sheet.foot(rest).inset(0, GAP_MM)
    remarks = min(body.height * (0.36 if count < 4 else 0.3), _height_of(said, body.width))
    facts, words = body.top(body.height - remarks - GAP_MM), body.below(body.bottom - remarks)
    if sheet.portrait:
        share = 0.34 if count < 3 else 0.24 if count < 4 else 0.17
        number = facts.below(facts.bottom - facts.height * share)
        where = facts.top(number.y - GAP_MM - facts.y)
        boxes = where.rows(max(count, 1), GAP_MM / 2 if count > 3 else GAP_MM)
    else:
        where = facts.left(facts.width * (0.64 if count < 3 else 0.74))
        number = facts.after(where.right + GAP_MM)
        halves = where.columns(2, GAP_MM / 2) if count > 3 else (where,)
        boxes = tuple(box for half in halves for box in half.rows(max(-(-count // len(halves)), 1), GAP_MM / 2))
    for appointment, box in zip(shown, boxes, strict=False):
        _appointment(sheet, box, appointment)
    _number(sheet, number)
    sheet.words(words, *((text, _REMARK_MM) for text in said))


def _height_of(remarks: tuple[str, ...], width: float) -> float:
    """About what the remarks will need: every letter taken as a full square."""
    em = _REMARK_MM / 0.765
    full = [math.ceil(len(remark) * em / width) for remark in remarks]
    lines = sum(full) + sum(count > 1 for count in full)  # broken at 、 and 。 they take more
    return em * (1.4 * lines + 0.6 * len(remarks))


def _appointment(sheet: Sheet, box: Box, appointment: VisitAppointment) -> None:
    """Time, department, doctor, place; where there is little height, department and doctor share a line."""
    sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.LINE))
    inner = box.inset(5, 2)
    time, rest = inner.left(inner.width * 0.34), inner.after(inner.x + inner.width * 0.34 + GAP_MM)
    sheet.words(time, (word_clock(appointment.time, sheet.texts), 24.0), bold=True)
    department, doctor, place = appointment.department, appointment.doctor, appointment.place
    said = [Paragraph(department, 15.0, bold=True), Paragraph(doctor, 11.0), Paragraph(place, 13.0, bold=True)]
    if box.height < _THREE_LINES_MM:
        said = [Paragraph(f"{department}　{doctor}".strip(), 13.0, bold=True), Paragraph(place, 13.0)]
    sheet.items.append(Words(rest, tuple(each for each in said if each.text), theme.CARD.ink, centred=False))


def _number(sheet: Sheet, box: Box) -> None:
    if sheet.screen.number is None:
        return
    sheet.items.append(Panel(box, theme.CARD.ground, theme.RADIUS_MM, theme.INK))
    inner = box.inset(4, 3)
    label = min(inner.height * 0.28, 18.0)
    sheet.words(inner.top(label), (str(sheet.texts["result"]["number"]), 10.0), bold=True)
    sheet.words(inner.below(inner.y + label), (str(sheet.screen.number), 40.0), bold=True)


def _counter(sheet: Sheet) -> None:
    rest = sheet.band(sheet.height * (0.22 if sheet.portrait else 0.24), title_mm=14)
    body = sheet.foot(rest).inset(0, GAP_MM)
    if sheet.portrait:
        picture, words = body.top(body.height * 0.42), body.below(body.y + body.height * 0.45)
    else:
        picture, words = body.left(body.width * 0.36), body.after(body.x + body.width * 0.36 + MARGIN_MM)
    sheet.items.append(Picture(picture.inset(6), "counter", theme.PAGE))
    sheet.remarks(words, 13.0, bold=True)


def _message(sheet: Sheet) -> None:
    """Title and words, large: nothing to do but read."""
    rest = sheet.band(sheet.height * 0.3, title_mm=15)
    sheet.remarks(sheet.foot(rest).inset(0, GAP_MM), 12.0)


def _off(sheet: Sheet) -> None:
    """Seen from afar: not in use."""
    tone = theme.BANDS["off"]
    whole = Box(0, 0, sheet.width, sheet.height)
    sheet.items.append(Panel(whole, tone.ground))
    inner = whole.inset(MARGIN_MM)
    icon = inner.top(inner.height * 0.34)
    side = min(icon.height, icon.width) * 0.6
    sheet.items.append(Picture(Box(icon.middle[0] - side / 2, icon.bottom - side, side, side), "closed", tone))
    title = inner.below(icon.bottom + GAP_MM).top(inner.height * 0.24)
    sheet.words(title, (sheet.screen.title, 17.0), bold=True, colour=tone.ink)
    said = inner.below(title.bottom + GAP_MM).top(inner.height * 0.22)
    sheet.words(said, *((text, 13.0) for text in sheet.screen.remarks), colour=tone.ink)
    sheet.staff(inner.below(inner.bottom - 24), tone.ink)


_LAYOUTS: Final[dict[str, Callable[[Sheet], None]]] = {
    "choose_card": _choose,
    "preparing": _message,
    "tap_reader": _reader,
    "insert_card": _insert_card,
    "birthday": _birthday,
    "looking_up": _message,
    "printing": _result,
    "done": _result,
    "already": _result,
    "counter": _counter,
    "closed": _off,
    "out_of_service": _off,
}
