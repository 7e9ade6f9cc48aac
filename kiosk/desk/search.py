"""Which rows of the day a filter or a search leaves. Pure."""

from __future__ import annotations

import unicodedata

from kiosk.desk.pages import Filter, Row
from kiosk.desk.visits import State


def kept(rows: tuple[Row, ...], which: Filter) -> tuple[Row, ...]:
    """The rows that `which` leaves, in the same order; those of `open` oldest first, by how long they wait."""
    if which is Filter.open:
        return tuple(sorted((row for row in rows if row.open), key=lambda row: (row.waiting_since or row.at, row.seq)))
    if which is Filter.waiting:
        return tuple(row for row in rows if row.state is State.waiting)
    return rows


def newer(rows: tuple[Row, ...], revision: int) -> tuple[Row, ...]:
    """The rows that changed after `revision`."""
    return tuple(row for row in rows if row.revision > revision)


def matching(rows: tuple[Row, ...], text: str) -> tuple[Row, ...]:
    """The rows whose number, name or kana has `text` in it; a number that is `text` entirely goes alone."""
    wanted = folded(text)
    exact = tuple(row for row in rows if wanted and folded(row.number) == wanted)
    return exact or tuple(row for row in rows if wanted in folded(f"{row.number}\n{row.name}\n{row.kana}"))


def folded(text: str) -> str:
    """For searching: NFKC, no blanks, katakana for hiragana, lower case."""
    plain = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    return "".join(chr(ord(each) + 0x60) if "ぁ" <= each <= "ゖ" else each for each in plain)
