"""What the desk's pages say, as values: made by the desk, turned into HTML by `kiosk.desk.web`.

Owns the shapes of the pages. Must never do I/O, word anything (that is `assets/texts/ja/desk.toml`, by the
members of the enumerations here), or have a patient's value in a `repr`.

Times are aware, in the site's zone. A revision is a count that only grows, across restarts of the desk too (begin
with the milliseconds of the clock): whoever has one asks for what is newer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from kiosk.desk.registration import Candidate, NotOffered, Refusal, Registration
from kiosk.desk.visits import Attention, State
from kiosk.words.problems import Problem


class Key(StrEnum):
    """The eligibility result against the patient's last one that staff accepted, `data-eligibility`."""

    first = "first"
    same = "same"
    changed = "changed"
    unknown = "unknown"  # cannot be compared: no key although there was one, or no patient


class Subsidies(StrEnum):
    """Whether the terminal has fetched subsidies (PMH), `data-subsidy`. Four words of staff that are never merged:
    `none` なし, `failed` 取得失敗, `late` 届いていない, and `Against.missing` 前回あり今回なし.
    """

    none = "none"
    waiting = "waiting"  # asked for, still within `subsidy_wait_s`: 取得中
    fetched = "fetched"
    failed = "failed"  # an `.err`
    late = "late"
    unreadable = "unreadable"


class Against(StrEnum):
    """Today's subsidies against those accepted, `data-against`."""

    none = "none"
    first = "first"
    same = "same"
    changed = "changed"
    fewer = "fewer"
    missing = "missing"
    failed = "failed"
    waiting = "waiting"


class Printed(StrEnum):
    """The sheet for the chart room (カルテ出し) of a visit."""

    no = "no"
    under_way = "under_way"
    yes = "yes"
    failed = "failed"  # and never tried by the program again


class Filter(StrEnum):
    """Which rows of 本日の受付."""

    all = "all"
    waiting = "waiting"
    open = "open"


@dataclass(frozen=True)
class Unserved:
    """A patient whom the kiosk knew and could not register, in 要確認. `line`: in the kiosk's list, in URLs; `code`: on
    the patient's slip, sent back with the act. `number`, `name`, `kana`: as in a Row, "" where they are not known.
    `seq`: the visit, where there was a tap.
    """

    line: int
    at: datetime
    code: str
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    kana: str = field(default="", repr=False)
    seq: int | None = None


@dataclass(frozen=True)
class Unsettled:
    """An order in 要確認. `kind`: of drivers.reservations.Unsettled; `attempt`: sent back with the act; `called`:
    number in custody, and before it the day if not today; `code`: of who was sent to the counter. Else as Unserved.
    """

    attempt: str
    kind: str
    at: datetime
    called: str = ""
    code: str = ""
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    kana: str = field(default="", repr=False)
    seq: int | None = None


@dataclass(frozen=True)
class Banner:
    """Something that holds for the whole page; `serious`: red. `problem`: catalogue `desk`, table `banner`. `confirm`:
    it has a button 「確認済み」, which is the act `ConfirmLost`.
    """

    problem: Problem
    serious: bool = False
    confirm: bool = False


