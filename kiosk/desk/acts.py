"""What the pages ask of the desk, and what staff do there: acts and their outcomes as values, behind one protocol.

Owns the closed set of acts. Must never have a patient's value in a `repr`. `kiosk.desk.web` makes acts of forms, after
the gate has permitted `Act.permission`; the desk carries them out and answers with a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Protocol, TypeAlias

from kiosk.desk.pages import AdminPage, ArrivalPage, DayPage, Header, NumberPage, NumbersPage, VisitPage
from kiosk.desk.people.roles import Act as Permission
from kiosk.desk.registration import Confirmation
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

    permission: ClassVar[Permission] = Permission.REGISTER
    seq: int


@dataclass(frozen=True)
class WalkIn:
    """受付登録 without an appointment: `department` is a code of `[walk_in]`."""

    permission: ClassVar[Permission] = Permission.WALK_IN
    seq: int
    department: str


@dataclass(frozen=True)
class Cancel:
    """受付の取り消し: the arrival in this line of today's register, with all its receptions."""

    permission: ClassVar[Permission] = Permission.CANCEL
    arrival: int
    reason: CancelReason


@dataclass(frozen=True)
class PrintSheet:
    """カルテ出し: the sheet of a visit on the page printer. `again`: it was printed today and is wanted once more."""

    permission: ClassVar[Permission] = Permission.PRINT_SHEET
    seq: int
    again: bool = False


@dataclass(frozen=True)
class PrintSlip:
    """The 受付票 of the arrival in this line of today's register, on the page printer."""

    permission: ClassVar[Permission] = Permission.PRINT_SLIP
    arrival: int


@dataclass(frozen=True)
class ConfirmEligibility:
    """資格 確認済み: what this revision of the visit says becomes what the next one is compared with."""

    permission: ClassVar[Permission] = Permission.CONFIRM_ELIGIBILITY
    seq: int
    revision: int


@dataclass(frozen=True)
class ConfirmSubsidies:
    """医療費助成 確認済み: failed, late, missing or fewer was looked at. Nothing registered changes."""

    permission: ClassVar[Permission] = Permission.CONFIRM_SUBSIDIES
    seq: int
    revision: int


@dataclass(frozen=True)
class AcceptCertificate:
    """取込: today's certificate `slot` becomes the registered one."""

    permission: ClassVar[Permission] = Permission.ACCEPT_CERTIFICATE
    seq: int
    slot: str
    revision: int


@dataclass(frozen=True)
class KeepCertificate:
    """登録済みのまま: today's certificate `slot` is not taken; what is registered stays."""

    permission: ClassVar[Permission] = Permission.KEEP_CERTIFICATE
    seq: int
    slot: str
    revision: int


@dataclass(frozen=True)
class EndCertificate:
    """終了にする: the registered certificate `slot` ends with `last_day` (its last valid day)."""

    permission: ClassVar[Permission] = Permission.END_CERTIFICATE
    seq: int
    slot: str
    revision: int
    last_day: date
    reason: EndReason


@dataclass(frozen=True)
class SendRegistration:
    """照会番号の登録 of the visit `seq`, with what the user confirmed."""

    permission: ClassVar[Permission] = Permission.SEND_REGISTRATION
    seq: int
    revision: int
    confirmation: Confirmation


@dataclass(frozen=True)
class WithdrawRegistration:
    """A registration that was surely not sent yet (送信前) is given up. `id`: of `Registration`."""

    permission: ClassVar[Permission] = Permission.SEND_REGISTRATION
    id: int


@dataclass(frozen=True)
class SettleRegistration:
    """応答なし or 要確認: somebody looked at the terminal, the number is (`there`) or is not registered there."""

    permission: ClassVar[Permission] = Permission.SETTLE_OTHERS
    id: int
    there: bool


@dataclass(frozen=True)
class ConfirmLost:
    """確認済み of a banner: the taps that could not be listed were looked up at the receipt computer."""

    permission: ClassVar[Permission] = Permission.CONFIRM_LOST


@dataclass(frozen=True)
class ConfirmUnserved:
    """対応済み of a patient whom the kiosk could not register: `line` of its list of today, with `code` on the slip."""

    permission: ClassVar[Permission] = Permission.CONFIRM_UNSERVED
    line: int
    code: str


@dataclass(frozen=True)
class ConfirmUnsettled:
    """対応済み of an order of which staff had to know; `attempt`: of drivers.reservations.Order."""

    permission: ClassVar[Permission] = Permission.CONFIRM_UNSETTLED
    attempt: str


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
    | WithdrawRegistration
    | SettleRegistration
    | ConfirmLost
    | ConfirmUnserved
    | ConfirmUnsettled
)


@dataclass(frozen=True)
class Done:
    """The act was carried out, durably. `arrival`: the line of a registration; `already`: it was so before. `partly`:
    the hospital's system has not taken all of it.
    """

    arrival: int | None = None
    already: bool = False
    partly: bool = False


@dataclass(frozen=True)
class Refused:
    """Nothing was done, or (said by the problem) it is not known. `why`: catalogue `desk`, table `not_done`."""

    why: Problem


@dataclass(frozen=True)
class Outdated:
    """Nothing was done: the visit has changed since the revision that was displayed."""


Outcome: TypeAlias = Done | Refused | Outdated


class Desk(Protocol):
    """The desk behind the pages. Calls may come from any thread and block for seconds at most (`act`), or for
    milliseconds (everything else). Raises nothing but KeyError, for a visit or arrival that is not of today.

    `kiosk.desk.web` asks the gate before (`permit`, which writes into the audit chain); how an act ended, the desk
    writes there itself, also of what it does without a user (`register = "always"`).
    """

    def header(self) -> Header:
        """For pages that have nothing else of the desk."""

    def day(self) -> DayPage:
        """All visits and arrivals of today; filters and search are the pages'."""

    def visit(self, seq: int) -> VisitPage:
        """A visit, with all that roles desk and chief may see."""

    def arrival(self, line: int) -> ArrivalPage:
        """The arrival in that line of today's register."""

    def sheet_picture(self, seq: int) -> bytes:
        """The sheet for the chart room as PNG, as the page printer would print it; b"": it cannot be made."""

    def slip_picture(self, line: int) -> bytes:
        """The 受付票 of an arrival, likewise."""

    def numbers(self) -> NumbersPage:
        """Visits without a 照会番号 and today's registrations."""

    def number(self, seq: int, wanted: str = "") -> NumberPage:
        """One visit without a 照会番号; `wanted`: number, name or kana, looked for in the hospital's list (≤ 50)."""

    def admin(self) -> AdminPage:
        """Feed, printer, reservations; the table of names in force."""

    def person(self, *, visit: int = 0, arrival: int = 0) -> str:
        """The keyed hash of the patient's number for the audit; "" for nobody, or an unknown visit or line."""

    def act(self, act: Act, user: str, address: str) -> Outcome:
        """Carry out `act` for `user`, whose browser is at `address`, at most once."""

    def subscribe(self, changed: Callable[[int], None]) -> Callable[[], None]:
        """`changed(revision)` is called after each change, from any thread, quickly; returns what ends that."""
