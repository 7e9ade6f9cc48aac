"""What a tap says of subsidies, beside what was accepted of the patient. Pure.

Certificates are paired by what they are (payer, recipient, sub key), never by their place in the file; what is compared
is every leaf, never a hash that the file brings. Must never decide that a subsidy has ended, that two names are one
person, or that "none" is anything but "none given".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from kiosk.desk.register import Accepted
from kiosk.results.changes import Hash
from kiosk.results.records import Confirmation
from kiosk.results.spelling import HIDDEN, as_known_day, fold
from kiosk.results.subsidies import SLOT, Certificate, Item, Subsidies

# none: not asked for · waiting: asked for, and may still come · late: it has not come · fetched · failed: the terminal
# left an error file · unreadable: nothing can be made of the answer, or it may not be looked for.
SubsidyState = Literal["none", "waiting", "late", "fetched", "failed", "unreadable"]
# Subsidies of this tap against those accepted. missing: none now, although accepted before. fewer: not all of them.
Against = Literal["none", "first", "same", "changed", "fewer", "missing", "failed", "waiting"]
Standing = Literal["new", "same", "changed", "gone"]
# Of a certificate's period on the day of the tap; "" where the file does not say.
Period = Literal["", "current", "ended", "not_yet"]

# Leaves beyond those that are kept are compared as one item.
REST: Final = "他"
# A certificate in another slot is the accepted one with another number only if so much of it is the same.
_ALIKE: Final = 0.5
_PLACE: Final = "~"
_KEY_CHARS: Final = 16
_NAME_MAX_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One item of a certificate, beside the accepted one. `then` None: it was not there, or no values are kept."""

    name: str
    changed: bool
    now: Item | None = field(repr=False)
    then: Item | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """A certificate of today beside the accepted one of the same slot.

    new: only `now` · gone: only `then` · same and changed: both. `changed`: names of the items that differ; `rows`: all
    items, the changed ones marked, of a new or gone certificate none. `period`: of today's, else of the accepted one.
    `holder`: the name on its face, where it is another one than the result's, for staff to look at; else "".
    `key`: names this comparison in forms; another content has another. No patient data, opaque.
    """

    standing: Standing
    now: Certificate | None = field(repr=False)
    then: Accepted | None = field(repr=False)
    changed: tuple[str, ...] = ()
    rows: tuple[Row, ...] = field(repr=False, default=())
    period: Period = ""
    holder: str = field(repr=False, default="")
    key: str = ""

    def accepted(self, hashed: Hash) -> Accepted:
        """Today's certificate as the register keeps it, in the place of the accepted one. Only where there is `now`."""
        assert self.now is not None  # noqa: S101 - a gone certificate has no button for this
        return Accepted(
            self.then.id if self.then else "", slot_of(self.now, hashed), prints_of(self.now, hashed), self.now
        )


