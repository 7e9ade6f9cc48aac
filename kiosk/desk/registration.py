"""Registering a reference number (照会番号): who may be registered, what must be confirmed, and what a request may be.

Pure values and rules; the effects are in registration_work.py. Must never choose a person or a number by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from kiosk.desk.patients import PatientRow, birth_of, folded
from kiosk.results.eligibility import Outcome
from kiosk.results.registrations import Insurance, is_institution, is_insurance, is_number

# intended 送信前: stored, and surely not seen by the terminal. prepared: the same for staff; it lies in the share under
# a name that nobody reads. waiting 応答待ち: sent. unanswered 応答なし: waiting for long; an answer is read whenever it
# comes. registered 登録済み. failed 失敗: refused by the terminal, or surely never sent (code: see NOT_SENT). unsure
# 要確認: the answer is neither yes nor no. settled: unanswered or unsure, and a person looked at the terminal (code
# "there" or "not_there").
State = Literal["intended", "prepared", "waiting", "unanswered", "registered", "failed", "unsure", "settled"]
# Codes of a failure that is the desk's: the day ended before it could be sent; a person took it back; it cannot be
# opened with the key in use.
NOT_SENT = ("day_ended", "withdrawn", "key")

# Why a result offers no registration.
NotOffered = Literal[
    "off",  # no folder for requests
    "failed",  # the terminal's question failed, or its answer is of no use
    "has_number",
    "not_valid",  # the qualification is not valid today
    "several_records",  # more than one insurance: nobody chooses
    "incomplete",  # insurance or birth date is missing or has a form that a request does not take
    "no_institution",
]

# Why an act was refused. Nothing was stored or sent then.
Refusal = Literal[
    "off",
    "not_offered",
    "bad_number",  # empty, too long, or characters that a request does not take
    "number_unknown",  # the hospital's patients do not have it
    "no_reference_number",  # the table of reference numbers does not have the card's number
    "number_ambiguous",  # several reference numbers lead to the card's number
    "table_unusable",  # of patients or of reference numbers: see `kiosk status`
    "second_missing",  # no birth date of the hospital's own to compare with
    "second_differs",  # birth date of the file and of the hospital's patient, or as typed
    "name_differs",  # neither name nor kana are the file's, and nobody confirmed that the person is the same
    "not_confirmed",  # the tick is missing
    "already_sent",  # insurance or number has a request that is open, or the insurance was registered today
    "number_used_today",  # the same number was registered today with another insurance
    "not_open",  # nothing to settle or to take back
    "store",  # cannot be stored
]


@dataclass(frozen=True)
class Refused:
    """Nothing was stored or sent."""

    reason: Refusal


@dataclass(frozen=True)
class Found:
    """What an eligibility result says, as far as registering needs it. `visit`: its number today.

    `insurance`: of the one record; None when there is none, or several (`records`). `birth`: yyyyMMdd.
    """

    visit: int
    outcome: Outcome
    validity: str
    records: int
    institution: str | None
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)
    insurance: Insurance | None = field(repr=False)


@dataclass(frozen=True)
class Candidate:
    """The patient behind a typed number, for the page that asks for confirmation.

    `number`: of the card; `reference`: what will be registered (differs only with a table of reference numbers).
    `name`, `kana`, `birth` (yyyyMMdd): of the hospital's patient, "" without a table of patients; without `birth` it
    must be typed. `name_differs`: neither name nor kana are the file's; a second tick is needed.
    """

    number: str = field(repr=False)
    reference: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)
    name_differs: bool


@dataclass(frozen=True)
class Confirmation:
    """What staff confirmed. `birth`: from the hospital's own record, typed in any usual form; "": not given.

    `confirmed`: the tick; `same_person`: the second one, where names differ.
    """

    number: str = field(repr=False)
    birth: str = field(repr=False, default="")
    confirmed: bool = False
    same_person: bool = False


@dataclass(frozen=True)
class Registration:
    """One request, for the list. `id` is unique over all days; `visit`: whose tap, of the day on which it was `asked`.

    `file`: name of the request. `code`: of failed, settled, or what the terminal added. `why`: of unsure, see `Answer`.
    `message`: the terminal's words. `user`: who sent it. Values are "" where only hashes are kept and it has ended.
    """

    id: int
    visit: int
    state: State
    file: str
    code: str
    why: str
    user: str
    asked: datetime
    sent: datetime | None
    ended: datetime | None
    number: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)
    message: str = field(repr=False)


class Numbers(Protocol):
    """See `ReferenceNumbers`."""

    def references_of(self, patient: str) -> tuple[str, ...]:
        """Every reference number that leads to the card's number."""


def why_not(found: Found) -> NotOffered | None:
    """Why `found` offers no registration; None: it does."""
    if found.outcome in (Outcome.usable, Outcome.ambiguous):
        return "has_number"
    if found.outcome is Outcome.no_qualification:
        return "not_valid"
    if found.outcome is not Outcome.not_registered:
        return "failed"
    if found.validity != "1":
        return "not_valid"
    if found.records != 1:
        return "several_records"
    if found.insurance is None or not is_insurance(found.insurance) or not found.birth:
        return "incomplete"
    return None if is_institution(found.institution) else "no_institution"


def candidate(found: Found, number: str, patient: PatientRow | None, numbers: Numbers) -> Candidate | Refused:
    """`number`: of the card, as the hospital writes it; `patient`: whose it is, None without a table of patients."""
    references = numbers.references_of(number)
    if len(references) != 1:
        return Refused("number_ambiguous" if references else "no_reference_number")
    if not is_number(references[0]):
        return Refused("bad_number")
    if patient is None:
        return Candidate(number, references[0], "", "", "", name_differs=False)
    differs = not _same_name(found, patient)
    return Candidate(number, references[0], patient.name, patient.kana, patient.birth, name_differs=differs)


def why_unconfirmed(found: Found, chosen: Candidate, confirmation: Confirmation) -> Refusal | None:
    """What is missing before a request for `chosen` may be stored; None: nothing."""
    births = {chosen.birth, birth_of(confirmation.birth) or ""} - {""}
    if not births:
        return "second_missing"
    if births != {found.birth}:
        return "second_differs"
    if chosen.name_differs and not confirmation.same_person:
        return "name_differs"
    return None if confirmation.confirmed else "not_confirmed"


def _same_name(found: Found, patient: PatientRow) -> bool:
    pairs = ((found.kana, patient.kana), (found.name, patient.name))
    return any(ours != "" and folded(ours) == folded(theirs) for ours, theirs in pairs)
