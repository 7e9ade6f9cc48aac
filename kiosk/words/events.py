"""The Japanese sentence for each id of the event logs (`assets/texts/ja/events.toml`)."""

from __future__ import annotations

from kiosk.words import texts


def words() -> dict[str, str]:
    """The sentence for each id, in Japanese."""
    return {event: str(sentence) for event, sentence in texts.load("events").items()}
