"""What the pages ask of the desk, and what staff do there: acts and their outcomes as values, behind one protocol.

Owns the closed set of acts. Must never have a patient's value in a `repr`. `kiosk.desk.web` makes acts of forms, after
it has asked whether the user's role may (`Act.kind` is the key for that table and for the audit); the desk carries
them out, writes each with its outcome into the audit, and answers with a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from kiosk.desk.pages import (
    AdminPage,
    ArrivalPage,
    DayPage,
    Header,
    NumberPage,
    NumbersPage,
    Patient,
    SheetPage,
    VisitPage,
)
from kiosk.words.problems import Problem


class CancelReason(StrEnum):
    """Why an arrival is cancelled. A closed set: a free text would bring patients' data into the audit."""

    wrong_person = "wrong_person"
    wrong_department = "wrong_department"
    left = "left"
    double = "double"
    other = "other"


class EndReason(StrEnum):
    """Why a registered certificate is ended."""

    expired = "expired"
    moved = "moved"
    replaced = "replaced"
    other = "other"


@dataclass(frozen=True)
class Register:
    """受付登録 of a visit with an appointment."""

    kind: ClassVar[str] = "register"
    seq: int


@dataclass(frozen=True)
class WalkIn:
    """受付登録 without an appointment: `department` is a code of `[walk_in]`, `doctor` a name or ""."""

    kind: ClassVar[str] = "walk_in"
    seq: int
    department: str
    doctor: str = ""


@dataclass(frozen=True)
class Cancel:
    """受付の取り消し: the arrival number `number` of today."""

    kind: ClassVar[str] = "cancel"
    number: int
    reason: CancelReason


@dataclass(frozen=True)
class PrintSheet:
    """カルテ出し: the sheet of a visit on the page printer. `again`: it was printed today and is wanted once more."""

    kind: ClassVar[str] = "print_sheet"
    seq: int
    again: bool = False


@dataclass(frozen=True)
class PrintSlip:
    """The 受付票 of arrival `number` on the page printer."""

    kind: ClassVar[str] = "print_slip"
    number: int


@dataclass(frozen=True)
class ConfirmEligibility:
    """資格 確認済み: what this revision of the visit says becomes what the next one is compared with."""

    kind: ClassVar[str] = "confirm_eligibility"
    seq: int
    revision: int


@dataclass(frozen=True)
class ConfirmSubsidies:
    """医療費助成 確認済み: failed, late, missing or fewer was looked at. Nothing registered changes."""

    kind: ClassVar[str] = "confirm_subsidies"
    seq: int
    revision: int


@dataclass(frozen=True)
class AcceptCertificate:
    """取込: today's certificate `slot` becomes the registered one."""

    kind: ClassVar[str] = "accept_certificate"
    seq: int
    slot: str
    revision: int


@dataclass(frozen=True)
class KeepCertificate:
    """登録済みのまま: today's certificate `slot` is not taken; what is registered stays."""

    kind: ClassVar[str] = "keep_certificate"
    seq: int
    slot: str
    revision: int


@dataclass(frozen=True)
class EndCertificate:
    """終了にする: the registered certificate `slot` ends with `last_day` (its last valid day)."""

    kind: ClassVar[str] = "end_certificate"
    seq: int
    slot: str
    revision: int
    last_day: date
    reason: EndReason


@dataclass(frozen=True)
class SendRegistration:
    """照会番号の登録: `number` for the visit `seq`. `birth`: the second datum, as the hospital's own record has it; it
    must be the file's. `confirmed`: the box 「本人であることを確認しました」.
    """

    kind: ClassVar[str] = "send_registration"
    seq: int
    revision: int
    number: str = field(repr=False)
    birth: date = field(repr=False)
    confirmed: bool = False


@dataclass(frozen=True)
class ConfirmLost:
    """確認済み of a banner: the taps that could not be listed were looked up at the receipt computer."""

    kind: ClassVar[str] = "confirm_lost"


Act: TypeAlias = (
    Register
    | WalkIn
    | Cancel
    | PrintSheet
    | PrintSlip
    | ConfirmEligibility
    | ConfirmSubsidies
    | AcceptCertificate
    | KeepCertificate
    | EndCertificate
    | SendRegistration
    | ConfirmLost
)


@dataclass(frozen=True)
class Done:
    """The act was carried out, durably. `arrival`: the 受付番号 of a registration; `already`: it was so before."""

    arrival: int | None = None
    already: bool = False


@dataclass(frozen=True)
class Refused:
    """Nothing was done, or (said by the problem) it is not known. `why`: catalogue `desk`, table `refused`."""

    why: Problem


@dataclass(frozen=True)
class Outdated:
    """Nothing was done: the visit has changed since the revision that was displayed."""


Outcome: TypeAlias = Done | Refused | Outdated


class Desk(Protocol):
    """The desk behind the pages. Calls may come from any thread and block for seconds at most (`act`), or for
    milliseconds (everything else). Raises nothing but KeyError, for a visit or arrival that is not of today.
    """

    def header(self) -> Header:
        """For pages that have nothing else of the desk."""

    def day(self) -> DayPage:
        """All visits and arrivals of today; filters and search are the pages'."""

    def visit(self, seq: int, user: str, *, personal: bool) -> VisitPage:
        """A visit, for `user`, whose look the audit notes. `personal`: addresses and certificates are wanted."""

    def arrival(self, number: int, user: str) -> ArrivalPage:
        """An arrival of today."""

    def sheet(self, seq: int, user: str) -> SheetPage:
        """What the sheet for the chart room says."""

    def sheet_picture(self, seq: int) -> bytes:
        """The sheet as PNG, one page, as the page printer would print it. No bytes: it cannot be made."""

    def numbers(self) -> NumbersPage:
        """Visits without a 照会番号 and today's registrations."""

    def number(self, seq: int, user: str, wanted: str = "") -> NumberPage:
        """One visit without a 照会番号; `wanted`: number, name or kana to look for in the hospital's list."""

    def patients(self, wanted: str) -> tuple[Patient, ...]:
        """Up to 50 patients of the hospital's list; () without a list."""

    def admin(self) -> AdminPage:
        """Feed, printer, reservations; the table of names in force."""

    def act(self, act: Act, user: str) -> Outcome:
        """Carry out `act` for `user`, at most once, and note it in the audit."""

    def subscribe(self, changed: Callable[[int], None]) -> Callable[[], None]:
        """`changed(revision)` is called after each change, from any thread, quickly; returns what ends that."""