@dataclass(frozen=True, slots=True)
class SubsidyChange:
    """`certificates`: those of today in the file's order, then the gone ones. `more`: of today's, not compared.

    `alarm`: staff are to look. `why` of unreadable: a code of `documents.Unreadable`, `refused` (the link is no file
    name) or `second_asker` (two results ask for one answer, and it was given to the first).
    """

    state: SubsidyState
    against: Against
    alarm: bool
    certificates: tuple[Compared, ...] = ()
    more: int = 0
    why: str = ""
    notices: tuple[Item, ...] = field(repr=False, default=())

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the items that differ, of all certificates, each once."""
        return tuple(dict.fromkeys(name for each in self.certificates for name in each.changed))


def unfetched(
    state: SubsidyState, accepted: Sequence[Accepted], hashed: Hash, day: date, why: str = ""
) -> SubsidyChange:
    """Of a tap without a readable answer. What is accepted is compared only where there is certainly none today."""
    match state:
        case "none" if accepted:
            gone = tuple(_gone(each, hashed, day) for each in accepted)
            return SubsidyChange(state, "missing", alarm=True, certificates=gone)
        case "none":
            return SubsidyChange(state, "none", alarm=False)
        case "waiting" | "late":
            return SubsidyChange(state, "waiting", alarm=state == "late")
        case _:
            return SubsidyChange(state, "failed", alarm=True, why=why)


def fetched(
    answer: Subsidies, accepted: Sequence[Accepted], hashed: Hash, confirmation: Confirmation, day: date
) -> SubsidyChange:
    """Of a tap with its answer. `day`: on which periods are looked at."""
    pairs = _pairs(answer.certificates, accepted, hashed)
    compared = [_compared(now, then, hashed, confirmation, day) for now, then in pairs]
    taken = {then.id for _, then in pairs if then}
    compared += [_gone(each, hashed, day) for each in accepted if each.id not in taken]
    against = _against([each.standing for each in compared])
    return SubsidyChange(
        "fetched",
        against,
        # Of more certificates than are read nobody can say that they are the same.
        alarm=against not in {"none", "same"} or answer.more > 0,
        certificates=tuple(compared),
        more=answer.more,
        notices=answer.notices,
    )


def _against(standings: Sequence[Standing]) -> Against:
    found = set(standings)
    if not found:
        return "none"
    if len(found) == 1:
        whole: dict[Standing, Against] = {"new": "first", "same": "same", "changed": "changed", "gone": "missing"}
        return whole[standings[0]]
    return "fewer" if found == {"same", "gone"} else "changed"


# One certificate -------------------------------------------------------------------------------------------------


def slot_of(certificate: Certificate, hashed: Hash) -> str:
    """Hash of what says which certificate it is; the same for all that do not say it."""
    return hashed("slot", *(fold(certificate.by_role(role)) for role in SLOT))


def prints_of(certificate: Certificate, hashed: Hash) -> dict[str, str]:
    """By item name, the hash of what it says; marked where it may be its certificate's place, or HIDDEN."""
    found = {item.name: _print(item, hashed) for item in certificate.items if item.compared}
    return {**found, REST: hashed("rest", certificate.rest)} if certificate.more else found


def _print(item: Item, hashed: Hash) -> str:
    if item.hidden:
        return HIDDEN
    return _PLACE * item.is_place + hashed("item", item.name, item.canonical())


def _differs(one: str | None, other: str | None) -> bool:
    """What has ● can be anything. Places differ from file to file; from anything else they differ by their text."""
    if one is None or other is None:
        return one is not other
    if HIDDEN in {one, other} or (one.startswith(_PLACE) and other.startswith(_PLACE)):
        return False
    return one.removeprefix(_PLACE) != other.removeprefix(_PLACE)


def period(certificate: Certificate, day: date) -> Period:
    """Of its validity on `day`, first and last day included."""
    first, last = (as_known_day(certificate.by_role(role)) for role in ("valid_from", "valid_to"))
    if last and last < day:
        return "ended"
    if first and first > day:
        return "not_yet"
    return "current" if first or last else ""


def _compared(now: Certificate, then: Accepted | None, hashed: Hash, confirmation: Confirmation, day: date) -> Compared:
    new, changed = prints_of(now, hashed), tuple[str, ...]()
    if then is not None:
        old = _prints_then(then, hashed)
        changed = tuple(name for name in dict.fromkeys((*new, *old)) if _differs(new.get(name), old.get(name)))
        changed += _surely_other(now, then.certificate)
    return Compared(
        "new" if then is None else "changed" if changed else "same",
        now,
        then,
        changed,
        _rows(now, then.certificate if then else None, frozenset(changed)),
        period(now, day),
        _other_holder(now, confirmation),
        _key(hashed, then.id if then else "", *sorted(new.values())),
    )


def _gone(then: Accepted, hashed: Hash, day: date) -> Compared:
    kept = then.certificate
    return Compared(
        "gone",
        None,
        then,
        rows=_rows(None, kept, frozenset()),
        period=period(kept, day) if kept else "",
        key=_key(hashed, then.id),
    )


