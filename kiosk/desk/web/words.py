"""The words of the pages, and for each state its word, sign and tone: a colour never stands alone. Pure.

`assets/texts/ja/desk_pages.toml` has the words; `visible` is how foreign text (a patient's, a municipality's) may stand
on a page.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from kiosk.desk.pages import Against, Certificate, Key, Printed, Row, Subsidies
from kiosk.desk.visits import Attention, State
from kiosk.words import texts
from kiosk.words.problems import Problem, word

WORDS: Final = texts.load("desk_pages")
# What is invisible or turns the order of what is displayed, and halves of pairs that no encoding takes.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
LONGEST: Final = 600
_OF_OUTCOME: Final = frozenset({Attention.not_registered, Attention.not_valid, Attention.unreadable})
_OF_SUBSIDIES: Final = frozenset(
    {
        Attention.subsidy_first, Attention.subsidy_changed, Attention.subsidy_fewer, Attention.subsidy_missing,
        Attention.subsidy_failed, Attention.subsidy_late, Attention.name_differs,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """A state: `tone` is quiet, plain, good, new, warn or bad."""

    word: str
    sign: str
    tone: str


def chip(table: str, key: str, more: str = "") -> Chip:
    """The chip of a state, with `more` behind its word. An unknown key is its own word: nothing disappears."""
    found = WORDS[table].get(key)
    return Chip(found["word"] + more, found["sign"], found["tone"]) if found else Chip(key, "▲", "warn")


def eligibility(row: Row) -> Chip:
    """What the column 資格 says: the result itself where it is no good one, else how it compares.

    What a person has settled is quiet; the word stays.
    """
    if row.outcome != "usable":
        found = chip("outcome", row.outcome)
        return replace(found, tone="quiet") if _OF_OUTCOME.isdisjoint(row.open) else found
    waits = Attention.eligibility_changed in row.open or Attention.key_gone in row.open
    if row.key in (Key.changed, Key.unknown) and not waits:
        return chip("key", "settled")
    return chip("key", row.key)


def subsidy(row: Row) -> Chip:
    """What the column 医療費助成 says: the four words that are never merged, else how the certificates compare.

    What a person has settled is quiet; the word stays.
    """
    waits = not _OF_SUBSIDIES.isdisjoint(row.open)
    if row.subsidies not in (Subsidies.none, Subsidies.fetched):
        found = chip("subsidies", row.subsidies)
        return found if waits else replace(found, tone="quiet")
    if row.against is Against.missing:
        found = chip("against", row.against)
    elif row.subsidies is Subsidies.none:
        return chip("subsidies", "unknown" if is_blind(row) else row.subsidies)
    else:
        found = chip("against", row.against, f" {row.certificates}{WORDS['list']['kinds']}")
    return found if waits or not found.sign else replace(found, sign="✓", tone="good")


def is_blind(row: Row) -> bool:
    """Whether nobody can know from the result if there are subsidies: "none" would say too much."""
    return row.subsidies is Subsidies.none and row.outcome in {"unreadable", "foreign", "failed"}


def state(row: Row) -> Chip:
    """What the column 状態 says, with the 受付番号; who registered at the kiosk is displayed so."""
    if row.state is not State.registered:
        return chip("state", row.state)
    return chip("state", "at_kiosk" if row.arrived_at_kiosk else row.state, f" {row.called}".rstrip())


def printed(which: Printed) -> Chip:
    """Whether the sheet was printed."""
    return chip("printed", which)


def certificate(which: Certificate) -> Chip:
    """A certificate against the accepted one."""
    return chip("certificate", which)


def visible(value: Any) -> Any:
    """Foreign text with its invisible characters made visible, cut where it is endless; anything else as it is."""
    if type(value) is not str:  # a Markup is what a template made
        return value
    if len(value) > LONGEST:
        value = f"{value[:LONGEST]}…（全 {len(value)} 字）"
    return _HIDDEN.sub(lambda match: f"‹U+{ord(match[0]):04X}›", value)


def problem(found: Problem) -> str:
    """The Japanese sentence of a problem of the desk or its people; of another version its code."""
    for catalogue in ("desk", "desk_pages", "people", "troubles"):
        with suppress(KeyError, FileNotFoundError, IndexError, ValueError):
            return word(found, catalogue, "ja")
    return found.code