@dataclass(frozen=True)
class Header:
    """What stands above every page. `open`: how many wait for a person in 要確認. `overdue`: some longer than
    `attention_min`. `changed_at`: when the list last changed.
    """

    revision: int
    day: date
    now: datetime
    open: int
    overdue: bool = False
    not_registered: int = 0
    banners: tuple[Banner, ...] = ()
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A visit in 顔認証付きCRの利用者リスト.

    `seq`: the visit's number of the day, in URLs. `revision`: when this row last changed. `at`: last tap, `taps`: how
    many. `number`: the patient number, as the hospital writes it. `outcome`: `kiosk.results.eligibility.Outcome`, by
    value, or "unreadable". `certificates`: how many today. `appointments`: 「10:30 内科」, in time order. `arrival`:
    the line of the register, in URLs; `called`: its 受付番号. `waiting_since`: since when the oldest item of `open`
    waits. `may_…`: which buttons stand there (roles are asked apart).
    """

    seq: int
    revision: int
    at: datetime
    taps: int = 1
    state: State = State.waiting
    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    kana: str = field(default="", repr=False)
    birth: date | None = field(default=None, repr=False)
    outcome: str = "usable"
    key: Key = Key.first
    subsidies: Subsidies = Subsidies.none
    against: Against = Against.none
    certificates: int = 0
    appointments: tuple[str, ...] = field(default=(), repr=False)
    arrival: int | None = None
    called: str = ""
    arrived_at_kiosk: bool = False
    printed: Printed = Printed.no
    open: tuple[Attention, ...] = ()
    waiting_since: datetime | None = None
    may_register: bool = False
    may_walk_in: bool = False
    may_print: bool = False


@dataclass(frozen=True)
class Arrival:
    """A line of 患者受付登録一覧. `line`: in URLs. `number`: 受付番号, one or several. `seq`: the visit, where there
    was a tap; `name` is "" for who came with a patient card and is not in the hospital's list. `cancelled`: why.
    """

    line: int
    number: str
    at: datetime
    patient: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    kana: str = field(default="", repr=False)
    department: str = field(default="", repr=False)
    doctor: str = field(default="", repr=False)
    seq: int | None = None
    at_kiosk: bool = False
    cancelled: str = ""


@dataclass(frozen=True)
class DayPage:
    """本日の受付 and 要確認. `rows`: newest first, the others: oldest first. `began`: who knows a revision before it
    gets the whole list. `arrivals_revision`: when the list on the right last changed. `arrivals` is None when the
    reservations cannot be asked.
    """

    header: Header
    rows: tuple[Row, ...]
    arrivals: tuple[Arrival, ...] | None
    arrivals_revision: int
    began: int
    unserved: tuple[Unserved, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()


class Group(StrEnum):
    """Where an item of a certificate stands."""

    transfer = "transfer"  # 転記項目: what the receipt computer needs
    face = "face"  # 券面
    other = "other"


@dataclass(frozen=True)
class Item:
    """A row of 項目 | 登録済みの情報 | 今回の情報. `label`: for people; `tag`: as in the file, where the table of names
    lacks it, else "". None: not there. `was_kept`: False where only a hash of the registered value is kept.
    """

    group: Group
    label: str
    tag: str = ""
    was: str | None = field(default=None, repr=False)
    now: str | None = field(default=None, repr=False)
    changed: bool = False
    was_kept: bool = True


class Certificate(StrEnum):
    """A certificate against the accepted one."""

    first = "first"  # the patient's first
    added = "added"  # beside known ones
    same = "same"
    changed = "changed"
    absent = "absent"  # accepted, and not among today's


@dataclass(frozen=True)
class Subsidy:
    """A certificate (受給者証) of a visit. `slot`: names it in forms, opaque, no patient data.

    `title`: 受給者証名. `other_name`: on its face, where it differs from the result's. `more`: leaves that are not
    listed. `registered_at`: when the known one was accepted. `settled`: "", "accepted", "kept" or "ended"; by which
    user and when, of today. `may_accept`, `may_keep`, `may_end`: which buttons stand there (the role is asked apart).
    """

    slot: str
    state: Certificate
    title: str = field(repr=False)
    items: tuple[Item, ...] = ()
    other_name: str = field(default="", repr=False)
    more: int = 0
    settled: str = ""
    by: str = ""
    at: datetime | None = None
    registered_at: date | None = None
    may_accept: bool = False
    may_keep: bool = False
    may_end: bool = False


@dataclass(frozen=True)
class Detail:
    """A line of the eligibility result: `label` is a key of the texts' table `detail`; `changed`: against the accepted
    one; `was`: its value, None where it is not kept (hashes only).
    """

    label: str
    now: str = field(repr=False)
    changed: bool = False
    was: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Department:
    """A choice for a walk-in (予約外). `doctor`: whom they see there, or ""."""

    code: str
    name: str
    doctor: str = ""


@dataclass(frozen=True)
class Event:
    """A line of a visit's history: `act` is a key of the texts' table `act`; `by`: a user, or "" for the program."""

    at: datetime
    act: str
    by: str = ""
    refused: bool = False


@dataclass(frozen=True)
class VisitPage:
    """来院. `revision` is of this visit: acts send it back. `notes`: codes of quiet lines (table `note`).

    `walk_in`: departments that receive now, () where there is nothing to register. `print_problem`: why the sheet was
    not printed. `can_print`: there is a printer. `certificates_more`: certificates that are not listed.
    `subsidy_notices`: what stands beside certificates. `key_only`: the key changed, and no field that is in the
    file. `may_confirm_eligibility`, `may_confirm_subsidies`: buttons 「確認済み」 where something waits for it.
    """

    header: Header
    row: Row
    revision: int
    details: tuple[Detail, ...] = ()
    subsidies: tuple[Subsidy, ...] = ()
    certificates_more: int = 0
    walk_in: tuple[Department, ...] = ()
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()
    print_problem: Problem | None = None
    can_print: bool = False
    may_confirm_eligibility: bool = False
    may_confirm_subsidies: bool = False
    may_register_number: bool = False
    key_only: bool = False
    subsidy_notices: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class ArrivalPage:
    """One arrival: cancel it, print its 受付票 on the page printer. `print_problem` as above."""

    header: Header
    arrival: Arrival
    appointments: tuple[str, ...] = field(default=(), repr=False)
    printed: Printed = Printed.no
    print_problem: Problem | None = None
    can_print: bool = False


@dataclass(frozen=True)
class Patient:
    """A patient of the hospital's list (`[desk] patients`)."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: date | None = field(repr=False)


@dataclass(frozen=True)
class NumbersPage:
    """照会番号: visits without one (`rows`), and today's registrations (`sent`), newest first. `off`: the site has no
    `[desk] requests`.
    """

    header: Header
    rows: tuple[Row, ...]
    sent: tuple[Registration, ...]
    off: bool = False


@dataclass(frozen=True)
class NumberPage:
    """One visit without a 照会番号. `details`: name, kana, birth date and insurance of the file. `not_offered`: why it
    may not be registered at all. `sent`: its last registration of today.

    `found`: the patients for what was typed, None: nothing was looked for. `candidate`: the one whose number was typed
    or chosen; `refused`: why there is none. A candidate without `birth`: the second datum is typed, from the hospital's
    own system.
    """

    header: Header
    row: Row
    revision: int
    details: tuple[Detail, ...]
    not_offered: NotOffered | None = None
    sent: Registration | None = None
    found: tuple[Patient, ...] | None = None
    candidate: Candidate | None = None
    refused: Refusal | None = None


@dataclass(frozen=True)
class Part:
    """A part of the desk for 管理: `name` is a key of the texts' table `part`; `problem` None: all is well."""

    name: str
    problem: Problem | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Label:
    """A line of the table of names in force: a tag of the files, its label, its group."""

    tag: str
    label: str
    group: Group


@dataclass(frozen=True)
class AdminPage:
    """管理, but for users and audit: those are the gate's."""

    header: Header
    parts: tuple[Part, ...]
    labels: tuple[Label, ...]
