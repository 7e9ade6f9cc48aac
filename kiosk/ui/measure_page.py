"""What every patient's page has to keep, as rules on its values: each gives its worst figure for one page. Pure.

Sizes are millimetres of the glass. A display smaller than a page needs makes everything smaller, in proportion;
`kiosk check` says so, and here that share is taken out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from kiosk.screens.names import KEYS
from kiosk.screens.views import Choose, Counter, Custody, Off, Pick, Result, Screen, Wait
from kiosk.typography import ruby
from kiosk.typography.font_files import font_file
from kiosk.ui.frame import reach_mm
from kiosk.ui.items import Box, Button, ClockTime, Item, Panel, Picture, SecondsLeft, Text
from kiosk.ui.measure_laid import Laid, inked
from kiosk.ui.theme import Colour, Role, channels
from kiosk.words.texts import Texts

# EN 301 549 5.1.4: 0.7 degrees at 500 mm; labels of keys 5.1.6; a finger: 9241-411 and PATIENTS of the house.
LETTER_MM: Final = 6.1
KEY_MM: Final = 7.3
RUBY_MM: Final = 2.8
TARGET_MM: Final = 20.0
GAP_MM: Final = 5.0
# Rounding that nobody sees.
_NOTHING_MM: Final = 0.02
_NUMBER: Final = frozenset("0123456789✓")


# -- sizes -----------------------------------------------------------------------------------------------------------


def letters(page: Laid) -> Iterator[float]:
    """The height of capitals; of staff's hints, too."""
    for each in page.letterings():
        yield from (run.capital_mm * page.real for line in each.block.lines for run in line.runs if not run.ruby)


def readings(page: Laid) -> Iterator[float]:
    """The height of a capital of readings."""
    for each in page.letterings():
        yield from (run.capital_mm * page.real for line in each.block.lines for run in line.runs if run.ruby)


def key_letters(page: Laid) -> Iterator[float]:
    """The height of digits on the keys."""
    keys = [button.box for button in page.buttons() if button.name in KEYS]
    for each in page.letterings():
        if any(box.holds(*each.letters.middle) for box in keys):
            yield from (run.capital_mm * page.real for line in each.block.lines for run in line.runs if not run.ruby)


def uneven_roles(page: Laid) -> Iterator[float]:
    """How many sizes a role has beyond its one."""
    sizes: dict[Role, set[float]] = {}
    for each in page.letterings():
        if each.role is not None:
            runs = (run for line in each.block.lines for run in line.runs if not run.ruby)
            sizes.setdefault(each.role, set()).update(round(run.capital_mm, 2) for run in runs)
    yield from (len(found) - 1.0 for found in sizes.values() if found)


# -- places ----------------------------------------------------------------------------------------------------------


def beyond_panel(page: Laid) -> Iterator[float]:
    """How far letters and drawings stand out of the ground, the button or the column that they belong to."""
    grounds: list[Box] = []
    touched = [button.box for button in page.buttons()]
    for item in page.items:
        if isinstance(item, Panel):
            grounds.append(item.box)
        elif isinstance(item, Text | Picture):
            box = inked(item) if isinstance(item, Text) else item.box
            ground = next(each for each in reversed(grounds) if each.holds(*box.middle))
            yield _beyond(box, ground)
            yield from (_beyond(box, each) for each in touched if each.holds(*box.middle))
    for each in page.letterings():
        yield _beyond(each.letters, each.column)


def _beyond(inner: Box, outer: Box) -> float:
    return max(outer.x - inner.x, outer.y - inner.y, inner.right - outer.right, inner.bottom - outer.bottom)


def beyond_display(page: Laid) -> Iterator[float]:
    """How far anything stands out of the display."""
    whole = Box(0, 0, page.width, page.height)
    for item in page.items:
        if isinstance(item, Panel | Picture | Button):
            yield _beyond(item.box, whole)


def overlaps(page: Laid) -> Iterator[float]:
    """How deep one text or drawing lies in another one."""
    solid = [each.letters for each in page.letterings()]
    solid += [item.box for item in page.items if isinstance(item, Picture)]
    for one, other in combinations(solid, 2):
        if one.meets(other):
            across = min(one.right, other.right) - max(one.x, other.x)
            down = min(one.bottom, other.bottom) - max(one.y, other.y)
            yield min(across, down)


def targets(page: Laid) -> Iterator[float]:
    """The shorter side of what is touched."""
    for button in page.buttons():
        yield min(button.box.width, button.box.height) * page.real


