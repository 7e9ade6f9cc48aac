"""Whether a number was met before, without keeping any number.

A `mark` tells the same number from another one within this process (Python keys the hash of a string with a random
secret) and is nothing outside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Served:
    """Somebody was identified; until `expires_at` a second result of the same person is taken for a late one."""

    mark: int = field(repr=False)
    expires_at: float


@dataclass(frozen=True)
class CardSeen:
    """A card was read at `at`."""

    mark: int = field(repr=False)
    at: float
