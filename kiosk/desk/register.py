"""What staff have accepted of each patient: the eligibility known last, and the subsidy certificates.

A protocol, and the register of a replay, which begins empty and is gone with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiosk.results.changes import Prints
from kiosk.results.subsidies import Certificate


@dataclass(frozen=True)
class Accepted:
    """A certificate that staff accepted. `id`: the register's own. `slot`: hash of payer, recipient and sub key.

    `prints`: by item name, hash of what the item says. `certificate`: the values; None where only hashes are kept.
    """

    id: str
    slot: str = field(repr=False)
    prints: Mapping[str, str] = field(repr=False)
    certificate: Certificate | None = field(repr=False, default=None)


class Register(Protocol):
    """By patient number (照会番号). The writing ones are durable when they return."""

    def known(self, number: str) -> Prints | None:
        """None: never seen before."""

    def know(self, number: str, prints: Prints) -> None:
        """From now on a result is compared with `prints`."""

    def certificates(self, number: str) -> tuple[Accepted, ...]:
        """Accepted and not ended, the oldest first."""

    def accept(self, number: str, accepted: Accepted) -> str:
        """Put a certificate in the place of the one with its `id`; with "" beside the others. Returns its id."""

    def end(self, number: str, accepted_id: str) -> None:
        """It is no longer compared with."""
