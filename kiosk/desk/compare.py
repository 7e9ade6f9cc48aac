"""What a tap says beside what was accepted of the patient: `Conclusion`. Pure.

Must never decide that a subsidy has ended, that two names are one person, or that "none" is anything but "none given".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kiosk.desk.register import Accepted
from kiosk.results.changes import EligibilityChange
from kiosk.results.subsidies import Certificate, Item

# none: not asked for · fetched · failed: an error file, or nothing readable · late: asked for, and nothing has come.
SubsidyState = Literal["none", "fetched", "failed", "late"]
# Subsidies of this tap against those accepted. missing: none now, although accepted before. fewer: not all of them.
Against = Literal["none", "first", "same", "changed", "fewer", "missing", "failed", "waiting"]
Standing = Literal["new", "same", "changed", "gone"]
# Of a certificate's period on the day of the tap; "" where the file does not say.
Period = Literal["", "current", "ended", "not_yet"]


@dataclass(frozen=True)
class Row:
    """One item of a certificate, beside the accepted one. `then` None: it was not there, or no values are kept."""

    name: str
    changed: bool
    now: Item | None = field(repr=False)
    then: Item | None = field(repr=False)


@dataclass(frozen=True)
class Compared:
    """A certificate of today beside the accepted one of the same slot.

    new: only `now` · gone: only `then` · same and changed: both. `changed`: names of the items that differ.
    `holder_differs`: its face has another name than the result, for staff to look at; nothing follows from it.
    """

    standing: Standing
    now: Certificate | None = field(repr=False)
    then: Accepted | None = field(repr=False)
    changed: tuple[str, ...] = ()
    rows: tuple[Row, ...] = field(repr=False, default=())
    period: Period = ""
    holder_differs: bool = False


@dataclass(frozen=True)
class SubsidyChange:
    """`certificates`: those of today in the file's order, then the gone ones. `more`: of today's, not looked at.

    `why` of failed: `error_file` · `refused` (the link is no name) · `unreadable` · `second_asker`.
    """

    state: SubsidyState
    against: Against
    alarm: bool
    certificates: tuple[Compared, ...] = ()
    more: int = 0
    why: str = ""
    notices: tuple[Item, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Conclusion:
    """Of one tap. `eligibility` None: no patient number can be read, so nothing is compared."""

    eligibility: EligibilityChange | None
    subsidies: SubsidyChange
