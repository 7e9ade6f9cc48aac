"""Why something is wrong at the reception (`assets/texts/LANGUAGE/troubles.toml`)."""

from __future__ import annotations

from contextlib import suppress

from kiosk.words.problems import Problem, word


def in_english(reason: Problem) -> str:
    """For the command line and the event log. Raises KeyError for a code that is none of ours."""
    return word(reason, "troubles", "en")


def in_japanese(reason: Problem) -> str:
    """For the technician's page; "" for a code of another version."""
    with suppress(KeyError, ValueError, TypeError, AttributeError, IndexError):
        return word(reason, "troubles", "ja")
    return ""
