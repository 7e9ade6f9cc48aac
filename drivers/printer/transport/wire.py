"""What every way to a printer can do: take bytes, give bytes, never hang.

Owns the `Wire` protocol and its one failure. Must never know what the bytes mean.
"""

from typing import Protocol


class WireLost(Exception):
    """The device is not there, or not any more. It carries no text: what was sent belongs to a patient."""


class Wire(Protocol):
    """One open connection. No call blocks longer than its `wait_s`."""

    keeps_state: bool
    """Whether a half sent job is still half sent for the next connection (serial, USB, device files)."""

    def send(self, data: bytes, wait_s: float) -> int:
        """Hand over the beginning of `data`; bytes taken, 0 when none was within `wait_s`. Raises WireLost."""

    def receive(self, wait_s: float) -> bytes:
        """What was sent to us, b"" when nothing was within `wait_s`. Raises WireLost, also when the far side closed."""

    def unsent(self) -> int:
        """Bytes taken by `send` that have not reached the device yet; 0 where this cannot be known."""

    def close(self, *, abandon: bool) -> None:
        """Let go at once. `abandon`: throw away what is unsent, so that no slip comes out when its patient is gone."""
