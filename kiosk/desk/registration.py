"""Registering a reference number (照会番号): who may be registered, what must be confirmed, and what a request may be.

Pure values and rules; the effects are in registration_work.py. Must never choose a person or a number by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kiosk.results.registrations import Insurance

# intended 送信前: stored, and surely not seen by the terminal. prepared: the same for staff; it lies in the share under
# a name that nobody reads. waiting 応答待ち, unanswered 応答なし: sent (unanswered is waiting for long). registered 登録済み.
# failed 失敗: refused by the terminal, or surely never sent (code "not_sent"). unsure 要確認: the answer is neither yes nor no.
# settled: unanswered or unsure, and a person looked it up at the terminal (code "there" or "not_there").
State = Literal["intended", "prepared", "waiting", "unanswered", "registered", "failed", "unsure", "settled"]

# Why a result offers no registration.
NotOffered = Literal[
    "failed",  # the terminal's question failed
    "not_valid",  # the qualification is not valid today
    "several_records",  # more than one insurance
    "has_number",
    "incomplete",  # insurer or identification is missing or has a form that the terminal does not take
    "no_institution",
    "off",  # no folder for requests
]

# Why an act was refused. Nothing was stored or sent then.
Refusal = Literal[
    "off",
    "not_offered",
    "bad_number",  # empty, too long, or characters that Shift_JIS lacks
    "number_unknown",  # the hospital's patients do not have it
    "number_ambiguous",  # two patients have it, or two reference numbers lead to it
    "no_reference_number",  # the table of reference numbers does not have the card's number
    "table_unusable",  # of patients or of reference numbers: see `kiosk status`
    "second_missing",  # no second datum was given
    "second_differs",  # birth date of the file and of the hospital's patient (or as typed) differ
    "name_differs",  # names differ and nobody confirmed that the person is the same
    "not_confirmed",  # the tick is missing
    "already_sent",  # this insurance has a request that is open or was registered today
    "number_used_today",  # the same number was sent today with another insurance
    "not_open",  # nothing to settle or to withdraw
    "store",  # cannot be stored
]


@dataclass(frozen=True)
class Found:
    """What an eligibility result says, as far as registering needs it.

    `birth`: yyyyMMdd; `records`: how many insurances; `validity`: `QualificationValidity` as written; `succeeded`:
    SegmentOfResult and ProcessingResultStatus are both 1; `institution`: as in the header.
    """

    visit: int
    succeeded: bool
    validity: str
    records: int
    institution: str | None
    number: str | None = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)
    insurance: Insurance | None = field(repr=False)


@dataclass(frozen=True)
class Candidate:
    """The patient behind a typed number, for the page that asks for confirmation.

    `number`: of the card; `reference`: what will be registered (differs only with a table of reference numbers).
    `name`, `kana`, `birth`: of the hospital's patient, "" without a table of patients: `birth` must be typed then.
    `name_differs`: a second tick is needed.
    """

    number: str = field(repr=False)
    reference: str = field(repr=False)
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: str = field(repr=False)
    name_differs: bool


@dataclass(frozen=True)
class Confirmation:
    """What staff confirmed. `birth`: typed, only used without a table of patients, in any usual form.

    `confirmed`: the tick; `same_person`: the second one, where names differ.
    """

    number: str = field(repr=False)
    birth: str = field(repr=False, default="")
    confirmed: bool = False
    same_person: bool = False


@dataclass(frozen=True)
class Registration:
    """One request, for the list. `id` counts from 1 over all days; `file`: name of the request.

    `code`: of failed and settled; `why`: of unsure, see results/registrations.py; `message`: the terminal's words.
    Number and name are "" where only hashes are kept and the request has ended. `user`: who sent it.
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


@dataclass(frozen=True)
class Refused:
    """Nothing was stored or sent."""

    reason: Refusal
