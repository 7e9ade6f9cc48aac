"""A call for staff to a kiosk, as the reception writes it and the desk shows it. Never anything of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kiosk.process.json_values import Number

Code = Literal["call", "many_cards"]
CODES: Final[tuple[Code, ...]] = ("call", "many_cards")
# A call is looked after within this time, or asked for again.
LASTS_S: Final = 300.0


@dataclass(frozen=True)
class Call:
    """`code`: one of CODES. `kiosk`: the host's name. `at`: seconds since 1970."""

    code: str = ""
    kiosk: str = ""
    at: Number = 0.0

    def holds(self, now: float) -> bool:
        """Whether staff may still be on their way at `now`, seconds since 1970."""
        return self.code in CODES and 0 <= now - self.at < LASTS_S
