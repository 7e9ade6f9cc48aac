"""What a card reader reports. Owns the event values; must never show a card's number in a `repr`."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CardRead:
    """A card was read during `visit` (the id given to `arm`), at `at` (seconds, monotonic clock)."""

    visit: int
    number: str = field(repr=False)
    at: float


@dataclass(frozen=True)
class CardUnreadable:
    """Something was read during `visit` that is no card number of this site, at `at` (seconds, monotonic clock)."""

    visit: int
    at: float


@dataclass(frozen=True)
class ReaderUp:
    """The port is open. Posted once per change."""


@dataclass(frozen=True)
class ReaderDown:
    """The port cannot be opened or was lost; it is tried again for ever. Posted once per change.

    `message` is for staff: the device and the system's reason.
    """

    message: str


CardEvent = CardRead | CardUnreadable | ReaderUp | ReaderDown