def _key(hashed: Hash, *parts: str) -> str:
    return hashed("compared", *parts)[:_KEY_CHARS]


def _prints_then(then: Accepted, hashed: Hash) -> Mapping[str, str]:
    # Values are hashed anew: a program that has learnt another spelling finds them equal.
    return prints_of(then.certificate, hashed) if then.certificate else then.prints


def _rows(now: Certificate | None, then: Certificate | None, changed: frozenset[str]) -> tuple[Row, ...]:
    new, old = ({item.name: item for item in each.items} if each else {} for each in (now, then))
    # An item that is gone has a row although its value may not be kept.
    names = dict.fromkeys((*new, *old, *sorted(changed - {REST})))
    return tuple(Row(name, name in changed, new.get(name), old.get(name)) for name in names)


def _surely_other(now: Certificate, then: Certificate | None) -> tuple[str, ...]:
    """Names of the items that cannot say the same, whatever their ● stand for."""
    old = {item.name: item for item in then.items} if then else {}
    both = [(item, old[item.name]) for item in now.items if item.name in old and (item.hidden or old[item.name].hidden)]
    return tuple(
        one.name
        for one, other in both
        if len(one.texts) == len(other.texts) == 1 and not _may_be(one.texts[0], other.texts[0])
    )


def _other_holder(certificate: Certificate, confirmation: Confirmation) -> str:
    holder = certificate.by_role("holder")
    names = {name for each in confirmation.records for name in (each.name, each.other_name) if name}
    if not holder or not names or any(_may_be(holder, name) for name in names):
        return ""
    return holder


def _may_be(one: str, other: str) -> bool:
    """Whether the names are spelt the same, ● standing for any character. For a warning only: it says nobody's name."""
    if max(len(one), len(other)) > _NAME_MAX_CHARS:
        return False
    return any(
        re.fullmatch(re.escape(fold(pattern)).replace(HIDDEN, "."), fold(text)) is not None
        for pattern, text in ((one, other), (other, one))
    )


# Pairs -----------------------------------------------------------------------------------------------------------


def _pairs(
    now: Sequence[Certificate], accepted: Sequence[Accepted], hashed: Hash
) -> list[tuple[Certificate, Accepted | None]]:
    """Each certificate of today with the accepted one that it is, if any."""
    new = [prints_of(each, hashed) for each in now]
    old = [_prints_then(each, hashed) for each in accepted]
    slots = [slot_of(each, hashed) for each in now]
    numbers = [_numbers(each) for each in now]
    found: dict[int, int] = {}

    def match(candidates: Iterable[tuple[int, int]]) -> None:
        # The most alike first; equal ones in the order of the file and of the register.
        for n, a in sorted(candidates, key=lambda pair: (-_alike(new[pair[0]], old[pair[1]]), pair)):
            if n not in found and a not in found.values():
                found[n] = a

    every = [(n, a) for n in range(len(now)) for a in range(len(accepted))]
    match((n, a) for n, a in every if slots[n] == accepted[a].slot and any(numbers[n]))
    match(
        (n, a)
        for n, a in every
        if _alike(new[n], old[a]) >= _ALIKE
        # With one other number it is the same certificate, corrected; with two it is another one.
        and (not numbers[n] or any(new[n][name] == old[a].get(name) for name in numbers[n]))
    )
    return [(each, accepted[found[n]] if n in found else None) for n, each in enumerate(now)]


def _numbers(certificate: Certificate) -> list[str]:
    """Names of the items that have its payer's and its recipient's number, its face asked last."""
    found: dict[str, str] = {}
    for item in sorted(certificate.items, key=lambda item: item.group == "face"):
        if item.role in {"payer", "recipient"}:
            found.setdefault(item.role, item.name)
    return list(found.values())


def _alike(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """How much of both is the same: 0 to 1."""
    return len(one.items() & other.items()) / len(one.keys() | other.keys() or {""})
