"""Checks of what a patient sees and does: one raw TOML value → the value of the setting, or `Refused`. As `checks`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kiosk.config.checks import Check, Refused, card_reader_url, plain
from kiosk.words.problems import Problem

# [card_reader] also: no reader of its own.
SAME: Final = "same"


def some_of(*names: str) -> Check:
    """A list of one or more of `names`, each once; in their own order, however they are written."""

    def accept(value: object, base: Path) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or len(value) > len(names):
            raise Refused
        if any(each not in names for each in value) or len(set(value)) != len(value):
            raise Refused
        return tuple(each for each in names if each in value)

    quoted = tuple(f'"{name}"' for name in names)
    return Check(Problem("expected.some_of", {"options": quoted}), accept)


def also_reader_url() -> Check:
    """The address of a second card reader, SAME, or ""."""
    reader = card_reader_url()

    def accept(value: object, base: Path) -> object:
        return value if plain(value) in ("", SAME) else reader.accept(value, base)

    return Check(Problem("expected.also_reader", {"reader": reader.expected}), accept, private=True)
