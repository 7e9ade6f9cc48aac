"""The day's visits: taps of one patient made one visit, their subsidies joined to them, and what waits for a person.

Owns the closed sets of states and of reasons for 要確認. Pure: no clock, no store; `Day` lives in memory, and who calls
it keeps what is to be kept. Must never merge two people: the number and the birth date must both be the same, and no
other name may stand there. An answer is given to the one tap that asked for it by name, or to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from drivers.reservations import Reception
from kiosk.desk.compare import SubsidyChange, SubsidyState, fetched, unfetched
from kiosk.desk.register import Accepted, Register
from kiosk.results import records, subsidies
from kiosk.results.changes import EligibilityChange, Hash
from kiosk.results.documents import DEFAULT_MAX_BYTES, Unreadable
from kiosk.results.eligibility import Eligibility, Outcome, read
from kiosk.results.pmh_names import Names
from kiosk.results.records import Confirmation, Record
from kiosk.results.spelling import fold, fold_kana, is_hidden
from kiosk.results.subsidies import Subsidies

# Two taps of one patient within so long are one visit.
SAME_VISIT: Final = timedelta(minutes=30)
# Answers that nobody has asked for, yet: the oldest go first.
UNASKED_MAX: Final = 50
ELIGIBILITY: Final = "eligibility"
SUBSIDIES: Final = "subsidies"


class State(StrEnum):
    """A visit on the list."""

    waiting = "waiting"  # tapped, not registered: 未受付
    registered = "registered"  # 受付済
    cancelled = "cancelled"  # its arrival was cancelled: 取消
    unreadable = "unreadable"  # nobody is known from the file: 読めません


class Attention(StrEnum):
    """Why a visit waits for a person: what 要確認 counts."""

    eligibility_changed = "eligibility_changed"
    key_gone = "key_gone"
    not_valid = "not_valid"  # the qualification itself: ended, none, contradictory
    not_registered = "not_registered"  # no 照会番号
    unreadable = "unreadable"
    subsidy_first = "subsidy_first"
    subsidy_changed = "subsidy_changed"
    subsidy_fewer = "subsidy_fewer"
    subsidy_missing = "subsidy_missing"
    subsidy_failed = "subsidy_failed"
    subsidy_late = "subsidy_late"
    name_differs = "name_differs"  # on a certificate that is open, and in the result
    not_printed = "not_printed"


@dataclass(frozen=True, slots=True)
class Tap:
    """One eligibility result. `at`: aware, when it was read here. `source`: the terminal, where a site has several.

    `why`: it tells nothing of anybody: a code of `documents.Unreadable`, or `other_institution`; else "".
    """

    file: str
    at: datetime
    source: str = ""
    eligibility: Eligibility | None = field(repr=False, default=None)
    confirmation: Confirmation | None = field(repr=False, default=None)
    why: str = ""

    @property
    def number(self) -> str:
        """The 照会番号; "" where there is none that may be believed."""
        return (self.eligibility.reference_number or "") if self.eligibility else ""

    @property
    def outcome(self) -> Outcome:
        """What the result says as a whole."""
        return self.eligibility.outcome if self.eligibility else Outcome.unreadable

    @property
    def request(self) -> str:
        """The lower-case name of the subsidy request that it asks for the answer of; "" for none."""
        return (self.eligibility.subsidy.request or "").lower() if self.eligibility else ""

    @property
    def person(self) -> Record:
        """Name, birth date and the like; an empty record where several do not speak of one person."""
        found = self.confirmation.records if self.confirmation else ()
        people = {(fold(each.name), each.birthdate) for each in found}
        return found[0] if len(people) == 1 else Record()


@dataclass(frozen=True)
class Failed:
    """The terminal could not fetch the subsidies. What the error file says is in no known form: it is not read."""


# What came for a request: certificates, bytes that cannot be read, or an error file.
Answer = Subsidies | Unreadable | Failed


@dataclass(frozen=True)
class Settlement:
    """What a person did about one matter: `how` is `confirmed`, `accepted`, `kept` or `ended`; `by`: a user."""

    how: Literal["confirmed", "accepted", "kept", "ended"]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of one patient. `seq`: 1, 2, … by arrival on the day. `taps`: the first to the last.

    `eligibility` None: there is no number, so nothing is compared. `arrival`: the line of the day's register, see
    `lines`; `receptions`: of that line, () where a version before kept only their one number, which is the line's
    too. `settled`: by `Compared.key`, ELIGIBILITY or SUBSIDIES. `open_since`: when what waits for a person first did;
    None: nothing does.
    """

    seq: int
    taps: tuple[Tap, ...]
    eligibility: EligibilityChange | None
    subsidies: SubsidyChange
    arrival: int | None = None
    cancelled: bool = False
    unprinted: bool = False
    settled: Mapping[str, Settlement] = field(default_factory=dict)
    open_since: datetime | None = None
    receptions: tuple[Reception, ...] = ()

    @property
    def tap(self) -> Tap:
        """The last one: what it says of the eligibility holds."""
        return self.taps[-1]

    @property
    def number(self) -> str:
        """The 照会番号, or ""."""
        return self.tap.number

    @property
    def state(self) -> State:
        """Of the reception."""
        if self.arrival is not None:
            return State.registered
        if self.cancelled:
            return State.cancelled
        return State.unreadable if self.tap.eligibility is None else State.waiting

    @property
    def attention(self) -> tuple[Attention, ...]:
        """What waits for a person, () for nothing."""
        found = [*_of_eligibility(self), *_of_subsidies(self)]
        return (*found, Attention.not_printed) if self.unprinted else tuple(found)


