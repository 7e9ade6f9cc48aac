"""What staff have accepted of each patient: the eligibility known last, and the subsidy certificates.

A protocol, and the register of a replay, which begins empty and is gone with it. Must never end or replace anything
that it was not asked to, by its id.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Protocol

from kiosk.results.changes import Hash, Prints
from kiosk.results.subsidies import Certificate


@dataclass(frozen=True)
class Accepted:
    """A certificate that staff accepted. `id`: the register's own. `slot`: hash of payer, recipient and sub key.

    `prints`: by item name, hash of what the item says. `certificate`: the values; None where only hashes are kept.
    `on`: the day on which it was accepted; None until then.
    """

    id: str
    slot: str = field(repr=False)
    prints: Mapping[str, str] = field(repr=False)
    certificate: Certificate | None = field(repr=False, default=None)
    on: date | None = None


class Register(Protocol):
    """By patient number (照会番号), 1–50 characters. What writes is durable when it returns."""

    def hashed(self, number: str) -> Hash:
        """Keyed hashes of this patient's values."""

    def known(self, number: str) -> Prints | None:
        """None: never seen before."""

    def know(self, number: str, prints: Prints) -> None:
        """From now on a result is compared with `prints`."""

    def certificates(self, number: str) -> tuple[Accepted, ...]:
        """Accepted and not ended, the oldest first."""

    def accept(self, number: str, accepted: Accepted) -> str:
        """Put a certificate in the place of the one with its `id`; with "" beside the others. Returns its id.

        Raises KeyError for an id that is not there: it was ended meanwhile.
        """

    def end(self, number: str, accepted_id: str) -> None:
        """It is no longer compared with. Raises KeyError for an id that is not there."""


class ShortRegister:
    """In memory, for as long as the program runs. `keep_values`: as in `[desk]`."""

    def __init__(self, *, keep_values: bool = True) -> None:
        self._keep_values = keep_values
        self._secret = secrets.token_bytes(32)
        self._known: dict[str, Prints] = {}
        self._certificates: dict[str, dict[str, Accepted]] = {}
        self._last_id = 0

    def hashed(self, number: str) -> Hash:
        return partial(self._hash, number)

    def known(self, number: str) -> Prints | None:
        return self._known.get(number)

    def know(self, number: str, prints: Prints) -> None:
        self._known[number] = prints

    def certificates(self, number: str) -> tuple[Accepted, ...]:
        return tuple(self._certificates.get(number, {}).values())

    def accept(self, number: str, accepted: Accepted) -> str:
        of_patient = self._certificates.setdefault(number, {})
        if accepted.id and accepted.id not in of_patient:
            raise KeyError(accepted.id)
        self._last_id += not accepted.id
        own_id = accepted.id or str(self._last_id)
        kept = accepted.certificate if self._keep_values else None
        of_patient[own_id] = replace(accepted, id=own_id, certificate=kept)
        return own_id

    def end(self, number: str, accepted_id: str) -> None:
        del self._certificates[number][accepted_id]

    def _hash(self, *parts: str) -> str:
        # The length before each part: ("ab", "c") is not ("a", "bc").
        framed = b"".join(
            len(raw).to_bytes(8, "big") + raw for raw in (p.encode("utf-8", "surrogatepass") for p in parts)
        )
        return hmac.digest(self._secret, framed, hashlib.sha256).hex()