def gaps(page: Laid) -> Iterator[float]:
    """The way from one button to the next."""
    for one, other in combinations([button.box for button in page.buttons()], 2):
        across = max(one.x - other.right, other.x - one.right)
        down = max(one.y - other.bottom, other.y - one.bottom)
        yield max(across, down) * page.real


def above_reach(page: Laid) -> Iterator[float]:
    """How far above the reach of somebody who sits what is touched stands out, in wheelchair mode."""
    if page.screen.look.wheelchair:
        top = page.height - reach_mm(page.stand, page.height)
        yield from ((top - button.box.y) * page.stand.glass_mm for button in page.buttons())


def moves(page: Laid) -> Iterator[float]:
    """How many things differ above the zone of buttons and time when the notice comes."""
    if page.calm is None:
        return
    zone = page.height * 0.62
    upper = [[item for item in items if item.box.bottom < zone] for items in (_boxed(page.items), _boxed(page.calm))]
    yield float(sum(one != other for one, other in zip(*upper, strict=False)) + abs(len(upper[0]) - len(upper[1])))


# -- words -----------------------------------------------------------------------------------------------------------


def torn_words(page: Laid) -> Iterator[float]:
    """Texts of which a word or phrase is divided."""
    yield float(sum(each.block.torn for each in page.letterings()))


def lonely_letters(page: Laid) -> Iterator[float]:
    """Texts whose last line is a single character."""
    for each in page.letterings():
        by_paragraph = [line for line in each.block.lines if line.text.strip()]
        yield float(len(by_paragraph) > 1 and len(by_paragraph[-1].text.strip()) == 1)


def lines_of_titles(page: Laid) -> Iterator[float]:
    """Lines of the title."""
    title = squeezed(page.screen.title)
    yield from (float(len(each.block.lines)) for each in page.letterings() if squeezed(each.text) == title)


def missing_letters(page: Laid) -> Iterator[float]:
    """Letters that no font has: 〓."""
    yield float(sum(each.text.count("〓") for each in page.letterings()))


def mixed_weights(page: Laid) -> Iterator[float]:
    """Texts that are bold in part, because a letter had to be taken from another font."""
    for each in page.letterings():
        runs = (run for line in each.block.lines for run in line.runs if not run.ruby)
        yield float(len({font_file(run.font).weight for run in runs}) > 1)


def disorder(page: Laid) -> Iterator[float]:
    """Pairs of texts in one column of which the later in the list is the upper one."""
    wrong = 0
    texts = [inked(item) for item in page.items if isinstance(item, Text)]
    for one, other in combinations(texts, 2):
        in_one_column = min(one.right, other.right) - max(one.x, other.x) > 1.0
        wrong += in_one_column and other.bottom <= one.y
    yield float(wrong)


def unsaid(page: Laid) -> Iterator[float]:
    """Sentences of the screen that are not on its page: title, what to do next, where, the status."""
    written = squeezed("".join(each.text for each in page.letterings()))
    yield float(sum(squeezed(text) not in written for text in wanted(page.screen, page.texts) if text))


def wanted(screen: Screen, texts: Texts) -> Iterator[str]:
    """All that a page has to say: title, next acts, where, the status, the code for staff."""
    yield screen.title
    yield screen.staff_code
    if screen.status is not None:
        yield str(texts["status"][screen.status])
    match screen:
        case Result() | Custody():
            if isinstance(screen, Custody):
                yield from screen.explained
            yield from (act.text for act in screen.next if act.code not in ("take_slip", "note_number"))
            yield from (screen.slip_line, *screen.numbers, *screen.remarks)
            if isinstance(screen, Result) and len(screen.appointments) == 1:
                row = screen.appointments[0]
                yield from (row.time, row.department, row.doctor, row.window or row.place)
        case Counter():
            yield from (*screen.explained, screen.called, screen.where.window, screen.where.text)
            yield from (act.text for act in screen.next if act.code != "go_counter" or not screen.where.window)
        case Pick():
            yield from screen.instructions[-1:]
            yield screen.pages
            for choice in screen.choices:
                yield from (choice.text, choice.remark)
        case Wait():
            yield from screen.lines
        case Choose():
            yield from (screen.purpose, screen.press_first, *screen.lines)
        case Off():
            yield from screen.lines
        case _:
            yield from (act.text for act in screen.next)
            yield from (line for line in screen.lines if not set(line) <= set("●○ "))


def squeezed(text: str) -> str:
    """Without readings, marks and blanks, as pages are compared with sentences."""
    return "".join(ruby.plain(text).split())


