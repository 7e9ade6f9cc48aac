"""The Japanese sentence for each id of the event logs (`assets/texts/events_ja.toml`)."""

from __future__ import annotations

import tomllib
from importlib.resources import files


def words() -> dict[str, str]:
    """The sentence for each id, in Japanese."""
    text = (files("assets") / "texts" / "events_ja.toml").read_text(encoding="utf-8")
    return {str(event): str(sentence) for event, sentence in tomllib.loads(text).items()}
