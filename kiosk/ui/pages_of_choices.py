"""Pages on which a patient chooses or types: the cards, a list, a question, the keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kiosk.screens.names import KEYS
from kiosk.screens.views import Ask, Choice, Choose, Keys, Pick
from kiosk.ui.blocks import Block, Card, Column, Grid, Row, Space, Words, column, paragraphs
from kiosk.ui.frame import CARDS, FRAME_MM, Frame, Stand
from kiosk.ui.items import Item
from kiosk.ui.theme import GAP_MM, Role, Tone
from kiosk.words.texts import Texts

# In the frame's zone, or of the page itself.
_ENDS: Final = ("cancel", "close", "back", "more_time")
_STAFF_MM: Final = 8.0
# A button where all have to be low.
_LOW_MM: Final = 22.0
# White between the month and the day.
_PAIRS_MM: Final = 5.0
# What names of departments are written as: where they are long, as all else.
_NAMES: Final[tuple[Role, Role]] = ("choice", "body")


def choose(screen: Choose, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """The start: what this is, for whom, and which card."""
    frame = Frame(screen, texts, stand, width, height)
    parts = _Start(frame, screen)
    return frame.finish(*(parts.upright() if frame.portrait else parts.landscape()))


class _Start:
    """The blocks of the start page, and how they are arranged."""

    def __init__(self, frame: Frame, screen: Choose) -> None:
        centred = frame.portrait
        self._frame, self._screen = frame, screen
        self._cards = [name for name in screen.buttons if name in CARDS]
        self._third = tuple(frame.button(name) for name in screen.buttons if name == "no_card")
        self._head = column(
            Words(screen.purpose, "title", bold=True, centred=centred),
            paragraphs(screen.who, centred=centred),
            gap=GAP_MM / 2,
        )
        self._hints = paragraphs((screen.press_first, *screen.notices), bold=True, centred=centred)
        self._question = Words(screen.title, "title", bold=True, centred=centred)
        # Its place is kept free when there is nothing to read.
        self._staff = frame.staff_hint(screen.staff) or Space(_STAFF_MM)

    def upright(self) -> Iterator[Block]:
        """Everything that is touched is below."""
        least = 62.0 if len(self._cards) > 1 else 110.0
        words = (Space(grow=0.5), self._head, Space(grow=1.0), self._question, self._hints)
        if self._frame.sitting:
            for touched in ((*self._choices(least),), (*self._choices(50.0),), (self._across(50.0),)):
                yield column(*words, self._staff, self._frame.low(column(*touched, *self._third)))
            return
        yield column(*words, *self._choices(least), *self._third, self._staff)
        yield column(self._head, self._question, self._hints, *self._choices(50.0), *self._third, self._staff)

    def landscape(self) -> Iterator[Block]:
        """Everything that is touched is at the right; below for somebody who sits."""
        frame, screen, white = self._frame, self._screen, Space(grow=1.0)
        touched: Block
        if frame.sitting:
            flat = Row((*self._choices(30.0), *self._third), (1.4,) * len(self._cards) + (1.0,) * len(self._third))
            above = column(self._head, self._question, self._hints, self._staff, white, gap=GAP_MM / 2)
            for touched in (column(self._across(40.0), *self._third), flat):
                yield column(above, frame.low(touched), gap=GAP_MM / 2)
        grow = 0.0 if frame.sitting else 1.0
        purpose = Words(screen.purpose, "choice", bold=True)
        short = column(purpose, *(Words(each, "body") for each in screen.who), gap=0.0)
        for head, gap, cards, share in (
            (self._head, GAP_MM / 2, self._choices(40.0, grow), 0.45),
            (self._head, GAP_MM / 2, self._choices(30.0, grow), 0.54),
            (short, 1.0, self._choices(24.0, grow), 0.54),
            (short, 0.0, self._choices(20.0, grow), 0.6),
            (short, 0.0, self._upright(20.0, grow), 0.6),
        ):
            words = column(head, white, self._question, white, self._hints, self._staff, gap=gap)
            touched = frame.low(column(*cards, *self._third, grow=grow))
            right = column(Space(grow=1.0 - grow), touched, grow=1.0)
            yield Row((words, right), (share, 1 - share), GAP_MM, grow=1.0)

    def _choices(self, least: float, grow: float = 0.0) -> list[Block]:
        return [_card(self._frame, name, name in self._screen.unavailable, least, grow) for name in self._cards]

    def _upright(self, least: float, grow: float = 0.0) -> list[Block]:
        return [_upright(self._frame, name, name in self._screen.unavailable, least, grow) for name in self._cards]

    def _across(self, least: float) -> Row:
        return Row(tuple(self._upright(least)), (1.0,) * len(self._cards))


def _card(frame: Frame, name: str, unavailable: bool, least: float, grow: float = 0.0) -> Card:
    """A card to choose: its drawing, its name, and who can use it."""
    theme = frame.theme
    who = str(frame.texts["buttons"]["unavailable" if unavailable else f"{name}_who"])
    words = column(Words(frame.label(name), "choice", bold=True), Words(who, "body"), gap=GAP_MM / 2)
    if unavailable:
        return Card(words, theme.unavailable, name, theme.edge, 0.7, 7.0, least, grow)
    middle = Column((words,), centred=True)
    inner = Row((frame.card_picture(name, 20.0), middle), (0.36, 0.64), GAP_MM * 1.2)
    return Card(inner, theme.choice, name, theme.frame, FRAME_MM, 7.0, least, grow)


def _upright(frame: Frame, name: str, unavailable: bool, least: float, grow: float = 0.0) -> Card:
    """The same for half a page: the drawing above the words."""
    theme = frame.theme
    who = str(frame.texts["buttons"]["unavailable" if unavailable else f"{name}_who"])
    words = (Words(frame.label(name), "choice", bold=True, centred=True), Words(who, "body", centred=True))
    if unavailable:
        return Card(Column(words, 1.0, centred=True), theme.unavailable, name, theme.edge, 0.7, 4.0, least, grow)
    inner = column(frame.card_picture(name, 14.0, 80.0), *words, gap=1.0)
    return Card(inner, theme.choice, name, theme.frame, FRAME_MM, 4.0, least, grow)


def pick(screen: Pick, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Cards to choose from, in two columns; in landscape three, or four of a long list."""
    frame = Frame(screen, texts, stand, width, height)
    usual = 2 if frame.portrait else 3 if len(screen.choices) <= 6 else 4
    choices, low = (tuple(_choice(frame, each, role) for each in screen.choices) for role in _NAMES)
    more = [frame.button(name, least=_LOW_MM if frame.sitting else 0.0) for name in screen.buttons if name == "more"]
    title = Words(screen.title, "title", bold=True, centred=True)
    head = paragraphs(screen.instructions, centred=True)
    code = f"{frame.texts['counter']['staff_code']} {screen.staff_code}" if screen.staff_code else ""
    small = "　".join(part for part in (screen.pages, code) if part)
    pages = Column((Words(small, "small", centred=True),), centred=True) if small else Space()
    foot = (Row((pages, *more), (1.0,) * (1 + len(more))),) if more or small else ()
    white = Space(grow=1.0)
    gap = GAP_MM if frame.portrait and not frame.sitting else GAP_MM * 0.85

    unsure = paragraphs(screen.instructions[-1:])
    in_a_row = Row((unsure, pages, *more), (0.48, 0.28, 0.24)[: 2 + len(more)])
    all_in_foot = (Row((column(unsure, pages, gap=0.0), *more), (0.62, 0.38)[: 1 + len(more)]),)

    def listed(columns: int, foot: tuple[Block, ...] = foot, choices: tuple[Card, ...] = choices) -> Block:
        grid = Grid(choices, columns, gap, grow=0.0 if frame.sitting else 2.0, most=62.0)
        return frame.low(column(grid, *foot, gap=gap, grow=2.0))

    several = (usual, usual + 1) if frame.sitting or not frame.portrait else (usual,)
    return frame.finish(
        *(column(white, title, head, white, listed(columns), gap=gap) for columns in several),
        column(title, head, white, listed(several[-1]), gap=gap / 2),
        column(title, unsure, white, listed(several[0]), gap=gap / 2),
        column(title, white, listed(several[0], all_in_foot), gap=gap / 2),
        column(title, white, listed(3, all_in_foot, low), gap=gap / 2),
        column(title, head, white, listed(2, foot, low), gap=gap / 2),
        column(title, white, listed(2, all_in_foot, low), gap=gap / 2),
        column(title, white, listed(2, (in_a_row,), low), gap=gap / 2),
    )


