"""The words on the screen, one file a language in assets/texts."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

Texts = Mapping[str, Mapping[str, Any]]


def load(language: str = "ja") -> Texts:
    """The texts of one language, by screen. Raises FileNotFoundError for a language that is not there."""
    return tomllib.loads((files("assets") / "texts" / f"{language}.toml").read_text(encoding="utf-8"))