def status_missing(page: Laid) -> Iterator[float]:
    """Pages of a visit that do not say whether it is registered, or not what to do next."""
    visiting = not isinstance(page.screen, Choose | Off) and page.screen.name != "choose_language"
    yield float(visiting and page.screen.status is None) + float(not page.screen.next)


def letters_of_titles(page: Laid) -> Iterator[float]:
    """Characters of the Japanese title."""
    if page.screen.look.language == "ja":
        yield float(len(ruby.plain(page.screen.title)))


def words_on_page(page: Laid) -> Iterator[float]:
    """Characters of a Japanese page, without the frame's and those of a list."""
    if page.screen.look.language == "ja":
        yield float(sum(len(squeezed(text)) for text in wanted(page.screen, page.texts)))


# -- colours ---------------------------------------------------------------------------------------------------------


def contrasts(page: Laid) -> Iterator[float]:
    """Of each text with the ground below it, as WCAG 2 has it."""
    grounds: list[Panel] = []
    for item in page.items:
        if isinstance(item, Panel):
            grounds.append(item)
        elif isinstance(item, Text | ClockTime | SecondsLeft):
            middle = item.letters.middle if isinstance(item, Text) else item.box.middle
            ground = next(each for each in reversed(grounds) if each.box.holds(*middle))
            yield contrast(item.colour, ground.colour)


def high_contrasts(page: Laid) -> Iterator[float]:
    """The same in the theme of high contrast."""
    if page.screen.look.theme == "high_contrast":
        yield from contrasts(page)


def edges(page: Laid) -> Iterator[float]:
    """Of the edge of what can be pressed with the ground around it."""
    touched = {button.box for button in page.buttons()}
    below: list[Panel] = []
    for item in page.items:
        if isinstance(item, Panel):
            if item.box in touched and item.outline is not None:
                around = next(each for each in reversed(below) if each.box.holds(item.box.x - 1, item.box.middle[1]))
                yield max(contrast(item.outline, around.colour), contrast(item.colour, around.colour))
            below.append(item)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    """Relative luminance, from 0 to 1."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _boxed(items: Iterable[Item]) -> Iterator[Panel | Picture | Text | Button]:
    return (item for item in items if isinstance(item, Panel | Picture | Text | Button))


@dataclass(frozen=True)
class Rule:
    """`limit`: the least (`at_least`) or the most that a page may have; `unit`: of the figure."""

    name: str
    figures: Callable[[Laid], Iterable[float]]
    limit: float
    unit: str = ""
    at_least: bool = False

    def keeps(self, figure: float) -> bool:
        return figure >= self.limit - _NOTHING_MM if self.at_least else figure <= self.limit + _NOTHING_MM

    def worst(self, page: Laid) -> float | None:
        """The worst figure of a page; None where it has none."""
        return (min if self.at_least else max)(self.figures(page), default=None)


RULES: Final = (
    Rule("letters", letters, LETTER_MM, "mm", at_least=True),
    Rule("letters_of_keys", key_letters, KEY_MM, "mm", at_least=True),
    Rule("readings", readings, RUBY_MM, "mm", at_least=True),
    Rule("sizes_of_a_role_more_than_one", uneven_roles, 0),
    Rule("letters_beyond_their_panel", beyond_panel, 0, "mm"),
    Rule("things_beyond_the_display", beyond_display, 0, "mm"),
    Rule("texts_and_drawings_overlap", overlaps, 0, "mm"),
    Rule("buttons", targets, TARGET_MM, "mm", at_least=True),
    Rule("gaps_of_buttons", gaps, GAP_MM, "mm", at_least=True),
    Rule("buttons_above_reach", above_reach, 0, "mm"),
    Rule("things_that_move_with_the_notice", moves, 0),
    Rule("torn_words", torn_words, 0),
    Rule("lonely_letters", lonely_letters, 0),
    Rule("lines_of_a_title", lines_of_titles, 3),
    Rule("letters_of_a_title", letters_of_titles, 20),
    Rule("letters_of_a_page", words_on_page, 260),
    Rule("missing_letters", missing_letters, 0),
    Rule("texts_bold_in_part", mixed_weights, 0),
    Rule("texts_out_of_order", disorder, 0),
    Rule("sentences_not_on_the_page", unsaid, 0),
    Rule("status_or_next_step_missing", status_missing, 0),
    Rule("contrast_of_letters", contrasts, 10, ":1", at_least=True),
    Rule("contrast_of_letters_high", high_contrasts, 15, ":1", at_least=True),
    Rule("contrast_of_buttons", edges, 3, ":1", at_least=True),
)