def _choice(frame: Frame, choice: Choice, role: Role) -> Card:
    theme = frame.theme
    tone = theme.strong if choice.chosen else theme.choice if choice.available else theme.unavailable
    words = column(
        Words(choice.text, role, bold=True, centred=True, language=choice.language),
        Words(choice.remark, "small", centred=True) if choice.remark else None,
        gap=GAP_MM / 3 if frame.portrait else 0.5,
        centred=True,
    )
    name = choice.button if choice.available else ""
    least = 22.0 if not frame.portrait else 28.0 if frame.sitting else 40.0
    return Card(
        words,
        tone,
        name,
        theme.frame if name else theme.edge,
        FRAME_MM if name else 0.7,
        2.0 if frame.sitting else 3.0,
        least,
    )


def ask(screen: Ask, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """A question or a message on white: one fact, and what can be answered."""
    frame = Frame(screen, texts, stand, width, height)
    title = Words(screen.title, "title", bold=True, centred=True)
    fact, flat_fact = _fact(frame, screen)
    remarks = paragraphs(screen.remarks, centred=True)
    role: Role = "body" if any(name not in _ENDS for name in screen.buttons) else "choice"  # the only thing to do
    acts = paragraphs((each.text for each in screen.next if each.code != "answer"), role, bold=True, centred=True)
    code = _code(frame, screen.staff_code)
    answers = [name for name in screen.buttons if name not in _ENDS]
    cards = [_answer(frame, name, name in screen.unavailable) for name in answers if name in CARDS]
    others: list[Block] = [_answer(frame, name, unavailable=False) for name in answers if name not in CARDS]
    if screen.called:  # where the button was that called
        others.append(frame.called(screen.called))
    upright = [_upright(frame, name, name in screen.unavailable, 40.0) for name in answers if name in CARDS]
    flat, half = ([Row(tuple(each), (1.0,) * len(each)) for each in (of, others) if each] for of in (cards, upright))
    white = Space(grow=1.0)
    words = (white, title, fact, remarks, acts, white)
    if not answers and not others:
        return frame.finish(column(*words, code, gap=GAP_MM * 1.4), column(title, flat_fact, remarks, acts, code))
    one, low, high = (frame.low(column(*each, code)) for each in ((*cards, *others), flat, half))
    touched = (one, low, high) if frame.portrait else (low, high)
    short = (title, flat_fact, remarks, acts, white)
    return frame.finish(
        *(column(*words, each, gap=GAP_MM * 1.4) for each in touched),
        *(column(*short, each, gap=GAP_MM / 2) for each in (low, high)),
    )


def _fact(frame: Frame, screen: Ask) -> tuple[Block | None, Block | None]:
    """The fact with its caption above it, or beside it."""
    if not screen.fact:
        return None, None
    words = Words(screen.fact, "title", bold=True, centred=True)
    if not screen.caption:
        return frame.card(words, padding=7.0), frame.card(words, padding=4.0)
    above, beside = Words(screen.caption, "body", centred=True), Words(screen.caption, "body")
    return (
        frame.card(column(above, words, gap=GAP_MM / 2), padding=7.0),
        frame.card(Row((Column((beside,), centred=True), words), (0.35, 0.65)), padding=4.0),
    )


def _answer(frame: Frame, name: str, unavailable: bool) -> Card:
    if name in CARDS:
        return _card(frame, name, unavailable, 50.0 if frame.portrait else 30.0)
    return frame.button(name, strong=name in ("yes", "walk_in"), least=34.0 if frame.portrait else 21.0)


def _code(frame: Frame, code: str) -> Block | None:
    if not code:
        return None
    return Words(f"{frame.texts['counter']['staff_code']}  {code}", "small", centred=True)


def keys(screen: Keys, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Month and day, and the ten keys as on a telephone."""
    frame = Frame(screen, texts, stand, width, height)
    words = column(
        Words(screen.title, "title", bold=True, centred=True),
        paragraphs(screen.instructions, centred=True),
        Row((Space(), *_typed(frame, screen.typed), Space()), (1.0, -39.0, -39.0, 1.0), 3.0 + _PAIRS_MM),
        gap=GAP_MM * 0.7,
    )
    grow = 0.0 if frame.sitting else 1.0
    pad, wide = (frame.low(column(*_pad(frame, screen, across), gap=GAP_MM, grow=grow)) for across in (3, 6))
    white = Space(grow=1.0)
    if frame.portrait:
        return frame.finish_first(((column(white, words, white, pad),), (column(white, words, white, wide),)))
    return frame.finish(
        *(
            Row((words, column(Space(grow=1 - grow), pad, grow=1.0)), (share, 1 - share), GAP_MM * 1.5, grow=1.0)
            for share in (0.46, 0.54)
        ),
        column(words, white, wide),
    )


def _typed(frame: Frame, count: int) -> Iterator[Block]:
    """Two places for the month and two for the day, full or empty; never the digits themselves."""
    theme = frame.theme
    full = Card(Space(), Tone(theme.card.ink, theme.card.ground), padding=0.0, least=8.0, radius=4.0)
    for first, name in ((0, "month"), (2, "day")):
        places = tuple(
            Card(full if place < count else Space(8.0), theme.card, "", theme.card.ink, 0.9, 5.0, 18.0)
            for place in (first, first + 1)
        )
        label = Words(str(frame.texts["birthday"][name]), "small", centred=True)
        yield column(Row(places, (1.0, 1.0), 3.0), label, gap=1.0)


def _pad(frame: Frame, screen: Keys, across: int) -> Iterator[Row]:
    """In three columns as on a telephone; in six where it has to be low."""
    order = (*KEYS[1:], "clear", KEYS[0], "ok") if across == 3 else (*KEYS[1:6], "clear", *KEYS[6:], KEYS[0], "ok")
    least = 21.0 if not frame.portrait else 28.0 if frame.sitting else 36.0
    for at in range(0, len(order), across):
        keys = tuple(_key(frame, name, screen, least) for name in order[at : at + across])
        yield Row(keys, (1.0,) * across, grow=1.0)


def _key(frame: Frame, name: str, screen: Keys, least: float) -> Card:
    theme = frame.theme
    ready = name != "ok" or screen.typed == 4
    tone = theme.strong if name == "ok" and ready else theme.choice if ready else theme.unavailable
    words = Words(frame.label(name), "choice" if name in KEYS else "body", bold=True, centred=True)
    return Card(words, tone, name, theme.frame if ready else theme.edge, FRAME_MM if ready else 0.7, 2.0, least)
