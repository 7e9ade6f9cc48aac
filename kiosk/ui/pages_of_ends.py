"""The pages on which a visit ends: registered, the counter, closed. Each is one colour as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from kiosk.screens.views import AppointmentRow, Counter, Custody, Off, Result
from kiosk.ui.blocks import Badge, Beside, Block, Card, Column, Image, Lead, Row, Space, Words, column, paragraphs
from kiosk.ui.frame import Frame, Stand
from kiosk.ui.items import Anywhere, Drawing, Item
from kiosk.ui.theme import GAP_MM, Role
from kiosk.words.texts import Texts

_Arrived = Result | Custody
# More cannot be read from where the patient stands; the slip has them all.
_ROWS_MAX: Final = {True: 5, False: 4}
# Of a list: whether it says where to go first, and the letters of its places.
_LISTED: Final[tuple[tuple[bool, Role], ...]] = ((True, "choice"), (True, "body"), (False, "body"))


def result(screen: Result, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Registered: where to go, when, what to do, the number, and the slip as a strip."""
    return _arrived(Frame(screen, texts, stand, width, height, "done"), screen)


def custody(screen: Custody, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Not registered, and nothing to wait for here: a round clock, that it is not done, where to go with what."""
    return _arrived(Frame(screen, texts, stand, width, height, "custody"), screen)


def _arrived(frame: Frame, screen: _Arrived) -> tuple[Item, ...]:
    if screen.covered and "close" in screen.buttons:  # whoever comes next need not look for a button
        frame.items.append(Anywhere("close"))
    return frame.finish_first(tuple(tuple(_arranged(frame, screen, where)) for where in _places(frame, screen)))


@dataclass(frozen=True)
class _Where:
    """The places to go to. `numbers`: every reception number stands beside one of them."""

    blocks: tuple[Block, ...]
    numbers: bool = False


def _arranged(frame: Frame, screen: _Arrived, where: _Where) -> Iterator[Block]:
    number = not where.numbers
    parts = _Parts(frame, screen, number=number)
    if isinstance(screen, Custody):
        parts = _CustodyParts(frame, screen, number=number)
    return parts.upright(where.blocks) if frame.portrait else parts.landscape(where.blocks)


class _Parts:
    """The blocks of an arrival beside its places, and how they are arranged."""

    def __init__(self, frame: Frame, screen: _Arrived, *, number: bool) -> None:
        why = screen.explained if isinstance(screen, Custody) else ()
        self._sign: Drawing = "clock" if why else "check"
        self._wide = 12.0 if why else 0.0  # a sign is as high as what stands beside it
        title = Words(screen.title, "title", bold=True, centred=True)
        self._title = column(title, *_explained(why, centred=True), gap=GAP_MM / 2)
        # Beside its sign.
        beside = replace(title, centred=False)
        self._beside = column(beside, *_explained(why), gap=GAP_MM / 2, centred=True)
        self._acts, self._tight = _acts(frame, screen), _acts(frame, screen, gap=0.0)
        self._slip = _slip(frame, screen)
        self._number = _number(frame, screen) if number else None
        self._narrow = _number(frame, screen, narrow=True) if number else None
        self._foot: Block = Row((self._narrow, self._slip), (0.4, 0.6)) if self._narrow else self._slip
        self._code = _code(frame, screen.staff_code)
        self._again = [frame.button(name) for name in screen.buttons if name == "show_again"]

    def upright(self, where: tuple[Block, ...]) -> Iterator[Block]:
        """The place in the upper half; from generous to narrow."""
        title, white, last = self._title, Space(grow=1.0), (self._code, *self._again)
        head = column(Image(self._sign, 40.0, 66.0, grow=1.0), title, gap=GAP_MM / 2, grow=1.0)
        low = Row((Image(self._sign, 22.0 + self._wide), self._beside), (-26.0 - self._wide, 1.0))
        yield column(head, *where, self._acts, self._number, self._slip, *last)
        yield column(low, white, *where, white, self._acts, self._number, self._slip, *last)
        yield column(low, white, *where, white, self._acts, self._foot, *last, gap=GAP_MM * 0.7)
        yield column(low, *where, white, self._tight, self._foot, *last, gap=GAP_MM / 2)

    def landscape(self, where: tuple[Block, ...]) -> Iterator[Block]:
        """The place at the left, what is to be done at the right; from generous to narrow."""
        white = Space(grow=1.0)
        acts, tight, number, slip, foot, code = (
            self._acts, self._tight, self._number, self._slip, self._foot, self._code,
        )  # fmt: skip
        beside = Row((Image(self._sign, 17.0, 34.0), self._beside), (-24.0 - self._wide, 1.0))
        for left, right, share, gap in (
            (where, (acts, number, slip, code), 0.54, GAP_MM * 0.7),
            ((*where, white, number), (acts, slip, code), 0.5, GAP_MM * 0.7),
            ((*where, white, foot), (acts, code), 0.54, GAP_MM * 0.7),
            (where, (tight, number, slip, code), 0.5, GAP_MM / 2),
            ((*where, white, number), (tight, slip, code), 0.5, GAP_MM / 2),
            ((*where, white, number), (tight, slip, code), 0.42, GAP_MM / 2),
            ((*where, white, self._narrow), (tight, slip, code), 0.42, GAP_MM / 2),
            ((*where, white, foot), (tight, code), 0.5, GAP_MM / 2),
            ((*where, white, number, slip), (tight, code), 0.42, GAP_MM / 2),
            ((*where, white, number), (tight, slip, code), 0.36, GAP_MM / 2),
            ((*where, white, number, code), (tight, slip), 0.36, GAP_MM / 2),
        ):
            right_column = column(*right, white, *self._again, gap=gap)
            yield Row((column(beside, *left, gap=gap), right_column), (share, 1 - share), gap, grow=1.0)
        for count in (number, self._narrow):
            middle = Row((column(*where, count, code, gap=GAP_MM / 2), tight), (0.36, 0.64), GAP_MM / 2)
            yield column(beside, middle, slip, *self._again, gap=GAP_MM / 3)
        middle = Row((column(self._narrow, code, gap=GAP_MM / 2), tight), (0.36, 0.64), GAP_MM / 2)
        yield column(beside, *where, middle, slip, *self._again, gap=GAP_MM / 3)


class _CustodyParts(_Parts):
    """The same of an arrival in custody, which has more to say: narrower still on small displays."""

    def __init__(self, frame: Frame, screen: Custody, *, number: bool) -> None:
        super().__init__(frame, screen, number=number)
        title = Words(screen.title, "title", bold=True)
        self._head = Row((Image(self._sign, 17.0), column(title, *_explained(screen.explained), gap=1.0)), (-20.0, 1.0))
        self._small = _number(frame, screen, narrow=True, role="title")
        self._code_line = Words(f"{frame.texts['counter']['staff_code']}  {screen.staff_code}", "small")

    def landscape(self, where: tuple[Block, ...]) -> Iterator[Block]:
        yield from super().landscape(where)
        head, tight, gap = self._head, self._tight, GAP_MM / 3
        low = Row((self._small, self._slip, self._code or Space()), (0.25, 0.53, 0.22), gap)
        for share in (0.5, 0.4):
            both = Row((column(*where), tight), (share, 1 - share), gap)
            yield column(head, both, low, *self._again, gap=gap)
        yield column(head, *where, tight, low, *self._again, gap=gap)
        low = Row((self._small, self._slip), (0.3, 0.7), gap)
        yield column(head, *where, tight, low, self._code_line, *self._again, gap=gap)


def _explained(why: tuple[str, ...], *, centred: bool = False) -> Iterator[Words]:
    """What must be read first of all in bold letters."""
    yield from (Words(text, "body", bold=not place, centred=centred) for place, text in enumerate(why))


def _places(frame: Frame, screen: _Arrived) -> list[_Where]:
    """The places to go to, the most generous arrangement first; none when they are covered.

    In the end what is to be done says it: its acts name the first place and time.
    """
    rows = screen.appointments
    if not rows:
        return [_Where(())]
    # Who is in custody shows the slip now, whatever the time: the acts have the place and the departments.
    shortest = (_Where(()),) if isinstance(screen, Custody) else ()
    if len(rows) == 1:
        who = "　".join(part for part in (rows[0].time, rows[0].department, rows[0].doctor) if part)
        large = (_Where((_one(frame, rows[0], role),)) for role in ("hero", "title", "choice", "body"))
        return [*large, _Where((_list(frame, rows),)), _Where((Words(who, "body", bold=True),)), *shortest]
    most = _ROWS_MAX[frame.portrait]
    more, first = frame.texts["result"]["more"], Words(_label(frame, "today"), "small")
    lists: list[_Where] = []
    for count in range(min(len(rows), most), 0, -1):
        left = len(rows) - count  # a line for one more is shorter than the sentence about it
        tail = (Words(more.format(count=left), "small"),) if left else ()
        for label, role in _LISTED:
            listed = _list(frame, rows[:count], first if label else None, role)
            lists.append(_Where((listed, *tail), numbers=screen.numbered and not left))
    return [*lists, _Where((Words(more.format(count=len(rows) - 1), "small"),)), *shortest]


def _one(frame: Frame, row: AppointmentRow, role: Role) -> Block:
    """One appointment: the place is the largest thing on the page."""
    label = Words(_label(frame, "place"), "small")
    who = Words("　".join(part for part in (row.department, row.doctor) if part), "body", bold=True)
    top = Beside(Lead(row.time, (row.time,)), label, side="right")
    return frame.card(column(top, *_place(frame, row, role), who, gap=GAP_MM * 0.6))


def _label(frame: Frame, otherwise: str) -> str:
    """What a place is called: where to go next, unless something else comes first."""
    at_once = [act.code for act in frame.screen.next if act.code not in ("take_slip", "note_number")][:1]
    return str(frame.texts["result"]["go_to" if at_once == ["go_place"] else otherwise])


def _place(frame: Frame, row: AppointmentRow, role: Role) -> tuple[Block, ...]:
    """The window as a number in a square, then floor and building; or the words of the place."""
    if not row.window:
        return (Words(row.place, role, bold=True),) if row.place else ()
    below = " ".join(part for part in (row.building, row.floor) if part)
    window = _window(frame, row.window, role, "title" if role == "hero" else role)
    return (window, Words(below, "choice", bold=True)) if below else (window,)


def _window(frame: Frame, window: str, role: Role, words: Role) -> Block:
    """The number of a window in a square, on the line of its word: before or behind it, as the language has it."""
    pattern = str(frame.texts["parts"]["window"])
    word = Words(pattern.replace("{window}", "").removeprefix("｜").strip(), words, bold=True)
    side: Literal["left", "after"] = "after" if pattern.endswith("{window}") else "left"
    return Beside(Badge(window, role, frame.theme.strong), word, side=side)


def _list(frame: Frame, rows: tuple[AppointmentRow, ...], label: Block | None = None, role: Role = "body") -> Card:
    """Several, one below the other, all alike: the time, the place, whose it is. `label`: over the first."""
    lines: list[Block] = [label] if label else []
    times = tuple(row.time for row in rows)
    for row in rows:
        place = row.place or " ".join(part for part in (row.building, row.floor, row.window) if part)
        who = "　".join(part for part in (row.department, row.doctor) if part)
        number = Words(row.number, "body", bold=True) if row.number else None
        words = column(Words(place, role, bold=True) if place else None, Words(who, "body"), number, gap=1.0)
        lines.append(Beside(Lead(row.time, times), words, GAP_MM * 0.7))
    return frame.card(Column(tuple(lines), GAP_MM * 0.8), padding=5.0)


def _acts(frame: Frame, screen: _Arrived, gap: float = GAP_MM / 2) -> Block:
    """What to do next, numbered, and what else there is to know."""
    theme = frame.theme
    listed: list[Block] = [
        Beside(Badge(str(place), "body", theme.strong, round=True), Words(act.text, "body", bold=True), GAP_MM / 2)
        for place, act in enumerate(screen.next, 1)
    ]
    listed.extend(Words(remark, "body") for remark in screen.remarks)
    if not listed:
        return Space()
    return frame.card(Column(tuple(listed), gap), padding=5.0 if gap else 3.0)


def _number(frame: Frame, screen: _Arrived, *, narrow: bool = False, role: Role = "hero") -> Card:
    """The reception number; several, which no slip may say, in smaller letters."""
    word = str(frame.texts["custody" if isinstance(screen, Custody) else "result"]["number"])
    several = len(screen.numbers) > 1
    text = "　".join(screen.numbers)
    if narrow or several:
        number = Words(text, "choice" if several else role, bold=True, centred=True)
        return frame.card(column(Words(word, "small", bold=True, centred=True), number, gap=1.0), padding=2.5)
    lead = Lead(text, (text,), "hero")
    return frame.card(Beside(lead, Words(word, "body", bold=True), side="after"), padding=4.0)


def _slip(frame: Frame, screen: _Arrived) -> Card:
    """The strip of the slip: under way, to be taken, or none."""
    least, outlet = 20.0 if frame.portrait else 16.0, frame.stand.slip_at
    drawing = Image("no_slip", least)
    if screen.slip != "none":
        drawing = Image("slip", least, variant=outlet, moves=screen.slip == "take")
    where = Words(screen.outlet, "small") if screen.outlet else None
    words = column(Words(screen.slip_line, "body", bold=True), where, gap=1.0, centred=True)
    return frame.card(Row((drawing, words), (-26.0, 1.0)), padding=4.0)


def counter(screen: Counter, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Not registered: where staff wait, why in plain words, and the code for them."""
    frame = Frame(screen, texts, stand, width, height, "counter")
    title = Words(screen.title, "title", bold=True, centred=True)
    side = replace(title, centred=False)
    card = _counter_place(frame, screen)
    more = paragraphs((each.text for each in screen.next if each.code != "go_counter"), bold=True)
    code = _code(frame, screen.staff_code)
    call = [frame.button(name) for name in screen.buttons if name == "call"]
    call += [frame.called(screen.called)] if screen.called else []
    if frame.portrait:
        head = column(Image("attention", 26.0, 66.0, grow=1.0), title, gap=GAP_MM / 2, grow=1.0)
        low = Row((Image("attention", 24.0), Column((side,), centred=True)), (-28.0, 1.0))
        return frame.finish(
            column(head, card, more, code, *call, gap=GAP_MM * 0.8),
            column(low, card, more, code, Space(grow=1.0), *call, gap=GAP_MM * 0.8),
        )
    beside = Row((Image("attention", 24.0, 40.0), Column((side,), centred=True)), (-36.0, 1.0))
    why = paragraphs(screen.explained)
    white = Space(grow=1.0)
    right, all_right = column(more, code, white, *call), column(why, more, code, white, *call, gap=GAP_MM / 2)
    short = _counter_place(frame, screen, why=False)
    return frame.finish(
        column(beside, Row((card, right), (0.64, 0.36), grow=1.0)),
        column(beside, Row((card, right), (0.55, 0.45), grow=1.0), gap=GAP_MM / 2),
        Row((column(beside, short, gap=GAP_MM / 2), all_right), (0.5, 0.5), grow=1.0),
    )


def _counter_place(frame: Frame, screen: Counter, *, why: bool = True) -> Card:
    """The window in a square where the site has one, then the words of the place, then why."""
    where = screen.where
    go = next((each.text for each in screen.next if each.code == "go_counter"), where.text)
    label = Words(str(frame.texts["result"]["go_to" if where.window else "to_do"]), "small")
    place: tuple[Block, ...] = (Words(go, "title", bold=True),)
    if where.window:
        text = (Words(where.text, "body", bold=True),) if where.text else ()
        place = (_window(frame, where.window, "hero", "title"), *text)
    reason = paragraphs(screen.explained) if why else None
    return frame.card(column(label, *place, reason, gap=GAP_MM * 0.7), padding=6.0)


def _code(frame: Frame, code: str) -> Card | None:
    """For staff, always on the screen."""
    if not code:
        return None
    label = Words(str(frame.texts["counter"]["staff_code"]), "small")
    return frame.card(Beside(Lead(code, (code,)), label, side="after"), padding=4.0)


def off(screen: Off, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Nobody can be served: seen from afar, and when it opens."""
    frame = Frame(screen, texts, stand, width, height, "off")
    opens = frame.card(Words(screen.opens, "title", bold=True, centred=True), padding=9.0) if screen.opens else None
    return frame.finish(
        column(
            Space(grow=1.0),
            Image("moon" if screen.name == "closed" else "closed", 40.0, 80.0),
            Words(screen.title, "title", bold=True, centred=True),
            opens,
            paragraphs(screen.instructions, "choice", centred=True),
            Space(grow=1.3),
            frame.staff_hint(screen.staff),
            gap=GAP_MM * 1.6,
        )
    )