def tap_of(
    file: str,
    raw: bytes,
    at: datetime,
    *,
    institution: str | None = None,
    source: str = "",
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Tap:
    """Read an eligibility result. `institution`: the code that it must have, if it has one. Never raises for `raw`."""
    found, confirmation = read(raw, max_bytes), records.read(raw, max_bytes)
    if isinstance(found, Unreadable) or isinstance(confirmation, Unreadable):
        return Tap(file, at, source, why=found.why if isinstance(found, Unreadable) else "not_xml")
    if institution and found.institution_code not in {None, institution}:
        return Tap(file, at, source, why="other_institution")
    return Tap(file, at, source, found, confirmation)


def answer_of(raw: bytes | None, names: Names | None = None, max_bytes: int = DEFAULT_MAX_BYTES) -> Answer:
    """Read the answer to a subsidy request; None: it is an error file."""
    return Failed() if raw is None else subsidies.read(raw, names, max_bytes)


def subsidies_of(
    tap: Tap, answer: Answer | None, accepted: tuple[Accepted, ...], hashed: Hash, *, late: bool = False, why: str = ""
) -> SubsidyChange:
    """What a tap says of subsidies. `late`: it has waited long enough. `why`: the answer may not be looked at."""
    day = tap.at.date()
    refused = tap.eligibility is not None and tap.eligibility.subsidy.refused
    if why or refused:
        return unfetched("unreadable", accepted, hashed, day, why or "refused")
    match answer if tap.request else None:
        case Subsidies() as read_one:
            confirmation = tap.confirmation or Confirmation((), ())
            return fetched(read_one, accepted, hashed, confirmation, day)
        case Unreadable(why=reason):
            return unfetched("unreadable", accepted, hashed, day, reason)
        case Failed():
            return unfetched("failed", accepted, hashed, day)
        case _:
            state: SubsidyState = "late" if late else "waiting"
            return unfetched(state if tap.request else "none", accepted, hashed, day)


class Day:
    """The visits of one day, and answers that wait for their tap. Of one thread; nothing here blocks on anything.

    `register`: for certificates and hashes. `changed`: called with each visit that became another one. `after`: a new
    visit's `seq` is larger than this.
    """

    def __init__(
        self, register: Register, changed: Callable[[Visit], None] = lambda _: None, *, after: int = 0
    ) -> None:
        self._register, self._changed, self._after = register, changed, after
        self._visits: dict[int, Visit] = {}
        self._answers: dict[str, Answer] = {}
        self._askers: dict[str, int] = {}  # the visit whose tap asked first
        self._late: set[str] = set()

    @property
    def visits(self) -> tuple[Visit, ...]:
        """By `seq`."""
        return tuple(self._visits.values())

    @property
    def answers(self) -> Mapping[str, Answer]:
        """By lower-case request name."""
        return self._answers

    def restore(self, visits: Iterable[Visit], answers: Mapping[str, Answer]) -> None:
        """What was kept of an earlier run: it is not concluded again."""
        self._visits = {visit.seq: visit for visit in visits}
        self._answers = dict(answers)
        asked = [(tap.at, visit.seq, tap.request) for visit in self.visits for tap in visit.taps if tap.request]
        for _, seq, request in sorted(asked):
            self._askers.setdefault(request, seq)
            if self._visits[seq].subsidies.state == "late" and request not in self._answers:
                self._late.add(request)

    def visit(self, seq: int) -> Visit:
        """Raises KeyError."""
        return self._visits[seq]

    def tapped(self, tap: Tap, eligibility: EligibilityChange | None) -> Visit:
        """A result came. `eligibility`: what it says against what is known; None where there is no number."""
        before = self._same_visit(tap)
        seq = before.seq if before else max(self._after, *self._visits, 0) + 1
        if tap.request:
            self._askers.setdefault(tap.request, seq)
        taps = (*before.taps, tap) if before else (tap,)
        if before is None:
            return self._keep(Visit(seq, taps, eligibility, self._subsidies(seq, taps)), tap.at)
        if before.eligibility and before.eligibility.key == "first" and eligibility and eligibility.key == "same":
            eligibility = before.eligibility  # it is still the patient's first visit
        eligibility = eligibility or before.eligibility  # that nothing could be compared takes back no change
        settled = dict(before.settled)
        if eligibility != before.eligibility:
            settled.pop(ELIGIBILITY, None)
        return self._keep(
            self._with_subsidies(replace(before, taps=taps, eligibility=eligibility, settled=settled)), tap.at
        )

    def answered(self, request: str, answer: Answer, at: datetime) -> Visit | None:
        """An answer came to the request of this lower-case name. None: nobody has asked for it yet.

        After certificates nothing else counts: an error file may have been left before they were fetched.
        """
        if isinstance(self._answers.get(request), Subsidies) and not isinstance(answer, Subsidies):
            return None
        self._answers[request] = answer
        seq = self._askers.get(request)
        if seq is not None:
            return self._keep(self._with_subsidies(self._visits[seq]), at)
        unasked = [name for name in self._answers if name not in self._askers]
        for name in unasked[:-UNASKED_MAX]:
            del self._answers[name]
        return None

    def waited(self, now: datetime, wait: timedelta) -> list[Visit]:
        """Answers that have not come within `wait` of their tap are late from now on. The visits concerned."""
        found = []
        for visit in self.visits:
            late = {
                tap.request
                for tap in visit.taps
                if tap.request and not self._is_over(tap.request) and now - tap.at >= wait
            }
            if late:
                self._late |= late
                found.append(self._keep(self._with_subsidies(visit), now))
        return found

    def compared(self, seq: int) -> Visit:
        """The visit beside what is accepted of the patient now; nothing is kept. Raises KeyError."""
        return self._with_subsidies(self._visits[seq])

    def settle(self, seq: int, matters: Mapping[str, Settlement], at: datetime) -> Visit:
        """A person dealt with these matters. Raises KeyError for a visit that is not of today."""
        visit = self._visits[seq]
        return self._keep(replace(visit, settled={**visit.settled, **matters}), at)

    def put(self, visit: Visit, at: datetime) -> Visit:
        """The visit with another arrival, cancelled, or (not) printed. Raises KeyError for one that is not of today."""
        if visit.seq not in self._visits:
            raise KeyError(visit.seq)
        return self._keep(visit, at)

    def _is_over(self, request: str) -> bool:
        return request in self._answers or request in self._late

    def _same_visit(self, tap: Tap) -> Visit | None:
        if not tap.number or not tap.person.birthdate:
            return None
        for visit in reversed(self._visits.values()):
            same = visit.number == tap.number and visit.tap.person.birthdate == tap.person.birthdate
            if same and _may_be_one(visit.tap.person, tap.person) and abs(tap.at - visit.tap.at) <= SAME_VISIT:
                return visit
        return None

    def _with_subsidies(self, visit: Visit) -> Visit:
        found = self._subsidies(visit.seq, visit.taps)
        settled = dict(visit.settled)
        if (found.state, found.against) != (visit.subsidies.state, visit.subsidies.against):
            settled.pop(SUBSIDIES, None)
        return replace(visit, subsidies=found, settled=settled)

    def _subsidies(self, seq: int, taps: tuple[Tap, ...]) -> SubsidyChange:
        """Of the last tap that has certificates, else of the last that asked for some, else of the last."""
        asked = [tap for tap in taps if tap.request or (tap.eligibility and tap.eligibility.subsidy.refused)]
        mine = [tap for tap in asked if self._askers.get(tap.request) == seq]
        best = [tap for tap in mine if isinstance(self._answers.get(tap.request), Subsidies)]
        tap = (best or asked or taps)[-1]
        number = tap.number
        return subsidies_of(
            tap,
            self._answers.get(tap.request),
            self._register.certificates(number) if number else (),
            self._register.hashed(number),
            late=tap.request in self._late,
            why="second_asker" if tap.request and self._askers.get(tap.request) != seq else "",
        )

    def _keep(self, visit: Visit, at: datetime) -> Visit:
        # Since when it waits is not begun again by a second reason.
        since = (visit.open_since or at) if visit.attention else None
        kept = replace(visit, open_since=since)
        self._visits[visit.seq] = kept
        self._changed(kept)
        return kept


def _may_be_one(one: Record, other: Record) -> bool:
    """Of people with the same number and birth date: twins have a wrong number now and then."""
    names, kana = (one.name, other.name), (one.kana, other.kana)
    if any(map(is_hidden, (*names, *kana))) or fold(one.name) == fold(other.name):
        return True
    return all(kana) and fold_kana(one.kana) == fold_kana(other.kana)


def _of_eligibility(visit: Visit) -> list[Attention]:
    if visit.tap.eligibility is None:
        return [] if ELIGIBILITY in visit.settled else [Attention.unreadable]
    found = []
    if visit.tap.outcome is Outcome.not_registered:
        found.append(Attention.not_registered)
    elif visit.tap.outcome is not Outcome.usable or visit.tap.eligibility.notes:
        found.append(Attention.not_valid)
    if visit.eligibility and visit.eligibility.alarm:
        found.append(Attention.key_gone if visit.eligibility.key == "unknown" else Attention.eligibility_changed)
    return [] if ELIGIBILITY in visit.settled else found


def _of_subsidies(visit: Visit) -> list[Attention]:
    change, found = visit.subsidies, list[Attention]()
    # Without a number there is nothing to accept: that it is missing is what waits.
    is_open = [each for each in change.certificates if visit.number and each.key not in visit.settled]
    standings = {each.standing for each in is_open}
    if standings & {"new", "changed"}:
        found.append(Attention.subsidy_first if change.against == "first" else Attention.subsidy_changed)
    if any(each.holder and each.standing in {"new", "changed"} for each in is_open):
        found.append(Attention.name_differs)
    if SUBSIDIES in visit.settled:
        return found
    if "gone" in standings:
        found.append(Attention.subsidy_missing if change.against == "missing" else Attention.subsidy_fewer)
    if change.state in {"failed", "unreadable"}:
        found.append(Attention.subsidy_failed)
    if change.state == "late":
        found.append(Attention.subsidy_late)
    if change.more and Attention.subsidy_changed not in found:
        found.append(Attention.subsidy_changed)
    return found
