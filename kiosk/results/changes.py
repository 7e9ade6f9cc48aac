"""Whether an eligibility result says anything new about a patient: its keys and fields against those accepted last.

Everything here is keyed hashes; no old value is needed or kept. For the desk, and for whoever reads the file before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

# The eligibility key against the patient's last one. Where the files have no key, the fields speak for it.
KeyVerdict = Literal["first", "same", "changed", "unknown"]


class Hash(Protocol):
    """A keyed hash of texts; parts that are divided otherwise give another one."""

    def __call__(self, *parts: str) -> str: ...


@dataclass(frozen=True)
class Prints:
    """Hashes of one result, or of the last one accepted. `keys`: of each 資格確認キー. `fields`: by element name, of the
    folded values; a field that cannot be compared (it holds ●, or is only there with consent) is left out.
    """

    keys: frozenset[str] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class EligibilityChange:
    """`changed`: element names of the fields that differ; empty with `changed`: the key alone says it (limit class,
    elderly certificate, or what ● hides). `alarm`: staff are to look. `learn`: what is to be known of the patient from
    now on without asking anybody (first sight, or nothing new); None: nothing, until staff confirm `now`.
    """

    key: KeyVerdict
    changed: tuple[str, ...]
    alarm: bool
    now: Prints
    learn: Prints | None
