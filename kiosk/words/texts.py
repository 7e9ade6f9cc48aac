"""The catalogues of assets/texts, one folder a language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Texts = Mapping[str, Mapping[str, Any]]


@cache
def load(catalogue: str = "patient", language: str = "ja") -> Texts:
    """The sentences of one catalogue, by table. `patient`: screens and slip. Raises FileNotFoundError."""
    file = files("assets") / "texts" / language / f"{catalogue}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def event_sentences() -> dict[str, str]:
    """The Japanese sentence for each id of the event logs."""
    return {event: str(sentence) for event, sentence in load("events").items()}
