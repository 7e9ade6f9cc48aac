"""Result XML bytes → `Eligibility` or `Unreadable(why)`; and `Reading`, what delivery needs to know of any file.

Owns what the elements mean that decide about a patient. Must never do I/O, never raise on any bytes, never guess a
number, and never find an element by its position.

Source of the format: public descriptions; the official interface specification was not available. So: tolerant in
what is accepted (order, unknown elements, unknown codes), strict in what is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from kiosk.results import names as result_files
from kiosk.results.documents import DEFAULT_MAX_BYTES, Unreadable, children, document, values

MAX_NUMBER_CHARS: Final = 50


class Outcome(StrEnum):
    """What a whole document says. All but `usable` are reasons at the counter."""

    usable = "usable"
    not_registered = "not_registered"
    ambiguous = "ambiguous"
    failed = "failed"
    no_qualification = "no_qualification"
    unreadable = "unreadable"


@dataclass(frozen=True, slots=True)
class Subsidy:
    """The link `PmhInfo/RequestPmhFileName`. Absent, empty and blank are the same: neither `refused` nor a `request`.

    `request` is a name that passed `result_files.request_name`; `refused` means a name was given and is not accepted,
    then no file is looked for.
    """

    refused: bool
    request: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """An eligibility result that is a whole document.

    `reference_number`: 1–50 printable characters, only when `outcome` is usable. `birthdate`: eight digits as written
    (parts may be 00), only when every record that has one says the same. `notes`: codes for slip and screen.
    `institution_code`: as written, "?" when it cannot be read, None when absent.
    """

    outcome: Outcome
    reference_number: str | None = field(repr=False)
    birthdate: str | None = field(repr=False)
    notes: tuple[str, ...]
    institution_code: str | None
    subsidy: Subsidy


@dataclass(frozen=True)
class Reading:
    """`whole`: a complete document. `provable`: bytes of this kind can show that they are whole (XML can, .err cannot).

    `request`: the lower-case subsidy request name the file belongs to or asks for, or "". `failed`: the terminal could
    not fetch the subsidies.
    """

    whole: bool
    provable: bool = True
    why: str = ""
    request: str = ""
    failed: bool = False
    refused: bool = False
    result: Eligibility | None = field(repr=False, default=None)


# The file's name, its bytes, and how many it may have.
Reader = Callable[[str, bytes, int], Reading]


def read(raw: bytes, max_bytes: int = DEFAULT_MAX_BYTES) -> Eligibility | Unreadable:
    """Read an eligibility result. Never raises for what is in `raw`."""
    root = document(raw, max_bytes)
    if isinstance(root, Unreadable):
        return root
    header = children([root], "MessageHeader")
    body = children([root], "MessageBody")
    lists = children(body, "ResultList")
    records = children(lists, "ResultOfQualificationConfirmation")
    # Known place: the record. Beside the list or in it is the fall-back; wherever it stands, all must agree.
    numbers = values(records + lists + body, "ReferenceNumber") - {""}
    validity = values(body, "QualificationValidity")
    codes = values(header, "MedicalInstitutionCode") - {""}
    succeeded = (
        values(header, "SegmentOfResult") == {"1"}
        and values(body, "ProcessingResultStatus") == {"1"}
        # Singletons that contradict themselves: the document says nothing we may rely on.
        and len(validity) <= 1
        and len(codes) <= 1
    )
    outcome = _outcome(succeeded, validity, numbers)
    usable = outcome is Outcome.usable
    return Eligibility(
        outcome=outcome,
        reference_number=next(iter(numbers)) if usable else None,
        birthdate=_birthdate(values(records, "Birthdate") - {""}),
        notes=("insurance_check",) if usable and validity != {"1"} else (),
        institution_code=_institution_code(codes),
        subsidy=_subsidy(values(children(body, "PmhInfo"), "RequestPmhFileName") - {""}),
    )


def read_result(_name: str, raw: bytes, max_bytes: int) -> Reading:
    """An eligibility result."""
    found = read(raw, max_bytes)
    if isinstance(found, Unreadable):
        return Reading(whole=False, why=found.why)
    subsidy = found.subsidy
    return Reading(whole=True, request=(subsidy.request or "").lower(), refused=subsidy.refused, result=found)


def read_subsidy(name: str, raw: bytes, max_bytes: int = DEFAULT_MAX_BYTES) -> Reading:
    """A subsidy file. An error file is opaque bytes: its being there is all it says."""
    request = result_files.request_key(name) or ""
    if result_files.kind(name) == "subsidy_error":
        return Reading(whole=True, provable=False, request=request, failed=True)
    root = document(raw, max_bytes, any_namespace=True)
    if isinstance(root, Unreadable):
        return Reading(whole=False, why=root.why, request=request)
    return Reading(whole=True, request=request)


# What the elements mean ------------------------------------------------------------------------------------------


def _outcome(succeeded: bool, validity: set[str | None], numbers: set[str | None]) -> Outcome:
    if not succeeded:
        return Outcome.failed
    if validity == {"4"}:
        return Outcome.no_qualification
    if len(numbers) > 1:
        return Outcome.ambiguous
    if not numbers:
        return Outcome.not_registered
    return Outcome.usable if _is_number(next(iter(numbers))) else Outcome.unreadable


def _is_number(text: str | None) -> bool:
    """`ReferenceNumber` is an identifier of 1–50 printable characters. Printable leaves out control, format (bidi
    overrides), private-use and unassigned characters and every blank but the plain one.
    """
    return text is not None and 0 < len(text) <= MAX_NUMBER_CHARS and text.isprintable()


def _birthdate(dates: set[str | None]) -> str | None:
    date = next(iter(dates)) if len(dates) == 1 else None
    return date if date is not None and re.fullmatch("[0-9]{8}", date) else None


def _institution_code(codes: set[str | None]) -> str | None:
    if not codes:
        return None
    code = next(iter(codes)) if len(codes) == 1 else None
    return code if code is not None and re.fullmatch("[0-9A-Za-z]{1,20}", code) else "?"


def _subsidy(names: set[str | None]) -> Subsidy:
    name = next(iter(names)) if len(names) == 1 else None
    request = result_files.request_name(name) if name is not None else None
    return Subsidy(refused=bool(names) and request is None, request=request)
