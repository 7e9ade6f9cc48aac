"""Pages on which a patient does something elsewhere, or waits: at the face reader, at the card reader. Pure."""

from __future__ import annotations

from kiosk.screens.views import Instruct, NextStep, Wait
from kiosk.ui.blocks import Badge, Beside, Block, Column, Image, Row, Space, Words, column, paragraphs
from kiosk.ui.frame import Frame, Stand
from kiosk.ui.items import Item
from kiosk.ui.theme import GAP_MM, Tone
from kiosk.words.texts import Texts


def instruct(screen: Instruct, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """What to do at the reader: the acts in their order, and a drawing of this reader."""
    frame = Frame(screen, texts, stand, width, height)
    at_reader = screen.step is not None
    image = Image(
        "reader" if at_reader else "card_slot",
        60.0 if frame.portrait else 40.0,
        grow=1.0,
        variant=" ".join(part for part in (stand.reader, stand.reader_side) if part) if at_reader else "",
        moves=True,
    )
    title = Words(screen.title, "title", bold=True, centred=frame.portrait)
    acts = Column(tuple(_act(frame, place, act, screen.step) for place, act in enumerate(screen.next)), GAP_MM / 2)
    why = screen.tries_left is not None  # first, why it has to be done once more
    remarks = column(
        *(Words(each, "body", bold=why and not place) for place, each in enumerate(screen.remarks)),
        gap=GAP_MM / 2,
    )
    seen: Block = image
    if screen.phone:
        seen = Row((image, Image("phone", image.least, grow=1.0, variant="card" if at_reader else "")), (0.74, 0.26))
    picture = frame.card(seen, grow=1.0, padding=4.0)
    if frame.portrait:
        return frame.finish(
            column(Space(2.0), title, picture, acts, remarks),
            column(
                title, frame.card(Image(image.drawing, 30.0, grow=1.0, variant=image.variant), grow=1.0), acts, remarks
            ),
        )
    words = column(title, acts, remarks, Space(grow=1.0), gap=GAP_MM * 0.8)
    return frame.finish(
        Row((words, picture), (0.58, 0.42), GAP_MM * 1.5, grow=1.0),
        Row((words, picture), (0.7, 0.3), GAP_MM, grow=1.0),
    )


def _act(frame: Frame, place: int, act: NextStep, now: int | None) -> Block:
    """One numbered act: done, on, or to come. Where nobody knows how far it is, all are on."""
    done, on = now is not None and place < now, now is None or place == now
    theme = frame.theme
    if done:
        tone = theme.unavailable
    elif on:
        tone = theme.strong
    else:
        tone = Tone(theme.card.ground, theme.card.ink)
    badge = Badge("✓" if done else str(place + 1), "body", tone, round=True)
    return Beside(badge, Words(act.text, "body", bold=on), gap=GAP_MM / 2)


def wait(screen: Wait, texts: Texts, stand: Stand, width: float, height: float) -> tuple[Item, ...]:
    """Title and words, large, and a clock that goes: nothing to do but read."""
    frame = Frame(screen, texts, stand, width, height)
    return frame.finish(
        column(
            Space(grow=1.0),
            Image("clock", 40.0, 72.0, moves=True),
            Words(screen.title, "title", bold=True, centred=True),
            paragraphs(screen.lines, "choice", centred=True),
            Space(grow=1.4),
            gap=GAP_MM * 2,
        )
    )
